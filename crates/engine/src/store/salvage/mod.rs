//! What is left in the files of a damaged store, read from sled's log itself.
//!
//! sled gives up at the first thing that is broken, though every message stands for itself. Here all
//! whole messages are read, each page is put together as often as it was written, and of each row the
//! newest that is left is taken. A page of which a later one holds the same stretch of keys says
//! nothing any more; where that later one is lost, the earlier stands in for it. Nothing is written.

mod bytes;
mod pages;
mod segments;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use pages::Node;
use segments::{Before, Kind, Message, Segments};

/// From a page to the beginning of its tree there are fewer steps than this.
const STEPS: usize = 64;

/// Whether more of the log is left behind a place where sled would cut it off.
pub(super) fn is_torn(dir: &Path) -> io::Result<bool> {
    match File::open(dir.join("db")) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(false),
        file => segments::is_torn(&file?),
    }
}

/// The whole messages of a store's files.
pub(super) struct Remains {
    segments: Segments,
    blobs: PathBuf,
    shape: Shape,
    /// Places, in the order of all messages, behind which something is broken, and what.
    breaks: Vec<(u64, Before)>,
}

/// A row that is left of a tree.
pub(super) struct Row {
    pub key: Vec<u8>,
    pub bytes: Vec<u8>,
    /// Place, in the order of all messages, of the one that wrote it.
    pub place: u64,
}

impl Remains {
    /// Reads the files in sled's folder; `None` if there are none. What is no message is passed over.
    pub(super) fn read(dir: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(dir.join("db")) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let segments = Segments::of(file)?;
        let blobs = dir.join("blobs");
        let mut shape = Shape::default();
        let mut breaks = Vec::new();
        let mut place = 0;
        segments.messages(&mut |message, body, before| {
            if before != Before::Whole {
                breaks.push((place, before));
            }
            place += 1;
            match read_blob(&blobs, &message, body) {
                Some(Cow::Borrowed(body)) => shape.note(place, message, body),
                Some(Cow::Owned(body)) => shape.note(place, message, &body),
                None => {}
            }
        })?;
        Ok(Some(Self { segments, blobs, shape, breaks }))
    }

    /// Names of the trees.
    pub(super) fn trees(&self) -> BTreeSet<Vec<u8>> {
        self.shape.roots.values().cloned().collect()
    }

    /// Whether something is broken, so that rows may be as they were before their last change.
    pub(super) fn has_breaks(&self) -> bool {
        !self.breaks.is_empty()
    }

    /// Gives the rows of a tree in the order of their keys. Those that only a guess can give their key
    /// are among them if `with_guesses`: whoever asks can tell whether a value belongs to its key.
    pub(super) fn rows(&self, tree: &[u8], with_guesses: bool, give: &mut dyn FnMut(Row)) -> io::Result<()> {
        let mut merge = Merge::default();
        for writing in self.shape.leaves(tree, with_guesses) {
            merge.up_to(&writing.stretch.low).for_each(&mut *give);
            if !merge.is_superseded(writing) {
                merge.add(writing, self.content(writing, with_guesses)?);
            }
        }
        merge.rows.into_iter().map(row).for_each(give);
        Ok(())
    }

    /// Whether something of this tree may have been written between these two places that is lost.
    pub(super) fn is_broken_between(&self, tree: &[u8], from: u64, until: u64) -> bool {
        self.may_be_lost(from, until, |_, page| self.shape.tree_of(page).is_none_or(|of| of == tree))
    }

    /// Whether a message of a kind and about a page that are meant may be lost between these two places.
    fn may_be_lost(&self, from: u64, until: u64, is_meant: impl Fn(Kind, u64) -> bool) -> bool {
        let mut between = self.breaks.iter().filter(|(place, _)| (from..until).contains(place));
        between.any(|(_, before)| match *before {
            Before::Whole => false,
            Before::Broken(kind, page) => is_meant(kind, page),
            Before::Gap => true,
        })
    }

    /// Whether the page may have been written whole again between these two places, which is lost: what all
    /// keys on it begin with may have become another then, and links leave that out.
    fn may_be_another(&self, page: u64, from: u64, until: u64) -> bool {
        self.may_be_lost(from, until, |kind, about| about == page && kind == Kind::Node)
    }

    /// What a leaf holds.
    fn content(&self, writing: &Writing, with_guesses: bool) -> io::Result<Rows> {
        let mut rows = BTreeMap::new();
        let mut prefix = Vec::new();
        if let Some(base) = &writing.base {
            let body = self.segments.body(base)?;
            let body = read_blob(&self.blobs, base, &body);
            let node = body.as_deref().and_then(Node::parse);
            let Some((node, whole)) = node.as_ref().and_then(|node| Some((node, node.rows()?))) else {
                return Ok(rows);
            };
            prefix = node.prefix().to_vec();
            let keyed = |key: &[u8]| [&prefix, key].concat();
            rows.extend(whole.into_iter().map(|(key, row)| (keyed(key), (writing.from, row.to_vec()))));
        }
        let lengths: BTreeSet<usize> = rows.keys().map(Vec::len).collect();
        // The first page of a tree has no common beginning; and keys of one length tell one that lacks its own.
        let is_sure = |key: &[u8]| {
            with_guesses
                || writing.stretch.low.is_empty()
                || (lengths.len() == 1 && lengths.contains(&key.len()))
        };
        for (place, message) in &writing.links {
            let body = self.segments.body(message)?;
            let body = read_blob(&self.blobs, message, &body);
            let Some((key, row)) = body.as_deref().and_then(pages::link) else { continue };
            let key = [&prefix, key].concat();
            if !is_sure(&key) && self.may_be_another(writing.page, writing.from, *place) {
                continue;
            }
            match row {
                Some(row) if writing.stretch.has(&key) => drop(rows.insert(key, (*place, row.to_vec()))),
                Some(_) => {}
                None => drop(rows.remove(&key)),
            }
        }
        Ok(rows)
    }
}

/// The body of a message, wherever it lies; `None` if it is in a file that is gone or damaged.
fn read_blob<'a>(blobs: &Path, message: &Message, body: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    if !message.is_blob {
        return Some(Cow::Borrowed(body));
    }
    let name = Bytes(body).u64()?;
    let bytes = std::fs::read(blobs.join(name.to_string())).ok()?;
    let (sum, told) = bytes.split_first_chunk::<4>()?;
    let (_, body) = told.split_first()?;
    (crc32fast::hash(told) == u32::from_le_bytes(*sum)).then(|| Cow::Owned(body.to_vec()))
}

/// Which pages there were and how they hung together.
#[derive(Default)]
struct Shape {
    /// Each page as it was written whole, with the links behind it, the newest last.
    pages: HashMap<u64, Vec<Writing>>,
    parents: HashMap<u64, u64>,
    /// The pages to the left.
    neighbours: HashMap<u64, u64>,
    roots: HashMap<u64, Vec<u8>>,
}

/// A page as it was written at one time.
struct Writing {
    page: u64,
    /// Places, in the order of all messages, of the first and the last that wrote it.
    from: u64,
    until: u64,
    /// `None` where only links are left.
    base: Option<Message>,
    links: Vec<(u64, Message)>,
    is_leaf: bool,
    stretch: Stretch,
}

impl Shape {
    fn note(&mut self, place: u64, message: Message, body: &[u8]) {
        match message.kind {
            Kind::Other => {}
            Kind::Meta => {
                self.roots.extend(pages::roots(body).into_iter().map(|(name, page)| (page, name.to_vec())))
            }
            // What a page held that sled gave up is held by another.
            Kind::Free => drop(self.pages.remove(&message.page)),
            Kind::Node => self.note_node(place, message, body),
            Kind::Link => {
                let writings = self.pages.entry(message.page).or_default();
                if writings.is_empty() {
                    writings.push(Writing {
                        page: message.page,
                        from: place,
                        until: place,
                        base: None,
                        links: Vec::new(),
                        is_leaf: true,
                        stretch: Stretch::default(),
                    });
                }
                if let Some(writing) = writings.last_mut() {
                    writing.until = place;
                    writing.links.push((place, message));
                }
            }
        }
    }

    fn note_node(&mut self, place: u64, message: Message, body: &[u8]) {
        let Some(node) = Node::parse(body) else { return };
        let page = message.page;
        if let Some(next) = node.next {
            self.neighbours.insert(next, page);
        }
        for child in node.children().filter(|_| !node.is_leaf).into_iter().flatten() {
            self.parents.insert(child, page);
        }
        self.pages.entry(page).or_default().push(Writing {
            page,
            from: place,
            until: place,
            base: Some(message),
            links: Vec::new(),
            is_leaf: node.is_leaf,
            stretch: Stretch { low: node.low.to_vec(), high: node.high.to_vec() },
        });
    }

    /// The leaves of a tree, as often as they were written, from the lowest key on and the newest first.
    fn leaves(&self, tree: &[u8], with_guesses: bool) -> Vec<&Writing> {
        let of_tree = self.pages.iter().filter(|(page, _)| self.tree_of(**page) == Some(tree));
        let mut leaves: Vec<&Writing> = of_tree
            .flat_map(|(_, writings)| writings)
            .filter(|writing| writing.is_leaf && (with_guesses || writing.base.is_some()))
            .collect();
        leaves.sort_by_key(|writing| (&writing.stretch.low, Reverse(writing.from)));
        leaves
    }

    fn tree_of(&self, page: u64) -> Option<&[u8]> {
        let mut page = page;
        for _ in 0..STEPS {
            if let Some(name) = self.roots.get(&page) {
                return Some(name);
            }
            page = *self.parents.get(&page).or_else(|| self.neighbours.get(&page))?;
        }
        None
    }
}

/// A stretch of keys.
#[derive(Clone, Default, PartialEq, Eq)]
struct Stretch {
    low: Vec<u8>,
    /// No bound if it is empty.
    high: Vec<u8>,
}

impl Stretch {
    fn has(&self, key: &[u8]) -> bool {
        *self.low <= *key && !self.is_below(key)
    }

    fn holds(&self, other: &Self) -> bool {
        self.low <= other.low && self.reaches(other)
    }

    /// Whether it ends where the other does, or behind it.
    fn reaches(&self, other: &Self) -> bool {
        self.high.is_empty() || (!other.high.is_empty() && other.high <= self.high)
    }

    /// Whether it ends before this key.
    fn is_below(&self, key: &[u8]) -> bool {
        !self.high.is_empty() && *self.high <= *key
    }
}

/// Rows by their keys, with the place of the message that wrote them.
type Rows = BTreeMap<Vec<u8>, (u64, Vec<u8>)>;

fn row((key, (place, bytes)): (Vec<u8>, (u64, Vec<u8>))) -> Row {
    Row { key, bytes, place }
}

/// Puts leaves together that come by their lowest key.
#[derive(Default)]
struct Merge<'a> {
    rows: Rows,
    /// Leaves that reach into what comes yet.
    open: Vec<&'a Writing>,
}

impl<'a> Merge<'a> {
    /// Takes out what no later leaf can change: all below this key.
    fn up_to(&mut self, key: &[u8]) -> impl Iterator<Item = Row> + use<> {
        self.open.retain(|leaf| !leaf.stretch.is_below(key));
        let later = self.rows.split_off(key);
        std::mem::replace(&mut self.rows, later).into_iter().map(row)
    }

    fn is_superseded(&self, leaf: &Writing) -> bool {
        self.open.iter().any(|open| open.from > leaf.until && open.stretch.holds(&leaf.stretch))
    }

    fn add(&mut self, leaf: &'a Writing, content: Rows) {
        let is_whole = leaf.base.is_some();
        if is_whole {
            // What an earlier leaf held of this stretch is here, or was removed.
            self.rows.retain(|key, (place, _)| !(*place < leaf.from && leaf.stretch.has(key)));
        }
        for (key, (place, row)) in content {
            let gone = self.open.iter().any(|open| open.from > place && open.stretch.has(&key));
            if !gone && self.rows.get(&key).is_none_or(|(known, _)| *known < place) {
                self.rows.insert(key, (place, row));
            }
        }
        if is_whole {
            // Of what comes from here on, an earlier leaf that reaches no further says nothing more.
            self.open.retain(|open| open.from > leaf.from || !leaf.stretch.reaches(&open.stretch));
            self.open.push(leaf);
        }
    }
}
