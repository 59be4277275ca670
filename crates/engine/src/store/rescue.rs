//! A damaged store: what of it can still be read, completed from the newest backup, becomes a store
//! of its own. What that cost is counted, and the damaged files are kept.
//!
//! Files are tried as they were found, then without those that only repeat the log, then cut to
//! whole segments. Where a stretch of rows cannot be read, those before and behind it still can.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::ops::Bound;
use std::path::Path;

use protocol::Fault;
use protocol::store::StoreNotice;

use super::backup::Backup;
use super::open::{self, Start};
use super::rebuild::{Builder, remove};
use super::seal::Sealer;
use super::swap::{Old, swap};
use super::value::{Gather, RawValue};
use super::witness::Testimony;
use super::{SCHEMA, SLEDS_OWN, STATE_TREE, State, backups, damaged, fault, guard, keys};

const SEGMENT_BYTES: u64 = 512 << 10;
/// Places between two stretches that are looked at in a tree, at most.
const PROBES: u32 = 512;

/// Puts what can be recovered in the place of the store. `StoreDamaged` if that is nothing; all
/// files are then as they were.
pub(super) fn rescue(start: &Start<'_>, opened: Option<sled::Db>, why: &str) -> Result<StoreNotice, Fault> {
    let places = start.places;
    let kept = damaged::keep_copy(places, &start.found)?;
    let scratch = places.base.join("store.rescue");
    let rescued = build(start, opened, &scratch, &kept, why);
    let unwritable = |why: io::Error| fault::unwritable(&places.dir, &why);
    remove(&scratch).map_err(unwritable)?;
    let (testimony, notice) = match rescued {
        Ok(rescued) => rescued,
        Err(fault) => {
            remove(&places.new).map_err(unwritable)?;
            return Err(fault);
        }
    };
    swap(places, Old::Dropped, &testimony).map_err(unwritable)?;
    match fs::remove_file(&places.copied) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(unwritable(why)),
        _ => Ok(notice),
    }
}

/// Makes the recovered store in `store.new`.
fn build(
    start: &Start<'_>,
    opened: Option<sled::Db>,
    scratch: &Path,
    kept: &Path,
    why: &str,
) -> Result<(Testimony, StoreNotice), Fault> {
    let places = start.places;
    let dir = &places.dir;
    let mut builder = Builder::begin(dir, &places.new)?;
    let mut sources = opened.map(|db| vec![db]).unwrap_or_default().into_iter();
    let mut ways = [Way::AsFound, Way::WithoutDerived, Way::WholeSegments].into_iter();
    let mut state = State::default();
    let mut sealer = Sealer::default();
    loop {
        let db = match sources.next() {
            Some(db) => db,
            None => {
                let Some(way) = ways.next() else { break };
                prepare(kept, scratch, way).map_err(|why| fault::unwritable(dir, &why))?;
                match open::try_sled(scratch) {
                    Ok(db) => db,
                    Err(open::Refusal::Disk(why)) => return Err(fault::unwritable(dir, &why)),
                    Err(open::Refusal::Damaged(_)) => continue,
                }
            }
        };
        let said = guard::quietly(|| State::read(&db)).ok().and_then(Result::ok).unwrap_or_default();
        if said.schema.is_some_and(|schema| schema > u64::from(SCHEMA)) {
            return Err(fault::newer(dir, said.schema.unwrap_or_default()));
        }
        let key_id = said.sealed_by.clone().or_else(|| start.witnessed.key_id.clone());
        sealer = Sealer::new(key_id.map(|id| keys::find(start.place, dir, &id)).transpose()?);
        let mut failed = None;
        salvage(&db, &mut |raw| {
            if failed.is_none() && raw.is_whole(&sealer) {
                failed = builder.put(&raw).err();
            }
        });
        drop_quietly(db);
        if let Some(fault) = failed {
            return Err(fault);
        }
        if state.schema.is_none() {
            state = said;
        }
        if builder.values() > 0 {
            break;
        }
    }
    let from_store = builder.values();
    // What the store says of itself may be from before its newest writes.
    let said = state.tally.filter(|_| state.writes >= start.witnessed.writes).map(|tally| tally.values);
    let total = said.or(start.witnessed.values);
    let whole = total.is_some_and(|total| from_store >= total);
    let schema = state.schema.or(Some(u64::from(start.witnessed.schema)).filter(|schema| *schema > 0));
    let mut backup_ms = None;
    let mut backup_state = None;
    if !whole && let Some(mut backup) = newest_that_fits(start, schema, from_store, &sealer) {
        builder.hand_over()?;
        backup.values(|raw| if builder.has(&raw)? { Ok(()) } else { builder.put(&raw) })?;
        backup_ms = Some(backup.made.header.made_ms);
        backup_state = Some((backup.made.header.schema, backup.made.header.key_id.clone()));
    }
    let recovered = builder.values();
    if recovered == 0 {
        return Err(damaged::unreadable(places, kept, why));
    }
    let backup_schema = backup_state.as_ref().map(|(schema, _)| u64::from(*schema));
    let schema = schema.or(backup_schema).unwrap_or(u64::from(SCHEMA));
    let backup_key = backup_state.and_then(|(_, key_id)| key_id);
    let key_id = sealer.key_id().map(str::to_owned).or(backup_key.filter(|_| from_store == 0));
    let writes = state.writes.max(start.witnessed.writes);
    let mended = state.mended + 1;
    builder.finish(State {
        schema: Some(schema),
        writes,
        sealed_by: key_id.clone(),
        mended,
        ..State::default()
    })?;
    let notice = StoreNotice::Recovered {
        recovered,
        lost: total.map(|total| total.saturating_sub(recovered)),
        from_backup: recovered - from_store,
        backup_ms,
        kept: kept.display().to_string(),
    };
    let schema = u32::try_from(schema).unwrap_or(SCHEMA);
    Ok((Testimony { schema, writes, values: Some(recovered), key_id }, notice))
}

/// The newest automatic backup whose values can stand beside those that were found.
fn newest_that_fits(start: &Start<'_>, schema: Option<u64>, found: u64, sealer: &Sealer) -> Option<Backup> {
    for path in backups::newest_first(&start.places.backups) {
        let Ok(backup) = Backup::open(&path) else { continue };
        let header = &backup.made.header;
        let fits = match found {
            // Alone it can be of any earlier format, and under any key that can be had.
            0 => {
                header.schema <= SCHEMA
                    && header
                        .key_id
                        .as_ref()
                        .is_none_or(|id| keys::find(start.place, &start.places.dir, id).is_ok())
            }
            _ => schema == Some(u64::from(header.schema)) && header.key_id.as_deref() == sealer.key_id(),
        };
        if fits && backup.made.values > 0 {
            return Some(backup);
        }
    }
    None
}

/// What is done to a copy of the damaged files before they are opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    AsFound,
    /// `snap.*` and `conf` only repeat what is in `db`.
    WithoutDerived,
    /// A log that was cut somewhere inside a segment.
    WholeSegments,
}

fn prepare(kept: &Path, scratch: &Path, way: Way) -> io::Result<()> {
    remove(scratch)?;
    fs::create_dir(scratch)?;
    damaged::copy_files(kept, scratch)?;
    if way != Way::AsFound {
        open::remove_derived(scratch)?;
    }
    if way == Way::WholeSegments {
        let db = match OpenOptions::new().write(true).open(scratch.join("db")) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
            db => db?,
        };
        let length = db.metadata()?.len();
        db.set_len(length / SEGMENT_BYTES * SEGMENT_BYTES)?;
    }
    Ok(())
}

fn drop_quietly(db: sled::Db) {
    if let Err(why) = guard::quietly(move || drop(db)) {
        tracing::debug!(why, "a damaged copy could not be closed in order");
    }
}

/// Gives every whole value that can be read, tree by tree.
fn salvage(db: &sled::Db, give: &mut dyn FnMut(RawValue)) {
    let names = guard::quietly(|| db.tree_names()).unwrap_or_default();
    for name in names {
        if name == STATE_TREE.as_bytes() || name == SLEDS_OWN {
            continue;
        }
        let Ok(text) = String::from_utf8(name.to_vec()) else { continue };
        let Ok(Ok(tree)) = guard::quietly(|| db.open_tree(&name)) else { continue };
        let mut rows = Rows { tree: &tree, probes: PROBES, found: BTreeMap::new() };
        let mut gather = Gather::of(&text);
        // The usual case first, without holding it all: the tree is whole.
        if let Some(broke_at) =
            rows.stream(&mut |key, row| gather.row(key, row).into_iter().for_each(&mut *give))
        {
            // The value under way is among the rows that are gathered anew.
            rows.behind(broke_at.as_deref());
            for (key, row) in std::mem::take(&mut rows.found) {
                gather.row(&key, row).into_iter().for_each(&mut *give);
            }
        }
        gather.end().into_iter().for_each(&mut *give);
    }
}

/// The rows of a tree of which some cannot be read.
struct Rows<'a> {
    tree: &'a sled::Tree,
    probes: u32,
    found: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Rows<'_> {
    /// Gives rows from the lowest key on. Where they break off, the last key that was read.
    fn stream(&self, give: &mut dyn FnMut(&[u8], Vec<u8>)) -> Option<Option<Vec<u8>>> {
        let mut last: Option<Vec<u8>> = None;
        let ended = guard::quietly(|| {
            for row in self.tree.iter() {
                let Ok((key, value)) = row else { return false };
                give(&key, value.to_vec());
                last = Some(key.to_vec());
            }
            true
        });
        if matches!(ended, Ok(true)) { None } else { Some(last) }
    }

    /// Gathers what lies behind a place that cannot be read: from the highest key down, and then
    /// whatever stretches between the two can be found by looking there.
    fn behind(&mut self, low: Option<&[u8]>) {
        let high = self.walk_down(low, None);
        self.between(low.map(<[u8]>::to_vec).unwrap_or_default(), high);
    }

    fn between(&mut self, low: Vec<u8>, high: Option<Vec<u8>>) {
        let high = high.unwrap_or_else(|| vec![0xff; 16]);
        let mut gaps = vec![(low, high)];
        while let Some((low, high)) = gaps.pop() {
            let Some(middle) = middle(&low, &high) else { continue };
            if self.probes == 0 {
                return;
            }
            self.probes -= 1;
            let before = self.found.len();
            let upper = self.walk_up(&middle, &high);
            let lower = self.walk_down(Some(&low), Some(&middle));
            if let Some(lower) = lower {
                gaps.push((low, lower));
            } else if self.found.len() == before {
                gaps.push((low, middle.clone()));
            }
            gaps.push((upper.unwrap_or(middle), high));
        }
    }

    /// Rows from `from` on, up to `to`; the last that was read.
    fn walk_up(&mut self, from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
        let range = (Bound::Included(from.to_vec()), Bound::Excluded(to.to_vec()));
        let (tree, found) = (self.tree, &mut self.found);
        let mut last = None;
        let _ = guard::quietly(|| {
            for row in tree.range::<Vec<u8>, _>(range) {
                let Ok((key, value)) = row else { return };
                found.insert(key.to_vec(), value.to_vec());
                last = Some(key.to_vec());
            }
        });
        last
    }

    /// Rows below `from`, down to `to`; the last that was read.
    fn walk_down(&mut self, to: Option<&[u8]>, from: Option<&[u8]>) -> Option<Vec<u8>> {
        let low = to.map_or(Bound::Unbounded, |key| Bound::Excluded(key.to_vec()));
        let high = from.map_or(Bound::Unbounded, |key| Bound::Excluded(key.to_vec()));
        let (tree, found) = (self.tree, &mut self.found);
        let mut last = None;
        let _ = guard::quietly(|| {
            for row in tree.range::<Vec<u8>, _>((low, high)).rev() {
                let Ok((key, value)) = row else { return };
                found.insert(key.to_vec(), value.to_vec());
                last = Some(key.to_vec());
            }
        });
        last
    }
}

/// A key about half way between two; `None` if there is none of the length of a key to tell apart.
fn middle(low: &[u8], high: &[u8]) -> Option<Vec<u8>> {
    let length = low.len().max(8);
    let digit = |key: &[u8], at: usize| u16::from(key.get(at).copied().unwrap_or(0));
    // The sum as digits to the base of 256, then its half.
    let mut sum = vec![0u16; length];
    let mut carry = 0;
    for at in (0..length).rev() {
        let total = digit(low, at) + digit(high, at) + carry;
        sum[at] = total & 0xff;
        carry = total >> 8;
    }
    let mut half = Vec::with_capacity(length);
    for digit in sum {
        let value = carry << 8 | digit;
        half.push(u8::try_from(value / 2).unwrap_or(u8::MAX));
        carry = value % 2;
    }
    (half.as_slice() > low && half.as_slice() < high).then_some(half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_middle_of_two_keys_lies_between_them(
            low in prop::collection::vec(any::<u8>(), 0..12), high in prop::collection::vec(any::<u8>(), 1..12),
        ) {
            if let Some(half) = middle(&low, &high) {
                prop_assert!(low < half && half < high);
            }
        }
    }

    #[test]
    fn halving_comes_to_an_end() {
        let (low, mut high) = (7u64.to_be_bytes().to_vec(), 900u64.to_be_bytes().to_vec());
        let mut steps = 0;
        while let Some(half) = middle(&low, &high) {
            high = half;
            steps += 1;
        }
        assert!((9..40).contains(&steps), "{steps}");
    }
}
