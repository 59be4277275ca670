//! The list of saved hosts in the real window: changed where a line stands, changed and removed by several, found,
//! copied, taken from a file, and as it was left.

use serde_json::{Value, json};
use support::needs;
use support::pages;
use support::places;
use support::seat::Seat;
use support::wait::{seconds, until};
use support::window::Window;
use support::window::keys::ENTER;

/// Presses keys in the list, one right after the other.
fn press(window: &Window, keys: &[&str], ctrl: bool) {
    window.press_in("[data-testid=hosts]", keys, if ctrl { "ctrlKey: true" } else { "" });
}

fn open(seat: &Seat) -> Window {
    let window = seat.open();
    window.wait_for("hosts");
    window
}

fn host(window: &Window, name: &str) -> Value {
    let told = window.call("hosts_list", &json!({"args": {}}));
    let rows = told["done"].as_array().unwrap();
    rows.iter().map(|row| row["host"].clone()).find(|host| host["name"] == name).unwrap_or(Value::Null)
}

fn names(window: &Window) -> Vec<String> {
    let told = window.call("hosts_list", &json!({"args": {}}));
    let rows = told["done"].as_array().unwrap();
    rows.iter().map(|row| row["host"]["name"].as_str().unwrap().to_owned()).collect()
}

fn shown_names(window: &Window) -> Vec<String> {
    let told = window.script(
        "return [...document.querySelectorAll('[data-testid^=host-row-]')]\
             .map(row => row.dataset.testid.replace('host-row-', ''))",
    );
    serde_json::from_value(told).unwrap()
}

#[test]
fn a_line_is_changed_where_it_stands_and_what_was_typed_outlives_a_filter_and_another_page() {
    needs!(Window);
    let seat = Seat::new();
    seat.operator.add_silent("alpha", &[]);
    seat.operator.add_silent("beta", &["--tag", "prod"]);
    let window = open(&seat);

    // What cannot be saved is said beside its field, and nothing is changed by it.
    press(&window, &["a", "F2"], false);
    window.wait_for("host-in-place");
    window.fill("in-place-name", "beta");
    window.press("in-place-name", ENTER);
    window.wait_for("in-place-name-error");
    window.fill("in-place-name", "..");
    window.press("in-place-name", ENTER);
    window.wait_words("in-place-name-error", "why", |text| text.contains(".."));
    assert_eq!(host(&window, "alpha")["name"], "alpha");

    // Another page is looked at, and the line is as it was left.
    window.fill("in-place-name", "alpha-2");
    pages::open_page(&window, "operations");
    pages::open_page(&window, "hosts");
    window.wait_for("host-in-place");
    assert_eq!(window.value("in-place-name"), "alpha-2");
    // The host is changed elsewhere meanwhile; the list has it once it has the host that was added after it.
    seat.operator.run(&["host", "edit", "alpha", "--address", "192.0.2.7"]).done();
    seat.operator.add_silent("gamma", &[]);
    window.wait_for("host-row-gamma");

    // The line goes out of sight, and what was typed is still there.
    window.fill("search", "beta");
    window.wait_gone("host-in-place");
    window.wait_words("edit-hidden", "what is not saved", |text| text.contains("alpha"));
    window.picture(&places::pictures(), "hosts-edit-hidden");
    window.click("edit-show");
    window.wait_for("host-in-place");
    assert_eq!(window.value("in-place-name"), "alpha-2");
    window.click("in-place-save");
    window.wait_for("host-row-alpha-2");
    assert_eq!(host(&window, "alpha"), Value::Null);
    assert_eq!(host(&window, "alpha-2")["address"], "192.0.2.7", "only what was typed is changed");
    pages::open_page(&window, "operations");
    pages::open_page(&window, "hosts");
    window.wait_for("host-row-alpha-2");
    assert!(!window.has("host-in-place"), "what was saved is not begun again");

    // The guard is not taken away in a line.
    press(&window, &["Home", "b", "F2"], false);
    window.wait_for("host-in-place");
    window.empty("in-place-tags");
    window.press("in-place-tags", ENTER);
    window.wait_for("in-place-tags-error");
    assert_eq!(host(&window, "beta")["tags"], json!(["prod"]));
    window.click("in-place-cancel");
    window.wait_gone("host-in-place");
    window.close();
}

#[test]
fn several_hosts_are_changed_and_removed_at_once() {
    needs!(Window);
    let seat = Seat::new();
    seat.operator.add_silent("gate", &[]);
    seat.operator.add_silent("inner", &["--jump", "gate"]);
    seat.operator.add_silent("plain", &[]);
    seat.operator.add_silent("safe", &["--tag", "prod"]);
    let window = open(&seat);
    press(&window, &["a"], true);
    window.wait_words("chosen-count", "four of them", |text| text.contains('4'));
    window.click("chosen-edit");
    window.wait_for("hosts-edit");
    // All that is wrong shows at once, each beside its field.
    window.fill("bulk-user", "-oProxyCommand=x");
    window.fill("bulk-port", "70000");
    window.wait_for("error-bulk-user");
    window.wait_for("error-bulk-port");
    window.fill("bulk-user", "ops");
    window.fill("bulk-port", "2222");
    window.fill("bulk-add-groups", "Shop");
    window.wait_gone("error-bulk-user");
    window.click("bulk-save");
    window.wait_gone("hosts-edit");
    window.wait_for("host-group-Shop");
    for name in ["gate", "inner", "plain", "safe"] {
        let host = host(&window, name);
        assert_eq!((&host["user"], &host["port"]), (&json!("ops"), &json!(2222)), "{host}");
    }

    // Delete means what is chosen, not the line with the cursor. The guarded one stays.
    press(&window, &["a"], true);
    window.wait_words("chosen-count", "four of them", |text| text.contains('4'));
    press(&window, &["Delete"], false);
    window.wait_for("hosts-remove");
    window.wait_for_css("[data-testid=several-row-3][data-state=guarded]");
    window.picture(&places::pictures(), "hosts-remove");
    assert_eq!(names(&window).len(), 4, "nothing happens before it is said");
    window.click("hosts-remove-do");
    window.wait_for("several-done");
    window.wait_for_count("[data-testid^=several-row-][data-state=done]", 3);
    window.picture(&places::pictures(), "hosts-removed");
    window.click("several-done");
    window.wait_gone("hosts-remove");
    assert_eq!(names(&window), ["safe"]);
    window.wait_gone("host-row-gate");
    window.close();
}

#[test]
fn hosts_are_found_by_letters_in_order_which_are_marked_and_the_best_match_stands_first() {
    needs!(Window);
    let seat = Seat::new();
    for name in ["web-frontend-1", "web-frontend-2", "database", "a-wide-bench"] {
        seat.operator.add_silent(name, &["--group", "Shop"]);
    }
    let window = open(&seat);
    window.fill("search", "wfe2");
    window.wait_for_count("[data-testid^=host-row-]", 1);
    assert_eq!(shown_names(&window), ["web-frontend-2"]);
    let marked = window.script(
        "return [...document.querySelectorAll('[data-testid=host-row-web-frontend-2] .name mark')]\
             .map(mark => mark.textContent).join('')",
    );
    assert_eq!(marked, "wfe2");
    window.picture(&places::pictures(), "hosts-found");
    // An address is found as it is written, and its letters too are marked.
    window.fill("search", "0.2.1 data");
    window.wait_for_count("[data-testid^=host-row-]", 1);
    window.wait_for_css("[data-testid=host-row-database] .mono mark");
    window.fill("search", "shp");
    window.wait_for_count("[data-testid^=host-row-]", 4);
    window.wait_for_css("[data-testid=host-group-Shop] mark");
    // The order that was there before goes behind how well a host matches, one that is chosen now before it.
    let comes_to = |order: &[&str]| {
        until(&format!("the order {order:?}"), seconds(20), || (shown_names(&window) == order).then_some(()));
    };
    window.fill("search", "web");
    comes_to(&["web-frontend-1", "web-frontend-2", "a-wide-bench"]);
    window.click("sort-name");
    comes_to(&["a-wide-bench", "web-frontend-1", "web-frontend-2"]);
    window.fill("search", "9.9");
    window.wait_for("hosts-none");
    window.close();
}

#[test]
fn hosts_are_copied_and_the_list_is_as_it_was_left() {
    needs!(Window);
    let seat = Seat::new();
    for (name, group) in [("a-1", "East"), ("a-2", "East"), ("b-1", "West")] {
        seat.operator.add_silent(name, &["--group", group]);
    }
    let window = open(&seat);
    window.hear_copies();
    press(&window, &["Home", "ArrowDown"], false);
    press(&window, &["c"], true);
    let text = window.copied();
    assert!(text.contains("a-1") && !text.contains("a-2"), "the line with the cursor: {text}");
    press(&window, &[" ", "ArrowDown"], false);
    press(&window, &[" "], true);
    window.wait_for("chosen-bar");
    window.click("chosen-clear");

    window.click("hosts-copy-csv");
    let csv = window.copied();
    assert!(csv.starts_with("name,tag,address,"), "{csv}");
    assert_eq!(csv.lines().count(), 4, "each host once: {csv}");

    // A hidden column, the order, a fold and the words of the filter are kept.
    window.click("hosts-columns");
    window.click("column-memory");
    window.wait_for_css("[data-testid=hosts].hide-8");
    window.script("document.querySelector('[data-testid=hosts]').focus()");
    window.click("sort-name");
    until("the last name first", seconds(20), || {
        (shown_names(&window) == ["a-2", "a-1", "b-1"]).then_some(())
    });
    window.click("host-group-West");
    window.wait_gone("host-row-b-1");
    window.press_row("host-row-a-1", "ctrlKey: true");
    window.wait_words("chosen-count", "what is chosen", |text| text.contains('1'));
    pages::open_page(&window, "operations");
    pages::open_page(&window, "hosts");
    window.wait_words("chosen-count", "what was chosen before", |text| text.contains('1'));
    window.click("chosen-clear");
    window.fill("search", "a-");
    window.wait_for_count("[data-testid^=host-row-]", 2);
    // The line is kept a moment after it was typed.
    std::thread::sleep(seconds(1));
    window.close();

    let window = open(&seat);
    window.wait_for_css("[data-testid=hosts].hide-8");
    assert_eq!(window.value("search"), "a-");
    assert_eq!(shown_names(&window), ["a-2", "a-1"]);
    window.empty("search");
    window.wait_for("host-group-West");
    assert!(!window.has("host-row-b-1"), "it is still folded");
    window.close();
}

#[test]
fn only_what_was_shown_of_a_file_is_taken_over() {
    needs!(Window);
    let seat = Seat::new();
    seat.operator.add_silent("old", &[]);
    let [shown, other] = ["shown.csv", "other.csv"].map(|name| seat.operator.folder().join(name));
    std::fs::write(&shown, "name,address,user\nseen,192.0.2.10,ann\n..,192.0.2.11,ann\n").unwrap();
    std::fs::write(&other, "name,address,user\nunseen,192.0.2.12,ann\n").unwrap();
    let window = open(&seat);
    window.click("hosts-files");
    window.click("hosts-import");
    window.fill("import-file", shown.to_str().unwrap());
    window.click("import-look");
    window.wait_for("import-rows");
    window.wait_page("A name cannot be . or .. alone.");
    // Another path, and nothing is shown of it: there is nothing to take over.
    window.fill("import-file", other.to_str().unwrap());
    window.wait_gone("import-rows");
    window.wait_for_css("[data-testid=import-do]:disabled");
    window.fill("import-file", shown.to_str().unwrap());
    window.click("import-look");
    window.wait_for("import-rows");
    // Another file in its place.
    std::fs::copy(&other, &shown).unwrap();
    window.click("import-do");
    window.wait_for("import-outdated");
    window.picture(&places::pictures(), "hosts-import-outdated");
    assert_eq!(names(&window), ["old"], "nothing of what was not shown");
    // It is shown by now, and may be taken over.
    window.wait_page("unseen");
    window.click("import-do");
    until("what is shown to be saved", seconds(20), || {
        names(&window).contains(&"unseen".to_owned()).then_some(())
    });
    window.close();
}
