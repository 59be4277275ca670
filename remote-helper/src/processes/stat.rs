//! One line of `/proc/PID/stat` (proc_pid_stat(5)).

/// PF_KTHREAD of linux/sched.h, the same since Linux 2.6.27.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// The fields that the helper uses. Borrowed from the line, so that a walk allocates nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat<'a> {
    pub pid: u32,
    /// Any bytes but NUL, also brackets, spaces and line feeds.
    pub comm: &'a [u8],
    pub state: u8,
    pub ppid: u32,
    pub kernel_thread: bool,
    /// CPU time of its own, in user and kernel mode.
    pub cpu_ticks: u64,
    /// The same of children that it has waited for, and theirs.
    pub children_ticks: u64,
    pub nice: i32,
    pub threads: u32,
    /// Clock ticks after boot at which it started; with the PID it names a process for good.
    pub start_ticks: u64,
    pub rss_pages: u64,
}

/// Parses the line. The name ends at the last `)`, for it may hold any other itself.
pub(crate) fn parse_stat(line: &[u8]) -> Option<Stat<'_>> {
    let open = line.iter().position(|&b| b == b'(')?;
    let close = line.iter().rposition(|&b| b == b')')?;
    let comm = line.get(open + 1..close)?;
    let pid = u32::try_from(number(line.get(..open)?.trim_ascii())?).ok()?;
    let mut rest = line.get(close + 1..)?.split(|b| b.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let state = *rest.next()?.first()?;
    // Fields are counted from 1 in the manual; the state is field 3.
    let ppid = u32::try_from(number(rest.next()?)?).ok()?;
    let flags = number(rest.nth(4)?)?;
    let cpu_ticks = number(rest.nth(4)?)?.checked_add(number(rest.next()?)?)?;
    let children_ticks = signed(rest.next()?)?.checked_add(signed(rest.next()?)?)?;
    let nice = i32::try_from(signed(rest.nth(1)?)?).ok()?;
    let threads = u32::try_from(number(rest.next()?)?).ok()?;
    let start_ticks = number(rest.nth(1)?)?;
    let rss_pages = signed(rest.nth(1)?)?;
    Some(Stat {
        pid,
        comm,
        state,
        ppid,
        kernel_thread: flags & KERNEL_THREAD != 0,
        cpu_ticks,
        // The manual says that these two are signed.
        children_ticks: u64::try_from(children_ticks).unwrap_or(0),
        nice,
        threads,
        start_ticks,
        rss_pages: u64::try_from(rss_pages).unwrap_or(0),
    })
}

fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn signed(word: &[u8]) -> Option<i64> {
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
        assert_eq!((stat.ppid, stat.cpu_ticks, stat.children_ticks), (1, 3 + 4, 5 + 6));
        assert_eq!((stat.nice, stat.threads, stat.rss_pages, stat.kernel_thread), (0, 1, 1024, false));
        let kernel = line.replace("4194560", "2129984").replace(" 0 1 0 3117", " -20 1 0 3117");
        let stat = parse_stat(kernel.as_bytes()).unwrap();
        assert_eq!((stat.kernel_thread, stat.nice), (true, -20));
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
