//! store: what must outlive the program, in sled, behind typed trees.
//!
//! It is the only place that speaks to sled, and it is built around what sled does not do:
//! - `flush` does not reach the disk on Linux, so every write is followed by `sync_data` on the file
//!   itself before it is acknowledged;
//! - damaged files make it panic, at open and at reading, so nothing of it runs outside `guard`;
//! - a damaged file can open with its newest entries gone, so a witness beside it counts the
//!   acknowledged writes, and a loss is said and, as far as it can be, made good (`rescue`);
//! - it cannot open on a full or a read-only disk, so it is then read from a copy (`reading`);
//! - it gives no room back, so it is made anew when it takes too much (`renew`).
//!
//! One writer at a time; each write is one transaction over all trees it touches. Work happens on
//! blocking threads, never on those of the async runtime. It knows no noun.

mod backup;
mod backups;
mod damaged;
mod export;
mod fault;
mod flush;
mod guard;
mod inner;
mod keys;
mod open;
mod passphrase;
mod reading;
mod rebuild;
mod renew;
mod rescue;
mod salvage;
mod seal;
mod state;
mod swap;
mod tree;
mod value;
mod witness;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
pub(crate) mod damage_tests;
#[cfg(test)]
mod renew_tests;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::Fault;
use protocol::store::{BackupFacts, StoreFacts, StoreNotice, StoreReport, StoreRestored};
use secrecy::SecretString;

pub use backup::{check_target, copy as copy_backup};
pub use inner::{Reader, Writer};
pub use renew::Changing;
pub use seal::Sealer;
pub use tree::{Bytes, Key, Order, Tree, Value, View};

use crate::error::internal;
use crate::schema::STEPS;
use crate::secrets::SecretStore;
use inner::{Changes, Inner};
use state::{STATE_TREE, State, Tally};
pub use state::{Turn, Turned};

/// The version of everything written here; a store with a higher one is refused.
pub const SCHEMA: u32 = 1 + STEPS.len() as u32;

/// The tree that sled makes in every store.
const SLEDS_OWN: &[u8] = b"__sled__default";

/// A store that was opened, with what happened to it, if anything did.
pub struct Opened {
    pub store: Store,
    pub notices: Vec<StoreNotice>,
    /// The same in words.
    pub notice: Option<String>,
}

impl Opened {
    fn new(inner: Inner, notices: Vec<StoreNotice>) -> Self {
        let words: Vec<String> = notices.iter().map(StoreNotice::to_string).collect();
        let notice = (!words.is_empty()).then(|| words.join("; "));
        let kept = Arc::new(Mutex::new(notices.clone()));
        Self { store: Store { inner: Arc::new(inner), notices: kept }, notices, notice }
    }
}

/// A handle on the open store; copies share it. It is closed when the last copy is gone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    notices: Arc<Mutex<Vec<StoreNotice>>>,
}

impl Store {
    /// Opens the store in the folder `dir`, which is made if it is missing. Without a place for its
    /// key, a new store is not sealed and a sealed one does not open.
    pub async fn open(dir: &Path) -> Result<Opened, Fault> {
        let dir = dir.to_owned();
        blocking(move || open::open(&dir, &None)).await
    }

    /// The same, with a place where the key of a sealed store is kept. A new store is sealed if the
    /// place takes a key.
    ///
    /// `StoreInUse` if another program has it open, `StoreNewer` if a later version wrote it,
    /// `StoreUnwritable` if the disk or its rights do not allow it, `StoreDamaged` if its files
    /// cannot be read; the files are then left as they are, with a copy beside them. `StoreKeyMissing`,
    /// or the fault of the place, if its key cannot be had; the files are then not touched.
    pub async fn open_sealed(dir: &Path, place: Arc<dyn SecretStore>) -> Result<Opened, Fault> {
        let dir = dir.to_owned();
        blocking(move || open::open(&dir, &Some(place))).await
    }

    /// The folder that holds the store; other files of the data folder lie beside it.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// Seals what lies beside the store's trees as they are sealed.
    pub fn sealer(&self) -> Sealer {
        self.inner.sealer.clone()
    }

    /// Runs `work` on what is stored now.
    pub async fn read<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader<'_>) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let inner = self.inner.clone();
        blocking(move || inner.read(work)).await
    }

    /// Runs `work`, then puts all it wrote on the disk at once; nothing of it if `work` fails.
    ///
    /// When this returns, the write is on the disk. It goes on if the caller stops waiting.
    pub async fn write<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let inner = self.inner.clone();
        blocking(move || inner.write(work)).await
    }

    /// The same as `write`, and `after` runs on the same thread when it is on the disk, even if the
    /// caller stopped waiting.
    pub async fn write_then<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<R, Fault> + Send + 'static,
        after: impl FnOnce(&Reader<'_>) -> Result<(), Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let inner = self.inner.clone();
        blocking(move || {
            let done = inner.write(work)?;
            inner.read(after)?;
            Ok(done)
        })
        .await
    }

    /// What happened to the store when it was opened, and to its key since.
    pub fn notices(&self) -> Vec<StoreNotice> {
        lock(&self.notices).clone()
    }

    /// Sees that the key of a sealed store is still in its place, and puts it back if it is not. True if there
    /// is another thing to be said of the store than before.
    ///
    /// # Errors
    /// The place's own fault if it gives nothing now.
    pub async fn tend_key(&self, place: Arc<dyn SecretStore>) -> Result<bool, Fault> {
        let (inner, notices) = (self.inner.clone(), self.notices.clone());
        blocking(move || {
            let Some(key) = inner.sealer.key() else { return Ok(false) };
            let Some(told) = keys::tend(&place, key)? else { return Ok(false) };
            tracing::warn!(%told);
            let mut notices = lock(&notices);
            let is_news = notices.last() != Some(&told);
            notices.retain(|notice| !matches!(notice, StoreNotice::KeyGone { .. }));
            notices.push(told);
            Ok(is_news)
        })
        .await
    }

    /// Why nothing can be changed, where the store can only be read.
    pub fn read_only(&self) -> Option<&Fault> {
        self.inner.read_only.as_ref()
    }

    /// How often the store was recovered from damage. Counts that are kept beside what they count
    /// are right as long as this is the number they were made under.
    pub fn mended(&self) -> u64 {
        self.inner.mended
    }

    /// The last time that the store became another than the one whose writes were acknowledged.
    pub fn turn(&self) -> Option<&Turn> {
        self.inner.turn.as_ref()
    }

    /// What the store is like now.
    pub async fn facts(&self) -> Result<StoreFacts, Fault> {
        let (inner, notices) = (self.inner.clone(), self.notices());
        blocking(move || facts(&inner, notices)).await
    }

    /// Reads all of the store and says what of it is whole.
    pub async fn check(&self) -> Result<StoreReport, Fault> {
        let (inner, notices) = (self.inner.clone(), self.notices());
        blocking(move || {
            let (whole, broken) = inner.verify()?;
            Ok(StoreReport { facts: facts(&inner, notices)?, whole, broken })
        })
        .await
    }

    /// Writes everything to a file, which is replaced; the store goes on meanwhile. With a passphrase
    /// the key of a sealed store goes along under it.
    pub async fn back_up(
        &self,
        file: &Path,
        now_ms: i64,
        passphrase: Option<SecretString>,
    ) -> Result<BackupFacts, Fault> {
        let (inner, file) = (self.inner.clone(), file.to_owned());
        blocking(move || {
            backup::check_target(&inner.dir, &file)?;
            let key = match (passphrase, inner.sealer.key()) {
                (Some(passphrase), Some(key)) => Some(passphrase::SealedKey::seal(key, &passphrase)?),
                (Some(_), None) => {
                    return Err(Fault::bad_input(
                        "passphrase",
                        "the store is not sealed, so there is no key that a passphrase could guard",
                    ));
                }
                (None, _) => None,
            };
            let made = backup::write(&inner, &file, now_ms, key, || true)?;
            made.map(backup::Made::told).ok_or_else(|| internal("a backup", "it was given up"))
        })
        .await
    }

    /// Makes the backup of this day in the folder of backups, unless it is there and `anew` is not
    /// wanted. `None` if it was there, or `stop` was set meanwhile.
    pub async fn back_up_daily(
        &self,
        now_ms: i64,
        anew: bool,
        stop: Arc<AtomicBool>,
    ) -> Result<Option<BackupFacts>, Fault> {
        let inner = self.inner.clone();
        blocking(move || {
            let folder = &inner.places.backups;
            let file = backups::daily(folder, &day_of(now_ms)?);
            if file.exists() && !anew {
                return Ok(None);
            }
            if let Some(fault) = &inner.read_only {
                return Err(fault.clone());
            }
            let unwritable = |why: std::io::Error| fault::unwritable(folder, &why);
            backups::make_folder(folder).map_err(unwritable)?;
            backups::tidy(folder).map_err(unwritable)?;
            let made = backup::write(&inner, &file, now_ms, None, || !stop.load(Ordering::Relaxed))?;
            backups::tidy(folder).map_err(unwritable)?;
            Ok(made.map(backup::Made::told))
        })
        .await
    }

    /// Puts a backup in the place of the store in `dir`, which must not be open. The whole file is
    /// read before anything happens, and what was there is kept.
    pub async fn restore(
        dir: &Path,
        file: &Path,
        place: Arc<dyn SecretStore>,
        passphrase: Option<SecretString>,
    ) -> Result<StoreRestored, Fault> {
        let (dir, file) = (dir.to_owned(), file.to_owned());
        blocking(move || {
            let places = open::Places::of(&dir);
            renew::restore(&places, &file, &Some(place), passphrase.as_ref())
        })
        .await
    }

    /// How often the file was synced to the disk since it was opened.
    #[cfg(test)]
    pub(crate) fn syncs(&self) -> u64 {
        lock(&self.inner.synced).times
    }
}

/// The day of a time, by UTC.
fn day_of(now_ms: i64) -> Result<String, Fault> {
    let time = jiff::Timestamp::from_millisecond(now_ms).map_err(|why| internal("the clock", why))?;
    Ok(time.strftime("%Y-%m-%d").to_string())
}

fn facts(inner: &Inner, notices: Vec<StoreNotice>) -> Result<StoreFacts, Fault> {
    let state = inner.state()?;
    let tally = state.tally.unwrap_or_default();
    // Those of a store that is read from a copy are where they were.
    let folder: PathBuf = inner.dir.join("backups");
    let backups = backups::newest_first(&folder).into_iter().filter(|path| backups::is_daily(path));
    Ok(StoreFacts {
        dir: inner.dir.display().to_string(),
        format: u32::try_from(state.schema.unwrap_or_default()).unwrap_or(u32::MAX),
        size_bytes: inner.size_bytes().map_err(|why| fault::unwritable(&inner.dir, &why))?,
        live_bytes: tally.bytes,
        values: tally.values,
        sealed_by: inner.sealer.key_id().map(str::to_owned),
        not_sealed: inner.not_sealed.clone(),
        read_only: inner.read_only.as_ref().map(|fault| fault.message.clone()),
        backups: backups.filter_map(|path| backup::glance(&path)).collect(),
        notices,
    })
}

/// Runs `work` where it may block.
async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Fault> + Send + 'static,
) -> Result<R, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|why| internal("a task of the store ended early", why))?
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
