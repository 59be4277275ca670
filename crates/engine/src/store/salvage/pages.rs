//! Pages of sled's trees, from the messages of its log: a page is written whole now and then, and
//! each change of one row between is a link.

use super::bytes::Bytes;

/// A page as it was written whole. Leaves hold rows, others name the pages below them.
pub(super) struct Node<'a> {
    /// The page to the right of it.
    pub next: Option<u64>,
    prefix: usize,
    /// It holds keys from here on.
    pub low: &'a [u8],
    /// Up to here, and not this one; no bound if it is empty.
    pub high: &'a [u8],
    pub is_leaf: bool,
    count: u64,
    rest: &'a [u8],
}

impl<'a> Node<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let mut bytes = Bytes(body);
        let next = Some(bytes.number()?).filter(|page| *page > 0);
        let _merging_child = bytes.number()?;
        let _is_merging = bytes.byte()?;
        let prefix = usize::from(bytes.byte()?);
        let (low, high) = (bytes.text()?, bytes.text()?);
        let is_leaf = match bytes.byte()? {
            0 => true,
            1 => false,
            _ => return None,
        };
        let count = bytes.number()?;
        (low.len() >= prefix).then_some(Self { next, prefix, low, high, is_leaf, count, rest: bytes.0 })
    }

    /// What all keys on it begin with; links leave it out.
    pub(super) fn prefix(&self) -> &'a [u8] {
        &self.low[..self.prefix]
    }

    /// Keys, without their common beginning, and values of a leaf.
    pub(super) fn rows(&self) -> Option<Vec<(&'a [u8], &'a [u8])>> {
        let mut bytes = Bytes(self.rest);
        let keys: Vec<_> = (0..self.count).map_while(|_| bytes.text()).collect();
        let rows: Vec<_> = keys.into_iter().map_while(|key| Some((key, bytes.text()?))).collect();
        (rows.len() as u64 == self.count).then_some(rows)
    }

    /// The pages below one that is no leaf.
    pub(super) fn children(&self) -> Option<Vec<u64>> {
        let mut bytes = Bytes(self.rest);
        let keys = (0..self.count).map_while(|_| bytes.text()).count();
        let pages: Vec<_> = (0..keys).map_while(|_| bytes.number()).collect();
        (pages.len() as u64 == self.count).then_some(pages)
    }
}

/// A change of one row of a leaf: the key without the common beginning, and the value unless it was
/// removed. `None` for what concerns the shape of a tree.
pub(super) fn link(body: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let mut bytes = Bytes(body);
    match bytes.byte()? {
        0 => Some((bytes.text()?, Some(bytes.text()?))),
        1 => Some((bytes.text()?, None)),
        _ => None,
    }
}

/// Names of trees, with the page where each begins.
pub(super) fn roots(body: &[u8]) -> Vec<(&[u8], u64)> {
    let mut bytes = Bytes(body);
    std::iter::from_fn(|| Some((bytes.text()?, bytes.number()?))).collect()
}
