//! Setting up a key for a host: made here, put there by the way that the host is signed in to now,
//! proved by signing in with it, and only then used.

use std::path::{Path, PathBuf};

use protocol::credentials::{Secret, SecretKind};
use protocol::hosts::{Host, Identity};
use protocol::ipc::{Event, KeyPaste, KeySetUp};
use protocol::operations::{Operation, OperationKind, OperationResult};
use protocol::runs::quote_words;
use protocol::{Fault, FaultCode};
use secrecy::SecretString;

use super::Handle;
use super::act::{finished, guarded};
use crate::engine::Engine;
use crate::error::internal;
use crate::helper::{self, Authorized};
use crate::operations::{Finish, OperationDraft};
use crate::sessions::then;
use crate::{services, ssh};

/// Where OpenSSH looks first for a key of this kind.
const DEFAULT: &str = ".ssh/id_ed25519";

impl Handle for KeySetUp {
    async fn handle(self, engine: &Engine) -> Result<Operation, Fault> {
        let host = remote(engine, &self.host).await?;
        let path = key_path(self.key.as_deref())?;
        guarded(engine, &host, self.typed_name.as_deref(), draft(&host, &path)).await?;
        let passphrase = self.passphrase.map(Secret::into_text).transpose()?.map(SecretString::from);
        if passphrase.is_some() {
            engine.parts.credentials.prepare().await?;
        }
        let engine = engine.clone();
        let forget = self.forget_password;
        finished(tokio::spawn(async move { set_up(&engine, host, path, passphrase, forget).await })).await
    }
}

impl Handle for KeyPaste {
    async fn handle(self, engine: &Engine) -> Result<String, Fault> {
        remote(engine, &self.host).await?;
        let path = key_path(self.key.as_deref())?;
        let line = public_half(engine, path, None).await?;
        // For any shell of Bourne's kind; what it adds is what ssh-copy-id adds.
        Ok(format!(
            "umask 077; mkdir -p ~/.ssh && printf '%s\\n' {} >> ~/.ssh/authorized_keys",
            quote_words(&[line.as_str()])
        ))
    }
}

fn draft(host: &Host, path: &Path) -> OperationDraft {
    OperationDraft::new(OperationKind::KeySetUp, Some(then(host)), path.display().to_string())
}

async fn remote(engine: &Engine, name: &str) -> Result<Host, Fault> {
    let host = engine.host(name).await?;
    if host.is_local() {
        return Err(Fault::bad_input("host", "'local' is this computer: it is reached without SSH"));
    }
    Ok(host)
}

fn key_path(given: Option<&str>) -> Result<PathBuf, Fault> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let path = match (given.filter(|path| !path.trim().is_empty()), home) {
        (Some(path), home) => match (path.strip_prefix("~/"), home) {
            (Some(below), Some(home)) => home.join(below),
            _ => PathBuf::from(path),
        },
        (None, Some(home)) => home.join(DEFAULT),
        (None, None) => {
            return Err(Fault::bad_input("key", "no home folder is known: give the path of a key"));
        }
    };
    std::path::absolute(&path)
        .map_err(|why| Fault::bad_input("key", format!("the path {} cannot be used: {why}", path.display())))
}

/// The public half; the key is made if it is not there.
async fn public_half(
    engine: &Engine,
    path: PathBuf,
    passphrase: Option<SecretString>,
) -> Result<String, Fault> {
    let comment = format!("{}@muster", engine.parts.operator);
    // bcrypt takes its time by design.
    tokio::task::spawn_blocking(move || {
        if path.exists() {
            ssh::public_half(&path, passphrase.as_ref())
        } else {
            ssh::make_key_file(&path, passphrase.as_ref(), &comment)
        }
    })
    .await
    .map_err(|why| internal("making a key ended early", why))?
}

/// Logs, sets up, and finishes the entry. Runs to its end even if the one who asked goes away.
async fn set_up(
    engine: &Engine,
    host: Host,
    path: PathBuf,
    passphrase: Option<SecretString>,
    forget_password: bool,
) -> Result<Operation, Fault> {
    let operations = &engine.parts.operations;
    let draft = draft(&host, &path);
    let id = operations.begin(draft).await?;
    let begun_ms = engine.parts.clock.now_ms();
    let done = carry_out(engine, &host, &path, passphrase, forget_password).await;
    let (finish, fault) = match done {
        Ok(summary) => (Finish::new(OperationResult::Done).saying(summary), None),
        Err(Stopped::Before(fault)) => (Finish::by(&fault, OperationResult::Refused), Some(fault)),
        Err(Stopped::After(fault)) => (Finish { outcome: None, ..services::cut_short(&fault) }, Some(fault)),
    };
    let took_ms = u64::try_from(engine.parts.clock.now_ms() - begun_ms).ok();
    let operation = operations.finish(id, Finish { took_ms, ..finish }).await?;
    match fault {
        Some(mut fault) => {
            fault.detail.operation = Some(id);
            fault.detail.host.get_or_insert(host.name);
            Err(fault)
        }
        None => Ok(operation),
    }
}

/// Where it stopped: before anything was sent to the host, or after.
enum Stopped {
    Before(Fault),
    After(Fault),
}

async fn carry_out(
    engine: &Engine,
    host: &Host,
    path: &Path,
    passphrase: Option<SecretString>,
    forget_password: bool,
) -> Result<String, Stopped> {
    let parts = &engine.parts;
    let line = public_half(engine, path.to_owned(), passphrase.clone()).await.map_err(Stopped::Before)?;
    let session = parts.sessions.of(host);
    let connection = session.reach().await.map_err(Stopped::Before)?;
    if let Err(fault) = session.check_machine_of(&connection).await {
        connection.close().await;
        return Err(Stopped::Before(fault));
    }
    let authorized = helper::authorize(&connection, &host.name, &line).await;
    connection.close().await;
    let authorized = authorized.map_err(Stopped::After)?;
    let with_key = Host { identity: Identity::KeyFile { path: path.display().to_string() }, ..host.clone() };
    let has_passphrase = passphrase.is_some();
    if let Some(passphrase) = passphrase {
        let kept = parts.credentials.set(&host.id, SecretKind::Passphrase, passphrase).await;
        kept.map_err(Stopped::After)?;
    }
    if let Err(fault) = parts.sessions.prove(&with_key).await {
        if has_passphrase {
            // The host goes on as before, so this one is of no use.
            let _ = parts.credentials.forget(&host.id, &[SecretKind::Passphrase]).await;
        }
        return Err(Stopped::After(not_proved(fault, &authorized)));
    }
    // From here on the key works: what fails now is told and takes nothing back.
    let mut summary = words(&authorized);
    let saved = parts.hosts.save(Some(host.id.clone()), with_key.draft()).await.map_err(Stopped::After)?;
    if forget_password && host.identity == Identity::Password {
        match parts.credentials.forget(&host.id, &[SecretKind::Password]).await {
            Ok(()) => summary += "; its password was forgotten here",
            Err(fault) => summary += &format!("; its password stays: {}", fault.message),
        }
    }
    parts.sessions.renew(&saved);
    engine.tell(Event::HostsChanged {});
    Ok(summary)
}

fn words(authorized: &Authorized) -> String {
    let how = if authorized.was_there { "was there already" } else { "was added" };
    let closed = match authorized.closed.as_slice() {
        [] => String::new(),
        paths => format!("; others can no longer write to {}", paths.join(", ")),
    };
    format!("the key {how}, and signs in{closed}")
}

/// The key was put there and does not sign in: the host goes on as before.
fn not_proved(fault: Fault, authorized: &Authorized) -> Fault {
    let why = match &authorized.open_home {
        Some(home) => format!("others can write to the home folder {home}, so sshd takes no key from it"),
        None => "its sshd may take keys from another file, or none".to_owned(),
    };
    let message = format!("the key was put there and does not sign in: {}; {why}", fault.message);
    let code = if fault.code == FaultCode::SignInRefused { FaultCode::SignInRefused } else { fault.code };
    Fault { code, message, ..fault }
}
