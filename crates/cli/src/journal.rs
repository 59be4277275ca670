//! journal.

use engine::Desk;
use engine::clock::Clock;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use protocol::Fault;
use protocol::ipc::JournalShow;
use protocol::journal::{
    JournalEntry, JournalPage, JournalQuery, JournalSight, PAGE_LIMIT, PRIORITIES, parse_priority,
};
use protocol::services::is_unit_name;
use protocol::text::{printable, printable_lines};

use crate::args::JournalFields;
use crate::output::{Printer, time};

const LIMIT: u32 = 200;
const LIMIT_BEFORE_FOLLOW: u32 = 10;

pub(crate) async fn show(
    desk: &Desk,
    name: String,
    fields: JournalFields,
    printer: &Printer,
) -> Result<(), Fault> {
    let follow = fields.follow;
    let query = to_query(fields)?;
    if follow {
        return follow_on(desk, name, query, printer).await;
    }
    let page = read(desk, name, query).await?;
    printer.show(&page.entries, |entries| {
        if entries.is_empty() { "no entries\n".to_owned() } else { entries.iter().map(words).collect() }
    })?;
    tell(printer, page.sight, page.left_out, &page.not_filtered);
    Ok(())
}

/// As many pages as the limit wants, put together.
async fn read(desk: &Desk, name: String, mut query: JournalQuery) -> Result<JournalPage, Fault> {
    let mut wanted = query.limit.unwrap_or(LIMIT);
    let mut whole = JournalPage::default();
    loop {
        query.limit = Some(wanted.min(PAGE_LIMIT));
        let page = desk.call(JournalShow { host: name.clone(), query: query.clone() }).await?;
        wanted = wanted.saturating_sub(u32::try_from(page.entries.len()).unwrap_or(u32::MAX));
        whole.left_out = whole.left_out.saturating_add(page.left_out);
        whole.entries.splice(0..0, page.entries);
        (whole.sight, whole.not_filtered) = (page.sight, page.not_filtered);
        match page.older {
            Some(older) if wanted > 0 => query.before = Some(older),
            _ => return Ok(whole),
        }
    }
}

/// Prints each entry as it comes, with `--json` one document a line.
async fn follow_on(desk: &Desk, name: String, query: JournalQuery, printer: &Printer) -> Result<(), Fault> {
    let query = JournalQuery { limit: query.limit.or(Some(LIMIT_BEFORE_FOLLOW)), ..query };
    let mut entries = desk.watch_journal(&name, query).await?;
    let mut first = true;
    while let Some(news) = entries.next().await {
        let news = news?;
        if std::mem::take(&mut first) {
            tell(printer, news.sight, 0, &news.not_filtered);
        }
        if news.skipped > 0 {
            printer.notice(&format!("{} entries were not taken in time and are left out", news.skipped));
        }
        tell(printer, JournalSight::Whole, news.left_out, &[]);
        for entry in &news.entries {
            printer.show(entry, words)?;
        }
    }
    Ok(())
}

/// Says on stderr what the list above does not hold.
fn tell(printer: &Printer, sight: JournalSight, left_out: u32, not_filtered: &[String]) {
    match sight {
        JournalSight::OwnOnly => {
            printer.notice("this user does not see entries of the system and of other users");
        }
        JournalSight::SomeFiles => printer.notice("this user may not read some of the log files"),
        JournalSight::Whole | JournalSight::Unknown => {}
    }
    if left_out > 0 {
        printer.notice(&format!("{left_out} entries could not be read, or were too long"));
    }
    for filter in not_filtered {
        printer.notice(&match filter.as_str() {
            "unit" => {
                "this host has no journald: the unit was compared with the name of the program".to_owned()
            }
            "priority" => "this host's log files do not tell the priority of most entries".to_owned(),
            other => format!("this host's log cannot be filtered by {}", printable(other)),
        });
    }
}

fn words(entry: &JournalEntry) -> String {
    let priority = entry.priority.and_then(|priority| PRIORITIES.get(usize::from(priority))).unwrap_or(&"-");
    let identifier = entry.identifier.as_deref().or(entry.unit.as_deref()).unwrap_or("-");
    let pid = entry.pid.map(|pid| format!("[{pid}]")).unwrap_or_default();
    let head = format!("{} {priority:<7} {}{pid}: ", time(entry.at_ms), printable(identifier));
    // Further lines of a message stand below its first.
    let message = printable_lines(entry.message.trim_end()).replace('\n', "\n    ");
    let cut = match entry.left_out_bytes {
        0 => String::new(),
        bytes => format!(" ... {bytes} bytes left out"),
    };
    format!("{head}{message}{cut}\n")
}

fn to_query(fields: JournalFields) -> Result<JournalQuery, Fault> {
    let priority = fields.priority.map(|word| {
        parse_priority(&word).ok_or_else(|| {
            let shown = printable(&word);
            Fault::bad_input("priority", format!("'{shown}' is no priority: give emerg to debug, or 0 to 7"))
        })
    });
    let since_ms = fields.since.map(|text| parse_moment("since", &text));
    // As systemctl(1): a name without a type is a service.
    let unit = fields.unit.map(|unit| if is_unit_name(&unit) { unit } else { format!("{unit}.service") });
    Ok(JournalQuery {
        unit,
        priority: priority.transpose()?,
        since_ms: since_ms.transpose()?,
        text: fields.query.unwrap_or_default(),
        before: fields.before,
        limit: fields.limit,
        ..JournalQuery::default()
    })
}

/// A moment of the past, in milliseconds since 1970 UTC, as a person gives it for this field.
pub(crate) fn parse_moment(field: &str, text: &str) -> Result<i64, Fault> {
    let now = Timestamp::from_millisecond(Clock::system().now_ms());
    let now = now.map_err(|why| Fault::bad_input(field, format!("this computer's clock is wrong: {why}")))?;
    parse_since(text, &now.to_zoned(TimeZone::system())).ok_or_else(|| {
        let shown = printable(text);
        let example = "give such as 2h, '1 day ago', 10:30 or '2026-11-20 10:30'";
        Fault::bad_input(field, format!("'{shown}' is no time: {example}"))
    })
}

/// A time as a person gives it, in this computer's zone.
fn parse_since(text: &str, now: &Zoned) -> Option<i64> {
    let text = text.trim();
    let zone = now.time_zone();
    let at_ms = |civil: DateTime| Some(civil.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond());
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    if let Ok(at) = text.parse::<DateTime>() {
        return at_ms(at);
    }
    if let Ok(time) = text.parse::<Time>() {
        return at_ms(now.date().to_datetime(time));
    }
    let day: Option<Date> = match text {
        "today" => Some(now.date()),
        "yesterday" => now.date().yesterday().ok(),
        _ => text.parse().ok(),
    };
    if let Some(day) = day {
        return at_ms(day.to_datetime(Time::midnight()));
    }
    let span: Span = text.parse().ok()?;
    Some(now.checked_sub(span.abs()).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_understood_as_a_person_gives_it() {
        let now: Zoned = "2026-11-20T12:00:00+08:00[Asia/Shanghai]".parse().unwrap();
        let noon_ms = now.timestamp().as_millisecond();
        for (text, hours) in [
            ("2h", 2),
            ("2 hours ago", 2),
            ("1 day ago", 24),
            ("10:00", 2),
            ("today", 12),
            ("yesterday", 36),
            ("2026-11-20", 12),
            ("2026-11-20 10:00", 2),
            ("2026-11-20T10:00:00", 2),
            ("2026-11-20T02:00:00Z", 2),
        ] {
            assert_eq!(parse_since(text, &now), Some(noon_ms - hours * 3_600_000), "{text}");
        }
        for text in ["", "soon", "--until", "25:00"] {
            assert_eq!(parse_since(text, &now), None, "{text}");
        }
    }

    #[test]
    fn an_entry_of_a_hostile_program_cannot_write_to_the_terminal() {
        let entry = JournalEntry {
            identifier: Some("a\u{1b}[2J".into()),
            message: "one\ntwo\u{202e}\r\u{1b}]52;c;x\u{7}\n".into(),
            priority: Some(3),
            pid: Some(7),
            left_out_bytes: 5,
            ..JournalEntry::default()
        };
        let words = words(&entry);
        assert!(!words.contains(['\u{1b}', '\u{202e}', '\r', '\u{7}']), "{words}");
        assert!(words.contains(" err     a\\x1b[2J[7]: one\n    two\\u{202e}"), "{words}");
        assert!(words.ends_with(" ... 5 bytes left out\n"));
    }

    #[test]
    fn a_unit_without_its_type_is_a_service() {
        let fields = |unit: &str| JournalFields {
            unit: Some(unit.into()),
            priority: None,
            since: None,
            query: None,
            follow: false,
            limit: None,
            before: None,
        };
        assert_eq!(to_query(fields("cron")).unwrap().unit.as_deref(), Some("cron.service"));
        assert_eq!(to_query(fields("a.timer")).unwrap().unit.as_deref(), Some("a.timer"));
        assert_eq!(to_query(fields("a.b")).unwrap().unit.as_deref(), Some("a.b.service"));
    }
}
