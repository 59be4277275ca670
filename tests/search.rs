//! The palette by the keyboard alone, in the real window: what Enter opens is the row of the question as it
//! is typed, however fast it is pressed, and whatever the page behind was left on.

use support::needs;
use support::pages;
use support::places;
use support::seat::Seat;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::Window;
use support::window::keys::{CONTROL, DOWN, ENTER};

const FOUND: &str = "[data-testid^=\"found-\"]";

fn palette(window: &Window) {
    window.script(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'k', ctrlKey: true, bubbles: true}))",
    );
    window.wait_for("palette-input");
}

/// Opens the palette and types there.
fn search(window: &Window, keys: &str) {
    palette(window);
    window.press("palette-input", keys);
}

fn path(window: &Window) -> String {
    window.script("return location.pathname").as_str().unwrap().to_owned()
}

fn wait_row_at_cursor(window: &Window, table: &str, row: &str) {
    window.wait_for_css(&format!("#{table}-table-cursor[data-testid=\"{row}\"]"));
}

#[test]
fn enter_right_after_the_question_opens_its_row_on_its_page() {
    needs!(SystemdHost, Window);
    let seat = Seat::at(SystemdHost::shared());
    let window = seat.open_live("web");
    pages::open_page(&window, "hosts");
    search(&window, &format!("port:22{ENTER}"));
    window.wait_for_css("[data-testid=\"sockets-page\"][data-ready]");
    assert_eq!(path(&window), "/hosts/web/sockets");
    wait_row_at_cursor(&window, "sockets", "sockets-row-22");
    window.wait_words("sockets-detail", "the socket in full", |text| text.contains(":22"));

    // The same row once more, after it was let go.
    window.click("sockets-detail-close");
    window.wait_gone("sockets-detail");
    window.fill("sockets-filter", "nothing like it");
    window.wait_for("sockets-none");
    search(&window, &format!("port:22{ENTER}"));
    window.wait_for("sockets-detail");
    wait_row_at_cursor(&window, "sockets", "sockets-row-22");
    window.close();
}

#[test]
fn a_row_is_shown_on_a_page_that_was_left_on_something_else() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::shared();
    let seat = Seat::at(host);
    let window = seat.open_live("web");
    pages::open_tab(&window, "services");
    window.click("services-failed");
    window.wait_for_css("[data-testid=\"services-failed\"][aria-checked=\"true\"]");
    pages::open_page(&window, "hosts");
    search(&window, &format!("unit:cron.service{ENTER}"));
    window.wait_for("service-row-cron.service");
    wait_row_at_cursor(&window, "services", "service-row-cron.service");
    window.wait_for_css("[data-testid=\"services-failed\"][aria-checked=\"false\"]");
    assert_eq!(window.value("services-filter"), "cron.service");

    // What was kept is there again on the page itself.
    window.click("tab-services");
    window.wait_for_css("[data-testid=\"services-failed\"][aria-checked=\"true\"]");
    assert_eq!(window.value("services-filter"), "");

    // A process is found by its name, and it is the one that is meant.
    let pid = host.run(&["systemctl", "show", "-P", "MainPID", "cron.service"]);
    search(&window, &format!("proc:cron{ENTER}"));
    window.wait_for_css("[data-testid=\"processes-page\"][data-ready]");
    wait_row_at_cursor(&window, "processes", &format!("processes-row-{}", pid.trim()));
    window.close();
}

#[test]
fn arrows_choose_and_control_enter_opens_the_host() {
    needs!(SystemdHost, Window);
    let (first, second) = (SystemdHost::shared(), SystemdHost::start());
    let seat = Seat::at_each(&[("web-1", first), ("web-2", &second)]);
    let window = seat.open_live("web-1");
    pages::open_live(&window, "web-2");
    pages::open_page(&window, "hosts");
    search(&window, "unit:cron.service");
    window.wait_for_count(&format!("{FOUND}:not(.is-old)"), 2);
    window.wait_for_css("[data-testid=\"found-web-1\"].is-focused");
    window.press("palette-input", DOWN);
    window.wait_for_css("[data-testid=\"found-web-2\"].is-focused");
    window.picture(&places::pictures(), "search-chosen");
    window.press("palette-input", &format!("{CONTROL}{ENTER}"));
    window.wait_gone("palette");
    window.wait_words("host-name", "the second host", |text| text == "web-2");
    assert_eq!(path(&window), "/hosts/web-2");
    window.close();
}

#[test]
fn enter_never_opens_a_row_of_the_question_before() {
    needs!(SystemdHost, Window);
    let seat = Seat::at(SystemdHost::shared());
    let window = seat.open_live("web");
    pages::open_page(&window, "hosts");
    search(&window, "port:22");
    window.wait_for("found-web");
    // Nothing listens on 221: one more digit, and Enter before there is an answer.
    window.press("palette-input", &format!("1{ENTER}"));
    window.wait_for("palette-note");
    assert_eq!(path(&window), "/hosts", "the rows of the port before were not chosen");
    window.wait_for_count(FOUND, 0);

    // A question without a meaning has no rows of another one below it.
    window.fill("palette-input", "port:22");
    window.wait_for("found-web");
    window.press("palette-input", &format!("x{ENTER}"));
    window.wait_words("palette-note", "what a port is", |text| text.contains("65535"));
    window.wait_for_count(FOUND, 0);

    window.fill("palette-input", &format!("unit:cron.service{ENTER}"));
    window.wait_for("service-row-cron.service");
    assert_eq!(path(&window), "/hosts/web/services");
    window.close();
}

#[test]
fn a_host_that_is_silent_answers_from_its_snapshot_after_those_that_are_live() {
    needs!(SystemdHost, Window);
    let (away, near) = (SystemdHost::start(), SystemdHost::shared());
    let seat = Seat::at_each(&[("a-away", &away), ("b-near", near)]);
    let window = seat.open_live("a-away");
    pages::open_tab(&window, "sockets");
    window.wait_page("ssh.service");
    pages::open_live(&window, "b-near");
    pages::open_page(&window, "hosts");
    away.cut_link();
    palette(&window);
    // Until it is missed, what was kept up to date a moment ago counts as what it says now.
    let after = "[data-testid=\"found-b-near\"]:not(.is-old) ~ [data-testid=\"found-a-away\"].is-old";
    until("the silent host to answer from its snapshot, after the other", seconds(90), || {
        window.fill("palette-input", "port:221");
        window.wait_for_count(FOUND, 0);
        window.fill("palette-input", "port:22");
        window.wait_for("found-b-near");
        window.script(&format!("return !!document.querySelector('{after}')")).as_bool().unwrap().then_some(())
    });
    let age =
        window.script("return document.querySelector('[data-testid=found-a-away] .found-aside').textContent");
    assert!(age.as_str().unwrap().contains("ago"), "{age}");
    window.picture(&places::pictures(), "search-away");
    // The best line is the live one, though the other comes first by its name.
    window.press("palette-input", ENTER);
    window.wait_for_css("[data-testid=\"sockets-page\"][data-ready]");
    assert_eq!(path(&window), "/hosts/b-near/sockets");
    window.close();
}

#[test]
fn what_the_palette_offers_is_done() {
    needs!(SystemdHost, Window);
    let seat = Seat::at(SystemdHost::shared());
    seat.operator.add_silent("spare", &[]);
    let window = seat.open();
    window.wait_for("host-row-web");
    for theme in ["light", "dark"] {
        search(&window, &format!("> {theme}{ENTER}"));
        window.wait_for_css(&format!("html[data-theme=\"{theme}\"]"));
        window.wait_gone("palette");
    }
    search(&window, &format!("> trust{ENTER}"));
    window.wait_for("page-trust");
    search(&window, &format!("> verify{ENTER}"));
    window.wait_for("verify-result");
    window.click("verify-close");
    window.wait_gone("verify-dialog");
    search(&window, &format!("> back up{ENTER}"));
    window.wait_page("The data is backed up");

    // On a host that is not live nothing can be restarted, on an open one that is it can, from any page.
    search(&window, "restart spare");
    window.wait_for("palette-note");
    window.press_escape();
    window.wait_gone("palette");
    pages::open_live(&window, "web");
    pages::open_page(&window, "settings");
    search(&window, &format!("restart{ENTER}"));
    window.wait_for("service-dialog");
    window.press_escape();
    window.wait_gone("service-dialog");
    search(&window, &format!("journal web{ENTER}"));
    window.wait_for_css("[data-testid=\"journal-page\"]");
    assert_eq!(path(&window), "/hosts/web/journal");
    window.close();
}

#[test]
fn more_hosts_than_are_listed_are_counted() {
    needs!(Window);
    let seat = Seat::new();
    for n in 0..15 {
        let (name, address) = (format!("web-{n}"), format!("192.0.2.{n}"));
        seat.operator.run(&["host", "add", &name, "--address", &address, "--user", "ann"]).done();
    }
    let window = seat.open();
    window.wait_for("host-row-web-0");
    search(&window, "web");
    window.wait_words("palette-count", "how many there are", |text| text.contains("12 of 15 hosts"));
    // Hosts that were never read are no snapshot.
    window.fill("palette-input", "host:web-1");
    window.wait_words("palette-list", "that they were never read", |text| {
        text.contains("6 hosts were never read") && !text.contains("snapshot")
    });
    window.picture(&places::pictures(), "search-never-read");
    window.close();
}

#[test]
fn what_a_chinese_keyboard_types_is_understood_and_answered_in_chinese() {
    needs!(SystemdHost, Window);
    let seat = Seat::at(SystemdHost::shared());
    let window = seat.open_in("zh_CN.UTF-8");
    window.wait_for("host-row-web");
    pages::open_live(&window, "web");
    pages::open_page(&window, "hosts");
    // The key alone opens the palette from the field of every page, at full width too.
    window.fill("search", "port：");
    window.wait_for("palette");
    let note = window.wait_words("palette-note", "what is missing", |text| text.contains("port:8080"));
    assert!(!note.is_empty() && !note.contains("needs a value"), "{note}");
    assert!(note.contains("例如"), "{note}");
    window.press("palette-input", "２２");
    window.wait_for("found-web");
    window.picture(&places::pictures(), "search-full-width");
    window.fill("palette-input", &format!("＞ 信任{ENTER}"));
    window.wait_for("page-trust");
    window.close();
}
