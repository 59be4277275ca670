//! Typed trees: a key and a value type over rows of bytes.
//!
//! A value is a format version, then JSON or bytes, sealed where the store is. It lies in pieces of
//! 4 KiB, each a row of its own: sled puts anything over 128 KiB, and every page that grows past it,
//! into files which it never syncs.

use std::marker::PhantomData;
use std::ops::{Bound, ControlFlow, RangeBounds};
use std::path::Path;

use protocol::{Fault, FaultCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::seal::{self, Sealer};
use super::value::{self, piece_key};
use super::{Writer, fault};
use crate::error::internal;

/// Format version and number of pieces, before the value in the first piece.
const HEAD_BYTES: usize = 3;

/// Rows of bytes, as a reader or a writer sees them.
pub(super) trait Rows {
    fn row(&self, tree: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;
    fn rows(&self, tree: &str) -> Result<sled::Tree, Fault>;
    fn folder(&self) -> &Path;
    fn sealer(&self) -> &Sealer;
}

/// What can be read from: a `Reader` or a `Writer`.
#[expect(private_bounds, reason = "rows of bytes stay inside the store")]
pub trait View: Rows {}
impl<T: Rows> View for T {}

/// A key whose bytes sort as it does, and of which none is the beginning of another.
pub trait Key: Sized {
    fn to_bytes(&self) -> Vec<u8>;
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

impl Key for u64 {
    fn to_bytes(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(bytes.try_into().ok()?))
    }
}

/// Ends with a NUL, so a text must not hold one; what follows it is not part of the key.
impl Key for String {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.bytes().take_while(|&byte| byte != 0).collect();
        bytes.push(0);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_utf8(bytes.strip_suffix(&[0])?.to_vec()).ok()
    }
}

impl Key for (String, u64) {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.0.to_bytes();
        bytes.extend(self.1.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (text, number) = bytes.split_last_chunk::<8>()?;
        Some((String::from_bytes(text)?, u64::from_be_bytes(*number)))
    }
}

impl Key for (u64, String) {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.0.to_be_bytes().to_vec();
        bytes.extend(self.1.to_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (number, text) = bytes.split_first_chunk::<8>()?;
        Some((u64::from_be_bytes(*number), String::from_bytes(text)?))
    }
}

impl Key for (String, u16) {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.0.to_bytes();
        bytes.extend(self.1.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (text, number) = bytes.split_last_chunk::<2>()?;
        Some((String::from_bytes(text)?, u16::from_be_bytes(*number)))
    }
}

impl Key for (String, u16, String) {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = (self.0.clone(), self.1).to_bytes();
        bytes.extend(self.2.to_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let end = bytes.iter().position(|&byte| byte == 0)?;
        let (head, tail) = bytes.split_at_checked(end + 3)?;
        let (text, number) = <(String, u16)>::from_bytes(head)?;
        Some((text, number, String::from_bytes(tail)?))
    }
}

/// A value as bytes. What serde can write is kept as JSON; `Bytes` as they are.
pub trait Value: Sized {
    fn to_value_bytes(&self) -> Result<Vec<u8>, Fault>;
    /// The reason never repeats a part of the value.
    fn from_value_bytes(bytes: &[u8]) -> Result<Self, String>;
}

impl<T: Serialize + DeserializeOwned> Value for T {
    fn to_value_bytes(&self) -> Result<Vec<u8>, Fault> {
        serde_json::to_vec(self).map_err(|why| internal("a value cannot be stored", why))
    }

    fn from_value_bytes(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes)
            .map_err(|why| format!("a value cannot be read at its column {}", why.column()))
    }
}

/// A value that is kept byte by byte, such as a block of text to search in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Value for Bytes {
    fn to_value_bytes(&self) -> Result<Vec<u8>, Fault> {
        Ok(self.0.clone())
    }

    fn from_value_bytes(bytes: &[u8]) -> Result<Self, String> {
        Ok(Self(bytes.to_vec()))
    }
}

/// Which end a scan begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    LowestFirst,
    HighestFirst,
}

/// A tree of the store by its name, with the types of its keys and values.
pub struct Tree<K, V> {
    name: &'static str,
    version: u8,
    of: PhantomData<fn() -> (K, V)>,
}

impl<K: Key, V: Value> Tree<K, V> {
    /// `version` is that of the value's format; a higher one is refused when it is read.
    pub const fn new(name: &'static str, version: u8) -> Self {
        Self { name, version, of: PhantomData }
    }

    pub fn get(&self, from: &impl View, key: &K) -> Result<Option<V>, Fault> {
        let key = key.to_bytes();
        let Some(first) = from.row(self.name, &piece_key(&key, 0))? else { return Ok(None) };
        let (version, pieces, start) = self.open_head(from.folder(), &first)?;
        let mut bytes = start.to_vec();
        for piece in 1..pieces {
            let row = from.row(self.name, &piece_key(&key, piece))?;
            bytes.extend(row.ok_or_else(|| self.damaged(from.folder(), "a piece of a value is missing"))?);
        }
        self.open(from, &key, version, &bytes).map(Some)
    }

    pub fn has(&self, from: &impl View, key: &K) -> Result<bool, Fault> {
        Ok(from.row(self.name, &piece_key(&key.to_bytes(), 0))?.is_some())
    }

    pub fn put(&self, to: &mut Writer<'_>, key: &K, value: &V) -> Result<(), Fault> {
        let key = key.to_bytes();
        let bytes = value.to_value_bytes()?;
        let context = seal::context(self.name, &key, self.version);
        let bytes = to.sealer().seal_at(&context, &bytes)?.unwrap_or(bytes);
        let rows = value::cut(self.version, &bytes).ok_or_else(|| {
            Fault::new(FaultCode::BadInput, format!("{} bytes are too long to store", bytes.len()))
        })?;
        self.clear(to, &key, u16::try_from(rows.len()).unwrap_or(u16::MAX))?;
        for (piece, row) in (0..).zip(rows) {
            to.change(self.name, piece_key(&key, piece), Some(row));
        }
        Ok(())
    }

    pub fn remove(&self, to: &mut Writer<'_>, key: &K) -> Result<(), Fault> {
        self.clear(to, &key.to_bytes(), 0)
    }

    /// Removes the pieces from `keep` on.
    fn clear(&self, to: &mut Writer<'_>, key: &[u8], keep: u16) -> Result<(), Fault> {
        use Rows;
        let Some(first) = to.row(self.name, &piece_key(key, 0))? else { return Ok(()) };
        let pieces = self.open_head(to.folder(), &first).map_or(1, |(_, pieces, _)| pieces);
        for piece in keep..pieces {
            to.change(self.name, piece_key(key, piece), None);
        }
        Ok(())
    }

    /// Visits every entry in the range of keys until `visit` breaks.
    pub fn scan(
        &self,
        from: &impl View,
        range: impl RangeBounds<K>,
        order: Order,
        mut visit: impl FnMut(K, V) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<(), Fault> {
        let dir = from.folder();
        let rows = from.rows(self.name)?.range::<Vec<u8>, _>(bounds(&range));
        let mut pieces: Vec<(u16, sled::IVec)> = Vec::new();
        let mut current: Vec<u8> = Vec::new();
        let mut step = |key: &[u8], pieces: &mut Vec<(u16, sled::IVec)>| -> Result<ControlFlow<()>, Fault> {
            if pieces.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            pieces.sort_unstable_by_key(|(number, _)| *number);
            let value = self.join(from, key, pieces)?;
            pieces.clear();
            let key = K::from_bytes(key).ok_or_else(|| self.damaged(dir, "a key cannot be read"))?;
            visit(key, value)
        };
        let mut handle = |row: sled::Result<(sled::IVec, sled::IVec)>| -> Result<ControlFlow<()>, Fault> {
            let (row_key, value) = row.map_err(|why| fault::from_sled(dir, &why))?;
            let (key, piece) =
                row_key.split_last_chunk::<2>().ok_or_else(|| self.damaged(dir, "a key is too short"))?;
            if key != current {
                if step(&current, &mut pieces)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                current = key.to_vec();
            }
            pieces.push((u16::from_be_bytes(*piece), value));
            Ok(ControlFlow::Continue(()))
        };
        let broke = match order {
            Order::LowestFirst => run(rows, &mut handle)?,
            Order::HighestFirst => run(rows.rev(), &mut handle)?,
        };
        if broke.is_continue() {
            let _ = step(&current, &mut pieces)?;
        }
        Ok(())
    }

    /// Every entry in the range, lowest key first.
    pub fn list(&self, from: &impl View, range: impl RangeBounds<K>) -> Result<Vec<(K, V)>, Fault> {
        let mut entries = Vec::new();
        self.scan(from, range, Order::LowestFirst, |key, value| {
            entries.push((key, value));
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(entries)
    }

    fn join(&self, from: &impl View, key: &[u8], pieces: &[(u16, sled::IVec)]) -> Result<V, Fault> {
        let dir = from.folder();
        let whole = pieces.iter().enumerate().all(|(at, (number, _))| at == usize::from(*number));
        let Some((_, first)) = pieces.first().filter(|_| whole) else {
            return Err(self.damaged(dir, "a piece of a value is missing"));
        };
        let (version, count, start) = self.open_head(dir, first)?;
        if usize::from(count) != pieces.len() {
            return Err(self.damaged(dir, "a piece of a value is missing"));
        }
        let Some((_, rest)) = pieces.split_first().filter(|(_, rest)| !rest.is_empty()) else {
            return self.open(from, key, version, start);
        };
        let mut bytes = start.to_vec();
        rest.iter().for_each(|(_, piece)| bytes.extend_from_slice(piece));
        self.open(from, key, version, &bytes)
    }

    /// Format, number of pieces, and what the first of them begins with.
    fn open_head<'r>(&self, dir: &Path, row: &'r [u8]) -> Result<(u8, u16, &'r [u8]), Fault> {
        let (version, pieces, start) =
            parse_head(row).ok_or_else(|| self.damaged(dir, "a value is too short"))?;
        if version > self.version {
            return Err(fault::newer(dir, u64::from(version)));
        }
        Ok((version, pieces, start))
    }

    /// The value from all its bytes.
    fn open(&self, from: &impl View, key: &[u8], version: u8, bytes: &[u8]) -> Result<V, Fault> {
        let dir = from.folder();
        let sealer = from.sealer();
        let opened = if sealer.key_id().is_none() {
            V::from_value_bytes(bytes)
        } else {
            let opened = sealer.open_at(&seal::context(self.name, key, version), bytes);
            V::from_value_bytes(&opened.ok_or_else(|| self.damaged(dir, "the seal of a value is broken"))?)
        };
        opened.map_err(|why| self.damaged(dir, &why))
    }

    fn damaged(&self, dir: &Path, why: &str) -> Fault {
        fault::damaged(dir, &format!("{why}, in '{}'", self.name))
    }
}

fn run(
    rows: impl Iterator<Item = sled::Result<(sled::IVec, sled::IVec)>>,
    handle: &mut impl FnMut(sled::Result<(sled::IVec, sled::IVec)>) -> Result<ControlFlow<()>, Fault>,
) -> Result<ControlFlow<()>, Fault> {
    for row in rows {
        if handle(row)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Format version, number of pieces and the start of a value, of its first row.
pub(super) fn parse_head(row: &[u8]) -> Option<(u8, u16, &[u8])> {
    let ([version, high, low], start) = row.split_first_chunk::<HEAD_BYTES>()?;
    Some((*version, u16::from_be_bytes([*high, *low]), start))
}

/// The rows of all pieces of the keys in the range.
fn bounds<K: Key>(range: &impl RangeBounds<K>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let low = match range.start_bound() {
        Bound::Included(key) => Bound::Included(piece_key(&key.to_bytes(), 0)),
        Bound::Excluded(key) => Bound::Excluded(piece_key(&key.to_bytes(), u16::MAX)),
        Bound::Unbounded => Bound::Unbounded,
    };
    let high = match range.end_bound() {
        Bound::Included(key) => Bound::Included(piece_key(&key.to_bytes(), u16::MAX)),
        Bound::Excluded(key) => Bound::Excluded(piece_key(&key.to_bytes(), 0)),
        Bound::Unbounded => Bound::Unbounded,
    };
    (low, high)
}
