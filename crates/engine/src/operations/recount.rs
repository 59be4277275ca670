//! Counting anew, after the store was recovered from damaged files: what was lost may have been an entry, a
//! mark or a count, and each for itself. The entries decide.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use protocol::Fault;
use protocol::operations::OperationResult;

use super::book::{Book, HOSTS, Scope, Unread};
use super::chain::CHAIN;
use super::log::{self, ENTRIES, UNDER_WAY};
use super::marks::{MARKS, UNREAD, Waiting};
use crate::store::{Order, View, Writer};

/// Counts all of the log, if the store was recovered since it was counted. `mended` says how often that
/// was.
pub(super) fn recount(writer: &mut Writer<'_>, book: &mut Book, mended: u64) -> Result<(), Fault> {
    if book.ledger.counted_after == mended {
        return Ok(());
    }
    let operators = operators(writer, book)?;
    let none = || Scope {
        unread: operators.iter().map(|name| (name.clone(), Unread::default())).collect(),
        ..Scope::default()
    };
    let (mut all, mut hosts) = (none(), BTreeMap::<String, Scope>::new());
    let mut waiting: BTreeMap<u64, Waiting> = BTreeMap::new();
    let mut newest = 0;
    let mut under_way = Vec::new();
    ENTRIES.scan(writer, .., Order::LowestFirst, |id, text| {
        let entry = log::parse(id, &text);
        let one = Waiting::of(&entry);
        let host = one.host.as_ref().map(|host| hosts.entry(host.clone()).or_insert_with(none));
        for scope in [Some(&mut all), host].into_iter().flatten() {
            scope.total += 1;
            scope.failed += u64::from(one.bad);
        }
        if entry.result == OperationResult::UnderWay {
            under_way.push(id);
        }
        waiting.insert(id, one);
        newest = id;
        Ok(ControlFlow::Continue(()))
    })?;
    // An entry as it was before it was finished: what came of it is lost, and nobody works on it.
    for id in under_way {
        if UNDER_WAY.get(writer, &id)?.is_none() {
            UNDER_WAY.put(writer, &id, &None)?;
        }
    }
    let mut unread = Vec::new();
    UNREAD.scan(writer, .., Order::LowestFirst, |key, row| {
        unread.push((key, row));
        Ok(ControlFlow::Continue(()))
    })?;
    for (key, row) in unread {
        let Some(one) = waiting.get(&key.1) else {
            // Its entry is lost.
            UNREAD.remove(writer, &key)?;
            continue;
        };
        if *one != row {
            UNREAD.put(writer, &key, one)?;
        }
        let host = one.host.as_ref().and_then(|host| hosts.get_mut(host));
        for scope in [Some(&mut all), host].into_iter().flatten() {
            let unread = scope.unread.entry(key.0.clone()).or_default();
            *unread = Unread { all: unread.all + 1, failed: unread.failed + u64::from(one.bad) };
        }
    }
    // A number that was given once is never given again, even if its entry is lost.
    let mut has_chain = false;
    CHAIN.scan(writer, .., Order::LowestFirst, |_, record| {
        has_chain = true;
        if record.what.is_entry() {
            newest = newest.max(record.id);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let mut before = Vec::new();
    HOSTS.scan(writer, .., Order::LowestFirst, |id, scope| {
        before.push((id, scope));
        Ok(ControlFlow::Continue(()))
    })?;
    book.replace_hosts(before, hosts);
    book.ledger.scope = all;
    book.ledger.newest = book.ledger.newest.max(newest);
    book.ledger.is_adopted |= has_chain;
    book.ledger.counted_after = mended;
    Ok(())
}

/// Everybody whom the log knows, by any trace of them.
fn operators(view: &impl View, book: &Book) -> Result<BTreeSet<String>, Fault> {
    let mut names: BTreeSet<String> = book.ledger.scope.unread.keys().cloned().collect();
    UNREAD.scan(view, .., Order::LowestFirst, |(name, _), _| {
        names.insert(name);
        Ok(ControlFlow::Continue(()))
    })?;
    MARKS.scan(view, .., Order::LowestFirst, |(_, name), _| {
        names.insert(name);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(names)
}
