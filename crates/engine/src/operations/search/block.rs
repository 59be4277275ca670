//! A block: about a thousand entries in a row, made ready to be searched.
//!
//! Of each entry it has a line of fixed length with what filters ask for, and the folded texts. A block's
//! card says what cannot be in it: a set of hashes, the span of time, and a filter of all windows of
//! four bytes in its text. A card never says no to what is there; what it says yes to is looked at.

use protocol::operations::{Operation, OperationFilter, OperationKind, OperationResult};
use serde::{Deserialize, Serialize};

use crate::operations::words::{Words, fold_into};

/// No more entries and no more text go into one block, but for an entry that is longer by itself.
pub(super) const BLOCK_ENTRIES: usize = 1_024;
pub(super) const BLOCK_TEXT_BYTES: usize = 1 << 20;

/// Between two texts of an entry, so that no word is found across them.
const BETWEEN: char = '\u{1}';

const LINE_BYTES: usize = 8 + 8 + 1 + 1 + 4 + 4 + 4 + 8 + 4;

/// What filters ask of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    id: u64,
    started_ms: i64,
    kind: u8,
    result: u8,
    operator: u32,
    host_name: u32,
    host_id: u32,
    groups: u64,
    /// Where its text ends.
    text_end: u32,
}

impl Line {
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LINE_BYTES);
        bytes.extend(self.id.to_le_bytes());
        bytes.extend(self.started_ms.to_le_bytes());
        bytes.extend([self.kind, self.result]);
        bytes.extend(self.operator.to_le_bytes());
        bytes.extend(self.host_name.to_le_bytes());
        bytes.extend(self.host_id.to_le_bytes());
        bytes.extend(self.groups.to_le_bytes());
        bytes.extend(self.text_end.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk()?;
        let (started_ms, rest) = rest.split_first_chunk()?;
        let ([kind, result], rest) = rest.split_first_chunk()?;
        let (operator, rest) = rest.split_first_chunk()?;
        let (host_name, rest) = rest.split_first_chunk()?;
        let (host_id, rest) = rest.split_first_chunk()?;
        let (groups, rest) = rest.split_first_chunk()?;
        let (text_end, _) = rest.split_first_chunk()?;
        Some(Self {
            id: u64::from_le_bytes(*id),
            started_ms: i64::from_le_bytes(*started_ms),
            kind: *kind,
            result: *result,
            operator: u32::from_le_bytes(*operator),
            host_name: u32::from_le_bytes(*host_name),
            host_id: u32::from_le_bytes(*host_id),
            groups: u64::from_le_bytes(*groups),
            text_end: u32::from_le_bytes(*text_end),
        })
    }
}

/// FNV-1a: short, and the same in every version. 0 stands for nothing.
fn hash(text: &str) -> u32 {
    let hash =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash.max(1)
}

fn group_bit(group: &str) -> u64 {
    1 << (hash(group) % 64)
}

fn kind_number(kind: OperationKind) -> u8 {
    OperationKind::ALL.iter().position(|known| *known == kind).map_or(31, |at| at.min(31) as u8)
}

fn result_number(result: OperationResult) -> u8 {
    OperationResult::ALL.iter().position(|known| *known == result).map_or(15, |at| at.min(15) as u8)
}

/// A result that says which entries failed.
fn bad_results() -> u16 {
    OperationResult::ALL
        .into_iter()
        .chain([OperationResult::Unknown])
        .filter(|result| result.is_bad())
        .fold(0, |mask, result| mask | 1 << result_number(result))
}

/// What is asked, ready to be compared with cards and lines.
pub(super) struct Wanted<'f> {
    filter: &'f OperationFilter,
    words: &'f Words,
    kinds: u32,
    results: u16,
    operator: u32,
    host: u32,
    groups: u64,
    /// Hashes of the windows of all words that are long enough to have one.
    windows: Vec<u32>,
}

impl<'f> Wanted<'f> {
    pub(super) fn new(filter: &'f OperationFilter, words: &'f Words) -> Self {
        let any = |of: Option<u32>| of.unwrap_or(u32::MAX);
        let mut results = filter.result.map_or(u16::MAX, |result| 1 << result_number(result));
        if filter.failed {
            results &= bad_results();
        }
        Self {
            filter,
            words,
            kinds: any(filter.kind.map(|kind| 1 << kind_number(kind))),
            results,
            operator: filter.operator.as_deref().map_or(0, hash),
            host: filter.host.as_deref().map_or(0, hash),
            groups: filter.group.as_deref().map_or(0, group_bit),
            windows: words.needles().flat_map(windows).collect(),
        }
    }

    fn may_be_line(&self, line: &Line) -> bool {
        let filter = self.filter;
        self.kinds & (1 << line.kind) != 0
            && self.results & (1 << line.result) != 0
            && (self.operator == 0 || self.operator == line.operator)
            && (self.host == 0 || self.host == line.host_name || self.host == line.host_id)
            && line.groups & self.groups == self.groups
            && filter.since_ms.is_none_or(|since_ms| line.started_ms >= since_ms)
            && filter.until_ms.is_none_or(|until_ms| line.started_ms < until_ms)
    }
}

fn windows(text: &[u8]) -> impl Iterator<Item = u32> {
    text.windows(4).map(|window| u32::from_le_bytes([window[0], window[1], window[2], window[3]]))
}

/// What a block cannot have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::operations) struct Card {
    pub(in crate::operations) first: u64,
    pub(in crate::operations) last: u64,
    from_ms: i64,
    to_ms: i64,
    kinds: u32,
    results: u16,
    /// Hashes of operators, names and ids of hosts.
    names: Vec<u32>,
    groups: u64,
    /// Where the sealed lines and the sealed text lie in the file, and how long they are.
    pub(super) lines_at: (u64, u32),
    pub(super) text_at: (u64, u32),
    /// A power of two of bits.
    #[serde(skip)]
    pub(super) windows: Vec<u8>,
}

/// More names than this are not noted: then any name may be in the block.
const NAMES: usize = 256;
const FILTER_BYTES: std::ops::RangeInclusive<usize> = 1 << 10..=256 << 10;

fn place(window: u32, bits: usize) -> usize {
    ((u64::from(window.wrapping_mul(0x9e37_79b1)) * bits as u64) >> 32) as usize
}

impl Card {
    /// False only if nothing that is wanted is in the block.
    pub(super) fn may_have(&self, wanted: &Wanted<'_>) -> bool {
        let named =
            |hash: u32| hash == 0 || self.names.len() >= NAMES || self.names.binary_search(&hash).is_ok();
        let bits = self.windows.len() * 8;
        wanted.kinds & self.kinds != 0
            && wanted.results & self.results != 0
            && self.groups & wanted.groups == wanted.groups
            && wanted.filter.since_ms.is_none_or(|since_ms| self.to_ms >= since_ms)
            && wanted.filter.until_ms.is_none_or(|until_ms| self.from_ms < until_ms)
            && named(wanted.operator)
            && named(wanted.host)
            && wanted.windows.iter().all(|window| {
                let at = place(*window, bits);
                self.windows.get(at / 8).is_some_and(|byte| byte & 1 << (at % 8) != 0)
            })
    }
}

/// A block before it is sealed.
#[derive(Default)]
pub(super) struct Block {
    pub(super) card: Card,
    pub(super) lines: Vec<u8>,
    pub(super) text: String,
    entries: usize,
}

impl Block {
    pub(super) fn is_full(&self) -> bool {
        self.entries >= BLOCK_ENTRIES || self.text.len() >= BLOCK_TEXT_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Adds an entry; they come in the order of their numbers.
    pub(super) fn add(&mut self, entry: &Operation) {
        for (_, text) in entry.texts() {
            fold_into(text, &mut self.text);
            self.text.push(BETWEEN);
        }
        let host = entry.host.as_ref();
        let line = Line {
            id: entry.id,
            started_ms: entry.started_ms,
            kind: kind_number(entry.kind),
            result: result_number(entry.result),
            operator: hash(&entry.operator),
            host_name: host.map_or(0, |host| hash(&host.name)),
            host_id: host.map_or(0, |host| hash(&host.id)),
            groups: host.map_or(0, |host| host.groups.iter().fold(0, |mask, group| mask | group_bit(group))),
            text_end: u32::try_from(self.text.len()).unwrap_or(u32::MAX),
        };
        let card = &mut self.card;
        if self.entries == 0 {
            (card.first, card.from_ms, card.to_ms) = (line.id, line.started_ms, line.started_ms);
        }
        card.last = line.id;
        card.from_ms = card.from_ms.min(line.started_ms);
        card.to_ms = card.to_ms.max(line.started_ms);
        card.kinds |= 1 << line.kind;
        card.results |= 1 << line.result;
        card.groups |= line.groups;
        for name in [line.operator, line.host_name, line.host_id] {
            if let Err(at) = card.names.binary_search(&name)
                && card.names.len() < NAMES
            {
                card.names.insert(at, name);
            }
        }
        self.lines.extend(line.to_bytes());
        self.entries += 1;
    }

    /// Makes the filter. Its size goes by how many windows the text has that differ, so that a common text
    /// does not fill it: one in about six bits is set.
    pub(super) fn close(&mut self) {
        let mut seen: Vec<u32> = windows(self.text.as_bytes()).collect();
        seen.sort_unstable();
        seen.dedup();
        let bytes =
            (seen.len() * 6 / 8).next_power_of_two().clamp(*FILTER_BYTES.start(), *FILTER_BYTES.end());
        self.card.windows = vec![0; bytes];
        for window in seen {
            let at = place(window, bytes * 8);
            self.card.windows[at / 8] |= 1 << (at % 8);
        }
    }
}

/// Which of these entries may be wanted, newest first. `text` is asked for where words are.
pub(super) fn candidates<E>(
    lines: &[u8],
    wanted: &Wanted<'_>,
    text: impl FnOnce() -> Result<Vec<u8>, E>,
) -> Result<Vec<u64>, E> {
    let lines: Vec<Line> = lines.chunks(LINE_BYTES).filter_map(Line::from_bytes).collect();
    let passing = |line: &Line| wanted.may_be_line(line);
    let Some(longest) = wanted.words.longest() else {
        return Ok(lines.iter().rev().filter(|line| passing(line)).map(|line| line.id).collect());
    };
    if !lines.iter().any(passing) {
        return Ok(Vec::new());
    }
    let text = text()?;
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(hit) = text.get(at..).and_then(|rest| longest.find(rest)) {
        let hit = at + hit;
        let number = lines.partition_point(|line| line.text_end as usize <= hit);
        let Some(line) = lines.get(number) else { break };
        let end = line.text_end as usize;
        let start = number
            .checked_sub(1)
            .and_then(|before| lines.get(before))
            .map_or(0, |line| line.text_end as usize);
        if passing(line) && text.get(start..end).is_some_and(|own| wanted.words.all_in_bytes(own)) {
            found.push(line.id);
        }
        at = end;
    }
    found.reverse();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::{OperationDraft, entry};
    use proptest::prelude::*;
    use protocol::operations::HostThen;

    fn entry(id: u64, target: &str, host: &str, group: &str) -> Operation {
        let host = HostThen {
            id: host.into(),
            name: host.into(),
            groups: vec![group.into()],
            ..HostThen::default()
        };
        let draft = OperationDraft::new(OperationKind::Command, Some(host), target);
        Operation { id, ..entry::begun(draft, "ann".into(), id as i64) }
    }

    proptest! {
        #[test]
        fn a_block_never_hides_what_is_in_it(
            targets in prop::collection::vec("[a-c磁盘 ]{0,12}", 1..20), at in any::<proptest::sample::Index>(),
            word in "[a-c磁盘]{1,6}", host in "[a-c]", group in "[a-c]", since in 0i64..20,
        ) {
            let mut block = Block::default();
            let entries: Vec<Operation> = (1..).zip(&targets).map(|(id, target)| {
                entry(id, target, ["a", "b", "c"][id as usize % 3], ["a", "b", "c"][id as usize % 2])
            }).collect();
            entries.iter().for_each(|entry| block.add(entry));
            block.close();
            // A word that is there, and one that may not be.
            let there = &targets[at.index(targets.len())];
            for text in [word, format!("\"{there}\"")] {
                let filter = OperationFilter {
                    text, host: Some(host.clone()), group: Some(group.clone()), since_ms: Some(since),
                    operator: Some("ann".into()), ..OperationFilter::default()
                };
                let sieve = crate::operations::filter::Sieve::new(&filter);
                let wanted = Wanted::new(&filter, &sieve.words);
                let right: Vec<u64> = entries.iter().rev().filter(|entry| sieve.passes(entry)).map(|entry| entry.id).collect();
                if !block.card.may_have(&wanted) {
                    prop_assert!(right.is_empty());
                    continue;
                }
                let found = candidates(&block.lines, &wanted, || Ok::<_, ()>(block.text.clone().into_bytes())).unwrap();
                for id in &right {
                    prop_assert!(found.contains(id), "{id} is hidden: {found:?}");
                }
                prop_assert!(found.is_sorted_by(|a, b| a > b));
            }
        }
    }

    #[test]
    fn a_card_says_no_to_what_cannot_be_there() {
        let mut block = Block::default();
        block.add(&entry(1, "restart nginx", "web-1", "web"));
        block.close();
        let may = |filter: &OperationFilter| {
            let words = Words::parse(&filter.text);
            block.card.may_have(&Wanted::new(filter, &words))
        };
        let text = |text: &str| OperationFilter { text: text.into(), ..OperationFilter::default() };
        assert!(
            may(&text("NGINX")) && may(&text("ng")) && !may(&text("apache")) && !may(&text("nginx apache"))
        );
        assert!(!may(&OperationFilter { host: Some("db-1".into()), ..OperationFilter::default() }));
        assert!(!may(&OperationFilter { failed: true, ..OperationFilter::default() }));
        assert!(!may(&OperationFilter { since_ms: Some(2), ..OperationFilter::default() }));
    }
}
