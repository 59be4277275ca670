//! Takes a picture of every page of the real window, in both themes, both languages and two
//! sizes, into `target/screens`, for people to look at.

#![expect(clippy::print_stderr, reason = "the list of pictures is for the person who waits for it")]

use std::collections::BTreeMap;

use support::desktop::Desktop;
use support::pages;
use support::places;
use support::systemd_host::SystemdHost;
use support::window::Window;

const SIZES: [(u32, u32); 2] = [(1280, 800), (1920, 1080)];

fn main() {
    let host = SystemdHost::start();
    let key = host.key();
    let folder = places::target().join("screens");
    for (width, height) in SIZES {
        let desktop = Desktop::start(width, height);
        let window = Window::open(&desktop, &places::program("muster"), &BTreeMap::new());
        window.resize(width, height);
        let shot = |name: &str| {
            let path = window.picture(&folder, &format!("{name}-{width}"));
            eprintln!("    {}", path.display());
        };
        let each = |named: &dyn Fn(&dyn Fn(&str) -> String)| {
            for language in ["en", "zh"] {
                for theme in ["dark", "light"] {
                    pages::open_page(&window, "settings");
                    window.click(&format!("settings-language-{language}"));
                    window.click(&format!("theme-{theme}"));
                    named(&|page| format!("{page}-{theme}-{language}"));
                }
            }
        };
        each(&|named| {
            window.click("nav-hosts");
            window.wait_for("first-start");
            shot(&named("first-start"));
        });
        pages::fill_host_form(&window, "web-1", &host.address(), "root", &key);
        shot("host-form-filled");
        pages::save_and_ask_for_the_key(&window);
        window.click("trust-accept");
        pages::open_host(&window, "web-1");
        pages::wait_until_live(&window);
        each(&|named| {
            shot(&named("settings"));
            pages::open_page(&window, "hosts");
            shot(&named("hosts"));
            window.click("hosts-add");
            window.wait_for("field-name");
            shot(&named("host-form"));
            window.click("form-cancel");
            pages::open_host(&window, "web-1");
            for tab in ["overview", "processes", "sockets", "services", "journal", "operations"] {
                pages::open_tab(&window, tab);
                shot(&named(tab));
            }
            window.click("host-more");
            window.click("host-key");
            window.wait_for("trust");
            shot(&named("trust"));
            window.click("trust-cancel");
            pages::open_tab(&window, "processes");
            window.fill("processes-filter", "cron");
            window.wait_for_count("[data-testid^=\"processes-row-\"]", 1);
            window.click_css("[data-testid^=\"processes-row-\"]");
            window.click("processes-signal");
            window.wait_for("signal-dialog");
            shot(&named("signal"));
            window.click("signal-cancel");
            window.click("host-run");
            window.fill("run-command", "df -h /");
            window.click("run-do");
            window.wait_for("run-exit");
            shot(&named("run"));
            window.click("service-done");
            pages::open_tab(&window, "services");
            pages::open_service(&window, "cron.service");
            shot(&named("service-dialog"));
            pages::act_on_service(&window);
            shot(&named("service-outcome"));
            window.click("service-done");
            pages::open_page(&window, "operations");
            shot(&named("operations-all"));
        });
        host.cut_link();
        pages::open_host(&window, "web-1");
        window.wait_for("stale");
        each(&|named| {
            pages::open_host(&window, "web-1");
            shot(&named("offline"));
        });
        host.mend_link();
        window.close();
    }
}
