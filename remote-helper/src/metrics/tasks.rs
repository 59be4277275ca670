//! Processes by state, in top(1)'s five groups.

use protocol::metrics::Tasks;

use crate::processes::Sample;

pub(super) fn count_tasks(sample: &Sample) -> Tasks {
    let some_hidden = sample.others_hidden || sample.unreadable > 0;
    let mut tasks = Tasks { some_hidden, ..Tasks::default() };
    sample.seen.iter().for_each(|seen| count(&mut tasks, seen.state));
    tasks
}

/// top(1) counts as sleeping all that neither runs nor is stopped nor dead: S, D and I.
fn count(tasks: &mut Tasks, state: u8) {
    tasks.total += 1;
    match state {
        b'R' => tasks.running += 1,
        b'T' | b't' => tasks.stopped += 1,
        b'Z' => tasks.zombie += 1,
        _ => tasks.sleeping += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_in_one_group() {
        let mut tasks = Tasks::default();
        for state in *b"RSDITtZXP" {
            count(&mut tasks, state);
        }
        assert_eq!(
            tasks,
            Tasks { total: 9, running: 1, sleeping: 5, stopped: 2, zombie: 1, some_hidden: false }
        );
    }
}
