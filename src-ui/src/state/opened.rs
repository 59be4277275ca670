//! What of `App` is changed by a person: hosts that are opened, added and saved, and questions that are
//! answered.

use leptos::prelude::*;
use protocol::hosts::{Host, HostRow, LOCAL};
use protocol::link::{LinkState, Question};

use super::store::App;

impl App {
    /// Puts a host among the open ones in the rail; true if a person asks for it by that: it was not there,
    /// and it is no link that led to it.
    pub(crate) fn open_host(self, name: &str) -> bool {
        let is_linked = self.forget_link(name);
        let new = self.open.with_untracked(|open| !open.iter().any(|one| one == name));
        if new {
            self.open.update(|open| open.push(name.to_owned()));
        }
        new && !is_linked
    }

    /// A link led to the page of this host, and it is left or shown by now. True if one did.
    pub(crate) fn forget_link(self, name: &str) -> bool {
        self.linked.try_update_value(|linked| linked.remove(name)).unwrap_or_default()
    }

    pub(crate) fn close_host(self, name: &str) {
        self.open.update(|open| open.retain(|one| one != name));
    }

    /// Puts this computer among the hosts, before the engine lists it.
    pub(crate) fn add_local(self) {
        let known = self.rows.with_untracked(|rows| rows.contains_key(LOCAL));
        if known {
            return;
        }
        let host = Host {
            id: LOCAL.into(),
            name: LOCAL.into(),
            address: String::new(),
            port: 0,
            user: String::new(),
            identity: Default::default(),
            jump: None,
            groups: Vec::new(),
            tags: Vec::new(),
            sudo: Default::default(),
            helper_dir: None,
            helper: Default::default(),
            added_ms: 0,
        };
        let row = ArcRwSignal::new(HostRow { host, link: LinkState::Idle, last: None });
        self.rows.update(|rows| drop(rows.insert(LOCAL.to_owned(), row)));
    }
}

impl App {
    /// Takes in a host that was just saved, before the engine's event comes: a new row, or the old
    /// one under its new name.
    pub(crate) fn saved_host(self, old_name: &str, host: &Host) {
        self.forget_link(&host.name);
        if !old_name.is_empty() && old_name != host.name {
            self.open.update(|open| {
                for name in open.iter_mut().filter(|name| *name == old_name) {
                    *name = host.name.clone();
                }
            });
        }
        self.rows.update(|rows| {
            let row = rows.remove(old_name);
            let row = row.unwrap_or_else(|| {
                ArcRwSignal::new(HostRow { host: host.clone(), link: LinkState::Idle, last: None })
            });
            row.update(|row| row.host = host.clone());
            rows.insert(host.name.clone(), row);
        });
        self.refresh_hosts();
    }
}

impl App {
    pub(super) fn question_asked(self, question: Question) {
        self.questions.update(|questions| {
            if !questions.iter().any(|known| known.id == question.id) {
                questions.push(question);
            }
        });
    }

    /// A question that was answered, here or elsewhere, or that nobody waits for any more.
    pub(crate) fn question_over(self, id: u64) {
        self.questions.try_update(|questions| questions.retain(|question| question.id != id));
    }
}
