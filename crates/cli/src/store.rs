//! store: the data on this computer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::Desk;
use engine::secrets::SecretStore;
use engine::store::Store;
use protocol::ipc::StoreCheck;
use protocol::store::{BackupFacts, StoreFacts, StoreReport, StoreRestored};
use protocol::text::printable;
use protocol::{Fault, FaultCode};

use crate::output::{Printer, bytes, time};
use crate::secrets;

pub(crate) async fn check(desk: &Desk, printer: &Printer) -> Result<(), Fault> {
    let report = desk.call(StoreCheck {}).await?;
    printer.show(&report, report_words)?;
    match report.broken {
        0 => Ok(()),
        broken => Err(Fault::new(
            FaultCode::StoreDamaged,
            format!("{broken} of the {} values of the store are damaged", report.whole + broken),
        )
        .about(report.facts.dir)),
    }
}

fn report_words(report: &StoreReport) -> String {
    let StoreReport { facts, whole, broken } = report;
    let values = match broken {
        0 => format!("{whole}, each of them read and whole"),
        broken => format!("{whole} are whole, {broken} are damaged"),
    };
    let sealed = match (&facts.sealed_by, &facts.not_sealed) {
        (Some(id), _) => format!("by the key {id}, which is kept with the secrets"),
        (None, Some(why)) => format!("no, it is in the clear: {why}"),
        (None, None) => "no, it is in the clear".to_owned(),
    };
    let rows = [
        ("folder", facts.dir.clone()),
        ("format", facts.format.to_string()),
        ("values", values),
        ("size", format!("{} on the disk, {} of it data", bytes(facts.size_bytes), bytes(facts.live_bytes))),
        ("sealed", sealed),
        ("writable", facts.read_only.as_ref().map_or("yes".to_owned(), |why| format!("no: {why}"))),
        ("backups", backups_words(facts)),
    ];
    rows.iter().map(|(name, what)| format!("{name:<10}{}\n", printable(what))).collect()
}

fn backups_words(facts: &StoreFacts) -> String {
    let folder = Path::new(&facts.dir).join("backups");
    match facts.backups.first() {
        None => "none yet".to_owned(),
        Some(newest) => {
            let count = facts.backups.len();
            format!("{count} in {}, the newest of {}", folder.display(), time(newest.made_ms))
        }
    }
}

pub(crate) async fn back_up(
    desk: &Desk,
    file: PathBuf,
    with_passphrase: bool,
    printer: &Printer,
) -> Result<(), Fault> {
    let passphrase = passphrase(with_passphrase)?;
    let made = desk.back_up(&file, passphrase.map(Into::into)).await?;
    printer.show(&made, backup_words)
}

fn backup_words(made: &BackupFacts) -> String {
    let values = made.values.map(|values| format!("{values} values, ")).unwrap_or_default();
    let sealed = match (&made.sealed_by, made.with_key) {
        (None, _) => "in the clear: keep it where nobody else reads".to_owned(),
        (Some(id), true) => format!("sealed by the key {id}, which it brings along under the passphrase"),
        (Some(id), false) => format!("sealed by the key {id}: it opens where the keyring has this key"),
    };
    format!("{} written: {values}{}\n{sealed}\n", made.file, bytes(made.bytes))
}

/// The store must not be open for this, and may be one that does not open.
pub(crate) async fn restore(
    data_dir: &Path,
    file: &Path,
    with_passphrase: bool,
    place: Arc<dyn SecretStore>,
    printer: &Printer,
) -> Result<(), Fault> {
    let passphrase = passphrase(with_passphrase)?;
    let restored = Store::restore(data_dir, file, place, passphrase.map(Into::into)).await?;
    printer.show(&restored, restored_words)
}

fn restored_words(restored: &StoreRestored) -> String {
    let StoreRestored { backup, kept, other_key } = restored;
    let mut text = format!(
        "{} values restored from {}, made {}\n",
        backup.values.unwrap_or_default(),
        backup.file,
        time(backup.made_ms)
    );
    if let Some(kept) = kept {
        text += &format!("what was there before is kept in {kept}\n");
    }
    if *other_key {
        text += &match &backup.sealed_by {
            Some(id) => format!("it is sealed by another key than the store before: {id}\n"),
            None => "it is in the clear, and the store before was sealed\n".to_owned(),
        };
    }
    text
}

fn passphrase(wanted: bool) -> Result<Option<String>, Fault> {
    wanted.then(|| secrets::from_stdin("passphrase")).transpose()
}
