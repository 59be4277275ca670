//! pulled: answers from files that were read a moment ago from another machine, on which nothing may
//! be put or run.
//!
//! A tree has the files of that machine under their paths, and under `tools` what its tools said. Two
//! trees a while apart give rates, over the time that passed on that machine. What no file tells is
//! missing from the answer; nothing of the machine that this runs on is put in its place.

use std::path::Path;

use protocol::delta::Source;
use protocol::wire::{Answer, Ask};

use crate::clock;
use crate::error::Error;
use crate::machine::Machine;
use crate::metrics::Sampler;
use crate::processes::read_sample;
use crate::root::Root;
use crate::stop::Stop;

/// Answers by the tree `now`, with rates since the tree `before`.
pub(crate) fn answer(ask: &Ask, before: Option<&Path>, now: &Path) -> Result<Answer, Error> {
    let root = Root::pulled(now);
    let said = root.said("getconf").unwrap_or_default();
    if let [ticks_per_s, page_bytes] = numbers(&said)[..] {
        clock::count_in(ticks_per_s, page_bytes);
    }
    let at_ms = clock::pulled_ms(&root);
    let failed = root.said("failed").map(|lines| lines.lines().count());
    let before = before.map(Root::pulled);
    let machine = Machine::new(root);
    let stop = Stop::default();
    let mut answer = match ask {
        Ask::Metrics { .. } => {
            let mut sampler = Sampler::default();
            if let Some(before) = before {
                Machine::new(before).read_metrics(&mut sampler, &stop)?;
            }
            let mut metrics = machine.read_metrics(&mut sampler, &stop)?;
            metrics.failed_units = failed.and_then(|count| u32::try_from(count).ok());
            Answer::Metrics(Box::new(metrics))
        }
        Ask::Processes { detail, .. } => {
            let mut last = before.map(|before| read_sample(&before)).transpose()?;
            let (mut table, told) = machine.read_processes(&mut last, detail)?;
            table.processes = told.iter().map(Source::to_row).collect();
            Answer::Processes(table)
        }
        other => machine.answer(other, &stop)?,
    };
    if let Some(at_ms) = at_ms {
        match &mut answer {
            Answer::System(system) => system.at_ms = at_ms,
            Answer::Metrics(metrics) => metrics.at_ms = at_ms,
            Answer::Sockets(table) => table.at_ms = at_ms,
            Answer::Services(table) => table.at_ms = at_ms,
            Answer::Processes(table) => table.at_ms = at_ms,
            Answer::Journal(page) => page.at_ms = at_ms,
            _ => {}
        }
    }
    Ok(answer)
}

fn numbers(text: &str) -> Vec<u64> {
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine of which little is known: one process, one core.
    fn tree(uptime: &str, idle: u32, ticks: u32) -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        let stat = format!("cpu  100 0 0 {idle} 0 0 0 0\ncpu0 100 0 0 {idle} 0 0 0 0\nbtime 1700000000\n");
        let process = format!("7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 1000 0 3\n");
        let files = [
            ("proc/stat", stat.as_str()),
            ("proc/uptime", uptime),
            ("proc/loadavg", "0.00 0.01 0.05 1/123 4567\n"),
            ("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 400 kB\nBuffers: 10 kB\nCached: 90 kB\n"),
            ("proc/7/stat", process.as_str()),
            ("proc/7/status", "Name:\ta) b\nUid:\t0\t0\t0\t0\n"),
            ("proc/7/cmdline", "a\0--long name\0"),
            ("tools/failed", "x.service loaded failed failed\n"),
            ("tools/list-units", "x.service loaded failed failed X\ny.socket loaded active listening Y\n"),
            ("tools/list-unit-files", "x.service enabled enabled\nz.service disabled enabled\n"),
            ("tools/show", "Id=x.service\nActiveState=failed\nUnitFileState=enabled\n\nId=q.slice\n"),
        ];
        for (path, text) in files {
            let path = tree.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        tree
    }

    #[test]
    fn two_trees_give_rates_over_the_time_of_their_machine() {
        let (before, now) = (tree("100.00 50.00\n", 100, 0), tree("102.00 51.00\n", 300, 100));
        let metrics = answer(&Ask::Metrics { interval_ms: None }, Some(before.path()), now.path()).unwrap();
        let Answer::Metrics(metrics) = metrics else { panic!() };
        assert_eq!((metrics.over_ms, metrics.at_ms), (Some(2_000), 1_700_000_102_000));
        assert_eq!((metrics.cpu.unwrap().id_pct, metrics.failed_units), (100.0, Some(1)));
        let ask = Ask::Processes { interval_ms: None, detail: Vec::new() };
        let Answer::Processes(table) = answer(&ask, Some(before.path()), now.path()).unwrap() else {
            panic!()
        };
        let process = &table.processes[0];
        assert_eq!((process.cpu_pct, process.started_ms), (Some(50.0), Some(1_700_000_010_000)));
        assert_eq!((process.name.as_str(), table.over_ms), ("a) b", Some(2_000)));
        assert!(table.others_hidden, "PID 1 is not among them");
    }

    #[test]
    fn a_machine_that_slept_between_two_trees_has_rates_over_all_that_time_and_none_that_is_wrong() {
        let (before, now) = (tree("100.00 50.00\n", 100, 0), tree("28900.00 51.00\n", 300, 100));
        let metrics = answer(&Ask::Metrics { interval_ms: None }, Some(before.path()), now.path()).unwrap();
        let Answer::Metrics(metrics) = metrics else { panic!() };
        assert_eq!((metrics.over_ms, metrics.cpu.unwrap().id_pct), (Some(28_800_000), 100.0));
        let ask = Ask::Processes { interval_ms: None, detail: Vec::new() };
        let Answer::Processes(table) = answer(&ask, Some(before.path()), now.path()).unwrap() else {
            panic!()
        };
        assert_eq!(table.processes[0].cpu_pct, Some(0.0), "a second of work in eight hours");
    }

    #[test]
    fn units_are_told_by_what_systemctl_said_there() {
        let now = tree("100.00 50.00\n", 1, 1);
        let Answer::Services(table) = answer(&Ask::Services { interval_ms: None }, None, now.path()).unwrap()
        else {
            panic!()
        };
        let states: Vec<_> = table
            .services
            .iter()
            .map(|one| (one.name.as_str(), one.active_state.as_str(), one.enabled_state.as_deref()))
            .collect();
        assert_eq!(
            states,
            [
                ("x.service", "failed", Some("enabled")),
                ("y.socket", "active", None),
                ("z.service", "inactive", Some("disabled"))
            ]
        );
    }
}
