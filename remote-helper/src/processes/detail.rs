//! What is read of one process on request: memory by share, I/O, and the path of its program.

use protocol::processes::ProcessDetail;

use super::{ProcDir, parse_stat};

/// Reads it; `None` if the process is gone, or another one has its PID now.
pub(super) fn read_detail(proc: &ProcDir, pid: u32, start_ticks: u64) -> Option<ProcessDetail> {
    let mut buffer = Vec::with_capacity(2048);
    let mut detail = ProcessDetail::default();
    // Since Linux 4.14; before, only the sum over all mappings would tell, at a price.
    if proc.read(pid, "smaps_rollup", &mut buffer) {
        detail.pss_bytes = parse_field(&buffer, b"Pss:").map(|kib| kib * 1024);
        detail.swap_pss_bytes = parse_field(&buffer, b"SwapPss:").map(|kib| kib * 1024);
    }
    if proc.read(pid, "io", &mut buffer) {
        (detail.read_bytes, detail.written_bytes) = parse_io(&buffer);
    }
    detail.program_path =
        proc.read_link(pid, "exe").ok().map(|path| String::from_utf8_lossy(&path).into_owned());
    let same = proc.read(pid, "stat", &mut buffer) && parse_stat(&buffer)?.start_ticks == start_ticks;
    same.then_some(detail)
}

/// Bytes from and to storage since it began, from `/proc/PID/io` (proc_pid_io(5)).
pub(super) fn parse_io(text: &[u8]) -> (Option<u64>, Option<u64>) {
    (parse_field(text, b"read_bytes:"), parse_field(text, b"write_bytes:"))
}

fn parse_field(text: &[u8], head: &[u8]) -> Option<u64> {
    let line = text.split(|&b| b == b'\n').find_map(|line| line.strip_prefix(head))?;
    std::str::from_utf8(line).ok()?.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_head() {
        let rollup = b"5581-7ffc ---p 00000000 00:00 0 [rollup]\nRss: 2100 kB\nPss: 500 kB\nPss_Dirty: 90 kB\nSwapPss: 0 kB\n";
        assert_eq!((parse_field(rollup, b"Pss:"), parse_field(rollup, b"SwapPss:")), (Some(500), Some(0)));
        let io = b"rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n";
        assert_eq!(parse_io(io), (Some(4096), Some(8192)));
        assert_eq!(parse_io(b""), (None, None), "what is not told is not zero");
    }

    #[test]
    fn this_process_has_all_of_it() {
        let root = crate::root::Root::live();
        let proc = ProcDir::open(&root.proc).unwrap();
        let mut line = Vec::new();
        let pid = std::process::id();
        assert!(proc.read(pid, "stat", &mut line));
        let start_ticks = parse_stat(&line).unwrap().start_ticks;
        let detail = read_detail(&proc, pid, start_ticks).unwrap();
        let program = std::env::current_exe().unwrap();
        assert_eq!(detail.program_path.as_deref(), program.to_str());
        assert!(detail.pss_bytes.is_some_and(|bytes| bytes > 0), "{detail:?}");
        assert_eq!(read_detail(&proc, pid, start_ticks + 1), None);
    }
}
