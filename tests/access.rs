//! What keeps people out: axe-core looks through each page and dialog of the real window, and nothing lies
//! beyond the edge of a small one.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use support::axe;
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::tour;
use support::window::Window;

/// The window, and whose data it shows.
fn open(desktop: &Desktop, mut variables: BTreeMap<String, String>) -> (Window, Operator) {
    let operator = Operator::in_session(&desktop.session);
    variables.insert("MUSTER_DATA_DIR".to_owned(), operator.data().to_str().unwrap().to_owned());
    let window = Window::open(desktop, &places::program("muster"), &variables);
    window.wait_for("first-start");
    (window, operator)
}

/// A file of hosts, for what is shown of an import.
fn file_of_hosts(operator: &Operator) -> PathBuf {
    let file = operator.folder().join("hosts.csv");
    let lines = "name,address,port,user\nold,192.0.2.9,22,ann\nnew-1,192.0.2.10,2222,bob\nbad,-oProxyCommand=id,22,ann\n";
    fs::write(&file, lines).unwrap();
    file
}

/// Opens this computer, with a saved host beside it.
fn open_this_computer(window: &Window, operator: &Operator) {
    window.click("hosts-local");
    pages::wait_until_live(window);
    operator.run(&["host", "add", "old", "--address", "192.0.2.1", "--user", "ann"]).done();
    pages::open_page(window, "hosts");
    window.wait_for("host-row-old");
}

/// Goes where a person can get to without a host that has something special.
fn go_everywhere(window: &Window, operator: &Operator, look: &mut tour::Look<'_>) {
    tour::settings(window, look);
    tour::list(window, "old", look);
    tour::files(window, &file_of_hosts(operator), look);
    tour::search(window, "proc:muster", look);
    pages::open_host(window, "local");
    tour::host(window, "muster", look);
    pages::open_page(window, "operations");
    look("all operations", None);
}

#[test]
fn no_page_and_no_dialog_has_a_serious_fault_of_access_in_either_theme_and_language() {
    needs!(Window, Axe);
    let desktop = Desktop::start(1280, 800);
    let (window, operator) = open(&desktop, BTreeMap::new());
    let mut faults = Vec::new();
    let mut look_at = |place: String| {
        faults.extend(axe::serious_faults(&window).into_iter().map(|fault| format!("{place}: {fault}")));
    };
    look_at("first start".to_owned());
    window.click("hosts-add");
    window.wait_for("field-name");
    look_at("host form".to_owned());
    window.click("form-cancel");
    open_this_computer(&window, &operator);
    pages::set_lock(&window);
    for (theme, language) in [("dark", "en"), ("light", "zh")] {
        pages::open_page(&window, "settings");
        window.click(&format!("settings-language-{language}"));
        window.click(&format!("theme-{theme}"));
        let mut look = |place: &str, _: Option<&str>| look_at(format!("{place}, {theme}, {language}"));
        go_everywhere(&window, &operator, &mut look);
        tour::gallery(&window, &mut look);
        tour::quit(&window, &mut look);
        tour::lock(&window, &mut look);
        pages::open_host(&window, "local");
        pages::wait_until_live(&window);
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
    const top = document.querySelector('[role=dialog], [role=menu]') ?? document;\
    const goes_sideways = head => { const rows = head.closest('[role=grid], [role=treegrid]')?.querySelector('.table-body');\
        return head.closest('.table-head') && rows && rows.scrollWidth > rows.clientWidth + 1; };\
    for (const one of [...top.querySelectorAll(all)].filter(shown)) {\
        /* It is moved by its rows, and they can be scrolled to it. */\
        if (goes_sideways(one)) continue;\
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
fn nothing_is_out_of_reach_or_without_a_name_in_a_small_window_or_at_200_percent() {
    needs!(Window, Axe);
    let mut lost = Vec::new();
    for (width, height, scale) in [(1024, 700, 1), (1920, 1080, 2)] {
        let desktop = Desktop::start(width, height);
        let more: BTreeMap<String, String> = [("GDK_SCALE".to_owned(), scale.to_string())].into();
        let (window, operator) = open(&desktop, more);
        window.resize(width / scale, height / scale);
        let ratio = window.script("return window.devicePixelRatio");
        assert_eq!(ratio.as_f64(), Some(f64::from(scale)), "the scale of the desktop");
        let size = window.script("return [innerWidth, innerHeight]");
        assert_eq!(size, serde_json::json!([width / scale, height / scale]), "it fits on its screen");
        let mut look = |place: &str, _: Option<&str>| {
            // The picture shows the page before controls are brought into view.
            window.picture(&places::pictures(), &format!("reach-{scale}-{}", place.replace(' ', "-")));
            let faults = axe::serious_faults(&window).into_iter();
            lost.extend(faults.map(|fault| format!("{place} at {scale}00 %: {fault}")));
            let found = window.script(OUT_OF_REACH);
            let found = found.as_array().unwrap().iter().map(|one| format!("{place} at {scale}00 %: {one}"));
            lost.extend(found);
        };
        look("first start", None);
        window.click("hosts-add");
        window.wait_for("field-name");
        look("host form", None);
        window.click("form-cancel");
        open_this_computer(&window, &operator);
        go_everywhere(&window, &operator, &mut look);
        window.close();
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}
