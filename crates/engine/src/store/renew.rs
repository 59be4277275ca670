//! Making the store anew from what is in it: a later format, a seal, or less room on the disk.
//!
//! The fresh store is made beside the old one, which stays as it is until `swap`: a cut at any
//! moment leaves the one or the other, whole. Before a change of format a backup is made.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use protocol::store::{StoreNotice, StoreRestored};
use protocol::{Fault, FaultCode};

use super::export::Export;
use super::inner::{Inner, Reader, Writer};
use super::keys::{self, Place};
use super::open::{self, Places};
use super::rebuild::{self, Builder};
use super::seal::Sealer;
use super::swap::{self, Old};
use super::witness::Testimony;
use super::{SCHEMA, State, Turn, Turned, backup, backups, fault};
use crate::schema::STEPS;

/// The files may take this many times what is live in them.
const MOST_TIMES_LIVE: u64 = 3;
/// Below this size nobody gains by it.
const LEAST_BYTES: u64 = 16 << 20;

/// The store on its way to a later format: what a step of `schema` changes it by. Nothing of it is
/// there before the whole step is.
pub struct Changing<'a> {
    inner: &'a Inner,
}

impl Changing<'_> {
    pub fn read<R>(&self, work: impl FnOnce(&Reader<'_>) -> Result<R, Fault>) -> Result<R, Fault> {
        self.inner.read(work)
    }

    /// A step over many entries writes them in several goes, to hold few of them in memory.
    pub fn write<R>(&self, work: impl FnOnce(&mut Writer<'_>) -> Result<R, Fault>) -> Result<R, Fault> {
        self.inner.write_unsynced(work).map(|(done, _)| done)
    }
}

/// Brings a store that was just opened to what it shall be.
pub(super) fn renew(
    mut inner: Inner,
    places: &Places,
    place: &Place,
    lock: &Arc<File>,
    notices: &mut Vec<StoreNotice>,
) -> Result<Inner, Fault> {
    let mut schema = inner.schema()?;
    let mut made = None;
    let mut is_made = false;
    if inner.sealer.key_id().is_none() && inner.not_sealed.is_none() {
        match keys::make(place) {
            Ok(key) => made = Some(key),
            // A person can open it now, and then nothing lies in the clear.
            Err(fault) if fault.code == FaultCode::VaultLocked => return Err(fault),
            Err(fault) => inner.not_sealed = Some(fault.message),
        }
    }
    let sealer = made.as_ref().map_or_else(|| inner.sealer.clone(), |key| Sealer::new(Some(key.clone())));
    let not_sealed = inner.not_sealed.clone();
    while schema < SCHEMA {
        let changed = change_format(&inner, places, &sealer, schema, notices);
        let testimony = changed.inspect_err(|_| forget(place, made.as_deref()))?;
        made = None;
        inner = take_over(inner, places, place, lock, &testimony)?;
        schema += 1;
    }
    if let Some(key) = made {
        match build(&inner, places, &sealer, schema, |_| Ok(())) {
            Ok(testimony) => {
                inner = take_over(inner, places, place, lock, &testimony)?;
                is_made = true;
            }
            Err(fault) => {
                forget(place, Some(&key));
                tracing::warn!(why = %fault, "the store stays in the clear");
                inner.not_sealed = Some(fault.message);
            }
        }
    } else if takes_too_much(inner.size_bytes().unwrap_or(0), inner.state()?) {
        inner = compact(inner, places, place, lock)?;
    }
    if inner.sealer.key_id().is_some() {
        // Each time, since it may have been cut.
        let mut clear = seal_backups(places, &inner.sealer);
        if is_made {
            clear.extend(places.kept());
            let clear = clear.iter().map(|path| path.display().to_string()).collect();
            notices.push(StoreNotice::Sealed { clear });
        }
    } else {
        inner.not_sealed = inner.not_sealed.take().or(not_sealed);
    }
    Ok(inner)
}

/// Seals the backups that were made before the store was; gives those that could not be.
fn seal_backups(places: &Places, sealer: &Sealer) -> Vec<PathBuf> {
    let is_clear = |path: &PathBuf| backup::glance(path).is_some_and(|facts| facts.sealed_by.is_none());
    let mut clear: Vec<_> = backups::newest_first(&places.backups).into_iter().filter(is_clear).collect();
    clear.retain(|path| {
        let sealed = backup::seal(path, sealer);
        sealed.inspect_err(|why| tracing::warn!(%why, "a backup stays in the clear")).is_err()
    });
    clear
}

/// Makes the store anew as it is, so that its files take no more room than they must.
pub(super) fn compact(
    inner: Inner,
    places: &Places,
    place: &Place,
    lock: &Arc<File>,
) -> Result<Inner, Fault> {
    match build(&inner, places, &inner.sealer, inner.schema()?, |_| Ok(())) {
        Ok(testimony) => take_over(inner, places, place, lock, &testimony),
        Err(fault) => {
            tracing::warn!(why = %fault, "the store keeps the room that it takes");
            Ok(inner)
        }
    }
}

/// A key that came to no use.
fn forget(place: &Place, key: Option<&super::seal::SealKey>) {
    if let Some(key) = key {
        keys::forget(place, key.id());
    }
}

/// Whether it is time to give room back: the files are many times what is live, and much more than
/// they were when they were made anew. Some room sled needs for itself.
fn takes_too_much(size_bytes: u64, state: State) -> bool {
    let live_bytes = state.tally.unwrap_or_default().bytes;
    size_bytes > LEAST_BYTES
        && size_bytes > live_bytes.saturating_mul(MOST_TIMES_LIVE)
        && size_bytes > state.fresh_bytes.unwrap_or(0).saturating_mul(2)
}

fn change_format(
    inner: &Inner,
    places: &Places,
    sealer: &Sealer,
    from: u32,
    notices: &mut Vec<StoreNotice>,
) -> Result<Testimony, Fault> {
    let to = from + 1;
    let Some(step) = STEPS.get(from as usize - 1) else { return Err(fault::newer(&places.dir, from.into())) };
    let unwritable = |why: std::io::Error| fault::unwritable(&places.dir, &why);
    backups::make_folder(&places.backups).map_err(unwritable)?;
    let copy = backups::before_format(&places.backups, to);
    backup::write(inner, &copy, now_ms(), None, || true)?;
    tracing::info!(to, what = step.what, "the store is brought to a later format");
    let testimony = build(inner, places, sealer, to, step.change)?;
    notices.push(StoreNotice::Upgraded { from, to, copy: copy.display().to_string() });
    Ok(testimony)
}

/// Makes a fresh store in `store.new`, whole and on the disk, and changes it.
fn build(
    inner: &Inner,
    places: &Places,
    sealer: &Sealer,
    schema: u32,
    change: fn(&Changing<'_>) -> Result<(), Fault>,
) -> Result<Testimony, Fault> {
    let dir = &places.dir;
    let mut export = Export::begin(inner)?;
    let mut builder = Builder::begin(dir, &places.new)?;
    loop {
        let values = export.next_values()?;
        if values.is_empty() {
            break;
        }
        for raw in values {
            let raw = raw.resealed(&inner.sealer, sealer);
            builder.put(&raw.ok_or_else(|| fault::damaged(dir, "the seal of a value is broken"))?)?;
        }
    }
    if export.broken > 0 {
        return Err(fault::damaged(dir, &format!("{} values lack a part", export.broken)));
    }
    let key_id = sealer.key_id().map(str::to_owned);
    let state = State { sealed_by: key_id.clone(), fresh_bytes: None, ..export.state.clone() };
    drop(export);
    let tally = builder.finish(state.clone())?;
    let writes = finish_change(places, sealer, state, schema, change)?;
    rebuild::sync_folder(&places.new).map_err(|why| fault::unwritable(dir, &why))?;
    let values = Some(tally.values);
    Ok(Testimony { schema, writes, values, key_id })
}

/// Runs the change on the fresh store, where there is one to run.
fn finish_change(
    places: &Places,
    sealer: &Sealer,
    state: State,
    schema: u32,
    change: fn(&Changing<'_>) -> Result<(), Fault>,
) -> Result<u64, Fault> {
    if state.schema == Some(u64::from(schema)) {
        return Ok(state.writes);
    }
    let own = Places::of_new(places);
    let db = open::try_sled(&own.sled).map_err(|refusal| refusal.told(&places.dir))?;
    let mut fresh = Inner::new(&own, db, inner_lock(places)?)?;
    fresh.ready(sealer.clone(), &state);
    change(&Changing { inner: &fresh })?;
    fresh.tell(&State { schema: Some(u64::from(schema)), ..fresh.state()? })?;
    Ok(fresh.state()?.writes)
}

/// The lock of the data folder is held already; a fresh store needs no other.
fn inner_lock(places: &Places) -> Result<Arc<File>, Fault> {
    File::open(&places.lock).map(Arc::new).map_err(|why| fault::unwritable(&places.dir, &why))
}

fn take_over(
    inner: Inner,
    places: &Places,
    place: &Place,
    lock: &Arc<File>,
    testimony: &Testimony,
) -> Result<Inner, Fault> {
    // Closed before its folder is moved: sled writes its snapshots by name.
    drop(inner);
    swap::swap(places, Old::Dropped, testimony).map_err(|why| fault::unwritable(&places.dir, &why))?;
    open::open_whole(places, place, lock)
}

pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Puts the content of a backup in the place of the store, and keeps what was there.
pub(super) fn restore(
    places: &Places,
    file: &Path,
    place: &Place,
    passphrase: Option<&secrecy::SecretString>,
) -> Result<StoreRestored, Fault> {
    let unwritable = |why: std::io::Error| fault::unwritable(&places.dir, &why);
    let mut found = backup::Backup::open(file)?;
    let header = found.made.header.clone();
    if header.schema > SCHEMA {
        return Err(fault::newer_backup(file, header.schema));
    }
    let key = match &header.key_id {
        Some(id) => Some(key_of_backup(places, place, id, &header, passphrase)?),
        None => None,
    };
    let sealer = Sealer::new(key);
    open::make_folder(places).map_err(unwritable)?;
    let _lock = open::take_lock(places)?;
    swap::finish(places).map_err(unwritable)?;
    let was = super::witness::Witness::read(&places.witness);
    let mut builder = Builder::begin(&places.dir, &places.new)?;
    found.values(|raw| match raw.is_whole(&sealer) {
        true => builder.put(&raw),
        false => Err(backup::unusable(file, "the seal of a value in it is broken")),
    })?;
    // Counted on from what was there, so that the witness and a copy of the log see that time went on.
    let writes = header.writes.max(was.as_ref().map_or(0, |was| was.writes)) + 1;
    let old = if places.sled.exists() { Old::Kept } else { Old::Dropped };
    let restored = Turned::Restored {
        file: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        made_ms: header.made_ms,
        values: found.made.values,
        kept: (old == Old::Kept).then(|| swap::free_name(places)).transpose().map_err(unwritable)?,
    };
    let state = State {
        schema: Some(u64::from(header.schema)),
        writes,
        sealed_by: header.key_id.clone(),
        turn: Some(Turn { number: writes, at_ms: now_ms(), what: restored }),
        ..State::default()
    };
    let values = Some(builder.finish(state)?.values);
    let testimony = Testimony { schema: header.schema, writes, values, key_id: header.key_id.clone() };
    let kept = swap::swap(places, old, &testimony).map_err(unwritable)?;
    for file in [&places.copied, &places.suspect] {
        // Both are about the store that was there before.
        let _ = std::fs::remove_file(file);
    }
    let other_key = was.is_some_and(|was| was.key_id != header.key_id);
    let kept = kept.map(|kept| kept.display().to_string());
    Ok(StoreRestored { backup: found.made.told(), kept, other_key })
}

fn key_of_backup(
    places: &Places,
    place: &Place,
    id: &str,
    header: &backup::Header,
    passphrase: Option<&secrecy::SecretString>,
) -> Result<Arc<super::seal::SealKey>, Fault> {
    match (&header.key, passphrase) {
        (Some(sealed), Some(passphrase)) => {
            let key = sealed.open(id, passphrase)?;
            keys::keep(place, &places.dir, &key).map_err(|why| Fault {
                message: format!(
                    "the backup's key can be kept nowhere here: {}; 'musterctl vault create' makes a place for it",
                    why.message
                ),
                ..why
            })?;
            Ok(Arc::new(key))
        }
        (with_key, _) => keys::find(place, &places.dir, id).map_err(|fault| {
            let mut fault = fault;
            fault.message = format!("the backup's key cannot be had: {}", fault.message);
            if with_key.is_some() {
                fault.message.push_str(
                    "; the backup brings its key, under its passphrase: give it with --passphrase-stdin",
                );
            }
            fault
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Tally;

    #[test]
    fn room_is_given_back_at_three_times_the_live_data_and_not_again_and_again() {
        let state = |live: u64, fresh: u64| State {
            tally: Some(Tally { rows: 1, values: 1, bytes: live }),
            fresh_bytes: Some(fresh),
            ..State::default()
        };
        const MB: u64 = 1 << 20;
        assert!(takes_too_much(40 * MB, state(13 * MB, 10 * MB)));
        assert!(!takes_too_much(40 * MB, state(14 * MB, 10 * MB)), "less than three times");
        assert!(!takes_too_much(40 * MB, state(10 * MB, 25 * MB)), "a fresh one takes as much");
        assert!(!takes_too_much(12 * MB, state(1, 1)), "too small to matter");
    }
}
