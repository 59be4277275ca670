//! Journal lines as people read them: the time of day, who said it, what.
//!
//! The host gives them in journalctl(1)'s `short-iso` form, which repeats the date, the zone and
//! the host's own name in each line. The log of operations keeps them whole; only what is shown is
//! shorter. A line of another shape is shown as it is.

use crate::format;

/// `2026-11-20T11:46:06+0000 web-1 systemd[1]: text` as `11:46:06 systemd: text`, by the reader's
/// clock. `zone_min` gives the offset of the reader's zone at a moment.
pub(crate) fn readable_line(line: &str, zone_min: impl Fn(i64) -> i32) -> String {
    match parse_line(line) {
        Some((at_ms, who, text)) => format!("{} {who}: {text}", format::clock(at_ms, zone_min(at_ms))),
        None => line.to_owned(),
    }
}

fn parse_line(line: &str) -> Option<(i64, &str, &str)> {
    let (stamp, rest) = line.split_once(' ')?;
    let at_ms = parse_stamp(stamp)?;
    let (host, rest) = rest.split_once(' ')?;
    let (source, text) = rest.split_once(": ")?;
    let who = match source.split_once('[') {
        Some((who, pid)) => {
            pid.strip_suffix(']')?.parse::<u32>().ok()?;
            who
        }
        None => source,
    };
    (!host.is_empty() && !who.is_empty() && !who.contains(' ')).then_some((at_ms, who, text))
}

/// `2026-11-20T11:46:06+0000` in milliseconds since 1970 UTC; the offset may have a colon or be `Z`.
fn parse_stamp(stamp: &str) -> Option<i64> {
    let (date, rest) = stamp.split_once('T')?;
    let (clock, offset) = rest.split_at_checked(8)?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let is_date = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let local_s = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some((local_s - offset_s(offset)?) * 1000)
}

/// Three numbers of digits alone.
fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(|part| {
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<i64>().ok()).flatten()
    });
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

fn offset_s(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let digits = text[1..].replacen(':', "", 1);
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = digits.split_at_checked(2)?;
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
}

/// Days of a date of the Gregorian calendar, by Howard Hinnant's algorithm.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The line that most likely says why it failed: the last one with a word of failure before the
/// manager's own summary, else the first with such a word.
pub(crate) fn telling_line(lines: &[String]) -> Option<usize> {
    const WORDS: [&str; 12] = [
        "fail",
        "error",
        "cannot",
        "can't",
        "denied",
        "refused",
        "in use",
        "not found",
        "no such",
        "fatal",
        "panic",
        "invalid",
    ];
    let tells = |line: &String| {
        let line = line.to_lowercase();
        WORDS.iter().any(|word| line.contains(word))
    };
    let is_summary = |line: &String| line.contains("systemd[") || line.contains("systemd:");
    let own = lines.iter().rposition(|line| tells(line) && !is_summary(line));
    own.or_else(|| lines.iter().position(tells))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHANGHAI_MIN: i32 = 480;

    fn read(line: &str) -> String {
        readable_line(line, |_| SHANGHAI_MIN)
    }

    #[test]
    fn a_line_is_told_by_the_readers_clock_and_without_what_repeats() {
        for (line, shown) in [
            ("2026-11-20T11:46:06+0000 web-1 systemd[1]: Stopped cron.", "19:46:06 systemd: Stopped cron."),
            ("2026-11-20T20:46:06+08:00 web-1 cron[42]: (CRON) INFO: x", "20:46:06 cron: (CRON) INFO: x"),
            ("2026-11-20T23:59:59-0530 web-1 kernel: oops", "13:29:59 kernel: oops"),
            ("2026-11-20T11:46:06Z web-1 a.b-c: ", "19:46:06 a.b-c: "),
        ] {
            assert_eq!(read(line), shown);
        }
    }

    #[test]
    fn a_line_of_another_shape_stays_as_it_is() {
        for line in [
            "",
            "-- Boot 5e3c --",
            "(this host has no journalctl)",
            "Nov 20 11:46:06 web-1 systemd[1]: text",
            "2026-11-20T11:46:06+0000 web-1 no colon here",
            "2026-13-20T11:46:06+0000 web-1 systemd[1]: text",
            "2026-11-20T24:46:06+0000 web-1 systemd[1]: text",
            "2026-11-20T11:46:06+00 web-1 systemd[1]: text",
            "2026-11-20T11:46:06+0000 web-1 systemd[one]: text",
            "2026-11-20T11:46:0\u{e9}+0000 web-1 systemd[1]: text",
            "99999999999999999999-11-20T11:46:06+0000 web-1 a: text",
        ] {
            assert_eq!(read(line), line);
        }
    }

    #[test]
    fn a_date_is_read_as_the_calendar_has_it() {
        for (stamp, at_ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("2026-11-20T06:31:07+0000", 1_795_156_267_000),
            ("2026-11-20T14:31:07+0800", 1_795_156_267_000),
        ] {
            assert_eq!(parse_stamp(stamp), Some(at_ms), "{stamp}");
        }
    }

    #[test]
    fn the_telling_line_is_the_programs_own() {
        let lines: Vec<String> = [
            "systemd[1]: Starting nginx.service",
            "nginx: bind() to 0.0.0.0:8443 failed (98: Address already in use)",
            "systemd[1]: nginx.service: Failed with result 'exit-code'.",
        ]
        .map(str::to_owned)
        .to_vec();
        assert_eq!(telling_line(&lines), Some(1));
        assert_eq!(telling_line(&lines[2..]), Some(0), "the summary is better than nothing");
        assert_eq!(telling_line(&lines[..1]), None);
    }
}
