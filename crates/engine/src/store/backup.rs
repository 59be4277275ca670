//! Backups: one file with every value of the store at one moment, for any later version to read.
//!
//! Values of a sealed store stay sealed as they are, and the file names the key; with a passphrase
//! the key itself goes along, sealed by it (`passphrase`). The file ends with a digest of all of it and is
//! read to that end before anything of it is believed. Under its final name there is a whole backup
//! or none.
//!
//! ```text
//! "muster backup 1\n", length u32, Header as JSON,
//! for each value: 1 u8, length u16, tree, length u32, key, version u8, length u32, bytes,
//! at the end: 0 u8, number of values u64, SHA-256 of everything before
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use protocol::store::BackupFacts;
use protocol::{Fault, FaultCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::Inner;
use super::export::Export;
use super::seal::Sealer;
use super::value::RawValue;

const MAGIC: &[u8] = b"muster backup 1\n";
const MAGIC_OF_ANY: &[u8] = b"muster backup ";
const VALUE: u8 = 1;
const END: u8 = 0;
const LONGEST_HEADER: u32 = 64 << 10;
/// Above what a tree takes, so that no length in a file is believed without bounds.
const LONGEST_KEY: u32 = 64 << 10;
const LONGEST_VALUE: u32 = 300 << 20;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub schema: u32,
    pub writes: u64,
    pub made_ms: i64,
    /// The version of Muster that made it.
    pub made_by: String,
    /// Names the key that its values are sealed by.
    pub key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<super::passphrase::SealedKey>,
}

/// What is known of a backup that was made or read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub path: PathBuf,
    pub header: Header,
    pub values: u64,
    pub bytes: u64,
}

impl Made {
    pub(super) fn told(self) -> BackupFacts {
        BackupFacts {
            file: self.path.display().to_string(),
            made_ms: self.header.made_ms,
            bytes: self.bytes,
            values: Some(self.values),
            sealed_by: self.header.key_id,
            with_key: self.header.key.is_some(),
        }
    }
}

/// Refuses to write over what is no backup, and anything inside the data folder, where the store lies.
pub fn check_target(dir: &Path, file: &Path) -> Result<(), Fault> {
    let shown = file.display();
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_inside = match (parent.canonicalize(), dir.canonicalize()) {
        (Ok(parent), Ok(dir)) => parent.starts_with(dir),
        _ => false,
    };
    if is_inside {
        return Err(Fault::bad_input(
            "file",
            format!("{shown} lies in the data folder itself: give another place"),
        ));
    }
    // A folder is refused in its own words, where the file is made.
    if file.symlink_metadata().is_ok_and(|found| !found.is_dir()) && glance(file).is_none() {
        return Err(Fault::bad_input(
            "file",
            format!("{shown} is there and is no backup: it is not replaced"),
        ));
    }
    Ok(())
}

/// What a backup says of itself, without reading it to its end; `None` if that cannot be read.
pub(super) fn glance(path: &Path) -> Option<BackupFacts> {
    let file = File::open(path).ok()?;
    let bytes = file.metadata().ok()?.len();
    let mut from = Digesting { from: BufReader::new(file), digest: Sha256::new(), bytes: 0 };
    let header = read_header(&mut from, path).ok()?;
    let made = Made { path: path.to_owned(), header, values: 0, bytes };
    Some(BackupFacts { values: None, ..made.told() })
}

/// Whether it was made after this number of writes.
pub(super) fn is_after(path: &Path, writes: u64) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let mut from = Digesting { from: BufReader::new(file), digest: Sha256::new(), bytes: 0 };
    read_header(&mut from, path).is_ok_and(|header| header.writes > writes)
}

/// Writes everything that is in the store now to `path`, replacing what is there. `go_on` is asked
/// all the while; where it says no, nothing is left behind and `None` given.
pub(super) fn write(
    inner: &Inner,
    path: &Path,
    made_ms: i64,
    key: Option<super::passphrase::SealedKey>,
    go_on: impl Fn() -> bool,
) -> Result<Option<Made>, Fault> {
    let unwritable = |why: io::Error| unwritable(path, &why);
    let (part, folder) = part_of(path)?;
    let mut export = Export::begin(inner)?;
    let header = Header {
        schema: u32::try_from(export.state.schema.unwrap_or_default()).unwrap_or(u32::MAX),
        writes: export.state.writes,
        made_ms,
        made_by: protocol::VERSION.to_owned(),
        key_id: export.state.sealed_by.clone(),
        key,
    };
    let mut out = Hashing::new(BufWriter::with_capacity(1 << 20, part.as_file()));
    out.begin(&header).map_err(unwritable)?;
    let mut values = 0u64;
    loop {
        if !go_on() {
            return Ok(None);
        }
        let batch = export.next_values()?;
        if batch.is_empty() {
            break;
        }
        values += batch.len() as u64;
        batch.iter().try_for_each(|raw| put(&mut out, raw)).map_err(unwritable)?;
    }
    if export.broken > 0 {
        return Err(super::fault::damaged(&inner.dir, &format!("{} values lack a part", export.broken)));
    }
    drop(export);
    let bytes = out.end(values).map_err(unwritable)?;
    settle(part, path, &folder)?;
    Ok(Some(Made { path: path.to_owned(), header, values, bytes }))
}

fn length(length: usize) -> io::Result<[u8; 4]> {
    Ok(u32::try_from(length).map_err(io::Error::other)?.to_be_bytes())
}

fn put(out: &mut impl Write, raw: &RawValue) -> io::Result<()> {
    let tree = u16::try_from(raw.tree.len()).map_err(io::Error::other)?;
    out.write_all(&[VALUE])?;
    out.write_all(&tree.to_be_bytes())?;
    out.write_all(raw.tree.as_bytes())?;
    out.write_all(&length(raw.key.len())?)?;
    out.write_all(&raw.key)?;
    out.write_all(&[raw.version])?;
    out.write_all(&length(raw.bytes.len())?)?;
    out.write_all(&raw.bytes)
}

struct Hashing<W> {
    out: W,
    digest: Sha256,
    bytes: u64,
}

impl<W: Write> Hashing<W> {
    fn new(out: W) -> Self {
        Self { out, digest: Sha256::new(), bytes: 0 }
    }

    fn begin(&mut self, header: &Header) -> io::Result<()> {
        let head = serde_json::to_vec(header)?;
        self.write_all(MAGIC)?;
        self.write_all(&length(head.len())?)?;
        self.write_all(&head)
    }

    fn end(mut self, values: u64) -> io::Result<u64> {
        self.write_all(&[END])?;
        self.write_all(&values.to_be_bytes())?;
        let digest = self.digest.finalize();
        self.out.write_all(&digest)?;
        self.out.flush()?;
        Ok(self.bytes + digest.len() as u64)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Copies a backup that is whole, to a file that is replaced by all of it or by nothing.
pub fn copy(from: &Path, to: &Path) -> Result<BackupFacts, Fault> {
    let mut backup = Backup::open(from)?;
    let (part, folder) = part_of(to)?;
    let unwritable = |why: io::Error| unwritable(to, &why);
    let copied = backup.file.rewind().and_then(|()| io::copy(&mut backup.file, &mut part.as_file()));
    if copied.map_err(unwritable)? != backup.made.bytes {
        return Err(unusable(from, "it changed while it was read"));
    }
    settle(part, to, &folder)?;
    Ok(Made { path: to.to_owned(), ..backup.made }.told())
}

/// Writes a backup that is in the clear anew under the seal of the store.
pub(super) fn seal(path: &Path, sealer: &Sealer) -> Result<(), Fault> {
    let mut backup = Backup::open(path)?;
    let header = Header { key_id: sealer.key_id().map(str::to_owned), ..backup.made.header.clone() };
    let (part, folder) = part_of(path)?;
    let unwritable = |why: io::Error| unwritable(path, &why);
    let mut out = Hashing::new(BufWriter::with_capacity(1 << 20, part.as_file()));
    out.begin(&header).map_err(unwritable)?;
    let values = backup.made.values;
    backup.values(|raw| {
        let raw = raw.resealed(&Sealer::default(), sealer);
        let raw = raw.ok_or_else(|| crate::error::internal("a backup", "a value cannot be sealed"))?;
        put(&mut out, &raw).map_err(unwritable)
    })?;
    out.end(values).map_err(unwritable)?;
    settle(part, path, &folder)
}

/// A file beside the one that is to be written: a rename does not cross file systems.
fn part_of(path: &Path) -> Result<(NamedTempFile, PathBuf), Fault> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let bad = |why: &str| Fault::bad_input("file", format!("{} {why}", path.display()));
    let name = path.file_name().ok_or_else(|| bad("is not the name of a file"))?;
    if path.is_dir() {
        return Err(bad("is a folder"));
    }
    let part = tempfile::Builder::new()
        .prefix(&format!(".{}.", name.to_string_lossy()))
        .suffix(".part")
        .tempfile_in(folder)
        .map_err(|why| unwritable(path, &why))?;
    Ok((part, folder.to_owned()))
}

/// Gives the finished file its name.
fn settle(part: NamedTempFile, path: &Path, folder: &Path) -> Result<(), Fault> {
    let unwritable = |why: io::Error| unwritable(path, &why);
    part.as_file().sync_all().map_err(unwritable)?;
    part.persist(path).map_err(|why| unwritable(why.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unwritable)
}

/// A backup that was read to its end once and found whole.
pub(super) struct Backup {
    file: File,
    pub(super) made: Made,
}

impl Backup {
    /// Reads the whole file before it gives it.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
            .open(path)
            .map_err(|why| unusable(path, &format!("it cannot be read ({why})")))?;
        if !file.metadata().is_ok_and(|file| file.is_file()) {
            return Err(unusable(path, "it is not a file"));
        }
        let made = Made {
            path: path.to_owned(),
            header: Header {
                schema: 0,
                writes: 0,
                made_ms: 0,
                made_by: String::new(),
                key_id: None,
                key: None,
            },
            values: 0,
            bytes: 0,
        };
        let mut backup = Self { file, made };
        let (header, values, bytes) = backup.read(|_| Ok(()))?;
        backup.made = Made { path: path.to_owned(), header, values, bytes };
        Ok(backup)
    }

    /// Gives every value to `visit`. If the file is another than it was found to be, that is said at
    /// the end, so nothing may come of it before.
    pub(super) fn values(&mut self, visit: impl FnMut(RawValue) -> Result<(), Fault>) -> Result<(), Fault> {
        let wanted = (self.made.header.clone(), self.made.values, self.made.bytes);
        if self.read(visit)? != wanted {
            return Err(unusable(&self.made.path, "it changed while it was read"));
        }
        Ok(())
    }

    fn read(
        &mut self,
        mut visit: impl FnMut(RawValue) -> Result<(), Fault>,
    ) -> Result<(Header, u64, u64), Fault> {
        let path = self.made.path.clone();
        let cut = |why: io::Error| match why.kind() {
            io::ErrorKind::UnexpectedEof => unusable(&path, "it ends too soon"),
            io::ErrorKind::InvalidData => unusable(&path, &why.to_string()),
            _ => unusable(&path, &format!("it cannot be read ({why})")),
        };
        self.file.rewind().map_err(cut)?;
        let mut from = Digesting {
            from: BufReader::with_capacity(1 << 20, &self.file),
            digest: Sha256::new(),
            bytes: 0,
        };
        let header = read_header(&mut from, &path)?;
        let mut values = 0u64;
        loop {
            match from.take_array::<1>().map_err(cut)? {
                [VALUE] => {
                    visit(from.value().map_err(cut)?)?;
                    values += 1;
                }
                [END] => break,
                _ => return Err(unusable(&path, "it is damaged")),
            }
        }
        let said = u64::from_be_bytes(from.take_array().map_err(cut)?);
        let digest = from.digest.clone().finalize();
        let kept: [u8; 32] = from.take_array().map_err(cut)?;
        let more = from.from.read(&mut [0]).map_err(cut)?;
        if kept[..] != digest[..] || said != values || more != 0 {
            return Err(unusable(&path, "it is damaged: its digest is that of other bytes"));
        }
        Ok((header, values, from.bytes))
    }
}

fn read_header(from: &mut Digesting<impl Read>, path: &Path) -> Result<Header, Fault> {
    let no_backup = |_: io::Error| unusable(path, "it is no backup of Muster");
    let magic: [u8; MAGIC.len()] = from.take_array().map_err(no_backup)?;
    if magic != MAGIC {
        let later = magic.starts_with(MAGIC_OF_ANY);
        return Err(if later {
            Fault::new(
                FaultCode::StoreNewer,
                format!("the backup {} was made by a later version of Muster", path.display()),
            )
            .about(path.display().to_string())
        } else {
            unusable(path, "it is no backup of Muster")
        });
    }
    let head = from.block(LONGEST_HEADER).map_err(no_backup)?;
    serde_json::from_slice(&head).map_err(|_| unusable(path, "its head cannot be read"))
}

struct Digesting<R> {
    from: R,
    digest: Sha256,
    bytes: u64,
}

impl<R: Read> Digesting<R> {
    fn take_array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        self.seen(&bytes);
        Ok(bytes)
    }

    fn take(&mut self, length: u64) -> io::Result<Vec<u8>> {
        // Grows with what is there, not with what is promised.
        let mut bytes = Vec::new();
        Read::by_ref(&mut self.from).take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.seen(&bytes);
        Ok(bytes)
    }

    fn block(&mut self, longest: u32) -> io::Result<Vec<u8>> {
        let length = u32::from_be_bytes(self.take_array()?);
        if length > longest {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged: a length is too long"));
        }
        self.take(u64::from(length))
    }

    fn value(&mut self) -> io::Result<RawValue> {
        let length = u16::from_be_bytes(self.take_array()?);
        let tree = String::from_utf8(self.take(u64::from(length))?)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is damaged: a name is no text"))?;
        let key = self.block(LONGEST_KEY)?;
        let [version] = self.take_array()?;
        let bytes = self.block(LONGEST_VALUE)?;
        Ok(RawValue { tree, key, version, bytes })
    }

    fn seen(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

pub(super) fn unusable(path: &Path, why: &str) -> Fault {
    Fault::new(FaultCode::BackupUnusable, format!("the backup {} cannot be used: {why}", path.display()))
        .about(path.display().to_string())
        .because(why)
}

fn unwritable(path: &Path, why: &io::Error) -> Fault {
    Fault::new(FaultCode::StoreUnwritable, format!("the backup {} cannot be written: {why}", path.display()))
        .about(path.display().to_string())
        .because(why.to_string())
}
