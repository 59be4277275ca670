//! Memory from `/proc/meminfo` (proc_meminfo(5)), with the meanings of free(1) of procps-ng 4.

use protocol::metrics::Memory;

use crate::error::Error;
use crate::root::{Root, read_text};

pub(super) fn read_memory(root: &Root) -> Result<Memory, Error> {
    parse_meminfo(&read_text(&root.proc.join("meminfo"))?)
        .ok_or(Error::Parse { what: "/proc/meminfo", line: "no MemTotal".into() })
}

/// Parses the file; `None` without a total.
pub(crate) fn parse_meminfo(text: &str) -> Option<Memory> {
    let value = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
    };
    let total_bytes = value("MemTotal")?;
    let free_bytes = value("MemFree")?;
    // Kernels before 3.14 do not estimate it; procps takes what is free then, and also where a
    // container's view makes the estimate larger than the whole.
    let available_bytes = value("MemAvailable").filter(|&bytes| bytes <= total_bytes).unwrap_or(free_bytes);
    let buff_cache_bytes = ["Buffers", "Cached", "SReclaimable"].into_iter().filter_map(value).sum();
    let swap_total_bytes = value("SwapTotal").unwrap_or(0);
    let swap_free_bytes = value("SwapFree").unwrap_or(0);
    Some(Memory {
        total_bytes,
        free_bytes,
        used_bytes: total_bytes.saturating_sub(available_bytes),
        buff_cache_bytes,
        available_bytes,
        swap_total_bytes,
        swap_free_bytes,
        swap_used_bytes: swap_total_bytes.saturating_sub(swap_free_bytes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN_12: &str = "MemTotal:        2014504 kB\nMemFree:          171220 kB\nMemAvailable:    1431644 kB\n\
        Buffers:           52156 kB\nCached:          1258456 kB\nSwapCached:           12 kB\nActive:           612460 kB\n\
        SwapTotal:        998396 kB\nSwapFree:         996348 kB\nShmem:             30148 kB\nSReclaimable:     124544 kB\n\
        HugePages_Total:       0\nHugepagesize:       2048 kB\n";

    #[test]
    fn the_numbers_are_those_of_free() {
        // free -k of that moment: used 582860, free 171220, buff/cache 1435156, available 1431644.
        let memory = parse_meminfo(DEBIAN_12).unwrap();
        let kib = [memory.used_bytes, memory.free_bytes, memory.buff_cache_bytes, memory.available_bytes];
        assert_eq!(kib.map(|bytes| bytes / 1024), [582_860, 171_220, 1_435_156, 1_431_644]);
        assert_eq!(memory.swap_used_bytes / 1024, 2_048);
    }

    #[test]
    fn an_old_kernel_without_an_estimate_takes_what_is_free() {
        let memory =
            parse_meminfo("MemTotal: 1000 kB\nMemFree: 300 kB\nBuffers: 10 kB\nCached: 20 kB\n").unwrap();
        assert_eq!((memory.available_bytes, memory.used_bytes), (300 * 1024, 700 * 1024));
        assert_eq!(memory.buff_cache_bytes, 30 * 1024);
    }

    #[test]
    fn nonsense_is_refused_and_never_overflows() {
        assert_eq!(parse_meminfo(""), None);
        assert_eq!(parse_meminfo("MemTotal: 18446744073709551615 kB\nMemFree: 1 kB\n"), None);
    }
}
