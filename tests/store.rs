//! The data on this computer as an operator meets it: older formats, full disks, backups.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use protocol::FaultCode;
use protocol::operations::{Operation, OperationKind, OperationResult};
use protocol::store::{BackupFacts, StoreReport, StoreRestored};
use support::keyring::Session;
use support::musterctl::Operator;
use support::{needs, places};

fn run(program: &str, words: &[&str]) {
    let ended = Command::new(program).args(words).status().unwrap();
    assert!(ended.success(), "{program} {words:?}");
}

/// A small file system of its own, gone with the test.
pub(crate) struct Disk(pub(crate) PathBuf);

impl Disk {
    pub(crate) fn mount(at: PathBuf) -> Self {
        fs::create_dir_all(&at).unwrap();
        run("mount", &["-t", "tmpfs", "-o", "size=24m", "none", at.to_str().unwrap()]);
        Self(at)
    }

    fn fill(&self) -> PathBuf {
        let file = self.0.join("filler");
        let zeros = vec![0; 1 << 16];
        let mut out = fs::File::create(&file).unwrap();
        while std::io::Write::write_all(&mut out, &zeros).is_ok() {}
        file
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l", self.0.to_str().unwrap()]).status();
    }
}

/// Stores of every format that there is; one that opens in no later version loses a person's log.
#[test]
fn a_store_of_every_format_opens_with_all_that_was_in_it() {
    let stores = places::root().join("tests/fixtures/stores");
    let mut seen = 0;
    for entry in fs::read_dir(stores).unwrap() {
        let packed = entry.unwrap().path();
        let operator = Operator::without_keyring();
        fs::create_dir(operator.data()).unwrap();
        run("tar", &["-xzf", packed.to_str().unwrap(), "-C", operator.data().to_str().unwrap()]);
        let listed = operator.run(&["host", "list", "--json"]).done();
        let copy = operator.data().join("backups/before-format-2.muster-backup");
        let is_earlier = packed.ends_with("format-1.tar.gz");
        assert_eq!(listed.stderr.contains("was brought from format"), is_earlier, "{}", listed.stderr);
        assert_eq!(copy.exists(), is_earlier);
        let hosts = listed.json();
        let names: Vec<&str> =
            hosts.as_array().unwrap().iter().map(|host| host["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["db-1", "web-1"], "{}", packed.display());
        let operations: Vec<Operation> =
            operator.run(&["operations", "--json", "--limit", "50"]).done().value();
        let ids: Vec<u64> = operations.iter().map(|operation| operation.id).collect();
        assert_eq!(ids, [8, 7, 6, 5, 4, 3, 2, 1]);
        assert!(operations[2].output.contains("重启网关") && operations[0].exit_code == Some(3));
        assert!(operations[1].output.ends_with("2999\n3000\n"));
        let unread = operations.iter().filter(|operation| operation.read.is_none()).count();
        assert_eq!(unread, 3, "what was read stays read");
        let report: StoreReport = operator.run(&["store", "check", "--json"]).done().value();
        assert!(report.broken == 0 && report.whole > 10, "{report:?}");
        operator.run(&["operations", "verify"]).done();
        seen += 1;
        if !is_earlier {
            continue;
        }
        operator.run(&["store", "restore", copy.to_str().unwrap()]).done();
        // All that was in it, and that it was restored.
        assert_eq!(operator.run(&["operations", "--json"]).done().json().as_array().unwrap().len(), 9);
    }
    assert_eq!(seen, 2);
}

#[test]
fn on_a_full_or_read_only_disk_everything_can_be_read_and_nothing_is_begun() {
    needs!(Root);
    let mut operator = Operator::without_keyring();
    let disk = Disk::mount(operator.folder().join("disk"));
    let data = disk.0.join("data");
    operator.set("MUSTER_DATA_DIR", data.to_str().unwrap());
    operator.run(&["run", "local", "--", "echo", "before"]).done();
    let mark = operator.folder().join("mark");
    let touch = ["run", "local", "--", "touch", mark.to_str().unwrap()];
    let readable = |operator: &Operator| {
        let log = operator.run(&["operations", "--json"]).done();
        assert!(log.stderr.contains("can be read and not be changed"), "{}", log.stderr);
        assert_eq!(log.json().as_array().unwrap().len(), 1);
        operator.run(&["host", "list"]).done();
        let refused = operator.run(&touch).refused(8, &["written"]);
        assert!(!refused.stderr.contains("panicked"), "{}", refused.stderr);
        let fault = operator.run(&["run", "local", "--json", "--", "true"]).status_is(8).fault();
        assert_eq!(fault.code, FaultCode::StoreUnwritable);
        assert!(!mark.exists(), "it was begun without a line in the log");
        let check = operator.run(&["store", "check"]).done();
        assert!(check.stdout.contains("writable  no: "), "{}", check.stdout);
        let exported = operator.folder().join("exported.jsonl");
        let told = operator.run(&["operations", "export", exported.to_str().unwrap()]).done();
        assert!(told.stdout.contains("is not in the log"), "{}", told.stdout);
        assert!(fs::read_to_string(&exported).unwrap().contains("echo before"));
        fs::remove_file(exported).unwrap();
        let elsewhere = operator.folder().join("rescued");
        operator.run(&["store", "backup", elsewhere.to_str().unwrap()]).done();
        assert!(elsewhere.exists());
    };
    let before = bytes_of(&data.join("store"));
    let filler = disk.fill();
    readable(&operator);
    fs::remove_file(filler).unwrap();
    run("mount", &["-o", "remount,ro", disk.0.to_str().unwrap()]);
    readable(&operator);
    assert_eq!(bytes_of(&data.join("store")), before, "what is there was not touched");
    run("mount", &["-o", "remount,rw", disk.0.to_str().unwrap()]);
    operator.run(&touch).done();
    assert!(mark.exists());

    // The disk fills while a command runs: what it printed is told, and the log claims nothing.
    let filler = disk.0.join("filler");
    let text = format!("cat /dev/zero 2>/dev/null >{}; echo seen $((6*7))", filler.display());
    let run =
        operator.run(&["run", "local", "--", &text]).refused(8, &["exit status 0", "written to the log"]);
    assert!(run.stdout.contains("seen 42"), "{}", run.stdout);
    fs::remove_file(filler).unwrap();
    let log: Vec<Operation> = operator.run(&["operations", "--json"]).done().value();
    assert_eq!((log[0].result, log[0].read.is_none()), (OperationResult::OutcomeUnknown, true));
    assert!(log[0].summary.contains("before the answer was written down"), "{}", log[0].summary);
}

fn bytes_of(folder: &Path) -> Vec<u8> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().filter(|path| path.is_file()).flat_map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn a_backup_is_written_and_restored_from_the_terminal() {
    let operator = Operator::without_keyring();
    operator.run(&["run", "local", "--", "echo", "one"]).done();
    let file = operator.folder().join("backup");
    let name = file.to_str().unwrap();
    let made: BackupFacts = operator.run(&["store", "backup", name, "--json"]).done().value();
    assert_eq!(made.bytes, fs::metadata(&file).unwrap().len());
    operator.run(&["run", "local", "--", "echo", "two"]).done();
    let restored: StoreRestored = operator.run(&["store", "restore", name, "--json"]).done().value();
    let kept = PathBuf::from(restored.kept.unwrap());
    assert!(kept.join("db").exists(), "{}", kept.display());
    let log: Vec<Operation> = operator.run(&["operations", "--json"]).done().value();
    assert_eq!(
        log.iter().map(|one| one.kind).collect::<Vec<_>>(),
        [OperationKind::StoreRestore, OperationKind::Command]
    );
    assert!(log[0].summary.contains("kept in store.replaced-1"), "{}", log[0].summary);
    // It cost an entry, which is said, and nothing is wrong.
    let check = operator.run(&["operations", "verify"]).done();
    assert!(check.stdout.contains("a backup was put in the place of the data"), "{}", check.stdout);
    let daily: Vec<_> = fs::read_dir(operator.data().join("backups")).unwrap().collect();
    assert_eq!(daily.len(), 1, "the backup of the day came along with the commands");

    // A slip of the hand costs neither the store nor another file.
    let other = operator.folder().join("notes.txt");
    fs::write(&other, "precious").unwrap();
    for target in [operator.data().join("store/db"), operator.data().join("backups/mine"), other.clone()] {
        operator.run(&["store", "backup", target.to_str().unwrap()]).status_is(2);
    }
    assert_eq!(fs::read(&other).unwrap(), b"precious");
    operator.run(&["store", "check"]).done();
    operator.run(&["store", "backup", name]).done();

    fs::write(&file, "no backup").unwrap();
    let fault = operator.run(&["store", "restore", name, "--json"]).status_is(8).fault();
    assert_eq!(fault.code, FaultCode::BackupUnusable);
    operator.run(&["store", "restore", name]).refused(8, &["no backup of Muster", "choose another"]);
    let folder = operator.folder().to_str().unwrap();
    operator.run(&["store", "backup", folder]).refused(2, &["folder"]);
    operator.run(&["store", "backup", "/nonexistent/x"]).refused(8, &["/nonexistent/x"]);
    assert_eq!(operator.run(&["operations", "--json"]).done().json().as_array().unwrap().len(), 2);
}

#[test]
fn a_sealed_store_whose_key_is_deleted_says_so_and_opens_again_when_it_is_back() {
    needs!(Keyring);
    let session = Session::with_keyring();
    let operator = Operator::in_session(&session);
    operator.run(&["run", "local", "--", "echo", "pl4nted"]).done();
    let report: StoreReport = operator.run(&["store", "check", "--json"]).done().value();
    let id = report.facts.sealed_by.unwrap();
    let without = Operator::without_keyring();
    fs::create_dir(without.data()).unwrap();
    run("cp", &["-a", &format!("{}/.", operator.data().display()), without.data().to_str().unwrap()]);
    let fault = without.run(&["operations", "--json"]).status_is(8).fault();
    assert!(
        matches!(fault.code, FaultCode::KeyringUnavailable | FaultCode::StoreKeyMissing),
        "a keyring that is not there is told from one that lost the key: {fault:?}"
    );
    let file = operator.folder().join("backup");
    let words = ["store", "backup", file.to_str().unwrap(), "--passphrase-stdin"];
    let made = operator.run_with_input(&words, "correct horse").done();
    assert!(made.stdout.contains(&id), "{}", made.stdout);
    for path in [&file, &operator.data().join("store/db")] {
        assert!(memchr::memmem::find(&fs::read(path).unwrap(), b"pl4nted").is_none(), "{}", path.display());
    }
    session.forget(&format!("store/{id}"));
    let lost = operator.run(&["operations"]).refused(8, &[&id, "keyring"]);
    assert!(lost.stderr.contains("sealed"), "{}", lost.stderr);
    assert_eq!(operator.run(&["operations", "--json"]).status_is(8).fault().code, FaultCode::StoreKeyMissing);
    let words = ["store", "restore", file.to_str().unwrap(), "--passphrase-stdin"];
    operator.run_with_input(&words, "correct horse").done();
    let log: Vec<Operation> = operator.run(&["operations", "--json"]).done().value();
    assert!(log[1].output.contains("pl4nted"));
}
