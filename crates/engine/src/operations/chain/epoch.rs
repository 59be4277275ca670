//! Where the chain begins, and where it had to begin anew.
//!
//! Each beginning has a key of its own. It lies in a file beside the store until the keyring has it.
//! A chain that begins anew says why, and `verify` tells it for as long as the log is kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use protocol::{Fault, FaultCode};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use super::head::{Head, Noted};
use super::seal::{Runner, hex, parse_hex};
use super::{CHAIN, Pen, TIP, Tip, What, digest, tip};
use crate::clock::Clock;
use crate::error::internal;
use crate::store::{Reader, Store, Tree, Turn, Turned, View, Writer};

/// The beginnings, by the number of their record.
pub(super) const EPOCHS: Tree<u64, Epoch> = Tree::new("operations_chain_epochs", 1);

/// A beginning of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::operations) struct Epoch {
    /// Names its key.
    pub(super) id: u64,
    pub(super) why: Why,
    /// Number of the turn of the store that it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) turn: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::operations) enum Why {
    First,
    /// The file with the running key was gone or another chain's.
    KeyGone,
    /// Records up to this one were noted apart, and are not there.
    RolledBack {
        had: u64,
    },
    /// The store lost its last changes, though what was noted here fits.
    Behind {
        changes: u64,
    },
    /// A person put a backup in the place of a store whose chain had come to this record.
    Restored {
        had: u64,
    },
}

/// The state that seals what comes.
pub(in crate::operations) struct Sealing {
    pub(super) noted: Noted,
    /// `None` where the store can only be read: then nothing is sealed.
    head: Option<Head>,
}

impl Sealing {
    pub(in crate::operations) fn runner(&self) -> Runner {
        self.noted.runner.clone()
    }

    /// Notes a tip that is on the disk.
    pub(in crate::operations) fn advance(&mut self, tip: &Tip) {
        if tip.epoch == self.noted.epoch && tip.record > self.noted.runner.record {
            self.noted.runner = self.noted.runner.at(tip.record);
            self.noted.seal = tip.seal;
            if let Some(head) = &self.head {
                head.note(&self.noted);
            }
        }
    }
}

/// The ids of all beginnings.
pub(in crate::operations) fn epochs(reader: &Reader<'_>) -> Result<Vec<u64>, Fault> {
    Ok(EPOCHS.list(reader, ..)?.into_iter().map(|(_, epoch)| epoch.id).collect())
}

/// Opens the chain of a store, and begins it anew where it does not fit what was noted beside it.
pub(in crate::operations) async fn open(store: &Store, clock: &Clock) -> Result<Mutex<Sealing>, Fault> {
    let dir = store.dir().to_owned();
    if store.read_only().is_some() {
        let tip = store.read(|reader| tip(reader)).await?;
        let noted = Noted { epoch: tip.epoch, seal: tip.seal, runner: Runner::new(tip.record, [0; 32]) };
        return Ok(Mutex::new(Sealing { noted, head: None }));
    }
    let said = Head::read(&dir);
    let had = said.as_ref().map_or(0, |said| said.runner.record);
    let turn = store.turn().cloned();
    let number = turn.as_ref().map(|turn| turn.number);
    let (fits, is_told) = store
        .read(move |reader| {
            Ok((fits(reader, said)?, number.map_or(Ok(true), |number| tells(reader, number))?))
        })
        .await?;
    let turn = turn.filter(|_| !is_told);
    let noted = match (fits, turn.as_ref().map(|turn| &turn.what)) {
        (Ok(noted), None) => noted,
        (Ok(_), Some(Turned::Behind { changes })) => {
            begin_in_store(store, clock, Why::Behind { changes: *changes }, turn).await?
        }
        (Err(why), None | Some(Turned::Behind { .. })) => begin_in_store(store, clock, why, turn).await?,
        (fits, Some(Turned::Restored { .. })) => {
            // What fits is as far as it was.
            let had = if fits.is_ok() { 0 } else { had };
            begin_in_store(store, clock, Why::Restored { had }, turn).await?
        }
    };
    let head = Head::open(&dir, &noted).map_err(|why| unwritable(&dir, &why))?;
    Ok(Mutex::new(Sealing { noted, head: Some(head) }))
}

/// Whether a beginning tells this turn of the store.
fn tells(reader: &Reader<'_>, number: u64) -> Result<bool, Fault> {
    Ok(EPOCHS.list(reader, ..)?.iter().any(|(_, epoch)| epoch.turn == Some(number)))
}

/// The highest record that the chain is known to have had and has not.
pub(in crate::operations) fn had(view: &impl View) -> Result<u64, Fault> {
    let had = EPOCHS.list(view, ..)?.into_iter().map(|(_, epoch)| match epoch.why {
        Why::RolledBack { had } | Why::Restored { had } => had,
        Why::First | Why::KeyGone | Why::Behind { .. } => 0,
    });
    Ok(had.max().unwrap_or_default())
}

/// The running key at the end of the chain, or why there is none.
fn fits(reader: &Reader<'_>, said: Option<Noted>) -> Result<Result<Noted, Why>, Fault> {
    let tip = tip(reader)?;
    if tip.record == 0 {
        // A store that was taken away with all that it held is an older copy too.
        return Ok(Err(said.map_or(Why::First, |said| Why::RolledBack { had: said.runner.record })));
    }
    let Some(said) = said else { return Ok(Err(Why::KeyGone)) };
    if said.runner.record > tip.record {
        return Ok(Err(Why::RolledBack { had: said.runner.record }));
    }
    if said.epoch != tip.epoch {
        return Ok(Err(Why::KeyGone));
    }
    let there = CHAIN.get(reader, &said.runner.record)?;
    if there.is_some_and(|record| record.seal != said.seal) {
        return Ok(Err(Why::RolledBack { had: said.runner.record }));
    }
    Ok(Ok(Noted { epoch: tip.epoch, seal: tip.seal, runner: said.runner.at(tip.record) }))
}

async fn begin_in_store(store: &Store, clock: &Clock, why: Why, turn: Option<Turn>) -> Result<Noted, Fault> {
    let (dir, now_ms) = (store.dir().to_owned(), clock.now_ms());
    if why != Why::First {
        tracing::warn!(?why, "the chain of the log is begun anew");
    }
    let turn = turn.map(|turn| turn.number);
    store.write(move |writer| begin(writer, &dir, now_ms, why, turn)).await
}

/// Begins the chain, with a new key that is on the disk before it is used.
pub(in crate::operations) fn begin(
    writer: &mut Writer<'_>,
    dir: &Path,
    now_ms: i64,
    why: Why,
    turn: Option<u64>,
) -> Result<Noted, Fault> {
    let (mut id, mut key) = ([0; 8], [0; 32]);
    let random = SystemRandom::new();
    random
        .fill(&mut id)
        .and_then(|()| random.fill(&mut key))
        .map_err(|why| internal("the chain of the log", why))?;
    let epoch = Epoch { id: u64::from_be_bytes(id), why, turn };
    let kept = write_start(dir, epoch.id, &key).map_err(|why| unwritable(dir, &why));
    let before = tip(writer)?;
    let runner = Runner::new(before.record, key);
    key.zeroize();
    kept?;
    TIP.put(writer, &super::KEY.to_owned(), &Tip { epoch: epoch.id, ..before })?;
    let mut pen = Pen::take(writer, &runner)?;
    let text = serde_json::to_vec(&epoch).map_err(|why| internal("the chain of the log", why))?;
    let number = pen.add(writer, What::Epoch, 0, now_ms, digest(&text))?;
    EPOCHS.put(writer, &number, &epoch)?;
    pen.put_down(writer)?;
    let now = tip(writer)?;
    Ok(Noted { epoch: now.epoch, seal: now.seal, runner: runner.at(now.record) })
}

pub(super) fn start_path(dir: &Path, epoch: u64) -> PathBuf {
    dir.join(format!("operations.start.{epoch:016x}"))
}

fn write_start(dir: &Path, epoch: u64, key: &[u8; 32]) -> io::Result<()> {
    let path = start_path(dir, epoch);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(hex(key).as_bytes())?;
    file.sync_all()?;
    File::open(dir)?.sync_all()
}

/// The first key of an epoch, if it lies in its file.
pub(super) fn read_start(dir: &Path, epoch: u64) -> Option<[u8; 32]> {
    parse_hex(fs::read_to_string(start_path(dir, epoch)).ok()?.trim())
}

/// Takes the file away, once the keyring has what is in it.
pub(super) fn remove_start(dir: &Path, epoch: u64) {
    if let Err(why) = fs::remove_file(start_path(dir, epoch)) {
        tracing::warn!(%why, "the file with the first key of the log's chain stays, though the keyring has it");
    }
}

fn unwritable(dir: &Path, why: &io::Error) -> Fault {
    Fault::new(
        FaultCode::StoreUnwritable,
        format!("the chain of the log cannot be kept in {}: {why}", dir.display()),
    )
}
