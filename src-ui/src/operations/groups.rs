//! The inbox: which group an operation belongs to, and in which order they stand.
//!
//! What was unread when the page was opened stays in its group while it is read, so that no row
//! moves away under the pointer.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use protocol::operations::Operation;

/// The head of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Group {
    /// Failures first.
    Unread,
    Today,
    /// Days before today: 1 is yesterday.
    DaysAgo(i64),
}

/// Operations of the log that are loaded, by their number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Inbox {
    operations: BTreeMap<u64, Operation>,
    /// Those that were unread when they were first seen.
    fresh: HashSet<u64>,
}

impl Inbox {
    pub(crate) fn add(&mut self, operations: Vec<Operation>) {
        for operation in operations {
            if operation.is_unread() {
                self.fresh.insert(operation.id);
            }
            self.operations.insert(operation.id, operation);
        }
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Operation> {
        self.operations.get(&id)
    }

    pub(crate) fn change(&mut self, id: u64, change: impl FnOnce(&mut Operation)) {
        if let Some(operation) = self.operations.get_mut(&id) {
            change(operation);
            if operation.is_unread() {
                self.fresh.insert(id);
            }
        }
    }

    /// Numbers of the loaded operations that are unread now.
    pub(crate) fn unread(&self) -> Vec<u64> {
        self.operations.values().filter(|operation| operation.is_unread()).map(|o| o.id).collect()
    }

    /// Everybody who did something that is loaded.
    pub(crate) fn operators(&self) -> BTreeSet<String> {
        self.operations.values().map(|operation| operation.operator.clone()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.operations.len()
    }

    /// Groups in their order, each with the numbers of its operations. `days_ago` answers how
    /// many days before today a moment was, by the calendar of whoever looks.
    pub(crate) fn groups(&self, days_ago: impl Fn(i64) -> i64) -> Vec<(Group, Vec<u64>)> {
        let mut groups: BTreeMap<Group, Vec<&Operation>> = BTreeMap::new();
        for operation in self.operations.values().rev() {
            let group = if self.fresh.contains(&operation.id) {
                Group::Unread
            } else {
                match days_ago(operation.started_ms) {
                    ..=0 => Group::Today,
                    days => Group::DaysAgo(days),
                }
            };
            groups.entry(group).or_default().push(operation);
        }
        if let Some(unread) = groups.get_mut(&Group::Unread) {
            unread.sort_by_key(|operation| (!operation.result.is_bad(), std::cmp::Reverse(operation.id)));
        }
        groups.into_iter().map(|(group, list)| (group, list.iter().map(|o| o.id).collect())).collect()
    }
}

/// The operation before or after one, in the order on screen.
pub(crate) fn neighbour(groups: &[(Group, Vec<u64>)], id: Option<u64>, step: i64) -> Option<u64> {
    let order: Vec<u64> = groups.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
    let Some(at) = id.and_then(|id| order.iter().position(|other| *other == id)) else {
        return order.first().copied();
    };
    let last = order.len() as i64 - 1;
    order.get((at as i64).saturating_add(step).clamp(0, last) as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::operations::{OperationKind, OperationResult, ReadMark};

    const DAY_MS: i64 = 86_400_000;

    fn operation(id: u64, started_ms: i64, result: OperationResult, read: bool) -> Operation {
        Operation {
            id,
            started_ms,
            operator: "chen".into(),
            host: None,
            kind: OperationKind::Command,
            target: String::new(),
            command: String::new(),
            result,
            outcome: None,
            exit_code: None,
            took_ms: None,
            output: String::new(),
            output_bytes: None,
            errors: String::new(),
            errors_bytes: None,
            summary: String::new(),
            ended_by: None,
            before: None,
            after: None,
            job_result: None,
            moments: Vec::new(),
            journal: Vec::new(),
            comments: Vec::new(),
            read_by: Vec::new(),
            unlogged: None,
            custom: false,
            privilege: None,
            read: read.then(|| ReadMark { by: "chen".into(), at_ms: 0 }),
        }
    }

    fn days_ago(at_ms: i64) -> i64 {
        5 - at_ms.div_euclid(DAY_MS)
    }

    fn inbox() -> Inbox {
        let mut inbox = Inbox::default();
        inbox.add(vec![
            operation(1, 3 * DAY_MS, OperationResult::Done, true),
            operation(2, 4 * DAY_MS, OperationResult::Failed, false),
            operation(3, 5 * DAY_MS, OperationResult::Done, true),
            operation(4, 5 * DAY_MS, OperationResult::Done, false),
            operation(5, 5 * DAY_MS, OperationResult::Refused, false),
        ]);
        inbox
    }

    #[test]
    fn unread_are_first_and_failures_first_among_them() {
        assert_eq!(
            inbox().groups(days_ago),
            vec![(Group::Unread, vec![5, 2, 4]), (Group::Today, vec![3]), (Group::DaysAgo(2), vec![1])]
        );
    }

    #[test]
    fn what_is_read_now_stays_where_it_is() {
        let mut inbox = inbox();
        let before = inbox.groups(days_ago);
        inbox.change(2, |operation| operation.read = Some(ReadMark { by: "chen".into(), at_ms: 1 }));
        assert_eq!(inbox.groups(days_ago), before);
        inbox.change(3, |operation| operation.read = None);
        assert_eq!(inbox.groups(days_ago)[0].1, [5, 2, 4, 3], "marked unread it joins the unread");
    }

    #[test]
    fn the_same_entry_from_two_pages_is_there_once() {
        let mut inbox = inbox();
        inbox.add(vec![operation(3, 5 * DAY_MS, OperationResult::Done, true)]);
        assert_eq!(inbox.len(), 5);
    }

    #[test]
    fn a_clock_ahead_of_ours_is_still_today() {
        let mut inbox = Inbox::default();
        inbox.add(vec![operation(1, 9 * DAY_MS, OperationResult::Done, true)]);
        assert_eq!(inbox.groups(days_ago), vec![(Group::Today, vec![1])]);
    }

    #[test]
    fn arrows_walk_over_the_borders_of_groups_and_stop_at_the_ends() {
        let groups = inbox().groups(days_ago);
        assert_eq!(neighbour(&groups, Some(4), 1), Some(3));
        assert_eq!(neighbour(&groups, Some(5), -1), Some(5));
        assert_eq!(neighbour(&groups, Some(1), 1), Some(1));
        assert_eq!(neighbour(&groups, None, 1), Some(5));
        assert_eq!(neighbour(&[], None, 1), None);
    }
}
