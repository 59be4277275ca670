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
        // Does the same in each language and theme; `look` is told the ending of their names.
        let each = |look: &dyn Fn(&str)| {
            for language in ["en", "zh"] {
                for theme in ["dark", "light"] {
                    pages::open_page(&window, "settings");
                    window.click(&format!("settings-language-{language}"));
                    window.click(&format!("theme-{theme}"));
                    look(&format!("{theme}-{language}"));
                }
            }
        };
        each(&|ending| {
            window.click("nav-hosts");
            window.wait_for("first-start");
            shot(&format!("first-start-{ending}"));
        });
        pages::fill_host_form(&window, "web-1", &host.address(), "root", &key);
        shot("host-form-filled");
        pages::save_and_ask_for_the_key(&window);
        window.click("trust-accept");
        pages::open_host(&window, "web-1");
        pages::wait_until_live(&window);
        each(&|ending| {
            shot(&format!("settings-{ending}"));
            pages::open_page(&window, "hosts");
            shot(&format!("hosts-{ending}"));
            window.click("hosts-add");
            window.wait_for("field-name");
            shot(&format!("host-form-{ending}"));
            window.click("form-cancel");
            window.script(
                "document.querySelector('[data-testid=host-row-web-1]').dispatchEvent(\
                 new MouseEvent('mousedown', {bubbles: true, ctrlKey: true}))",
            );
            window.wait_for("chosen-bar");
            shot(&format!("hosts-chosen-{ending}"));
            window.click("chosen-edit");
            window.wait_for("hosts-edit");
            shot(&format!("hosts-edit-{ending}"));
            window.click("bulk-cancel");
            window.click("chosen-clear");
            window.click("search-all");
            window.wait_for("palette");
            shot(&format!("search-{ending}"));
            window.fill("palette-input", "port:22");
            window.wait_for_css("[data-testid^=\"found-\"]");
            shot(&format!("search-found-{ending}"));
            window.press_escape();
            window.wait_gone("palette");
            pages::open_path(&window, "/components");
            window.wait_for("gallery");
            shot(&format!("components-{ending}"));
            window.script("document.querySelector('.gallery-charts').scrollIntoView({block: 'end'})");
            shot(&format!("charts-{ending}"));
            pages::open_path(&window, "/components/faults");
            window.wait_for("gallery-faults");
            for part in 0.. {
                let shown = window.script(&format!(
                    "const page = document.querySelector('.gallery-faults'); \
                     page.scrollTop = page.clientHeight * {part}; \
                     return page.scrollTop + page.clientHeight >= page.scrollHeight"
                ));
                shot(&format!("faults-{part}-{ending}"));
                if shown == true {
                    break;
                }
            }
            pages::open_host(&window, "web-1");
            for tab in ["overview", "processes", "sockets", "services", "journal", "operations", "notes"] {
                pages::open_tab(&window, tab);
                shot(&format!("{tab}-{ending}"));
            }
            window.click("host-more");
            window.click("host-key");
            window.wait_for("trust");
            shot(&format!("trust-{ending}"));
            window.click("trust-cancel");
            pages::open_tab(&window, "processes");
            window.fill("processes-filter", "cron");
            window.wait_for_count("[data-testid^=\"processes-row-\"]", 1);
            window.click_css("[data-testid^=\"processes-row-\"]");
            window.click("processes-signal");
            window.wait_for("signal-dialog");
            shot(&format!("signal-{ending}"));
            window.click("signal-cancel");
            window.wait_gone("signal-dialog");
            // The next round begins with the whole table again.
            window.press_escape();
            window.empty("processes-filter");
            window.click("host-run");
            window.fill("run-command", "df -h /");
            window.click("run-do");
            window.wait_for("run-exit");
            shot(&format!("run-{ending}"));
            window.click("service-done");
            pages::open_tab(&window, "services");
            pages::open_service(&window, "cron.service");
            shot(&format!("service-dialog-{ending}"));
            pages::act_on_service(&window);
            shot(&format!("service-outcome-{ending}"));
            window.click("service-done");
            window.wait_gone("service-dialog");
            window.empty("services-filter");
            pages::open_page(&window, "operations");
            shot(&format!("operations-all-{ending}"));
        });
        host.cut_link();
        pages::open_host(&window, "web-1");
        window.wait_for("stale");
        each(&|ending| {
            pages::open_host(&window, "web-1");
            shot(&format!("offline-{ending}"));
        });
        host.mend_link();
        window.close();
    }
}
