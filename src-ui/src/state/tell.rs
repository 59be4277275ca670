//! What is told in the corner of the window: the one way to a notice.

use leptos::prelude::*;
use protocol::Fault;
use protocol::link::LinkState;
use protocol::text::printable;

use super::store::{App, now_ms, zone_min};
use crate::components::fault_code;
use crate::components::shelf::{Toast, ToastKind};
use crate::format;
use crate::text::{I18n, fault_text, fault_title, lang, t_string};

impl App {
    /// Says for a while what ended well. The words must be safe to show.
    pub(crate) fn tell(self, words: impl FnOnce(I18n) -> String) {
        self.tell_more(words, String::new());
    }

    /// The same with a line of detail, which may come from anywhere.
    pub(crate) fn tell_more(self, words: impl FnOnce(I18n) -> String, text: String) {
        let title = untrack(|| words(self.i18n));
        let text = printable(&text).into_owned();
        self.put(Toast { kind: ToastKind::Done, title, text, code: None });
    }

    /// Says what did not end well where no fault of the engine tells it.
    pub(crate) fn warn(self, words: impl FnOnce(I18n) -> String) {
        let title = untrack(|| words(self.i18n));
        self.put(Toast { kind: ToastKind::Alert, title, text: String::new(), code: None });
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
        self.put(Toast { kind: ToastKind::Alert, title, text, code: None });
    }

    /// Shows a fault that belongs to no place on the page.
    pub(crate) fn complain(self, fault: Fault) {
        let (title, text) = untrack(|| (fault_title(self.i18n, &fault), fault_text(self.i18n, &fault)));
        self.put(Toast { kind: ToastKind::Alert, title, text, code: Some(fault_code(&fault)) });
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
