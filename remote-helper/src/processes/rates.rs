//! CPU shares between two samples. Pure: what a process used is told only where it is known.

use super::sample::{Sample, Seen};

/// Percent of one CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rate {
    pub(super) own_pct: f64,
    /// Of children that began and ended between the samples, which no sample shows.
    pub(super) ended_children_pct: f64,
}

/// The share of each process of `now`, in its order. A process is the same only if PID and start
/// time are. One that began after the last sample used all it has used since; one that was there
/// before but was not seen has no share.
pub(super) fn rates(last: &Sample, now: &Sample, ticks_per_s: u64, cpus: u32) -> Vec<Option<Rate>> {
    let over_ticks = now.at.duration_since(last.at).as_secs_f64() * ticks_per_s as f64;
    if over_ticks <= 0.0 {
        return vec![None; now.seen.len()];
    }
    let most_pct = f64::from(cpus.max(1)) * 100.0;
    let pct = |ticks: u64| (ticks as f64 * 100.0 / over_ticks).min(most_pct);
    let reaped = reaped_ticks(last, now);
    now.seen
        .iter()
        .map(|seen| match last.find(seen.pid).filter(|before| is_same(before, seen)) {
            Some(before) => {
                // What a child used before the last sample was told then, as its own.
                let ended = match seen.children_ticks.checked_sub(before.children_ticks)? {
                    0 => 0,
                    ended => ended.saturating_sub(reaped_of(&reaped, seen.pid)),
                };
                let own_pct = pct(seen.cpu_ticks.checked_sub(before.cpu_ticks)?);
                Some(Rate { own_pct, ended_children_pct: pct(ended) })
            }
            None if last.at_ticks.is_some_and(|at_ticks| seen.start_ticks >= at_ticks) => {
                Some(Rate { own_pct: pct(seen.cpu_ticks), ended_children_pct: pct(seen.children_ticks) })
            }
            None => None,
        })
        .collect()
}

fn is_same(a: &Seen, b: &Seen) -> bool {
    (a.pid, a.start_ticks) == (b.pid, b.start_ticks)
}

/// What each process that has ended had used when it was last seen, with its parent.
fn reaped_ticks(last: &Sample, now: &Sample) -> Vec<(u32, u64)> {
    let is_gone = |seen: &&Seen| !now.find(seen.pid).is_some_and(|other| is_same(other, seen));
    let gone = last.seen.iter().filter(is_gone);
    gone.map(|gone| (gone.ppid, gone.cpu_ticks.saturating_add(gone.children_ticks))).collect()
}

/// Most samples have few that ended, and most processes no children that did.
fn reaped_of(reaped: &[(u32, u64)], parent: u32) -> u64 {
    reaped.iter().filter(|(of, _)| *of == parent).map(|(_, ticks)| ticks).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    fn seen(pid: u32, start_ticks: u64, cpu_ticks: u64) -> Seen {
        Seen { pid, start_ticks, cpu_ticks, ppid: 1, ..Seen::default() }
    }

    /// Two samples a second apart, at 1,000 and 1,100 ticks after boot.
    fn shares(last: Vec<Seen>, now: Vec<Seen>) -> Vec<Option<Rate>> {
        let at = Instant::now();
        let last = Sample::of(at, 1_000, last);
        rates(&last, &Sample::of(at + Duration::from_secs(1), 1_100, now), 100, 4)
    }

    fn own(rates: &[Option<Rate>]) -> Vec<Option<f64>> {
        rates.iter().map(|rate| rate.map(|rate| rate.own_pct)).collect()
    }

    #[test]
    fn a_share_is_what_was_used_between_the_samples() {
        let rates = shares(vec![seen(7, 5, 100), seen(8, 5, 0)], vec![seen(7, 5, 150), seen(8, 5, 0)]);
        assert_eq!(own(&rates), [Some(50.0), Some(0.0)]);
    }

    #[test]
    fn a_pid_that_was_given_again_takes_nothing_over() {
        let rates = shares(vec![seen(7, 5, 9_000)], vec![seen(7, 1_050, 20)]);
        assert_eq!(own(&rates), [Some(20.0)], "it began between the samples, so all of it is its own");
        let hidden = shares(vec![], vec![seen(7, 5, 9_000)]);
        assert_eq!(own(&hidden), [None], "it was there before and nobody saw what it had used");
    }

    #[test]
    fn children_that_no_sample_shows_are_told_with_their_parent_and_the_others_only_once() {
        let parent = |children_ticks| Seen { children_ticks, ..seen(7, 5, 0) };
        let child = Seen { ppid: 7, ..seen(9, 900, 500) };
        // The child that was seen with 500 ticks used 10 more; unseen ones used 30.
        let rates = shares(vec![parent(0), child], vec![parent(540)]);
        assert_eq!(rates[0].unwrap().ended_children_pct, 40.0);
        let long = shares(vec![parent(0), child], vec![parent(500)]);
        assert_eq!(long[0].unwrap().ended_children_pct, 0.0, "what it used in its life is no spike now");
    }

    #[test]
    fn without_time_between_the_samples_there_is_no_share() {
        let at = Instant::now();
        let sample = |ticks| Sample::of(at, 1_000, vec![seen(7, 5, ticks)]);
        assert_eq!(rates(&sample(1), &sample(9), 100, 1), [None]);
    }

    proptest! {
        #[test]
        fn no_share_is_below_zero_or_over_all_cpus(
            last in prop::collection::vec((1u32..9, 0u64..3, any::<u32>(), any::<u32>()), 0..9),
            now in prop::collection::vec((1u32..9, 0u64..3, any::<u32>(), any::<u32>()), 0..9),
        ) {
            let table = |rows: Vec<(u32, u64, u32, u32)>| {
                let mut rows: Vec<Seen> = rows.into_iter().map(|(pid, start, cpu, children)| Seen {
                    children_ticks: u64::from(children), ..seen(pid, start * 600, u64::from(cpu))
                }).collect();
                rows.sort_by_key(|seen| seen.pid);
                rows.dedup_by_key(|seen| seen.pid);
                rows
            };
            for rate in shares(table(last), table(now)).into_iter().flatten() {
                prop_assert!((0.0..=400.0).contains(&rate.own_pct), "{rate:?}");
                prop_assert!((0.0..=400.0).contains(&rate.ended_children_pct), "{rate:?}");
            }
        }
    }
}
