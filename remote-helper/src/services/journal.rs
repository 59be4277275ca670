//! The last lines of a unit's journal, by journalctl(1).

use std::time::Duration;

use protocol::hosts::Sudo;
use protocol::text::printable;

use crate::children::{SUDO, Said, find_tool, run_tool, tool_command};
use crate::stop::Stop;

const LINES: &str = "20";
const LIMIT: Duration = Duration::from_secs(5);
/// Longer lines are cut: they are shown in a dialog.
const LINE_LIMIT_CHARS: usize = 2_000;

/// What journalctl says, with whatever exit status, when it may not see the entries of the system.
const BLIND: [&str; 2] = ["not seeing messages from other users", "insufficient permissions"];

/// Lines since a time, oldest first, safe to show. Why there are none is a line too.
pub(super) fn read_journal(unit: &str, since_ms: i64, sudo: Sudo, stop: &Stop) -> Vec<String> {
    let Ok(path) = find_tool("journalctl") else {
        return vec!["(this host has no journalctl)".into()];
    };
    let mut command = tool_command(if sudo == Sudo::Nopasswd { SUDO.as_ref() } else { path.as_path() });
    if sudo == Sudo::Nopasswd {
        command.args(["-n", "--"]).arg(&path);
    }
    // The host's own zone, as a person there would see it.
    command.env_remove("TZ");
    command.args(["--no-pager", "-o", "short-iso", "-n", LINES]);
    command.arg(format!("--unit={unit}"));
    command.arg(format!("--since=@{}.{:03}", since_ms.div_euclid(1000), since_ms.rem_euclid(1000)));
    match run_tool(command, LIMIT, stop) {
        Ok(said) => to_lines(&said),
        Err(error) => vec![format!("(the journal cannot be read: {error})")],
    }
}

fn to_lines(said: &Said) -> Vec<String> {
    let is_entry = |line: &&str| !line.is_empty() && !line.starts_with("-- ");
    let mut lines: Vec<String> = said.stdout.lines().filter(is_entry).map(shown).collect();
    let why = |line: &&str| BLIND.iter().any(|words| line.contains(words));
    let reason = match said.stderr.lines().find(why) {
        None if said.code != Some(0) => said.stderr.lines().rfind(|line| !line.trim().is_empty()),
        reason => reason,
    };
    if lines.is_empty()
        && let Some(reason) = reason
    {
        lines.push(format!("(the journal cannot be read: {})", shown(reason)));
    }
    lines
}

fn shown(line: &str) -> String {
    let cut: String = line.chars().take(LINE_LIMIT_CHARS).collect();
    printable(&cut).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_safe_to_show_and_marks_of_journalctl_are_left_out() {
        let said = Said {
            code: Some(0),
            stdout: "-- Journal begins at Fri. --\n2026-11-20T10:00:00+0000 web-1 a[7]: \u{1b}[31mred\n-- No entries --\n".into(),
            ..Said::default()
        };
        assert_eq!(to_lines(&said), ["2026-11-20T10:00:00+0000 web-1 a[7]: \\x1b[31mred"]);
    }

    #[test]
    fn a_journal_that_may_not_be_read_is_told_in_a_line() {
        let said = Said {
            code: Some(1),
            stderr: "No journal files were opened due to insufficient permissions.\n".into(),
            ..Said::default()
        };
        assert_eq!(
            to_lines(&said),
            ["(the journal cannot be read: No journal files were opened due to insufficient permissions.)"]
        );
    }
}
