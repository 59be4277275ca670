//! The first day of a new person in the real window, with no manual, in both languages: hosts are saved
//! from the first page, a port is found over three of them, a service on a guarded one is restarted,
//! and the reason is read why a fourth cannot be reached.

use protocol::operations::OperationResult;
use serde_json::Value;
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::systemd_host::SystemdHost;
use support::window::Window;

use crate::answers;

/// A text of the window in one of its languages, as it stands in its file.
fn text(language: &str, noun: &str, key: &str) -> String {
    let path = places::root().join(format!("src-ui/src/text/{language}/{noun}.json"));
    let texts: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    texts[key].as_str().unwrap().to_owned()
}

#[test]
fn a_new_person_finds_a_port_restarts_a_guarded_service_and_learns_why_a_host_is_away_in_english() {
    needs!(SystemdHost, Window);
    first_day("en", "en_US.UTF-8");
}

#[test]
fn a_new_person_does_the_same_in_chinese() {
    needs!(SystemdHost, Window);
    first_day("zh-CN", "zh_CN.UTF-8");
}

fn first_day(language: &str, locale: &str) {
    let hosts = [SystemdHost::start(), SystemdHost::start(), SystemdHost::start()];
    hosts[1].run(&["systemd-run", "--unit=shop", "/usr/sbin/sshd", "-D", "-o", "ListenAddress=0.0.0.0:8080"]);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    // The language is that of the system: nobody has chosen one yet.
    let window = Window::with_data_in(&desktop, &operator, locale);
    window.wait_for("first-start");
    window.wait_page(&text(language, "hosts", "first_title"));

    for (n, host) in hosts.iter().enumerate() {
        let name = format!("web-{}", n + 1);
        pages::fill_host_form(&window, &name, &host.address(), "root", &host.key());
        if n == 0 {
            window.fill("field-tags", "prod");
        }
        pages::save_and_ask_for_the_key(&window);
        window.wait_page(&host.fingerprint());
        window.click("trust-accept");
        pages::open_host(&window, &name);
        pages::wait_until_live(&window);
    }

    // Which of them listens on 8080?
    window.click("search-all");
    window.wait_for("palette");
    window.fill("palette-input", "port:8080");
    window.wait_for("found-web-2");
    window.wait_for_count("[data-testid^=\"found-\"]", 1);
    window.picture(&places::pictures(), &format!("search-{language}"));
    window.fill("palette-input", "unit:ssh.service");
    window.wait_for_count("[data-testid^=\"found-\"]", 3);
    window.fill("palette-input", "port:8080");
    window.wait_for_count("[data-testid^=\"found-\"]", 1);
    window.click("found-web-2");
    window.wait_for_css("[data-testid=\"sockets-page\"][data-ready]");
    window.wait_page("shop.service");

    // A service on the guarded host: without its name nothing can be done.
    pages::open_host(&window, "web-1");
    pages::open_tab(&window, "services");
    pages::open_service(&window, "cron.service");
    assert_eq!(window.script("return document.querySelector('[data-testid=service-do]').disabled"), true);
    window.fill("service-typed-name", "web-1");
    pages::act_on_service(&window);
    window.click("service-done");
    let log = answers::operations(&operator);
    let restart = log.iter().find(|operation| operation.target == "cron.service").unwrap();
    assert_eq!(restart.result, OperationResult::Done);

    // A fourth one says in a sentence why it is away, and what to do next.
    pages::fill_host_form(&window, "web-4", "127.0.0.1", "root", &hosts[0].key());
    window.fill("field-port", &support::process::free_port().to_string());
    window.click("form-connect");
    window.wait_for_css(
        "[data-testid=\"fault\"][data-code], [data-testid=\"host-state\"][data-state=\"unreachable\"]",
    );
    window.wait_for_css("[data-testid=\"host-state\"][data-state=\"unreachable\"]");
    window.wait_page(&text(language, "states", "next_retry"));
    window.picture(&places::pictures(), &format!("away-{language}"));
    window.close();
}
