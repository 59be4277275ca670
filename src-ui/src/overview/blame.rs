//! Who caused a moment: the largest users of what a lane shows, and how much of a rise is theirs.

use protocol::processes::{Blame, Consumer, Usage};

use super::lanes::Lane;

/// Rows of the panel; the rest is the host's other processes.
const SHOWN: usize = 6;

/// Of what a process is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Cpu,
    Memory,
    Io,
}

impl Of {
    /// What answers for a lane. Who waits shows in pressure; who makes them wait is whoever computes.
    pub(crate) fn lane(lane: Lane) -> Of {
        match lane {
            Lane::Memory => Of::Memory,
            Lane::Disk => Of::Io,
            Lane::Cpu | Lane::Network | Lane::Pressure => Of::Cpu,
        }
    }

    /// Why the users of something else are told than what the lane shows; `None` where it is the same.
    pub(crate) fn stands_in(lane: Lane) -> Option<StandIn> {
        match lane {
            Lane::Network => Some(StandIn::Network),
            Lane::Pressure => Some(StandIn::Pressure),
            Lane::Cpu | Lane::Memory | Lane::Disk => None,
        }
    }

    /// A rise below this is the ordinary coming and going of a host.
    fn noise(self) -> f64 {
        match self {
            Of::Cpu => 2.0,
            Of::Memory => f64::from(32 << 20),
            Of::Io => f64::from(1 << 20),
        }
    }

    pub(crate) fn value(self, usage: &Usage, cpus: u32) -> Option<f64> {
        match self {
            Of::Cpu => Some(usage.cpu_pct / f64::from(cpus.max(1))),
            Of::Memory => Some(usage.rss_bytes as f64),
            Of::Io => usage.io_bytes_per_s.map(|bytes| bytes as f64),
        }
    }
}

/// What the kernel does not count by process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StandIn {
    Network,
    Pressure,
}

/// A row of the panel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Culprit {
    pub(crate) consumer: Consumer,
    /// In the unit of `Of`: share of the whole host, bytes, bytes per second.
    pub(crate) value: Option<f64>,
    /// Above the mean of the minute before; `None` if that is not known.
    pub(crate) rise: Option<f64>,
}

/// The largest first; of two alike the one that rose more.
pub(crate) fn culprits(blame: &Blame, of: Of) -> Vec<Culprit> {
    let list = match of {
        Of::Cpu => &blame.cpu,
        Of::Memory => &blame.memory,
        Of::Io => &blame.io,
    };
    let mut rows: Vec<Culprit> = list
        .iter()
        .map(|consumer| {
            let value = of.value(&consumer.then, blame.cpus);
            let before = consumer.before.as_ref().and_then(|before| of.value(before, blame.cpus));
            let rise = value.zip(before).map(|(value, before)| value - before);
            Culprit { consumer: consumer.clone(), value, rise }
        })
        .collect();
    rows.sort_by(|a, b| {
        let number = |value: Option<f64>| value.unwrap_or(f64::MIN);
        number(b.value).total_cmp(&number(a.value)).then(number(b.rise).total_cmp(&number(a.rise)))
    });
    rows.truncate(SHOWN);
    rows
}

/// How many processes make most of the rise, and what share of it, in percent; `None` where nothing
/// rose by more than noise or the minute before is not known.
pub(crate) fn share_of_rise(rows: &[Culprit], of: Of) -> Option<(usize, f64)> {
    let mut rises: Vec<f64> = rows.iter().filter_map(|row| row.rise).filter(|rise| *rise > 0.0).collect();
    let total: f64 = rises.iter().sum();
    if total < of.noise() {
        return None;
    }
    rises.sort_by(|a, b| b.total_cmp(a));
    let mut sum = 0.0;
    for (n, rise) in rises.iter().enumerate() {
        sum += rise;
        if sum >= 0.8 * total {
            return Some((n + 1, 100.0 * sum / total));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer(pid: u32, cpu_pct: f64, before: Option<f64>) -> Consumer {
        let usage = |cpu_pct| Usage { cpu_pct, ..Usage::default() };
        Consumer { pid, then: usage(cpu_pct), before: before.map(usage), ..Consumer::default() }
    }

    #[test]
    fn where_the_order_is_of_something_else_than_the_lane_shows_that_is_known() {
        for lane in Lane::ALL {
            let is_same = match Of::lane(lane) {
                Of::Cpu => lane == Lane::Cpu,
                Of::Memory => lane == Lane::Memory,
                Of::Io => lane == Lane::Disk,
            };
            assert_eq!(Of::stands_in(lane).is_none(), is_same, "{lane:?}");
        }
    }

    #[test]
    fn the_largest_comes_first_as_a_share_of_the_whole_host() {
        let cpu = vec![consumer(1, 10.0, Some(10.0)), consumer(2, 200.0, Some(20.0))];
        let rows = culprits(&Blame { cpus: 4, cpu, ..Blame::default() }, Of::Cpu);
        assert_eq!(rows[0].consumer.pid, 2);
        assert_eq!((rows[0].value, rows[0].rise), (Some(50.0), Some(45.0)));
    }

    #[test]
    fn the_few_that_make_most_of_a_rise_are_counted() {
        let cpu = vec![
            consumer(1, 60.0, Some(2.0)),
            consumer(2, 24.0, Some(1.0)),
            consumer(3, 5.0, Some(4.0)),
            consumer(4, 1.0, Some(9.0)),
        ];
        let rows = culprits(&Blame { cpus: 1, cpu, ..Blame::default() }, Of::Cpu);
        let (count, share) = share_of_rise(&rows, Of::Cpu).unwrap();
        assert_eq!(count, 2);
        assert!((98.0..99.0).contains(&share), "{share}");
    }

    #[test]
    fn without_a_minute_before_nothing_is_said_of_a_rise() {
        let cpu = vec![consumer(1, 60.0, None)];
        let rows = culprits(&Blame { cpus: 1, cpu, ..Blame::default() }, Of::Cpu);
        assert_eq!((rows[0].rise, share_of_rise(&rows, Of::Cpu)), (None, None));
    }

    #[test]
    fn the_coming_and_going_of_a_quiet_host_is_no_rise() {
        let cpu = vec![consumer(1, 0.4, Some(0.1)), consumer(2, 0.2, Some(0.1))];
        let rows = culprits(&Blame { cpus: 1, cpu, ..Blame::default() }, Of::Cpu);
        assert_eq!(share_of_rise(&rows, Of::Cpu), None);
    }

    #[test]
    fn what_may_not_be_seen_is_no_zero() {
        let io = vec![consumer(1, 0.0, Some(0.0))];
        let rows = culprits(&Blame { io, ..Blame::default() }, Of::Io);
        assert_eq!(rows[0].value, None);
    }
}
