//! What is worth a notice of the desktop, judged from the engine's events. Pure.
//!
//! What happens within a moment is told at once: twelve hosts that are lost together are one notice. A host that
//! comes and goes is told once in a while, and what this computer did itself, such as to sleep, is told as that.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use engine::sessions::OwnDoing;
use protocol::ipc::Event;
use protocol::link::LinkState;
use protocol::operations::{Operation, OperationKind, OperationResult};
use protocol::services::Service;
use protocol::settings::Notify;
use protocol::{Fault, FaultCode};
use tokio::time::Instant;

/// A host that was told lost is not told again so soon, however often it comes and goes.
pub(crate) const TOLD_AGAIN: Duration = Duration::from_secs(5 * 60);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    HostsLost(Vec<Lost>),
    /// Links were lost by what this computer did itself.
    OwnDoing {
        doing: OwnDoing,
        hosts: Vec<String>,
    },
    /// Hosts on which more units failed than before.
    UnitsFailed(Vec<UnitsFailed>),
    /// What was begun in this window has ended, and nobody looked.
    Ended(Vec<Ended>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) host: String,
    pub(crate) code: FaultCode,
    /// The jump host on the way that was lost in truth.
    pub(crate) hop: Option<String>,
    own: Option<OwnDoing>,
}

/// Units of a host that failed since it was last told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnitsFailed {
    pub(crate) host: String,
    /// How many more than before.
    pub(crate) more: u32,
    /// How many were failed then.
    before: u32,
    /// Those of them that are known, the one that failed last first.
    pub(crate) names: Vec<String>,
}

impl UnitsFailed {
    /// Takes the names from the units that are failed now. No more of these can be old than were failed before; so
    /// what goes beyond that is new, and it is what failed last. Where the host does not tell when, it could be any.
    pub(crate) fn name(&mut self, mut failed: Vec<Service>) {
        let new = failed.len().saturating_sub(self.before as usize).min(self.more as usize);
        if new < failed.len() && failed.iter().any(|unit| unit.since_ms.is_none()) {
            return;
        }
        failed.sort_by_key(|unit| Reverse(unit.since_ms));
        self.names = failed.into_iter().take(new).map(|unit| unit.name).collect();
    }
}

/// An operation that was begun in this window and has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) kind: OperationKind,
    pub(crate) target: String,
    pub(crate) host: Option<String>,
    pub(crate) result: OperationResult,
}

impl From<&Operation> for Ended {
    fn from(operation: &Operation) -> Self {
        Self {
            kind: operation.kind,
            target: operation.target.clone(),
            host: operation.host.as_ref().map(|host| host.name.clone()),
            result: operation.result,
        }
    }
}

/// What is known of the hosts, to tell what is new, and what is new and not yet told.
#[derive(Default)]
pub(crate) struct Judge {
    live: HashSet<String>,
    failed_units: HashMap<String, u32>,
    told: HashMap<String, Instant>,
    told_own: Option<Instant>,
    lost: BTreeMap<String, Lost>,
    failed: BTreeMap<String, UnitsFailed>,
    ended: Vec<Ended>,
}

impl Judge {
    pub(crate) fn take(&mut self, event: &Event) {
        match event {
            Event::Link { host, state } => self.stand(host, state),
            Event::LinksBehind { hosts, state, .. } => hosts.iter().for_each(|host| self.stand(host, state)),
            Event::Glance { host, glance } => {
                let Some(now) = glance.failed_units else { return };
                // What failed before the first look is no news.
                let Some(before) = self.failed_units.insert(host.clone(), now) else { return };
                if now > before {
                    let none = || UnitsFailed { host: host.clone(), more: 0, before, names: Vec::new() };
                    self.failed.entry(host.clone()).or_insert_with(none).more += now - before;
                }
            }
            _ => {}
        }
    }

    fn stand(&mut self, host: &str, state: &LinkState) {
        match state {
            LinkState::Live { .. } => {
                self.live.insert(host.to_owned());
                // One that is back before it was told is no news.
                self.lost.remove(host);
            }
            LinkState::Lost { fault, .. } | LinkState::Failed { fault, .. } => {
                if self.live.remove(host) {
                    self.lost.insert(host.to_owned(), lost(host, fault));
                }
            }
            LinkState::Connecting { .. } => drop(self.live.remove(host)),
            // A person who disconnected knows it.
            LinkState::Idle => {
                self.live.remove(host);
                self.lost.remove(host);
            }
        }
    }

    pub(crate) fn end(&mut self, ended: Ended) {
        self.ended.push(ended);
    }

    /// Takes how all hosts stand, after events that were not heard.
    pub(crate) fn look(&mut self, links: &[(String, LinkState)]) {
        for (host, state) in links {
            self.stand(host, state);
        }
        let there: HashSet<&String> = links.iter().map(|(host, _)| host).collect();
        self.live.retain(|host| there.contains(host));
        self.failed_units.retain(|host, _| there.contains(host));
    }

    /// True if there is something to tell.
    pub(crate) fn has_news(&self) -> bool {
        !(self.lost.is_empty() && self.failed.is_empty() && self.ended.is_empty())
    }

    /// Lets go of what is new and not yet told: nobody is to be told of it.
    pub(crate) fn drop_news(&mut self) {
        self.lost.clear();
        self.failed.clear();
        self.ended.clear();
    }

    /// All that is new, in a notice for each kind of it; what a person does not want to be told is left out.
    pub(crate) fn tell(&mut self, wanted: Notify, now: Instant) -> Vec<Notice> {
        let (lost, failed) = (std::mem::take(&mut self.lost), std::mem::take(&mut self.failed));
        let ended = std::mem::take(&mut self.ended);
        let mut notices = Vec::new();
        if wanted.host_lost {
            self.tell_lost(lost, now, &mut notices);
        }
        if wanted.unit_failed && !failed.is_empty() {
            notices.push(Notice::UnitsFailed(failed.into_values().collect()));
        }
        if wanted.own_ended && !ended.is_empty() {
            notices.push(Notice::Ended(ended));
        }
        notices
    }

    fn tell_lost(&mut self, lost: BTreeMap<String, Lost>, now: Instant, notices: &mut Vec<Notice>) {
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < TOLD_AGAIN;
        self.told.retain(|_, at| is_recent(at));
        // What lies behind a host that this computer lost itself was lost the same way.
        let doings: BTreeSet<(String, OwnDoing)> =
            lost.values().filter_map(|one| Some((one.host.clone(), one.own?))).collect();
        let is_own = |one: &Lost| {
            one.own.is_some()
                || one.hop.as_ref().is_some_and(|hop| doings.iter().any(|(host, _)| host == hop))
        };
        let (own, others): (Vec<Lost>, Vec<Lost>) = lost.into_values().partition(is_own);
        if let Some(doing) = doings.iter().map(|(_, doing)| *doing).max()
            && !self.told_own.as_ref().is_some_and(is_recent)
        {
            self.told_own = Some(now);
            let hosts = own.iter().map(|one| one.host.clone()).collect();
            notices.push(Notice::OwnDoing { doing, hosts });
        }
        let others: Vec<Lost> = others.into_iter().filter(|one| !self.told.contains_key(&one.host)).collect();
        self.told.extend(others.iter().map(|one| (one.host.clone(), now)));
        if !others.is_empty() {
            notices.push(Notice::HostsLost(others));
        }
    }
}

fn lost(host: &str, fault: &Fault) -> Lost {
    let hop = fault.detail.hop.clone().filter(|hop| hop != host);
    Lost { host: host.to_owned(), code: fault.code, hop, own: OwnDoing::of(fault) }
}

#[cfg(test)]
mod tests {
    use protocol::hosts::HostGlance;

    use super::*;

    fn link(host: &str, state: LinkState) -> Event {
        Event::Link { host: host.into(), state }
    }

    fn lost_by(fault: Fault) -> LinkState {
        LinkState::Lost { since_ms: 0, fault: Box::new(fault), tries: 0, next_ms: None }
    }

    fn cut() -> LinkState {
        lost_by(Fault::new(FaultCode::LinkLost, "the host stopped answering"))
    }

    fn live() -> LinkState {
        LinkState::Live { since_ms: 0, heard_ms: 0 }
    }

    fn glance(host: &str, failed_units: Option<u32>) -> Event {
        Event::Glance { host: host.into(), glance: HostGlance { failed_units, ..HostGlance::default() } }
    }

    fn ended(target: &str) -> Ended {
        Ended {
            kind: OperationKind::ServiceRestart,
            target: target.into(),
            host: Some("web".into()),
            result: OperationResult::Done,
        }
    }

    /// A judge that hears events and is asked a moment after each.
    struct Hearing {
        judge: Judge,
        now: Instant,
    }

    impl Hearing {
        fn new() -> Self {
            Self { judge: Judge::default(), now: Instant::now() }
        }

        fn told(&mut self, events: &[Event]) -> Vec<Notice> {
            events.iter().for_each(|event| self.judge.take(event));
            self.now += Duration::from_secs(2);
            self.judge.tell(Notify::default(), self.now)
        }
    }

    /// Which hosts a single notice says are lost.
    fn hosts(notices: &[Notice]) -> Vec<&str> {
        match notices {
            [] => Vec::new(),
            [Notice::HostsLost(lost)] => lost.iter().map(|one| one.host.as_str()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn hosts_that_are_lost_together_are_one_notice_and_the_tries_to_reach_them_are_none() {
        let mut hearing = Hearing::new();
        assert!(hearing.told(&[link("web", cut())]).is_empty(), "it was never there");
        assert!(hearing.told(&[link("web", live()), link("db", live())]).is_empty());
        assert_eq!(hosts(&hearing.told(&[link("web", cut()), link("db", cut())])), ["db", "web"]);
        assert!(hearing.told(&[link("web", cut())]).is_empty(), "the next try is no news");
    }

    #[test]
    fn a_host_that_comes_and_goes_is_told_once_in_a_while() {
        let mut hearing = Hearing::new();
        let flap = [link("web", live()), link("web", cut())];
        assert_eq!(hosts(&hearing.told(&flap)), ["web"]);
        let until = hearing.now + TOLD_AGAIN;
        while hearing.now + Duration::from_secs(2) < until {
            assert!(hearing.told(&flap).is_empty());
        }
        assert_eq!(hosts(&hearing.told(&flap)), ["web"]);
    }

    #[test]
    fn what_a_person_did_and_what_is_back_at_once_is_not_told() {
        let mut hearing = Hearing::new();
        assert!(hearing.told(&[link("web", live()), link("web", cut()), link("web", live())]).is_empty());
        assert!(hearing.told(&[link("web", LinkState::Idle)]).is_empty());
        assert!(hearing.told(&[link("web", cut())]).is_empty(), "it was disconnected");
    }

    #[test]
    fn the_end_of_this_computer_s_network_is_one_notice_and_no_host_is_said_to_be_lost() {
        let mut hearing = Hearing::new();
        let names = ["db", "gate", "web"];
        hearing.told(&names.map(|host| link(host, live())));
        let own = lost_by(Fault::new(FaultCode::NoRoute, "no network"));
        let behind = Event::LinksBehind {
            hop: "gate".into(),
            hosts: vec!["db".into()],
            state: lost_by(Fault::new(FaultCode::LinkLost, "cut").at_hop("gate")),
        };
        let told = hearing.told(&[link("web", own.clone()), link("gate", own.clone()), behind]);
        let hosts = names.map(str::to_owned).to_vec();
        assert_eq!(told, [Notice::OwnDoing { doing: OwnDoing::NoNetwork, hosts }]);
        // Another notices it a little later.
        assert!(hearing.told(&[link("late", live()), link("late", own)]).is_empty());
    }

    #[test]
    fn a_host_behind_a_lost_one_names_it() {
        let mut hearing = Hearing::new();
        hearing.told(&[link("db", live())]);
        let state = lost_by(Fault::new(FaultCode::LinkLost, "cut").at_hop("gate"));
        let told =
            hearing.told(&[Event::LinksBehind { hop: "gate".into(), hosts: vec!["db".into()], state }]);
        let [Notice::HostsLost(lost)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(lost[0].hop.as_deref(), Some("gate"));
    }

    #[test]
    fn only_more_failed_units_than_before_are_told() {
        let mut hearing = Hearing::new();
        assert!(hearing.told(&[glance("web", Some(2))]).is_empty(), "what failed before is no news");
        assert!(hearing.told(&[glance("web", None)]).is_empty());
        let told = hearing.told(&[glance("web", Some(3)), glance("web", Some(5))]);
        let failed = UnitsFailed { host: "web".into(), more: 3, before: 2, names: Vec::new() };
        assert_eq!(told, [Notice::UnitsFailed(vec![failed])]);
        assert!(hearing.told(&[glance("web", Some(1))]).is_empty());
    }

    #[test]
    fn only_what_is_known_to_have_failed_since_is_named() {
        let unit = |name: &str, since_ms| Service { name: name.into(), since_ms, ..Service::default() };
        let named = |more, before, units: &[(&str, Option<i64>)]| {
            let mut failed = UnitsFailed { host: "web".into(), more, before, names: Vec::new() };
            failed.name(units.iter().map(|(name, since_ms)| unit(name, *since_ms)).collect());
            failed.names
        };
        let (old, older) = (("old", Some(20)), ("older", Some(10)));
        assert_eq!(named(2, 0, &[("a", Some(30)), ("b", Some(40))]), ["b", "a"]);
        assert_eq!(named(1, 0, &[("a", None)]), ["a"], "there is no other");
        assert_eq!(named(2, 2, &[("a", Some(30)), older, ("b", Some(40)), old]), ["b", "a"]);
        assert_eq!(named(2, 2, &[older, ("b", Some(40)), old]), ["b"], "one of them is well again");
        assert_eq!(named(1, 2, &[older, old]), [""; 0], "what failed is well again");
        assert_eq!(named(1, 1, &[("a", None), old]), [""; 0], "it could be either");
        assert_eq!(
            named(1, 2, &[older, ("c", Some(50)), ("b", Some(40)), old]),
            ["c"],
            "one more failed since"
        );
        assert_eq!(named(3, 0, &[]), [""; 0], "it is of a kind that the host's table does not have");
    }

    #[test]
    fn what_a_person_does_not_want_is_not_told_later_either() {
        let mut judge = Judge::default();
        for event in [link("web", live()), link("web", cut()), glance("web", Some(0)), glance("web", Some(1))]
        {
            judge.take(&event);
        }
        judge.end(ended("cron"));
        let quiet = Notify { host_lost: false, unit_failed: false, own_ended: false };
        assert!(judge.tell(quiet, Instant::now()).is_empty());
        assert!(judge.tell(Notify::default(), Instant::now()).is_empty());
    }

    #[test]
    fn actions_that_end_within_a_moment_are_one_notice_in_the_order_of_their_ends() {
        let mut judge = Judge::default();
        // One that was begun later may end first: each is told by its own end.
        judge.end(ended("nginx"));
        judge.end(ended("cron"));
        assert!(judge.has_news());
        let told = judge.tell(Notify::default(), Instant::now());
        assert_eq!(told, [Notice::Ended(vec![ended("nginx"), ended("cron")])]);
        assert!(!judge.has_news());
    }

    #[test]
    fn a_look_at_all_hosts_finds_what_was_lost_unheard() {
        let mut hearing = Hearing::new();
        hearing.told(&[link("web", live()), link("gone", live()), glance("gone", Some(1))]);
        hearing.judge.look(&[("web".into(), cut()), ("new".into(), live())]);
        assert_eq!(hosts(&hearing.told(&[])), ["web"]);
        assert_eq!(hosts(&hearing.told(&[link("new", cut())])), ["new"]);
        assert!(hearing.told(&[link("gone", cut())]).is_empty(), "it was removed");
        assert!(hearing.told(&[glance("gone", Some(9))]).is_empty(), "one of that name is another host");
    }

    #[test]
    fn what_happened_behind_the_lock_is_known_and_not_told() {
        let mut hearing = Hearing::new();
        hearing.told(&[link("web", live())]);
        hearing.judge.look(&[("web".into(), cut())]);
        hearing.judge.drop_news();
        assert!(hearing.told(&[link("web", cut())]).is_empty());
        assert_eq!(hosts(&hearing.told(&[link("web", live()), link("web", cut())])), ["web"]);
    }
}
