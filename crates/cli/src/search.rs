//! find: one question over all hosts.

use engine::Desk;
use protocol::Fault;
use protocol::ipc::SearchFind;
use protocol::search::{FindAnswer, FindQuery, FindRow, Found};

use crate::output::{Printer, Set, or_dash, table, time};

pub(crate) async fn find(desk: &Desk, query: FindQuery, printer: &Printer) -> Result<(), Fault> {
    let answer = desk.call(SearchFind { query }).await?;
    printer.show(&answer, words)
}

fn words(answer: &FindAnswer) -> String {
    let heads = [
        ("HOST", Set::Left),
        ("FOUND", Set::Left),
        ("WHAT", Set::Left),
        ("UNIT", Set::Left),
        ("SEEN", Set::Left),
    ];
    let rows: Vec<Vec<String>> = answer.rows.iter().map(line).collect();
    let mut text = if rows.is_empty() { String::new() } else { table(&heads, &rows) + "\n" };
    text += &format!("{} found over {} hosts in {} ms", answer.found, answer.hosts, answer.took_ms);
    if answer.rows.len() < answer.found as usize {
        text += &format!(", the first {} shown", answer.rows.len());
    }
    text += &format!(
        "\n{} of {} live hosts answered, {} from what was read before\n",
        answer.answered, answer.live, answer.from_snapshot
    );
    if !answer.unknown.is_empty() {
        text += &format!("never read, so not searched: {}\n", answer.unknown.join(", "));
    }
    let notes = [
        (
            answer.owner_hidden,
            "socket whose owner needs root is not counted",
            "sockets whose owner needs root are not counted",
        ),
        (
            answer.others_hidden,
            "host hides the processes of other users",
            "hosts hide the processes of other users",
        ),
        (answer.unreadable, "process may not be read", "processes may not be read"),
    ];
    for (count, one, several) in notes.into_iter().filter(|(count, ..)| *count > 0) {
        text += &format!("{count} {}\n", if count == 1 { one } else { several });
    }
    text
}

fn line(row: &FindRow) -> Vec<String> {
    let (found, what, unit) = match &row.found {
        Found::Host { address, os } => (address.clone(), or_dash(os.as_ref()), "-".to_owned()),
        Found::Socket { local, peer, program, pid, unit, clients, inode, .. } => {
            let ends = peer.as_ref().map_or_else(|| local.clone(), |peer| format!("{local} <- {peer}"));
            let owner = match (program, pid) {
                (Some(program), Some(pid)) => format!("{program} {pid}"),
                // One on its way out is held by nobody.
                _ if *inode == 0 => "-".to_owned(),
                _ => "owner needs root".to_owned(),
            };
            let clients =
                clients.filter(|clients| *clients > 0).map(|clients| format!(", {clients} connected"));
            (ends, owner + &clients.unwrap_or_default(), or_dash(unit.as_ref()))
        }
        Found::Process { pid, name, user, unit, .. } => {
            (format!("{name} {pid}"), or_dash(user.as_ref()), or_dash(unit.as_ref()))
        }
        Found::Unit { name, description, state, .. } => (name.clone(), state.clone(), description.clone()),
        Found::Disk { mount, use_pct, available_bytes } => {
            let left = format!("{:.1} GiB left", *available_bytes as f64 / f64::from(1 << 30));
            (mount.clone(), format!("{use_pct:.0} % full, {left}"), "-".to_owned())
        }
        Found::Kernel { release, os } => (release.clone(), or_dash(os.as_ref()), "-".to_owned()),
    };
    let seen = match (row.live, row.at_ms) {
        (true, _) => "live".to_owned(),
        (false, 0) => "never".to_owned(),
        (false, at_ms) => time(at_ms),
    };
    vec![row.host.clone(), found, what, unit, seen]
}
