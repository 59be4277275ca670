//! What became of the data on this computer, as the window says it: a store that was brought back, one that was
//! recovered, an end that could not be written down.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use protocol::operations::{Operation, OperationResult};
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
