//! State of the inbox: what is asked of the log, what is loaded of it, what is chosen.
//!
//! The unread are asked for apart from the newest page, so that one that is far back in the log
//! still stands at the top.

use std::collections::HashMap;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::ipc::{OperationShow, OperationsList, OperationsRead, OperationsUnread};
use protocol::operations::{
    Found, Operation, OperationCounts, OperationFilter, OperationKind, OperationPage, OperationResult,
    ReadMark, ReadSelection,
};

use super::groups::{Group, Inbox, neighbour};
use crate::components::{KeptView, kept_rows};
use crate::format;
use crate::ipc;
use crate::state::{App, now_ms, use_app, zone_min};

const PAGE: u32 = 100;
const DAY_MS: i64 = 86_400_000;
/// How many days back can be asked for.
pub(crate) const DAYS: [&str; 3] = ["1", "7", "30"];
const UNREAD_MOST: u32 = 200;

/// Which of the three segments is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Which {
    #[default]
    All,
    Unread,
    Failed,
}

impl Which {
    /// The name it is remembered by; the first has none.
    fn name(self) -> &'static str {
        match self {
            Which::All => "",
            Which::Unread => "unread",
            Which::Failed => "failed",
        }
    }

    fn of_name(name: &str) -> Which {
        let others = [Which::Unread, Which::Failed];
        others.into_iter().find(|which| which.name() == name).unwrap_or_default()
    }
}

/// State of the inbox.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    app: App,
    /// The one host it is about, if it is a host's own page.
    pub(crate) own_host: StoredValue<Option<String>>,
    pub(crate) text: RwSignal<String>,
    pub(crate) which: RwSignal<Which>,
    pub(crate) host: RwSignal<String>,
    pub(crate) kind: RwSignal<String>,
    pub(crate) result: RwSignal<String>,
    pub(crate) operator: RwSignal<String>,
    /// How many days back; empty is all.
    pub(crate) days: RwSignal<String>,
    /// Where the words stand that were looked for, by operation.
    pub(crate) found: RwSignal<HashMap<u64, Vec<Found>>>,
    pub(crate) inbox: RwSignal<Inbox>,
    pub(crate) next: RwSignal<Option<u64>>,
    pub(crate) counts: RwSignal<OperationCounts>,
    pub(crate) is_read: RwSignal<bool>,
    pub(crate) fault: RwSignal<Option<Fault>>,
    pub(crate) chosen: RwSignal<Option<u64>>,
    serial: StoredValue<u64>,
    /// The text was changed, and is not asked for yet.
    is_typing: StoredValue<bool>,
    /// The list is to be built again by the next answer, whoever asked for it.
    is_stale: StoredValue<bool>,
    is_paging: StoredValue<bool>,
    /// Put back among the unread by hand: leaving it does not count as reading it.
    kept_unread: StoredValue<Option<u64>>,
}

impl Desk {
    pub(crate) fn new(own_host: Option<String>) -> Self {
        let table = if own_host.is_some() { "host-operations" } else { "operations" };
        let view = KeptView::of(table);
        let (_, chosen) = kept_rows(table, own_host.as_deref().unwrap_or_default());
        // A filter that this version does not know would hide what it cannot show.
        let known = |name, is_known: fn(&str) -> bool| {
            let parse = move |word: &str| if is_known(word) { word.to_owned() } else { String::new() };
            view.choice(name, parse, |word: &String| word.clone())
        };
        let at = chosen.with_untracked(|key| key.as_deref().and_then(|key| key.parse().ok()));
        let desk = Self {
            app: use_app(),
            own_host: StoredValue::new(own_host),
            text: view.text(),
            which: view.choice("which", Which::of_name, |which| which.name().to_owned()),
            host: view.word("host"),
            kind: known("kind", |word| OperationKind::ALL.iter().any(|kind| kind.name() == word)),
            result: known("result", |word| RESULTS.iter().any(|result| result.words() == word)),
            operator: view.word("operator"),
            days: known("days", |word| DAYS.contains(&word)),
            found: RwSignal::default(),
            inbox: RwSignal::default(),
            next: RwSignal::new(None),
            counts: RwSignal::default(),
            is_read: RwSignal::new(false),
            fault: RwSignal::new(None),
            chosen: RwSignal::new(at),
            serial: StoredValue::new(0),
            is_typing: StoredValue::new(false),
            is_stale: StoredValue::new(false),
            is_paging: StoredValue::new(false),
            kept_unread: StoredValue::new(None),
        };
        Effect::new(move |_| chosen.set(desk.chosen.get().map(|id| id.to_string())));
        desk
    }

    fn filter(self) -> OperationFilter {
        let some = |text: String| (!text.is_empty()).then_some(text);
        let which = self.which.get_untracked();
        let (kind, result) = (self.kind.get_untracked(), self.result.get_untracked());
        OperationFilter {
            host: self.own_host.get_value().or_else(|| some(self.host.get_untracked())),
            kind: OperationKind::ALL.into_iter().find(|known| known.name() == kind),
            result: RESULTS.into_iter().find(|known| known.words() == result),
            operator: some(self.operator.get_untracked()),
            since_ms: self
                .days
                .with_untracked(|days| days.parse::<i64>().ok())
                .map(|days| now_ms() - days * DAY_MS),
            failed: which == Which::Failed,
            unread: which == Which::Unread,
            text: self.text.with_untracked(|text| text.trim().to_owned()),
            limit: Some(PAGE),
            ..OperationFilter::default()
        }
    }

    /// What is asked for now, without a limit.
    pub(crate) fn asked(self) -> OperationFilter {
        OperationFilter { limit: None, ..self.filter() }
    }

    /// Puts an operation that changed in its place.
    pub(crate) fn renew(self, operation: Operation) {
        self.inbox.try_update(|inbox| inbox.add(vec![operation]));
    }

    pub(crate) fn is_filtered(self) -> bool {
        let is_set = |field: RwSignal<String>| field.with(|text| !text.trim().is_empty());
        self.which.get() != Which::All
            || [self.text, self.host, self.kind, self.result, self.operator, self.days]
                .into_iter()
                .any(is_set)
    }

    pub(crate) fn clear_filters(self) {
        for field in [self.text, self.host, self.kind, self.result, self.operator, self.days] {
            field.set(String::new());
        }
        self.which.set(Which::All);
    }

    /// Reads the log anew. With `fresh` the list is built again; without, what is new is added and
    /// nothing that is on screen moves to another group, unless a list is still to be built.
    pub(crate) fn read(self, fresh: bool) {
        let filter = self.filter();
        if fresh {
            self.is_typing.set_value(false);
            self.is_stale.set_value(true);
        }
        let own = self.serial.try_update_value(|serial| {
            *serial += 1;
            *serial
        });
        spawn_local(async move {
            let unread = OperationFilter { unread: true, limit: Some(UNREAD_MOST), ..filter.clone() };
            let unread = ipc::call(OperationsList { filter: unread }).await;
            let page = ipc::call(OperationsList { filter }).await;
            if self.serial.try_get_value() != own {
                return;
            }
            match (unread, page) {
                (Ok(unread), Ok(page)) => {
                    // What only adds may have overtaken what builds again, whose answer is not taken then.
                    let fresh = self.is_stale.try_update_value(std::mem::take).unwrap_or_default();
                    self.take(unread, page, fresh);
                }
                (Err(fault), _) | (_, Err(fault)) => {
                    self.fault.set(Some(fault));
                }
            }
            self.is_read.set(true);
        });
    }

    /// Other words were typed, and will be asked for after a pause.
    pub(crate) fn wait_for_text(self) {
        self.is_typing.set_value(true);
    }

    /// True if the list is not yet what is asked for.
    pub(crate) fn is_behind(self) -> bool {
        self.is_typing.get_value() || self.is_stale.get_value()
    }

    fn take(self, unread: OperationPage, page: OperationPage, fresh: bool) {
        self.fault.set(None);
        self.counts.set(page.counts);
        if fresh {
            self.next.set(page.next);
        }
        if fresh {
            self.found.set(HashMap::new());
        }
        self.keep_found(&unread);
        self.keep_found(&page);
        self.inbox.update(|inbox| {
            if fresh {
                *inbox = Inbox::default();
            }
            inbox.add(unread.operations);
            inbox.add(page.operations);
        });
        // Something to look at from the start; it counts as read once a person opens or leaves it.
        let is_there = |id| self.inbox.with_untracked(|inbox| inbox.get(id).is_some());
        if !self.chosen.get_untracked().is_some_and(is_there) {
            let first = untrack(|| self.groups()).first().and_then(|(_, ids)| ids.first().copied());
            self.chosen.set(first);
        }
    }

    fn keep_found(self, page: &OperationPage) {
        if !page.found.is_empty() {
            let found = page.operations.iter().zip(&page.found);
            self.found
                .update(|all| all.extend(found.map(|(operation, found)| (operation.id, found.clone()))));
        }
    }

    /// Reads the page after what is there, once at a time.
    pub(crate) fn read_on(self) {
        let Some(before) = self.next.get_untracked() else { return };
        if self.is_paging.get_value() {
            return;
        }
        self.is_paging.set_value(true);
        let filter = OperationFilter { before: Some(before), ..self.filter() };
        let own = self.serial.get_value();
        spawn_local(async move {
            let told = ipc::call(OperationsList { filter }).await;
            self.is_paging.try_set_value(false);
            if self.serial.try_get_value() != Some(own) {
                return;
            }
            match told {
                Ok(page) => {
                    self.next.set(page.next);
                    self.keep_found(&page);
                    self.inbox.update(|inbox| inbox.add(page.operations));
                }
                Err(fault) => self.app.complain(fault),
            }
        });
    }

    /// Groups as they stand on screen; tracked.
    pub(crate) fn groups(self) -> Vec<(Group, Vec<u64>)> {
        let now = now_ms();
        self.inbox.with(|inbox| inbox.groups(|at_ms| format::days_ago(at_ms, now, zone_min(at_ms))))
    }

    /// Shows an operation and, since a person opened it, marks it as read.
    pub(crate) fn open(self, id: u64) {
        let left = self.chosen.get_untracked();
        self.chosen.set(Some(id));
        let kept = self.kept_unread.try_update_value(Option::take).flatten();
        if let Some(left) = left.filter(|left| *left != id && kept != Some(*left)) {
            self.mark_shown(left);
        }
        self.mark_shown(id);
    }

    fn mark_shown(self, id: u64) {
        let is_unread = self.inbox.with_untracked(|inbox| inbox.get(id).is_some_and(|o| o.is_unread()));
        if is_unread {
            // After it is on screen: what was never shown must not count as read.
            request_animation_frame(move || {
                spawn_local(async move {
                    match ipc::call(OperationsRead { selection: ReadSelection::Ids(vec![id]) }).await {
                        Ok(counts) => self.mark(&[id], true, counts),
                        Err(fault) => self.app.complain(fault),
                    }
                });
            });
        }
    }

    fn mark(self, ids: &[u64], read: bool, counts: OperationCounts) {
        let by = self.app.facts.with_untracked(|facts| facts.value().map(|facts| facts.operator.clone()));
        let mark = read.then(|| ReadMark { by: by.unwrap_or_default(), at_ms: now_ms() });
        self.inbox.try_update(|inbox| {
            for id in ids {
                inbox.change(*id, |operation| operation.read = mark.clone());
            }
        });
        self.counts.try_set(counts);
        self.app.counts.set(counts);
    }

    pub(crate) fn mark_unread(self, id: u64) {
        self.kept_unread.set_value(Some(id));
        spawn_local(async move {
            match ipc::call(OperationsUnread { ids: vec![id] }).await {
                Ok(counts) => self.mark(&[id], false, counts),
                Err(fault) => self.app.complain(fault),
            }
        });
    }

    pub(crate) fn mark_all(self) {
        // On the page of one host only that host's entries are meant; with a filter, all that it finds.
        let ids: Vec<u64> = self.inbox.with_untracked(Inbox::unread);
        let selection = if self.own_host.with_value(Option::is_some) || untrack(|| self.is_filtered()) {
            ReadSelection::Filter(self.asked())
        } else {
            ReadSelection::All
        };
        spawn_local(async move {
            match ipc::call(OperationsRead { selection }).await {
                Ok(counts) => self.mark(&ids, true, counts),
                Err(fault) => self.app.complain(fault),
            }
        });
    }

    /// Shows an operation that a link led to, whether or not it is on the page.
    pub(crate) fn show(self, id: u64) {
        spawn_local(async move {
            match ipc::call(OperationShow { id }).await {
                Ok(operation) => {
                    self.inbox.try_update(|inbox| inbox.add(vec![operation]));
                    self.open(id);
                }
                Err(fault) => self.app.complain(fault),
            }
        });
    }

    /// Moves the choice by rows.
    pub(crate) fn step(self, by: i64) {
        let groups = untrack(|| self.groups());
        if let Some(id) = neighbour(&groups, self.chosen.get_untracked(), by) {
            self.open(id);
        }
    }
}

/// Results that can be asked for, the bad ones first.
pub(crate) const RESULTS: [OperationResult; 7] = OperationResult::ALL;
