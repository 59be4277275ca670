//! What is worth a notice of the desktop, judged from the engine's events. Pure.
//!
//! One notice for each thing that happened: a host that is lost is told once, not at every try to
//! reach it, and units are told when more of them have failed than before.

use std::collections::HashMap;

use protocol::ipc::Event;
use protocol::link::LinkState;
use protocol::operations::{Operation, OperationResult};
use protocol::settings::Notify;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    HostLost {
        host: String,
        why: String,
    },
    UnitsFailed {
        host: String,
        count: u32,
    },
    /// Something that was begun here has ended, and nobody looked.
    Ended {
        host: Option<String>,
        target: String,
        done: bool,
    },
}

/// What a notice needs of an entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) result: OperationResult,
    pub(crate) host: Option<String>,
    pub(crate) target: String,
}

impl From<Operation> for Entry {
    fn from(operation: Operation) -> Self {
        let host = operation.host.map(|host| host.name);
        Self { id: operation.id, result: operation.result, host, target: operation.target }
    }
}

/// What is known of each host, to tell what is new.
#[derive(Default)]
pub(crate) struct Judge {
    live: HashMap<String, bool>,
    failed_units: HashMap<String, u32>,
    /// The newest entry of the log that was seen ended.
    told: u64,
}

impl Judge {
    /// Takes an event; gives what a person is to be told of it.
    pub(crate) fn take(&mut self, event: &Event, wanted: Notify) -> Option<Notice> {
        match event {
            Event::Link { host, state } => {
                let was_live = self.live.insert(host.clone(), state.is_live()).unwrap_or(false);
                match state {
                    LinkState::Lost { fault, .. } | LinkState::Failed { fault, .. }
                        if was_live && wanted.host_lost =>
                    {
                        Some(Notice::HostLost { host: host.clone(), why: fault.message.clone() })
                    }
                    _ => None,
                }
            }
            // One notice for all that lost the same way.
            Event::LinksBehind { hop, hosts, state } => {
                let was_live = hosts
                    .iter()
                    .filter(|host| self.live.insert((*host).clone(), false) == Some(true))
                    .count();
                let why = state.fault().map(|fault| fault.message.clone()).unwrap_or_default();
                let host = format!("{hop}: {}", hosts.join(", "));
                (was_live > 0 && wanted.host_lost).then_some(Notice::HostLost { host, why })
            }
            Event::Glance { host, glance } => {
                let now = glance.failed_units?;
                let before = self.failed_units.insert(host.clone(), now)?;
                (now > before && wanted.unit_failed)
                    .then(|| Notice::UnitsFailed { host: host.clone(), count: now - before })
            }
            _ => None,
        }
    }

    /// Takes the newest entries of the log, newest first; those that ended since the last time are told
    /// if nobody looked. The first time only says where to begin.
    pub(crate) fn take_operations(&mut self, newest: &[Entry], away: bool, wanted: Notify) -> Vec<Notice> {
        let ended = |operation: &&Entry| operation.result != OperationResult::UnderWay;
        let begun = self.told;
        let newest_ended = newest.iter().filter(ended).map(|operation| operation.id).max();
        self.told = begun.max(newest_ended.unwrap_or(0));
        if begun == 0 || !away || !wanted.own_ended {
            return Vec::new();
        }
        let notice = |operation: &Entry| Notice::Ended {
            host: operation.host.clone(),
            target: operation.target.clone(),
            done: operation.result == OperationResult::Done,
        };
        newest.iter().filter(ended).filter(|operation| operation.id > begun).rev().map(notice).collect()
    }
}

#[cfg(test)]
mod tests {
    use protocol::hosts::HostGlance;
    use protocol::{Fault, FaultCode};

    use super::*;

    fn link(state: LinkState) -> Event {
        Event::Link { host: "web".into(), state }
    }

    fn lost() -> LinkState {
        let fault = Box::new(Fault::new(FaultCode::LinkLost, "the link to web broke"));
        LinkState::Lost { since_ms: 0, fault, tries: 0, next_ms: None }
    }

    fn live() -> LinkState {
        LinkState::Live { since_ms: 0, heard_ms: 0 }
    }

    fn glance(failed_units: Option<u32>) -> Event {
        Event::Glance { host: "web".into(), glance: HostGlance { failed_units, ..HostGlance::default() } }
    }

    #[test]
    fn a_host_that_is_lost_is_told_once_until_it_is_back() {
        let mut judge = Judge::default();
        let mut told = |state| judge.take(&link(state), Notify::default()).is_some();
        assert!(!told(lost()), "it was never there");
        assert!(!told(live()));
        assert!(told(lost()));
        assert!(!told(lost()), "the next try is no news");
        assert!(!told(live()));
        assert!(told(lost()));
        assert!(!told(LinkState::Idle));
        assert!(!told(lost()), "a person who disconnected knows it");
    }

    #[test]
    fn only_more_failed_units_than_before_are_told() {
        let mut judge = Judge::default();
        let mut told = |count| judge.take(&glance(count), Notify::default());
        assert_eq!(told(Some(2)), None, "what failed before is no news");
        assert_eq!(told(None), None);
        assert_eq!(told(Some(3)), Some(Notice::UnitsFailed { host: "web".into(), count: 1 }));
        assert_eq!(told(Some(1)), None);
        assert_eq!(told(Some(1)), None);
    }

    #[test]
    fn what_a_person_does_not_want_is_not_told() {
        let mut judge = Judge::default();
        let quiet = Notify { host_lost: false, unit_failed: false, own_ended: false };
        judge.take(&link(live()), quiet);
        assert_eq!(judge.take(&link(lost()), quiet), None);
        judge.take(&glance(Some(0)), quiet);
        assert_eq!(judge.take(&glance(Some(1)), quiet), None);
    }

    #[test]
    fn an_own_action_is_told_when_it_ended_and_nobody_looked() {
        let entry = |id, result| Entry { id, result, host: None, target: "nginx".into() };
        let mut judge = Judge::default();
        let wanted = Notify::default();
        assert!(
            judge.take_operations(&[entry(4, OperationResult::Done)], true, wanted).is_empty(),
            "what was before"
        );
        let running = [entry(5, OperationResult::UnderWay), entry(4, OperationResult::Done)];
        assert!(judge.take_operations(&running, true, wanted).is_empty());
        let ended = [entry(5, OperationResult::Failed), entry(4, OperationResult::Done)];
        let told = judge.take_operations(&ended, true, wanted);
        assert_eq!(told, [Notice::Ended { host: None, target: "nginx".into(), done: false }]);
        assert!(judge.take_operations(&ended, true, wanted).is_empty(), "once");
        assert!(
            judge.take_operations(&[entry(6, OperationResult::Done)], false, wanted).is_empty(),
            "seen in the window"
        );
    }
}
