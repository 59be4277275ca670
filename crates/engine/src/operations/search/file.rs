//! The two files of the index: sealed blocks, and cards with notes on how far they are right.
//!
//! They are made from the log and can be made again, so nothing is synced and nothing is repaired: what
//! does not open is not there. The key lies in the store, sealed as the store is, so the files tell
//! nothing that the store would not.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

const NAME_BYTES: usize = 8;
/// No sealed piece is longer.
const PIECE_BYTES: u32 = 512 << 20;

/// The open files of one index.
pub(super) struct Files {
    blocks: File,
    cards: File,
    key: LessSafeKey,
    random: SystemRandom,
    blocks_end: u64,
}

pub(super) fn folder(dir: &Path) -> PathBuf {
    dir.join("operations.search")
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Files {
    /// Makes both files anew, named for their key.
    pub(super) fn create(dir: &Path, name: u64, key: &[u8; 32]) -> io::Result<Self> {
        let folder = folder(dir);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let make = |file: &str| -> io::Result<File> {
            let path = folder.join(file);
            match fs::remove_file(&path) {
                Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
                _ => {}
            }
            let mut file =
                OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(&name.to_be_bytes())?;
            Ok(file)
        };
        Ok(Self {
            blocks: make("blocks")?,
            cards: make("cards")?,
            key: key_of(key)?,
            random: SystemRandom::new(),
            blocks_end: NAME_BYTES as u64,
        })
    }

    /// Opens the files of this key and gives every piece of the cards up to the first that does not open.
    /// `None` if there are none.
    pub(super) fn open(dir: &Path, name: u64, key: &[u8; 32]) -> Option<(Self, Vec<Vec<u8>>)> {
        let folder = folder(dir);
        let open = |file: &str| -> Option<File> {
            let mut file = OpenOptions::new().read(true).write(true).open(folder.join(file)).ok()?;
            let mut found = [0; NAME_BYTES];
            file.read_exact(&mut found).ok()?;
            (u64::from_be_bytes(found) == name).then_some(file)
        };
        let (blocks, mut cards) = (open("blocks")?, open("cards")?);
        let blocks_end = blocks.metadata().ok()?.len();
        let mut bytes = Vec::new();
        cards.read_to_end(&mut bytes).ok()?;
        let mut files =
            Self { blocks, cards, key: key_of(key).ok()?, random: SystemRandom::new(), blocks_end };
        let mut pieces = Vec::new();
        let mut rest = bytes.as_slice();
        let mut good = NAME_BYTES;
        while let Some((len, after)) = rest.split_first_chunk::<4>() {
            let len = u32::from_be_bytes(*len) as usize;
            let Some((sealed, after)) = after.split_at_checked(len) else { break };
            let Ok(piece) = files.unseal(sealed.to_vec()) else { break };
            pieces.push(piece);
            good += 4 + len;
            rest = after;
        }
        files.cards.set_len(good as u64).ok()?;
        files.cards.seek(SeekFrom::End(0)).ok()?;
        Some((files, pieces))
    }

    /// How much the blocks take, those with it that newer ones stand for.
    pub(super) fn bytes(&self) -> u64 {
        self.blocks_end
    }

    /// Adds a piece to the blocks, and tells where it lies.
    pub(super) fn add_block(&mut self, piece: Vec<u8>) -> io::Result<(u64, u32)> {
        let sealed = self.seal(piece)?;
        let at = self.blocks_end;
        self.blocks.write_all_at(&sealed, at)?;
        self.blocks_end += sealed.len() as u64;
        Ok((at, u32::try_from(sealed.len()).map_err(|_| broken("a block is too long"))?))
    }

    pub(super) fn add_card(&mut self, piece: Vec<u8>) -> io::Result<()> {
        let sealed = self.seal(piece)?;
        let len = u32::try_from(sealed.len()).map_err(|_| broken("a card is too long"))?;
        self.cards.write_all(&[&len.to_be_bytes(), sealed.as_slice()].concat())
    }

    pub(super) fn read_block(&self, (at, len): (u64, u32)) -> io::Result<Vec<u8>> {
        if len > PIECE_BYTES {
            return Err(broken("a block is too long"));
        }
        let mut sealed = vec![0; len as usize];
        self.blocks.read_exact_at(&mut sealed, at)?;
        self.unseal(sealed)
    }

    fn seal(&self, mut piece: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| broken("the system gives no random numbers"))?;
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut piece)
            .map_err(|_| broken("a piece cannot be sealed"))?;
        piece.splice(0..0, nonce);
        Ok(piece)
    }

    fn unseal(&self, mut sealed: Vec<u8>) -> io::Result<Vec<u8>> {
        let nonce = *sealed.first_chunk::<NONCE_LEN>().ok_or_else(|| broken("a piece is too short"))?;
        let opened =
            self.key.open_within(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed, NONCE_LEN..);
        let len = opened.map_err(|_| broken("a piece was changed"))?.len();
        sealed.truncate(len);
        Ok(sealed)
    }
}

fn key_of(key: &[u8; 32]) -> io::Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| broken("no key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back_and_a_torn_end_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let key = [7; 32];
        let mut files = Files::create(dir.path(), 5, &key).unwrap();
        let at = files.add_block(b"a block".to_vec()).unwrap();
        let later = files.add_block(vec![9; 100_000]).unwrap();
        files.add_card(b"one".to_vec()).unwrap();
        files.add_card(b"two".to_vec()).unwrap();
        assert_eq!(files.read_block(at).unwrap(), b"a block");
        drop(files);
        let cards = folder(dir.path()).join("cards");
        let whole = fs::read(&cards).unwrap();
        assert!(!String::from_utf8_lossy(&whole).contains("one"), "they are sealed");
        fs::write(&cards, &whole[..whole.len() - 1]).unwrap();
        let (mut files, pieces) = Files::open(dir.path(), 5, &key).unwrap();
        assert_eq!(pieces, [b"one"]);
        assert_eq!(files.read_block(later).unwrap(), vec![9; 100_000]);
        files.add_card(b"three".to_vec()).unwrap();
        drop(files);
        let (files, pieces) = Files::open(dir.path(), 5, &key).unwrap();
        assert_eq!(pieces, [b"one".to_vec(), b"three".to_vec()]);
        assert!(files.read_block((at.0 + 1, at.1)).is_err(), "a block that was changed is not read");
        assert!(files.read_block((1 << 40, 30)).is_err());
        assert!(Files::open(dir.path(), 6, &key).is_none(), "another log's");
        assert!(Files::open(dir.path(), 5, &[8; 32]).unwrap().1.is_empty());
    }
}
