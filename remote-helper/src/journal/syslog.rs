//! One line of a file of syslog: RFC 3339 times, the old form without a year, and busybox's, which
//! has the priority in it.

use protocol::journal::{JournalEntry, parse_priority};

use super::entry::set_message;
use crate::root::lossy;

const DAY_MS: i64 = 86_400_000;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What the lines themselves do not say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hints {
    /// When the file was last written: no line is from much later.
    pub written_ms: i64,
    /// Seconds east of UTC.
    pub offset_s: i32,
}

/// Parses a line; one of another form is a message of its own, at the time `else_ms`.
pub(super) fn parse_line(bytes: Vec<u8>, hints: Hints, else_ms: i64) -> JournalEntry {
    let mut entry = JournalEntry { at_ms: else_ms, ..JournalEntry::default() };
    let text = lossy(bytes);
    let Some((at_ms, rest)) = parse_time(&text, hints) else {
        set_message(&mut entry, text.into_bytes());
        return entry;
    };
    entry.at_ms = at_ms;
    let (host, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
    entry.host = Some(host.to_owned()).filter(|host| !host.is_empty());
    if let Some((word, after)) = rest.split_once(' ')
        && let Some((facility, level)) = word.split_once('.')
        && !facility.is_empty()
        && facility.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && let Some(priority) = parse_priority(level)
    {
        entry.priority = Some(priority);
        rest = after;
    }
    let message = match rest.split_once(": ").or_else(|| rest.strip_suffix(':').map(|tag| (tag, ""))) {
        Some((tag, message)) if !tag.is_empty() && tag.len() <= 128 && !tag.contains(' ') => {
            let (name, pid) = match tag.strip_suffix(']').and_then(|tag| tag.rsplit_once('[')) {
                Some((name, pid)) => (name, pid.parse().ok()),
                None => (tag, None),
            };
            entry.identifier = Some(name.to_owned());
            entry.pid = pid;
            message
        }
        _ => rest,
    };
    set_message(&mut entry, message.as_bytes().to_vec());
    entry
}

/// The time at the beginning of a line, and what follows it.
fn parse_time(text: &str, hints: Hints) -> Option<(i64, &str)> {
    if text.as_bytes().first()?.is_ascii_digit() {
        let (word, rest) = text.split_once(' ')?;
        return Some((parse_rfc3339(word, hints.offset_s)?, rest));
    }
    let month = MONTHS.iter().position(|month| text.get(..3) == Some(month))?;
    let day: i64 = text.get(4..6)?.trim_start().parse().ok()?;
    let time_ms = parse_clock(text.get(7..15)?)?;
    let rest = text.get(15..)?.strip_prefix(' ')?;
    let at = |year| days(year, month as i64 + 1, day) * DAY_MS + time_ms - i64::from(hints.offset_s) * 1_000;
    let year = year_of(hints.written_ms + i64::from(hints.offset_s) * 1_000);
    let this_year_ms = at(year);
    // A line of last December in a file of January.
    Some((if this_year_ms > hints.written_ms + DAY_MS { at(year - 1) } else { this_year_ms }, rest))
}

/// `2026-11-20T10:00:00.123456+01:00`, with or without fraction and zone.
fn parse_rfc3339(word: &str, offset_s: i32) -> Option<i64> {
    let (date, time) = word.split_once(['T', 't'])?;
    let mut parts = date.split('-').map(str::parse::<i64>);
    let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let clock_ms = parse_clock(time.get(..8)?)?;
    let rest = time.get(8..)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("", rest),
    };
    let digits = fraction.get(..fraction.len().min(3)).unwrap_or_default();
    let fraction_ms = format!("{digits:0<3}").parse::<i64>().ok()?;
    let zone_s = match zone {
        "Z" | "z" => 0,
        "" => i64::from(offset_s),
        _ => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            // Both are u8, so that no line makes a time that no number holds.
            sign * (i64::from(hours.parse::<u8>().ok()?) * 3_600
                + i64::from(minutes.parse::<u8>().ok()?) * 60)
        }
    };
    Some(days(year, month, day) * DAY_MS + clock_ms + fraction_ms - zone_s * 1_000)
}

/// `10:00:00`.
fn parse_clock(text: &str) -> Option<i64> {
    let mut parts = text.split(':').map(str::parse::<i64>);
    let (Some(Ok(hours)), Some(Ok(minutes)), Some(Ok(seconds)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let valid = (0..24).contains(&hours) && (0..60).contains(&minutes) && (0..=60).contains(&seconds);
    valid.then_some(((hours * 60 + minutes) * 60 + seconds) * 1_000)
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468
}

fn year_of(at_ms: i64) -> i64 {
    let day = at_ms.div_euclid(DAY_MS);
    let guess = 1970 + day.div_euclid(366);
    (guess..).find(|&year| days(year + 1, 1, 1) > day).unwrap_or(guess)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20T12:00:00Z, in a zone of two hours.
    const HINTS: Hints = Hints { written_ms: 1_795_176_000_000, offset_s: 7_200 };

    fn parse(line: &str) -> JournalEntry {
        parse_line(line.as_bytes().to_vec(), HINTS, 42)
    }

    #[test]
    fn every_form_of_a_time_is_read() {
        for line in [
            "2026-11-20T10:00:00.123456+00:00 web-1 CRON[77]: (root) CMD (x)",
            "2026-11-20T05:30:00.123-04:30 web-1 CRON[77]: (root) CMD (x)",
            "2026-11-20T12:00:00.1234 web-1 CRON[77]: (root) CMD (x)",
        ] {
            let entry = parse(line);
            assert_eq!(entry.at_ms, 1_795_168_800_123, "{line}");
            assert_eq!((entry.identifier.as_deref(), entry.pid), (Some("CRON"), Some(77)));
            assert_eq!((entry.host.as_deref(), entry.message.as_str()), (Some("web-1"), "(root) CMD (x)"));
        }
        let old = parse("Nov 20 12:00:00 web-1 sshd[9]: Accepted publickey: x");
        assert_eq!((old.at_ms, old.message.as_str()), (1_795_168_800_000, "Accepted publickey: x"));
        let padded = parse("Nov  2 12:00:00 web-1 kernel: [    0.1] up");
        assert_eq!((padded.identifier.as_deref(), padded.pid), (Some("kernel"), None));
    }

    #[test]
    fn a_december_in_a_file_of_november_is_last_years() {
        let entry = parse("Dec 31 23:59:59 web-1 a: b");
        assert_eq!(entry.at_ms, days(2025, 12, 31) * DAY_MS + 86_399_000 - 7_200_000);
        assert_eq!((year_of(0), year_of(-1), year_of(HINTS.written_ms)), (1970, 1969, 2026));
    }

    #[test]
    fn busybox_tells_the_priority() {
        let entry = parse("Nov 20 12:00:00 alpine daemon.err crond[3]: no such user");
        assert_eq!((entry.priority, entry.identifier.as_deref()), (Some(3), Some("crond")));
        assert_eq!(parse("Nov 20 12:00:00 web app.js: started").identifier.as_deref(), Some("app.js"));
    }

    #[test]
    fn a_line_of_another_form_is_a_message_with_the_time_of_its_neighbour() {
        for line in [
            "",
            "\tat java.lang.Thread.run(Thread.java:1)",
            "Nov",
            "Nov 20",
            "99 99",
            "服务器 x",
            "2026-99-20T10:00:00Z x y: z",
            "2026-11-20T10:00:00+9:x x",
            "2026-11-20T10:00:00+20777773886388888:00 x",
            "Nov 20 12:00:0服 x",
        ] {
            let entry = parse(line);
            assert_eq!((entry.at_ms, entry.message.as_str()), (42, line));
        }
    }
}
