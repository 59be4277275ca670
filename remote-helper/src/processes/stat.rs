//! One line of `/proc/PID/stat` (proc_pid_stat(5)).

/// The fields that the helper uses. Borrowed from the line, so that a walk allocates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat<'a> {
    pub pid: u32,
    /// Any bytes but NUL, also brackets, spaces and line feeds.
    pub comm: &'a [u8],
    pub state: u8,
    /// Clock ticks after boot at which it started; with the PID it names a process for good.
    pub start_ticks: u64,
}

/// Parses the line. The name ends at the last `)`, for it may hold any other itself.
pub(crate) fn parse_stat(line: &[u8]) -> Option<Stat<'_>> {
    let open = line.iter().position(|&b| b == b'(')?;
    let close = line.iter().rposition(|&b| b == b')')?;
    let comm = line.get(open + 1..close)?;
    let pid = number(line.get(..open)?.trim_ascii())?;
    let mut rest = line.get(close + 1..)?.split(|b| b.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let state = *rest.next()?.first()?;
    // Field 22, counted from 1; the state is field 3.
    let start_ticks = number(rest.nth(18)?)?;
    Some(Stat { pid: u32::try_from(pid).ok()?, comm, state, start_ticks })
}

fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REST: &str = "S 1 812 812 0 -1 4194560 1017 1543 0 2 3 4 5 6 20 0 1 0 3117 9023488 1024 18446744073709551615 1 1 0 0 0 0 0 4096 65536 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    #[test]
    fn a_plain_line_is_read() {
        let line = format!("812 (cron) {REST}");
        let stat = parse_stat(line.as_bytes()).unwrap();
        assert_eq!((stat.pid, stat.comm, stat.state, stat.start_ticks), (812, &b"cron"[..], b'S', 3117));
    }

    #[test]
    fn a_name_that_looks_like_the_rest_of_the_line_does_not_mislead() {
        for name in [&b") R 1 (\n"[..], b"a b", b"((", b"))", b"\xff\xfe", b"", b"tmux: server"] {
            let mut line = b"7 (".to_vec();
            line.extend_from_slice(name);
            line.extend_from_slice(b") ");
            line.extend_from_slice(REST.as_bytes());
            let stat = parse_stat(&line).unwrap();
            assert_eq!((stat.pid, stat.comm, stat.state), (7, name, b'S'), "{name:?}");
        }
    }

    #[test]
    fn a_cut_line_is_no_process() {
        let line = format!("812 (cron) {REST}");
        for cut in [0, 1, 5, 11, 14, 40] {
            assert_eq!(parse_stat(&line.as_bytes()[..cut]), None, "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_but_never_panic(line in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_stat(&line);
        }
    }
}
