//! The pages of the window as a person goes through them, by the names of their parts.

use std::path::Path;

use crate::window::Window;

/// Saves a host with a key file; the window shows the list, then asks about the host's key.
pub fn add_host(window: &Window, name: &str, address: &str, port: u16, user: &str, key: &Path) {
    window.click("nav-hosts");
    window.click("hosts-add");
    window.fill("field-name", name);
    window.fill("field-address", address);
    window.fill("field-user", user);
    window.fill("field-port", &port.to_string());
    window.click("identity-key");
    window.fill("field-key", key.to_str().unwrap());
    window.click("form-save");
}

/// Opens a saved host from the list.
pub fn open_host(window: &Window, name: &str) {
    window.click("nav-hosts");
    window.click(&format!("host-row-{name}"));
    window.wait_for("tab-overview");
}

/// Opens a page of the host that is open, and waits until it shows its data.
pub fn open_tab(window: &Window, tab: &str) {
    window.click(&format!("tab-{tab}"));
    window.wait_for_css(&format!("[data-testid=\"{tab}-page\"][data-ready]"));
}

/// Opens a page of the rail, and waits until it shows its data.
pub fn open_page(window: &Window, page: &str) {
    window.click(&format!("nav-{page}"));
    window.wait_for_css(&format!("[data-testid=\"{page}-page\"][data-ready]"));
}

/// Restarts a unit from the page of services, and gives what the dialog says came of it.
pub fn restart_service(window: &Window, unit: &str) -> String {
    window.click(&format!("service-row-{unit}"));
    window.click("host-restart");
    window.wait_for("service-dialog");
    window.click("service-do");
    window.text("service-outcome")
}
