//! Searching a long log: blocks of about a thousand entries, read only where their card does not say no.
//!
//! The index is made from the log and follows the chain, which lists every change. It knows up to which
//! entry it has blocks, and which of those entries changed since; these, and what is newer, are looked at in the
//! log itself. So it may be behind and is never wrong; if it is gone, damaged or of another log, it is made again,
//! and until then the log is read without it.

mod block;
mod file;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::{Bound, ControlFlow, RangeInclusive};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use protocol::Fault;
use protocol::operations::OperationFilter;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use super::book::ledger;
use super::chain::{CHAIN, Digest, What, parse_hex, tip, to_hex};
use super::words::Words;
use super::{lock, log};
use crate::error::internal;
use crate::store::{Order, Reader, Store, Tree, Writer};
use block::{BLOCK_ENTRIES, Block, Card, Wanted, candidates};
use file::Files;

const KEY: Tree<String, KeyRow> = Tree::new("operations_search_key", 1);
const KEY_NAME: &str = "key";

/// The newest entries stay out of the blocks: most changes concern them.
const NEWEST: u64 = 256;
/// So many changed entries of one block, and it is made anew.
const CHANGED: usize = 64;
/// Changes of the log between two looks whether a block is due.
const RECORDS: u64 = 512;

#[derive(Clone, Serialize, Deserialize)]
struct KeyRow {
    name: u64,
    key: String,
}

/// How far the cards before it are right.
#[derive(Serialize, Deserialize)]
struct Note {
    /// Every change up to this record of the chain is known.
    seen: u64,
    seal: Digest,
    /// Entries up to this one are in blocks.
    covered: u64,
    changed: BTreeSet<u64>,
}

/// The index of one log.
pub(super) struct Index {
    dir: PathBuf,
    state: Mutex<Option<State>>,
    tended: AtomicU64,
    is_tending: AtomicBool,
}

struct State {
    files: Arc<Mutex<Files>>,
    /// By their first entry.
    cards: BTreeMap<u64, Arc<Card>>,
    covered: u64,
    seen: u64,
    changed: BTreeSet<u64>,
    retired: u64,
}

/// What a search sees.
pub(super) struct View {
    files: Arc<Mutex<Files>>,
    /// Newest first.
    pub(super) cards: Vec<Arc<Card>>,
    pub(super) covered: u64,
    changed: BTreeSet<u64>,
}

impl Index {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, state: Mutex::default(), tended: AtomicU64::new(0), is_tending: AtomicBool::new(false) }
    }

    /// True once for every so many changes, and not while the index is being tended. Who is told so tends it.
    pub(super) fn is_due(&self, record: u64) -> bool {
        record >= self.tended.load(Ordering::Relaxed) + RECORDS
            && !self.is_tending.swap(true, Ordering::AcqRel)
    }

    /// Ends what `is_due` began.
    pub(super) fn is_tended(&self, record: u64) {
        self.tended.store(record, Ordering::Relaxed);
        self.is_tending.store(false, Ordering::Release);
    }

    /// What can be searched by blocks now; `None` if there is nothing, and the log must be read.
    pub(super) fn view(&self, reader: &Reader<'_>) -> Result<Option<View>, Fault> {
        let mut held = lock(&self.state);
        if held.is_none() {
            *held = self.load(reader)?;
        }
        let Some(state) = held.as_mut() else { return Ok(None) };
        state.catch_up(reader)?;
        Ok(Some(View {
            files: state.files.clone(),
            cards: state.cards.values().rev().cloned().collect(),
            covered: state.covered,
            changed: state.changed.clone(),
        }))
    }

    /// The key of the files; a new one is made for a new index.
    pub(super) fn new_key(writer: &mut Writer<'_>) -> Result<(), Fault> {
        let (mut name, mut key) = ([0; 8], [0; 32]);
        let random = SystemRandom::new();
        random
            .fill(&mut name)
            .and_then(|()| random.fill(&mut key))
            .map_err(|why| internal("the search", why))?;
        let row = KeyRow { name: u64::from_be_bytes(name), key: to_hex(&key) };
        KEY.put(writer, &KEY_NAME.to_owned(), &row)
    }

    fn key(reader: &Reader<'_>) -> Result<Option<(u64, [u8; 32])>, Fault> {
        let row = KEY.get(reader, &KEY_NAME.to_owned())?;
        Ok(row.and_then(|row| Some((row.name, parse_hex(&row.key)?))))
    }

    /// The index as it was left, if it is one of this log.
    fn load(&self, reader: &Reader<'_>) -> Result<Option<State>, Fault> {
        let Some((name, key)) = Self::key(reader)? else { return Ok(None) };
        let Some((files, pieces)) = Files::open(&self.dir, name, &key) else { return Ok(None) };
        let mut cards = BTreeMap::new();
        let mut right = None;
        let mut pending: Vec<Card> = Vec::new();
        for piece in pieces {
            match parse_piece(&piece) {
                Some(Piece::Card(card)) => pending.push(card),
                Some(Piece::Note(note)) => {
                    cards.extend(pending.drain(..).map(|card| (card.first, Arc::new(card))));
                    right = Some(note);
                }
                None => break,
            }
        }
        let Some(note) = right else { return Ok(None) };
        let there = CHAIN.get(reader, &note.seen)?;
        if there.is_none_or(|record| record.seal != note.seal) {
            return Ok(None);
        }
        let Note { seen, covered, changed, .. } = note;
        Ok(Some(State { files: Arc::new(Mutex::new(files)), cards, covered, seen, changed, retired: 0 }))
    }

    /// Makes a block if one is due, or the whole index anew if it must be; true if there may be more to do.
    pub(super) fn tend(&self, reader: &Reader<'_>) -> Result<Tended, Fault> {
        let mut held = lock(&self.state);
        if held.is_none() {
            *held = self.load(reader)?;
        }
        let newest = ledger(reader)?.newest;
        if held.is_none() {
            if newest < BLOCK_ENTRIES as u64 + NEWEST {
                return Ok(Tended::Done);
            }
            let Some((name, key)) = Self::key(reader)? else { return Ok(Tended::NeedsKey) };
            let files = Files::create(&self.dir, name, &key).map_err(|why| unwritten(&why))?;
            let retired = ledger(reader)?.retired;
            *held = Some(State {
                files: Arc::new(Mutex::new(files)),
                cards: BTreeMap::new(),
                covered: retired,
                seen: tip(reader)?.record,
                changed: BTreeSet::new(),
                retired,
            });
        }
        let Some(state) = held.as_mut() else { return Ok(Tended::Done) };
        state.catch_up(reader)?;
        if state.is_wasteful() {
            *held = None;
            return Ok(Tended::NeedsKey);
        }
        let stale =
            state.cards.values().find(|card| state.changed.range(range(card)).count() >= CHANGED).cloned();
        if let Some(card) = stale {
            state.make(reader, range(&card), card.first)?;
            return Ok(Tended::More);
        }
        if newest < state.covered + BLOCK_ENTRIES as u64 + NEWEST {
            return Ok(Tended::Done);
        }
        let from = state.covered + 1;
        state.make(reader, from..=newest - NEWEST, from)?;
        Ok(Tended::More)
    }
}

/// What is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tended {
    Done,
    More,
    /// A new key must be put into the store first.
    NeedsKey,
}

/// Brings the index one step nearer to the log; true if there may be more to do.
pub(super) async fn step(store: &Store, index: &Arc<Index>) -> Result<bool, Fault> {
    let own = index.clone();
    match store.read(move |reader| own.tend(reader)).await? {
        Tended::Done => Ok(false),
        Tended::More => Ok(true),
        Tended::NeedsKey => store.write(Index::new_key).await.map(|()| true),
    }
}

fn range(card: &Card) -> RangeInclusive<u64> {
    card.first..=card.last
}

fn unwritten(why: &io::Error) -> Fault {
    internal("the search", format!("its files cannot be written: {why}"))
}

impl State {
    /// Learns from the chain which entries changed.
    fn catch_up(&mut self, reader: &Reader<'_>) -> Result<(), Fault> {
        let (covered, changed, seen) = (self.covered, &mut self.changed, &mut self.seen);
        CHAIN.scan(
            reader,
            (Bound::Excluded(*seen), Bound::Unbounded),
            Order::LowestFirst,
            |number, record| {
                if record.what.is_entry() && record.what != What::Begun && record.id <= covered {
                    changed.insert(record.id);
                }
                *seen = number;
                Ok(ControlFlow::Continue(()))
            },
        )?;
        let retired = ledger(reader)?.retired;
        if retired > self.retired {
            self.retired = retired;
            self.cards.retain(|_, card| card.last > retired);
            self.changed = self.changed.split_off(&(retired + 1));
        }
        Ok(())
    }

    fn is_wasteful(&self) -> bool {
        let live: u64 =
            self.cards.values().map(|card| u64::from(card.lines_at.1) + u64::from(card.text_at.1)).sum();
        lock(&self.files).bytes() > 2 * live + (32 << 20)
    }

    /// Makes one block of the entries of a range, in place of the one that begins with `first`. All changes
    /// so far are known: what changes from now on is seen by the next look at the chain.
    fn make(&mut self, reader: &Reader<'_>, of: RangeInclusive<u64>, first: u64) -> Result<(), Fault> {
        let mut block = Block::default();
        log::ENTRIES.scan(reader, of.clone(), Order::LowestFirst, |id, text| {
            block.add(&log::parse(id, &text));
            let is_new = *of.start() > self.covered;
            Ok(if is_new && block.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if block.is_empty() {
            self.cards.remove(&first);
            self.covered = self.covered.max(*of.end());
            return self.note(reader);
        }
        block.close();
        let Block { mut card, lines, text, .. } = block;
        // Entries that were retired meanwhile leave a gap at the beginning.
        card.first = first;
        if *of.start() <= self.covered {
            card.last = *of.end();
        }
        let mut files = lock(&self.files);
        let written = (|| -> io::Result<()> {
            card.lines_at = files.add_block(lines)?;
            card.text_at = files.add_block(text.into_bytes())?;
            files.add_card(card_piece(&card)?)
        })();
        drop(files);
        written.map_err(|why| unwritten(&why))?;
        let made: Vec<u64> = self.changed.range(range(&card)).copied().collect();
        for id in made {
            self.changed.remove(&id);
        }
        self.covered = self.covered.max(card.last);
        self.cards.insert(card.first, Arc::new(card));
        self.note(reader)
    }

    /// Writes down how far the cards are right.
    fn note(&mut self, reader: &Reader<'_>) -> Result<(), Fault> {
        let Some(record) = CHAIN.get(reader, &self.seen)? else { return Ok(()) };
        let note =
            Note { seen: self.seen, seal: record.seal, covered: self.covered, changed: self.changed.clone() };
        let mut piece = vec![NOTE];
        serde_json::to_writer(&mut piece, &note).map_err(|why| internal("the search", why))?;
        lock(&self.files).add_card(piece).map_err(|why| unwritten(&why))
    }
}

const CARD: u8 = 1;
const NOTE: u8 = 2;

enum Piece {
    Card(Card),
    Note(Note),
}

fn card_piece(card: &Card) -> io::Result<Vec<u8>> {
    let head = serde_json::to_vec(card)?;
    let mut piece = vec![CARD];
    piece.extend((head.len() as u32).to_be_bytes());
    piece.extend(head);
    piece.extend(&card.windows);
    Ok(piece)
}

fn parse_piece(piece: &[u8]) -> Option<Piece> {
    match piece.split_first()? {
        (&NOTE, rest) => serde_json::from_slice(rest).ok().map(Piece::Note),
        (&CARD, rest) => {
            let (len, rest) = rest.split_first_chunk::<4>()?;
            let (head, windows) = rest.split_at_checked(u32::from_be_bytes(*len) as usize)?;
            let mut card: Card = serde_json::from_slice(head).ok()?;
            card.windows = windows.to_vec();
            Some(Piece::Card(card))
        }
        _ => None,
    }
}

impl View {
    /// The entries of a block that may be what is asked for, newest first. Those that changed since are
    /// among them whatever they were.
    pub(super) fn candidates(
        &self,
        card: &Card,
        filter: &OperationFilter,
        words: &Words,
    ) -> Result<Vec<u64>, Fault> {
        let wanted = Wanted::new(filter, words);
        let changed: Vec<u64> = self.changed.range(range(card)).rev().copied().collect();
        if !card.may_have(&wanted) {
            return Ok(changed);
        }
        let read = |at| {
            lock(&self.files)
                .read_block(at)
                .map_err(|why| internal("the search", format!("a block cannot be read: {why}")))
        };
        let mut found = candidates(&read(card.lines_at)?, &wanted, || read(card.text_at))?;
        if !changed.is_empty() {
            found.extend(changed);
            found.sort_unstable_by(|a, b| b.cmp(a));
            found.dedup();
        }
        Ok(found)
    }
}

impl Index {
    /// Gives up what cannot be read, so that it is made again.
    pub(super) fn discard(&self) {
        *lock(&self.state) = None;
        let _ = std::fs::remove_dir_all(file::folder(&self.dir));
        self.tended.store(0, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(super) fn covered(&self) -> u64 {
        lock(&self.state).as_ref().map_or(0, |state| state.covered)
    }
}
