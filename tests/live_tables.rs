//! The tables of a host in the real window: sorted, laid out and copied from, and all of it by keys too.

use protocol::sockets::{Socket, SocketState};
use serde_json::Value;
use support::needs;
use support::pages;
use support::seat::Seat;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::Window;
use support::window::keys::{DOWN, ENTER};

use crate::answers;

pub(crate) const TABLE: &str = "[data-testid=processes-table]";

/// Runs something that does nothing, and whose command has this word.
pub(crate) fn nap(host: &SystemdHost, unit: &str, word: &str) {
    host.run(&["systemd-run", &format!("--unit={unit}"), "sleep", word]);
}

/// A host with its processes open, of which only those with this word are shown.
pub(crate) fn open(host: &SystemdHost, word: &str) -> (Seat, Window) {
    let seat = Seat::at(host);
    let window = seat.open_live("web");
    pages::open_tab(&window, "processes");
    if !word.is_empty() {
        window.fill("processes-filter", word);
    }
    (seat, window)
}

/// Presses a key in the table, with others held.
pub(crate) fn press(window: &Window, key: &str, held: &str) {
    window.press_in(TABLE, &[key], held);
}

fn texts(told: &Value) -> Vec<String> {
    told.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

/// The units of the rows, without their ending, from above.
pub(crate) fn units(window: &Window) -> Vec<String> {
    texts(&window.script(&format!(
        "return [...document.querySelectorAll('{TABLE} .table-row')]\
             .map(row => row.querySelectorAll('.cell')[7].textContent.replace('.service', ''))"
    )))
}

pub(crate) fn wait_units(window: &Window, wanted: &[&str]) {
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

#[test]
fn rows_are_sorted_by_any_head_with_the_pointer_and_with_keys() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    for unit in ["nap-2", "nap-10", "nap-1"] {
        nap(&host, unit, "611611");
    }
    let (_seat, window) = open(&host, "611611");
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
    press(&window, "ArrowRight", "shiftKey: true");
    press(&window, "ArrowRight", "shiftKey: true");
    until("the column to be wider", seconds(10), || {
        ((width(&window, "unit") - before - 32.0).abs() < 2.0).then_some(())
    });
    press(&window, "ArrowLeft", "shiftKey: true");
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
    press(&window, " ", "ctrlKey: true");
    press(&window, "ArrowDown", "ctrlKey: true");
    press(&window, "ArrowDown", "ctrlKey: true");
    press(&window, " ", "ctrlKey: true");
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
    let (_seat, window) = open(&host, "633633");
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
        press(&window, "ArrowRight", "shiftKey: true");
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

    window.hear_copies();
    let copied = |button: &str| {
        window.click(button);
        window.copied()
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
    let (seat, window) = open(&host, "");
    // The other end of the link itself is saved as a host.
    let sockets = answers::sockets(&seat.operator.run(&["sockets", "web", "--json"]).done());
    let is_link = |socket: &&Socket| socket.local_port == 22 && socket.state == SocketState::Estab;
    let address = &sockets.iter().find(is_link).unwrap().peer_address;
    seat.operator.run(&["host", "add", "lb-1", "--address", address, "--user", "ann"]).done();
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
fn keys_lead_from_a_tab_to_its_rows_to_their_filter_and_back() {
    needs!(SystemdHost, Window);
    let seat = Seat::at(SystemdHost::shared());
    let window = seat.open_live("web");
    let slash =
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))";
    for tab in ["processes", "sockets", "services"] {
        pages::open_tab(&window, tab);
        let (table, filter) = (format!("{tab}-table"), format!("{tab}-filter"));
        window.wait_for(&table);
        until(&format!("the keyboard to be in {table}"), seconds(10), || {
            (window.focused() == table).then_some(())
        });
        window.script(slash);
        assert_eq!(window.focused(), filter);
        // The Enter that ends a word of an input method is no key of the page.
        window.script(
            "document.activeElement.dispatchEvent(\
                 new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))",
        );
        assert_eq!(window.focused(), filter);
        window.press(&filter, DOWN);
        assert_eq!(window.focused(), table);
        let at = "return document.querySelector('.table-row.is-focused').getAttribute('aria-rowindex')";
        assert_eq!(window.script(at), "2", "the first row");
    }
    // Who types and goes on at once means the rows that this finds.
    window.script(slash);
    window.press("services-filter", &format!("cron.service{ENTER}"));
    let at = "return document.querySelector('.table-row.is-focused')?.dataset.key ?? ''";
    until("the row that was looked for", seconds(20), || {
        (window.focused() == "services-table" && window.script(at) == "cron.service").then_some(())
    });
    window.wait_words("services-detail", "what it is", |text| text.contains("cron.service"));
    pages::open_tab(&window, "journal");
    window.script(slash);
    assert_eq!(window.focused(), "journal-filter");
    // A letter that some message has.
    window.press("journal-filter", &format!("e{DOWN}"));
    let at = "return document.querySelector('.table-row.is-focused')?.getAttribute('aria-rowindex')";
    until("the first entry that is found", seconds(20), || {
        (window.focused() == "journal-table" && window.script(at) == "2").then_some(())
    });
    window.close();
}
