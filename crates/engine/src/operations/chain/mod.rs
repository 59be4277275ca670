//! The chain: every change of the log as a record, each sealed over the one before it.
//!
//! A record names what happened to which entry, the digest of the entry's text as it was written, and
//! a seal: a keyed hash over all of it and over the seal before. Entry and record are written in one
//! transaction. The key runs forward: each record has its own, made from the one before and
//! forgotten after use, so that nobody who gets hold of the files can forge what was written earlier.
//! The key that the chain began with is kept in the keyring, and only `verify` needs it.
//!
//! The marks of readers are no part of it. The chain is also the list of what changed, which
//! the search and the forwarding to syslog follow.

mod epoch;
mod head;
mod keeper;
mod seal;
mod verify;

#[cfg(test)]
mod tamper_tests;

use protocol::Fault;
use serde::{Deserialize, Serialize};

use crate::store::{Tree, View, Writer};

pub(super) use epoch::{Sealing, epochs, had, open};
pub(super) use keeper::{ask as ask_kept, keep};
pub(super) use seal::{Digest, Runner, digest, hex as to_hex, parse_hex};
pub(super) use verify::verify;

/// The records by their number, which counts up from 1 without a gap.
pub(super) const CHAIN: Tree<u64, Record> = Tree::new("operations_chain", 1);
const TIP: Tree<String, Tip> = Tree::new("operations_chain_tip", 1);
const KEY: &str = "tip";

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum What {
    Begun = 1,
    Finished = 2,
    Commented = 3,
    /// The entry was there before the chain was.
    Found = 4,
    /// Entries up to the one that is named were taken away by retention.
    Retired = 5,
    /// The chain begins here, with a key of its own.
    Epoch = 6,
}

impl What {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Begun, Self::Finished, Self::Commented, Self::Found, Self::Retired, Self::Epoch]
            .into_iter()
            .find(|what| *what as u8 == byte)
    }

    /// True if the digest is that of an entry.
    pub(super) fn is_entry(self) -> bool {
        !matches!(self, Self::Retired | Self::Epoch)
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Record {
    pub(super) what: What,
    /// The entry.
    pub(super) id: u64,
    pub(super) at_ms: i64,
    pub(super) digest: Digest,
    pub(super) seal: Digest,
}

const RECORD_BYTES: usize = 1 + 8 + 8 + 32 + 32;

impl From<Record> for String {
    fn from(record: Record) -> Self {
        use base64::Engine as _;
        let mut bytes = record.head().to_vec();
        bytes.extend(record.seal.0);
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes)
    }
}

impl TryFrom<String> for Record {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        use base64::Engine as _;
        let bytes =
            base64::engine::general_purpose::STANDARD_NO_PAD.decode(text).map_err(|_| "not a record")?;
        let bytes: [u8; RECORD_BYTES] = bytes.try_into().map_err(|_| "not a record")?;
        let (what, rest) = bytes.split_first().ok_or("not a record")?;
        let (id, rest) = rest.split_first_chunk::<8>().ok_or("not a record")?;
        let (at_ms, rest) = rest.split_first_chunk::<8>().ok_or("not a record")?;
        let (digest, seal) = rest.split_first_chunk::<32>().ok_or("not a record")?;
        Ok(Self {
            what: What::from_byte(*what).ok_or("a record of a kind that is not known")?,
            id: u64::from_be_bytes(*id),
            at_ms: i64::from_be_bytes(*at_ms),
            digest: Digest(*digest),
            seal: Digest(seal.try_into().map_err(|_| "not a record")?),
        })
    }
}

impl Record {
    /// All but the seal, as it is sealed.
    fn head(&self) -> [u8; RECORD_BYTES - 32] {
        let mut bytes = [0; RECORD_BYTES - 32];
        let parts =
            [&[self.what as u8] as &[u8], &self.id.to_be_bytes(), &self.at_ms.to_be_bytes(), &self.digest.0];
        for (place, byte) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *place = *byte;
        }
        bytes
    }
}

/// The end of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tip {
    /// Number of the last record; 0 if there is none.
    pub(super) record: u64,
    pub(super) seal: Digest,
    /// Which key it is sealed with.
    pub(super) epoch: u64,
}

pub(super) fn tip(view: &impl View) -> Result<Tip, Fault> {
    Ok(TIP.get(view, &KEY.to_owned())?.unwrap_or_default())
}

/// Adds records in one write.
pub(super) struct Pen {
    tip: Tip,
    runner: Runner,
    written: bool,
}

impl Pen {
    /// `runner` may be behind the chain, never ahead of it.
    pub(super) fn take(view: &impl View, runner: &Runner) -> Result<Self, Fault> {
        let tip = tip(view)?;
        Ok(Self { runner: runner.at(tip.record), tip, written: false })
    }

    pub(super) fn add(
        &mut self,
        writer: &mut Writer<'_>,
        what: What,
        id: u64,
        at_ms: i64,
        digest: Digest,
    ) -> Result<u64, Fault> {
        let number = self.tip.record + 1;
        let mut record = Record { what, id, at_ms, digest, seal: Digest::default() };
        record.seal = self.runner.seal(number, &self.tip.seal, &record.head());
        CHAIN.put(writer, &number, &record)?;
        self.tip.record = number;
        self.tip.seal = record.seal;
        self.runner.step();
        self.written = true;
        Ok(number)
    }

    pub(super) fn tip(&self) -> Tip {
        self.tip
    }

    /// Must be called in the same write.
    pub(super) fn put_down(&self, writer: &mut Writer<'_>) -> Result<(), Fault> {
        if self.written { TIP.put(writer, &KEY.to_owned(), &self.tip) } else { Ok(()) }
    }
}

/// Takes the records up to this one out of the chain. What is kept of them is in the note of the
/// record `Retired` that the caller adds.
pub(super) fn cut_before(writer: &mut Writer<'_>, from: u64, through: u64) -> Result<(), Fault> {
    (from..=through).try_for_each(|number| CHAIN.remove(writer, &number))
}
