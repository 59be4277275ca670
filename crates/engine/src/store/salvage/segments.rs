//! The log that sled keeps in `db`: segments of one size, each a head and then messages, every
//! message under a sum of its own. sled reads them in order and stops for good where one is broken;
//! what lies behind it is looked for here, byte by byte. One bit that is turned over is found by what it
//! changes of the sum, and turned back.

use std::borrow::Cow;
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
    /// A bit of the body that is turned over in the file: its byte in the body, and the bit.
    turned: Option<(usize, u8)>,
}

/// What lies before a message that could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Whole,
    /// One message, of this kind and about this page.
    Broken(Kind, u64),
    /// Nobody knows what.
    Gap,
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
            let number = match head(&bytes).or_else(|| mended_head(&bytes)) {
                Some(head) => Some(head.number),
                // Its messages say which one it is, each for itself.
                None => newest(&read(&file, at, SEGMENT)?),
            };
            order.extend(number.map(|number| (number, at)));
        }
        order.sort_unstable();
        Ok(Self { file, order })
    }

    /// Gives every message that can be read, in the order in which they were written, with its body and what
    /// lies before it.
    pub(super) fn messages(&self, give: &mut dyn FnMut(Message, &[u8], Before)) -> io::Result<()> {
        for (number, at) in &self.order {
            let bytes = read(&self.file, *at, SEGMENT)?;
            let mut walk = Walk::new(&bytes, Some(*number));
            while let Some(Found { message, body, before, .. }) = walk.next_found() {
                give(Message { at: at + message.at, ..message }, &body, before);
            }
        }
        Ok(())
    }

    pub(super) fn body(&self, message: &Message) -> io::Result<Vec<u8>> {
        let mut body = read(&self.file, message.at, message.length as usize)?;
        message.mend(&mut body);
        Ok(body)
    }
}

impl Message {
    fn mend(&self, body: &mut [u8]) {
        if let Some((at, bit)) = self.turned
            && let Some(byte) = body.get_mut(at)
        {
            *byte ^= bit;
        }
    }
}

/// Whether messages lie behind a broken one where sled would cut the log off: in the segments that it does not
/// know to be on the disk.
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
        while let Some(found) = walk.next_found() {
            if is_broken || found.is_mended || found.before != Before::Whole {
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

/// The head with the one bit turned back that makes it fit its sum.
fn mended_head(bytes: &[u8]) -> Option<Head> {
    let mut bytes = bytes.get(..HEAD)?.to_vec();
    each_bit(&mut bytes, HEAD, head)
}

/// Turns over one bit after the other of the first bytes, until something comes of it.
fn each_bit<T>(bytes: &mut [u8], length: usize, found: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    for at in 0..length.min(bytes.len()) {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            let done = found(bytes);
            bytes[at] ^= 1 << bit;
            if done.is_some() {
                return done;
            }
        }
    }
    None
}

/// The highest number that a message of this segment says; older ones are left from its earlier use.
fn newest(bytes: &[u8]) -> Option<u64> {
    let mut walk = Walk::new(bytes, None);
    let mut newest = None;
    while let Some(found) = walk.next_found() {
        newest = newest.max(Some(found.number));
    }
    newest
}

struct Found<'a> {
    message: Message,
    body: Cow<'a, [u8]>,
    /// Of the segment, as the message says it.
    number: u64,
    before: Before,
    /// One bit of it was turned over and is turned back here.
    is_mended: bool,
}

/// Goes through a segment from message to message.
struct Walk<'a> {
    segment: &'a [u8],
    number: Option<u64>,
    at: usize,
    searched: usize,
}

impl<'a> Walk<'a> {
    fn new(segment: &'a [u8], number: Option<u64>) -> Self {
        Self { segment, number, at: HEAD, searched: 0 }
    }

    fn next_found(&mut self) -> Option<Found<'a>> {
        let segment = self.segment;
        let mut broken = None;
        while self.at + MESSAGE_HEAD <= SEGMENT && self.at < segment.len() && self.searched < SEARCHED {
            let read = parse(&segment[self.at..])
                .filter(|told| self.number.is_none_or(|number| told.number == number));
            let length = read.as_ref().map_or(0, |told| told.body.len());
            self.searched += length;
            if let Some(told) = read.filter(Told::is_whole) {
                let before = match broken {
                    None => Before::Whole,
                    Some((kind, page, end)) if end == self.at => Before::Broken(kind, page),
                    Some(_) => Before::Gap,
                };
                return Some(self.found(&told, before));
            }
            // Only where a message must begin: elsewhere a sum could come to fit by chance.
            if broken.is_none() {
                if let Some(found) = self.mended() {
                    return Some(found);
                }
                broken = Some(self.guess().unwrap_or((Kind::Other, 0, usize::MAX)));
            }
            self.at += 1;
        }
        None
    }

    fn found(&mut self, told: &Told<'a>, before: Before) -> Found<'a> {
        let at = self.at + told.head + 4;
        self.at = at + told.body.len();
        let message = told.message(at as u64);
        Found { message, body: Cow::Borrowed(told.body), number: told.number, before, is_mended: false }
    }

    /// What the head of a broken message says, and where it would end.
    fn guess(&self) -> Option<(Kind, u64, usize)> {
        let told = parse(&self.segment[self.at..]).filter(|told| Some(told.number) == self.number)?;
        Some((told.kind, told.page, self.at + 4 + told.head + told.body.len()))
    }

    /// The message that begins here, if one bit of it is turned over.
    fn mended(&mut self) -> Option<Found<'a>> {
        let number = self.number?;
        let fits = |told: &Told<'_>| told.number == number;
        if let Some(told) = parse(&self.segment[self.at..]).filter(fits)
            && let Some((byte, bit)) = turned(told.sum() ^ told.said, told.body.len() + told.head)
            && byte < told.body.len()
        {
            let found = self.found(&told, Before::Whole);
            let message = Message { turned: Some((byte, bit)), ..found.message };
            let mut body = found.body.into_owned();
            message.mend(&mut body);
            return Some(Found { message, body: body.into(), is_mended: true, ..found });
        }
        let mut copy = self.segment[self.at..].to_vec();
        let (message, length) = each_bit(&mut copy, MESSAGE_HEAD, |bytes| {
            let told = parse(bytes).filter(fits).filter(Told::is_whole)?;
            let at = self.at + 4 + told.head;
            Some((told.message(at as u64), told.body.len()))
        })?;
        let at = usize::try_from(message.at).ok()?;
        self.at = at + length;
        let body = Cow::Borrowed(self.segment.get(at..self.at)?);
        Some(Found { message, body, number, before: Before::Whole, is_mended: true })
    }

    /// Whether it was read to where no more messages fit.
    fn is_full(&self) -> bool {
        self.at + MESSAGE_HEAD > SEGMENT
    }
}

/// What the bytes of a message say, whole or not.
struct Told<'a> {
    /// The sum that it must have.
    said: u32,
    /// Length of the head behind the sum, which is part of what is summed.
    head: usize,
    told: &'a [u8],
    kind: Kind,
    is_blob: bool,
    number: u64,
    page: u64,
    body: &'a [u8],
}

impl Told<'_> {
    fn sum(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(self.body);
        hasher.update(self.told);
        hasher.finalize()
    }

    fn is_whole(&self) -> bool {
        self.sum() == self.said
    }

    fn message(&self, at: u64) -> Message {
        let Self { kind, is_blob, page, body, .. } = *self;
        Message { kind, page, at, length: body.len() as u32, is_blob, turned: None }
    }
}

fn parse(bytes: &[u8]) -> Option<Told<'_>> {
    let mut bytes = Bytes(bytes);
    let said = !bytes.u32()?;
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
    let page = bytes.number()?;
    let head = told.len() - bytes.0.len();
    let body = bytes.take(length as usize)?;
    Some(Told { said, head, told: &told[..head], kind, is_blob, number, page, body })
}

/// The one bit, of so many bytes, whose turning changes their sum by this: its byte and its place in that.
fn turned(change: u32, length: usize) -> Option<(usize, u8)> {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    if change == 0 {
        return None;
    }
    // What the last bit changes, then the one before it, and so on.
    let mut changed = POLYNOMIAL;
    for byte in (0..length).rev() {
        for bit in (0..8).rev() {
            if changed == change {
                return Some((byte, 1 << bit));
            }
            changed = (changed >> 1) ^ if changed & 1 == 1 { POLYNOMIAL } else { 0 };
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_bit_that_was_turned_is_found(
            bytes in prop::collection::vec(any::<u8>(), 1..2_000), at in any::<prop::sample::Index>(), bit in 0..8u8,
        ) {
            let at = at.index(bytes.len());
            let mut bent = bytes.clone();
            bent[at] ^= 1u8 << bit;
            let change = crc32fast::hash(&bytes) ^ crc32fast::hash(&bent);
            prop_assert_eq!(turned(change, bytes.len()), Some((at, 1u8 << bit)));
        }

        #[test]
        fn bytes_that_are_no_message_are_passed_over(bytes in prop::collection::vec(any::<u8>(), 0..4_000)) {
            for number in [None, Some(0)] {
                let mut walk = Walk::new(&bytes, number);
                while walk.next_found().is_some() {}
            }
        }
    }
}
