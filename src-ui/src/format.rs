//! The only place where numbers, sizes and times become words.
//!
//! Every function takes the language and, where it matters, the time and the zone as values, so
//! the same input always gives the same text. Units stand apart from their number by a space, as
//! the pictures of the window have it, except in Chinese where the unit is a word.

/// The languages of the window, for what is formatted rather than translated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lang {
    #[default]
    English,
    Chinese,
}

/// What stands where a value is not known.
pub(crate) const NOT_KNOWN: &str = "\u{2014}";

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 60 * MINUTE_S;
const DAY_S: u64 = 24 * HOUR_S;

/// A length of time in its one or two largest units: `40 s`, `34 min`, `6 h 02 m`, `41 d`.
pub(crate) fn duration(seconds: u64, lang: Lang) -> String {
    let (d, h, m) = (seconds / DAY_S, seconds % DAY_S / HOUR_S, seconds % HOUR_S / MINUTE_S);
    match lang {
        Lang::English if d > 0 => format!("{d} d"),
        Lang::English if h > 0 => format!("{h} h {m:02} m"),
        Lang::English if m > 0 => format!("{m} min"),
        Lang::English => format!("{seconds} s"),
        Lang::Chinese if d > 0 => format!("{d} 天"),
        Lang::Chinese if h > 0 => format!("{h} 小时 {m:02} 分"),
        Lang::Chinese if m > 0 => format!("{m} 分钟"),
        Lang::Chinese => format!("{seconds} 秒"),
    }
}

/// The same for a narrow column: Chinese, whose words are wide, goes without spaces.
pub(crate) fn narrow_duration(seconds: u64, lang: Lang) -> String {
    let words = duration(seconds, lang);
    match lang {
        Lang::English => words,
        Lang::Chinese if (HOUR_S..DAY_S).contains(&seconds) => words.replace(' ', ""),
        Lang::Chinese => words,
    }
}

/// The same with hours beside days: `41 d 6 h`.
pub(crate) fn long_duration(seconds: u64, lang: Lang) -> String {
    let (d, h) = (seconds / DAY_S, seconds % DAY_S / HOUR_S);
    match (lang, d, h) {
        (_, 0, _) | (_, _, 0) => duration(seconds, lang),
        (Lang::English, ..) => format!("{d} d {h} h"),
        (Lang::Chinese, ..) => format!("{d} 天 {h} 小时"),
    }
}

/// The time from `then_ms` to `now_ms`; a clock that went back counts as no time.
pub(crate) fn age(then_ms: i64, now_ms: i64, lang: Lang) -> String {
    duration(age_s(then_ms, now_ms), lang)
}

/// Whole seconds from `then_ms` to `now_ms`.
pub(crate) fn age_s(then_ms: i64, now_ms: i64) -> u64 {
    u64::try_from(now_ms.saturating_sub(then_ms)).unwrap_or(0) / 1000
}

/// A short length of time measured in milliseconds: `6 ms`, `0.9 s`, `12 s`.
pub(crate) fn took(ms: u64, lang: Lang) -> String {
    let unit = |english: &'static str, chinese: &'static str| match lang {
        Lang::English => english,
        Lang::Chinese => chinese,
    };
    match ms {
        0..=99 => format!("{ms} {}", unit("ms", "毫秒")),
        100..=9_999 => format!("{:.1} {}", ms as f64 / 1000.0, unit("s", "秒")),
        10_000..=59_999 => format!("{} {}", ms / 1000, unit("s", "秒")),
        _ => duration(ms / 1000, lang),
    }
}

/// `22 %`; a value between 0 and half a percent still shows that it is there.
pub(crate) fn percent(value: f64) -> String {
    if !value.is_finite() {
        return NOT_KNOWN.into();
    }
    if value > 0.0 && value < 0.5 { "<1 %".into() } else { format!("{value:.0} %") }
}

/// One decimal, no unit: `12.4`.
pub(crate) fn tenths(value: f64) -> String {
    if value.is_finite() { grouped(&format!("{value:.1}")) } else { NOT_KNOWN.into() }
}

/// Two decimals, no unit, for load averages: `0.71`.
pub(crate) fn hundredths(value: f64) -> String {
    if value.is_finite() { grouped(&format!("{value:.2}")) } else { NOT_KNOWN.into() }
}

/// A whole number with its thousands apart: `12,406`.
pub(crate) fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// Decimal units, as disks and networks are counted: `46.2 MB`.
pub(crate) fn bytes(value: u64) -> String {
    scaled(value as f64, 1000.0, &["B", "KB", "MB", "GB", "TB", "PB", "EB"])
}

/// Binary units, as memory is counted: `7.75 GiB`.
pub(crate) fn memory(value: u64) -> String {
    scaled(value as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
}

/// Mebibytes with one decimal and no unit, as in the lines of top(1): `7,937.4`.
pub(crate) fn mebibytes(value: u64) -> String {
    tenths(value as f64 / (1024.0 * 1024.0))
}

/// Three digits at most, in the unit that leaves at least one before the point.
fn scaled(value: f64, step: f64, units: &[&str]) -> String {
    if !value.is_finite() || value < 0.0 {
        return NOT_KNOWN.into();
    }
    let mut value = value;
    let mut at = 0;
    // 999.5 would be rounded to four digits.
    while value >= step - 0.5 && at + 1 < units.len() {
        value /= step;
        at += 1;
    }
    let digits = match value {
        _ if at == 0 => 0,
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    };
    let number = format!("{value:.digits$}");
    let number =
        if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { &number };
    format!("{number} {}", units[at])
}

fn grouped(number: &str) -> String {
    let (whole, rest) = number.split_once('.').map_or((number, None), |(w, r)| (w, Some(r)));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |w| ("-", w));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(rest) = rest {
        out.push('.');
        out.push_str(rest);
    }
    out
}

/// A moment on the calendar, in the zone of the person who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Civil {
    year: i64,
    month: u32,
    day: u32,
    /// 0 is Sunday.
    weekday: usize,
    hour: u32,
    minute: u32,
    second: u32,
}

/// Days to a date of the Gregorian calendar, by Howard Hinnant's algorithm.
fn civil(at_ms: i64, zone_min: i32) -> Civil {
    let local_s = at_ms.div_euclid(1000) + i64::from(zone_min) * 60;
    let days = local_s.div_euclid(86_400);
    let rest = local_s.rem_euclid(86_400) as u32;
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = (doy - (153 * mp + 2) / 5 + 1) as u32;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    Civil {
        year: yoe + era * 400 + i64::from(month <= 2),
        month,
        day,
        weekday: (days + 4).rem_euclid(7) as usize,
        hour: rest / 3600,
        minute: rest / 60 % 60,
        second: rest % 60,
    }
}

const WEEKDAYS: [[&str; 2]; 7] = [
    ["Sun", "周日"],
    ["Mon", "周一"],
    ["Tue", "周二"],
    ["Wed", "周三"],
    ["Thu", "周四"],
    ["Fri", "周五"],
    ["Sat", "周六"],
];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `14:31:07`; `zone_min` is the reader's offset from UTC in minutes.
pub(crate) fn clock(at_ms: i64, zone_min: i32) -> String {
    let c = civil(at_ms, zone_min);
    format!("{:02}:{:02}:{:02}", c.hour, c.minute, c.second)
}

/// `14:31`.
pub(crate) fn clock_minutes(at_ms: i64, zone_min: i32) -> String {
    let c = civil(at_ms, zone_min);
    format!("{:02}:{:02}", c.hour, c.minute)
}

/// `Fri 20 Nov 2026` and `2026-11-20 周五`.
pub(crate) fn date(at_ms: i64, zone_min: i32, lang: Lang) -> String {
    let c = civil(at_ms, zone_min);
    match lang {
        Lang::English => {
            format!("{} {} {} {}", WEEKDAYS[c.weekday][0], c.day, MONTHS[c.month as usize - 1], c.year)
        }
        Lang::Chinese => format!("{}-{:02}-{:02} {}", c.year, c.month, c.day, WEEKDAYS[c.weekday][1]),
    }
}

/// `Fri 20 Nov 2026, 14:31:07` and `2026-11-20 周五 14:31:07`.
pub(crate) fn date_time(at_ms: i64, zone_min: i32, lang: Lang) -> String {
    let (date, clock) = (date(at_ms, zone_min, lang), clock(at_ms, zone_min));
    match lang {
        Lang::English => format!("{date}, {clock}"),
        Lang::Chinese => format!("{date} {clock}"),
    }
}

/// `2026-11-20T14:31:07Z` (RFC 3339), for what is copied out of the window.
pub(crate) fn stamp(at_ms: i64) -> String {
    let c = civil(at_ms, 0);
    format!("{}-{:02}-{:02}T{}Z", c.year, c.month, c.day, clock(at_ms, 0))
}

/// A moment as near as a person needs it: `14:31` today, `Thu 22:14` in the last six days, else
/// the date.
pub(crate) fn moment(at_ms: i64, now_ms: i64, zone_min: i32, lang: Lang) -> String {
    let (then, now) = (civil(at_ms, zone_min), civil(now_ms, zone_min));
    let clock = clock_minutes(at_ms, zone_min);
    let day = |at: i64| (at.div_euclid(1000) + i64::from(zone_min) * 60).div_euclid(86_400);
    let days = day(now_ms) - day(at_ms);
    let tongue = lang as usize;
    match days {
        0 => clock,
        1..=6 => format!("{} {clock}", WEEKDAYS[then.weekday][tongue]),
        _ if lang == Lang::Chinese && then.year == now.year => format!("{:02}-{:02}", then.month, then.day),
        _ if lang == Lang::Chinese => format!("{}-{:02}-{:02}", then.year, then.month, then.day),
        _ if then.year == now.year => format!("{} {}", then.day, MONTHS[then.month as usize - 1]),
        _ => format!("{} {} {}", then.day, MONTHS[then.month as usize - 1], then.year),
    }
}

/// `today`, `yesterday` or an earlier day, as a number of days before now in the reader's zone.
pub(crate) fn days_ago(at_ms: i64, now_ms: i64, zone_min: i32) -> i64 {
    let day = |at: i64| (at.div_euclid(1000) + i64::from(zone_min) * 60).div_euclid(86_400);
    day(now_ms) - day(at_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Lang::{Chinese, English};

    #[test]
    fn a_length_of_time_is_said_in_its_largest_units() {
        for (seconds, english, chinese) in [
            (0, "0 s", "0 秒"),
            (40, "40 s", "40 秒"),
            (34 * 60, "34 min", "34 分钟"),
            (6 * 3600 + 120, "6 h 02 m", "6 小时 02 分"),
            (41 * DAY_S + 6 * 3600, "41 d", "41 天"),
        ] {
            assert_eq!(duration(seconds, English), english);
            assert_eq!(duration(seconds, Chinese), chinese);
        }
        assert_eq!(long_duration(41 * DAY_S + 6 * 3600, English), "41 d 6 h");
        assert_eq!(long_duration(3 * DAY_S, English), "3 d");
        assert_eq!(narrow_duration(11 * 3600 + 1200, Chinese), "11小时20分");
    }

    #[test]
    fn a_clock_that_went_back_makes_no_negative_age() {
        assert_eq!(age(5_000, 1_000, English), "0 s");
    }

    #[test]
    fn sizes_have_three_digits_and_no_empty_decimals() {
        for (value, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 KB"),
            (46_200_000, "46.2 MB"),
            (999_999, "1 MB"),
            (24_400_000_000, "24.4 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(bytes(value), text);
        }
        assert_eq!(memory(8_321_499_136), "7.75 GiB");
        assert_eq!(mebibytes(8_323_020_718), "7,937.5");
    }

    #[test]
    fn numbers_that_are_none_are_shown_as_not_known() {
        assert_eq!(percent(f64::NAN), NOT_KNOWN);
        assert_eq!(tenths(f64::INFINITY), NOT_KNOWN);
    }

    #[test]
    fn a_trace_is_told_from_nothing() {
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(0.2), "<1 %");
        assert_eq!(percent(21.6), "22 %");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(count(12_406), "12,406");
        assert_eq!(count(100), "100");
        assert_eq!(tenths(-1234.56), "-1,234.6");
    }

    #[test]
    fn dates_are_those_of_the_readers_zone() {
        let at = 1_795_156_267_000; // 2026-11-20T06:31:07Z
        assert_eq!(date_time(at, 480, English), "Fri 20 Nov 2026, 14:31:07");
        assert_eq!(date_time(at, 480, Chinese), "2026-11-20 周五 14:31:07");
        assert_eq!(date(at, -600, English), "Thu 19 Nov 2026");
        assert_eq!(date(-1, 0, English), "Wed 31 Dec 1969");
    }

    #[test]
    fn a_moment_is_told_as_near_as_it_is() {
        let now = 1_795_156_267_000;
        assert_eq!(moment(now - 60_000, now, 0, English), "06:30");
        assert_eq!(moment(now - 86_400_000, now, 0, English), "Thu 06:31");
        assert_eq!(moment(now - 86_400_000, now, 0, Chinese), "周四 06:31");
        assert_eq!(moment(now - 40 * 86_400_000, now, 0, English), "11 Oct");
        assert_eq!(moment(now - 400 * 86_400_000, now, 0, Chinese), "2025-10-16");
    }
}
