//! metrics: the numbers of the host that change all the time.
//!
//! A `Sampler` belongs to one subscription and keeps the counters of its last sample, so that each
//! rate covers exactly the time between two pushes. A counter that went back, or a CPU or device
//! that was not there before, has no rate in that sample rather than a wrong one.

mod cpu;
mod devices;
mod disks;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod limits;
mod load;
mod memory;
mod networks;
mod pressure;
mod tasks;
mod temperatures;

use std::time::{Duration, Instant};

use protocol::metrics::Metrics;

use crate::clock;
use crate::error::Error;
use crate::processes::Sample;
use crate::root::{Root, read_bytes, read_text};

pub(crate) use load::parse_uptime;
pub(crate) use memory::parse_meminfo;

/// Counters of one moment.
struct Counters {
    at: Instant,
    cpu: cpu::Ticks,
    devices: Vec<devices::Counters>,
    networks: Vec<networks::Counters>,
    /// CPU time of the container, where this host is one.
    group_ns: Option<u64>,
}

/// Reads metrics, with rates since its last reading.
#[derive(Default)]
pub(crate) struct Sampler {
    last: Option<Counters>,
    temperatures: temperatures::Sensors,
}

impl Sampler {
    /// Reads all but the failed units, which are the service manager's to tell. The tasks are those
    /// of the sample, which others use as well.
    pub(crate) fn read(&mut self, root: &Root, tasks: &Sample) -> Result<Metrics, Error> {
        let now = read_counters(root)?;
        let (disks, network_mounts) = disks::read_disks(root);
        let memory = memory::read_memory(root)?;
        let mut metrics = Metrics {
            at_ms: clock::now_ms(),
            tasks: tasks::count_tasks(tasks),
            load: load::read_load(root)?,
            memory,
            disks,
            network_mounts,
            pressure: pressure::read_pressure(root),
            temperatures: self.temperatures.read(root),
            limits: limits::read_limits(root, memory.total_bytes),
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
                if let Some(used) = last.group_ns.zip(now.group_ns).and_then(|(l, n)| rate(l, n, over)) {
                    metrics.limits.get_or_insert_default().cpus_used = Some(round2(used / 1e9));
                }
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
        at: clock::moment(root),
        cpu,
        devices: devices::only_whole(root, devices.unwrap_or_default()),
        networks: networks.unwrap_or_default(),
        group_ns: limits::read_used_ns(root),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::read_sample;

    /// What a kernel 3.10 of an EL 7 has, and no more: no pressure, no estimate of free memory.
    const OLD: [(&str, &str); 7] = [
        ("stat", "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 100 0 50 800 50 0 0 0 0 0\nbtime 1700000000\n"),
        ("loadavg", "0.00 0.01 0.05 1/123 4567\n"),
        ("uptime", "1234.56 2345.67\n"),
        ("meminfo", "MemTotal: 1000 kB\nMemFree: 400 kB\nBuffers: 10 kB\nCached: 90 kB\n"),
        ("diskstats", "   8       0 sda 100 0 800 10 200 0 1600 20 0 30 30\n"),
        ("7/stat", "7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 99 0 0\n"),
        ("8/stat", "8 (gone"),
    ];

    fn write(tree: &std::path::Path, file: &str, text: &str) {
        let path = tree.join("proc").join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn an_old_kernel_gives_what_it_has_and_none_for_the_rest() {
        let tree = tempfile::tempdir().unwrap();
        OLD.iter().for_each(|(file, text)| write(tree.path(), file, text));
        let root = Root::captured(tree.path());
        let mut sampler = Sampler::default();
        let first = sampler.read(&root, &read_sample(&root).unwrap()).unwrap();
        assert_eq!((first.cpu, first.over_ms, first.pressure, first.failed_units), (None, None, None, None));
        assert!(first.cores.is_empty() && first.devices.is_empty() && first.networks.is_empty());
        assert_eq!((first.tasks.total, first.tasks.sleeping, first.uptime_s), (1, 1, 1_234));
        assert_eq!(first.memory.available_bytes, 400 * 1024);
        write(tree.path(), "stat", "cpu  110 0 60 870 60 0 0 0 0 0\ncpu0 110 0 60 870 60 0 0 0 0 0\n");
        std::thread::sleep(Duration::from_millis(5));
        let second = sampler.read(&root, &read_sample(&root).unwrap()).unwrap();
        let cpu = second.cpu.unwrap();
        assert_eq!((cpu.us_pct, cpu.sy_pct, cpu.id_pct, cpu.wa_pct), (10.0, 10.0, 70.0, 10.0));
        assert_eq!((second.cores.len(), second.devices[0].reads_per_s), (1, 0.0));
    }
}
