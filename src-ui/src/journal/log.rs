//! What the page knows of a log: the page read last, what follows it, and what was asked for.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::JournalShow;
use protocol::journal::{JournalNews, JournalQuery, JournalSight, JournalSource};
use protocol::services::is_unit_name;
use protocol::{Fault, FaultCode};

use super::entries::{Entries, parse_priority};
use crate::components::{KeptView, kept_rows};
use crate::ipc;

/// What the page knows and whether it is held still.
#[derive(Clone, Copy)]
pub(super) struct Log {
    pub(super) host: StoredValue<String>,
    pub(super) text: RwSignal<String>,
    pub(super) unit: RwSignal<String>,
    /// This priority and more severe ones.
    pub(super) priority: RwSignal<Option<u8>>,
    pub(super) entries: RwSignal<Entries>,
    /// What the entries are the answer to.
    pub(super) answered: RwSignal<Option<JournalQuery>>,
    pub(super) older: RwSignal<Option<String>>,
    pub(super) about: RwSignal<Option<About>>,
    pub(super) fault: RwSignal<Option<Fault>>,
    pub(super) is_read: RwSignal<bool>,
    pub(super) is_reading_older: RwSignal<bool>,
    pub(super) paused: RwSignal<bool>,
    /// The list stands at its newest entry.
    pub(super) at_top: RwSignal<bool>,
    pub(super) cursor: RwSignal<Option<String>>,
    pub(super) skipped: RwSignal<u64>,
    stream: StoredValue<Option<ipc::Stream>, LocalStorage>,
    /// Answers to an earlier question are dropped.
    question: StoredValue<u64>,
}

/// What a page says of the log beside its entries.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct About {
    pub(super) source: JournalSource,
    pub(super) sight: JournalSight,
    pub(super) not_filtered: Vec<String>,
    pub(super) left_out: u32,
}

impl Log {
    pub(super) fn new(host: String) -> Self {
        let view = KeptView::of("journal");
        let (_, cursor) = kept_rows("journal", &host);
        let log = Self {
            host: StoredValue::new(host),
            text: view.text(),
            unit: view.word("unit"),
            priority: view.choice("priority", parse_priority, |priority| {
                priority.map_or_else(String::new, |priority| priority.to_string())
            }),
            entries: RwSignal::new(Entries::default()),
            answered: RwSignal::new(None),
            older: RwSignal::new(None),
            about: RwSignal::new(None),
            fault: RwSignal::new(None),
            is_read: RwSignal::new(false),
            is_reading_older: RwSignal::new(false),
            paused: RwSignal::new(false),
            at_top: RwSignal::new(true),
            cursor,
            skipped: RwSignal::new(0),
            stream: StoredValue::new_local(None),
            question: StoredValue::new(0),
        };
        on_cleanup(move || log.unfollow());
        log
    }

    /// What is asked for; `None` while the unit is not a whole name yet.
    pub(super) fn query(self) -> Option<JournalQuery> {
        let unit = self.unit.with(|unit| unit.trim().to_owned());
        if !unit.is_empty() && !is_unit_name(&unit) {
            return None;
        }
        Some(JournalQuery {
            unit: (!unit.is_empty()).then_some(unit),
            priority: self.priority.get(),
            text: self.text.with(|text| text.trim().to_owned()),
            ..JournalQuery::default()
        })
    }

    /// True if the entries are the answer to another question than the one that is asked now.
    pub(super) fn is_behind(self) -> bool {
        self.query().is_some_and(|query| self.answered.with(|answered| answered.as_ref() != Some(&query)))
    }

    pub(super) fn is_held(self) -> bool {
        self.paused.get() || !self.at_top.get() || self.cursor.with(Option::is_some)
    }

    fn unfollow(self) {
        if let Some(Some(_)) = self.stream.try_update_value(Option::take) {
            spawn_local(ipc::unfollow_journal());
        }
    }

    /// Reads the newest page and follows from there.
    pub(super) fn start(self, query: JournalQuery) {
        self.unfollow();
        let Some(question) = self.question.try_update_value(|question| {
            *question += 1;
            *question
        }) else {
            return;
        };
        let is_current = move || self.question.try_get_value() == Some(question);
        let host = self.host.get_value();
        spawn_local(async move {
            let told = ipc::call(JournalShow { host: host.clone(), query: query.clone() }).await;
            if !is_current() {
                return;
            }
            let page = match told {
                Ok(page) => page,
                Err(fault) => {
                    self.fault.set(Some(fault));
                    return;
                }
            };
            self.fault.set(None);
            // The entry that was read stays chosen where the page has it, and holds the list still.
            let is_there = |key: &String| page.entries.iter().any(|entry| entry.cursor == *key);
            if self.cursor.with_untracked(|at| at.as_ref().is_some_and(|at| !is_there(at))) {
                self.cursor.set(None);
            }
            self.skipped.set(0);
            self.older.set(page.older);
            self.about.set(Some(About {
                source: page.source,
                sight: page.sight,
                not_filtered: page.not_filtered,
                left_out: page.left_out,
            }));
            self.entries.set(Entries::of_page(page.entries));
            self.is_read.set(true);
            self.answered.set(Some(query.clone()));
            let follow = JournalQuery { after: page.newer, ..query };
            let on_news = move |news: Result<JournalNews, Fault>| {
                if is_current() {
                    self.take(news);
                }
            };
            match ipc::follow_journal(JournalShow { host, query: follow }, on_news).await {
                Ok(stream) if is_current() => {
                    self.stream.try_update_value(|kept| kept.replace(stream));
                }
                Ok(_) => {}
                // The entries stand; only what comes after them is not seen.
                Err(fault) => drop(self.fault.try_set(Some(fault))),
            }
        });
    }

    fn take(self, news: Result<JournalNews, Fault>) {
        match news {
            Ok(news) => {
                let is_held = untrack(|| self.is_held());
                self.entries.update(|entries| entries.add_newer(news.entries, is_held));
                self.skipped.update(|skipped| *skipped = (*skipped).max(news.skipped));
            }
            // A lost link is said by the state of the host.
            Err(fault) if fault.code == FaultCode::LinkLost => {}
            Err(fault) => self.fault.set(Some(fault)),
        }
    }

    pub(super) fn read_older(self) {
        let (Some(before), Some(query)) = (self.older.get_untracked(), untrack(|| self.query())) else {
            return;
        };
        if self.is_reading_older.get_untracked() {
            return;
        }
        self.is_reading_older.set(true);
        let question = self.question.get_value();
        let host = self.host.get_value();
        spawn_local(async move {
            let query = JournalQuery { before: Some(before), ..query };
            let told = ipc::call(JournalShow { host, query }).await;
            self.is_reading_older.try_set(false);
            if self.question.try_get_value() != Some(question) {
                return;
            }
            match told {
                Ok(page) => {
                    self.older.set(page.older);
                    self.entries.update(|entries| entries.add_older(page.entries));
                }
                Err(fault) => self.fault.set(Some(fault)),
            }
        });
    }
}
