//! Users who are logged in, as who(1) tells: from utmp(5), or from logind where there is no utmp.

use std::time::Duration;

use protocol::system::Login;

use crate::children::{find_tool, run_tool, tool_command};
use crate::clock;
use crate::root::{Root, read_bytes};
use crate::stop::Stop;

const USER_PROCESS: u16 = 7;
const LIMIT: Duration = Duration::from_secs(3);

pub(super) fn read_logins(root: &Root, stop: &Stop) -> Vec<Login> {
    match read_bytes(&root.run.join("utmp")) {
        Ok(bytes) => parse_utmp(&bytes, cfg!(target_arch = "aarch64"))
            .into_iter()
            .filter(|(pid, _)| !root.is_live() || is_alive(*pid))
            .map(|(_, login)| login)
            .collect(),
        Err(_) if root.is_live() && root.has_systemd() => ask_logind(stop).unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

/// An entry of a session that was cut stays in the file; who(1) leaves it out too.
fn is_alive(pid: i32) -> bool {
    let Some(pid) = rustix::process::Pid::from_raw(pid) else { return false };
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

/// Parses struct utmp of glibc, with the PID of each entry. Its size is 384 bytes, but 400 where
/// glibc keeps no 32-bit times in it, as on aarch64.
pub(super) fn parse_utmp(bytes: &[u8], wide: bool) -> Vec<(i32, Login)> {
    let wide = match (bytes.len() % 384, bytes.len() % 400) {
        (0, 0) => wide,
        (0, _) => false,
        (_, 0) => true,
        (_, _) => return Vec::new(),
    };
    let (size, time_at) = if wide { (400, 344) } else { (384, 340) };
    bytes.chunks_exact(size).filter_map(|entry| parse_entry(entry, time_at, wide)).collect()
}

fn parse_entry(entry: &[u8], time_at: usize, wide: bool) -> Option<(i32, Login)> {
    let text = |from: usize, length: usize| -> Option<String> {
        let field = entry.get(from..from + length)?.split(|&b| b == 0).next()?;
        Some(String::from_utf8_lossy(field).into_owned())
    };
    let kind = u16::from_ne_bytes(entry.get(..2)?.try_into().ok()?);
    let pid = i32::from_ne_bytes(entry.get(4..8)?.try_into().ok()?);
    let seconds = if wide {
        i64::from_ne_bytes(entry.get(time_at..time_at + 8)?.try_into().ok()?)
    } else {
        i64::from(u32::from_ne_bytes(entry.get(time_at..time_at + 4)?.try_into().ok()?))
    };
    let user = text(44, 32)?;
    if kind != USER_PROCESS || user.is_empty() {
        return None;
    }
    let login = Login {
        user,
        terminal: text(8, 32)?,
        from: text(76, 256).filter(|from| !from.is_empty()),
        since_ms: (seconds > 0).then(|| seconds.saturating_mul(1000)),
    };
    Some((pid, login))
}

fn ask_logind(stop: &Stop) -> Option<Vec<Login>> {
    let path = find_tool("loginctl").ok()?;
    let mut list = tool_command(&path);
    list.args(["list-sessions", "--no-legend", "--no-pager"]);
    let listed = run_tool(list, LIMIT, stop).ok()?.stdout;
    let ids: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    if ids.is_empty() {
        return Some(Vec::new());
    }
    let mut show = tool_command(&path);
    show.args(["show-session", "-p", "Name", "-p", "TTY", "-p", "RemoteHost", "-p", "TimestampMonotonic"]);
    show.args(["-p", "Class", "--"]).args(ids);
    let shown = run_tool(show, LIMIT, stop).ok()?.stdout;
    Some(parse_sessions(&shown, clock::now_ms(), clock::monotonic_us()))
}

/// Parses the stanzas of `loginctl show-session`.
pub(super) fn parse_sessions(text: &str, now_ms: i64, monotonic_us: u64) -> Vec<Login> {
    text.split("\n\n")
        .filter_map(|stanza| {
            let value =
                |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            if value("Class") != Some("user") {
                return None;
            }
            let since_us: Option<u64> = value("TimestampMonotonic").and_then(|us| us.parse().ok());
            let age_ms = since_us.map(|us| monotonic_us.saturating_sub(us) / 1000);
            Some(Login {
                user: value("Name")?.to_owned(),
                terminal: value("TTY").unwrap_or_default().to_owned(),
                from: value("RemoteHost").filter(|from| !from.is_empty()).map(str::to_owned),
                since_ms: age_ms.and_then(|age| i64::try_from(age).ok()).map(|age| now_ms - age),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: u16, user: &str, size: usize) -> Vec<u8> {
        let mut entry = vec![0u8; size];
        entry[..2].copy_from_slice(&kind.to_ne_bytes());
        entry[4..8].copy_from_slice(&4242i32.to_ne_bytes());
        entry[8..13].copy_from_slice(b"pts/0");
        entry[44..44 + user.len()].copy_from_slice(user.as_bytes());
        entry[76..85].copy_from_slice(b"10.0.0.99");
        let at = if size == 400 { 344 } else { 340 };
        entry[at..at + 4].copy_from_slice(&1_700_000_000u32.to_ne_bytes());
        entry
    }

    #[test]
    fn entries_of_users_are_read_in_both_sizes() {
        for size in [384, 400] {
            let bytes = [entry(2, "reboot", size), entry(7, "root", size), entry(8, "gone", size)].concat();
            let logins = parse_utmp(&bytes, false);
            assert_eq!(logins.len(), 1, "{size}");
            let (pid, login) = &logins[0];
            assert_eq!((*pid, login.user.as_str(), login.terminal.as_str()), (4242, "root", "pts/0"));
            assert_eq!((login.from.as_deref(), login.since_ms), (Some("10.0.0.99"), Some(1_700_000_000_000)));
        }
        assert!(parse_utmp(&[1; 100], false).is_empty());
    }

    #[test]
    fn sessions_of_logind_are_read_and_greeters_left_out() {
        let text = "Name=root\nTimestampMonotonic=5000000\nTTY=pts/1\nRemoteHost=10.0.0.9\nClass=user\n\nName=gdm\nClass=greeter\n";
        let logins = parse_sessions(text, 100_000, 8_000_000);
        assert_eq!(logins.len(), 1);
        assert_eq!((logins[0].user.as_str(), logins[0].since_ms), ("root", Some(97_000)));
    }
}
