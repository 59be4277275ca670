//! search: one question over all hosts.
//!
//! Hosts whose link is up answer now, from the table that is kept up to date or with one question over
//! that link; the others answer from what was read last, with its age. A host is never connected, and
//! root is never asked for, because somebody searches.

mod judge;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
use crate::sessions::{Session, Sessions, Tabled};
use crate::snapshot::{Shelf, Snapshots};

/// A live host that has not answered by then answers from its snapshot.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// What was last read of all hosts, ready to be searched.
pub struct Search {
    snapshots: Snapshots,
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
    known: Option<Known>,
}

/// A table with the time at which it was heard.
enum Known {
    Sockets(i64, Arc<dyn AsRef<SocketTable> + Send + Sync>),
    Processes(i64, Arc<dyn AsRef<ProcessTable> + Send + Sync>),
    Services(i64, Arc<dyn AsRef<ServiceTable> + Send + Sync>),
    Metrics(Arc<Aged<Metrics>>),
    System(Arc<Aged<System>>),
    Nothing,
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
        let asked = hosts.into_iter().map(|host| {
            let session = sessions.find(&host.id).filter(|session| session.state().is_live());
            ask(host, session, subject, query.ask)
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

    fn judge(
        &self,
        mut told: Vec<Told>,
        terms: &[Term],
        subject: Subject,
        all: &[String],
        limit: usize,
    ) -> Result<FindAnswer, Fault> {
        let judge = judge::Judge::new(terms);
        let mut answer = FindAnswer { hosts: count(told.len()), ..FindAnswer::default() };
        let mut rows: Vec<FindRow> = Vec::new();
        told.sort_by(|a, b| {
            let is_silent = |told: &Told| told.known.is_none() || !told.live;
            is_silent(a).cmp(&is_silent(b)).then_with(|| a.host.name.cmp(&b.host.name))
        });
        for Told { host, live, known } in told {
            answer.live += u32::from(live);
            let is_now = known.is_some();
            answer.answered += u32::from(is_now);
            let known = match known {
                Some(known) => Some(known),
                None => self.kept(&host, subject)?,
            };
            let Some(known) = known else {
                answer.unknown.push(host.name);
                continue;
            };
            if !is_now && subject != Subject::Hosts {
                answer.from_snapshot += 1;
            }
            let host_matched = judge.takes_host(&host).unwrap_or_default();
            let mut add = |at_ms: i64, found: Found, mut matched: Vec<_>| {
                answer.found = answer.found.saturating_add(1);
                if rows.len() < limit {
                    matched.extend(host_matched.iter().cloned());
                    rows.push(FindRow { host: host.name.clone(), live: is_now, at_ms, found, matched });
                }
            };
            match &known {
                Known::Sockets(at_ms, table) => {
                    let table = (**table).as_ref();
                    answer.owner_hidden = answer.owner_hidden.saturating_add(table.owner_hidden);
                    judge.sockets(table, |found, matched| add(*at_ms, found, matched));
                }
                Known::Processes(at_ms, table) => {
                    judge.processes((**table).as_ref(), |found, matched| add(*at_ms, found, matched));
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
            Subject::Sockets => {
                self.sockets.get(from, id)?.map(|kept| Known::Sockets(kept.received_ms, Arc::new(Kept(kept))))
            }
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

/// Asks a host whose link is up. No answer is no fault: its snapshot answers then.
async fn ask(host: Host, session: Option<Arc<Session>>, subject: Subject, may_ask: bool) -> Told {
    let live = session.is_some();
    let known = match session {
        None => None,
        Some(session) => match subject {
            Subject::Sockets => table(&session, may_ask).await.map(|(at, table)| Known::Sockets(at, table)),
            Subject::Processes => {
                table(&session, may_ask).await.map(|(at, table)| Known::Processes(at, table))
            }
            Subject::Units => table(&session, may_ask).await.map(|(at, table)| Known::Services(at, table)),
            Subject::Disks => session.newest_metrics().map(|aged| Known::Metrics(Arc::new(aged))),
            Subject::Kernels | Subject::Hosts => {
                session.known_system().map(|aged| Known::System(Arc::new(aged)))
            }
        },
    };
    Told { host, live, known }
}

async fn table<T: Tabled>(
    session: &Arc<Session>,
    may_ask: bool,
) -> Option<(i64, Arc<dyn AsRef<T> + Send + Sync>)> {
    let reading = session.table_without_connecting::<T>(may_ask, ANSWER_LIMIT).await?;
    Some((reading.received_ms, Arc::new(reading)))
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
