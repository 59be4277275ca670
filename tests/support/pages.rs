//! The pages of the window as a person goes through them, by the names of their parts.

use std::path::Path;

use crate::window::Window;

/// What `set_lock` takes.
pub const PASSPHRASE: &str = "four words of passphrase";

/// Describes a new host with a key file in the form, and does not send it yet.
pub fn fill_host_form(window: &Window, name: &str, address: &str, user: &str, key: &Path) {
    open_page(window, "hosts");
    window.click("hosts-add");
    window.fill("field-name", name);
    window.fill("field-address", address);
    window.fill("field-user", user);
    window.click("identity-key");
    window.fill("field-key", key.to_str().unwrap());
}

/// Saves what is in the form, connects, and asks for the host's key.
pub fn save_and_ask_for_the_key(window: &Window) {
    window.click("form-connect");
    // Until the key is there the button at this place is another one.
    window.wait_for_css("[data-testid=\"host-state\"][data-state=\"key-unknown\"]");
    window.click("host-next-step");
    window.wait_for("trust-accept");
}

/// Opens a saved host from the list.
pub fn open_host(window: &Window, name: &str) {
    open_page(window, "hosts");
    window.click(&format!("host-row-{name}"));
    window.wait_for("tab-overview");
}

/// Waits until the host that is open is live.
pub fn wait_until_live(window: &Window) {
    window.wait_for_css("[data-testid=\"host-state\"][data-state=\"live\"]");
}

/// Opens a saved host from the list, and waits until it is live.
pub fn open_live(window: &Window, name: &str) {
    open_host(window, name);
    wait_until_live(window);
}

/// Opens a page of the host that is open, and waits until it shows its data.
pub fn open_tab(window: &Window, tab: &str) {
    window.click(&format!("tab-{tab}"));
    window.wait_for_css(&format!("[data-testid=\"{tab}-page\"][data-ready]"));
}

/// Opens a page of the rail, and waits until it shows its data.
pub fn open_page(window: &Window, page: &str) {
    window.click(&format!("nav-{page}"));
    window.wait_for_css(&format!(
        "[data-testid=\"page-{page}\"][data-ready], [data-testid=\"{page}-page\"][data-ready]"
    ));
}

/// Opens the dialog that acts on a unit, from the page of services.
pub fn open_service(window: &Window, unit: &str) {
    window.fill("services-filter", unit);
    // Rows move while the list answers to the filter, and a click would meet another one.
    window.wait_for_count("[data-testid^=\"service-row-\"]", 1);
    window.click_css(&format!("[data-testid=\"service-row-{unit}\"] [data-testid=\"service-act\"]"));
    window.wait_for("service-dialog");
    window.click("action-restart");
    window.wait_for("service-command");
}

/// Does what the dialog was opened for, and gives what it says came of it.
pub fn act_on_service(window: &Window) -> String {
    window.click("service-do");
    window.text("service-outcome")
}

/// Gives a new passphrase to the lock, or to whatever else this button is about.
pub fn set_passphrase(window: &Window, button: &str, passphrase: &str) {
    open_page(window, "settings");
    window.click(button);
    window.fill("vault-new", passphrase);
    window.fill("vault-again", passphrase);
    window.click("vault-do");
    window.wait_gone("vault");
}

/// Gives the window a lock of its own.
pub fn set_lock(window: &Window) {
    set_passphrase(window, "lock-set", PASSPHRASE);
}

/// Shuts the lock by its keys.
pub fn lock(window: &Window) {
    window.script(
        "window.dispatchEvent(new KeyboardEvent('keydown', {key: 'L', ctrlKey: true, shiftKey: true}))",
    );
    window.wait_for("lock-screen");
}

pub fn unlock(window: &Window, passphrase: &str) {
    window.fill("unlock-passphrase", passphrase);
    window.click("unlock-do");
    window.wait_for("nav-hosts");
}

/// Opens the charts of the gallery, and brings the first one into sight.
pub fn open_charts(window: &Window) {
    window.wait_for("search-all");
    open_path(window, "/components/charts");
    window.wait_for("gallery-charts");
    window.script("document.querySelector('[data-testid=gallery-charts]').scrollIntoView()");
}

/// Goes to a path of the window that no part of it leads to.
pub fn open_path(window: &Window, path: &str) {
    window.script(&format!(
        "history.pushState(null, '', '{path}'); dispatchEvent(new PopStateEvent('popstate'))"
    ));
}
