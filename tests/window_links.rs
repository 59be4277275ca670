//! Links in the real window: what a sign-in asks, and what stands between this computer and a host.

use std::collections::BTreeMap;

use support::desktop::Desktop;
use support::hops::Hops;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::sshd::own_user;
use support::throwaway_user::ThrowawayUser;
use support::window::Window;

#[test]
fn a_sign_in_asks_in_the_window_and_a_lost_jump_host_is_named_with_the_next_try() {
    needs!(Root, Sshd, Window);
    let hops = Hops::start(&[&[], &["PasswordAuthentication yes"]]);
    let user = ThrowawayUser::add();
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let data = operator.data();
    let (own, key) = (own_user(), hops.key());
    let gate = ["host", "add", "gate", "--address", hops.hosts[0].address(), "--user", &own, "--key"];
    let gate: Vec<&str> = gate.into_iter().chain([key.to_str().unwrap()]).collect();
    operator.run(&gate).done();
    operator.accept("gate");
    let words = ["host", "add", "db", "--address", hops.hosts[1].address(), "--user", &user.name];
    let words: Vec<&str> =
        words.into_iter().chain(["--jump", "gate", "--ask-password", "--helper", "none"]).collect();
    operator.run(&words).done();
    operator.accept("db");
    let variables: BTreeMap<String, String> =
        [("MUSTER_DATA_DIR".to_owned(), data.to_str().unwrap().to_owned())].into();
    let window = Window::open(&desktop, &places::program("muster"), &variables);
    pages::open_host(&window, "db");
    window.wait_for("question");
    let title = window.text("question");
    assert!(title.contains("db") && title.contains(&user.name), "it says for whom: {title}");
    assert!(window.text("host-way").contains("gate"), "the way stands in the head");
    window.picture(&places::pictures(), "question");
    window.fill("question-0", &user.password);
    window.click("question-send");
    window.wait_gone("question");
    pages::wait_until_live(&window);
    hops.cut();
    window.wait_text("host-state", "the jump host that was lost", |text| text.contains("gate"));
    window.picture(&places::pictures(), "jump-lost");
    hops.mend();
    window.close();
}
