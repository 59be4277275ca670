//! One line of `journalctl -o json`, made an entry.
//!
//! A value is a text, a list of numbers where it is not UTF-8 or has control characters, a list of
//! values where a field is there several times, and null where journalctl leaves it out as too long.

use std::fmt;

use protocol::journal::JournalEntry;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::MESSAGE_LIMIT_BYTES;
use crate::root::lossy;

/// The fields asked for; journalctl adds the cursor and the times by itself.
pub(super) const FIELDS: &str =
    "MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT,SYSLOG_IDENTIFIER,_COMM,_PID,SYSLOG_PID,_HOSTNAME";

/// No other field is kept longer.
const FIELD_LIMIT_BYTES: usize = 512;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Raw {
    #[serde(rename = "__CURSOR")]
    cursor: Value,
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    realtime_us: Value,
    #[serde(rename = "MESSAGE")]
    message: Value,
    #[serde(rename = "PRIORITY")]
    priority: Value,
    #[serde(rename = "_SYSTEMD_UNIT")]
    systemd_unit: Value,
    #[serde(rename = "UNIT")]
    unit: Value,
    #[serde(rename = "SYSLOG_IDENTIFIER")]
    identifier: Value,
    #[serde(rename = "_COMM")]
    comm: Value,
    #[serde(rename = "_PID")]
    pid: Value,
    #[serde(rename = "SYSLOG_PID")]
    syslog_pid: Value,
    #[serde(rename = "_HOSTNAME")]
    host: Value,
}

/// `None` if the line is no entry: without a cursor and a time it cannot be placed.
pub(super) fn parse_entry(line: &[u8]) -> Option<JournalEntry> {
    let raw: Raw = serde_json::from_slice(line).ok()?;
    let cursor = raw.cursor.text().filter(|cursor| protocol::journal::is_cursor(cursor))?;
    let realtime_us: i64 = raw.realtime_us.text()?.parse().ok()?;
    let pid = raw.pid.text();
    // What systemd says about a unit is of that unit.
    let unit = if pid.as_deref() == Some("1") { raw.unit.text() } else { None };
    let mut entry = JournalEntry {
        at_ms: realtime_us.div_euclid(1_000),
        cursor,
        priority: raw.priority.text().and_then(|text| text.parse().ok()).filter(|&number: &u8| number < 8),
        unit: unit.or(raw.systemd_unit.text()),
        identifier: raw.identifier.text().or(raw.comm.text()),
        pid: pid.or(raw.syslog_pid.text()).and_then(|text| text.parse().ok()),
        host: raw.host.text(),
        ..JournalEntry::default()
    };
    set_message(&mut entry, raw.message.0);
    Some(entry)
}

/// Sets the message, cut at its limit.
pub(super) fn set_message(entry: &mut JournalEntry, mut bytes: Vec<u8>) {
    if bytes.len() > MESSAGE_LIMIT_BYTES {
        let mut end = MESSAGE_LIMIT_BYTES;
        // Not in the middle of a character.
        while end > MESSAGE_LIMIT_BYTES - 4 && bytes.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
            end -= 1;
        }
        entry.left_out_bytes = (bytes.len() - end) as u64;
        bytes.truncate(end);
    }
    entry.message = lossy(bytes);
}

/// The bytes of a field; none where it is missing or null.
#[derive(Default)]
struct Value(Vec<u8>);

impl Value {
    fn text(self) -> Option<String> {
        let mut bytes = self.0;
        bytes.truncate(FIELD_LIMIT_BYTES);
        Some(lossy(bytes)).filter(|text| !text.is_empty())
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Read { in_list: false })? {
            Item::Byte(_) => Ok(Self::default()),
            Item::Bytes(bytes) => Ok(Self(bytes)),
        }
    }
}

/// A value, or a byte of one.
enum Item {
    Byte(u8),
    Bytes(Vec<u8>),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read { in_list: true })
    }
}

struct Read {
    in_list: bool,
}

impl<'de> Visitor<'de> for Read {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of journalctl")
    }

    fn visit_str<E>(self, text: &str) -> Result<Item, E> {
        Ok(Item::Bytes(text.as_bytes().to_vec()))
    }

    fn visit_unit<E>(self) -> Result<Item, E> {
        Ok(Item::Bytes(Vec::new()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Item, E> {
        Ok(match u8::try_from(number) {
            Ok(byte) if self.in_list => Item::Byte(byte),
            _ => Item::Bytes(number.to_string().into_bytes()),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Item, A::Error> {
        let mut bytes = Vec::new();
        // One list of values in another is all that journalctl writes: deeper ones are passed over.
        if self.in_list {
            while let Some(number) = list.next_element::<u64>()? {
                bytes.push(u8::try_from(number).unwrap_or(b'?'));
            }
            return Ok(Item::Bytes(bytes));
        }
        let mut values = 0;
        while let Some(item) = list.next_element::<Item>()? {
            match item {
                Item::Byte(byte) => bytes.push(byte),
                Item::Bytes(value) => {
                    if values > 0 {
                        bytes.push(b'\n');
                    }
                    bytes.extend_from_slice(&value);
                    values += 1;
                }
            }
        }
        Ok(Item::Bytes(bytes))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Item::Bytes(Vec::new()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Item, E> {
        Ok(Item::Bytes(Vec::new()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Item, E> {
        Ok(Item::Bytes(number.to_string().into_bytes()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Item, E> {
        Ok(Item::Bytes(Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Lines of journalctl 252, as it wrote them.
    const PLAIN: &str = r#"{"_COMM":"cron","PRIORITY":"6","__CURSOR":"s=b2a4;i=1f3;b=c0de;m=12d687;t=5f2a;x=9b","_PID":"77","SYSLOG_IDENTIFIER":"CRON","MESSAGE":"(root) CMD (run-parts \"/etc/cron.hourly\")","__REALTIME_TIMESTAMP":"1763632801123456","_HOSTNAME":"web-1","_SYSTEMD_UNIT":"cron.service","__MONOTONIC_TIMESTAMP":"1234567","_BOOT_ID":"c0de"}"#;
    const OF_SYSTEMD: &str = r#"{"__CURSOR":"s=1;i=2;b=3;m=4;t=5;x=6","__REALTIME_TIMESTAMP":"1763632801000999","MESSAGE":"Started cron.service - Regular background program processing daemon.","UNIT":"cron.service","_SYSTEMD_UNIT":"init.scope","_PID":"1","PRIORITY":"6","SYSLOG_IDENTIFIER":"systemd"}"#;
    const ESCAPES: &str = r#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1763632801000000","MESSAGE":[27,91,51,49,109,114,101,100,255,10,120],"SYSLOG_IDENTIFIER":"a\u202eb","_PID":"9"}"#;
    const REPEATED: &str = r#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1763632801000000","MESSAGE":["first",[115,101,99],"third"],"PRIORITY":["3","4"]}"#;
    const TOO_LONG: &str =
        r#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1763632801000000","MESSAGE":null,"PRIORITY":"9"}"#;

    #[test]
    fn a_line_of_journalctl_is_read_whole() {
        let entry = parse_entry(PLAIN.as_bytes()).unwrap();
        assert_eq!((entry.at_ms, entry.priority, entry.pid), (1_763_632_801_123, Some(6), Some(77)));
        assert_eq!(entry.cursor, "s=b2a4;i=1f3;b=c0de;m=12d687;t=5f2a;x=9b");
        assert_eq!(entry.message, "(root) CMD (run-parts \"/etc/cron.hourly\")");
        assert_eq!(
            (entry.unit.as_deref(), entry.identifier.as_deref()),
            (Some("cron.service"), Some("CRON"))
        );
        assert_eq!(entry.host.as_deref(), Some("web-1"));
    }

    #[test]
    fn what_systemd_says_about_a_unit_is_of_that_unit() {
        assert_eq!(parse_entry(OF_SYSTEMD.as_bytes()).unwrap().unit.as_deref(), Some("cron.service"));
        let forged = OF_SYSTEMD.replace(r#""_PID":"1""#, r#""_PID":"11""#);
        assert_eq!(parse_entry(forged.as_bytes()).unwrap().unit.as_deref(), Some("init.scope"));
    }

    #[test]
    fn bytes_lists_and_nulls_are_read_too() {
        let odd = parse_entry(ESCAPES.as_bytes()).unwrap();
        assert_eq!(odd.message, "\u{1b}[31mred\u{fffd}\nx");
        assert_eq!(odd.identifier.as_deref(), Some("a\u{202e}b"));
        let repeated = parse_entry(REPEATED.as_bytes()).unwrap();
        assert_eq!((repeated.message.as_str(), repeated.priority), ("first\nsec\nthird", None));
        let long = parse_entry(TOO_LONG.as_bytes()).unwrap();
        assert_eq!((long.message.as_str(), long.priority), ("", None));
    }

    #[test]
    fn a_long_message_is_cut_at_a_character_and_the_rest_is_counted() {
        let message = "服".repeat(MESSAGE_LIMIT_BYTES / 3 + 100);
        let line = serde_json::json!({"__CURSOR": "s=1", "__REALTIME_TIMESTAMP": "1", "MESSAGE": message});
        let entry = parse_entry(line.to_string().as_bytes()).unwrap();
        assert_eq!(entry.message.len() as u64 + entry.left_out_bytes, message.len() as u64);
        assert!(entry.message.len() <= MESSAGE_LIMIT_BYTES && message.starts_with(&entry.message));
    }

    #[test]
    fn what_has_no_place_is_no_entry() {
        for line in [
            "",
            "{}",
            "[]",
            "-- No entries --",
            r#"{"__CURSOR":"--x","__REALTIME_TIMESTAMP":"1"}"#,
            r#"{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"soon"}"#,
        ] {
            assert!(parse_entry(line.as_bytes()).is_none(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_of_a_host_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..400) {
            parse_entry(&bytes);
            parse_entry(PLAIN.as_bytes().get(..cut.min(PLAIN.len())).unwrap());
            let any = serde_json::json!({"__CURSOR": "s=1", "__REALTIME_TIMESTAMP": "1", "MESSAGE": bytes});
            let entry = parse_entry(any.to_string().as_bytes()).unwrap();
            prop_assert_eq!(entry.message, String::from_utf8_lossy(&bytes));
        }
    }
}
