//! When a schedule of crontab(5) is due next. Pure.
//!
//! The day is the rule of Vixie cron, which all others follow: where both the day of the month and
//! the day of the week are restricted, either is enough. What not every cron understands in the same
//! way, such as `~`, has no next run here rather than a wrong one.

use jiff::Timestamp;
use jiff::civil::{Date, time};
use jiff::tz::TimeZone;

/// A 29 February that is a certain day of the week comes every 28 years, 40 over 2100.
const DAYS: usize = 41 * 366;

/// The words that stand for a schedule. `@reboot` has no time.
const WORDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// One bit for each value that a field allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Field {
    bits: u64,
    /// It begins with `*`, also in `*/2`: cron then asks the other field of the day as well.
    is_star: bool,
}

impl Field {
    fn has(self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.bits & (1 << value) != 0)
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Schedule {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// Milliseconds since 1970 UTC of the first time after `now`; `None` if there is none, or the
/// schedule is not understood.
pub(super) fn next_run(schedule: &str, zone: &TimeZone, now: Timestamp) -> Option<i64> {
    let schedule = parse_schedule(schedule)?;
    let mut day = now.to_zoned(zone.clone()).date();
    for _ in 0..DAYS {
        if schedule.is_on(day)
            && let Some(at_ms) = schedule.first_after(day, zone, now)
        {
            return Some(at_ms);
        }
        day = day.tomorrow().ok()?;
    }
    None
}

impl Schedule {
    fn is_on(&self, date: Date) -> bool {
        let day = self.days.has(date.day());
        let weekday = self.weekdays.has(date.weekday().to_sunday_zero_offset());
        let either = !self.days.is_star && !self.weekdays.is_star;
        self.months.has(date.month()) && if either { day || weekday } else { day && weekday }
    }

    fn first_after(&self, date: Date, zone: &TimeZone, now: Timestamp) -> Option<i64> {
        let hours = (0..24).filter(|&hour| self.hours.has(hour));
        let times = hours.flat_map(|hour| {
            (0..60).filter(|&minute| self.minutes.has(minute)).map(move |minute| time(hour, minute, 0, 0))
        });
        // A time that the clock jumps over comes as much later as it jumps.
        let moments = times.filter_map(|time| {
            let at = zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok()?;
            (at > now).then(|| at.as_millisecond())
        });
        moments.min()
    }
}

fn parse_schedule(text: &str) -> Option<Schedule> {
    let text = WORDS.iter().find(|(word, _)| *word == text).map_or(text, |(_, schedule)| schedule);
    let mut fields = text.split_whitespace();
    let schedule = Schedule {
        minutes: parse_field(fields.next()?, 0, 59, &[])?,
        hours: parse_field(fields.next()?, 0, 23, &[])?,
        days: parse_field(fields.next()?, 1, 31, &[])?,
        months: parse_field(fields.next()?, 1, 12, &MONTHS)?,
        weekdays: parse_field(fields.next()?, 0, 7, &WEEKDAYS).map(sunday_is_0)?,
    };
    fields.next().is_none().then_some(schedule)
}

fn sunday_is_0(field: Field) -> Field {
    Field { bits: field.bits | (field.bits >> 7) & 1, ..field }
}

fn parse_field(text: &str, from: u32, to: u32, names: &[&str]) -> Option<Field> {
    let mut bits = 0u64;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|&step| step > 0)?)),
            None => (part, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (from, to),
            Some((first, last)) => (parse_value(first, from, names)?, parse_value(last, from, names)?),
            // `5/15` means something else to each cron.
            None if step.is_some() => return None,
            None => {
                let value = parse_value(range, from, names)?;
                (value, value)
            }
        };
        if first < from || last > to || first > last {
            return None;
        }
        let step = usize::try_from(step.unwrap_or(1)).ok()?;
        bits |= (first..=last).step_by(step).fold(0, |bits, value| bits | 1 << value);
    }
    Some(Field { bits, is_star: text.starts_with('*') })
}

fn parse_value(text: &str, from: u32, names: &[&str]) -> Option<u32> {
    if let Some(at) = names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return u32::try_from(at).ok().map(|at| at + from);
    }
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next run after a moment, as local time.
    fn next(schedule: &str, zone: &str, now: &str) -> Option<String> {
        let zone = TimeZone::get(zone).unwrap();
        let at_ms = next_run(schedule, &zone, now.parse().unwrap())?;
        let at = Timestamp::from_millisecond(at_ms).unwrap().to_zoned(zone);
        Some(at.strftime("%a %Y-%m-%d %H:%M").to_string())
    }

    #[test]
    fn the_next_run_is_that_of_cron() {
        // A Friday.
        let now = "2026-11-20T10:26:52Z";
        for (schedule, wanted) in [
            ("* * * * *", "Fri 2026-11-20 10:27"),
            ("26 10 * * *", "Sat 2026-11-21 10:26"),
            ("*/5 * * * *", "Fri 2026-11-20 10:30"),
            ("17 *\t* * *", "Fri 2026-11-20 11:17"),
            ("0 0 1 * *", "Tue 2026-12-01 00:00"),
            ("0 6 * * 7", "Sun 2026-11-22 06:00"),
            ("0 6 * * Mon-Wed", "Mon 2026-11-23 06:00"),
            ("0 6 13 * fri", "Fri 2026-11-27 06:00"),
            ("0 6 */2 * fri", "Fri 2026-11-27 06:00"),
            ("10-14/2,50 9,18 * jan *", "Fri 2027-01-01 09:10"),
            ("0 12 29 2 *", "Tue 2028-02-29 12:00"),
            ("0 0 29 2 0", "Sun 2027-02-07 00:00"),
            ("@hourly", "Fri 2026-11-20 11:00"),
            ("@weekly", "Sun 2026-11-22 00:00"),
        ] {
            assert_eq!(next(schedule, "UTC", now).as_deref(), Some(wanted), "{schedule}");
        }
    }

    #[test]
    fn what_is_no_time_or_not_the_same_to_every_cron_has_no_next_run() {
        for odd in [
            "@reboot",
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "5-1 * * * *",
            "*/0 * * * *",
            "0~30 * * * *",
            "5/15 * * * *",
            "0 0 31 2 *",
            "0 0 0 * *",
            "+5 * * * *",
            "0 0 * foo *",
            "every 7 days",
        ] {
            assert_eq!(next(odd, "UTC", "2026-11-20T10:26:52Z"), None, "{odd}");
        }
    }

    #[test]
    fn a_clock_that_is_set_on_or_back_moves_the_run_and_never_loses_it() {
        // In Berlin the clock goes from 02:00 to 03:00 on 28 March and from 03:00 to 02:00 on 31 October.
        let spring = next("30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z");
        assert_eq!(spring.as_deref(), Some("Sun 2027-03-28 03:30"));
        let autumn = next("30 2 * * *", "Europe/Berlin", "2027-10-30T12:00:00Z");
        assert_eq!(autumn.as_deref(), Some("Sun 2027-10-31 02:30"));
    }
}
