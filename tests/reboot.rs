//! A host that boots again in the middle of an operation.

use protocol::operations::{Operation, OperationResult};
use serde_json::Value;
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::Window;

use crate::answers;

/// Keeps the words of each notice in the corner, which does not stand there for long.
const NOTE_TOASTS: &str = "window.toasts = []; \
    new MutationObserver(() => document.querySelectorAll('[data-testid=toast]').forEach(toast => { \
        if (!window.toasts.includes(toast.innerText)) window.toasts.push(toast.innerText); \
    })).observe(document.body, {childList: true, subtree: true})";

fn boot_id(operator: &Operator) -> String {
    let system: Value = operator.run(&["system", "web", "--json"]).done().json();
    system["boot_id"].as_str().unwrap().to_owned()
}

#[test]
fn an_operation_during_which_the_host_boots_again_is_unknown_and_the_host_is_live_again_as_another_boot() {
    needs!(SystemdHost, Window);
    let mut host = SystemdHost::start();
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    let window = Window::with_data_of(&desktop, &operator);
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    pages::open_tab(&window, "overview");
    let first = boot_id(&operator);
    window.wait_page(&first);

    // One by the window's engine, and one unit that would be acted on at this moment.
    let began = host.tree().join("root/began");
    let running =
        operator.start(&["run", "web", "--", "sh", "-c", "touch /root/began; sleep 600; touch /root/ended"]);
    until("the command to begin on the host", seconds(30), || began.exists().then_some(()));
    host.add_unit("slow.service", "[Service]\nExecStartPre=/bin/sh -c 'touch /root/starting; sleep 600'\nExecStart=/bin/true\nTimeoutStartSec=900\n");
    let acting = operator.start(&["service", "web", "start", "slow.service"]);
    let starting = host.tree().join("root/starting");
    until("the unit to be started", seconds(30), || starting.exists().then_some(()));

    window.script(NOTE_TOASTS);
    host.reboot();
    running.end().refused(3, &["web", "unknown"]);
    let acted = acting.end();
    assert_eq!(acted.status, 3, "{acted:?}");
    assert!(acted.stderr.contains("unknown"), "{}", acted.stderr);
    let log = answers::operations(&operator);
    let of = |word: &str| log.iter().find(|one| one.command.contains(word) || one.target == word).unwrap();
    for operation in [of("sleep 600"), of("slow.service")] {
        assert_eq!(operation.result, OperationResult::OutcomeUnknown, "{operation:?}");
        assert!(operation.is_unread() && operation.exit_code.is_none(), "{operation:?}");
    }
    assert!(!host.tree().join("root/ended").exists(), "it never came to its end");

    // The host is back, and it is told that it is another boot.
    pages::wait_until_live(&window);
    let second = boot_id(&operator);
    assert_ne!(first, second);
    window.wait_page(&second);
    window.wait_gone("stale");
    // It is said once in the window, and where it is asked how the two ended.
    until("the window to tell of it", seconds(30), || {
        window.script("return window.toasts.join()").as_str()?.contains("web was rebooted").then_some(())
    });
    until("the log to say why the ends are not known", seconds(30), || {
        let log = answers::operations(&operator);
        let unknown = log.iter().filter(|one| one.result == OperationResult::OutcomeUnknown);
        let is_explained = |one: &Operation| {
            one.comments
                .iter()
                .any(|said| said.by == "Muster" && said.text.contains("the host was started anew"))
        };
        (unknown.filter(|one| is_explained(one)).count() == 2).then_some(())
    });
    let entry = of("sleep 600").id.to_string();
    let shown = operator.run(&["operations", "show", &entry]).done();
    assert!(shown.stdout.contains("the host was started anew"), "{}", shown.stdout);
    operator.run(&["run", "web", "--", "true"]).done();
    assert!(!host.tree().join("root/ended").exists(), "nothing is begun again by itself");
    pages::open_page(&window, "operations");
    window.wait_for_css(&format!("[data-testid=\"operations-row-{}\"]", of("sleep 600").id));
    window.picture(&places::pictures(), "rebooted");
    window.close();
}
