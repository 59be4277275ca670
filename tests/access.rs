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

/// The window, and whose data it shows.
fn open(desktop: &Desktop, mut variables: BTreeMap<String, String>) -> (Window, Operator) {
    let operator = Operator::in_session(&desktop.session);
    variables.insert("MUSTER_DATA_DIR".to_owned(), operator.data().to_str().unwrap().to_owned());
    let window = Window::open(desktop, &places::program("muster"), &variables);
    window.wait_for("first-start");
    (window, operator)
}

#[test]
fn no_page_has_a_serious_fault_of_access_in_either_theme() {
    needs!(Window, Axe);
    let desktop = Desktop::start(1280, 800);
    let (window, _operator) = open(&desktop, BTreeMap::new());
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

/// Controls that no click would reach, even after scrolling to them.
const OUT_OF_REACH: &str = "\
    const shown = one => { const box = one.getBoundingClientRect();\
        return box.width > 0 && box.height > 0 && !one.closest('[aria-hidden=true]'); };\
    const lost = [];\
    const all = 'button, input, select, textarea, a, [role=columnheader], [role=tab], [role=row]';\
    const top = document.querySelector('[role=dialog]') ?? document;\
    for (const one of [...top.querySelectorAll(all)].filter(shown)) {\
        one.scrollIntoView({block: 'nearest', inline: 'nearest'});\
        if (!one.isConnected || !shown(one)) continue;\
        const box = one.getBoundingClientRect();\
        const hit = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);\
        const is_beyond = box.right > window.innerWidth + 1 || box.left < -1;\
        const is_hit = hit && (one.contains(hit) || hit.closest('label')?.contains(one));\
        if (is_beyond || !is_hit) lost.push(`${one.outerHTML.slice(0, 120)} under ${hit?.outerHTML.slice(0, 120)}`);\
    }\
    const moved = one => { const style = getComputedStyle(one);\
        return (one.scrollLeft !== 0 && style.overflowX === 'hidden') || (one.scrollTop !== 0 && style.overflowY === 'hidden'); };\
    for (const one of [...document.querySelectorAll('*')].filter(moved))\
        lost.push(`beyond what a person can scroll: ${one.outerHTML.slice(0, 120)}`);\
    if (document.querySelectorAll(all).length === 0) lost.push('nothing to click');\
    return lost";

#[test]
fn nothing_is_out_of_reach_in_a_small_window_or_at_200_percent() {
    needs!(Window);
    let mut lost = Vec::new();
    for (width, height, scale) in [(1024, 700, 1), (1920, 1080, 2)] {
        let desktop = Desktop::start(width, height);
        let more: BTreeMap<String, String> = [("GDK_SCALE".to_owned(), scale.to_string())].into();
        let (window, _operator) = open(&desktop, more);
        window.resize(width / scale, height / scale);
        let ratio = window.script("return window.devicePixelRatio");
        assert_eq!(ratio.as_f64(), Some(f64::from(scale)), "the scale of the desktop");
        let size = window.script("return [innerWidth, innerHeight]");
        assert_eq!(size, serde_json::json!([width / scale, height / scale]), "it fits on its screen");
        let mut look = |place: &str| {
            let found = window.script(OUT_OF_REACH);
            let found = found.as_array().unwrap().iter().map(|one| format!("{place} at {scale}00 %: {one}"));
            lost.extend(found);
            window.picture(&places::pictures(), &format!("reach-{scale}-{place}"));
        };
        look("first-start");
        window.click("hosts-add");
        window.wait_for("field-name");
        look("host-form");
        window.click("form-cancel");
        window.click("hosts-local");
        pages::wait_until_live(&window);
        for page in ["hosts", "operations", "settings"] {
            pages::open_page(&window, page);
            look(page);
        }
        window.click("search-all");
        window.wait_for("palette");
        look("palette");
        window.press_escape();
        window.wait_gone("palette");
        pages::open_host(&window, "local");
        for tab in ["overview", "processes", "sockets", "services", "journal", "operations"] {
            pages::open_tab(&window, tab);
            look(tab);
        }
        window.click("host-run");
        window.wait_for("run-command");
        look("run");
        window.click("run-cancel");
        window.close();
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}
