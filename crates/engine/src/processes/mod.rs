//! processes: the query over a host's process table, and what a signal came to.

mod signal;

pub(crate) use signal::{conclude, equivalent_command};

use std::sync::Arc;

use protocol::fuzzy::{By, Column, Fuzzy};
use protocol::processes::{Process, ProcessAnswer, ProcessQuery, ProcessRow, ProcessSort, ProcessTable};

/// Answers a query from a table: best matches first if there is text, else most CPU first, unless
/// an order is asked for. Processes without a CPU share come last there.
pub fn answer(table: &ProcessTable, query: &ProcessQuery, stale: bool) -> ProcessAnswer {
    let mut fuzzy = Fuzzy::new(&query.text);
    let mut found: Vec<(u32, ProcessRow)> = table
        .processes
        .iter()
        .filter(|process| !(query.programs && process.kernel_thread))
        .filter_map(|process| {
            let (score, matched) = if fuzzy.is_empty() {
                (0, Vec::new())
            } else {
                let (pid, uid) = (process.pid.to_string(), process.uid.to_string());
                // Where the host has no name for a user, the number is what is shown.
                let user = match &process.user {
                    Some(user) => column("user", user, By::Letters),
                    None => column("user", &uid, By::Text),
                };
                fuzzy.judge(&[
                    column("name", &process.name, By::Letters),
                    // Letters in order would find anything in a long command line.
                    column("command", &process.command, By::Text),
                    user,
                    column("unit", process.unit.as_deref().unwrap_or_default(), By::Letters),
                    column("state", process.state.words(), By::Whole),
                    column("pid", &pid, By::Text),
                ])?
            };
            Some((score, ProcessRow { process: process.clone(), matched }))
        })
        .collect();
    match query.sort {
        None if !fuzzy.is_empty() => found.sort_by_key(|(score, _)| std::cmp::Reverse(*score)),
        sort => sort_by(&mut found, sort.unwrap_or(ProcessSort::Cpu)),
    }
    let matches = found.len();
    found.truncate(query.limit.map_or(usize::MAX, |limit| limit as usize));
    ProcessAnswer {
        at_ms: table.at_ms,
        over_ms: table.over_ms,
        stale,
        total: count(table.processes.len()).saturating_add(table.left_out),
        found: count(matches),
        left_out: count(matches - found.len()).saturating_add(table.left_out),
        cpus: table.cpus,
        others_hidden: table.others_hidden,
        unreadable: table.unreadable,
        took_ms: table.took_ms,
        rows: found.into_iter().map(|(_, row)| Arc::new(row)).collect(),
        ..ProcessAnswer::default()
    }
}

/// Puts what was read about some processes to their rows. A process that has another one's PID by now
/// is not meant.
pub fn add_details(rows: &mut [Arc<ProcessRow>], details: Vec<Process>) {
    for known in details {
        let same = |row: &&mut Arc<ProcessRow>| {
            (row.process.pid, row.process.start_ticks) == (known.pid, known.start_ticks)
        };
        if let Some(row) = rows.iter_mut().find(same) {
            Arc::make_mut(row).process.detail = known.detail;
        }
    }
}

fn sort_by(found: &mut [(u32, ProcessRow)], sort: ProcessSort) {
    let share = |process: &Process| process.cpu_pct.unwrap_or(-1.0);
    found.sort_by(|(_, a), (_, b)| {
        let (a, b) = (&a.process, &b.process);
        match sort {
            ProcessSort::Cpu => share(b).total_cmp(&share(a)).then(b.cpu_ms.cmp(&a.cpu_ms)),
            ProcessSort::Rss => b.rss_bytes.cmp(&a.rss_bytes),
            ProcessSort::Pid => std::cmp::Ordering::Equal,
        }
        .then(a.pid.cmp(&b.pid))
    });
}

fn column<'a>(name: &'static str, text: &'a str, by: By) -> Column<'a> {
    Column { name, text, by }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, name: &str, cpu_pct: Option<f64>, rss_bytes: u64) -> Process {
        Process { pid, name: name.into(), cpu_pct, rss_bytes, user: Some("www".into()), ..Process::default() }
    }

    fn table() -> ProcessTable {
        let java =
            Process { command: "/usr/bin/java -jar shop.jar".into(), ..process(70, "java", Some(2.0), 900) };
        let processes = vec![process(1, "init", None, 10), process(8, "nginx", Some(50.0), 20), java];
        ProcessTable { processes, left_out: 5, ..ProcessTable::default() }
    }

    #[test]
    fn a_state_is_found_by_its_whole_word_and_not_by_a_part_of_it() {
        let mut table = table();
        table.processes[0].state = protocol::processes::ProcessState::Sleeping;
        table.processes[1].name = "sleep".into();
        let found = |text: &str| -> Vec<u32> {
            let query = ProcessQuery { text: text.into(), ..ProcessQuery::default() };
            answer(&table, &query, false).rows.iter().map(|row| row.process.pid).collect()
        };
        assert_eq!(found("sleep"), [8], "not all that are in the state sleeping");
        assert_eq!(found("sleeping"), [1]);
    }

    fn pids(query: &ProcessQuery) -> Vec<u32> {
        answer(&table(), query, false).rows.iter().map(|row| row.process.pid).collect()
    }

    #[test]
    fn the_order_is_the_one_asked_for_and_an_unknown_share_comes_last() {
        let by = |sort| ProcessQuery { sort, ..ProcessQuery::default() };
        assert_eq!(pids(&by(None)), [8, 70, 1]);
        assert_eq!(pids(&by(Some(ProcessSort::Cpu))), [8, 70, 1]);
        assert_eq!(pids(&by(Some(ProcessSort::Rss))), [70, 8, 1]);
        assert_eq!(pids(&by(Some(ProcessSort::Pid))), [1, 8, 70]);
    }

    #[test]
    fn a_user_without_a_name_is_found_by_its_number_as_it_is_written() {
        let mut table = table();
        (table.processes[0].user, table.processes[0].uid) = (None, 2_048);
        let found = |text: &str| -> Vec<u32> {
            let query = ProcessQuery { text: text.into(), ..ProcessQuery::default() };
            answer(&table, &query, false).rows.iter().map(|row| row.process.pid).collect()
        };
        assert_eq!(found("2048"), [1]);
        assert_eq!(found("248"), [] as [u32; 0]);
    }

    #[test]
    fn details_come_to_the_process_that_they_are_of() {
        let mut rows = answer(&table(), &ProcessQuery::default(), false).rows;
        let detail = Some(protocol::processes::ProcessDetail { pss_bytes: Some(5), ..Default::default() });
        let known = Process { detail: detail.clone(), ..process(8, "nginx", None, 0) };
        let other = Process { start_ticks: 99, ..Process { pid: 70, ..known.clone() } };
        add_details(&mut rows, vec![known, other]);
        assert_eq!((&rows[0].process.detail, &rows[1].process.detail), (&detail, &None));
    }

    #[test]
    fn what_a_limit_and_the_host_left_out_is_counted() {
        let found = answer(&table(), &ProcessQuery { limit: Some(1), ..ProcessQuery::default() }, false);
        assert_eq!((found.rows.len(), found.found, found.left_out, found.total), (1, 3, 2 + 5, 3 + 5));
    }

    #[test]
    fn words_find_name_command_user_and_pid_and_tell_the_letters() {
        let text = |text: &str| ProcessQuery { text: text.into(), ..ProcessQuery::default() };
        assert_eq!(pids(&text("ngx")), [8]);
        assert_eq!(pids(&text("shop.jar")), [70]);
        assert_eq!(pids(&text("www 70")), [70]);
        assert_eq!(pids(&text("postgres")), [] as [u32; 0]);
        let row = &answer(&table(), &text("ngx"), false).rows[0];
        assert_eq!((row.matched[0].column.as_str(), row.matched[0].at.as_slice()), ("name", &[0, 1, 4][..]));
    }
}
