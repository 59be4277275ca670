//! From the ring to an answer: who used the most at a moment, and in the minute before. Pure.

use protocol::processes::{Blame, Consumer, Usage};

use super::ring::{Entry, Used, largest_of};

/// The minute that a moment is compared with.
const BEFORE_MS: i64 = 60_000;
/// A sample that ends further from the moment is not of it, unless it covers more.
const NEAR_MS: i64 = 3_000;

pub(super) fn blame<'a>(
    entries: impl Iterator<Item = &'a Entry> + Clone,
    at_ms: i64,
    cpus: u32,
    user: impl Fn(u32) -> Option<String>,
) -> Blame {
    let times = entries.clone().map(|entry| entry.at_ms);
    let mut answer = Blame { from_ms: times.clone().min(), to_ms: times.max(), cpus, ..Blame::default() };
    let distance = |entry: &&Entry| {
        let begins_ms = entry.at_ms.saturating_sub(i64::from(entry.over_ms));
        if (begins_ms.saturating_add(1)..=entry.at_ms).contains(&at_ms) {
            0
        } else {
            entry.at_ms.abs_diff(at_ms)
        }
    };
    let nearest = entries.clone().min_by_key(distance);
    let Some(then) = nearest.filter(|entry| distance(entry) <= NEAR_MS.unsigned_abs()) else {
        return answer;
    };
    let minute = then.at_ms.saturating_sub(BEFORE_MS)..then.at_ms;
    let before: Vec<&Entry> =
        entries.filter(|entry| minute.contains(&entry.at_ms) && !std::ptr::eq(*entry, then)).collect();
    answer.at_ms = Some(then.at_ms);
    answer.over_ms = u64::from(then.over_ms);
    answer.io_hidden = then.io_hidden;
    answer.some_hidden = then.some_hidden;
    answer.samples_before = u32::try_from(before.len()).unwrap_or(u32::MAX);
    let consumers: Vec<Consumer> = then
        .used
        .iter()
        .map(|used| Consumer {
            pid: used.who.pid,
            start_ticks: used.who.start_ticks,
            name: used.who.name.clone(),
            command: used.who.command.clone(),
            user: user(used.who.uid),
            unit: used.who.unit.clone(),
            then: usage(used),
            before: mean(&before, used),
        })
        .collect();
    let top = |size: &dyn Fn(&Consumer) -> f64| -> Vec<Consumer> {
        let places = largest_of(consumers.len(), &|at| consumers.get(at).map_or(0.0, size));
        places.into_iter().filter_map(|at| consumers.get(at).cloned()).collect()
    };
    answer.cpu = top(&|one| one.then.cpu_pct);
    answer.memory = top(&|one| one.then.rss_bytes as f64);
    answer.io = top(&|one| one.then.io_bytes_per_s.unwrap_or(0) as f64);
    answer
}

fn usage(used: &Used) -> Usage {
    Usage {
        cpu_pct: (f64::from(used.cpu_pct) * 10.0).round() / 10.0,
        rss_bytes: u64::from(used.rss_kib) * 1024,
        io_bytes_per_s: used.io_kib_per_s.map(|kib| u64::from(kib) * 1024),
    }
}

/// The mean over samples; one in which the process was not among the largest counts as nothing.
fn mean(before: &[&Entry], of: &Used) -> Option<Usage> {
    if before.is_empty() {
        return None;
    }
    let samples = before.len() as u64;
    let mine = before.iter().filter_map(|entry| {
        let same = |used: &&Used| (used.who.pid, used.who.start_ticks) == (of.who.pid, of.who.start_ticks);
        entry.used.iter().find(same).map(usage)
    });
    let sum = mine.fold(Usage::default(), |sum, one| Usage {
        cpu_pct: sum.cpu_pct + one.cpu_pct,
        rss_bytes: sum.rss_bytes + one.rss_bytes,
        io_bytes_per_s: match (sum.io_bytes_per_s, one.io_bytes_per_s) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        },
    });
    // Whether it may be seen does not depend on how much it was.
    let io = sum.io_bytes_per_s.or(of.io_kib_per_s.map(|_| 0));
    Some(Usage {
        cpu_pct: (sum.cpu_pct / samples as f64 * 10.0).round() / 10.0,
        rss_bytes: sum.rss_bytes / samples,
        io_bytes_per_s: io.map(|bytes| bytes / samples),
    })
}

#[cfg(test)]
mod tests {
    use super::super::ring::Who;
    use super::*;
    use std::sync::Arc;
    use std::time::Instant;

    fn entry(at_ms: i64, used: &[(u32, f32)]) -> Entry {
        let used = used.iter().map(|&(pid, cpu_pct)| Used {
            who: Arc::new(Who { pid, start_ticks: 5, uid: 33, ..Who::default() }),
            cpu_pct,
            rss_kib: 1024,
            io_kib_per_s: None,
        });
        Entry {
            at: Instant::now(),
            at_ms,
            over_ms: 1_000,
            io_hidden: 0,
            some_hidden: false,
            used: used.collect(),
        }
    }

    fn ask(entries: &[Entry], at_ms: i64) -> Blame {
        blame(entries.iter(), at_ms, 4, |uid| (uid == 33).then(|| "www-data".to_owned()))
    }

    #[test]
    fn a_spike_is_told_with_what_was_usual_before() {
        let entries = [
            entry(1_000, &[(7, 2.0)]),
            entry(2_000, &[(7, 4.0), (8, 1.0)]),
            entry(3_000, &[(7, 390.0), (9, 50.0)]),
            entry(4_000, &[(8, 99.0)]),
        ];
        for moment in [2_001, 2_600, 3_000] {
            let answer = ask(&entries, moment);
            assert_eq!((answer.at_ms, answer.over_ms, answer.samples_before), (Some(3_000), 1_000, 2));
            let told: Vec<_> = answer
                .cpu
                .iter()
                .map(|one| (one.pid, one.then.cpu_pct, one.before.unwrap().cpu_pct))
                .collect();
            assert_eq!(told, [(7, 390.0, 3.0), (9, 50.0, 0.0)]);
            assert_eq!(answer.cpu[0].user.as_deref(), Some("www-data"));
            assert!(answer.io.is_empty() && answer.cpu[0].then.io_bytes_per_s.is_none());
        }
    }

    #[test]
    fn a_moment_that_nothing_is_kept_of_has_no_sample_and_the_reach_is_told() {
        let entries = [entry(100_000, &[(7, 1.0)]), entry(101_000, &[(7, 1.0)])];
        for moment in [0, 90_000, 200_000, i64::MIN, i64::MAX] {
            let answer = ask(&entries, moment);
            assert_eq!((answer.at_ms, answer.from_ms, answer.to_ms), (None, Some(100_000), Some(101_000)));
        }
        assert_eq!(ask(&[], 5).from_ms, None);
        assert_eq!(ask(&entries, 100_000).cpu[0].before, None, "there is no minute before");
    }
}
