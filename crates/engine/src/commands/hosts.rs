//! hosts: saving them, and their links.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use protocol::credentials::{Secret, SecretKind};
use protocol::hosts::{HelperUse, Host, HostDraft, HostRow, Identity, LOCAL, Sudo, check_draft};
use protocol::ipc::{
    AppFacts, AppStart, Event, HostCheck, HostConnect, HostDisconnect, HostRemove, HostSave, HostsList,
    NewSecret, QuestionAnswer, QuestionsList, SettingsSave, ViewKeep,
};
use protocol::link::{CheckReport, LinkState, Question};
use protocol::operations::{OperationKind, OperationResult};
use protocol::settings::Settings;
use protocol::{Fault, FaultCode};
use secrecy::SecretString;

use super::Handle;
use super::act::guarded;
use super::notes::follow_groups;
use crate::engine::Engine;
use crate::hosts::Hosts;
use crate::operations::{Finish, OperationDraft};
use crate::sessions::{Given, then};
use crate::{settings, ssh, this_computer};

impl Handle for AppStart {
    const WHILE_LOCKED: bool = true;

    async fn handle(self, engine: &Engine) -> Result<AppFacts, Fault> {
        let parts = &engine.parts;
        let locked = parts.lock.is_shut();
        let views = if locked { BTreeMap::new() } else { settings::views::all(&parts.store).await? };
        Ok(AppFacts {
            version: protocol::VERSION.to_owned(),
            operator: parts.operator.clone(),
            settings: settings::load(&parts.store).await?,
            system_language: this_computer::language(),
            keyring: parts.credentials.state().await,
            counts: parts.operations.counts(),
            notices: parts.store.notices(),
            locked,
            can_lock: parts.lock.can_shut().await?,
            views,
        })
    }
}

impl Handle for SettingsSave {
    async fn handle(self, engine: &Engine) -> Result<Settings, Fault> {
        let before = settings::load(&engine.parts.store).await?;
        let after = settings::save(&engine.parts.store, self.settings).await?;
        if let Some(to) = &after.log.syslog {
            engine.parts.operations.forward_from_now(to).await?;
        }
        if before.interval_ms != after.interval_ms {
            engine.parts.sessions.set_interval(after.interval_ms);
        }
        if let Some(change) = settings::log_change(&before.log, &after.log) {
            log(engine, OperationKind::SettingsChange, None, "log", &change).await?;
        }
        Ok(after)
    }
}

impl Handle for ViewKeep {
    async fn handle(self, engine: &Engine) -> Result<(), Fault> {
        settings::views::keep(&engine.parts.store, self.place, self.line).await
    }
}

impl Handle for HostsList {
    async fn handle(self, engine: &Engine) -> Result<Vec<HostRow>, Fault> {
        let parts = &engine.parts;
        let mut hosts = parts.hosts.list().await?;
        hosts.push(Hosts::local());
        let ids: Vec<String> = hosts.iter().map(|host| host.id.clone()).collect();
        let glances = parts.snapshots.glances(&ids).await?;
        let mut rows = Vec::new();
        for (host, last) in hosts.into_iter().zip(glances) {
            let session = parts.sessions.find(&host.id);
            // This computer is in the list once somebody looked at it.
            if host.is_local() && session.is_none() && last.is_none() {
                continue;
            }
            let link = session.map_or(LinkState::Idle, |session| session.state());
            rows.push(HostRow { host, link, last });
        }
        Ok(rows)
    }
}

impl Handle for HostSave {
    async fn handle(self, engine: &Engine) -> Result<Host, Fault> {
        let HostSave { id, draft, secrets, typed_name } = self;
        let secrets = texts_of(secrets)?;
        let draft = HostDraft { identity: absolute(draft.identity)?, ..draft };
        check_draft(&draft)?;
        if let Identity::KeyFile { path } = &draft.identity {
            ssh::check_key_file(Path::new(path))?;
        }
        let parts = &engine.parts;
        if !secrets.is_empty() {
            parts.credentials.prepare().await.map_err(|fault| Fault {
                message: format!(
                    "{} was not saved, because its secret cannot be: {}",
                    draft.name, fault.message
                ),
                ..fault.on_host(&draft.name)
            })?;
        }
        let kind = if id.is_some() { OperationKind::HostEdit } else { OperationKind::HostAdd };
        let before = match &id {
            Some(id) => parts.hosts.list().await?.into_iter().find(|host| host.id == *id),
            None => None,
        };
        let changed_secret = !secrets.is_empty();
        let mut stays = None;
        if let Some(before) =
            before.as_ref().filter(|before| before.is_guarded() && !is_guarded_draft(&draft))
        {
            let draft = OperationDraft::new(OperationKind::HostEdit, Some(then(before)), &before.name);
            guarded(engine, before, typed_name.as_deref(), draft).await?;
        }
        let host = parts.hosts.save(id.clone(), draft).await?;
        if let Err(fault) = keep_secrets(engine, &host, secrets).await {
            // Nothing half done: without its secret the host is as it was before.
            if parts.sessions.find(&host.id).is_some_and(|session| session.host() == &host) {
                parts.sessions.end(&host.id);
            }
            match before {
                Some(before) => drop(parts.hosts.save(id, before.draft()).await?),
                None => {
                    parts.hosts.remove(&host.name).await?;
                    forget_part(engine, &host, &fault).await;
                }
            }
            return Err(fault);
        }
        if before.as_ref().is_some_and(|before| changed_secret || !before.has_link_of(&host)) {
            parts.sessions.renew(&host);
        }
        if let Some(before) = before {
            // What was kept for a way that is not taken any more goes.
            let kinds: Vec<_> =
                kinds_of(&before).filter(|kind| !kinds_of(&host).any(|kept| kept == *kind)).collect();
            stays = forget_secrets(engine, &host, &kinds).await;
            follow_groups(engine, &[(before, host.clone())]).await?;
        }
        let place = format!("{}@{}:{}", host.user, host.address, host.port);
        let summary = stays.map_or(place.clone(), |stays| format!("{place}; {stays}"));
        log(engine, kind, Some(&host), &host.name, &summary).await?;
        engine.tell(Event::HostsChanged {});
        Ok(host)
    }
}

/// True if the host would be guarded.
fn is_guarded_draft(draft: &HostDraft) -> bool {
    draft.tags.iter().any(|tag| tag.trim().eq_ignore_ascii_case("prod"))
}

fn texts_of(secrets: Vec<NewSecret>) -> Result<Vec<(SecretKind, SecretString)>, Fault> {
    let text = |secret: NewSecret| Ok((secret.kind, secret.value.into_text()?.into()));
    secrets.into_iter().map(text).collect()
}

async fn keep_secrets(
    engine: &Engine,
    host: &Host,
    secrets: Vec<(SecretKind, SecretString)>,
) -> Result<(), Fault> {
    for (kind, value) in secrets {
        engine.parts.credentials.set(&host.id, kind, value).await?;
    }
    Ok(())
}

/// Takes away the secrets that were kept for a host before another one was refused. A keyring that
/// waits at a prompt took none, and would not answer.
async fn forget_part(engine: &Engine, host: &Host, refused: &Fault) {
    if refused.code == FaultCode::KeyringLocked {
        return;
    }
    forget_secrets(engine, host, &kinds_of(host).collect::<Vec<_>>()).await;
}

/// The kinds of secrets that may be kept for a host. One is looked for only where it can be: a host
/// that is signed in to by a key of the agent must not wake the keyring.
fn kinds_of(host: &Host) -> impl Iterator<Item = SecretKind> {
    let sign_in: &[SecretKind] = match host.identity {
        Identity::Agent => &[],
        Identity::KeyFile { .. } | Identity::Password => &[SecretKind::Password, SecretKind::Passphrase],
    };
    let sudo: &[SecretKind] = if host.sudo == Sudo::Password { &[SecretKind::Sudo] } else { &[] };
    sign_in.iter().chain(sudo).copied()
}

/// Takes secrets out of the keyring, and tells what stays there if it refused.
async fn forget_secrets(engine: &Engine, host: &Host, kinds: &[SecretKind]) -> Option<String> {
    if kinds.is_empty() {
        return None;
    }
    let fault = engine.parts.credentials.forget(&host.id, kinds).await.err()?;
    tracing::warn!(host = %host.name, code = ?fault.code, "secrets of a host stay in the keyring");
    Some(format!("its secrets stay in the keyring: {}", fault.message))
}

/// Makes the path of a key file absolute, so that it means the same from every folder.
pub(super) fn absolute(identity: Identity) -> Result<Identity, Fault> {
    let Identity::KeyFile { path } = identity else { return Ok(identity) };
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let full = match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => std::path::absolute(&path).map_err(|why| {
            Fault::bad_input("key", format!("the key file's path '{path}' cannot be used: {why}"))
        })?,
    };
    Ok(Identity::KeyFile { path: full.to_string_lossy().into_owned() })
}

impl Handle for HostRemove {
    async fn handle(self, engine: &Engine) -> Result<(), Fault> {
        let parts = &engine.parts;
        if self.host == LOCAL {
            return Err(Fault::bad_input("host", "this computer is not a saved host and cannot be removed"));
        }
        let saved = engine.host(&self.host).await?;
        let draft = OperationDraft::new(OperationKind::HostRemove, Some(then(&saved)), &saved.name);
        guarded(engine, &saved, self.typed_name.as_deref(), draft).await?;
        let host = parts.hosts.remove(&self.host).await?;
        parts.sessions.end(&host.id);
        parts.snapshots.forget(&host.id).await?;
        parts.notes.forget(&host).await?;
        parts.trust.forget_machine(&host).await?;
        let others = parts.hosts.list().await?;
        if !others
            .iter()
            .any(|other| other.port == host.port && other.address.eq_ignore_ascii_case(&host.address))
        {
            parts.trust.forget(&host.address, host.port, None).await?;
        }
        let stays = forget_secrets(engine, &host, &kinds_of(&host).collect::<Vec<_>>()).await;
        log(engine, OperationKind::HostRemove, Some(&host), &host.name, &stays.unwrap_or_default()).await?;
        engine.tell(Event::HostsChanged {});
        Ok(())
    }
}

impl Handle for HostConnect {
    async fn handle(self, engine: &Engine) -> Result<(), Fault> {
        let interval_ms = settings::load(&engine.parts.store).await?.interval_ms;
        // Nothing is waited for after this: a host that is removed meanwhile must not be kept.
        let host = engine.host(&self.host).await?;
        engine.parts.sessions.of(&host).keep(interval_ms);
        Ok(())
    }
}

impl Handle for HostDisconnect {
    async fn handle(self, engine: &Engine) -> Result<(), Fault> {
        let host = engine.host(&self.host).await?;
        if let Some(session) = engine.parts.sessions.find(&host.id) {
            session.disconnect();
        }
        Ok(())
    }
}

impl Handle for QuestionsList {
    async fn handle(self, engine: &Engine) -> Result<Vec<Question>, Fault> {
        Ok(engine.parts.sessions.questions().list())
    }
}

impl Handle for QuestionAnswer {
    async fn handle(self, engine: &Engine) -> Result<(), Fault> {
        let save = self.save;
        let text = |answer: Secret| Ok::<_, Fault>(SecretString::from(answer.into_text()?));
        let answers = self.answers.map(|answers| answers.into_iter().map(text).collect()).transpose()?;
        let given = answers.map(|answers| Given { answers, save });
        engine.parts.sessions.questions().answer(self.id, given)
    }
}

impl Handle for HostCheck {
    async fn handle(self, engine: &Engine) -> Result<CheckReport, Fault> {
        let host = engine.host(&self.host).await?;
        let session = engine.parts.sessions.of(&host);
        let live = session.live().await?;
        let placed = live.placed.as_ref();
        Ok(CheckReport {
            host: host.name,
            state: session.state(),
            helper_version: (host.helper == HelperUse::Placed).then(|| live.link.hello().version.clone()),
            missing: live.link.hello().missing.clone(),
            helper_path: placed.map(|placed| placed.path.clone()),
            helper_placed: placed.is_some_and(|placed| placed.newly),
            took_ms: live.took_ms,
        })
    }
}

/// Logs what was done here at once. It is the operator's own and so not unread.
pub(super) async fn log(
    engine: &Engine,
    kind: OperationKind,
    host: Option<&Host>,
    target: &str,
    summary: &str,
) -> Result<(), Fault> {
    let draft = OperationDraft::new(kind, host.map(then), target);
    let finish = Finish { summary: summary.to_owned(), ..Finish::new(OperationResult::Done) };
    engine.parts.operations.record_own(draft, finish).await.map(drop)
}
