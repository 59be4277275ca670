//! CPU time by mode from `/proc/stat` (proc_stat(5)), as top(1) shows it.

use protocol::metrics::{CoreShares, CpuShares};

use super::round2;

/// user, nice, system, idle, iowait, irq, softirq, steal. The kernel counts guest time in user and
/// guest_nice in nice already, so those two columns are left out, as top(1) does.
pub(super) type Modes = [u64; 8];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ticks {
    pub(super) all: Modes,
    /// By the kernel's number; a core that is off line has no entry.
    pub(super) cores: Vec<(u32, Modes)>,
}

pub(super) fn parse_ticks(stat: &str) -> Option<Ticks> {
    let mut ticks = Ticks::default();
    let mut found = false;
    for line in stat.lines() {
        let Some(rest) = line.strip_prefix("cpu") else { continue };
        let mut words = rest.split_ascii_whitespace();
        if rest.starts_with(' ') {
            ticks.all = parse_modes(words)?;
            found = true;
        } else if let Some(core) = words.next().and_then(|number| number.parse().ok()) {
            ticks.cores.push((core, parse_modes(words)?));
        }
    }
    found.then_some(ticks)
}

/// Kernels before 2.6.11 have fewer columns; those are zero.
fn parse_modes<'a>(words: impl Iterator<Item = &'a str>) -> Option<Modes> {
    let mut modes = Modes::default();
    let mut count = 0;
    for (mode, word) in modes.iter_mut().zip(words) {
        *mode = word.parse().ok()?;
        count += 1;
    }
    (count >= 4).then_some(modes)
}

/// Shares between two readings; `None` if no time passed. A mode that went back (idle and iowait
/// may) counts as still, as in top(1).
pub(super) fn shares(last: &Modes, now: &Modes) -> Option<CpuShares> {
    let mut spent = Modes::default();
    for ((spent, last), now) in spent.iter_mut().zip(last).zip(now) {
        *spent = now.saturating_sub(*last);
    }
    let total = sum(&spent);
    if total == 0 {
        return None;
    }
    let [us, ni, sy, id, wa, hi, si, st] = spent.map(|ticks| round2(ticks as f64 * 100.0 / total as f64));
    Some(CpuShares {
        us_pct: us,
        sy_pct: sy,
        ni_pct: ni,
        id_pct: id,
        wa_pct: wa,
        hi_pct: hi,
        si_pct: si,
        st_pct: st,
    })
}

/// A host may say anything, also counters whose sum no number holds.
fn sum(modes: &Modes) -> u64 {
    modes.iter().fold(0, |sum, ticks| sum.saturating_add(*ticks))
}

/// Shares of the cores that were there both times.
pub(super) fn core_shares(last: &Ticks, now: &Ticks) -> Vec<CoreShares> {
    now.cores
        .iter()
        .filter_map(|(core, modes)| {
            let (_, before) = last.cores.iter().find(|(number, _)| number == core)?;
            // A core that was plugged in anew may begin at zero.
            if sum(modes) < sum(before) {
                return None;
            }
            Some(CoreShares { core: *core, shares: shares(before, modes)? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STAT: &str = "cpu  4705 150 1120 1644013 1020 0 210 15 400 10\n\
        cpu0 2300 70 560 822000 500 0 200 8 200 5\n\
        cpu2 2405 80 560 822013 520 0 10 7 200 5\n\
        intr 114930548 113199788 3 0 5 263 0 4\nctxt 1990473\nbtime 1062191376\nprocesses 2915\n";

    #[test]
    fn guest_time_is_not_counted_twice() {
        let last = parse_ticks(STAT).unwrap();
        let now = parse_ticks(&STAT.replace("cpu  4705", "cpu  4805").replace(" 400 10", " 500 10")).unwrap();
        let shares = shares(&last.all, &now.all).unwrap();
        assert_eq!(shares.us_pct, 100.0, "100 ticks of guest are within the 100 ticks of user");
    }

    #[test]
    fn cores_go_by_the_kernels_number_and_a_new_one_waits_for_its_second_sample() {
        let last = parse_ticks(STAT).unwrap();
        let text = STAT.replace("cpu0 2300", "cpu0 2400").replace("cpu2 2405", "cpu3 1");
        let cores = core_shares(&last, &parse_ticks(&text).unwrap());
        assert_eq!(cores.iter().map(|core| core.core).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn a_line_of_linux_2_6_without_steal_is_read() {
        assert_eq!(parse_ticks("cpu  10 20 30 40 50 60 70\n").unwrap().all, [10, 20, 30, 40, 50, 60, 70, 0]);
        assert_eq!(parse_ticks("intr 1\n"), None);
        assert_eq!(parse_ticks("cpu  x\n"), None);
    }

    #[test]
    fn without_time_between_two_samples_there_is_no_share() {
        let ticks = parse_ticks(STAT).unwrap();
        assert_eq!(shares(&ticks.all, &ticks.all), None);
    }

    #[test]
    fn counters_whose_sum_overflows_are_no_panic() {
        let zero = parse_ticks(STAT).unwrap();
        let text = STAT.replace("cpu0 2300 70", "cpu0 18446744073709551615 18446744073709551615");
        let now = parse_ticks(&text.replace("cpu  4705", "cpu  18446744073709551615")).unwrap();
        assert!(shares(&zero.all, &now.all).is_some_and(|shares| shares.us_pct <= 100.0));
        assert_eq!(core_shares(&now, &zero).len(), 0);
        assert_eq!(core_shares(&zero, &now).len(), 1, "the other core did nothing");
    }

    proptest! {
        #[test]
        fn shares_sum_to_100_whatever_the_counters_do(last: [u32; 8], now: [u32; 8]) {
            if let Some(s) = shares(&last.map(u64::from), &now.map(u64::from)) {
                let all = [s.us_pct, s.sy_pct, s.ni_pct, s.id_pct, s.wa_pct, s.hi_pct, s.si_pct, s.st_pct];
                prop_assert!(all.iter().all(|pct| (0.0..=100.0).contains(pct)), "{all:?}");
                prop_assert!((all.iter().sum::<f64>() - 100.0).abs() < 0.05, "{all:?}");
            }
        }
    }
}
