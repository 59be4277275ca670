//! What keeps people out: axe-core looks through each page and dialog of the real window, and nothing lies
//! beyond the edge of a small one.

use std::collections::BTreeMap;

use support::axe;
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::window::Window;

fn open(desktop: &Desktop) -> Window {
    let operator = Operator::in_session(&desktop.session);
    let data = operator.data().to_str().unwrap().to_owned();
    let variables: BTreeMap<String, String> = [("MUSTER_DATA_DIR".to_owned(), data)].into();
    let window = Window::open(desktop, &places::program("muster"), &variables);
    window.wait_for("first-start");
    window
}

#[test]
fn no_page_has_a_serious_fault_of_access_in_either_theme() {
    needs!(Window, Axe);
    let desktop = Desktop::start(1280, 800);
    let window = open(&desktop);
    let mut faults = Vec::new();
    let mut look = |place: &str| {
        faults.extend(axe::serious_faults(&window).into_iter().map(|fault| format!("{place}: {fault}")));
    };
    look("first start");
    window.click("hosts-add");
    window.wait_for("field-name");
    look("host form");
    window.click("form-cancel");
    window.click("hosts-local");
    pages::wait_until_live(&window);
    for theme in ["dark", "light"] {
        pages::open_page(&window, "settings");
        window.click(&format!("theme-{theme}"));
        look(&format!("settings, {theme}"));
        pages::open_page(&window, "hosts");
        look(&format!("hosts, {theme}"));
        window.click("search-all");
        window.wait_for("palette");
        look(&format!("palette, {theme}"));
        window.fill("palette-input", "proc:muster");
        window.wait_for_css("[data-testid^=\"found-\"]");
        look(&format!("palette with answers, {theme}"));
        window.press_escape();
        window.wait_gone("palette");
        pages::open_host(&window, "local");
        for tab in ["overview", "processes", "sockets", "services", "journal", "operations"] {
            pages::open_tab(&window, tab);
            look(&format!("{tab}, {theme}"));
        }
        pages::open_page(&window, "operations");
        look(&format!("all operations, {theme}"));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    window.close();
}

#[test]
fn nothing_is_out_of_reach_in_a_small_window() {
    needs!(Window);
    let desktop = Desktop::start(1024, 700);
    let window = open(&desktop);
    window.resize(1024, 700);
    window.click("hosts-local");
    pages::wait_until_live(&window);
    let beyond = "return [...document.querySelectorAll('button, input, select, a, [role=columnheader]')]\
        .filter(one => { const box = one.getBoundingClientRect(); \
            return box.width > 0 && (box.right > window.innerWidth + 1 || box.left < -1); })\
        .map(one => one.outerHTML.slice(0, 120))";
    for page in ["hosts", "operations", "settings"] {
        pages::open_page(&window, page);
        assert_eq!(window.script(beyond), serde_json::json!([]), "{page}");
    }
    pages::open_host(&window, "local");
    for tab in ["overview", "processes", "sockets", "services", "journal"] {
        pages::open_tab(&window, tab);
        assert_eq!(window.script(beyond), serde_json::json!([]), "{tab}");
    }
    window.close();
}
