//! The machine as one link sees it: where it is read, and what is kept between requests.

use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::Fault;
use protocol::delta::Row;
use protocol::metrics::Metrics;
use protocol::processes::{Blame, ProcessTable};
use protocol::services::ServiceTable;
use protocol::sockets::{Socket, SocketTable};
use protocol::wire::{Answer, Ask, Hello};

use crate::changed::{Changed, Noun};
use crate::error::Error;
use crate::metrics::Sampler;
use crate::processes::{Desk, Errand, Ring, Sample, Told, read_sample, send_signal};
use crate::root::Root;
use crate::runs::{self, Guards};
use crate::services::{FailedUnits, Hearing, Signals, Units};
use crate::sockets::{Owners, Seen, Which};
use crate::stop::Stop;
use crate::users::Users;
use crate::{journal, services, sockets, system};

/// What this helper answers.
const CAN: [&str; 14] = [
    "system",
    "metrics",
    "sockets",
    "services",
    "processes",
    "details",
    "signal",
    "blame",
    "impact",
    "act",
    "run",
    "cancel",
    "refresh",
    "journal",
];

pub(crate) struct Machine {
    pub root: Root,
    /// Told when a table is known to have changed.
    pub changed: Changed,
    sockets: Mutex<(Owners, Users)>,
    processes: Mutex<Desk>,
    ring: Mutex<Ring>,
    failed_units: FailedUnits,
    units: Mutex<Units>,
    signals: Signals,
    guards: Guards,
}

impl Machine {
    pub(crate) fn new(root: Root) -> Self {
        let (users, desk) = (Users::of(&root), Desk::of(&root));
        Self {
            root,
            changed: Changed::default(),
            processes: Mutex::new(desk),
            ring: Mutex::default(),
            sockets: Mutex::new((Owners::default(), users)),
            failed_units: FailedUnits::default(),
            units: Mutex::default(),
            signals: Signals::default(),
            guards: Guards::default(),
        }
    }

    pub(crate) fn hello(&self) -> Hello {
        Hello {
            version: protocol::VERSION.to_owned(),
            can: CAN.map(str::to_owned).to_vec(),
            host: system::read_host(&self.root),
            pid: std::process::id(),
            missing: Vec::new(),
        }
    }

    /// A sample for a subscription, whose rates are those since the sampler's last; who used the most
    /// in that time is kept.
    pub(crate) fn read_metrics(&self, sampler: &mut Sampler, stop: &Stop) -> Result<Metrics, Error> {
        let (metrics, sample) = self.sample_metrics(sampler, stop)?;
        let mut desk = locked(&self.processes);
        locked(&self.ring).record(&self.root, &mut desk, sample, metrics.at_ms);
        Ok(metrics)
    }

    fn sample_metrics(&self, sampler: &mut Sampler, stop: &Stop) -> Result<(Metrics, Sample), Error> {
        let sample = read_sample(&self.root)?;
        let mut metrics = sampler.read(&self.root, &sample)?;
        metrics.failed_units = self.failed_units.latest(&self.root, stop);
        Ok((metrics, sample))
    }

    /// Two samples, half a second apart, so that one answer has rates.
    pub(crate) fn read_metrics_once(&self, stop: &Stop) -> Result<Metrics, Error> {
        let mut sampler = Sampler::default();
        self.sample_metrics(&mut sampler, stop)?;
        if stop.wait(std::time::Duration::from_millis(500)) {
            return Err(Error::Cancelled);
        }
        Ok(self.sample_metrics(&mut sampler, stop)?.0)
    }

    /// The table for a subscription without its rows, and what they are made of, with shares since its
    /// last sample.
    pub(crate) fn read_processes(
        &self,
        last: &mut Option<Sample>,
        detail: &[u32],
    ) -> Result<(ProcessTable, Vec<Told>), Error> {
        locked(&self.processes).read_told(&self.root, last, detail)
    }

    /// One table with shares: since the last single answer if that was a moment ago, else over half
    /// a second.
    fn read_processes_once(&self, detail: &[u32], stop: &Stop) -> Result<ProcessTable, Error> {
        let has_last = locked(&self.processes).has_last();
        if !has_last {
            locked(&self.processes).take_last(&self.root)?;
            if stop.wait(std::time::Duration::from_millis(500)) {
                return Err(Error::Cancelled);
            }
        }
        locked(&self.processes).read_once(&self.root, detail)
    }

    fn read_blame(&self, at_ms: i64) -> Blame {
        let mut desk = locked(&self.processes);
        desk.refresh_users();
        locked(&self.ring).blame(&desk, at_ms)
    }

    fn read_sockets(&self, which: Which) -> Result<SocketTable, Error> {
        let (owners, users) = &mut *locked(&self.sockets);
        sockets::read_table(&self.root, which, owners, users)
    }

    /// The table without its rows, and what they are made of.
    pub(crate) fn read_held_sockets(&self, which: Which) -> Result<(SocketTable, Vec<Seen>), Error> {
        let (owners, users) = &mut *locked(&self.sockets);
        sockets::read_held(&self.root, which, owners, users)
    }

    /// Hears of changed units until the answer is dropped, and nudges the subscriptions to them.
    pub(crate) fn hear_services(&self, stop: &Stop) -> Option<Hearing> {
        self.signals.hear(&self.root, &self.changed, stop)
    }

    /// All units; asked for whole if `anew`, else what changed since the last reading where that is heard.
    pub(crate) fn read_services(&self, anew: bool, stop: &Stop) -> Result<ServiceTable, Error> {
        let mut units = locked(&self.units);
        if anew {
            units.forget();
            self.signals.put_back();
        }
        units.read(&self.root, &self.signals, stop)
    }

    /// Sockets on which processes of a unit listen, as far as this user may see them.
    pub(crate) fn read_listeners_of(&self, unit: &str) -> Result<Vec<Socket>, Error> {
        sockets::read_listeners_of(&self.root, &mut locked(&self.sockets).0, unit)
    }

    /// The same of these processes, whose PIDs ascend.
    pub(crate) fn read_listeners_held_by(&self, pids: &[u32]) -> Result<Vec<Socket>, Error> {
        sockets::read_listeners_held_by(&self.root, &mut locked(&self.sockets).0, pids)
    }

    /// Answers a question once, whatever interval it has.
    pub(crate) fn answer(&self, ask: &Ask, stop: &Stop) -> Result<Answer, Error> {
        Ok(match ask {
            Ask::System {} => Answer::System(Box::new(system::read_system(&self.root, stop)?)),
            Ask::Metrics { .. } => Answer::Metrics(Box::new(self.read_metrics_once(stop)?)),
            Ask::Sockets { unix, .. } => {
                let mut table = self.read_sockets(Which::asked(*unix))?;
                table.sockets.sort_by(Row::by_place);
                Answer::Sockets(table)
            }
            Ask::Services { .. } => Answer::Services(self.read_services(true, stop)?),
            Ask::Processes { detail, .. } => Answer::Processes(self.read_processes_once(detail, stop)?),
            Ask::Details { pids } => {
                Answer::Processes(locked(&self.processes).read_details(&self.root, pids)?)
            }
            Ask::Signal { pid, start_ticks, signal, sudo } => {
                let errand = Errand { pid: *pid, start_ticks: *start_ticks, signal: *signal, sudo: *sudo };
                Answer::Signal(Box::new(send_signal(&self.root, &self.processes, errand, stop)?))
            }
            Ask::Blame { at_ms } => Answer::Blame(Box::new(self.read_blame(*at_ms))),
            Ask::Impact { unit, sudo } => {
                Answer::Impact(Box::new(services::read_impact(self, unit, *sudo, stop)?))
            }
            Ask::Act { unit, action, sudo } => {
                let report = services::act(self, unit, *action, *sudo, stop);
                locked(&self.units).forget();
                self.changed.tell(Noun::Services);
                Answer::Act(Box::new(report?))
            }
            Ask::Run { command, sudo, limit_ms } => {
                let report = runs::run_command(command, *sudo, *limit_ms, &self.guards, stop)?;
                Answer::Run(Box::new(report))
            }
            Ask::Cancel { .. } => Answer::Cancelled {},
            Ask::Refresh { .. } => Answer::Refreshed {},
            Ask::Journal { query, sudo } => {
                Answer::Journal(Box::new(journal::read_page(&self.root, query, *sudo, stop)?))
            }
            Ask::JournalFollow { .. } => {
                return Err(Fault::bad_input("ask", "a follow is a stream, not one answer").into());
            }
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
