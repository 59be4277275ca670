//! journal: the log of a host and of its units, page by page or as it is written.
//!
//! The words are those of journalctl(1). A place in the log is a cursor, which means something only
//! to the host that gave it. What this user may not read, what was cut and which filters a host's
//! log cannot apply is said, never hidden in a short list.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::services::is_unit_name;

/// Most entries of one page, whatever is asked for.
pub const PAGE_LIMIT: u32 = 1_000;
const PAGE_DEFAULT: u32 = 200;
const SEARCHED_LINES: usize = 5_000;

/// Names of the priorities 0 to 7, as journalctl(1) and syslog(3) have them.
pub const PRIORITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// Parses a priority by name or number.
pub fn parse_priority(word: &str) -> Option<u8> {
    let known = |name: &&str| name.eq_ignore_ascii_case(word);
    let position = PRIORITIES.iter().position(known).or(match word.to_ascii_lowercase().as_str() {
        "panic" => Some(0),
        "critical" => Some(2),
        "error" => Some(3),
        "warn" => Some(4),
        _ => word.parse().ok().filter(|number| *number < PRIORITIES.len()),
    });
    position.and_then(|position| u8::try_from(position).ok())
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JournalEntry {
    /// Milliseconds since 1970 UTC by the host's clock.
    pub at_ms: i64,
    /// Its place; give it as `before` or `after`.
    pub cursor: String,
    /// 0 (emerg) to 7 (debug); `None` where the log does not say.
    pub priority: Option<u8>,
    pub unit: Option<String>,
    /// The program as it names itself.
    pub identifier: Option<String>,
    pub pid: Option<u32>,
    pub host: Option<String>,
    /// May have several lines, and anything that a program wrote.
    pub message: String,
    /// Bytes cut off the end of the message.
    pub left_out_bytes: u64,
}

/// What a person asks of the log. All conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JournalQuery {
    pub unit: Option<String>,
    /// This priority and more severe ones.
    pub priority: Option<u8>,
    pub since_ms: Option<i64>,
    pub until_ms: Option<i64>,
    /// Text that occurs in the message or the identifier; the case of ASCII letters does not count.
    pub text: String,
    /// Only entries before this place: to page back.
    pub before: Option<String>,
    /// Only entries after this place, the oldest of them first: to go on.
    pub after: Option<String>,
    /// `None` is 200.
    pub limit: Option<u32>,
}

impl JournalQuery {
    /// Refuses what no host shall be given.
    ///
    /// # Errors
    /// `BadInput`, which names the field.
    pub fn check(&self) -> Result<(), Fault> {
        if let Some(unit) = &self.unit
            && !is_unit_name(unit)
        {
            let shown = crate::text::printable(unit);
            return Err(Fault::bad_input(
                "unit",
                format!(
                    "'{shown}' is not the full name of a unit: give it with its type, such as cron.service"
                ),
            ));
        }
        if self.priority.is_some_and(|priority| usize::from(priority) >= PRIORITIES.len()) {
            return Err(Fault::bad_input("priority", "a priority is a number from 0 (emerg) to 7 (debug)"));
        }
        if self.before.is_some() && self.after.is_some() {
            return Err(Fault::bad_input("after", "a page goes back or on, not both: give one cursor"));
        }
        for (field, cursor) in [("before", &self.before), ("after", &self.after)] {
            if cursor.as_ref().is_some_and(|cursor| !is_cursor(cursor)) {
                return Err(Fault::bad_input(field, "it is not a cursor that a host gave"));
            }
        }
        if self.text.len() > 1_000 {
            return Err(Fault::bad_input("text", "a text to look for has at most 1,000 bytes"));
        }
        Ok(())
    }

    /// The filters that journalctl(1) applies itself.
    pub fn journalctl_filters(&self) -> Vec<String> {
        let unit = self.unit.as_ref().map(|unit| format!("--unit={unit}"));
        let priority = self.priority.map(|priority| format!("--priority={priority}"));
        unit.into_iter().chain(priority).collect()
    }

    /// The words that make journalctl(1) begin at the place of this page, the newest first unless it
    /// goes on from a cursor. The entry of a cursor itself comes too: `--after-cursor` would lose one
    /// where that entry does not pass the filters.
    pub fn journalctl_page(&self) -> Vec<String> {
        let mut words = self.journalctl_filters();
        let place = self.before.as_ref().or(self.after.as_ref());
        if self.after.is_none() {
            words.push("--reverse".into());
        }
        match (place, self.until_ms) {
            (Some(place), _) => words.push(format!("--cursor={place}")),
            (None, Some(until_ms)) => words.push(format!("--until={}", journalctl_time(until_ms + 1))),
            (None, None) => {}
        }
        words
    }

    /// Entries that are read for one page where they all have to come over the line: one more than fit,
    /// and that of the cursor; many more where they are then searched for a text.
    pub fn journalctl_lines(&self) -> usize {
        if self.text.is_empty() { self.page_limit() + 2 } else { SEARCHED_LINES }
    }

    /// Entries of a page.
    pub fn page_limit(&self) -> usize {
        self.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_LIMIT) as usize
    }
}

/// The fields of an entry that are asked for; journalctl(1) adds the cursor and the times by itself.
pub const JOURNALCTL_FIELDS: &str =
    "MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT,SYSLOG_IDENTIFIER,_COMM,_PID,SYSLOG_PID,_HOSTNAME";

/// A time as journalctl(1) takes it.
pub fn journalctl_time(at_ms: i64) -> String {
    format!("@{}.{:03}", at_ms.div_euclid(1_000), at_ms.rem_euclid(1_000))
}

/// True for a text that can be a cursor of journald or of a log file.
pub fn is_cursor(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 512
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "=;:.,-".contains(c))
}

/// Where the entries come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalSource {
    Journald,
    /// Files of `/var/log`, where there is no journald.
    Files,
    #[default]
    #[serde(other)]
    Unknown,
}

/// How much of the log the user who reads it may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalSight {
    Whole,
    /// Entries of the system and of other users are hidden from this user.
    OwnOnly,
    /// Some of the log files may not be read by this user.
    SomeFiles,
    #[default]
    #[serde(other)]
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JournalPage {
    pub at_ms: i64,
    pub source: JournalSource,
    pub sight: JournalSight,
    /// Oldest first.
    #[serde(deserialize_with = "crate::delta::capped")]
    pub entries: Vec<JournalEntry>,
    /// Give it as `before` to read what is older; `None` at the beginning of the log.
    pub older: Option<String>,
    /// Give it as `after` to go on from here; `None` if nothing was there.
    pub newer: Option<String>,
    /// Entries that were there but could not be read, or were too long.
    pub left_out: u32,
    /// Entries that were looked at. A search ends after some time with fewer entries than asked
    /// for; `older` then says where to look on.
    pub looked_at: u64,
    /// Filters that this host's log cannot apply: `priority`, or `unit` where only the name of the
    /// program could be compared.
    #[serde(deserialize_with = "crate::delta::capped")]
    pub not_filtered: Vec<String>,
    pub took_ms: u64,
}

/// What was written since the last such news.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JournalNews {
    /// Oldest first.
    #[serde(deserialize_with = "crate::delta::capped")]
    pub entries: Vec<JournalEntry>,
    /// Entries sent before these, since the beginning of the follow.
    pub sent_before: u64,
    /// Entries that were sent and dropped on the way, because they were not taken in time.
    pub skipped: u64,
    /// Entries that could not be read, or were too long.
    pub left_out: u32,
    pub source: JournalSource,
    pub sight: JournalSight,
    #[serde(deserialize_with = "crate::delta::capped")]
    pub not_filtered: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultCode;

    #[test]
    fn priorities_are_known_by_name_and_number() {
        for (word, number) in
            [("err", 3), ("ERROR", 3), ("0", 0), ("7", 7), ("warning", 4), ("warn", 4), ("emerg", 0)]
        {
            assert_eq!(parse_priority(word), Some(number), "{word}");
        }
        for word in ["8", "-1", "", "loud", "3..5"] {
            assert_eq!(parse_priority(word), None, "{word}");
        }
    }

    #[test]
    fn nothing_but_units_and_cursors_reaches_a_host() {
        let good = JournalQuery {
            unit: Some("cron.service".into()),
            after: Some("s=0a;i=1;b=2;m=3;t=4;x=5".into()),
            ..JournalQuery::default()
        };
        assert!(good.check().is_ok());
        for bad in [
            JournalQuery { unit: Some("--vacuum-size=1".into()), ..JournalQuery::default() },
            JournalQuery { unit: Some("cron".into()), ..JournalQuery::default() },
            JournalQuery { priority: Some(8), ..JournalQuery::default() },
            JournalQuery { before: Some("--file=/etc/shadow".into()), ..JournalQuery::default() },
            JournalQuery { after: Some("s=1\n".into()), ..JournalQuery::default() },
            JournalQuery { before: Some("a".into()), after: Some("a".into()), ..JournalQuery::default() },
            JournalQuery { text: "x".repeat(1_001), ..JournalQuery::default() },
        ] {
            assert_eq!(bad.check().unwrap_err().code, FaultCode::BadInput, "{bad:?}");
        }
    }

    #[test]
    fn a_page_has_a_limit_whatever_is_asked_for() {
        let limit = |limit| JournalQuery { limit, ..JournalQuery::default() }.page_limit();
        assert_eq!((limit(None), limit(Some(0)), limit(Some(u32::MAX))), (200, 1, 1_000));
    }
}
