//! What the keyring keeps of the chain: the key that it began with, and how far it has come.
//!
//! It is written now and then and never in the way of an operation: the file beside the store knows
//! the last record, the keyring knows one that an older copy of all files would not have.

use std::collections::BTreeMap;
use std::path::Path;

use protocol::{Fault, FaultCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::Tip;
use super::epoch::{read_start, remove_start, start_path};
use super::seal::{Digest, hex, parse_hex};
use crate::secrets::SecretStore;

/// The item of the keyring for one beginning of the chain.
#[derive(Serialize, Deserialize)]
struct Item {
    start: String,
    record: u64,
    seal: Digest,
}

/// What is known of one beginning, and where it was found.
#[derive(Clone)]
pub(in crate::operations) struct KeptApart {
    pub(super) start: Option<[u8; 32]>,
    /// True if it lies apart from the data folder; `None` if only the file in that has it.
    pub(super) is_apart: Option<bool>,
    /// How far the keyring knows the chain.
    pub(super) noted: Option<(u64, Digest)>,
}

fn name(epoch: u64) -> String {
    format!("operations-chain-{epoch:016x}")
}

fn read(secrets: &dyn SecretStore, epoch: u64) -> Result<Option<Item>, Fault> {
    let Some(text) = secrets.get(&name(epoch))? else { return Ok(None) };
    serde_json::from_str(text.expose_secret()).map(Some).map_err(|_| {
        Fault::new(
            FaultCode::KeyringUnavailable,
            "the keyring's item for the chain of the log cannot be read",
        )
    })
}

/// Asks the keyring, and the files for what it does not have. Where it cannot be asked, the files alone tell.
pub(in crate::operations) fn ask(
    secrets: &dyn SecretStore,
    dir: &Path,
    epochs: &[u64],
) -> Result<BTreeMap<u64, KeptApart>, Fault> {
    let mut known = BTreeMap::new();
    for &epoch in epochs {
        let file = read_start(dir, epoch);
        let item = match read(secrets, epoch) {
            Ok(item) => item,
            // With its file there the key is known; without, the person must know that it cannot be asked for.
            Err(_) if file.is_some() => None,
            // Where there is no such place, nobody has it: the key is as good as lost here.
            Err(fault) if fault.code == FaultCode::KeyringUnavailable => None,
            Err(fault) => {
                let message = format!(
                    "the log cannot be verified: the first key of its chain is not in {}, and where it may be \
                     otherwise cannot be asked: {}",
                    start_path(dir, epoch).display(),
                    fault.message
                );
                return Err(Fault { message, ..fault });
            }
        };
        let start = item.as_ref().and_then(|item| parse_hex(&item.start));
        known.insert(
            epoch,
            KeptApart {
                is_apart: start.map(|_| secrets.is_apart(&name(epoch))),
                start: start.or(file),
                noted: item.map(|item| (item.record, item.seal)),
            },
        );
    }
    Ok(known)
}

/// Notes in the keyring how far the chain of this epoch has come, and hands it the first key from its file.
/// An item that knows more than the chain is left as it is: `verify` will tell. No new key is made for
/// one that is gone.
pub(in crate::operations) fn keep(secrets: &dyn SecretStore, dir: &Path, tip: &Tip) -> Result<(), Fault> {
    let Tip { epoch, record, seal } = *tip;
    let file = read_start(dir, epoch);
    let start = match read(secrets, epoch)? {
        Some(item) if item.record >= record => return Ok(()),
        Some(item) => item.start,
        None => match file {
            Some(key) => hex(&key),
            None => return Ok(()),
        },
    };
    let text =
        serde_json::to_string(&Item { start, record, seal }).map(SecretString::from).map_err(|why| {
            Fault::new(FaultCode::Internal, format!("the chain's end could not be written down: {why}"))
        })?;
    secrets.set(&name(epoch), &text)?;
    if file.is_some() {
        remove_start(dir, epoch);
    }
    Ok(())
}
