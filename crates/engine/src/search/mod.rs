//! search: one question over all hosts.
//!
//! Hosts whose link is up answer now, from the table that is kept up to date or with one question over
//! that link; the others answer from what was read last, with its age. A host is never connected, and
//! root is never asked for, because somebody searches. One live host that is silent holds nobody up for
//! longer than is asked for: what the others said is given, and who asks again has its answer too.

mod asked;
mod judge;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use asked::{Asked, Said};
use protocol::Fault;
use protocol::hosts::Host;
use protocol::metrics::Metrics;
use protocol::processes::ProcessTable;
use protocol::search::{
    FOUND_AT_MOST, FindAnswer, FindQuery, FindRow, Found, Subject, Term, parse_terms, subject,
};
use protocol::services::ServiceTable;
use protocol::snapshot::Aged;
use protocol::sockets::SocketTable;
use protocol::system::System;

use crate::error::internal;
use crate::sessions::{Session, Sessions};
use crate::snapshot::{Shelf, Snapshots};

/// A live host that has not answered by then answers from its snapshot.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// What was last read of all hosts, ready to be searched.
pub struct Search {
    snapshots: Snapshots,
    asked: Asked,
    sockets: Shelf<SocketTable>,
    processes: Shelf<ProcessTable>,
    services: Shelf<ServiceTable>,
    metrics: Shelf<Metrics>,
    system: Shelf<System>,
}

/// What one host has to say.
struct Told {
    host: Host,
    live: bool,
    /// It is live and may answer later.
    waits: bool,
    known: Option<Known>,
}

/// A table of a host.
type Shared<T> = Arc<dyn AsRef<T> + Send + Sync>;

/// A table with the time at which it was heard.
#[derive(Clone)]
enum Known {
    /// With whether all owners may be seen.
    Sockets(i64, bool, Shared<SocketTable>),
    Processes(i64, Shared<ProcessTable>),
    Services(i64, Shared<ServiceTable>),
    Metrics(Arc<Aged<Metrics>>),
    System(Arc<Aged<System>>),
    /// A host can be found by its name though nothing was ever read of it.
    Nothing,
}

impl Known {
    /// Where it stands among the others: what hosts say now, what was read before, what was never read.
    fn rank(&self, is_now: bool) -> u8 {
        match (is_now, self) {
            (true, _) => 0,
            (false, Known::Nothing) => 2,
            (false, _) => 1,
        }
    }
}

struct Kept<T>(Arc<Aged<T>>);

impl<T> AsRef<T> for Kept<T> {
    fn as_ref(&self) -> &T {
        &self.0.value
    }
}

impl Search {
    pub fn new(snapshots: Snapshots) -> Self {
        Self {
            snapshots,
            asked: Asked::default(),
            sockets: Shelf::of("sockets"),
            processes: Shelf::of("processes"),
            services: Shelf::of("services"),
            metrics: Shelf::of("metrics"),
            system: Shelf::of("system"),
        }
    }

    /// Answers a question over these hosts.
    pub async fn find(
        self: &Arc<Self>,
        hosts: Vec<Host>,
        sessions: &Sessions,
        query: &FindQuery,
    ) -> Result<FindAnswer, Fault> {
        let began = Instant::now();
        let terms = parse_terms(&query.text)?;
        let subject = subject(&terms);
        let all: Vec<String> = hosts.iter().map(|host| host.id.clone()).collect();
        // Words about the host itself leave fewer of them to be asked.
        let judge = judge::Judge::new(&terms);
        let hosts: Vec<Host> = hosts.into_iter().filter(|host| judge.takes_host(host).is_some()).collect();
        let wait =
            query.wait_ms.map_or(ANSWER_LIMIT, |ms| Duration::from_millis(ms.into())).min(ANSWER_LIMIT);
        let until = query.ask.then(|| tokio::time::Instant::now() + wait);
        let asked = hosts.into_iter().map(|host| {
            let session = sessions.find(&host.id).filter(|session| session.state().is_live());
            self.hear(host, session, subject, until)
        });
        let told = futures::future::join_all(asked).await;
        let (search, limit) = (self.clone(), query.limit.unwrap_or(FOUND_AT_MOST) as usize);
        let mut answer =
            tokio::task::spawn_blocking(move || search.judge(told, &terms, subject, &all, limit))
                .await
                .map_err(|why| internal("a search ended early", why))??;
        answer.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(answer)
    }

    /// What a host says if its link is up: what is known of it now, else what it answers until then. No
    /// answer is no fault: its snapshot answers then.
    async fn hear(
        &self,
        host: Host,
        session: Option<Arc<Session>>,
        subject: Subject,
        until: Option<tokio::time::Instant>,
    ) -> Told {
        let Some(session) = session else {
            return Told { host, live: false, waits: false, known: None };
        };
        let known = heard(&session, subject, false).await;
        let (waits, known) = match (known, until) {
            (None, None) => (is_asked(subject), None),
            (None, Some(until)) if is_asked(subject) => match self.asked.ask(session, subject, until).await {
                Said::Known(known) => (false, Some(known)),
                Said::Nothing => (false, None),
                Said::NotYet => (true, None),
            },
            (known, _) => (false, known),
        };
        Told { host, live: true, waits, known }
    }

    fn judge(
        &self,
        told: Vec<Told>,
        terms: &[Term],
        subject: Subject,
        all: &[String],
        limit: usize,
    ) -> Result<FindAnswer, Fault> {
        let judge = judge::Judge::new(terms);
        let mut answer = FindAnswer { hosts: count(told.len()), ..FindAnswer::default() };
        let mut rows: Vec<FindRow> = Vec::new();
        let mut all_known: Vec<(Host, bool, Known)> = Vec::new();
        for Told { host, live, waits, known } in told {
            answer.live += u32::from(live);
            answer.waiting += u32::from(waits);
            let is_now = known.is_some();
            answer.answered += u32::from(is_now);
            let known = match known {
                Some(known) => Some(known),
                None => self.kept(&host, subject)?,
            };
            match known {
                Some(known) => {
                    answer.from_snapshot += u32::from(known.rank(is_now) == 1);
                    all_known.push((host, is_now, known));
                }
                None => answer.unknown.push(host.name),
            }
        }
        answer.unknown.sort();
        all_known.sort_by(|(a, a_now, a_known), (b, b_now, b_known)| {
            (a_known.rank(*a_now), &a.name).cmp(&(b_known.rank(*b_now), &b.name))
        });
        for (host, is_now, known) in all_known {
            let host_matched = judge.takes_host(&host).unwrap_or_default();
            let mut add = |at_ms: i64, found: Found, mut matched: Vec<_>| {
                answer.found = answer.found.saturating_add(1);
                if rows.len() < limit {
                    matched.extend(host_matched.iter().cloned());
                    rows.push(FindRow { host: host.name.clone(), live: is_now, at_ms, found, matched });
                }
            };
            match &known {
                Known::Sockets(at_ms, sees_all, table) => {
                    let table = (**table).as_ref();
                    let hidden = judge.sockets(table, |found, matched| add(*at_ms, found, matched));
                    if !sees_all && table.owner_hidden > 0 {
                        answer.owner_hidden = answer.owner_hidden.saturating_add(hidden);
                    }
                }
                Known::Processes(at_ms, table) => {
                    let table = (**table).as_ref();
                    answer.others_hidden += u32::from(table.others_hidden);
                    answer.unreadable = answer.unreadable.saturating_add(table.unreadable);
                    judge.processes(table, |found, matched| add(*at_ms, found, matched));
                }
                Known::Services(at_ms, table) => {
                    judge.services((**table).as_ref(), |found, matched| add(*at_ms, found, matched));
                }
                Known::Metrics(aged) => {
                    judge.disks(&aged.value, |found, matched| add(aged.received_ms, found, matched));
                }
                Known::System(aged) if subject == Subject::Kernels => {
                    judge.kernel(&aged.value, |found, matched| add(aged.received_ms, found, matched));
                }
                Known::System(aged) => {
                    let (address, os) = (host.address.clone(), aged.value.os.clone());
                    add(aged.received_ms, Found::Host { address, os }, Vec::new());
                }
                Known::Nothing => {
                    add(0, Found::Host { address: host.address.clone(), os: None }, Vec::new());
                }
            }
        }
        answer.rows = rows;
        let all: HashSet<&str> = all.iter().map(String::as_str).collect();
        self.sockets.keep_only(&all);
        self.processes.keep_only(&all);
        self.services.keep_only(&all);
        self.metrics.keep_only(&all);
        self.system.keep_only(&all);
        Ok(answer)
    }

    /// What was read of a host before; a host without anything can still be found by its name.
    fn kept(&self, host: &Host, subject: Subject) -> Result<Option<Known>, Fault> {
        let (from, id) = (&self.snapshots, host.id.as_str());
        Ok(match subject {
            Subject::Sockets => self
                .sockets
                .get(from, id)?
                .map(|kept| Known::Sockets(kept.received_ms, false, Arc::new(Kept(kept)))),
            Subject::UnixSockets => None,
            Subject::Processes => self
                .processes
                .get(from, id)?
                .map(|kept| Known::Processes(kept.received_ms, Arc::new(Kept(kept)))),
            Subject::Units => self
                .services
                .get(from, id)?
                .map(|kept| Known::Services(kept.received_ms, Arc::new(Kept(kept)))),
            Subject::Disks => self.metrics.get(from, id)?.map(Known::Metrics),
            Subject::Kernels => self.system.get(from, id)?.map(Known::System),
            Subject::Hosts => Some(self.system.get(from, id)?.map_or(Known::Nothing, Known::System)),
        })
    }
}

/// True for what a host can be asked for; the rest is known while the link is up, or is not.
fn is_asked(subject: Subject) -> bool {
    match subject {
        Subject::Sockets | Subject::UnixSockets | Subject::Processes | Subject::Units => true,
        Subject::Disks | Subject::Kernels | Subject::Hosts => false,
    }
}

/// What a host whose link is up says of a subject.
async fn heard(session: &Arc<Session>, subject: Subject, may_ask: bool) -> Option<Known> {
    match subject {
        Subject::Sockets => {
            let reading = session.table_without_connecting::<SocketTable>(may_ask, ANSWER_LIMIT).await?;
            Some(Known::Sockets(reading.received_ms, reading.rights.is_root, Arc::new(reading)))
        }
        Subject::UnixSockets if !may_ask => None,
        Subject::UnixSockets => {
            let reading = session.unix_sockets_without_connecting(ANSWER_LIMIT).await?;
            Some(Known::Sockets(reading.received_ms, reading.rights.is_root, Arc::new(reading)))
        }
        Subject::Processes => {
            let reading = session.table_without_connecting::<ProcessTable>(may_ask, ANSWER_LIMIT).await?;
            Some(Known::Processes(reading.received_ms, Arc::new(reading)))
        }
        Subject::Units => {
            let reading = session.table_without_connecting::<ServiceTable>(may_ask, ANSWER_LIMIT).await?;
            Some(Known::Services(reading.received_ms, Arc::new(reading)))
        }
        Subject::Disks => session.newest_metrics().map(|aged| Known::Metrics(Arc::new(aged))),
        Subject::Kernels => session.known_system().map(|aged| Known::System(Arc::new(aged))),
        // That it is there is what is asked, and it is.
        Subject::Hosts => {
            let system = session.known_system();
            Some(system.map_or(Known::Nothing, |aged| Known::System(Arc::new(aged))))
        }
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
