//! Backups, restores, later formats, sealing and giving room back: what comes out is what went in,
//! wherever it is cut.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use protocol::FaultCode;
use protocol::credentials::KeyringState;

use super::swap::{Old, swap};
use super::witness::Testimony;
use super::*;
use crate::secrets::Memory;

const ENTRIES: Tree<u64, String> = Tree::new("entries", 1);
const NAMES: Tree<String, u64> = Tree::new("names", 1);

fn text(id: u64) -> String {
    format!("entry {id} ").repeat(1 + (id as usize * 37) % 900)
}

async fn fill(store: &Store, ids: std::ops::Range<u64>) {
    for id in ids {
        store
            .write(move |writer| {
                ENTRIES.put(writer, &id, &text(id))?;
                NAMES.put(writer, &format!("name-{id}"), &id)
            })
            .await
            .unwrap();
    }
}

async fn entries(store: &Store) -> BTreeMap<u64, String> {
    store.read(|reader| ENTRIES.list(reader, ..)).await.unwrap().into_iter().collect()
}

fn wanted(ids: std::ops::Range<u64>) -> BTreeMap<u64, String> {
    ids.map(|id| (id, text(id))).collect()
}

fn no_keyring() -> Arc<Memory> {
    let memory = Arc::new(Memory::new());
    memory.refuse(Some(Fault::new(FaultCode::KeyringUnavailable, "no keyring")));
    memory
}

#[tokio::test]
async fn a_backup_is_the_store_at_one_moment_however_much_is_written_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap().store;
    fill(&store, 0..600).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("backup");
    let mut export = export::Export::begin(&store.inner).unwrap();
    let mut values = export.next_values().unwrap();
    // Of what follows, part lies before where the export is, part behind, and some is new.
    store
        .write(|writer| {
            for id in [0, 1, 300, 598, 599] {
                ENTRIES.put(writer, &id, &"changed".into())?;
            }
            for id in [2, 301, 597] {
                ENTRIES.remove(writer, &id)?;
            }
            ENTRIES.put(writer, &10_000, &"new".into())?;
            NAMES.put(writer, &"aaa".into(), &1)?;
            NAMES.remove(writer, &"name-7".into())
        })
        .await
        .unwrap();
    loop {
        let more = export.next_values().unwrap();
        if more.is_empty() {
            break;
        }
        values.extend(more);
        store.write(|writer| ENTRIES.put(writer, &596, &"changed".into())).await.unwrap();
    }
    assert_eq!((values.len(), export.broken), (1_200, 0));
    drop(export);
    for raw in values {
        match raw.tree.as_str() {
            "entries" => {
                let id = u64::from_bytes(&raw.key).unwrap();
                assert_eq!(String::from_value_bytes(&raw.bytes).unwrap(), text(id));
            }
            _ => assert!(String::from_bytes(&raw.key).unwrap().starts_with("name-")),
        }
    }
    let made = store.back_up(&file, 5, None).await.unwrap();
    assert_eq!(made.values, Some(1_198));
    assert_eq!(fs::metadata(&file).unwrap().len(), made.bytes);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_restore_replaces_what_is_there_and_keeps_it() {
    for place in [Arc::new(Memory::new()), no_keyring()] {
        let sealed = place.state() == KeyringState::Ready;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("backup");
        let data = dir.path().join("data");
        let open = || Store::open_sealed(&data, place.clone());
        let store = open().await.unwrap().store;
        fill(&store, 0..50).await;
        let made = store.back_up(&file, 5, None).await.unwrap();
        assert_eq!(made.sealed_by.is_some(), sealed);
        fill(&store, 50..60).await;
        let busy = Store::restore(&data, &file, place.clone(), None).await.unwrap_err();
        assert_eq!(busy.code, FaultCode::StoreInUse);
        drop(store);
        let restored = Store::restore(&data, &file, place.clone(), None).await.unwrap();
        assert!(!restored.other_key && restored.backup.values == Some(100));
        let opened = open().await.unwrap();
        assert_eq!(opened.notice, None, "a restore is no damage");
        assert_eq!(entries(&opened.store).await, wanted(0..50));
        fill(&opened.store, 50..52).await;
        drop(opened);
        let kept = data.join("store.replaced-1");
        assert_eq!(restored.kept, Some(kept.display().to_string()));
        // What was there is a store as before.
        fs::remove_dir_all(data.join("store")).unwrap();
        fs::rename(kept, data.join("store")).unwrap();
        assert_eq!(entries(&open().await.unwrap().store).await, wanted(0..60));
    }
}

#[tokio::test]
async fn a_file_that_is_no_whole_backup_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let file = dir.path().join("backup");
    let memory = Arc::new(Memory::new());
    let store = Store::open_sealed(&data, memory.clone()).await.unwrap().store;
    fill(&store, 0..20).await;
    store.back_up(&file, 5, None).await.unwrap();
    drop(store);
    let whole = fs::read(&file).unwrap();
    let mut bent = Vec::new();
    for at in (0..whole.len()).step_by(whole.len() / 60) {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        bent.push((format!("bit at {at}"), bytes));
        bent.push((format!("cut at {at}"), whole[..at].to_vec()));
    }
    bent.push(("more at the end".into(), [whole.as_slice(), b"x"].concat()));
    for (what, bytes) in bent {
        fs::write(&file, bytes).unwrap();
        let fault = Store::restore(&data, &file, memory.clone(), None).await.unwrap_err();
        let expected = [FaultCode::BackupUnusable, FaultCode::StoreNewer, FaultCode::StoreKeyMissing];
        assert!(expected.contains(&fault.code), "{what}: {fault}");
        assert!(!data.join("store.replaced-1").exists(), "{what}");
    }
    let missing = Store::restore(&data, &dir.path().join("none"), memory.clone(), None).await.unwrap_err();
    assert_eq!(missing.code, FaultCode::BackupUnusable);
    let opened = Store::open_sealed(&data, memory).await.unwrap();
    assert_eq!((entries(&opened.store).await, opened.notice), (wanted(0..20), None));
}

#[tokio::test]
async fn a_backup_opens_elsewhere_by_its_passphrase_and_says_whose_key_it_wants() {
    let dir = tempfile::tempdir().unwrap();
    let (here, there) = (dir.path().join("here"), dir.path().join("there"));
    let file = dir.path().join("backup");
    let own = Arc::new(Memory::new());
    let store = Store::open_sealed(&here, own.clone()).await.unwrap().store;
    fill(&store, 0..5).await;
    let made = store.back_up(&file, 5, Some("correct horse".into())).await.unwrap();
    let id = made.sealed_by.unwrap();
    assert!(made.with_key);
    let other = Arc::new(Memory::new());
    drop(Store::open_sealed(&there, other.clone()).await.unwrap());
    let fault = Store::restore(&there, &file, other.clone(), None).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::StoreKeyMissing);
    assert!(fault.message.contains(&id) && fault.message.contains("--passphrase-stdin"), "{fault}");
    let wrong = Store::restore(&there, &file, other.clone(), Some("wrong horse".into())).await.unwrap_err();
    assert_eq!(wrong.code, FaultCode::BadInput);
    let restored = Store::restore(&there, &file, other.clone(), Some("correct horse".into())).await.unwrap();
    assert!(restored.other_key);
    let opened = Store::open_sealed(&there, other).await.unwrap().store;
    assert_eq!(opened.sealer().key_id(), Some(id.as_str()));
    assert_eq!(entries(&opened).await, wanted(0..5));
    // Nothing of the key or of a value is in the file.
    let bytes = fs::read(&file).unwrap();
    assert!(memchr::memmem::find(&bytes, b"entry 4").is_none());
}

#[tokio::test]
async fn a_store_in_the_clear_is_sealed_as_soon_as_a_key_can_be_had() {
    let dir = tempfile::tempdir().unwrap();
    let memory = no_keyring();
    let store = Store::open_sealed(dir.path(), memory.clone()).await.unwrap().store;
    fill(&store, 0..30).await;
    let facts = store.facts().await.unwrap();
    assert!(facts.sealed_by.is_none() && facts.not_sealed.unwrap().contains("no keyring"));
    let daily = store.back_up_daily(5, false, Arc::default()).await.unwrap().unwrap().file;
    assert!(memchr::memmem::find(&fs::read(&daily).unwrap(), b"entry 4").is_some());
    drop(store);
    memory.refuse(None);
    let kept = dir.path().join("store.damaged-1");
    fs::create_dir(&kept).unwrap();
    let opened = Store::open_sealed(dir.path(), memory.clone()).await.unwrap();
    let clear = vec![kept.display().to_string()];
    assert_eq!(opened.notices, [StoreNotice::Sealed { clear }], "what stays in the clear is named");
    // Its backups are sealed too, and are what they were.
    assert!(memchr::memmem::find(&fs::read(&daily).unwrap(), b"entry 4").is_none());
    let sealed = &opened.store.facts().await.unwrap().backups[0];
    assert_eq!((sealed.made_ms, sealed.sealed_by.is_some()), (5, true));
    assert_eq!(entries(&opened.store).await, wanted(0..30));
    assert!(opened.store.facts().await.unwrap().sealed_by.is_some());
    drop(opened);
    let bytes = fs::read(dir.path().join("store/db")).unwrap();
    assert!(memchr::memmem::find(&bytes, b"entry 4").is_none(), "nothing in the clear is left behind");
    let opened = Store::open_sealed(dir.path(), memory.clone()).await.unwrap();
    assert_eq!((opened.notices.len(), entries(&opened.store).await), (0, wanted(0..30)));
    drop(opened);
    Store::restore(dir.path(), Path::new(&daily), memory.clone(), None).await.unwrap();
    let opened = Store::open_sealed(dir.path(), memory).await.unwrap();
    assert_eq!(entries(&opened.store).await, wanted(0..30));
}

/// Makes a store what it was in format 1: no seal, no tally, a witness without a key.
pub(super) fn make_format_1(dir: &Path) {
    let db = open::try_sled(&dir.join("store")).ok().unwrap();
    let tree = db.open_tree(STATE_TREE).unwrap();
    let writes = State::read(&db).unwrap().writes;
    tree.clear().unwrap();
    let (key, row) = state::row("schema", &1).unwrap();
    tree.insert(key, row).unwrap();
    let (key, row) = state::row("writes", &writes).unwrap();
    tree.insert(key, row).unwrap();
    db.flush().unwrap();
    let witness = format!("muster store: format 0000000001, writes {writes:020}\n");
    fs::write(dir.join("store.witness"), witness).unwrap();
}

#[tokio::test]
async fn a_store_of_an_earlier_format_is_brought_to_this_one_with_a_copy_that_can_be_restored() {
    for memory in [Arc::new(Memory::new()), no_keyring()] {
        let sealed = memory.state() == KeyringState::Ready;
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap().store;
        fill(&store, 0..40).await;
        drop(store);
        make_format_1(dir.path());
        let opened = Store::open_sealed(dir.path(), memory.clone()).await.unwrap();
        let StoreNotice::Upgraded { from: 1, to: 2, copy } = &opened.notices[0] else {
            panic!("{:?}", opened.notices)
        };
        assert_eq!(entries(&opened.store).await, wanted(0..40));
        let facts = opened.store.facts().await.unwrap();
        assert_eq!((facts.format, facts.sealed_by.is_some()), (SCHEMA, sealed));
        fill(&opened.store, 40..45).await;
        let copy = PathBuf::from(copy);
        drop(opened);
        let restored = Store::restore(dir.path(), &copy, memory.clone(), None).await.unwrap();
        assert!(!restored.other_key, "the copy was sealed with the store");
        let again = Store::open_sealed(dir.path(), memory).await.unwrap();
        assert!(matches!(again.notices[0], StoreNotice::Upgraded { from: 1, .. }), "{:?}", again.notices);
        assert_eq!(entries(&again.store).await, wanted(0..40));
    }
}

#[tokio::test]
async fn a_fresh_store_takes_its_place_wherever_the_change_is_cut() {
    for cut in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).await.unwrap().store;
        fill(&store, 0..20).await;
        let places = open::Places::of(dir.path());
        let writes = store.inner.state().unwrap().writes;
        let mut builder = rebuild::Builder::begin(dir.path(), &places.new).unwrap();
        for id in 0..3 {
            let bytes = text(id).to_value_bytes().unwrap();
            let key = id.to_bytes();
            builder.put(&value::RawValue { tree: "entries".into(), key, version: 1, bytes }).unwrap();
        }
        let state = State { schema: Some(u64::from(SCHEMA)), writes, ..State::default() };
        builder.finish(state).unwrap();
        drop(store);
        let testimony = Testimony { schema: SCHEMA, writes, values: Some(3), key_id: None };
        let note = format!("store.replaced-1\n{}", testimony.to_line());
        // Each step of the change that a cut can leave behind.
        let replaced = dir.path().join("store.replaced-1");
        match cut {
            0 => {}
            1 => fs::write(&places.swap, &note).unwrap(),
            2 => {
                fs::write(&places.swap, &note).unwrap();
                fs::rename(&places.sled, &replaced).unwrap();
            }
            3 => {
                fs::write(&places.swap, &note).unwrap();
                fs::rename(&places.sled, &replaced).unwrap();
                fs::rename(&places.new, &places.sled).unwrap();
            }
            _ => drop(swap(&places, Old::Kept, &testimony).unwrap()),
        }
        let opened = Store::open(dir.path()).await.unwrap();
        let there = if cut == 0 { wanted(0..20) } else { wanted(0..3) };
        assert_eq!((entries(&opened.store).await, opened.notice), (there, None), "cut {cut}");
        assert_eq!(replaced.exists(), cut > 0, "cut {cut}");
        assert!(!places.new.exists() && !places.swap.exists(), "cut {cut}");
    }
}

#[tokio::test]
async fn room_is_given_back_and_nothing_is_lost_by_it() {
    let dir = tempfile::tempdir().unwrap();
    let memory = Arc::new(Memory::new());
    let store = Store::open_sealed(dir.path(), memory.clone()).await.unwrap().store;
    fill(&store, 0..10).await;
    let large = |id: u64| text(id).chars().cycle().take(80_000).collect::<String>();
    for part in 0..60 {
        let ids = (1_000 + part * 5)..(1_005 + part * 5);
        store
            .inner
            .write_unsynced(|writer| ids.clone().try_for_each(|id| ENTRIES.put(writer, &id, &large(id))))
            .unwrap();
    }
    store.write(|writer| (1_000..1_300).try_for_each(|id| ENTRIES.remove(writer, &id))).await.unwrap();
    let before = store.facts().await.unwrap();
    drop(store);
    let opened = Store::open_sealed(dir.path(), memory).await.unwrap();
    let after = opened.store.facts().await.unwrap();
    assert!(after.size_bytes * 4 < before.size_bytes, "{} of {}", after.size_bytes, before.size_bytes);
    assert_eq!((after.values, after.live_bytes), (before.values, before.live_bytes));
    assert_eq!((entries(&opened.store).await, opened.notice), (wanted(0..10), None));
}

#[tokio::test]
async fn the_backup_of_the_day_is_made_once_and_again_when_it_is_asked_for() {
    const DAY_MS: i64 = 86_400_000;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).await.unwrap().store;
    fill(&store, 0..3).await;
    let daily = |day: i64, anew| store.back_up_daily(day * DAY_MS + 5, anew, Arc::default());
    for day in 20_000..20_010 {
        assert!(daily(day, false).await.unwrap().is_some());
        assert!(daily(day, false).await.unwrap().is_none(), "one a day");
    }
    assert!(daily(20_009, true).await.unwrap().is_some());
    let backups = store.facts().await.unwrap().backups;
    assert_eq!(
        backups.iter().map(|backup| backup.made_ms / DAY_MS).collect::<Vec<_>>(),
        [20_009, 20_008, 20_007, 20_006, 20_005, 20_004, 20_003]
    );
    let stop = Arc::new(AtomicBool::new(true));
    assert!(store.back_up_daily(30_000 * DAY_MS, false, stop).await.unwrap().is_none());
    assert_eq!(store.facts().await.unwrap().backups.len(), 7, "one that was given up leaves nothing");
}

#[tokio::test]
async fn what_damage_took_comes_back_from_the_backup_of_the_day_and_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let memory = Arc::new(Memory::new());
    let store = Store::open_sealed(dir.path(), memory.clone()).await.unwrap().store;
    fill(&store, 0..60).await;
    store.back_up_daily(5, true, Arc::default()).await.unwrap();
    fill(&store, 60..70).await;
    drop(store);
    // Nothing of `db` can be read any more.
    let length = fs::metadata(dir.path().join("store/db")).unwrap().len();
    fs::write(dir.path().join("store/db"), vec![0xA5; length as usize]).unwrap();
    let opened = Store::open_sealed(dir.path(), memory.clone()).await.unwrap();
    let Some(StoreNotice::Recovered { recovered: 120, lost: Some(20), from_backup: 120, kept, .. }) =
        opened.notices.iter().find(|notice| matches!(notice, StoreNotice::Recovered { .. }))
    else {
        panic!("{:?}", opened.notices)
    };
    assert_eq!(fs::read(Path::new(kept).join("db")).unwrap(), vec![0xA5; length as usize]);
    assert_eq!(entries(&opened.store).await, wanted(0..60));
    assert_eq!(opened.store.mended(), 1);
    fill(&opened.store, 60..61).await;
    drop(opened);
    let again = Store::open_sealed(dir.path(), memory).await.unwrap();
    assert_eq!((again.notice.clone(), entries(&again.store).await), (None, wanted(0..61)));
}
