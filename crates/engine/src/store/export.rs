//! Everything in the store at one moment, while it goes on being written to.
//!
//! sled keeps no old versions. So the export reads a stretch of rows at a time, and a write that
//! comes in between leaves what was there before it (`Before`) for the stretches still to come. A
//! write waits for one stretch at most.

use std::collections::BTreeMap;
use std::ops::Bound;

use protocol::Fault;

use super::inner::Reader;
use super::tree::Rows;
use super::value::{Gather, RawValue};
use super::{Changes, Inner, SLEDS_OWN, STATE_TREE, State, fault, guard, lock};

/// Rows of a stretch, and about the most bytes.
const STRETCH_ROWS: usize = 512;
const STRETCH_BYTES: usize = 1 << 20;

/// What rows were when the export began, of those that changed since and are still to be read.
#[derive(Default)]
pub(super) struct Before {
    /// Everything up to here was read.
    tree: Vec<u8>,
    key: Option<Vec<u8>>,
    rows: BTreeMap<Vec<u8>, Old>,
}

/// Rows of one tree as they were, by their keys; `None` where there was none.
type Old = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl Before {
    /// Notes what these changes will replace. Called before they are made, under the lock of writes.
    pub(super) fn note(&mut self, inner: &Inner, changes: &Changes) -> Result<(), Fault> {
        let reader = Reader { inner };
        for (tree, changed) in changes.iter().filter(|(tree, _)| **tree != STATE_TREE) {
            if tree.as_bytes() < self.tree.as_slice() {
                continue;
            }
            for key in changed.keys() {
                let was_read = tree.as_bytes() == self.tree.as_slice() && Some(key) <= self.key.as_ref();
                if was_read {
                    continue;
                }
                let rows = self.rows.entry(tree.as_bytes().to_vec()).or_default();
                if !rows.contains_key(key) {
                    rows.insert(key.clone(), reader.row(tree, key)?);
                }
            }
        }
        Ok(())
    }
}

/// An export under way. Only one runs at a time.
pub(super) struct Export<'a> {
    inner: &'a Inner,
    _turn: std::sync::MutexGuard<'a, ()>,
    /// What the store said of itself at the moment that is exported.
    pub(super) state: State,
    /// Names of the trees that are still to be read, the next one last.
    trees: Vec<Vec<u8>>,
    current: Option<(sled::Tree, Gather, Option<Vec<u8>>)>,
    /// Values whose rows do not fit together.
    pub(super) broken: u64,
}

impl<'a> Export<'a> {
    pub(super) fn begin(inner: &'a Inner) -> Result<Self, Fault> {
        let turn = lock(&inner.export_turn);
        let _writes = lock(&inner.writes);
        let state = inner.state()?;
        let mut trees: Vec<Vec<u8>> =
            inner.db()?.tree_names().into_iter().map(|name| name.to_vec()).collect();
        trees.retain(|name| name != STATE_TREE.as_bytes() && name != SLEDS_OWN);
        trees.sort_unstable_by(|a, b| b.cmp(a));
        *lock(&inner.before) = Some(Before::default());
        Ok(Self { inner, _turn: turn, state, trees, current: None, broken: 0 })
    }

    /// The next values; none when there are no more.
    pub(super) fn next_values(&mut self) -> Result<Vec<RawValue>, Fault> {
        let mut values = Vec::new();
        while values.is_empty() {
            let dir = &self.inner.dir;
            if self.current.is_none() {
                let Some(name) = self.trees.pop() else { return Ok(values) };
                let text = String::from_utf8(name.clone())
                    .map_err(|_| fault::damaged(dir, "the name of a tree cannot be read"))?;
                let tree = self.inner.db()?.open_tree(&name).map_err(|why| fault::from_sled(dir, &why))?;
                self.current = Some((tree, Gather::of(&text), None));
            }
            let Some((tree, gather, last)) = &mut self.current else { return Ok(values) };
            let rows = guard::quietly(|| self.inner.stretch(tree, last.as_deref()))
                .unwrap_or_else(|why| Err(fault::damaged(dir, &why)))?;
            match rows {
                Some((rows, upto)) => {
                    *last = Some(upto);
                    values.extend(rows.into_iter().filter_map(|(key, row)| gather.row(&key, row)));
                }
                None => {
                    values.extend(gather.end());
                    self.broken += gather.broken;
                    self.current = None;
                }
            }
        }
        Ok(values)
    }
}

impl Drop for Export<'_> {
    fn drop(&mut self) {
        *lock(&self.inner.before) = None;
    }
}

/// Rows with their keys, and the last key that was looked at.
type Stretch = (Vec<(Vec<u8>, Vec<u8>)>, Vec<u8>);

impl Inner {
    /// The rows after `last` as they were when the export began; `None` at the end of the tree.
    fn stretch(&self, tree: &sled::Tree, last: Option<&[u8]>) -> Result<Option<Stretch>, Fault> {
        let _writes = lock(&self.writes);
        let from = last.map_or(Bound::Unbounded, |last| Bound::Excluded(last.to_vec()));
        let mut rows = Old::new();
        let mut bytes = 0;
        let mut ended = true;
        for row in tree.range::<Vec<u8>, _>((from.clone(), Bound::Unbounded)) {
            let (key, value) = row.map_err(|why| fault::from_sled(&self.dir, &why))?;
            bytes += key.len() + value.len();
            rows.insert(key.to_vec(), Some(value.to_vec()));
            if rows.len() >= STRETCH_ROWS || bytes >= STRETCH_BYTES {
                ended = false;
                break;
            }
        }
        let upto = rows.last_key_value().map(|(key, _)| key.clone()).filter(|_| !ended);
        let mut before = lock(&self.before);
        let before = before.get_or_insert_default();
        let name = tree.name().to_vec();
        if let Some(old) = before.rows.get_mut(&name) {
            // Rows that were changed or removed since, up to where this stretch ends.
            let later = match &upto {
                Some(upto) => {
                    let mut later = old.split_off(upto);
                    if let Some(last) = later.remove(upto) {
                        old.insert(upto.clone(), last);
                    }
                    later
                }
                None => BTreeMap::new(),
            };
            rows.extend(std::mem::replace(old, later));
        }
        let end = upto.or_else(|| rows.last_key_value().map(|(key, _)| key.clone()));
        before.tree = name;
        before.key = end.clone();
        let Some(end) = end else {
            // Nothing of this tree is left: what is written to it now is new.
            before.tree.push(0);
            return Ok(None);
        };
        let rows = rows.into_iter().filter_map(|(key, row)| Some((key, row?))).collect();
        Ok(Some((rows, end)))
    }
}
