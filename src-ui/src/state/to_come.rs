//! Series of actions that are carried out, so that who quits is told how many of them have not begun.

use std::sync::Arc;

use leptos::prelude::*;

use super::store::App;

/// How many of one series have not begun; tracks it.
pub(super) type Count = Arc<dyn Fn() -> usize + Send + Sync>;

/// Counts a series until it is dropped.
pub(crate) struct Counted {
    app: App,
    id: u64,
}

impl App {
    /// Counts what has not begun of a series, by what tells it, among what is to come.
    pub(crate) fn count_to_come(self, count: impl Fn() -> usize + Send + Sync + 'static) -> Counted {
        let id = self.next_serial();
        self.series.try_update(|all| all.insert(id, Arc::new(count)));
        Counted { app: self, id }
    }

    /// How many actions will begin when those before them have ended. Tracks them.
    pub(crate) fn to_come(self) -> usize {
        self.series.with(|all| all.values().map(|count| count()).sum())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.app.series.try_update(|all| all.remove(&self.id));
    }
}
