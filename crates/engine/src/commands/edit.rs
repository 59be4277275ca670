//! Several hosts at once: all of them are changed, or none is.

use std::path::Path;

use protocol::hosts::{Host, HostChange, Identity};
use protocol::ipc::{Event, HostsEdit};
use protocol::operations::OperationKind;
use protocol::{Fault, FaultCode};

use super::Handle;
use super::hosts::{absolute, log};
use super::notes::follow_groups;
use crate::engine::Engine;
use crate::ssh;

impl Handle for HostsEdit {
    async fn handle(self, engine: &Engine) -> Result<Vec<Host>, Fault> {
        let HostsEdit { hosts, mut change } = self;
        if change.is_empty() {
            return Err(Fault::bad_input("change", "nothing was given that would change a host"));
        }
        if let Some(path) = change.key.take()
            && let Identity::KeyFile { path } = absolute(Identity::KeyFile { path })?
        {
            ssh::check_key_file(Path::new(&path))?;
            change.key = Some(path);
        }
        let parts = &engine.parts;
        for name in &hosts {
            check_guard_stays(&engine.host(name).await?, &change)?;
        }
        let summary = words(&change);
        let changed = parts.hosts.edit(hosts, change).await?;
        for (before, host) in &changed {
            if !before.has_link_of(host) {
                parts.sessions.renew(host);
            }
            log(engine, OperationKind::HostEdit, Some(host), &host.name, &summary).await?;
        }
        engine.tell(Event::HostsChanged {});
        follow_groups(engine, &changed).await?;
        Ok(changed.into_iter().map(|(_, host)| host).collect())
    }
}

/// A guard is taken away on its host alone, with the typed name of that host.
fn check_guard_stays(host: &Host, change: &HostChange) -> Result<(), Fault> {
    let guards = |tags: &[String]| tags.iter().any(|tag| tag.trim().eq_ignore_ascii_case("prod"));
    if host.is_guarded() && !guards(&change.of(host).tags) {
        let message = format!(
            "{} would lose the tag prod, which guards it: take it away on that host by itself",
            host.name
        );
        return Err(Fault::new(FaultCode::GuardNotMet, message).on_host(&host.name));
    }
    Ok(())
}

/// What was changed, for the log.
fn words(change: &HostChange) -> String {
    let labels = |sign: char, noun: &str, labels: &[String]| -> Vec<String> {
        labels.iter().map(|label| format!("{sign}{noun} {label}")).collect()
    };
    let mut words = labels('+', "group", &change.add_groups);
    words.extend(labels('-', "group", &change.remove_groups));
    words.extend(labels('+', "tag", &change.add_tags));
    words.extend(labels('-', "tag", &change.remove_tags));
    words.extend(change.user.iter().map(|user| format!("user {user}")));
    words.extend(change.port.iter().map(|port| format!("port {port}")));
    words.extend(change.key.iter().map(|path| format!("key {path}")));
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use protocol::hosts::HostDraft;
    use protocol::ipc::{HostSave, HostsList, NoteSave, NoteShow, OperationsList};
    use protocol::notes::NoteAbout;
    use protocol::operations::OperationFilter;

    use super::*;
    use crate::rig;
    use crate::secrets::Memory;

    async fn engine(dir: &tempfile::TempDir) -> Engine {
        let options = rig::options(dir.path(), Arc::new(Memory::new()));
        let engine = Engine::open(options).await.unwrap();
        for name in ["web-1", "web-2"] {
            let draft = HostDraft {
                name: name.into(),
                address: "192.0.2.1".into(),
                user: "root".into(),
                groups: vec!["Web".into()],
                tags: vec!["stage".into()],
                ..HostDraft::default()
            };
            engine.call(HostSave { id: None, draft, secrets: Vec::new(), typed_name: None }).await.unwrap();
        }
        engine
    }

    fn both() -> Vec<String> {
        vec!["web-1".into(), "web-2".into()]
    }

    #[tokio::test]
    async fn labels_come_and_go_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine(&dir).await;
        let change = HostChange {
            add_groups: vec![" Shop ".into(), "Web".into()],
            remove_tags: vec!["stage".into()],
            add_tags: vec!["prod".into()],
            port: Some(2222),
            ..HostChange::default()
        };
        let hosts = engine.call(HostsEdit { hosts: both(), change }).await.unwrap();
        for host in hosts {
            assert_eq!(
                (host.groups, host.tags, host.port),
                (vec!["Web".into(), "Shop".into()], vec!["prod".into()], 2222)
            );
            assert_eq!(host.user, "root");
        }
        let log = engine.call(OperationsList { filter: OperationFilter::default() }).await.unwrap();
        assert!(log.operations[0].summary.contains("+tag prod"), "{}", log.operations[0].summary);
    }

    #[tokio::test]
    async fn a_note_follows_its_group_when_the_last_of_its_hosts_is_put_into_another() {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine(&dir).await;
        let about = |group: &str| NoteAbout::Group(group.into());
        let note = NoteSave { about: about("Web"), text: "call ann".into(), before_ms: None };
        engine.call(note).await.unwrap();
        let change = HostChange {
            add_groups: vec!["Site".into()],
            remove_groups: vec!["Web".into()],
            ..HostChange::default()
        };
        let edit = |host: &str| HostsEdit { hosts: vec![host.into()], change: change.clone() };
        engine.call(edit("web-1")).await.unwrap();
        assert_eq!(engine.call(NoteShow { about: about("Site") }).await.unwrap(), None, "one is left there");
        // The form for one host is another way to the same.
        let rows = engine.call(HostsList {}).await.unwrap();
        let last = rows.into_iter().find(|row| row.host.name == "web-2").unwrap().host;
        let draft = HostDraft { groups: vec!["Site".into()], ..last.draft() };
        let save = HostSave { id: Some(last.id), draft, secrets: Vec::new(), typed_name: None };
        engine.call(save).await.unwrap();
        let note = engine.call(NoteShow { about: about("Site") }).await.unwrap();
        assert_eq!(note.map(|note| note.text).as_deref(), Some("call ann"));
        assert_eq!(engine.call(NoteShow { about: about("Web") }).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_guard_is_not_taken_from_several_hosts_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine(&dir).await;
        let tag = |add: &[&str], remove: &[&str]| HostChange {
            add_tags: add.iter().map(|tag| (*tag).to_owned()).collect(),
            remove_tags: remove.iter().map(|tag| (*tag).to_owned()).collect(),
            ..HostChange::default()
        };
        engine.call(HostsEdit { hosts: vec!["web-2".into()], change: tag(&["Prod"], &[]) }).await.unwrap();
        let fault = engine.call(HostsEdit { hosts: both(), change: tag(&[], &["Prod"]) }).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::GuardNotMet);
        engine.call(HostsEdit { hosts: both(), change: tag(&["blue"], &["stage"]) }).await.unwrap();
    }

    #[tokio::test]
    async fn one_host_that_cannot_be_changed_leaves_all_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine(&dir).await;
        let user = HostChange { user: Some("ops".into()), ..HostChange::default() };
        let bad = HostChange { user: Some("-oProxyCommand=x".into()), ..HostChange::default() };
        for (hosts, change, code) in [
            (vec!["web-1".to_owned(), "gone".to_owned()], user, FaultCode::HostUnknown),
            (both(), bad, FaultCode::BadInput),
            (both(), HostChange::default(), FaultCode::BadInput),
        ] {
            assert_eq!(engine.call(HostsEdit { hosts, change }).await.unwrap_err().code, code);
            let rows = engine.call(HostsList {}).await.unwrap();
            assert!(rows.iter().all(|row| row.host.user == "root"), "nothing half done");
        }
    }
}
