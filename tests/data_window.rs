//! What became of the data on this computer, as the window says it: a store that was brought back, one that was
//! recovered, an end that could not be written down.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use protocol::operations::{Operation, OperationResult};
use protocol::store::StoreReport;
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::wait::{seconds, until};
use support::window::Window;

use crate::store::Disk;

#[test]
fn what_became_of_the_data_is_said_in_the_window() {
    needs!(Root, Window);
    let desktop = Desktop::start(1280, 800);
    let mut operator = Operator::in_session(&desktop.session);
    let disk = Disk::mount(operator.folder().join("disk"));
    let data = disk.0.join("data");
    operator.set("MUSTER_DATA_DIR", data.to_str().unwrap());
    for word in ["one", "two"] {
        operator.run(&["run", "local", "--", "echo", word]).done();
    }
    let backup = operator.folder().join("backup");
    operator.run(&["store", "backup", backup.to_str().unwrap()]).done();
    operator.run(&["run", "local", "--", "echo", "three"]).done();
    operator.run(&["store", "restore", backup.to_str().unwrap()]).done();
    // A part of the disk is lost.
    let file = OpenOptions::new().read(true).write(true).open(data.join("store/db")).unwrap();
    let mut bytes = vec![0; 64 << 10];
    let read = file.read_at(&mut bytes, 0).unwrap();
    let last = bytes[..read].iter().rposition(|byte| *byte != 0).unwrap();
    file.write_all_at(&[0; 64], last as u64 / 2).unwrap();
    drop(file);

    let variables: BTreeMap<String, String> =
        [("MUSTER_DATA_DIR".to_owned(), data.to_str().unwrap().to_owned())].into();
    let window = Window::open(&desktop, &places::program("muster"), &variables);
    window.wait_for("nav-hosts");
    window.wait_for("notice");
    window.picture(&places::pictures(), "store-recovered");
    let said = window.script("return document.querySelector('[data-testid=\"notice\"]').textContent");
    assert!(said.as_str().unwrap().contains("store.damaged-"), "where the damaged files are: {said}");
    pages::open_page(&window, "operations");
    window.click("operations-verify");
    window.wait_for("verify-result");
    window.picture(&places::pictures(), "store-restored");
    let said = window.text("verify-result");
    assert!(said.contains("backup"), "{said}");
    window.click("verify-close");

    // The disk fills while a command runs: its output is shown, and it is not claimed to be in the log.
    pages::open_path(&window, "/hosts/local");
    pages::wait_until_live(&window);
    window.click("host-run");
    let filler = disk.0.join("filler");
    window
        .fill("run-command", &format!("cat /dev/zero 2>/dev/null >{}; echo seen $((6*7))", filler.display()));
    window.click("run-do");
    window.wait_for("action-unlogged");
    window.picture(&places::pictures(), "unlogged");
    assert!(window.text("run-stdout").contains("seen 42"));
    // As soon as there is room it is written down.
    fs::remove_file(filler).unwrap();
    let written = until("the end to be written down", seconds(90), || {
        let log: Vec<Operation> = operator.run(&["operations", "--json"]).done().value();
        log.into_iter().find(|one| one.command.contains("/dev/zero") && one.result == OperationResult::Done)
    });
    assert!(written.output.contains("seen 42"), "{written:?}");
    window.close();
}

/// The keys of stores that a keyring holds, by their names.
fn store_keys(desktop: &Desktop) -> Vec<String> {
    let items = desktop.session.secrets_with("service", "muster");
    let mut keys: Vec<String> = items
        .split(|c: char| c.is_whitespace() || c == ':' || c == '@')
        .filter(|word| word.starts_with("store/"))
        .map(str::to_owned)
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

#[test]
fn a_key_of_the_data_that_is_deleted_is_said_in_the_window_and_never_replaced_by_another() {
    needs!(Window);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let run = |word: &str| operator.run(&["run", "local", "--", "echo", word]).done();
    run("planted-before");
    let report: StoreReport = operator.run(&["store", "check", "--json"]).done().value();
    let key = format!("store/{}", report.facts.sealed_by.unwrap());
    assert_eq!(store_keys(&desktop), [key.as_str()]);
    let data = operator.data().to_str().unwrap().to_owned();
    let variables: BTreeMap<String, String> = [("MUSTER_DATA_DIR".to_owned(), data)].into();
    let open = || Window::open(&desktop, &places::program("muster"), &variables);

    // While the app is open it has the key: it says what happened, and puts the very key back.
    let line = desktop.session.look_up(&key);
    let window = open();
    window.wait_for("nav-hosts");
    assert!(!window.has("notice"));
    desktop.session.forget(&key);
    assert_eq!((store_keys(&desktop), desktop.session.look_up(&key)), (Vec::new(), String::new()));
    run("planted-meanwhile");
    let said = window.text("notice");
    assert!(said.contains("removed from the keyring") && said.contains("put back"), "{said}");
    window.picture(&places::pictures(), "store-key-back");
    assert_eq!(store_keys(&desktop), [key.as_str()]);
    assert_eq!(desktop.session.look_up(&key), line, "it is the one from before");
    window.close();
    let log = || -> Vec<Operation> { operator.run(&["operations", "--json"]).done().value() };
    let outputs: Vec<String> = log().into_iter().map(|one| one.output).collect();
    assert_eq!(outputs, ["planted-meanwhile\n", "planted-before\n"]);

    // While nothing is open nobody has it: the window says so, makes no other, and touches no file.
    desktop.session.forget(&key);
    let files = || -> Vec<(std::path::PathBuf, Vec<u8>)> {
        let mut all: Vec<_> = fs::read_dir(operator.data().join("store")).unwrap().flatten().collect();
        all.sort_by_key(fs::DirEntry::path);
        all.iter().map(|file| (file.path(), fs::read(file.path()).unwrap_or_default())).collect()
    };
    let before = files();
    let window = open();
    window.wait_for_css("[data-testid=\"fault\"][data-code=\"store_key_missing\"]");
    let said = window.text("fault");
    assert!(said.contains("Bring back the keyring that had the key"), "{said}");
    window.picture(&places::pictures(), "store-key-missing");
    // Whose system is Chinese reads it in Chinese, though the engine did not start and told no language.
    let chinese = ["LANG", "LC_ALL"].map(|name| (name.to_owned(), "zh_CN.UTF-8".to_owned()));
    window.close();
    let chinese = variables.clone().into_iter().chain(chinese).collect();
    let window = Window::open(&desktop, &places::program("muster"), &chinese);
    window.wait_for_css("html[lang=\"zh-CN\"] [data-testid=\"fault\"][data-code=\"store_key_missing\"]");
    assert!(window.text("fault").contains("密钥环"), "{}", window.text("fault"));
    window.close();
    let window = open();
    window.click("retry");
    window.wait_for_css("[data-testid=\"fault\"][data-code=\"store_key_missing\"]");
    assert_eq!(store_keys(&desktop), Vec::<String>::new(), "no other key was made");
    assert!(files() == before, "the files are as they were");

    // Its way on: the key is brought back, and all is there.
    desktop.session.bring_back(&key, &line);
    window.click("retry");
    pages::open_page(&window, "operations");
    window.wait_page("echo planted-before");
    window.close();
    assert_eq!(desktop.session.look_up(&key), line);
}
