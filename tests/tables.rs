//! What a person does with the rows of a table, in the real window: several acted on at once, one found by its
//! name, one changed where it stands, and the table as it was left.

use std::collections::BTreeMap;

use protocol::operations::{Operation, OperationKind, OperationResult};
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::Window;
use support::window_manager::WindowManager;

use crate::answers;

/// Presses a key in the table, as where the keyboard is.
fn press(window: &Window, key: &str, ctrl: bool) {
    press_all(window, &[key], ctrl);
}

/// One right after the other, as fast hands do.
fn press_all(window: &Window, keys: &[&str], ctrl: bool) {
    window.script(&format!(
        "const grid = document.querySelector('[role=grid], [role=treegrid]'); grid.focus();\
         for (const key of {keys:?}) {{\
             const at = grid.contains(document.activeElement) ? document.activeElement : grid;\
             at.dispatchEvent(new KeyboardEvent('keydown', {{key, ctrlKey: {ctrl}, bubbles: true}})) }}"
    ));
}

fn of_kind(operator: &Operator, kind: OperationKind) -> Vec<Operation> {
    answers::operations(operator).into_iter().filter(|one| one.kind == kind).collect()
}

#[test]
fn several_rows_are_acted_on_at_once_each_with_its_own_result() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let text = "[Service]\nExecStart=/bin/sleep 9999\n".to_owned();
    let bad = "[Service]\nType=oneshot\nExecStart=/bin/false\n".to_owned();
    let go_on = "/run/muster-go-on";
    let slow =
        format!("[Service]\nType=oneshot\nExecStart=/bin/sh -c 'until [ -e {go_on} ]; do sleep 0.1; done'\n");
    let slow_ones = ["zq-slow-a", "zq-slow-b", "zq-slow-c"].map(|name| (name, &slow));
    let units = [&[("many-a", &text), ("many-b", &bad), ("many-c", &text)][..], &slow_ones[..]].concat();
    let unit = |(name, text): (&str, &String)| (format!("{name}.service"), text.clone());
    host.add_units(&units.into_iter().map(unit).collect::<Vec<_>>());
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &["--tag", "prod"]);
    let data = operator.data().to_str().unwrap().to_owned();
    let variables: BTreeMap<String, String> = [("MUSTER_DATA_DIR".to_owned(), data)].into();
    let app = places::program("muster");
    let window = Window::open(&desktop, &app, &variables);
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    pages::open_tab(&window, "services");
    window.fill("services-filter", "many-");
    window.wait_for_count("[data-testid^=\"service-row-\"]", 3);
    press(&window, "a", true);
    window.wait_text("chosen-count", "three of them", |text| text.contains('3'));
    window.picture(&places::pictures(), "several-chosen");
    window.click("chosen-start");
    // Nothing is done before the name of the guarded host is typed.
    window.wait_for_css("[data-testid=\"services-do\"]:disabled");
    window.fill("service-typed-name", "web");
    window.picture(&places::pictures(), "several-asked");
    window.click("services-do");
    window.wait_for("several-done");
    window.picture(&places::pictures(), "several-done");
    let started = of_kind(&operator, OperationKind::ServiceStart);
    let of = |unit: &str| started.iter().find(|one| one.target.starts_with(unit)).map(|one| one.result);
    assert_eq!(of("many-a"), Some(OperationResult::Done));
    assert_eq!(of("many-b"), Some(OperationResult::Failed), "the others go on: {started:?}");
    assert_eq!(of("many-c"), Some(OperationResult::Done));
    window.click("several-done");
    window.wait_gone("services-dialog");

    // Who quits in the middle is told how many would not be done; who stays loses none.
    window.fill("services-filter", "zq-slow-");
    window.wait_for_count("[data-testid^=\"service-row-\"]", 3);
    window.wait_for("service-row-zq-slow-c.service");
    press(&window, "a", true);
    window.wait_text("chosen-count", "three of them", |text| text.contains('3'));
    window.click("chosen-start");
    window.fill("service-typed-name", "web");
    window.click("services-do");
    until("the first to be begun", seconds(30), || {
        let started = of_kind(&operator, OperationKind::ServiceStart);
        started.iter().any(|one| one.result == OperationResult::UnderWay).then_some(())
    });
    WindowManager::of(&desktop).close("Muster");
    window.wait_text("quit-to-come", "what has not begun", |text| text.starts_with("2 more have not begun"));
    window.wait_text("quit-running", "what runs", |text| text.contains("zq-slow-a"));
    window.picture(&places::pictures(), "quit-series");
    window.click("quit-stay");
    window.wait_gone("quit");
    host.run(&["touch", go_on]);
    window.wait_for("several-done");
    window.wait_for_count("[data-testid^=several-row-][data-state=done]", 3);
    window.click("several-done");
    window.wait_gone("services-dialog");
    window.fill("services-filter", "many-");
    window.wait_for("service-row-many-c.service");

    pages::open_tab(&window, "processes");
    window.fill("processes-filter", "sleep 9999");
    window.wait_for_count("[data-testid^=\"processes-row-\"]", 2);
    press(&window, "a", true);
    window.wait_text("chosen-count", "two of them", |text| text.contains('2'));
    window.click("chosen-signal");
    window.wait_for("signals-dialog");
    window.fill("service-typed-name", "web");
    window.click("signals-do");
    window.wait_for("several-done");
    until("both to have ended", seconds(20), || {
        (!host.try_run(&["pgrep", "-f", "^/bin/sleep 9999"]).status.success()).then_some(())
    });
    assert_eq!(of_kind(&operator, OperationKind::Signal).len(), 2);
    window.click("several-done");
    window.close();

    // Each table is as it was left, also after a new start.
    let window = Window::open(&desktop, &app, &variables);
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    pages::open_tab(&window, "services");
    assert_eq!(window.value("services-filter"), "many-");
    window.wait_for_count("[data-testid^=\"service-row-\"]", 3);
    window.close();
}

#[test]
fn a_host_is_found_by_typing_and_changed_where_it_stands() {
    needs!(Window);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    for name in ["alpha", "beta", "gamma-1", "gamma-2"] {
        operator.run(&["host", "add", name, "--address", "192.0.2.1", "--user", "ann"]).done();
    }
    let window = Window::with_data_of(&desktop, &operator);
    window.wait_for("host-row-alpha");
    press_all(&window, &["g", "a"], false);
    press(&window, "F2", false);
    window.wait_for("host-in-place");
    window.picture(&places::pictures(), "host-in-place");
    window.click("in-place-cancel");
    window.wait_gone("host-in-place");
    press(&window, "F2", false);
    window.wait_for("host-in-place");
    let shown = window.script("return document.querySelector('[data-testid=host-in-place] input').value");
    assert_eq!(shown, "gamma-1", "the row that the typed letters led to");
    window.close();
}

#[test]
fn hosts_are_dragged_into_a_group_and_out_of_it() {
    needs!(Window);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let groups: [(&str, &[&str]); 4] =
        [("alpha", &["--group", "east"]), ("beta", &["--group", "west"]), ("delta", &[]), ("gamma", &[])];
    for (name, group) in groups {
        let words = ["host", "add", name, "--address", "192.0.2.1", "--user", "ann"];
        operator.run(&[&words, group].concat()).done();
    }
    let window = Window::with_data_of(&desktop, &operator);
    let groups_of = |name: &str| -> Vec<String> {
        let told = window.call("hosts_list", &serde_json::json!({"args": {}}));
        let rows = told["done"].as_array().unwrap();
        let row = rows.iter().find(|row| row["host"]["name"] == name).unwrap();
        serde_json::from_value(row["host"]["groups"].clone()).unwrap()
    };
    let comes_to = |name: &str, groups: &[&str]| {
        until(&format!("{name} to be in {groups:?}"), seconds(20), || {
            (groups_of(name) == groups).then_some(())
        });
    };

    window.drag("host-row-gamma", "host-group-east");
    let said = window.wait_text("hosts-drag", "where it would go", |text| text.contains("east"));
    assert!(said.contains("gamma"), "{said}");
    window.picture(&places::pictures(), "hosts-drag");
    assert_eq!(groups_of("gamma"), Vec::<String>::new(), "nothing happens before it is let go");
    window.drop();
    comes_to("gamma", &["east"]);
    window.wait_gone("hosts-drag");
    assert!(!window.has("tab-overview"), "the end of a drag opens no host");

    // What is held can be put back.
    window.drag("host-row-gamma", "host-group-west");
    window.wait_for("hosts-drag");
    window.press_escape();
    window.wait_gone("hosts-drag");
    window.drop();
    // Long enough for a change that must not come.
    std::thread::sleep(seconds(1));
    assert_eq!(groups_of("gamma"), ["east"]);

    // A line of another group is as good as its head; and those that are chosen go together.
    press_all(&window, &["Home", "ArrowDown", " "], false);
    window.wait_text("chosen-count", "the first", |text| text.contains('1'));
    window.script(
        "document.querySelector('[data-testid=host-row-gamma]')\
             .dispatchEvent(new MouseEvent('mousedown', {ctrlKey: true, bubbles: true}))",
    );
    window.wait_text("chosen-count", "two of them", |text| text.contains('2'));
    window.drag("host-row-alpha", "host-row-beta");
    window.wait_text("hosts-drag", "how many go", |text| text.contains("2 hosts") && text.contains("west"));
    window.drop();
    comes_to("alpha", &["west"]);
    comes_to("gamma", &["west"]);
    window.wait_gone("host-group-east");

    // Out of every group, among those without one.
    window.drag("host-row-alpha", "host-row-delta");
    window.drop();
    comes_to("alpha", &[]);
    assert_eq!(groups_of("gamma"), ["west"]);
    window.close();
}
