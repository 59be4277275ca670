//! Times as systemctl(1) prints them in English and UTC (systemd.time(7)).

/// Milliseconds since 1970 UTC of `Fri 2026-11-20 10:26:52 UTC`; `None` for `n/a`, `0` or nothing.
pub(crate) fn parse_utc_ms(text: &str) -> Option<i64> {
    let mut words = text.split_whitespace();
    let mut date = words.next()?;
    // The day of the week.
    if date.bytes().all(|b| b.is_ascii_alphabetic()) {
        date = words.next()?;
    }
    let time = words.next()?;
    if words.next() != Some("UTC") {
        return None;
    }
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..=60).contains(&second) {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1000 + millis)
}

/// Days of the civil calendar (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Microseconds of a span such as `1d 2h 3min 4.5s`, `100ms` or a bare number of microseconds;
/// `None` for `infinity` or nothing.
pub(crate) fn parse_span_us(text: &str) -> Option<u64> {
    let mut total = 0f64;
    let mut found = false;
    for word in text.split_whitespace() {
        let split = word.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(word.len());
        let number: f64 = word.get(..split)?.parse().ok()?;
        let unit_us: f64 = match word.get(split..)? {
            "" | "us" => 1.0,
            "ms" => 1e3,
            "s" => 1e6,
            "min" => 60e6,
            "h" => 3_600e6,
            "d" => 86_400e6,
            "w" => 604_800e6,
            "month" => 2_629_800e6,
            "y" => 31_557_600e6,
            _ => return None,
        };
        total += number * unit_us;
        found = true;
    }
    (found && total.is_finite() && (0.0..9e18).contains(&total)).then_some(total.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_second_or_finer() {
        assert_eq!(parse_utc_ms("Fri 2026-11-20 10:26:52 UTC"), Some(1_795_170_412_000));
        assert_eq!(parse_utc_ms("Thu 1970-01-01 00:00:01.250000 UTC"), Some(1_250));
        assert_eq!(parse_utc_ms("Thu 2024-02-29 23:59:59 UTC"), Some(1_709_251_199_000));
        for odd in ["", "n/a", "0", "Fri 2026-11-20 10:26:52 CET", "Fri 2026-13-20 10:26:52 UTC", "x y z UTC"]
        {
            assert_eq!(parse_utc_ms(odd), None, "{odd}");
        }
    }

    #[test]
    fn spans_are_read_in_every_unit() {
        assert_eq!(parse_span_us("1d 2h 3min 4.5s"), Some(93_784_500_000));
        assert_eq!(parse_span_us("100ms"), Some(100_000));
        assert_eq!(parse_span_us("5month 2w"), Some(14_358_600_000_000));
        assert_eq!(parse_span_us("0"), Some(0));
        for odd in ["", "infinity", "n/a", "5parsecs", "-1s"] {
            assert_eq!(parse_span_us(odd), None, "{odd}");
        }
    }
}
