//! metrics: the numbers of a host that change all the time.
//!
//! Meanings are those of top(1), free(1) and df(1). Rates come from two samples: the first sample
//! of a reader has none rather than wrong ones.

mod samples;

use serde::{Deserialize, Serialize};

pub use samples::{MemoryShares, Pair, Recent, Sample, SampleCpu, Stalls};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Milliseconds since 1970 UTC by the host's clock.
    pub at_ms: i64,
    /// Time covered by the rates; `None` in a first sample.
    pub over_ms: Option<u64>,
    pub tasks: Tasks,
    /// Share of each mode over the last interval; `None` in a first sample.
    pub cpu: Option<CpuShares>,
    /// The same per core, by the kernel's number.
    #[serde(deserialize_with = "crate::delta::capped")]
    pub cores: Vec<CoreShares>,
    /// Load averages of 1, 5 and 15 minutes.
    pub load: [f64; 3],
    pub memory: Memory,
    #[serde(deserialize_with = "crate::delta::capped")]
    pub disks: Vec<Disk>,
    /// File systems of other hosts, which are not measured: a question about one whose server is
    /// gone is never answered.
    #[serde(deserialize_with = "crate::delta::capped")]
    pub network_mounts: Vec<NetworkMount>,
    #[serde(deserialize_with = "crate::delta::capped")]
    pub devices: Vec<DeviceRates>,
    #[serde(deserialize_with = "crate::delta::capped")]
    pub networks: Vec<NetworkRates>,
    pub pressure: Option<Pressure>,
    /// Sensors that the kernel has a value of.
    #[serde(deserialize_with = "crate::delta::capped")]
    pub temperatures: Vec<Temperature>,
    /// What a container may use at most; `None` where it may use all of the machine.
    pub limits: Option<Limits>,
    pub uptime_s: u64,
    /// Units that failed, where the host has systemd.
    pub failed_units: Option<u32>,
}

/// `220 total, 1 running, 219 sleeping, 0 stopped, 0 zombie`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tasks {
    pub total: u32,
    pub running: u32,
    pub sleeping: u32,
    pub stopped: u32,
    pub zombie: u32,
    /// This user is not shown all processes (`hidepid` of proc(5)): these are only some.
    pub some_hidden: bool,
}

/// Percent of the whole per mode, in top(1)'s order; they sum to 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CpuShares {
    pub us_pct: f64,
    pub sy_pct: f64,
    pub ni_pct: f64,
    pub id_pct: f64,
    pub wa_pct: f64,
    pub hi_pct: f64,
    pub si_pct: f64,
    pub st_pct: f64,
}

impl CpuShares {
    /// All that is not idle and not waiting for I/O.
    pub fn busy_pct(&self) -> f64 {
        (100.0 - self.id_pct - self.wa_pct).clamp(0.0, 100.0)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CoreShares {
    pub core: u32,
    #[serde(flatten)]
    pub shares: CpuShares,
}

/// Memory as free(1) and top(1) of procps 4 count it, from `/proc/meminfo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    pub total_bytes: u64,
    pub free_bytes: u64,
    /// Total less available.
    pub used_bytes: u64,
    /// Buffers, page cache and reclaimable slab.
    pub buff_cache_bytes: u64,
    pub available_bytes: u64,
    pub swap_total_bytes: u64,
    pub swap_free_bytes: u64,
    pub swap_used_bytes: u64,
}

/// A real file system, each once. Space as df(1): `use_pct` is used over used plus available.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Disk {
    pub mount: String,
    pub source: String,
    pub fs_type: String,
    pub total_bytes: u64,
    pub used_bytes: u64,
    pub available_bytes: u64,
    pub use_pct: Option<f64>,
    pub inodes_total: u64,
    pub inodes_used: u64,
    pub read_only: bool,
}

/// A mounted file system of another host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkMount {
    pub mount: String,
    pub source: String,
    pub fs_type: String,
}

/// A sensor, as sensors(1) names it: the chip, and the chip's name for the place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Temperature {
    pub chip: String,
    pub place: String,
    pub now_celsius: f64,
    pub critical_celsius: Option<f64>,
}

/// What the control group that is the root of this host may use, and uses. A container shows the
/// processors of the whole machine; this is its own part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    pub memory_bytes: Option<u64>,
    /// Memory in use without page cache that was not needed for a while.
    pub memory_used_bytes: Option<u64>,
    /// CPUs whose whole time it may use.
    pub cpus: Option<f64>,
    /// CPUs whose whole time it did use since the last sample.
    pub cpus_used: Option<f64>,
}

/// I/O of a block device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceRates {
    pub device: String,
    pub read_bytes_per_s: f64,
    pub write_bytes_per_s: f64,
    pub reads_per_s: f64,
    pub writes_per_s: f64,
    /// Share of the time with I/O under way.
    pub busy_pct: f64,
}

/// Traffic of a network interface, without loopback.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkRates {
    pub interface: String,
    pub in_bytes_per_s: f64,
    pub out_bytes_per_s: f64,
    pub in_packets_per_s: f64,
    pub out_packets_per_s: f64,
    pub errors_per_s: f64,
    pub drops_per_s: f64,
}

/// Pressure stall information: share of the last 10 s in which some task waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pressure {
    pub cpu_some_pct: Option<f64>,
    pub io_some_pct: Option<f64>,
    pub io_full_pct: Option<f64>,
    pub memory_some_pct: Option<f64>,
    pub memory_full_pct: Option<f64>,
}
