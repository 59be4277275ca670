//! Another computer answers for a saved host, with the same key: it is looked at, and nothing is done on it
//! until a person says that it is the one that is meant.

use protocol::FaultCode;
use protocol::operations::OperationResult;
use protocol::trust::{HostMachine, HostMarks};
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::Window;

use crate::answers;

const OTHER: &str = "00112233445566778899aabbccddeeff";

/// The host is set up anew from the same disk: its key stays, its machine-id does not.
fn install_anew(host: &SystemdHost, machine_id: &str) {
    host.run(&[
        "sh",
        "-c",
        "rm -f /etc/machine-id; printf '%s\\n' \"$1\" > /etc/machine-id",
        "sh",
        machine_id,
    ]);
}

fn marks(operator: &Operator) -> HostMarks {
    operator.run(&["trust", "machine", "web", "--json"]).done().value()
}

#[test]
fn a_host_set_up_anew_with_its_old_key_is_looked_at_and_not_acted_on() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    assert_eq!(marks(&operator).machine, None, "nobody answered yet");
    operator.run(&["trust", "machine", "web", "--accept", OTHER]).refused(2, &["has not answered yet"]);
    operator.run(&["trust", "machine", "local"]).refused(2, &["this computer"]);
    let first = host.run(&["cat", "/etc/machine-id"]).trim().to_owned();
    operator.run(&["run", "web", "--", "true"]).done();
    let known = marks(&operator);
    assert_eq!(known.machine.unwrap().known.id.as_ref(), Some(&first));
    assert_eq!(known.keys[0].fingerprint, host.fingerprint());

    install_anew(&host, OTHER);
    // Also by what looks at nothing first.
    let proof = host.tree().join("var/proof");
    let key = operator.folder().join("id_new").to_str().unwrap().to_owned();
    let keys = host.run(&["cat", "/root/.ssh/authorized_keys"]);
    let changes: [&[&str]; 4] = [
        &["host", "key", "web", "--key", &key],
        &["helper", "web", "remove"],
        &["run", "web", "--", "touch", "/var/proof"],
        &["service", "web", "restart", "cron.service"],
    ];
    for words in changes {
        operator.run(words).refused(4, &["web", OTHER, &first, "nothing was done", "trust machine"]);
    }
    assert_eq!(host.run(&["cat", "/root/.ssh/authorized_keys"]), keys);
    assert!(host.tree().join("root/.cache/muster").exists(), "its helper is still there");
    operator.run(&["system", "web"]).done();
    let pid = host.run(&["pidof", "cron"]).trim().to_owned();
    operator.run(&["signal", "web", &pid, "TERM"]).refused(4, &[OTHER]);
    assert!(!proof.exists());
    assert_eq!(host.run(&["pidof", "cron"]).trim(), pid);
    let log = answers::operations(&operator);
    let refused = log.iter().find(|one| one.command.contains("/var/proof")).unwrap();
    assert_eq!(refused.result, OperationResult::Refused, "{refused:?}");
    let fault = operator.run(&["run", "web", "--json", "--", "true"]).status_is(4).fault();
    assert_eq!((fault.code, fault.detail.subject.as_deref()), (FaultCode::MachineChanged, Some(OTHER)));

    let wrong = operator.run(&["trust", "machine", "web", "--accept", &"ab".repeat(16)]);
    wrong.refused(2, &[OTHER, "nothing was accepted"]);
    let accepted: HostMachine =
        operator.run(&["trust", "machine", "web", "--accept", OTHER, "--json"]).done().value();
    assert_eq!((accepted.known.id.as_deref(), &accepted.other), (Some(OTHER), &None));
    operator.run(&["run", "web", "--", "touch", "/var/proof"]).done();
    assert!(proof.exists());
    let log = answers::operations(&operator);
    assert!(log.iter().any(|one| one.target == format!("machine-id {OTHER}")), "{log:?}");

    // One that has none is another one too; and the one that is back is known.
    host.run(&["rm", "/etc/machine-id"]);
    operator.run(&["run", "web", "--", "true"]).refused(4, &["none"]);
    install_anew(&host, OTHER);
    operator.run(&["run", "web", "--", "true"]).done();
}

#[test]
fn the_window_shows_that_another_computer_answers_and_takes_the_person_s_word_for_it() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let tag = ["--tag", "prod"];
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &tag);
    operator.run(&["check", "web"]).done();
    install_anew(&host, OTHER);
    let window = Window::with_data_of(&desktop, &operator);
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    let said = window.text("machine-changed");
    assert!(said.contains(OTHER), "{said}");
    window.picture(&places::pictures(), "machine-changed");

    window.click("host-run");
    let shown = window.text("guard-marks");
    assert!(shown.contains(&host.fingerprint()) && shown.contains(OTHER), "{shown}");
    window.fill("run-command", "touch /var/proof");
    window.fill("service-typed-name", "web");
    window.click("run-do");
    window.wait_for("run-refused");
    window.picture(&places::pictures(), "machine-refused");
    let proof = host.tree().join("var/proof");
    assert!(!proof.exists());
    window.click("dialog-close");
    window.wait_gone("run-dialog");

    window.click("machine-accept");
    window.wait_gone("machine-changed");
    window.click("host-run");
    window.fill("run-command", "touch /var/proof");
    window.fill("service-typed-name", "web");
    window.click("run-do");
    until("the command to be done", seconds(30), || proof.exists().then_some(()));
    window.close();
}
