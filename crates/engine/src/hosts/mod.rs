//! hosts: the saved hosts, each under an id that outlives its name and address.
//!
//! It checks what a person gives and keeps it. It never connects; what else belongs to a host
//! (secrets, trust, snapshots) is under its id or address in the other nouns.

pub(crate) mod export;
pub(crate) mod import;
mod similar;
pub(crate) mod terminal;

use std::ops::ControlFlow;
use std::sync::Arc;

use protocol::hosts::{HelperUse, Host, HostChange, HostDraft, Identity, LOCAL, Sudo, check_draft};
use protocol::text::printable;
use protocol::{Fault, FaultCode};
use tokio::sync::RwLock;
use uuid::{NoContext, Timestamp, Uuid};

use crate::clock::Clock;
use crate::store::{Order, Reader, Store, Tree, View, Writer};

const HOSTS: Tree<String, Host> = Tree::new("hosts", 1);

/// A longer chain of jump hosts is a mistake.
const HOPS_LIMIT: usize = 8;
/// So many hosts are named in one sentence.
const NAMED_LIMIT: usize = 5;

/// The saved hosts.
#[derive(Clone)]
pub struct Hosts {
    store: Store,
    clock: Clock,
    /// What the store holds, by name; `None` until it is read, and after each change. Every command names
    /// its hosts: to unseal all of them each time would make one over all hosts their number squared.
    /// Who changes the store holds it alone, so that nothing older is put here.
    known: Arc<RwLock<Option<Arc<Vec<Host>>>>>,
}

impl Hosts {
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock, known: Arc::default() }
    }

    /// This computer, which needs no saving.
    pub fn local() -> Host {
        Host {
            id: LOCAL.into(),
            name: LOCAL.into(),
            address: "localhost".into(),
            port: 0,
            user: String::new(),
            identity: Identity::Agent,
            jump: None,
            groups: Vec::new(),
            tags: Vec::new(),
            sudo: Sudo::None,
            helper_dir: None,
            helper: HelperUse::Placed,
            added_ms: 0,
        }
    }

    /// All saved hosts by name, without this computer.
    pub async fn list(&self) -> Result<Vec<Host>, Fault> {
        Ok(self.known().await?.to_vec())
    }

    async fn known(&self) -> Result<Arc<Vec<Host>>, Fault> {
        if let Some(known) = &*self.known.read().await {
            return Ok(known.clone());
        }
        let mut slot = self.known.write().await;
        if let Some(known) = &*slot {
            return Ok(known.clone());
        }
        let known = Arc::new(self.store.read(|reader| all(reader)).await?);
        *slot = Some(known.clone());
        Ok(known)
    }

    async fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let mut known = self.known.clone().write_owned().await;
        *known = None;
        // Held until the store has done it, even if who asked is gone.
        let release = move |_: &Reader<'_>| {
            drop(known);
            Ok(())
        };
        self.store.write_then(work, release).await
    }

    /// The host of this name, or this computer for `local`.
    ///
    /// `HostUnknown`, with the names that come close, if there is none.
    pub async fn find(&self, name: &str) -> Result<Host, Fault> {
        if name == LOCAL {
            return Ok(Self::local());
        }
        by_name(&self.known().await?, name).cloned()
    }

    /// The host of this id, if it is still saved.
    pub async fn with_id(&self, id: &str) -> Result<Option<Host>, Fault> {
        if id == LOCAL {
            return Ok(Some(Self::local()));
        }
        Ok(self.known().await?.iter().find(|host| host.id == id).cloned())
    }

    /// Adds a host, or changes the one of this id. `HostExists` if another one has its name.
    pub async fn save(&self, id: Option<String>, draft: HostDraft) -> Result<Host, Fault> {
        check_draft(&draft)?;
        let now_ms = self.clock.now_ms();
        self.change(move |writer| {
            let hosts = all(writer)?;
            let before = match &id {
                None => None,
                Some(id) => Some(hosts.iter().find(|host| host.id == *id).ok_or_else(|| gone(id))?),
            };
            check_name_is_free(&hosts, id.as_deref(), &draft.name)?;
            check_jump(&hosts, id.as_deref(), &draft)?;
            let host = from_draft(
                id.unwrap_or_else(|| new_id(now_ms)),
                before.map_or(now_ms, |before| before.added_ms),
                draft,
            );
            HOSTS.put(writer, &host.id, &host)?;
            if let Some(before) = before.filter(|before| before.name != host.name) {
                // Those behind it follow its new name.
                for behind in hosts.iter().filter(|other| other.jump.as_ref() == Some(&before.name)) {
                    let behind = Host { jump: Some(host.name.clone()), ..behind.clone() };
                    HOSTS.put(writer, &behind.id, &behind)?;
                }
            }
            Ok(host)
        })
        .await
    }

    /// Changes the hosts of these names, all of them or none; gives each as it was and as it is.
    pub async fn edit(&self, names: Vec<String>, change: HostChange) -> Result<Vec<(Host, Host)>, Fault> {
        self.change(move |writer| {
            let hosts = all(writer)?;
            let mut changed = Vec::new();
            for name in &names {
                let before = by_name(&hosts, name)?.clone();
                let draft = change.of(&before);
                check_draft(&draft)?;
                let host = from_draft(before.id.clone(), before.added_ms, draft);
                HOSTS.put(writer, &host.id, &host)?;
                changed.push((before, host));
            }
            Ok(changed)
        })
        .await
    }

    /// Saves several hosts, all or none: each comes after the one it goes through.
    pub async fn save_all(&self, drafts: Vec<(Option<String>, HostDraft)>) -> Result<Vec<Host>, Fault> {
        let now_ms = self.clock.now_ms();
        self.change(move |writer| {
            let mut hosts = all(writer)?;
            let mut saved = Vec::new();
            for (id, draft) in &drafts {
                check_draft(draft)?;
                check_name_is_free(&hosts, id.as_deref(), &draft.name)?;
                let before = id.as_ref().and_then(|id| hosts.iter().find(|host| host.id == *id));
                let added_ms = before.map_or(now_ms, |before| before.added_ms);
                let host = from_draft(id.clone().unwrap_or_else(|| new_id(now_ms)), added_ms, draft.clone());
                hosts.retain(|other| other.id != host.id);
                hosts.push(host.clone());
                saved.push(host);
            }
            // Only now all of them are there that others go through.
            for (host, (_, draft)) in saved.iter().zip(&drafts) {
                check_jump(&hosts, Some(&host.id), draft)?;
                HOSTS.put(writer, &host.id, host)?;
            }
            Ok(saved)
        })
        .await
    }

    /// Removes the host of this name and gives it back; `HostInUse` if others are reached through it. What else is kept for it stays.
    pub async fn remove(&self, name: &str) -> Result<Host, Fault> {
        let name = name.to_owned();
        self.change(move |writer| {
            if name == LOCAL {
                return Err(Fault::bad_input(
                    "name",
                    "the host 'local' is this computer and cannot be removed",
                ));
            }
            let hosts = all(writer)?;
            let host = by_name(&hosts, &name)?.clone();
            check_nobody_is_behind(&hosts, &host)?;
            HOSTS.remove(writer, &host.id)?;
            Ok(host)
        })
        .await
    }
}

fn all(view: &impl View) -> Result<Vec<Host>, Fault> {
    let mut hosts = Vec::new();
    HOSTS.scan(view, .., Order::LowestFirst, |_, host| {
        hosts.push(host);
        Ok(ControlFlow::Continue(()))
    })?;
    hosts.sort_by_cached_key(|host| (host.name.to_lowercase(), host.id.clone()));
    Ok(hosts)
}

fn by_name<'h>(hosts: &'h [Host], name: &str) -> Result<&'h Host, Fault> {
    hosts.iter().find(|host| host.name == name).ok_or_else(|| {
        let close = similar::closest(name, hosts.iter().map(|host| host.name.as_str()));
        let hint = match close.as_slice() {
            [] if hosts.is_empty() => ": none is saved yet".to_owned(),
            [] => String::new(),
            names => format!(": did you mean {}?", names.join(" or ")),
        };
        let name = printable(name);
        Fault::new(FaultCode::HostUnknown, format!("no saved host is named '{name}'{hint}")).on_host(name)
    })
}

fn gone(id: &str) -> Fault {
    Fault::new(FaultCode::HostUnknown, format!("the host with id '{}' is no longer saved", printable(id)))
}

/// Names that differ in case alone would be taken for each other where a person types one.
fn check_name_is_free(hosts: &[Host], id: Option<&str>, name: &str) -> Result<(), Fault> {
    let same = |host: &&Host| host.name.to_lowercase() == name.to_lowercase() && Some(host.id.as_str()) != id;
    match hosts.iter().find(same) {
        None => Ok(()),
        Some(host) => Err(Fault::new(
            FaultCode::HostExists,
            format!("a host named '{}' is saved already, with the address {}", host.name, host.address),
        )
        .on_host(host.name.clone())
        .about("name")),
    }
}

fn check_jump(hosts: &[Host], id: Option<&str>, draft: &HostDraft) -> Result<(), Fault> {
    let Some(jump) = &draft.jump else { return Ok(()) };
    let host = by_name(hosts, jump)?;
    if Some(host.id.as_str()) == id || *jump == draft.name {
        return Err(Fault::bad_input(
            "jump",
            format!("the host '{}' cannot be reached through itself", host.name),
        ));
    }
    let mut chain = vec![draft.name.as_str()];
    let mut at = Some(host);
    while let Some(hop) = at {
        chain.push(&hop.name);
        if Some(hop.id.as_str()) == id {
            let cycle = chain.join(" -> ");
            let message = format!("{} would be reached through itself: {cycle}", draft.name);
            return Err(Fault::bad_input("jump", message).because(cycle));
        }
        if chain.len() > HOPS_LIMIT + 1 {
            let message = format!("{} would be more than {HOPS_LIMIT} jump hosts away", draft.name);
            return Err(Fault::bad_input("jump", message));
        }
        at = hop.jump.as_ref().and_then(|name| hosts.iter().find(|host| host.name == *name));
    }
    Ok(())
}

fn check_nobody_is_behind(hosts: &[Host], host: &Host) -> Result<(), Fault> {
    let behind: Vec<&str> = hosts
        .iter()
        .filter(|other| other.jump.as_ref() == Some(&host.name))
        .map(|other| other.name.as_str())
        .collect();
    if behind.is_empty() {
        return Ok(());
    }
    let named = behind.iter().take(NAMED_LIMIT).copied().collect::<Vec<_>>().join(", ");
    let more = behind.len().saturating_sub(NAMED_LIMIT);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!("{} cannot be removed: {named}{rest} are reached through it", host.name);
    let fault = Fault::new(FaultCode::HostInUse, message).on_host(&host.name);
    // Names alone: the sentence around them is the window's own.
    let cause = if more > 0 { format!("{named}, \u{2026} +{more}") } else { named };
    Err(fault.because(cause).with_lines(behind.into_iter().map(str::to_owned).collect()))
}

fn from_draft(id: String, added_ms: i64, draft: HostDraft) -> Host {
    Host {
        id,
        name: draft.name,
        address: draft.address,
        port: draft.port.unwrap_or(22),
        user: draft.user,
        identity: draft.identity,
        jump: draft.jump,
        groups: tidy(draft.groups),
        tags: tidy(draft.tags),
        sudo: draft.sudo,
        helper_dir: draft.helper_dir,
        helper: draft.helper,
        added_ms,
    }
}

/// Each label once, in the order given, without white space at its ends.
fn tidy(labels: Vec<String>) -> Vec<String> {
    let mut tidied: Vec<String> = Vec::new();
    for label in labels {
        let label = label.trim();
        if !tidied.iter().any(|kept| kept == label) {
            tidied.push(label.to_owned());
        }
    }
    tidied
}

/// An id that sorts by the time it was made.
fn new_id(now_ms: i64) -> String {
    let now_ms = u64::try_from(now_ms).unwrap_or(0);
    let nanos = u32::try_from(now_ms % 1000).unwrap_or(0) * 1_000_000;
    Uuid::new_v7(Timestamp::from_unix(NoContext, now_ms / 1000, nanos)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn hosts(dir: &tempfile::TempDir) -> Hosts {
        Hosts::new(Store::open(dir.path()).await.unwrap().store, Clock::standing_at(1_000))
    }

    fn draft(name: &str) -> HostDraft {
        HostDraft {
            name: name.into(),
            address: "10.0.0.11".into(),
            user: "root".into(),
            ..HostDraft::default()
        }
    }

    #[tokio::test]
    async fn what_is_known_is_as_new_as_the_store_though_many_read_and_change_it_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = hosts(&dir).await;
        let mut id = hosts.save(None, draft("h0")).await.unwrap().id;
        for round in 1..40 {
            let reading: Vec<_> = (0..4)
                .map(|_| {
                    let hosts = hosts.clone();
                    tokio::spawn(async move { hosts.list().await.unwrap().len() })
                })
                .collect();
            let name = format!("h{round}");
            let saving = hosts.save(Some(id.clone()), draft(&name));
            // Every other change is waited for by nobody.
            let saved = if round % 2 == 0 {
                saving.await.unwrap()
            } else {
                let _ = tokio::time::timeout(std::time::Duration::from_micros(200), saving).await;
                hosts.save(Some(id.clone()), draft(&name)).await.unwrap()
            };
            id = saved.id;
            assert_eq!(hosts.find(&name).await.unwrap().id, id);
            assert_eq!(hosts.with_id(&id).await.unwrap().unwrap().name, name);
            for one in reading {
                assert_eq!(one.await.unwrap(), 1);
            }
        }
        hosts.remove("h39").await.unwrap();
        assert!(hosts.find("h39").await.is_err() && hosts.list().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_host_keeps_its_id_when_everything_else_changes() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = hosts(&dir).await;
        let added = hosts.save(None, draft("web-1")).await.unwrap();
        assert_eq!((added.port, added.added_ms), (22, 1_000));
        hosts.clock.set(9_000);
        let edit = HostDraft { name: "web-2".into(), port: Some(2222), ..added.draft() };
        let edited = hosts.save(Some(added.id.clone()), edit).await.unwrap();
        assert_eq!((edited.id.as_str(), edited.added_ms), (added.id.as_str(), 1_000));
        assert_eq!(hosts.list().await.unwrap(), vec![edited]);
        assert_eq!(hosts.find("web-1").await.unwrap_err().code, FaultCode::HostUnknown);
        assert_eq!(hosts.remove("web-2").await.unwrap().id, added.id);
        assert!(hosts.list().await.unwrap().is_empty());
        assert_eq!(
            hosts.save(Some(added.id), draft("web-1")).await.unwrap_err().code,
            FaultCode::HostUnknown,
            "an edit of a host that was removed meanwhile must not bring it back"
        );
    }

    #[tokio::test]
    async fn two_hosts_cannot_share_a_name_even_in_another_case() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = hosts(&dir).await;
        let web = hosts.save(None, draft("web-1")).await.unwrap();
        let fault = hosts.save(None, draft("WEB-1")).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::HostExists);
        hosts.save(None, draft("web-2")).await.unwrap();
        let fault = hosts.save(Some(web.id.clone()), draft("web-2")).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::HostExists, "a rename is held to the same rule");
        hosts.save(Some(web.id), draft("Web-1")).await.unwrap();
    }

    #[tokio::test]
    async fn an_unknown_name_is_answered_with_those_that_come_close() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = hosts(&dir).await;
        assert!(hosts.find("web").await.unwrap_err().message.contains("none is saved yet"));
        for name in ["web-1", "web-2", "db-1"] {
            hosts.save(None, draft(name)).await.unwrap();
        }
        let fault = hosts.find("wbe-1").await.unwrap_err();
        assert_eq!(fault.message, "no saved host is named 'wbe-1': did you mean web-1?");
        assert!(hosts.find("\u{1b}[2J").await.unwrap_err().message.contains("\\x1b"));
    }

    #[tokio::test]
    async fn this_computer_is_always_there_and_never_saved_or_removed() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = hosts(&dir).await;
        assert!(hosts.find(LOCAL).await.unwrap().is_local());
        assert_eq!(hosts.save(None, draft(LOCAL)).await.unwrap_err().code, FaultCode::BadInput);
        assert_eq!(hosts.remove(LOCAL).await.unwrap_err().code, FaultCode::BadInput);
    }

    #[tokio::test]
    async fn a_jump_must_be_another_saved_host() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = hosts(&dir).await;
        let through = |name: &str, jump: &str| HostDraft { jump: Some(jump.into()), ..draft(name) };
        assert_eq!(hosts.save(None, through("a", "gate")).await.unwrap_err().code, FaultCode::HostUnknown);
        let gate = hosts.save(None, draft("gate")).await.unwrap();
        hosts.save(None, through("a", "gate")).await.unwrap();
        let fault = hosts.save(Some(gate.id), through("gate", "gate")).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::BadInput);
    }
}
