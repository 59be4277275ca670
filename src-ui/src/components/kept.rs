//! What is kept of a table: how a person has it, a line for each in the store, and the chosen rows for as
//! long as the window lives.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::columns::Columns;
use super::selection::Selection;
use super::shape::Shape;
use super::sort::Sort;
use super::view::View;
use crate::state::use_app;

/// Keeps what changes from now on.
fn follow<T: Clone + PartialEq + Send + Sync + 'static>(
    place: String,
    value: RwSignal<T>,
    to_line: fn(&T) -> String,
) {
    let app = use_app();
    Effect::new(move |before: Option<T>| {
        let now = value.get();
        if before.is_some_and(|before| before != now) {
            app.keep_line(&place, to_line(&now));
        }
        now
    });
}

/// Reads how a person had the columns of a table, and keeps what is changed.
pub(crate) fn kept_shape(table: &'static str) -> RwSignal<Shape> {
    let place = format!("columns-{table}");
    let shape = RwSignal::new(
        use_app().kept_line(&place).map_or_else(Shape::default, |line| Shape::parse_line(&line)),
    );
    follow(place, shape, Shape::to_line);
    shape
}

/// How a person has a table. It is the same for every host: who looks for nginx on one host and goes
/// on to the next looks for it there too.
#[derive(Clone, Copy)]
pub(crate) struct KeptView(RwSignal<View>);

impl KeptView {
    pub(crate) fn of(table: &'static str) -> Self {
        let place = format!("view-{table}");
        let view = RwSignal::new(
            use_app().kept_line(&place).map_or_else(View::default, |line| View::parse_line(&line)),
        );
        follow(place, view, View::to_line);
        Self(view)
    }

    /// The words of the filter.
    pub(crate) fn text(self) -> RwSignal<String> {
        let text = RwSignal::new(self.0.with_untracked(|view| view.text().to_owned()));
        Effect::new(move |_| text.with(|text| self.change(|view| view.set_text(text))));
        text
    }

    /// The words that the page's path asks for, else those that were kept. What a link asked for is kept
    /// only once a person changes it.
    pub(crate) fn text_or_path(self) -> RwSignal<String> {
        let asked = use_query_map();
        let asked = Memo::new(move |_| asked.with(|asked| asked.get("q")));
        let kept = || self.0.with_untracked(|view| view.text().to_owned());
        let text = RwSignal::new(asked.get_untracked().unwrap_or_else(kept));
        Effect::new(move |before: Option<Option<String>>| {
            let now = asked.get();
            if let Some(now) = now.clone().filter(|_| before.is_some_and(|before| before != now)) {
                text.set(now);
            }
            now
        });
        Effect::new(move |_| {
            let now = text.get();
            if asked.with_untracked(|asked| asked.as_ref() != Some(&now)) {
                self.change(|view| view.set_text(&now));
            }
        });
        text
    }

    /// The order of the rows.
    pub(crate) fn sort<C: Columns>(self, at_first: Sort) -> RwSignal<Sort> {
        let known = C::ALL.iter().map(|column| column.id());
        let sort = RwSignal::new(self.0.with_untracked(|view| view.sort(known)).unwrap_or(at_first));
        Effect::new(move |before: Option<Sort>| {
            let now = sort.get();
            if before.is_some_and(|before| before != now) {
                self.change(|view| view.set_sort(now));
            }
            now
        });
        sort
    }

    /// A choice beside the filter that is a word; empty at first.
    pub(crate) fn word(self, name: &'static str) -> RwSignal<String> {
        self.choice(name, |word| word.to_owned(), |word| word.clone())
    }

    /// One that is on or off; off at first.
    pub(crate) fn flag(self, name: &'static str) -> RwSignal<bool> {
        self.choice(name, |word| word == "yes", |is_on| if *is_on { "yes".into() } else { String::new() })
    }

    /// One of any kind; its first value is what `parse` makes of the empty word.
    pub(crate) fn choice<T: Send + Sync + 'static>(
        self,
        name: &'static str,
        parse: impl Fn(&str) -> T,
        to_word: impl Fn(&T) -> String + Send + Sync + 'static,
    ) -> RwSignal<T> {
        let value = RwSignal::new(self.0.with_untracked(|view| parse(view.choice(name))));
        Effect::new(move |_| {
            let word = value.with(&to_word);
            self.change(|view| view.set_choice(name, &word));
        });
        value
    }

    /// Changes it, and tells nobody of a change that is none.
    fn change(self, change: impl FnOnce(&mut View)) {
        let mut view = self.0.get_untracked();
        change(&mut view);
        if self.0.with_untracked(|before| *before != view) {
            self.0.set(view);
        }
    }
}

/// The rows that are chosen in a table, and the one that has the keyboard.
#[derive(Clone, Default)]
pub(crate) struct KeptRows {
    chosen: ArcRwSignal<Selection>,
    cursor: ArcRwSignal<Option<String>>,
}

/// The rows of one table that were chosen before another page was shown; `host` is empty for a table of
/// all. Those that are not there any more count for nothing, and come back with their row.
pub(crate) fn kept_rows(table: &'static str, host: &str) -> (RwSignal<Selection>, RwSignal<Option<String>>) {
    let kept = use_app().rows_kept.try_update_value(|all| {
        all.entry((table, host.to_owned())).or_insert_with(KeptRows::default).clone()
    });
    let KeptRows { chosen, cursor } = kept.unwrap_or_default();
    (chosen.into(), cursor.into())
}
