//! Values as they lie in the store: whole, of any tree, sealed or not. Copies of a store are made of
//! these, so that making one needs no key.

use super::seal::{self, Sealer};
use super::tree::parse_head;

/// A piece of a value is a row of its own, no longer than this.
const PIECE_BYTES: usize = 4096;
/// Number of the piece, behind the key.
const NUMBER_BYTES: usize = 2;

/// A value with the tree and the key that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawValue {
    pub tree: String,
    pub key: Vec<u8>,
    /// Of its format.
    pub version: u8,
    pub bytes: Vec<u8>,
}

impl RawValue {
    /// Puts it into rows; `None` if it is too long for the store.
    pub(super) fn cut(&self) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        let rows = cut(self.version, &self.bytes)?;
        Some((0..).zip(rows).map(|(number, row)| (piece_key(&self.key, number), row)).collect())
    }

    /// The same value under the seal of another store; `None` if its own seal is broken.
    pub(super) fn resealed(self, from: &Sealer, to: &Sealer) -> Option<Self> {
        if from.key_id() == to.key_id() {
            return Some(self);
        }
        let context = seal::context(&self.tree, &self.key, self.version);
        let bytes = from.open_at(&context, &self.bytes)?;
        let bytes = to.seal_at(&context, &bytes).ok()?.unwrap_or(bytes);
        Some(Self { bytes, ..self })
    }

    /// Whether its seal holds; what is not sealed has none to break.
    pub(super) fn is_whole(&self, sealer: &Sealer) -> bool {
        sealer.open_at(&seal::context(&self.tree, &self.key, self.version), &self.bytes).is_some()
    }
}

/// The rows of a value; `None` if it is too long.
pub(super) fn cut(version: u8, bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let pieces = (bytes.len() + 1 + NUMBER_BYTES).div_ceil(PIECE_BYTES).max(1);
    let pieces = u16::try_from(pieces).ok()?;
    let mut whole = Vec::with_capacity(bytes.len() + 1 + NUMBER_BYTES);
    whole.push(version);
    whole.extend(pieces.to_be_bytes());
    whole.extend_from_slice(bytes);
    Some(whole.chunks(PIECE_BYTES).map(<[u8]>::to_vec).collect())
}

pub(super) fn piece_key(key: &[u8], piece: u16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.len() + NUMBER_BYTES);
    bytes.extend_from_slice(key);
    bytes.extend(piece.to_be_bytes());
    bytes
}

/// Key of a value and number of a piece of it, from the key of its row.
pub(super) fn split_key(row_key: &[u8]) -> Option<(&[u8], u16)> {
    let (key, number) = row_key.split_last_chunk::<NUMBER_BYTES>()?;
    Some((key, u16::from_be_bytes(*number)))
}

/// Whether the row of this key begins a value.
pub(super) fn begins(row_key: &[u8]) -> bool {
    split_key(row_key).is_some_and(|(_, number)| number == 0)
}

/// Puts rows, in the order of their keys, together to values. What is not whole is counted and left out.
pub(super) struct Gather {
    tree: String,
    key: Vec<u8>,
    pieces: Vec<Vec<u8>>,
    pub(super) broken: u64,
}

impl Gather {
    pub(super) fn of(tree: &str) -> Self {
        Self { tree: tree.to_owned(), key: Vec::new(), pieces: Vec::new(), broken: 0 }
    }

    /// Takes the next row; gives the value before it if that is complete now.
    pub(super) fn row(&mut self, row_key: &[u8], row: Vec<u8>) -> Option<RawValue> {
        let Some((key, number)) = split_key(row_key) else {
            self.broken += 1;
            return None;
        };
        let done = if key == self.key && number > 0 { None } else { self.end() };
        if usize::from(number) == self.pieces.len() && (number == 0 || key == self.key) {
            self.key = key.to_vec();
            self.pieces.push(row);
        } else if number == 0 || self.pieces.is_empty() {
            // A later piece without the first.
            self.broken += u64::from(self.key != key);
            self.key = key.to_vec();
        }
        done
    }

    /// The last value, when there are no more rows.
    pub(super) fn end(&mut self) -> Option<RawValue> {
        let pieces = std::mem::take(&mut self.pieces);
        let (version, count, start) = parse_head(pieces.first()?)?;
        if usize::from(count) != pieces.len() {
            self.broken += 1;
            return None;
        }
        let mut bytes = start.to_vec();
        pieces[1..].iter().for_each(|piece| bytes.extend_from_slice(piece));
        Some(RawValue { tree: self.tree.clone(), key: self.key.clone(), version, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(key: &[u8], length: usize) -> RawValue {
        let bytes = (0..length).map(|at| at as u8).collect();
        RawValue { tree: "t".into(), key: key.to_vec(), version: 3, bytes }
    }

    #[test]
    fn rows_become_the_values_that_they_were_cut_from() {
        let values: Vec<RawValue> = [0, 1, 4093, 4094, 20_000]
            .iter()
            .zip(b"abcde")
            .map(|(length, key)| value(&[*key], *length))
            .collect();
        let mut gather = Gather::of("t");
        let mut found = Vec::new();
        for (key, row) in values.iter().flat_map(|value| value.cut().unwrap()) {
            assert!(row.len() <= PIECE_BYTES);
            found.extend(gather.row(&key, row));
        }
        found.extend(gather.end());
        assert_eq!((found, gather.broken), (values, 0));
    }

    #[test]
    fn a_value_that_lacks_a_piece_is_counted_and_its_neighbours_stay() {
        let values = [value(b"a", 9_000), value(b"b", 9_000), value(b"c", 10)];
        let rows: Vec<_> = values.iter().flat_map(|value| value.cut().unwrap()).collect();
        for (missing, left) in [(3, "ac"), (4, "ac"), (5, "ac"), (0, "bc"), (6, "ab")] {
            let mut gather = Gather::of("t");
            let mut found = Vec::new();
            for (_, (key, row)) in rows.iter().enumerate().filter(|(at, _)| *at != missing) {
                found.extend(gather.row(key, row.clone()));
            }
            found.extend(gather.end());
            let keys: String = found.iter().map(|value| value.key[0] as char).collect();
            assert_eq!(keys, left, "without row {missing}");
            // What has no row left cannot be known here.
            assert_eq!(gather.broken, u64::from(missing != 6), "without row {missing}");
        }
    }

    #[test]
    fn a_value_is_put_under_another_seal_without_a_change_of_what_it_says() {
        use crate::store::seal::SealKey;
        use std::sync::Arc;
        let sealer = |key| Sealer::new(Some(Arc::new(key)));
        let (open, a, b) = (Sealer::default(), sealer(SealKey::generate().0), sealer(SealKey::generate().0));
        let plain = value(b"k", 100);
        let sealed = plain.clone().resealed(&open, &a).unwrap();
        assert!(sealed.is_whole(&a) && !sealed.is_whole(&b) && sealed.bytes != plain.bytes);
        assert!(sealed.clone().resealed(&b, &a).is_none());
        assert_eq!(sealed.resealed(&a, &b).unwrap().resealed(&b, &open).unwrap(), plain);
    }
}
