//! D-Bus messages as bytes: the calls that are sent, and what systemd's signals say. Pure.
//!
//! Of what comes, the head and the few texts that name a unit are read; the rest is passed over.
//! Every length is checked against what a message may have, since any user of the system bus can
//! send to any other (D-Bus specification, "Message Format").

/// The fixed part of a message.
pub(super) const HEAD_BYTES: usize = 16;
/// The bus allows more, but nothing that is asked or watched here comes near this.
const MESSAGE_LIMIT_BYTES: usize = 1 << 20;
/// What the specification allows: for the header fields, and for a message.
const FIELDS_MOST_BYTES: usize = 64 << 20;
const BODY_MOST_BYTES: usize = 128 << 20;

pub(super) const METHOD_RETURN: u8 = 2;
pub(super) const ERROR: u8 = 3;
const SIGNAL: u8 = 4;

const UNIT_PREFIX: &str = "/org/freedesktop/systemd1/unit/";
pub(super) const SYSTEMD: &str = "org.freedesktop.systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";
const BUS: &str = "org.freedesktop.DBus";

/// What is called: one method with one string, or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) destination: &'a str,
    pub(super) path: &'a str,
    pub(super) interface: &'a str,
    pub(super) member: &'a str,
    pub(super) text: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// A method of the bus itself.
    pub(super) fn bus(member: &'a str, text: Option<&'a str>) -> Self {
        Self { destination: BUS, path: "/org/freedesktop/DBus", interface: BUS, member, text }
    }

    /// A method of systemd's manager.
    pub(super) fn manager(member: &'a str, text: Option<&'a str>) -> Self {
        Self { destination: SYSTEMD, path: MANAGER_PATH, interface: MANAGER, member, text }
    }

    /// Builds the message: a fixed part, an array of header fields, the body.
    pub(super) fn to_bytes(self, serial: u32) -> Vec<u8> {
        let mut body = Vec::new();
        if let Some(text) = self.text {
            put_text(&mut body, text);
        }
        let mut fields = Vec::new();
        let mut field = |code: u8, kind: u8, text: &str| {
            fields.resize(fields.len().next_multiple_of(8), 0);
            fields.extend_from_slice(&[code, 1, kind, 0]);
            if kind == b'g' {
                fields.push(u8::try_from(text.len()).unwrap_or(0));
                fields.extend_from_slice(text.as_bytes());
                fields.push(0);
            } else {
                put_text(&mut fields, text);
            }
        };
        field(1, b'o', self.path);
        field(2, b's', self.interface);
        field(3, b's', self.member);
        field(6, b's', self.destination);
        if self.text.is_some() {
            field(8, b'g', "s");
        }
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes();
        let mut message = vec![b'l', 1, 0, 1];
        message.extend_from_slice(&length(&body));
        message.extend_from_slice(&serial.to_le_bytes());
        message.extend_from_slice(&length(&fields));
        message.extend_from_slice(&fields);
        message.resize(message.len().next_multiple_of(8), 0);
        message.extend_from_slice(&body);
        message
    }
}

fn put_text(to: &mut Vec<u8>, text: &str) {
    to.resize(to.len().next_multiple_of(4), 0);
    to.extend_from_slice(&u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
    to.extend_from_slice(text.as_bytes());
    to.push(0);
}

/// What the fixed part of a message says of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    is_big_endian: bool,
    pub(super) kind: u8,
    fields_bytes: usize,
    body_bytes: usize,
}

impl Head {
    /// How many bytes follow.
    pub(super) fn rest_bytes(self) -> usize {
        self.fields_bytes.next_multiple_of(8) + self.body_bytes
    }

    /// True for a message that nothing here needs, and that is not worth its memory. Any user of the
    /// system bus can send one to any other.
    pub(super) fn is_too_long(self) -> bool {
        self.rest_bytes() > MESSAGE_LIMIT_BYTES
    }
}

/// `None` if that is no message, or one that is longer than any may be.
pub(super) fn parse_head(fixed: &[u8; HEAD_BYTES]) -> Option<Head> {
    let is_big_endian = match fixed[0] {
        b'l' => false,
        b'B' => true,
        _ => return None,
    };
    let length = |at: usize, most: usize| {
        let length = Reader { bytes: fixed, at, is_big_endian }.number()?;
        usize::try_from(length).ok().filter(|&length| length <= most)
    };
    let (fields_bytes, body_bytes) = (length(12, FIELDS_MOST_BYTES)?, length(4, BODY_MOST_BYTES)?);
    Some(Head { is_big_endian, kind: fixed[1], fields_bytes, body_bytes })
}

/// What systemd, or the bus about it, says without being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Something about this unit is other than it was.
    Changed(String),
    /// systemd loaded this unit.
    New(String),
    /// systemd let go of this unit: it does not run, and may be no more.
    Removed(String),
    /// A job of this unit ended: `done`, `failed`, `canceled`, `timeout`, `dependency`, ...
    JobEnded { unit: String, result: String },
    /// Unit files were changed, or all were read anew: any unit may be other than it was.
    All,
    /// systemd itself left the bus, as when it is executed anew: its signals come from another name.
    Gone,
}

/// A message and who sent it; a field that it does not have is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) sender: String,
    path: String,
    interface: String,
    member: String,
    texts: Vec<String>,
}

/// Reads the rest of a message. `None` if it is not built as a message is.
pub(super) fn parse_message(head: Head, rest: &[u8]) -> Option<Message> {
    let fields = rest.get(..head.fields_bytes)?;
    let body = rest.get(head.fields_bytes.next_multiple_of(8)..)?;
    let mut reader = Reader { bytes: fields, at: 0, is_big_endian: head.is_big_endian };
    let mut message = Message { kind: head.kind, ..Message::default() };
    let mut signature = String::new();
    while reader.at < fields.len() {
        reader.align(8)?;
        if reader.at == fields.len() {
            break;
        }
        let code = reader.byte()?;
        match (code, reader.signature()?.as_str()) {
            (1, "o") => message.path = reader.text()?,
            (2, "s") => message.interface = reader.text()?,
            (3, "s") => message.member = reader.text()?,
            (7, "s") => message.sender = reader.text()?,
            (8, "g") => signature = reader.signature()?,
            (_, "s" | "o") => drop(reader.text()?),
            (_, "g") => drop(reader.signature()?),
            (_, "u") => drop(reader.number()?),
            // A kind of field that is not known ends what can be read of the message.
            _ => return None,
        }
    }
    // Only a manager's signals have a body that is read; the rest names its unit by the path.
    if message.kind == SIGNAL && signature.len() <= 8 {
        let mut reader = Reader { bytes: body, at: 0, is_big_endian: head.is_big_endian };
        for kind in signature.bytes() {
            match kind {
                b'u' | b'b' => drop(reader.number()?),
                b's' | b'o' => message.texts.push(reader.text()?),
                _ => break,
            }
        }
    }
    Some(message)
}

impl Message {
    /// What it says, if `systemd`, the unique name that systemd has on the bus, sent it.
    pub(super) fn signal_of(&self, systemd: &str) -> Option<Signal> {
        if self.kind != SIGNAL {
            return None;
        }
        let texts = || self.texts.iter().map(String::as_str);
        // No client of the bus can have this name.
        if self.sender == BUS {
            let is_systemd = self.member == "NameOwnerChanged" && texts().next() == Some(SYSTEMD);
            return is_systemd.then_some(Signal::Gone);
        }
        if self.sender != systemd || systemd.is_empty() {
            return None;
        }
        if let Some(unit) = self.path.strip_prefix(UNIT_PREFIX) {
            return parse_path_word(unit).map(Signal::Changed);
        }
        if self.path != MANAGER_PATH || self.interface != MANAGER {
            return None;
        }
        match (self.member.as_str(), texts().collect::<Vec<_>>().as_slice()) {
            ("JobRemoved", [_job, unit, result, ..]) => {
                Some(Signal::JobEnded { unit: (*unit).to_owned(), result: (*result).to_owned() })
            }
            ("UnitNew", [unit, ..]) => Some(Signal::New((*unit).to_owned())),
            ("UnitRemoved", [unit, ..]) => Some(Signal::Removed((*unit).to_owned())),
            ("UnitFilesChanged" | "Reloading", _) => Some(Signal::All),
            _ => None,
        }
    }
}

/// The name in the last word of a unit's path, where each byte that a path may not have is
/// `_` and two hexadecimal digits (`cron_2eservice`).
fn parse_path_word(word: &str) -> Option<String> {
    let mut name = Vec::with_capacity(word.len());
    let mut bytes = word.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'_' => {
                let digits = [bytes.next()?, bytes.next()?];
                name.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            byte => name.push(byte),
        }
    }
    String::from_utf8(name).ok().filter(|name| !name.is_empty())
}

/// The path of a unit on the bus.
pub(super) fn unit_path(unit: &str) -> String {
    let mut path = UNIT_PREFIX.to_owned();
    for (at, byte) in unit.bytes().enumerate() {
        if byte.is_ascii_alphabetic() || (at > 0 && byte.is_ascii_digit()) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("_{byte:02x}"));
        }
    }
    path
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    is_big_endian: bool,
}

impl Reader<'_> {
    fn align(&mut self, to: usize) -> Option<()> {
        self.at = self.at.next_multiple_of(to);
        (self.at <= self.bytes.len()).then_some(())
    }

    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u32> {
        self.align(4)?;
        let is_big_endian = self.is_big_endian;
        let bytes: [u8; 4] = self.take(4)?.try_into().ok()?;
        Some(if is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// A string or the path of an object, and the NUL after it.
    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let text = String::from_utf8(self.take(length)?.to_vec()).ok()?;
        (self.byte()? == 0).then_some(text)
    }

    fn signature(&mut self) -> Option<String> {
        let length = usize::from(self.byte()?);
        let text = String::from_utf8(self.take(length)?.to_vec()).ok()?;
        (self.byte()? == 0).then_some(text)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the bus says when a name has another owner.
    pub(in super::super) fn owner_changed(texts: &[&str; 3]) -> Vec<u8> {
        let body = texts.map(|text| (b's', text));
        signal(false, BUS, "/org/freedesktop/DBus", BUS, "NameOwnerChanged", &body)
    }

    /// A signal as a bus hands it on, in either byte order.
    fn signal(
        big: bool,
        sender: &str,
        path: &str,
        interface: &str,
        member: &str,
        body: &[(u8, &str)],
    ) -> Vec<u8> {
        let number = |n: usize| {
            let n = u32::try_from(n).unwrap();
            if big { n.to_be_bytes() } else { n.to_le_bytes() }
        };
        let put = |to: &mut Vec<u8>, text: &str| {
            to.resize(to.len().next_multiple_of(4), 0);
            to.extend_from_slice(&number(text.len()));
            to.extend_from_slice(text.as_bytes());
            to.push(0);
        };
        let mut bytes = Vec::new();
        let mut signature = String::new();
        for (kind, text) in body {
            signature.push(char::from(*kind));
            if *kind == b'u' {
                bytes.resize(bytes.len().next_multiple_of(4), 0);
                bytes.extend_from_slice(&number(text.parse().unwrap()));
            } else {
                put(&mut bytes, text);
            }
        }
        let mut fields = Vec::new();
        for (code, kind, text) in
            [(1, b'o', path), (2, b's', interface), (3, b's', member), (7, b's', sender)]
        {
            fields.resize(fields.len().next_multiple_of(8), 0);
            fields.extend_from_slice(&[code, 1, kind, 0]);
            put(&mut fields, text);
        }
        if !signature.is_empty() {
            fields.resize(fields.len().next_multiple_of(8), 0);
            fields.extend_from_slice(&[8, 1, b'g', 0, u8::try_from(signature.len()).unwrap()]);
            fields.extend_from_slice(signature.as_bytes());
            fields.push(0);
        }
        let mut message = vec![if big { b'B' } else { b'l' }, SIGNAL, 1, 1];
        message.extend_from_slice(&number(bytes.len()));
        message.extend_from_slice(&number(7));
        message.extend_from_slice(&number(fields.len()));
        message.extend_from_slice(&fields);
        message.resize(message.len().next_multiple_of(8), 0);
        message.extend_from_slice(&bytes);
        message
    }

    fn parse(message: &[u8]) -> Option<Message> {
        let (fixed, rest) = message.split_at_checked(HEAD_BYTES)?;
        let head = parse_head(fixed.try_into().ok()?)?;
        parse_message(head, rest.get(..head.rest_bytes())?)
    }

    const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

    #[test]
    fn a_call_has_the_lengths_that_its_parts_have_and_is_read_back() {
        let message = Call::manager("RefUnit", Some("a.service")).to_bytes(2);
        assert_eq!(&message[..4], b"l\x01\x00\x01", "little-endian, a call, no flags, version 1");
        assert_eq!(message[4..8], 14u32.to_le_bytes(), "length, text and its NUL");
        let head = parse_head(message[..16].try_into().unwrap()).unwrap();
        assert_eq!(head.rest_bytes(), message.len() - 16);
        let read = parse(&message).unwrap();
        assert_eq!(
            (read.path.as_str(), read.interface.as_str(), read.member.as_str()),
            (MANAGER_PATH, MANAGER, "RefUnit")
        );
    }

    #[test]
    fn signals_of_systemd_name_their_unit_in_both_byte_orders() {
        for big in [false, true] {
            let path = unit_path("cron.service");
            assert_eq!(path, "/org/freedesktop/systemd1/unit/cron_2eservice");
            let changed =
                signal(big, ":1.1", &path, PROPERTIES, "PropertiesChanged", &[(b's', "x"), (b'a', "")]);
            assert_eq!(
                parse(&changed).unwrap().signal_of(":1.1"),
                Some(Signal::Changed("cron.service".into()))
            );
            let body = [
                (b'u', "77"),
                (b'o', "/org/freedesktop/systemd1/job/77"),
                (b's', "a.service"),
                (b's', "canceled"),
            ];
            let ended = signal(big, ":1.1", MANAGER_PATH, MANAGER, "JobRemoved", &body);
            let expected = Signal::JobEnded { unit: "a.service".into(), result: "canceled".into() };
            assert_eq!(parse(&ended).unwrap().signal_of(":1.1"), Some(expected));
            let new =
                signal(big, ":1.1", MANAGER_PATH, MANAGER, "UnitNew", &[(b's', "b.timer"), (b'o', "/x")]);
            assert_eq!(parse(&new).unwrap().signal_of(":1.1"), Some(Signal::New("b.timer".into())));
            let files = signal(big, ":1.1", MANAGER_PATH, MANAGER, "UnitFilesChanged", &[]);
            assert_eq!(parse(&files).unwrap().signal_of(":1.1"), Some(Signal::All));
            let owner = [(b's', SYSTEMD), (b's', ":1.1"), (b's', ":1.99")];
            let anew = signal(big, BUS, "/org/freedesktop/DBus", BUS, "NameOwnerChanged", &owner);
            assert_eq!(parse(&anew).unwrap().signal_of(":1.1"), Some(Signal::Gone));
        }
    }

    #[test]
    fn what_another_user_of_the_bus_sends_is_not_taken_for_systemds() {
        let path = unit_path("cron.service");
        let forged = signal(false, ":1.66", &path, PROPERTIES, "PropertiesChanged", &[]);
        assert_eq!(parse(&forged).unwrap().signal_of(":1.1"), None);
        let nameless = signal(false, "", &path, PROPERTIES, "PropertiesChanged", &[]);
        assert_eq!(parse(&nameless).unwrap().signal_of(""), None);
        let other = [(b's', "org.example"), (b's', ""), (b's', ":1.9")];
        let owner = signal(false, BUS, "/org/freedesktop/DBus", BUS, "NameOwnerChanged", &other);
        assert_eq!(parse(&owner).unwrap().signal_of(":1.1"), None);
    }

    #[test]
    fn names_come_back_from_their_paths() {
        for unit in ["cron.service", "-.mount", "user@1001.service", "dev-disk-by\\x2duuid.swap", "0.service"]
        {
            let path = unit_path(unit);
            assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"_/".contains(&b)), "{path}");
            assert_eq!(parse_path_word(path.strip_prefix(UNIT_PREFIX).unwrap()).as_deref(), Some(unit));
        }
        for odd in ["", "_", "a_2", "a_zz", "_ff"] {
            assert_eq!(parse_path_word(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_length_that_no_message_has_is_refused() {
        let mut fixed = [0u8; HEAD_BYTES];
        assert_eq!(parse_head(&fixed), None, "no byte order");
        fixed[0] = b'l';
        assert!(parse_head(&fixed).is_some());
        for at in [4, 12] {
            let mut long = fixed;
            long[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
            assert_eq!(parse_head(&long), None, "{at}");
            long[at..at + 4].copy_from_slice(&(1u32 << 20).to_le_bytes());
            assert!(!parse_head(&long).unwrap().is_too_long(), "the longest that is read");
            long[at..at + 4].copy_from_slice(&(1u32 << 26).to_le_bytes());
            assert!(parse_head(&long).unwrap().is_too_long(), "the bus may hand it on: it is passed over");
        }
        // A text that says it is longer than its message.
        let mut cut = signal(false, ":1.1", &unit_path("a.service"), PROPERTIES, "PropertiesChanged", &[]);
        cut[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(parse(&cut), None);
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_never_more_than_no_message(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = parse(&bytes);
            let head = Head { is_big_endian: false, kind: SIGNAL, fields_bytes: bytes.len(), body_bytes: 0 };
            let _ = parse_message(head, &bytes);
        }

        #[test]
        fn a_message_with_any_byte_changed_or_cut_is_read_or_refused(at in 0usize..200, to: u8, cut in 0usize..200) {
            let body = [(b'u', "7"), (b'o', "/j"), (b's', "a.service"), (b's', "done")];
            let mut message = signal(false, ":1.1", MANAGER_PATH, MANAGER, "JobRemoved", &body);
            if let Some(byte) = message.get_mut(at) {
                *byte = to;
            }
            let _ = parse(&message).map(|read| read.signal_of(":1.1"));
            message.truncate(cut);
            let _ = parse(&message);
        }

        #[test]
        fn every_name_comes_back_from_its_path(name in "[a-zA-Z0-9:_.\\\\@-]{1,60}") {
            let path = unit_path(&name);
            prop_assert_eq!(parse_path_word(path.strip_prefix(UNIT_PREFIX).unwrap()), Some(name));
        }
    }
}
