//! The tables of a host in the real window while the host goes on: no row moves under a hand, a table that is
//! scrolled stays at its rows, and one that is frozen stays as it is.

use support::needs;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::Window;

use crate::live_tables::{TABLE, nap, open, press, units, wait_units};

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
fn a_refresh_moves_no_row_under_the_pointer_and_lets_no_chosen_one_go() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    for unit in ["nap-a", "nap-b", "nap-c", "nap-d"] {
        nap(&host, unit, "644644");
    }
    let (_seat, window) = open(&host, "644644");
    window.wait_for_count(&format!("{TABLE} .table-row"), 4);
    window.click("sort-pid");
    wait_units(&window, &["nap-d", "nap-c", "nap-b", "nap-a"]);
    let here = window.point_at(&row_of(&window, "nap-b"));
    for unit in ["nap-a", "nap-b"] {
        window.press_row(&row_of(&window, unit), "ctrlKey: true");
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
    let (_seat, window) = open(&host, "655655");
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
    let (_seat, window) = open(&host, "666666");
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
