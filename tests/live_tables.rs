//! The tables of a host in the real window while the host goes on: no row moves under a hand, a table that is
//! frozen stays as it is, and all of it goes by keys too.

use protocol::sockets::{Socket, SocketState};
use serde_json::Value;
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::Window;

use crate::answers;

const TABLE: &str = "[data-testid=processes-table]";
const DOWN: &str = "\u{e015}";

/// Runs something that does nothing, and whose command has this word.
fn nap(host: &SystemdHost, unit: &str, word: &str) {
    host.run(&["systemd-run", &format!("--unit={unit}"), "sleep", word]);
}

/// Opens the processes of a host, of which only those with this word are shown.
fn open(operator: &Operator, desktop: &Desktop, host: &SystemdHost, word: &str) -> Window {
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    let window = Window::with_data_of(desktop, operator);
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    pages::open_tab(&window, "processes");
    if !word.is_empty() {
        window.fill("processes-filter", word);
    }
    window
}

/// Presses a key in the table, with others held.
fn press(window: &Window, key: &str, held: &str) {
    window.script(&format!(
        "const grid = document.querySelector('{TABLE}'); grid.focus();\
         grid.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', {held} bubbles: true}}))"
    ));
}

fn texts(told: &Value) -> Vec<String> {
    told.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// The units of the rows, without their ending, from above.
fn units(window: &Window) -> Vec<String> {
    texts(&window.script(&format!(
        "return [...document.querySelectorAll('{TABLE} .table-row')]\
             .map(row => row.querySelectorAll('.cell')[7].textContent.replace('.service', ''))"
    )))
}

fn wait_units(window: &Window, wanted: &[&str]) {
    let start = std::time::Instant::now();
    while units(window) != wanted {
        assert!(start.elapsed() < seconds(30), "{:?} instead of {wanted:?}", units(window));
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn sorted(window: &Window, column: &str) -> String {
    let told = window.script(&format!(
        "return document.querySelector('[data-testid=sort-{column}]').closest('[role=columnheader]')\
             .getAttribute('aria-sort')"
    ));
    told.as_str().unwrap().to_owned()
}

fn active(window: &Window) -> String {
    let told = window.script("return document.activeElement.dataset.testid ?? ''");
    told.as_str().unwrap().to_owned()
}

/// What a screen reader is told to be at.
fn descendant(window: &Window) -> String {
    let told = window.script(&format!(
        "return document.querySelector('{TABLE}').getAttribute('aria-activedescendant') ?? ''"
    ));
    told.as_str().unwrap().to_owned()
}

fn width(window: &Window, column: &str) -> f64 {
    let told = window.script(&format!(
        "return document.getElementById('processes-table-head-{column}').getBoundingClientRect().width"
    ));
    told.as_f64().unwrap()
}

/// The key of the row at a place of the window.
fn key_at(window: &Window, (x, y): (f64, f64)) -> String {
    let told = window.script(&format!(
        "return document.elementFromPoint({x}, {y}).closest('[data-key]')?.dataset.key ?? ''"
    ));
    told.as_str().unwrap().to_owned()
}

fn row_of(window: &Window, unit: &str) -> String {
    let told = window.script(&format!(
        "return [...document.querySelectorAll('{TABLE} .table-row')]\
             .find(row => row.textContent.includes('{unit}.service')).dataset.testid"
    ));
    told.as_str().unwrap().to_owned()
}

#[test]
fn rows_are_sorted_by_any_head_with_the_pointer_and_with_keys() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    for unit in ["nap-2", "nap-10", "nap-1"] {
        nap(&host, unit, "611611");
    }
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let window = open(&operator, &desktop, &host, "611611");
    window.wait_for_count(&format!("{TABLE} .table-row"), 3);

    window.click("sort-unit");
    wait_units(&window, &["nap-1", "nap-2", "nap-10"]);
    assert_eq!((sorted(&window, "unit").as_str(), sorted(&window, "cpu").as_str()), ("ascending", "none"));
    window.click("sort-unit");
    wait_units(&window, &["nap-10", "nap-2", "nap-1"]);
    assert_eq!(sorted(&window, "unit"), "descending");
    window.click("sort-pid");
    wait_units(&window, &["nap-1", "nap-10", "nap-2"]);
    assert_eq!(sorted(&window, "pid"), "descending", "numbers from the greatest");
    window.click("sort-started");
    window.click("sort-started");
    wait_units(&window, &["nap-2", "nap-10", "nap-1"]);

    // The same without a pointer: up from the first row into the heads.
    press(&window, "Home", "");
    assert_eq!(descendant(&window), "processes-table-cursor");
    press(&window, "ArrowUp", "");
    assert_eq!(descendant(&window), "processes-table-head-started");
    press(&window, "Home", "");
    press(&window, "Enter", "");
    wait_units(&window, &["nap-1", "nap-10", "nap-2"]);
    assert_eq!(
        (descendant(&window).as_str(), sorted(&window, "pid").as_str()),
        ("processes-table-head-pid", "descending")
    );
    press(&window, "Enter", "");
    wait_units(&window, &["nap-2", "nap-10", "nap-1"]);
    for _ in 0..7 {
        press(&window, "ArrowRight", "");
    }
    press(&window, "Enter", "");
    wait_units(&window, &["nap-1", "nap-2", "nap-10"]);
    let before = width(&window, "unit");
    press(&window, "ArrowRight", "shiftKey: true,");
    press(&window, "ArrowRight", "shiftKey: true,");
    until("the column to be wider", seconds(10), || {
        ((width(&window, "unit") - before - 32.0).abs() < 2.0).then_some(())
    });
    press(&window, "ArrowLeft", "shiftKey: true,");
    until("the column to be narrower", seconds(10), || {
        ((width(&window, "unit") - before - 16.0).abs() < 2.0).then_some(())
    });
    press(&window, "Escape", "");
    assert_eq!(descendant(&window), "processes-table-cursor", "and back to the row");
    press(&window, "Home", "");
    press(&window, "ArrowUp", "");
    assert_eq!(descendant(&window), "processes-table-head-unit");
    press(&window, "ArrowDown", "");
    assert_eq!(descendant(&window), "processes-table-cursor");

    // Rows that do not stand together are chosen with Ctrl, and another button of the mouse lets none go.
    press(&window, "Home", "");
    press(&window, " ", "ctrlKey: true,");
    press(&window, "ArrowDown", "ctrlKey: true,");
    press(&window, "ArrowDown", "ctrlKey: true,");
    press(&window, " ", "ctrlKey: true,");
    window.wait_for_count(&format!("{TABLE} .table-row.is-selected"), 2);
    let selected = texts(&window.script(&format!(
        "return [...document.querySelectorAll('{TABLE} .is-selected')].map(row => row.getAttribute('aria-rowindex'))"
    )));
    assert_eq!(selected, ["2", "4"]);
    window.script(&format!(
        "document.querySelectorAll('{TABLE} .table-row')[1]\
             .dispatchEvent(new MouseEvent('mousedown', {{button: 2, bubbles: true}}))"
    ));
    window.wait_for_count(&format!("{TABLE} .table-row.is-selected"), 2);
    press(&window, "ArrowUp", "");
    window.wait_for_count(&format!("{TABLE} .table-row.is-selected"), 0);
    window.close();
}

#[test]
fn columns_stay_as_a_person_has_them_and_only_those_are_copied() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    nap(&host, "nap-copied", "633633");
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let window = open(&operator, &desktop, &host, "633633");
    window.wait_for_count(&format!("{TABLE} .table-row"), 1);
    let marked = window.script(&format!("return document.querySelector('{TABLE} mark').textContent"));
    assert_eq!(marked, "633633");

    window.click("processes-columns");
    assert_eq!(
        window.script("return document.querySelector('[data-testid=processes-columns]').ariaExpanded"),
        "true"
    );
    window.click("column-threads");
    window.click("processes-columns");
    until("the column to be hidden", seconds(10), || (width(&window, "threads") == 0.0).then_some(()));
    let before = width(&window, "name");
    window.drag("grip-name", "sort-state");
    window.drop();
    let dragged = width(&window, "name");
    assert!(dragged > before + 30.0, "{before} became {dragged}");
    // What does not fit beside it any more is reached sideways, with its head.
    press(&window, "Home", "");
    press(&window, "ArrowUp", "");
    press(&window, "End", "");
    for _ in 0..60 {
        press(&window, "ArrowRight", "shiftKey: true,");
    }
    press(&window, "Home", "");
    press(&window, "End", "");
    let apart = || {
        let told = window.script(&format!(
            "const head = document.getElementById('processes-table-head-command').getBoundingClientRect();\
             const cell = document.querySelector('{TABLE} .table-row .cell:nth-child(10)').getBoundingClientRect();\
             return [Math.abs(head.left - cell.left), document.querySelector('{TABLE} .table-body').scrollLeft]"
        ));
        (told[0].as_f64().unwrap(), told[1].as_f64().unwrap())
    };
    until("the rows to be moved, with their heads over them", seconds(10), || {
        let (by_px, left_px) = apart();
        (by_px < 1.0 && left_px > 100.0).then_some(())
    });

    pages::open_tab(&window, "services");
    pages::open_tab(&window, "processes");
    window.wait_for_count(&format!("{TABLE} .table-row"), 1);
    assert!((width(&window, "name") - dragged).abs() < 1.0, "as wide as it was dragged");
    assert!(width(&window, "threads") == 0.0, "hidden still");

    window
        .script("navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve() }");
    let copied = |button: &str| {
        window.script("window.copied = null");
        window.click(button);
        until("the text to be copied", seconds(10), || {
            window.script("return window.copied").as_str().map(str::to_owned)
        })
    };
    let text = copied("processes-copy");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() == 2 && !lines[0].contains("Thr") && lines[0].contains("Command"), "{text}");
    let (before, command) = lines[1].split_at(lines[0].find("Command").unwrap());
    assert!(
        before.ends_with("  ") && command.ends_with("sleep 633633") && !command.starts_with(' '),
        "{text}"
    );
    let csv = copied("processes-copy-csv");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "pid,name,user,state,cpu,memory,unit,started,command");
    let memory: u64 = lines[1].split(',').nth(5).unwrap().parse().unwrap();
    assert!(memory > 100_000, "bytes and not rounded words: {csv}");
    window.close();
}

#[test]
fn the_letters_of_a_peer_that_is_known_are_marked_in_its_name() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let window = open(&operator, &desktop, &host, "");
    // The other end of the link itself is saved as a host.
    let sockets = answers::sockets(&operator.run(&["sockets", "web", "--json"]).done());
    let is_link = |socket: &&Socket| socket.local_port == 22 && socket.state == SocketState::Estab;
    let address = &sockets.iter().find(is_link).unwrap().peer_address;
    operator.run(&["host", "add", "lb-1", "--address", address, "--user", "ann"]).done();
    pages::open_tab(&window, "sockets");
    window.fill("sockets-filter", "lb-1");
    let marks = "const row = document.querySelector('[data-testid=sockets-table] .table-row');\
         return [...(row?.querySelectorAll('mark') ?? [])].map(mark => mark.closest('.peer-host') ? 'name ' + mark.textContent : mark.textContent)";
    until("the name to be marked", seconds(30), || {
        (window.script(marks) == serde_json::json!(["name lb-1"])).then_some(())
    });
    window.close();
}

#[test]
fn a_refresh_moves_no_row_under_the_pointer_and_lets_no_chosen_one_go() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    for unit in ["nap-a", "nap-b", "nap-c", "nap-d"] {
        nap(&host, unit, "644644");
    }
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let window = open(&operator, &desktop, &host, "644644");
    window.wait_for_count(&format!("{TABLE} .table-row"), 4);
    window.click("sort-pid");
    wait_units(&window, &["nap-d", "nap-c", "nap-b", "nap-a"]);
    let here = window.point_at(&row_of(&window, "nap-b"));
    for unit in ["nap-a", "nap-b"] {
        window.script(&format!(
            "document.querySelector('[data-testid={}]')\
                 .dispatchEvent(new MouseEvent('mousedown', {{ctrlKey: true, bubbles: true}}))",
            row_of(&window, unit)
        ));
    }
    window.wait_words("chosen-count", "two of them", |text| text.contains('2'));
    let held = key_at(&window, here);
    assert!(!held.is_empty());

    // In the order of the table these would come first, and what ends above would pull the others up.
    nap(&host, "nap-e", "644644");
    wait_units(&window, &["nap-d", "nap-c", "nap-b", "nap-a", "nap-e"]);
    host.run(&["systemctl", "stop", "nap-d"]);
    window.wait_for_css(&format!("{TABLE} .table-row.is-gone"));
    nap(&host, "nap-f", "644644");
    wait_units(&window, &["nap-d", "nap-c", "nap-b", "nap-a", "nap-e", "nap-f"]);
    assert_eq!(key_at(&window, here), held, "the row under the pointer");
    window.wait_for("count-held");
    window.wait_words("chosen-count", "the same two", |text| text.contains('2'));

    // A press on a head is a person's own: it is done at once; and without a pointer the order is as it says.
    window.point_at("processes-filter");
    wait_units(&window, &["nap-f", "nap-e", "nap-c", "nap-b", "nap-a"]);
    window.wait_gone("count-held");
    window.wait_words("chosen-count", "the same two", |text| text.contains('2'));
    window.close();
}

#[test]
fn a_table_that_is_scrolled_stays_at_its_rows_and_at_the_top_it_stays_at_the_top() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let many = "for n in $(seq 90); do sleep 655655 & done; wait";
    host.run(&["systemd-run", "--unit=many", "sh", "-c", many]);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let window = open(&operator, &desktop, &host, "655655");
    let rows = |wanted: u64| {
        until(&format!("{wanted} rows"), seconds(30), || {
            let count = format!(
                "return Number(document.querySelector('{TABLE}')?.getAttribute('aria-rowcount')) - 1"
            );
            (window.script(&count).as_f64() == Some(wanted as f64)).then_some(())
        });
    };
    // The shell that began them has the word too.
    rows(91);
    window.click("sort-pid");
    window.point_at("processes-filter");
    let scroll = |to: u32| {
        window.script(&format!("document.querySelector('{TABLE} .table-body').scrollTop = {to}"));
        window.wait_painted();
    };
    let top = || {
        let told = window.script(&format!(
            "const box = document.querySelector('{TABLE} .table-body').getBoundingClientRect();\
             return [box.left + 60, box.top + 4]"
        ));
        (told[0].as_f64().unwrap(), told[1].as_f64().unwrap())
    };
    scroll(24 * 40);
    let first = key_at(&window, top());
    assert!(!first.is_empty());
    for n in 0..3 {
        nap(&host, &format!("above-{n}"), "655655");
    }
    rows(94);
    window.wait_painted();
    assert_eq!(key_at(&window, top()), first, "three came above");
    let at = window.script(&format!("return document.querySelector('{TABLE} .table-body').scrollTop"));
    assert_eq!(at.as_f64(), Some(24.0 * 43.0));

    scroll(0);
    nap(&host, "newest", "655655");
    rows(95);
    window.wait_painted();
    let at = window.script(&format!("return document.querySelector('{TABLE} .table-body').scrollTop"));
    assert_eq!(at.as_f64(), Some(0.0));
    assert_eq!(units(&window)[0], "newest");
    window.close();
}

#[test]
fn a_frozen_table_stays_as_it_is_whatever_is_looked_at_and_whatever_becomes_of_the_link() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    nap(&host, "nap-a", "666666");
    nap(&host, "nap-b", "666666");
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let window = open(&operator, &desktop, &host, "666666");
    window.wait_for_count(&format!("{TABLE} .table-row"), 2);
    window.click("sort-pid");
    wait_units(&window, &["nap-b", "nap-a"]);
    press(&window, " ", "");
    window.wait_for_css("[data-testid=processes-freeze][aria-pressed=true]");
    nap(&host, "nap-c", "666666");
    host.run(&["systemctl", "stop", "nap-a"]);

    // Another row is looked at: what is asked of it leaves the table alone.
    press(&window, "Home", "");
    window.wait_words("processes-detail", "its memory by shares", |text| text.contains("PSS"));
    let pss = "return [...document.querySelectorAll('[data-testid=processes-detail] dt')]\
         .find(term => term.textContent.includes('PSS')).nextElementSibling.textContent";
    until("what was asked of it alone", seconds(20), || {
        window
            .script(pss)
            .as_str()
            .is_some_and(|text| text.contains(|c: char| c.is_ascii_digit()))
            .then_some(())
    });
    press(&window, "ArrowDown", "");
    // Longer than until the next refresh would be, which must not come.
    std::thread::sleep(seconds(5));
    assert_eq!(units(&window), ["nap-b", "nap-a"]);

    host.cut_link();
    let state = "return document.querySelector('[data-testid=host-state]').dataset.state";
    until("the link to be lost", seconds(120), || (window.script(state) != "live").then_some(()));
    std::thread::sleep(seconds(4));
    assert_eq!(units(&window), ["nap-b", "nap-a"]);
    window.wait_words("processes-count", "how old they are", |text| text.contains("frozen"));
    host.mend_link();
    until("the link to be there again", seconds(120), || (window.script(state) == "live").then_some(()));
    assert_eq!(units(&window), ["nap-b", "nap-a"]);
    press(&window, " ", "");
    wait_units(&window, &["nap-c", "nap-b"]);
    window.close();
}

#[test]
fn keys_lead_from_a_tab_to_its_rows_to_their_filter_and_back() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::shared();
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    let window = Window::with_data_of(&desktop, &operator);
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    let slash =
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))";
    for tab in ["processes", "sockets", "services"] {
        pages::open_tab(&window, tab);
        let (table, filter) = (format!("{tab}-table"), format!("{tab}-filter"));
        window.wait_for(&table);
        until(&format!("the keyboard to be in {table}"), seconds(10), || {
            (active(&window) == table).then_some(())
        });
        window.script(slash);
        assert_eq!(active(&window), filter);
        // The Enter that ends a word of an input method is no key of the page.
        window.script(
            "document.activeElement.dispatchEvent(\
                 new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))",
        );
        assert_eq!(active(&window), filter);
        window.press(&filter, DOWN);
        assert_eq!(active(&window), table);
        let at = "return document.querySelector('.table-row.is-focused').getAttribute('aria-rowindex')";
        assert_eq!(window.script(at), "2", "the first row");
    }
    // Who types and goes on at once means the rows that this finds.
    window.script(slash);
    window.press("services-filter", "cron.service\u{e007}");
    let at = "return document.querySelector('.table-row.is-focused')?.dataset.key ?? ''";
    until("the row that was looked for", seconds(20), || {
        (active(&window) == "services-table" && window.script(at) == "cron.service").then_some(())
    });
    window.wait_words("services-detail", "what it is", |text| text.contains("cron.service"));
    pages::open_tab(&window, "journal");
    window.script(slash);
    assert_eq!(active(&window), "journal-filter");
    window.close();
}
