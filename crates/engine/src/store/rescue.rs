//! A damaged store: what of it can still be read, completed from the newest backup, becomes a store
//! of its own. What that cost is counted, and the damaged files are kept.
//!
//! The files are read by `salvage` and not by sled, which stops at the first break.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use protocol::Fault;
use protocol::store::StoreNotice;

use super::backup::Backup;
use super::open::Start;
use super::rebuild::{Builder, remove};
use super::salvage::{Remains, Row};
use super::seal::Sealer;
use super::swap::{Old, swap};
use super::value::{self, Gather, RawValue};
use super::witness::Testimony;
use super::{SCHEMA, SLEDS_OWN, STATE_TREE, State, Turn, Turned, backups, damaged, fault, keys, renew};

/// Puts what can be recovered in the place of the store. `StoreDamaged` if that is nothing; all
/// files are then as they were.
pub(super) fn rescue(start: &Start<'_>, why: &str) -> Result<Vec<StoreNotice>, Fault> {
    let places = start.places;
    let kept = damaged::keep_copy(places, &start.found)?;
    let rescued = build(start, &kept, why);
    let unwritable = |why: io::Error| fault::unwritable(&places.dir, &why);
    let (testimony, notices) = match rescued {
        Ok(rescued) => rescued,
        Err(fault) => {
            remove(&places.new).map_err(unwritable)?;
            return Err(fault);
        }
    };
    swap(places, Old::Dropped, &testimony).map_err(unwritable)?;
    match fs::remove_file(&places.copied) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(unwritable(why)),
        _ => Ok(notices),
    }
}

/// Makes the recovered store in `store.new`.
fn build(start: &Start<'_>, kept: &Path, why: &str) -> Result<(Testimony, Vec<StoreNotice>), Fault> {
    let places = start.places;
    let dir = &places.dir;
    let unwritable = |why: io::Error| fault::unwritable(dir, &why);
    let mut builder = Builder::begin(dir, &places.new)?;
    let remains = Remains::read(kept).map_err(unwritable)?;
    let state = remains.as_ref().map_or(Ok(State::default()), state_of).map_err(unwritable)?;
    if state.schema.is_some_and(|schema| schema > u64::from(SCHEMA)) {
        return Err(fault::newer(dir, state.schema.unwrap_or_default()));
    }
    let key_id = state.sealed_by.clone().or_else(|| start.witnessed.key_id.clone());
    let sealer = Sealer::new(key_id.map(|id| keys::find(start.place, dir, &id)).transpose()?);
    if let Some(remains) = &remains {
        put_all(remains, &sealer, &mut builder, dir)?;
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
        turn: if state.writes < writes { Some(behind(start, state.writes)) } else { state.turn },
        ..State::default()
    })?;
    let lost = total.map(|total| total.saturating_sub(recovered));
    let kept = kept.display().to_string();
    let from_backup = recovered - from_store;
    let may_be_old = from_backup > 0
        || state.writes < writes
        || remains.as_ref().is_some_and(|remains| remains.has_breaks());
    let mut notices = vec![StoreNotice::Recovered {
        recovered,
        lost,
        from_backup,
        backup_ms,
        may_be_old,
        kept: kept.clone(),
    }];
    // As many values as there were can still be as they were before the newest changes.
    let changes = writes - state.writes;
    if lost == Some(0) && changes > 0 {
        notices.push(StoreNotice::LastChangesLost { changes, kept });
    }
    let schema = u32::try_from(schema).unwrap_or(SCHEMA);
    Ok((Testimony { schema, writes, values: Some(recovered), key_id }, notices))
}

/// That the newest changes are lost.
pub(super) fn behind(start: &Start<'_>, writes: u64) -> Turn {
    let number = start.witnessed.writes;
    Turn { number, at_ms: renew::now_ms(), what: Turned::Behind { changes: number.saturating_sub(writes) } }
}

/// What the store said of itself.
fn state_of(remains: &Remains) -> io::Result<State> {
    let mut rows = BTreeMap::new();
    remains.rows(STATE_TREE.as_bytes(), false, &mut |row| drop(rows.insert(row.key, row.bytes)))?;
    Ok(State::from_rows(|key| Ok(rows.get(key).cloned())).unwrap_or_default())
}

/// Puts every whole value into the fresh store.
fn put_all(remains: &Remains, sealer: &Sealer, builder: &mut Builder<'_>, dir: &Path) -> Result<(), Fault> {
    // A seal tells whether a value belongs to its key; without one nothing is guessed.
    let is_sealed = sealer.key_id().is_some();
    for name in remains.trees() {
        let Ok(text) = String::from_utf8(name.clone()) else { continue };
        if text == STATE_TREE || name == SLEDS_OWN {
            continue;
        }
        let mut gather = Gather::of(&text);
        // Places of the first and the last piece of the value under way.
        let mut span = (0, 0);
        let mut failed = None;
        let mut put = |raw: RawValue, (from, until): (u64, u64)| {
            // Without a seal nothing else tells pieces of an earlier writing from those of a later one.
            let fits = raw.is_whole(sealer) && (is_sealed || !remains.is_broken_between(&name, from, until));
            if fits && failed.is_none() {
                failed = builder.put(&raw).err();
            }
        };
        remains
            .rows(&name, is_sealed, &mut |row| {
                let Row { key, bytes, place } = row;
                gather.row(&key, bytes).into_iter().for_each(|raw| put(raw, span));
                span = match value::begins(&key) {
                    true => (place, place),
                    false => (span.0.min(place), span.1.max(place)),
                };
            })
            .map_err(|why| fault::unwritable(dir, &why))?;
        gather.end().into_iter().for_each(|raw| put(raw, span));
        if let Some(fault) = failed {
            return Err(fault);
        }
    }
    Ok(())
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
