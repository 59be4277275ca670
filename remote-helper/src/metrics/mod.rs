//! metrics: the numbers of the host that change all the time.
//!
//! A `Sampler` belongs to one subscription and keeps the counters of its last sample, so that each
//! rate covers exactly the time between two pushes. A counter that went back, or a CPU or device
//! that was not there before, has no rate in that sample rather than a wrong one.

mod cpu;
mod devices;
mod disks;
mod load;
mod memory;
mod networks;
mod pressure;
mod tasks;

use std::time::{Duration, Instant};

use protocol::metrics::Metrics;

use crate::clock;
use crate::error::Error;
use crate::root::{Root, read_bytes, read_text};

pub(crate) use load::parse_uptime;
pub(crate) use memory::parse_meminfo;

/// Counters of one moment.
struct Counters {
    at: Instant,
    cpu: cpu::Ticks,
    devices: Vec<devices::Counters>,
    networks: Vec<networks::Counters>,
}

/// Reads metrics, with rates since its last reading.
#[derive(Default)]
pub(crate) struct Sampler {
    last: Option<Counters>,
}

impl Sampler {
    /// Reads all but the failed units, which are the service manager's to tell.
    pub(crate) fn read(&mut self, root: &Root) -> Result<Metrics, Error> {
        let now = read_counters(root)?;
        let mut metrics = Metrics {
            at_ms: clock::now_ms(),
            tasks: tasks::read_tasks(root)?,
            load: load::read_load(root)?,
            memory: memory::read_memory(root)?,
            disks: disks::read_disks(root),
            pressure: pressure::read_pressure(root),
            uptime_s: load::read_uptime(root)?,
            ..Metrics::default()
        };
        if let Some(last) = &self.last {
            let over = now.at.duration_since(last.at);
            if over >= Duration::from_millis(1) {
                metrics.over_ms = u64::try_from(over.as_millis()).ok();
                metrics.cpu = cpu::shares(&last.cpu.all, &now.cpu.all);
                metrics.cores = cpu::core_shares(&last.cpu, &now.cpu);
                metrics.devices = devices::rates(&last.devices, &now.devices, over);
                metrics.networks = networks::rates(&last.networks, &now.networks, over);
            }
        }
        self.last = Some(now);
        Ok(metrics)
    }
}

fn read_counters(root: &Root) -> Result<Counters, Error> {
    let stat = read_text(&root.proc.join("stat"))?;
    let cpu = cpu::parse_ticks(&stat).ok_or(Error::Parse {
        what: "/proc/stat",
        line: stat.lines().next().unwrap_or_default().to_owned(),
    })?;
    // Some containers hide these two files; a host without disks or networks has no rates of them.
    let devices = read_text(&root.proc.join("diskstats")).map(|text| devices::parse_diskstats(&text));
    let networks = read_bytes(&root.proc.join("self/net/dev"))
        .or_else(|_| read_bytes(&root.proc.join("net/dev")))
        .map(|bytes| networks::parse_net_dev(&crate::root::lossy(bytes)));
    Ok(Counters {
        at: Instant::now(),
        cpu,
        devices: devices::only_whole(root, devices.unwrap_or_default()),
        networks: networks.unwrap_or_default(),
    })
}

/// A rate to two decimals; `None` if the counter went back.
fn rate(last: u64, now: u64, over: Duration) -> Option<f64> {
    Some(round2(now.checked_sub(last)? as f64 / over.as_secs_f64()))
}

/// Two decimals are enough for every number on a screen, and short on the wire.
fn round2(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
