//! What a sign-in asks a person, in the window and in a terminal beside it: two proofs, one of them asked
//! for by PAM.

use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::systemd_host::SystemdHost;
use support::window::Window;

use crate::secrets::{files_with, holds};
use crate::sign_in::in_terminal;

#[test]
fn the_second_proof_is_asked_for_in_the_window_or_in_a_terminal_and_kept_nowhere() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    std::fs::write(
        host.tree().join("etc/ssh/sshd_config.d/proofs.conf"),
        "KbdInteractiveAuthentication yes\nUsePAM yes\nAuthenticationMethods publickey,keyboard-interactive\n",
    )
    .unwrap();
    host.run(&["systemctl", "reload", "ssh"]);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    operator.run(&["check", "web"]).refused(5, &["web", "there is nobody to ask", "in a terminal"]);

    let window = Window::with_data_of(&desktop, &operator);
    // A person who does not want to answer leads to a state with its reason, and no second dialog.
    pages::open_host(&window, "web");
    window.wait_for("question");
    window.picture(&places::pictures(), "question");
    let asked = window.text("question");
    assert!(asked.contains("web") && asked.contains("Password"), "{asked}");
    assert!(asked.contains("Signing in as root."), "whose password it is: {asked}");
    window.click("question-cancel");
    window.wait_gone("question");
    window.wait_for_css("[data-testid=\"host-state\"][data-state=\"sign-in\"]");
    window.picture(&places::pictures(), "question-refused");

    // A wrong answer is sent once and asked for again by nobody.
    window.click("host-next-step");
    window.fill("question-0", "not the password");
    window.click("question-send");
    window.wait_gone("question");
    window.wait_for_css("[data-testid=\"host-state\"][data-state=\"sign-in\"]");
    assert!(!window.has("question"));

    window.click("host-more");
    window.click("host-connect");
    window.fill("question-0", host.password());
    window.click("question-send");
    pages::wait_until_live(&window);
    assert!(!window.has("question"));

    // In a terminal, which asks the open app: both are asked, the first answer counts.
    window.click("host-more");
    window.click("host-disconnect");
    window.wait_for_css("[data-testid=\"host-state\"][data-state=\"idle\"]");
    let (shown, status) = in_terminal(&operator, &["check", "web"], &[("Password:", host.password())]);
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("web is live") && !holds(shown.as_bytes(), host.password()), "{shown}");
    window.wait_gone("question");
    assert_eq!(files_with(operator.folder(), host.password()), Vec::<String>::new());
    window.close();
}
