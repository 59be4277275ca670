//! What the store promises while nothing goes wrong, and what it refuses.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use proptest::prelude::*;
use protocol::FaultCode;

use super::*;
use crate::secrets::Memory;

const NUMBERS: Tree<u64, String> = Tree::new("numbers", 1);
const NAMES: Tree<String, u64> = Tree::new("names", 1);

async fn open(dir: &tempfile::TempDir) -> Store {
    let opened = Store::open(dir.path()).await.unwrap();
    assert_eq!(opened.notice, None, "a whole store opens without a word");
    opened.store
}

fn later() -> Tree<u64, String> {
    Tree::new("numbers", 2)
}

#[tokio::test]
async fn a_write_is_there_after_the_store_was_closed() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = open(&dir).await;
        store
            .write(|writer| {
                NUMBERS.put(writer, &7, &"seven".into())?;
                NAMES.put(writer, &"seven".into(), &7)
            })
            .await
            .unwrap();
    }
    let store = open(&dir).await;
    let found = store
        .read(|reader| {
            Ok((NUMBERS.get(reader, &7)?, NAMES.get(reader, &"seven".into())?, NUMBERS.get(reader, &8)?))
        })
        .await
        .unwrap();
    assert_eq!(found, (Some("seven".into()), Some(7), None));
}

#[tokio::test]
async fn a_write_that_fails_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let refused: Result<(), Fault> = store
        .write(|writer| {
            NUMBERS.put(writer, &1, &"one".into())?;
            assert_eq!(NUMBERS.get(writer, &1)?, Some("one".into()), "a write sees its own changes");
            Err(Fault::bad_input("x", "no"))
        })
        .await;
    assert_eq!(refused.unwrap_err().code, FaultCode::BadInput);
    let panicked: Result<(), Fault> = store
        .write(|writer| {
            NUMBERS.put(writer, &1, &"one".into())?;
            panic!("as sled does");
        })
        .await;
    assert_eq!(panicked.unwrap_err().code, FaultCode::StoreDamaged);
    assert_eq!(store.read(|reader| NUMBERS.get(reader, &1)).await.unwrap(), None);
    store.write(|writer| NUMBERS.put(writer, &1, &"uno".into())).await.unwrap();
}

#[tokio::test]
async fn every_acknowledged_write_was_synced_and_writers_that_wait_together_share() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let before = store.syncs();
    for number in 0..5 {
        store.write(move |writer| NUMBERS.put(writer, &number, &String::new())).await.unwrap();
    }
    assert_eq!(store.syncs() - before, 5, "one after the other, each write waits for its own sync");
    store.write(|_| Ok(())).await.unwrap();
    store.read(|reader| NUMBERS.get(reader, &1)).await.unwrap();
    assert_eq!(store.syncs() - before, 5, "nothing changed, nothing to sync");
    let together = (0..64u64).map(|number| {
        let store = store.clone();
        async move { store.write(move |writer| NUMBERS.put(writer, &number, &"x".into())).await }
    });
    for done in futures::future::join_all(together).await {
        done.unwrap();
    }
    let shared = store.syncs() - before - 5;
    assert!((1..=64).contains(&shared), "{shared}");
}

#[tokio::test]
async fn a_caller_who_stops_waiting_does_not_stop_the_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let writing = store.write(move |writer| {
        gone.recv().unwrap();
        NUMBERS.put(writer, &1, &"one".into())
    });
    assert!(tokio::time::timeout(Duration::from_millis(20), writing).await.is_err());
    go.send(()).unwrap();
    // The next write has to wait for the first.
    store.write(|writer| NUMBERS.put(writer, &2, &"two".into())).await.unwrap();
    assert_eq!(store.read(|reader| NUMBERS.get(reader, &1)).await.unwrap(), Some("one".into()));
}

#[tokio::test]
async fn a_second_open_is_refused_and_says_who_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(&dir).await;
    let fault = Store::open(dir.path()).await.err().unwrap();
    assert_eq!(fault.code, FaultCode::StoreInUse);
    assert!(fault.message.contains(&format!("PID {}", std::process::id())), "{fault}");
    drop(first);
    open(&dir).await;
}

/// As a child of this program does between fork(2) and execve(2): it has the files of its parent.
#[tokio::test]
async fn a_lock_that_a_starting_child_holds_for_a_moment_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir).await);
    let held = std::fs::File::open(dir.path().join("store/db")).unwrap();
    held.lock().unwrap();
    let child = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        drop(held);
    });
    open(&dir).await;
    child.join().unwrap();
}

#[tokio::test]
async fn of_twenty_starts_at_once_one_gets_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let starts = futures::future::join_all((0..20).map(|_| Store::open(&path))).await;
    let (opened, refused): (Vec<_>, Vec<_>) = starts.into_iter().partition(Result::is_ok);
    assert_eq!(opened.len(), 1);
    assert!(refused.into_iter().all(|start| start.err().unwrap().code == FaultCode::StoreInUse));
}

#[tokio::test]
async fn a_store_of_a_later_version_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    {
        let store = open(&dir).await;
        let state = store.inner.state().unwrap();
        store.inner.tell(&State { schema: Some(u64::from(SCHEMA) + 1), ..state }).unwrap();
    }
    assert_eq!(Store::open(dir.path()).await.err().unwrap().code, FaultCode::StoreNewer);
    let witness = dir.path().join("store.witness");
    let text = std::fs::read_to_string(&witness)
        .unwrap()
        .replace(&format!("format {SCHEMA:010}"), &format!("format {:010}", SCHEMA + 1));
    std::fs::write(&witness, text).unwrap();
    std::fs::write(dir.path().join("store/db"), "of another store altogether").unwrap();
    let fault = Store::open(dir.path()).await.err().unwrap();
    assert_eq!(fault.code, FaultCode::StoreNewer, "said before its files are even opened");
    assert_eq!(std::fs::read(dir.path().join("store/db")).unwrap(), b"of another store altogether");
}

#[tokio::test]
async fn a_value_of_a_later_version_is_refused_not_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    store.write(|writer| later().put(writer, &1, &"new".into())).await.unwrap();
    let fault = store.read(|reader| NUMBERS.get(reader, &1)).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::StoreNewer);
    let fault = store.read(|reader| NUMBERS.list(reader, ..)).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::StoreNewer);
}

#[tokio::test]
async fn only_this_user_can_look_inside() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("new/muster");
    let _store = Store::open(&data).await.unwrap().store;
    for (path, mode) in [(data.clone(), 0o700), (data.join("store"), 0o700), (data.join("store.lock"), 0o600)]
    {
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            mode,
            "{}",
            path.display()
        );
    }
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_made_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let fault = Store::open(&file.join("muster")).await.err().unwrap();
    assert_eq!(fault.code, FaultCode::StoreUnwritable);
    assert!(fault.message.contains("file"), "{fault}");
}

async fn open_sealed(dir: &tempfile::TempDir, memory: &Arc<Memory>) -> Result<Opened, Fault> {
    Store::open_sealed(dir.path(), memory.clone()).await
}

/// Every byte below the folder.
fn all_bytes(dir: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() { all_bytes(&path) } else { std::fs::read(&path).unwrap() });
    }
    bytes
}

fn holds(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

#[tokio::test]
async fn what_is_written_where_a_key_can_be_kept_is_nowhere_in_the_clear() {
    const BLOCKS: Tree<u64, Bytes> = Tree::new("blocks", 1);
    let block = Bytes((0..160_000u32).map(|number| (number % 251) as u8).collect());
    for sealed in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let memory = Arc::new(Memory::new());
        if !sealed {
            memory.refuse(Some(Fault::new(FaultCode::KeyringUnavailable, "no keyring")));
        }
        for number in 1..4 {
            let store = open_sealed(&dir, &memory).await.unwrap().store;
            assert_eq!(store.sealer().key_id().is_some(), sealed);
            let kept = block.clone();
            store
                .write(move |writer| {
                    NUMBERS.put(writer, &number, &"pl4nted".repeat(3_000))?;
                    BLOCKS.put(writer, &number, &kept)
                })
                .await
                .unwrap();
            let (found, kept) = store
                .read(move |reader| Ok((NUMBERS.list(reader, ..)?, BLOCKS.get(reader, &number)?)))
                .await
                .unwrap();
            assert!(found.len() as u64 == number && found[0].1 == "pl4nted".repeat(3_000));
            assert_eq!(kept.as_ref(), Some(&block));
        }
        let bytes = all_bytes(dir.path());
        assert_eq!(holds(&bytes, "pl4nted"), !sealed);
        assert_eq!(memchr::memmem::find(&bytes, &block.0[..64]).is_some(), !sealed);
    }
}

#[tokio::test]
async fn a_store_whose_key_is_gone_stays_as_it_is_and_gets_no_other_key() {
    let dir = tempfile::tempdir().unwrap();
    let memory = Arc::new(Memory::new());
    let store = open_sealed(&dir, &memory).await.unwrap().store;
    store.write(|writer| NUMBERS.put(writer, &1, &"one".into())).await.unwrap();
    let id = store.sealer().key_id().unwrap().to_owned();
    drop(store);
    let before = all_bytes(&dir.path().join("store"));

    let fault = Store::open(dir.path()).await.err().unwrap();
    assert_eq!(fault.code, FaultCode::StoreKeyMissing);
    let empty = Arc::new(Memory::new());
    let fault = open_sealed(&dir, &empty).await.err().unwrap();
    assert_eq!((fault.code, fault.code.exit_status()), (FaultCode::StoreKeyMissing, 8));
    assert!(fault.message.contains(&id), "{fault}");
    assert!(empty.is_empty(), "no key was made in place of the lost one");
    memory.refuse(Some(Fault::new(FaultCode::KeyringLocked, "the keyring is locked")));
    let fault = open_sealed(&dir, &memory).await.err().unwrap();
    assert_eq!(fault.code, FaultCode::KeyringLocked, "locked is not lost");
    assert_eq!(all_bytes(&dir.path().join("store")), before, "nothing was touched");

    memory.refuse(None);
    let store = open_sealed(&dir, &memory).await.unwrap().store;
    assert_eq!(store.read(|reader| NUMBERS.get(reader, &1)).await.unwrap(), Some("one".into()));
    drop(store);
    // Where the note beside the store is gone, the store itself still says it.
    std::fs::remove_file(dir.path().join("store.witness")).unwrap();
    let fault = open_sealed(&dir, &empty).await.err().unwrap();
    assert_eq!(fault.code, FaultCode::StoreKeyMissing);
    assert!(empty.is_empty());
}

#[tokio::test]
async fn a_sealed_value_that_was_put_elsewhere_or_changed_is_damage_not_another_value() {
    let dir = tempfile::tempdir().unwrap();
    let memory = Arc::new(Memory::new());
    let store = open_sealed(&dir, &memory).await.unwrap().store;
    store
        .write(|writer| {
            NUMBERS.put(writer, &1, &"one".into())?;
            NUMBERS.put(writer, &2, &"two".into())
        })
        .await
        .unwrap();
    store
        .write(|writer| {
            use tree::Rows;
            let swapped = writer.row("numbers", &[1u64.to_be_bytes().as_slice(), &[0, 0]].concat())?;
            writer.change("numbers", [2u64.to_be_bytes().as_slice(), &[0, 0]].concat(), swapped);
            Ok(())
        })
        .await
        .unwrap();
    let fault = store.read(|reader| NUMBERS.get(reader, &2)).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::StoreDamaged);
    assert_eq!(store.read(|reader| NUMBERS.get(reader, &1)).await.unwrap(), Some("one".into()));
}

#[tokio::test]
async fn a_value_of_any_length_keeps_no_piece_of_a_longer_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    for length in [0, 10, 4_090, 4_091, 4_092, 4_093, 9_000, 300_000, 5, 8_192, 0] {
        let value: String = "é中a".chars().cycle().take(length).collect();
        let kept = value.clone();
        store
            .write(move |writer| {
                NUMBERS.put(writer, &5, &kept)?;
                NUMBERS.put(writer, &6, &"next".into())
            })
            .await
            .unwrap();
        let list = store.read(|reader| NUMBERS.list(reader, ..)).await.unwrap();
        assert_eq!(list, [(5, value.clone()), (6, "next".into())], "{length}");
        assert_eq!(store.read(|reader| NUMBERS.get(reader, &5)).await.unwrap(), Some(value));
    }
    store.write(|writer| NUMBERS.remove(writer, &5)).await.unwrap();
    assert_eq!(store.read(|reader| NUMBERS.list(reader, ..)).await.unwrap(), [(6, "next".to_owned())]);
}

#[tokio::test]
async fn no_value_is_put_into_a_file_that_sled_never_syncs() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    for number in 0..30 {
        let value = "x".repeat(300_000);
        store.write(move |writer| NUMBERS.put(writer, &number, &value)).await.unwrap();
    }
    let blobs = std::fs::read_dir(dir.path().join("store/blobs")).unwrap().count();
    assert_eq!(blobs, 0);
}

fn keys() -> impl Strategy<Value = (String, u16, String)> {
    ("[a-c\u{ff}]{0,3}", prop_oneof![Just(0u16), Just(255), Just(256), Just(u16::MAX)], "[a-c]{0,2}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn keys_come_back_sort_as_their_bytes_and_none_begins_another(a in keys(), b in keys()) {
        let (x, y) = (a.to_bytes(), b.to_bytes());
        prop_assert_eq!(Key::from_bytes(&x), Some(a.clone()));
        prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        prop_assert!(a == b || !y.starts_with(&x));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_tree_behaves_as_a_map(
        steps in prop::collection::vec((0u64..24, prop::option::of(0usize..9_000)), 1..24),
        low in 0u64..24, high in 0u64..24,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let store = open(&dir).await;
            let mut map = BTreeMap::new();
            for (key, length) in steps {
                match length {
                    Some(length) => {
                        let value = "v".repeat(length);
                        map.insert(key, value.clone());
                        store.write(move |writer| NUMBERS.put(writer, &key, &value)).await.unwrap();
                    }
                    None => {
                        map.remove(&key);
                        store.write(move |writer| NUMBERS.remove(writer, &key)).await.unwrap();
                    }
                }
            }
            let all: Vec<_> = map.clone().into_iter().collect();
            assert_eq!(store.read(|reader| NUMBERS.list(reader, ..)).await.unwrap(), all);
            let (low, high) = (low.min(high), low.max(high) + 1);
            let part = store.read(move |reader| {
                let mut part = Vec::new();
                let range = (Bound::Excluded(low), Bound::Excluded(high));
                NUMBERS.scan(reader, range, Order::HighestFirst, |key, value| {
                    part.push((key, value));
                    Ok(std::ops::ControlFlow::Continue(()))
                })?;
                Ok(part)
            }).await.unwrap();
            let mut wanted: Vec<_> = map.range((Bound::Excluded(low), Bound::Excluded(high)))
                .map(|(key, value)| (*key, value.clone())).collect();
            wanted.reverse();
            assert_eq!(part, wanted);
        });
    }
}
