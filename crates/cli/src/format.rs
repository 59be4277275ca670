//! Numbers and times in words, for a terminal.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What is not known.
pub(crate) const UNKNOWN: &str = "-";

/// `2026-11-20 10:29:37` in this computer's time zone.
pub(crate) fn time(at_ms: i64) -> String {
    match Timestamp::from_millisecond(at_ms) {
        Ok(at) => at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => UNKNOWN.to_owned(),
    }
}

/// `1.5 GiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// `12.5 %`.
pub(crate) fn percent(pct: f64) -> String {
    format!("{pct:.1} %")
}

/// `3 d 04:05`, `04:05:06`.
pub(crate) fn uptime(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days} d {hours:02}:{minutes:02}")
    } else {
        format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
    }
}

/// `40 ms`, `1.8 s`, `3 min 20 s`.
pub(crate) fn took(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{:.1} s", ms as f64 / 1_000.0),
        _ => format!("{} min {} s", ms / 60_000, ms / 1_000 % 60),
    }
}

pub(crate) fn or_unknown(value: Option<impl ToString>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_fit_the_size() {
        for (value, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1 << 30, "1.0 GiB"), (u64::MAX, "16384.0 PiB")]
        {
            assert_eq!(bytes(value), text);
        }
        assert_eq!(bytes((1 << 20) - 1), "1.0 MiB", "no '1024.0 KiB'");
        for (ms, text) in [(999, "999 ms"), (1_800, "1.8 s"), (200_000, "3 min 20 s")] {
            assert_eq!(took(ms), text);
        }
        for (seconds, text) in [(3_661, "01:01:01"), (273_900, "3 d 04:05")] {
            assert_eq!(uptime(seconds), text);
        }
    }

    #[test]
    fn a_time_that_no_calendar_has_is_unknown() {
        assert_eq!(time(i64::MAX), UNKNOWN);
        assert_eq!(time(0).len(), "1970-01-01 00:00:00".len());
    }
}
