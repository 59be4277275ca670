//! The log that sled keeps in `db`: segments of one size, each a head and then messages, every
//! message under a sum of its own. sled reads them in order and stops for good where one is broken;
//! what lies behind it is looked for here, byte by byte.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::bytes::Bytes;

pub(super) const SEGMENT: usize = 512 << 10;
const HEAD: usize = 20;
/// No message begins nearer to the end of its segment than this.
const MESSAGE_HEAD: usize = 32;
const SIGN: u64 = 0x7fff_ffff_ffff_ffff;
/// Bytes that are summed in one segment while the next whole message is looked for.
const SEARCHED: usize = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What only matters to sled itself.
    Other,
    Free,
    Meta,
    Node,
    Link,
}

/// Where a message is, and what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub kind: Kind,
    pub page: u64,
    /// Of its body in the file.
    pub at: u64,
    pub length: u32,
    /// Whether the body is the name of a file.
    pub is_blob: bool,
}

struct Head {
    /// Place of the segment in the order in which they were written.
    number: u64,
    /// The number of the segment up to which all is known to be on the disk.
    stable: u64,
}

/// The segments of a file, in the order in which they were written.
pub(super) struct Segments {
    file: File,
    /// Number and place in the file.
    order: Vec<(u64, u64)>,
}

impl Segments {
    pub(super) fn of(file: File) -> io::Result<Self> {
        let mut order = Vec::new();
        for at in starts(&file)? {
            let bytes = read(&file, at, HEAD)?;
            let number = match head(&bytes) {
                Some(head) => Some(head.number),
                // Its messages say which one it is, each for itself.
                None => newest(&read(&file, at, SEGMENT)?),
            };
            order.extend(number.map(|number| (number, at)));
        }
        order.sort_unstable();
        Ok(Self { file, order })
    }

    /// Gives every whole message, in the order in which they were written, with its body.
    /// The last word says whether something broken lies before it.
    pub(super) fn messages(&self, give: &mut dyn FnMut(Message, &[u8], bool)) -> io::Result<()> {
        for (number, at) in &self.order {
            let bytes = read(&self.file, *at, SEGMENT)?;
            let mut walk = Walk::new(&bytes, Some(*number));
            while let Some((message, body, is_behind_break)) = walk.next_whole() {
                give(Message { at: at + message.at, ..message }, body, is_behind_break);
            }
        }
        Ok(())
    }

    pub(super) fn body(&self, message: &Message) -> io::Result<Vec<u8>> {
        read(&self.file, message.at, message.length as usize)
    }
}

/// Whether whole messages lie behind a broken one where sled would cut the log off: in the segments that
/// it does not know to be on the disk.
pub(super) fn is_torn(file: &File) -> io::Result<bool> {
    let mut tail = Vec::new();
    let mut stable = 0;
    let mut headless = Vec::new();
    for at in starts(file)? {
        match head(&read(file, at, HEAD)?) {
            Some(head) => {
                stable = stable.max(head.stable);
                tail.push((head.number, at));
            }
            None => headless.push(at),
        }
    }
    for at in headless {
        let bytes = read(file, at, SEGMENT)?;
        if newest(&bytes).is_some_and(|number| number >= stable) {
            return Ok(true);
        }
    }
    tail.retain(|(number, _)| *number >= stable);
    tail.sort_unstable();
    let mut expected = stable;
    let mut is_broken = false;
    for (number, at) in tail {
        is_broken |= number != expected;
        expected = number + 1;
        let bytes = read(file, at, SEGMENT)?;
        let mut walk = Walk::new(&bytes, Some(number));
        while let Some((_, _, behind_break)) = walk.next_whole() {
            if is_broken || behind_break {
                return Ok(true);
            }
        }
        is_broken |= !walk.is_full();
    }
    Ok(false)
}

fn starts(file: &File) -> io::Result<impl Iterator<Item = u64> + use<>> {
    Ok((0..file.metadata()?.len()).step_by(SEGMENT))
}

/// What is there of these bytes, which may be cut off.
fn read(file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut read = 0;
    while read < length {
        match file.read_at(&mut bytes[read..], at + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

fn head(bytes: &[u8]) -> Option<Head> {
    let (sum, said) = bytes.get(..HEAD)?.split_first_chunk::<4>()?;
    if crc32fast::hash(said) != !u32::from_le_bytes(*sum) {
        return None;
    }
    let mut said = Bytes(said);
    // What is known to be on the disk is less than nothing at first.
    let number = |said: &mut Bytes<'_>| {
        let place = (said.u64()? ^ SIGN).cast_signed();
        Some(u64::try_from(place).unwrap_or_default() / SEGMENT as u64)
    };
    Some(Head { number: number(&mut said)?, stable: number(&mut said)? })
}

/// The highest number that a message of this segment says; older ones are left from its earlier use.
fn newest(bytes: &[u8]) -> Option<u64> {
    let mut walk = Walk::new(bytes, None);
    let mut found = None;
    while walk.next_whole().is_some() {
        found = found.max(walk.said);
    }
    found
}

/// Goes through a segment from message to message.
struct Walk<'a> {
    segment: &'a [u8],
    number: Option<u64>,
    at: usize,
    searched: usize,
    /// Number that the last message said.
    said: Option<u64>,
}

impl<'a> Walk<'a> {
    fn new(segment: &'a [u8], number: Option<u64>) -> Self {
        Self { segment, number, at: HEAD, searched: 0, said: None }
    }

    /// The next whole message, its body, and whether something that is none lies before it.
    fn next_whole(&mut self) -> Option<(Message, &'a [u8], bool)> {
        let mut is_behind_break = false;
        while self.at + MESSAGE_HEAD <= SEGMENT && self.at < self.segment.len() && self.searched < SEARCHED {
            if let Some((message, body, number)) = self.message() {
                self.at = body.0 + body.1.len();
                self.said = Some(number);
                return Some((message, body.1, is_behind_break));
            }
            self.at += 1;
            is_behind_break = true;
        }
        None
    }

    /// Whether it was read to where no more messages fit.
    fn is_full(&self) -> bool {
        self.at + MESSAGE_HEAD > SEGMENT
    }

    #[allow(clippy::type_complexity, reason = "place and bytes of a body, once")]
    fn message(&mut self) -> Option<(Message, (usize, &'a [u8]), u64)> {
        let segment = self.segment;
        let mut bytes = Bytes(segment.get(self.at..)?);
        let sum = bytes.u32()?;
        let told = bytes.0;
        let kind = bytes.byte()?;
        let (kind, is_blob) = match kind {
            1..=3 | 5 => (Kind::Other, false),
            4 => (Kind::Free, false),
            6 | 7 => (Kind::Meta, kind == 7),
            8 | 9 => (Kind::Node, kind == 9),
            10 | 11 => (Kind::Link, kind == 11),
            _ => return None,
        };
        let length = u32::try_from(bytes.number()?).ok()?;
        let number = bytes.number()?;
        if self.number.is_some_and(|known| known != number) {
            return None;
        }
        let page = bytes.number()?;
        let told = &told[..told.len() - bytes.0.len()];
        let body = bytes.take(length as usize)?;
        self.searched += body.len();
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(body);
        hasher.update(told);
        if hasher.finalize() != !sum {
            return None;
        }
        let at = segment.len() - bytes.0.len() - body.len();
        let message = Message { kind, page, at: at as u64, length, is_blob };
        Some((message, (at, body), number))
    }
}
