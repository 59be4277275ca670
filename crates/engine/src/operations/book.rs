//! What is counted of the log, kept in the transaction of each change: for all, for each host, and for
//! each operator what is unread. So a badge costs nothing and is right after any crash.

use std::collections::BTreeMap;

use protocol::Fault;
use protocol::operations::{Operation, OperationCounts};
use serde::{Deserialize, Serialize};

use super::chain::{Pen, Runner};
use crate::store::{Tree, View, Writer};

pub(super) const LEDGER: Tree<String, Ledger> = Tree::new("operations_ledger", 1);
pub(super) const KEY: &str = "ledger";
/// Counts of one host, by its id.
pub(super) const HOSTS: Tree<String, Scope> = Tree::new("operations_hosts", 1);

/// What is known of the log as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Ledger {
    pub(super) newest: u64,
    /// Entries up to this one were retired.
    pub(super) retired: u64,
    pub(super) scope: Scope,
    /// Entries of an earlier version that were brought into the chain and the counts, up to this one;
    /// then all of them are.
    pub(super) adopted_through: u64,
    pub(super) is_adopted: bool,
    /// How often the store had been recovered when all of it was counted last.
    pub(super) counted_after: u64,
    /// Number of the last turn of the store that has an entry.
    pub(super) turn: u64,
}

/// Counts of a part of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Scope {
    pub(super) total: u64,
    pub(super) failed: u64,
    /// For each operator that was ever seen.
    pub(super) unread: BTreeMap<String, Unread>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Unread {
    pub(super) all: u64,
    pub(super) failed: u64,
}

impl Scope {
    pub(super) fn counts(&self, operator: &str) -> OperationCounts {
        let unread = self.unread.get(operator).copied().unwrap_or_default();
        OperationCounts {
            total: self.total,
            unread: unread.all,
            unread_failed: unread.failed,
            failed: self.failed,
        }
    }
}

pub(super) fn ledger(view: &impl View) -> Result<Ledger, Fault> {
    Ok(LEDGER.get(view, &KEY.to_owned())?.unwrap_or_default())
}

/// Counts of the whole log, or of the part of one host.
pub(super) fn counts(
    view: &impl View,
    host_id: Option<&str>,
    operator: &str,
) -> Result<OperationCounts, Fault> {
    let scope = match host_id {
        None => ledger(view)?.scope,
        Some(id) => HOSTS.get(view, &id.to_owned())?.unwrap_or_default(),
    };
    Ok(scope.counts(operator))
}

/// The counts and the chain while a change is written.
pub(super) struct Book {
    pub(super) ledger: Ledger,
    pub(super) pen: Pen,
    before: Ledger,
    hosts: BTreeMap<String, (Scope, Scope)>,
}

impl Book {
    pub(super) fn open(view: &impl View, runner: &Runner) -> Result<Self, Fault> {
        let ledger = ledger(view)?;
        Ok(Self { before: ledger.clone(), ledger, pen: Pen::take(view, runner)?, hosts: BTreeMap::new() })
    }

    /// Changes the counts that this entry is part of.
    pub(super) fn scopes(
        &mut self,
        view: &impl View,
        entry: &Operation,
        change: impl Fn(&mut Scope),
    ) -> Result<(), Fault> {
        self.scopes_of(view, entry.host.as_ref().map(|host| host.id.as_str()), change)
    }

    pub(super) fn scopes_of(
        &mut self,
        view: &impl View,
        host_id: Option<&str>,
        change: impl Fn(&mut Scope),
    ) -> Result<(), Fault> {
        change(&mut self.ledger.scope);
        let Some(id) = host_id else { return Ok(()) };
        if !self.hosts.contains_key(id) {
            let scope = HOSTS.get(view, &id.to_owned())?.unwrap_or_default();
            self.hosts.insert(id.to_owned(), (scope.clone(), scope));
        }
        if let Some((scope, _)) = self.hosts.get_mut(id) {
            change(scope);
        }
        Ok(())
    }

    /// Puts other counts of hosts in the place of those that are written.
    pub(super) fn replace_hosts(
        &mut self,
        written: Vec<(String, Scope)>,
        mut counted: BTreeMap<String, Scope>,
    ) {
        for (id, before) in written {
            let scope = counted.remove(&id).unwrap_or_default();
            self.hosts.insert(id, (scope, before));
        }
        self.hosts.extend(counted.into_iter().map(|(id, scope)| (id, (scope, Scope::default()))));
    }

    /// Must be called in the same write.
    pub(super) fn close(self, writer: &mut Writer<'_>) -> Result<(), Fault> {
        self.pen.put_down(writer)?;
        if self.ledger != self.before {
            LEDGER.put(writer, &KEY.to_owned(), &self.ledger)?;
        }
        for (id, (scope, before)) in self.hosts {
            if scope == before {
                continue;
            }
            if scope.total == 0 { HOSTS.remove(writer, &id)? } else { HOSTS.put(writer, &id, &scope)? }
        }
        Ok(())
    }
}
