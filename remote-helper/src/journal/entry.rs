//! One line of `journalctl -o json`, made an entry.
//!
//! A value is a text, a list of numbers where it is not UTF-8 or has control characters, a list of
//! values where a field is there several times, and null where journalctl leaves it out as too long.

use protocol::journal::JournalEntry;

use super::MESSAGE_LIMIT_BYTES;
use crate::root::lossy;

/// No other field is kept longer.
const FIELD_LIMIT_BYTES: usize = 512;

/// Places of the fields in what `read_fields` gives.
const NAMES: [&[u8]; 11] = [
    b"__CURSOR",
    b"__REALTIME_TIMESTAMP",
    b"MESSAGE",
    b"PRIORITY",
    b"_SYSTEMD_UNIT",
    b"UNIT",
    b"SYSLOG_IDENTIFIER",
    b"_COMM",
    b"_PID",
    b"SYSLOG_PID",
    b"_HOSTNAME",
];

/// `None` if the line is no entry: without a cursor and a time it cannot be placed.
pub(super) fn parse_entry(line: &[u8]) -> Option<JournalEntry> {
    let [cursor, realtime_us, message, priority, systemd_unit, unit, identifier, comm, pid, syslog_pid, host] =
        read_fields(line)?;
    let cursor = text(cursor).filter(|cursor| protocol::journal::is_cursor(cursor))?;
    let realtime_us: i64 = text(realtime_us)?.parse().ok()?;
    let pid = text(pid);
    // What systemd says about a unit is of that unit.
    let unit = if pid.as_deref() == Some("1") { text(unit) } else { None };
    let mut entry = JournalEntry {
        at_ms: realtime_us.div_euclid(1_000),
        cursor,
        priority: text(priority).and_then(|text| text.parse().ok()).filter(|&number: &u8| number < 8),
        unit: unit.or(text(systemd_unit)),
        identifier: text(identifier).or(text(comm)),
        pid: pid.or(text(syslog_pid)).and_then(|text| text.parse().ok()),
        host: text(host),
        ..JournalEntry::default()
    };
    set_message(&mut entry, message);
    Some(entry)
}

fn text(mut bytes: Vec<u8>) -> Option<String> {
    bytes.truncate(FIELD_LIMIT_BYTES);
    Some(lossy(bytes)).filter(|text| !text.is_empty())
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

/// Bytes of the fields of `NAMES`, none where one is missing or null. `None` if the line is no JSON
/// object of the kind that journalctl writes.
fn read_fields(line: &[u8]) -> Option<[Vec<u8>; 11]> {
    let mut fields: [Vec<u8>; 11] = Default::default();
    let mut scan = Scan { rest: line };
    scan.expect(b'{')?;
    if scan.next_is(b'}') {
        return scan.rest.trim_ascii().is_empty().then_some(fields);
    }
    loop {
        let name = scan.string()?;
        scan.expect(b':')?;
        let value = scan.value(true)?;
        if let Some(field) = NAMES.iter().position(|known| **known == name).and_then(|at| fields.get_mut(at))
        {
            *field = value;
        }
        if scan.next_is(b',') {
            continue;
        }
        scan.expect(b'}')?;
        return scan.rest.trim_ascii().is_empty().then_some(fields);
    }
}

/// Reads JSON as far as journalctl writes it. A reader made for any JSON would be three times as
/// large, and the helper must be small.
struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn next_is(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        if is {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        is
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.next_is(byte).then_some(())
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn string(&mut self) -> Option<Vec<u8>> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let mut end = 1;
        loop {
            match self.rest.get(end)? {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        let quoted = self.take(end + 1)?;
        let inside = quoted.get(1..end)?;
        if !inside.contains(&b'\\') {
            return Some(inside.to_vec());
        }
        serde_json::from_slice::<String>(quoted).ok().map(String::into_bytes)
    }

    /// A text, a number, null, true, false, or a list: of bytes, or of several values.
    fn value(&mut self, may_hold_lists: bool) -> Option<Vec<u8>> {
        match self.peek()? {
            b'"' => self.string(),
            b'[' => self.list(may_hold_lists),
            b'-' | b'0'..=b'9' => {
                let other = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"+-.".contains(byte);
                let length = self.rest.iter().position(other).unwrap_or(self.rest.len());
                self.take(length).map(<[u8]>::to_vec)
            }
            _ => {
                let word =
                    [&b"null"[..], b"true", b"false"].into_iter().find(|word| self.rest.starts_with(word))?;
                self.take(word.len()).map(|_| Vec::new())
            }
        }
    }

    /// Several values are lines of one; of a list in a list all must be bytes.
    fn list(&mut self, may_hold_lists: bool) -> Option<Vec<u8>> {
        self.expect(b'[')?;
        let mut bytes = Vec::new();
        if self.next_is(b']') {
            return Some(bytes);
        }
        let mut values = 0;
        loop {
            if self.peek()?.is_ascii_digit() {
                let number = self.value(false)?;
                bytes.push(std::str::from_utf8(&number).ok()?.parse().ok()?);
            } else if may_hold_lists {
                if values > 0 {
                    bytes.push(b'\n');
                }
                values += 1;
                bytes.append(&mut self.value(false)?);
            } else {
                return None;
            }
            if self.next_is(b',') {
                continue;
            }
            self.expect(b']')?;
            return Some(bytes);
        }
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
