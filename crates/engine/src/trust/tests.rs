//! Accepted keys, and the files of OpenSSH beside them.

use protocol::hosts::Host;

use super::*;
use crate::hosts::Hosts;

fn key(fingerprint: &str) -> HostKey {
    HostKey {
        algorithm: "ssh-ed25519".into(),
        fingerprint: fingerprint.into(),
        openssh: "ssh-ed25519 AAAA".into(),
    }
}

#[tokio::test]
async fn a_key_counts_for_its_address_and_port_alone() {
    let dir = tempfile::tempdir().unwrap();
    let opened = Store::open(dir.path()).await.unwrap();
    let trust = Trust::with_files(opened.store, Clock::standing_at(5), Vec::new());
    for (address, port, fingerprint) in [
        ("Web", 22, "SHA256:b"),
        ("web", 22, "SHA256:a"),
        ("web", 23, "SHA256:c"),
        ("web-2", 22, "SHA256:d"),
        ("we", 65535, "SHA256:e"),
    ] {
        trust.accept(address, port, key(fingerprint), "ann", false).await.unwrap();
    }
    let known = trust.known("WEB", 22).await.unwrap().keys;
    let fingerprints: Vec<_> = known.iter().map(|key| key.key.fingerprint.as_str()).collect();
    assert_eq!(fingerprints, ["SHA256:a", "SHA256:b"]);
    assert_eq!(trust.known("we", 65535).await.unwrap().keys.len(), 1);
    assert!(trust.known("w", 22).await.unwrap().keys.is_empty());
    assert_eq!(trust.forget("web", 22, None).await.unwrap(), 2);
    assert!(trust.known("web", 22).await.unwrap().keys.is_empty());
    assert_eq!(trust.list().await.unwrap().len(), 3, "other addresses and ports keep theirs");
    assert_eq!(trust.forget("web", 22, None).await.unwrap(), 0);
}

#[tokio::test]
async fn the_first_acceptance_of_a_key_stands() {
    let dir = tempfile::tempdir().unwrap();
    let opened = Store::open(dir.path()).await.unwrap();
    let trust = Trust::with_files(opened.store, Clock::standing_at(5), Vec::new());
    trust.accept("web", 22, key("SHA256:a"), "ann", false).await.unwrap();
    trust.clock.set(9);
    let again = trust.accept("web", 22, key("SHA256:a"), "bob", false).await.unwrap();
    assert_eq!((again.accepted_ms, again.accepted_by.as_str()), (Some(5), "ann"));
}

#[tokio::test]
async fn who_answered_is_known_alike_from_memory_and_from_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let opened = Store::open(dir.path()).await.unwrap();
    let anew = || Trust::with_files(opened.store.clone(), Clock::standing_at(5), Vec::new());
    let trust = anew();
    let host = Host { id: "h-1".into(), name: "web".into(), address: "10.0.0.5".into(), ..Hosts::local() };
    let moved = Host { address: "10.0.0.6".into(), ..host.clone() };
    let (first, other) = ("a".repeat(32), "b".repeat(32));
    assert_eq!(trust.machine(&host).await.unwrap(), None);
    trust.saw_machine(&host, Some(first.clone())).await.unwrap();
    trust.saw_machine(&host, Some(other.clone())).await.unwrap();
    let seen = trust.machine(&host).await.unwrap();
    assert_eq!(seen.as_ref().unwrap().other.as_ref().unwrap().id.as_ref(), Some(&other));
    assert_eq!(seen, anew().machine(&host).await.unwrap());
    assert_eq!(trust.machine(&moved).await.unwrap(), None, "it is known at its address alone");

    // A person's word and a new look at the same moment: whoever is first, both stand.
    for _ in 0..20 {
        trust.forget_machine(&host).await.unwrap();
        trust.saw_machine(&host, Some(first.clone())).await.unwrap();
        trust.saw_machine(&host, Some(other.clone())).await.unwrap();
        let (accepted, looked) = tokio::join!(
            trust.accept_machine(&host, Some(other.clone()), "ann"),
            trust.saw_machine(&host, Some(first.clone())),
        );
        looked.unwrap();
        let known = trust.machine(&host).await.unwrap().unwrap();
        match accepted {
            // The word stands, and the look that came after it found another one again.
            Ok(_) => {
                assert_eq!(known.known.id.as_ref(), Some(&other));
                assert_eq!(known.other.as_ref().and_then(|other| other.id.as_ref()), Some(&first));
            }
            // The first was back by then.
            Err(_) => assert_eq!((known.known.id.as_ref(), &known.other), (Some(&first), &None)),
        }
        assert_eq!(Some(known), anew().machine(&host).await.unwrap());
    }

    trust.forget_machine(&host).await.unwrap();
    assert_eq!(trust.machine(&host).await.unwrap(), None);
    assert_eq!(anew().machine(&host).await.unwrap(), None);
}

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

#[tokio::test]
async fn a_key_accepted_once_counts_for_one_connection_of_one_program() {
    let dir = tempfile::tempdir().unwrap();
    let opened = Store::open(dir.path()).await.unwrap();
    let trust = Trust::with_files(opened.store.clone(), Clock::standing_at(5), Vec::new());
    trust.accept("web", 22, key("SHA256:a"), "ann", true).await.unwrap();
    assert_eq!(trust.known("web", 22).await.unwrap().keys.len(), 1, "a look does not use it up");
    assert_eq!(trust.known_to_connect("web", 22).await.unwrap().keys.len(), 1);
    assert_eq!(
        trust.known_to_connect("WEB", 22).await.unwrap().keys.len(),
        1,
        "it may come back after a cut"
    );
    let later = Trust::with_files(opened.store, Clock::standing_at(9), Vec::new());
    assert!(later.known_to_connect("web", 22).await.unwrap().keys.is_empty(), "another program starts anew");
    assert_eq!(export(&trust.known("web", 22).await.unwrap().keys), "", "what counts once is not exported");
    trust.accept("web", 22, key("SHA256:a"), "ann", false).await.unwrap();
    assert_eq!(later.known("web", 22).await.unwrap().keys.len(), 1);
    assert_eq!(trust.forget("web", 22, Some("SHA256:b")).await.unwrap(), 0);
    trust.forget("web", 22, Some("SHA256:a")).await.unwrap();
    assert!(trust.known("web", 22).await.unwrap().keys.is_empty(), "forgotten is forgotten in every form");
}

#[tokio::test]
async fn known_hosts_files_are_read_beside_what_was_accepted_and_never_written() {
    let dir = tempfile::tempdir().unwrap();
    let opened = Store::open(&dir.path().join("data")).await.unwrap();
    let file = dir.path().join("known_hosts");
    let text = format!("web {ED25519}\nweb ssh-ed25519 torn\n@revoked * {ED25519}\n");
    std::fs::write(&file, &text).unwrap();
    let files = vec![dir.path().join("none"), file.clone(), dir.path().to_owned()];
    let trust = Trust::with_files(opened.store, Clock::standing_at(5), files);
    let known = trust.known("web", 22).await.unwrap();
    assert_eq!(known.keys.iter().map(|key| key.role).collect::<Vec<_>>(), [KeyRole::Host, KeyRole::Revoked]);
    assert_eq!(known.keys[0].source, TrustSource::KnownHosts { file: file.display().to_string(), line: 1 });
    assert_eq!(known.keys[0].key.openssh, ED25519);
    assert!(known.keys[0].accepted_ms.is_none());
    assert_eq!(known.notes.len(), 2, "{:?}", known.notes);
    assert!(known.notes[0].starts_with("line 2 of") && known.notes[1].contains("cannot be read"));
    assert_eq!(trust.forget("web", 22, None).await.unwrap(), 0, "a file of OpenSSH is not ours to change");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}
