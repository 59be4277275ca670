//! What is told in the corner of the window: the one way to a notice.

use std::time::Duration;

use leptos::prelude::*;
use protocol::Fault;
use protocol::link::LinkState;
use protocol::text::printable;

use super::store::{App, now_ms, zone_min};
use crate::components::fault_code;
use crate::components::shelf::{Toast, ToastKind};
use crate::format::{self, Lang};
use crate::text::{I18n, fault_next, fault_text, fault_title, lang, t_string};

/// How many of a series of actions ended how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeriesEnd {
    /// What was done to them and where, safe to show.
    pub(crate) what: String,
    pub(crate) count: usize,
    pub(crate) done: usize,
    pub(crate) failed: usize,
    /// Not begun.
    pub(crate) left: usize,
}

impl App {
    /// Says for a while what ended well. The words must be safe to show.
    pub(crate) fn tell(self, words: impl FnOnce(I18n) -> String) {
        self.tell_more(words, String::new());
    }

    /// The same with a line of detail, which may come from anywhere.
    pub(crate) fn tell_more(self, words: impl FnOnce(I18n) -> String, text: String) {
        let title = untrack(|| words(self.i18n));
        let text = printable(&text).into_owned();
        self.put(Toast { kind: ToastKind::Done, title, text, code: None, way: None });
    }

    /// Says what did not end well where no fault of the engine tells it.
    pub(crate) fn warn(self, words: impl FnOnce(I18n) -> String) {
        let title = untrack(|| words(self.i18n));
        self.put(Toast { kind: ToastKind::Alert, title, text: String::new(), code: None, way: None });
    }

    /// Says how a series of actions ended whose dialog is gone: `done` of `count`, and the others. It waits
    /// while the app is locked: nobody would see it.
    pub(crate) fn tell_of_series(self, ended: SeriesEnd) {
        let is_locked = self.facts.with_untracked(|facts| facts.value().is_none_or(|facts| facts.locked));
        if is_locked {
            set_timeout(move || self.tell_of_series(ended), Duration::from_secs(1));
            return;
        }
        let SeriesEnd { what, count, done, failed, left } = ended;
        let i18n = self.i18n;
        let title = untrack(|| match left {
            0 => t_string!(i18n, tables.several_told, done = done, count = count, failed = failed),
            _ => t_string!(
                i18n,
                tables.several_told_left,
                done = done,
                count = count,
                failed = failed,
                left = left
            ),
        });
        let kind = if done == count { ToastKind::Done } else { ToastKind::Alert };
        let way = untrack(|| t_string!(i18n, tables.several_way).to_owned());
        self.put(Toast { kind, title, text: what, code: None, way: Some(("/operations", way)) });
    }

    /// Tells of hosts that were started anew while they were out of reach, of those that are open: after a round
    /// of updates they come by the hundred.
    pub(super) fn tell_rebooted(self, mut hosts: Vec<(String, Option<i64>)>) {
        self.open.with_untracked(|open| hosts.retain(|(name, _)| open.contains(name)));
        let (title, text) = match hosts.as_slice() {
            [] => return,
            [(one, since_ms)] => {
                let (host, i18n) = (printable(one).into_owned(), self.i18n);
                let title = untrack(|| t_string!(i18n, app.rebooted, host = host));
                let text = untrack(|| match since_ms {
                    Some(at_ms) => {
                        let when = format::moment(*at_ms, now_ms(), zone_min(*at_ms), lang(i18n));
                        t_string!(i18n, app.rebooted_since, when = when)
                    }
                    None => t_string!(i18n, app.rebooted_meanwhile).to_owned(),
                });
                (title, text)
            }
            several => {
                let (count, i18n) = (several.len() as u64, self.i18n);
                let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
                let title = untrack(|| t_string!(i18n, app.rebooted_several, count = count));
                (title, printable(&names.join(", ")).into_owned())
            }
        };
        self.put(Toast { kind: ToastKind::Alert, title, text, code: None, way: None });
    }

    /// Shows a fault that belongs to no place on the page.
    pub(crate) fn complain(self, fault: Fault) {
        let (title, text, next) = untrack(|| {
            let i18n = self.i18n;
            (fault_title(i18n, &fault), fault_text(i18n, &fault), fault_next(i18n, &fault))
        });
        // Chinese sentences stand close.
        let between = if untrack(|| lang(self.i18n)) == Lang::Chinese { "" } else { " " };
        let text = format!("{text}{between}{next}");
        self.put(Toast { kind: ToastKind::Alert, title, text, code: Some(fault_code(&fault)), way: None });
    }

    pub(crate) fn dismiss(self, id: u64) {
        self.toasts.try_update(|shelf| shelf.take_down(id));
    }

    fn put(self, toast: Toast) {
        self.toasts.try_update(|shelf| shelf.put(toast, now_ms()));
    }

    /// Notes a new state of a link; true if a link that was lost is up again.
    pub(super) fn has_come_back(self, name: &str, state: &LinkState) -> bool {
        let change = |lost: &mut std::collections::BTreeSet<String>| match state {
            LinkState::Lost { .. } => {
                lost.insert(name.to_owned());
                false
            }
            // On its way, so neither lost for good nor back.
            LinkState::Connecting { .. } => false,
            LinkState::Live { .. } => lost.remove(name),
            LinkState::Idle | LinkState::Failed { .. } => {
                lost.remove(name);
                false
            }
        };
        self.lost.try_update_value(change).unwrap_or_default()
    }

    /// Tells of the links that came back. Of hosts that nobody has open only the list tells: with a
    /// whole network they come by the hundred.
    pub(super) fn tell_back(self, names: Vec<String>) {
        let open = self.open.with_untracked(|open| {
            names.into_iter().filter(|name| open.contains(name)).collect::<Vec<String>>()
        });
        match open.as_slice() {
            [] => {}
            [one] => {
                let host = printable(one).into_owned();
                self.tell(|i18n| t_string!(i18n, app.connected_again, host = host));
            }
            several => {
                let count = several.len() as u64;
                self.tell_more(
                    |i18n| t_string!(i18n, app.connected_again_several, count = count),
                    several.join(", "),
                );
            }
        }
    }
}
