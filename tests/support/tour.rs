//! A walk through the pages, dialogs, menus and panels of the window. Who goes along is told where it is, and
//! by what selector the page scrolls where it may be longer than the window.

use std::path::Path;

use crate::pages;
use crate::window::Window;

pub type Look<'a> = dyn FnMut(&str, Option<&str>) + 'a;

const TABS: [&str; 7] = ["overview", "processes", "sockets", "services", "journal", "operations", "notes"];

/// The parts of the gallery, by the ends of their paths.
const GALLERY: [&str; 6] = ["", "/controls", "/table", "/overlays", "/charts", "/faults"];

/// Every component in every state, and what they open.
pub fn gallery(window: &Window, look: &mut Look<'_>) {
    for part in GALLERY {
        pages::open_path(window, &format!("/components{part}"));
        let name = format!("gallery{}", part.replace('/', "-"));
        window.wait_for_css(&format!("[data-testid=\"{name}\"][data-ready]"));
        if part == "/table" {
            window.wait_for_count("[data-testid=\"gallery-live-page\"] .table-row.is-focused", 1);
        }
        look(&name, Some("main.gallery"));
    }
    pages::open_path(window, "/components/table");
    window.click("gallery-columns");
    window.wait_for("column-pid");
    look("columns", None);
    window.click("gallery-columns");
    pages::open_path(window, "/components/overlays");
    window.click("gallery-menu");
    window.wait_for("gallery-menu-remove");
    look("menu", None);
    window.press_escape();
    window.wait_gone("gallery-menu-remove");
    let dialogs = window.script(
        "return [...document.querySelectorAll('[data-testid^=gallery-open-]')].map(one => one.dataset.testid)",
    );
    for dialog in dialogs.as_array().unwrap().iter().map(|dialog| dialog.as_str().unwrap()) {
        window.click(dialog);
        window.wait_for_css("[role=\"dialog\"]");
        look(dialog, None);
        if window.has("gallery-let-go") {
            window.press_escape();
            assert!(window.has("gallery-let-go"), "a dialog that is held stays");
            window.click("gallery-let-go");
        }
        window.press_escape();
        window.wait_for_count("[role=\"dialog\"]", 0);
    }
}

/// The question before the app ends, over whatever is open.
pub fn quit(window: &Window, look: &mut Look<'_>) {
    pages::open_path(window, "/components/overlays");
    window.click("gallery-ask-quit");
    window.wait_for("quit");
    look("quit", None);
    window.click("quit-stay");
    window.wait_gone("quit");
}

/// Settings with what they ask for a passphrase, the known keys, and a path that leads nowhere.
pub fn settings(window: &Window, look: &mut Look<'_>) {
    pages::open_page(window, "settings");
    look("settings", Some("[data-testid=page-settings]"));
    for dialog in ["vault-create", "lock-set"] {
        window.click(dialog);
        window.wait_for("vault-new");
        look(dialog, None);
        window.click("vault-cancel");
        window.wait_gone("vault");
    }
    window.click("settings-trust");
    window.wait_for_css("[data-testid=\"page-trust\"][data-ready]");
    look("trust-page", None);
    pages::open_path(window, "/nowhere");
    window.wait_for_css("main .empty");
    look("not-found", None);
}

/// Hosts from a file and to one.
pub fn files(window: &Window, file: &Path, look: &mut Look<'_>) {
    pages::open_page(window, "hosts");
    window.click("hosts-files");
    window.wait_for("hosts-import");
    look("hosts-menu", None);
    window.click("hosts-import");
    window.fill("import-file", file.to_str().unwrap());
    window.click("import-look");
    window.wait_for("import-rows");
    look("hosts-import", Some("[data-testid=import] .dialog-body"));
    window.click("import-cancel");
    window.wait_gone("import");
    window.click("hosts-files");
    window.click("hosts-export");
    window.wait_for("export-file");
    look("hosts-export", None);
    window.click("export-cancel");
    window.wait_gone("export");
}

/// What is done to saved hosts in their list.
pub fn list(window: &Window, host: &str, look: &mut Look<'_>) {
    let row = format!("host-row-{host}");
    pages::open_page(window, "hosts");
    look("hosts", None);
    // The row that had the keyboard before would be chosen with it.
    window.press_row(&row, "");
    window.press_row(&row, "ctrlKey: true");
    window.wait_for("chosen-bar");
    look("hosts-chosen", None);
    window.click("chosen-edit");
    window.wait_for("hosts-edit");
    look("hosts-edit", None);
    window.click("bulk-cancel");
    window.wait_gone("hosts-edit");
    window.click("chosen-clear");
    window.wait_gone("chosen-bar");
    window.press_row(&row, "");
    window.press_in("[data-testid=hosts]", &["F2"], "");
    window.wait_for("host-in-place");
    look("host-in-place", None);
    window.click("in-place-cancel");
    window.wait_gone("host-in-place");
}

/// The views of the host that is open, its menu, the panels at the side of its tables, and the forms of what
/// can be done there. `process` is the name of one that runs there.
pub fn host(window: &Window, process: &str, look: &mut Look<'_>) {
    for tab in TABS {
        pages::open_tab(window, tab);
        look(tab, None);
    }
    window.click("note-edit");
    window.wait_for("note-text");
    look("note-edit", None);
    window.click("note-cancel");
    window.wait_for("note-edit");
    window.click("host-more");
    window.wait_for_css("[role=\"menu\"]");
    look("host-menu", None);
    window.press_escape();
    window.wait_for_count("[role=\"menu\"]", 0);

    pages::open_tab(window, "sockets");
    window.click_css("[data-testid=\"sockets-table\"] .table-body [role=row]");
    window.wait_for("sockets-detail");
    look("sockets-detail", None);
    window.click("sockets-detail-close");
    pages::open_tab(window, "processes");
    window.fill("processes-filter", process);
    window.wait_for_css("[data-testid^=\"processes-row-\"] .mark");
    window.click_css("[data-testid^=\"processes-row-\"]");
    window.wait_for("processes-detail");
    look("processes-detail", None);
    window.click("processes-signal");
    window.wait_for("signal-dialog");
    look("signal", None);
    window.click("signal-cancel");
    window.wait_gone("signal-dialog");
    window.click("processes-detail-close");
    // Whoever comes next begins with the whole table again.
    window.empty("processes-filter");

    window.click("host-restart");
    window.wait_for("service-dialog");
    look("service-form", None);
    window.click("service-cancel");
    window.wait_gone("service-dialog");
    window.click("host-run");
    window.wait_for("run-command");
    look("run-form", None);
    window.click("run-cancel");
    window.wait_gone("run-dialog");
}

/// The field over all hosts, empty and with what was found.
pub fn search(window: &Window, question: &str, look: &mut Look<'_>) {
    window.click("search-all");
    window.wait_for("palette");
    look("search", None);
    window.fill("palette-input", question);
    window.wait_for_css("[data-testid^=\"found-\"]");
    look("search-found", None);
    window.press_escape();
    window.wait_gone("palette");
}

/// The lock of `pages::set_lock`, shut and opened again.
pub fn lock(window: &Window, look: &mut Look<'_>) {
    pages::lock(window);
    look("lock-screen", None);
    pages::unlock(window, pages::PASSPHRASE);
}
