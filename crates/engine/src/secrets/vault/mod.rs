//! The vault: secrets in one encrypted file, for where there is no keyring or where a person
//! wants none.
//!
//! The file is read for each question and written whole for each change, under a lock of the folder:
//! to a new file beside it, synced, then renamed over it, so that a cut leaves the old one or the
//! new one. In memory is the key alone, and only while the vault is open; it is wiped when the vault
//! is locked.

mod cost;
mod file;

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::{Fault, FaultCode};
use rustix::fs::{FlockOperation, OFlags};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

pub(super) use cost::Cost;
use cost::Key;
use file::{Head, Items, Sealed};

/// Name of the file in the data folder.
const FILE: &str = "secrets.vault";
/// No vault is larger.
const LARGEST_BYTES: u64 = 64 * 1024 * 1024;
/// Shorter ones are guessed.
pub(super) const SHORTEST_PASSPHRASE: usize = 8;

/// The encrypted file of secrets of a data folder.
pub struct Vault {
    path: PathBuf,
    open: Mutex<Option<Open>>,
}

/// What opens the file, and for which head it does.
struct Open {
    head: Head,
    key: Key,
}

impl Vault {
    pub fn in_folder(data_dir: &Path) -> Self {
        Self { path: data_dir.join(FILE), open: Mutex::default() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True if there is such a file, also one that cannot be used: it is never taken for none.
    pub fn exists(&self) -> bool {
        !matches!(std::fs::symlink_metadata(&self.path), Err(why) if why.kind() == ErrorKind::NotFound)
    }

    pub fn is_open(&self) -> bool {
        self.opened().is_some()
    }

    /// Makes the file, with these items in it, and leaves it open. Refused where one is there already.
    pub(super) fn create(&self, passphrase: &SecretString, items: &Items) -> Result<(), Fault> {
        check_passphrase(passphrase)?;
        let _lock = self.lock_folder()?;
        if self.exists() {
            return Err(self.fault(FaultCode::BadInput, "there is one already"));
        }
        let head = Head::new(Cost::of_this_computer()?);
        let key = head.cost.key(passphrase, &head.salt)?;
        self.write(&head, &key, items)?;
        *self.opened() = Some(Open { head, key });
        Ok(())
    }

    /// Opens it until `lock`. `VaultPassphraseWrong` if this is not its passphrase.
    pub fn unlock(&self, passphrase: &SecretString) -> Result<(), Fault> {
        let sealed = self.read()?;
        let key = sealed.head.cost.key(passphrase, &sealed.head.salt)?;
        sealed.open(&key)?;
        *self.opened() = Some(Open { head: sealed.head, key });
        Ok(())
    }

    /// Wipes the key from memory.
    pub fn lock(&self) {
        *self.opened() = None;
    }

    /// Seals the file anew; the old passphrase opens it no more.
    pub fn change_passphrase(&self, old: &SecretString, new: &SecretString) -> Result<(), Fault> {
        check_passphrase(new)?;
        let _lock = self.lock_folder()?;
        let sealed = self.read()?;
        let key = sealed.head.cost.key(old, &sealed.head.salt)?;
        let items = sealed.open(&key)?;
        let head = Head::new(Cost::of_this_computer()?);
        let key = head.cost.key(new, &head.salt)?;
        self.write(&head, &key, &items)?;
        *self.opened() = Some(Open { head, key });
        Ok(())
    }

    /// All that it holds, to move it elsewhere.
    pub(super) fn items(&self) -> Result<Items, Fault> {
        self.with_key(Sealed::open)
    }

    /// Removes the file. What it held must have been moved before.
    pub(super) fn remove(&self) -> Result<(), Fault> {
        let _lock = self.lock_folder()?;
        std::fs::remove_file(&self.path).map_err(|why| self.cannot("removed", &why))?;
        self.lock();
        self.sync_folder()
    }

    pub(super) fn get(&self, item: &str) -> Result<Option<SecretString>, Fault> {
        Ok(self.items()?.remove(item))
    }

    pub(super) fn set(&self, item: &str, secret: &SecretString) -> Result<(), Fault> {
        self.change(|items| {
            items.insert(item.to_owned(), secret.clone());
        })?;
        // What was written is read back before it counts as kept.
        let kept = self.get(item)?;
        if kept.is_none_or(|kept| kept.expose_secret() != secret.expose_secret()) {
            return Err(
                self.fault(FaultCode::VaultUnusable, "it gave back something other than what was saved")
            );
        }
        Ok(())
    }

    pub(super) fn delete(&self, item: &str) -> Result<(), Fault> {
        if self.get(item)?.is_none() {
            return Ok(());
        }
        self.change(|items| {
            items.remove(item);
        })
    }

    fn change(&self, change: impl FnOnce(&mut Items)) -> Result<(), Fault> {
        let _lock = self.lock_folder()?;
        let mut items = self.items()?;
        change(&mut items);
        let open = self.opened();
        let open = open.as_ref().ok_or_else(|| self.locked())?;
        self.write(&open.head, &open.key, &items)
    }

    fn with_key<R>(&self, work: impl FnOnce(&Sealed, &Key) -> Result<R, Fault>) -> Result<R, Fault> {
        let open = self.opened();
        let open = open.as_ref().ok_or_else(|| self.locked())?;
        let sealed = self.read()?;
        // Another program changed the passphrase meanwhile, or another file was put there.
        if sealed.head != open.head {
            return Err(self.locked());
        }
        work(&sealed, &open.key)
    }

    fn opened(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> Result<Sealed, Fault> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&self.path)
            .map_err(|why| self.cannot("read", &why))?;
        let mut text = String::new();
        let read = file.take(LARGEST_BYTES + 1).read_to_string(&mut text);
        let read = read.map_err(|why| self.cannot("read", &why))?;
        if read as u64 > LARGEST_BYTES {
            return Err(self.fault(FaultCode::VaultUnusable, "it is larger than any file of Muster"));
        }
        file::parse(&text)
    }

    fn write(&self, head: &Head, key: &Key, items: &Items) -> Result<(), Fault> {
        let text = Zeroizing::new(file::seal(head, key, items)?);
        let beside = self.path.with_extension("new");
        let cannot = |why: &std::io::Error| self.cannot("written", why);
        // One left by a writer that was cut; the lock says that none is at work.
        match std::fs::remove_file(&beside) {
            Err(why) if why.kind() != ErrorKind::NotFound => return Err(cannot(&why)),
            _ => {}
        }
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)
            .and_then(|mut file| {
                file.set_permissions(Permissions::from_mode(0o600))?;
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| std::fs::rename(&beside, &self.path));
        if let Err(why) = written {
            // What is half written is of no use; the old file stands.
            let _ = std::fs::remove_file(&beside);
            return Err(cannot(&why));
        }
        self.sync_folder()
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    fn sync_folder(&self) -> Result<(), Fault> {
        File::open(self.folder())
            .and_then(|folder| folder.sync_all())
            .map_err(|why| self.cannot("written", &why))
    }

    /// One writer at a time, among all programs. Ends when it is dropped.
    fn lock_folder(&self) -> Result<File, Fault> {
        let folder = self.folder();
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|why| self.cannot("written", &why))?;
        let folder = File::open(folder).map_err(|why| self.cannot("written", &why))?;
        rustix::fs::flock(&folder, FlockOperation::LockExclusive)
            .map_err(|why| self.cannot("written", &why.into()))?;
        Ok(folder)
    }

    fn locked(&self) -> Fault {
        self.fault(FaultCode::VaultLocked, "it is locked")
    }

    fn fault(&self, code: FaultCode, why: &str) -> Fault {
        let path = self.path.display();
        Fault::new(code, format!("the file of secrets {path} cannot be used: {why}"))
            .about(path.to_string())
            .because(why)
    }

    fn cannot(&self, done: &str, why: &std::io::Error) -> Fault {
        self.fault(FaultCode::VaultUnusable, &format!("it could not be {done} ({why})"))
    }
}

/// `BadInput` for a passphrase that would not hold.
pub(super) fn check_passphrase(passphrase: &SecretString) -> Result<(), Fault> {
    if passphrase.expose_secret().chars().count() < SHORTEST_PASSPHRASE {
        return Err(Fault::bad_input(
            "passphrase",
            format!(
                "a passphrase of less than {SHORTEST_PASSPHRASE} characters is guessed: give a longer one"
            ),
        ));
    }
    Ok(())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
