//! Following the chain from its beginning, and naming what does not fit.
//!
//! It reads the texts as they are stored, byte by byte, so that a later version that writes an entry
//! otherwise still finds an old one unchanged.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use protocol::Fault;
use protocol::operations::{ChainHead, ChainKey, LogBreak, LogBreakKind, LogCheck, LogRestore};

use super::epoch::{EPOCHS, Why};
use super::head::Head;
use super::keeper::KeptApart;
use super::seal::{Digest, Runner, digest};
use super::{CHAIN, Record, What, tip};
use crate::error::internal;
use crate::operations::log;
use crate::operations::retention::RETIRED;
use crate::store::{Order, Reader};

/// More are counted and not listed.
const LISTED: usize = 100;

/// The first half of a digest: enough to tell two texts apart, and half the memory.
type Half = [u8; 16];

fn half(digest: &Digest) -> Half {
    let mut half = Half::default();
    half.copy_from_slice(&digest.0[..16]);
    half
}

struct Walk<'a> {
    kept: &'a BTreeMap<u64, KeptApart>,
    breaks: Vec<(u64, LogBreak)>,
    /// The seal before the next record; `None` after a gap.
    before: Option<Digest>,
    expected: u64,
    /// `None` where the key is lost.
    runner: Option<Runner>,
    /// Where the keys of what was followed are: the weakest place.
    key: Option<ChainKey>,
    /// What is noted apart from the store, by the number of the record: the epoch and the seal.
    noted: BTreeMap<u64, Vec<(u64, Digest)>>,
    restored: Vec<LogRestore>,
    records: u64,
    /// Entries up to this one were retired.
    through: u64,
    retired: u64,
    /// What the last record about each entry says of it, and its number, from `through + 1` on.
    texts: BTreeMap<u64, Said>,
}

/// What the last record about an entry says of it.
struct Said {
    number: u64,
    text: Half,
    /// It has an end, which is written once.
    is_finished: bool,
}

/// Checks the whole log.
pub(in crate::operations) fn verify(
    reader: &Reader<'_>,
    dir: &Path,
    kept: &BTreeMap<u64, KeptApart>,
) -> Result<LogCheck, Fault> {
    // The last retirement says where the chain begins now.
    let mut cut = None;
    RETIRED.scan(reader, .., Order::HighestFirst, |number, note| {
        cut = Some((number, note));
        Ok(ControlFlow::Break(()))
    })?;
    let anchor = cut.as_ref().map(|(_, note)| (note.cut_record, note.cut_seal));
    let (cut_record, cut_seal) = anchor.unwrap_or_default();
    let mut walk = Walk {
        kept,
        breaks: Vec::new(),
        before: Some(cut_seal),
        expected: cut_record + 1,
        runner: None,
        key: None,
        noted: BTreeMap::new(),
        restored: Vec::new(),
        records: 0,
        through: 0,
        retired: 0,
        texts: BTreeMap::new(),
    };
    // The epoch that was running where the chain was cut.
    let mut running = None;
    EPOCHS.scan(reader, ..=cut_record, Order::HighestFirst, |number, epoch| {
        running = Some((number, epoch));
        Ok(ControlFlow::Break(()))
    })?;
    if let Some((number, epoch)) = running {
        walk.begin(number, epoch.id);
    }
    let apart = kept.iter().filter_map(|(epoch, kept)| Some((*epoch, kept.noted?)));
    let file = Head::read(dir).map(|file| (file.epoch, (file.runner.record, file.seal)));
    for (epoch, (record, seal)) in apart.chain(file) {
        walk.noted.entry(record).or_default().push((epoch, seal));
    }
    CHAIN.scan(reader, .., Order::LowestFirst, |number, record| {
        walk.step(reader, number, &record)?;
        let noted = walk.noted.get(&number);
        if noted.is_some_and(|noted| noted.iter().any(|(_, seal)| *seal != record.seal)) {
            walk.note(number, LogBreakKind::RolledBack, None, Some(number));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let last = walk.expected - 1;
    let tip = tip(reader)?;
    if tip.record > last {
        walk.note(last + 1, LogBreakKind::RecordMissing, None, Some(last + 1));
    }
    if let Some((&had, _)) = walk.noted.last_key_value().filter(|(had, _)| **had > last) {
        walk.note(last + 1, LogBreakKind::RolledBack, None, Some(had));
    }
    let entries = walk.compare(reader)?;
    let known = |is_apart| {
        let kept = kept.values().filter(move |kept| kept.is_apart == Some(is_apart));
        kept.filter_map(|kept| kept.noted).map(|(record, _)| record).max()
    };
    let head = match (known(true), known(false)) {
        (Some(record), _) => ChainHead::Keyring { record },
        (None, Some(record)) => ChainHead::Vault { record },
        (None, None) => ChainHead::File,
    };
    let mut breaks = walk.breaks;
    breaks.sort_by_key(|(at, found)| (*at, found.operation, found.record));
    let breaks: Vec<LogBreak> = breaks.into_iter().map(|(_, found)| found).collect();
    Ok(LogCheck {
        entries,
        records: walk.records,
        breaks_in_all: breaks.len() as u64,
        breaks: breaks.into_iter().take(LISTED).collect(),
        retired: walk.retired,
        restored: walk.restored,
        key: walk.key.unwrap_or_default(),
        head,
    })
}

impl Walk<'_> {
    fn note(&mut self, at: u64, kind: LogBreakKind, operation: Option<u64>, record: Option<u64>) {
        self.breaks.push((at, LogBreak { kind, operation, record }));
    }

    /// The records after this one are sealed with the key of this epoch.
    fn begin(&mut self, number: u64, epoch: u64) {
        let kept = self.kept.get(&epoch);
        let start = kept.and_then(|kept| kept.start);
        let key = match (start, kept.and_then(|kept| kept.is_apart)) {
            (None, _) => ChainKey::Lost,
            (Some(_), Some(true)) => ChainKey::Keyring,
            (Some(_), Some(false)) => ChainKey::Vault,
            (Some(_), None) => ChainKey::File,
        };
        let weakness = |key: &ChainKey| match key {
            ChainKey::Keyring => 0,
            ChainKey::Vault => 1,
            ChainKey::File => 2,
            ChainKey::Lost => 3,
        };
        self.key = self.key.into_iter().chain([key]).max_by_key(weakness);
        // The record of the epoch itself is the first that its key seals.
        self.runner = start.map(|key| Runner::new(number - 1, key));
    }

    fn step(&mut self, reader: &Reader<'_>, number: u64, record: &Record) -> Result<(), Fault> {
        self.records += 1;
        if number != self.expected {
            self.note(self.expected, LogBreakKind::RecordMissing, None, Some(self.expected));
            self.before = None;
        }
        self.expected = number + 1;
        let about = record.what.is_entry().then_some(record.id);
        let epoch = if record.what == What::Epoch { EPOCHS.get(reader, &number)? } else { None };
        if let Some(epoch) = &epoch {
            self.begin(number, epoch.id);
        }
        if let Some(runner) = &mut self.runner
            && number > runner.record
        {
            *runner = runner.at(number - 1);
            let fits =
                self.before.is_none_or(|before| runner.seal(number, &before, &record.head()) == record.seal);
            runner.step();
            if !fits {
                self.note(number, LogBreakKind::RecordChanged, about, Some(number));
            }
        }
        self.before = Some(record.seal);
        match record.what {
            What::Epoch => {
                let text = epoch.as_ref().map(serde_json::to_vec).transpose();
                let text = text.map_err(|why| internal("the chain of the log", why))?;
                if text.is_none_or(|text| digest(&text) != record.digest) {
                    self.note(number, LogBreakKind::RecordChanged, None, Some(number));
                }
                match epoch.as_ref().map(|epoch| &epoch.why) {
                    Some(Why::RolledBack { had }) => {
                        self.note(number, LogBreakKind::RolledBack, None, Some(*had));
                    }
                    Some(Why::Behind { .. }) => {
                        self.note(number, LogBreakKind::RolledBack, None, Some(number));
                    }
                    Some(Why::Restored { had }) => {
                        let (at_ms, had) = (record.at_ms, *had);
                        self.restored.push(LogRestore { at_ms, record: number, had });
                        // What was noted of the chain that was there is not looked for in this one.
                        let own = epoch.map(|epoch| epoch.id);
                        for (_, noted) in self.noted.range_mut(number..=had.max(number)) {
                            noted.retain(|(epoch, _)| Some(*epoch) == own);
                        }
                        self.noted.retain(|_, noted| !noted.is_empty());
                    }
                    Some(Why::KeyGone) => self.note(number, LogBreakKind::KeyReplaced, None, Some(number)),
                    Some(Why::First) | None => {}
                }
            }
            What::Retired => match RETIRED.get(reader, &number)? {
                Some(note) if note.digest()? == record.digest && note.through == record.id => {
                    self.through = note.through;
                    self.retired = note.in_all;
                    self.texts = self.texts.split_off(&(note.through + 1));
                }
                _ => self.note(number, LogBreakKind::RecordChanged, None, Some(number)),
            },
            What::Begun | What::Finished | What::Commented | What::Found => {
                if record.id > self.through {
                    let before = self.texts.get(&record.id).is_some_and(|said| said.is_finished);
                    let is_end = record.what == What::Finished;
                    if before && is_end {
                        // The end that it had is gone, and another was written in its place.
                        self.note(number, LogBreakKind::EntryChanged, Some(record.id), None);
                    }
                    let said = Said { number, text: half(&record.digest), is_finished: before || is_end };
                    self.texts.insert(record.id, said);
                }
            }
        }
        Ok(())
    }

    /// Compares every entry with what its last record says, and tells how many there are.
    fn compare(&mut self, reader: &Reader<'_>) -> Result<u64, Fault> {
        let mut entries = 0;
        let mut texts = std::mem::take(&mut self.texts);
        log::ENTRIES.scan(reader, .., Order::LowestFirst, |id, text| {
            entries += 1;
            match texts.remove(&id) {
                Some(said) => {
                    if half(&digest(&text.0)) != said.text {
                        self.note(said.number, LogBreakKind::EntryChanged, Some(id), None);
                    }
                }
                None => self.note(self.expected, LogBreakKind::EntryAdded, Some(id), None),
            }
            Ok(ControlFlow::Continue(()))
        })?;
        for (id, said) in texts {
            self.note(said.number, LogBreakKind::EntryMissing, Some(id), None);
        }
        Ok(entries)
    }
}
