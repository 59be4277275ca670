//! The pictures of all pages: a round through the window for each language and theme, in two sizes.

use std::fs;
use std::path::Path;

use support::desktop::Desktop;
use support::musterctl::Operator;
use support::pages;
use support::places;
use support::systemd_host::SystemdHost;
use support::tour;
use support::window::Window;

use crate::camera::Camera;

const SIZES: [(u32, u32); 2] = [(1280, 800), (1920, 1080)];

const NOTE: &str = "# web-1\n\nBehind **haproxy**; ask Chen before a restart.\n\n- logs in `/var/log/nginx`\n\
                    - data on `/srv`, *full by Friday*\n\n    systemctl status nginx\n";

const HOSTS: &str = "name,address,port,user\nweb-1,192.0.2.9,22,root\nnew-1,192.0.2.10,2222,bob\n=cmd(),192.0.2.11,22,ann\n\
                     bad,-oProxyCommand=id,22,ann\n";

pub(crate) fn take() {
    let host = SystemdHost::start();
    for (width, height) in SIZES {
        let desktop = Desktop::start(width, height);
        let operator = Operator::in_session(&desktop.session);
        let file = operator.folder().join("hosts.csv");
        fs::write(&file, HOSTS).unwrap();
        let window = Window::with_data_of(&desktop, &operator);
        window.resize(width, height);
        let camera = |ending: &str| {
            let ending = if ending.is_empty() { width.to_string() } else { format!("{ending}-{width}") };
            Camera { window: &window, folder: places::target().join("screens"), ending }
        };
        each(&window, &|ending| {
            window.click("nav-hosts");
            window.wait_for("first-start");
            camera(ending).take("first-start");
        });
        pages::fill_host_form(&window, "web-1", &host.address(), "root", &host.key());
        camera("").take("host-form-filled");
        pages::save_and_ask_for_the_key(&window);
        camera("").take("trust-unknown");
        window.click("trust-accept");
        pages::open_host(&window, "web-1");
        pages::wait_until_live(&window);
        pages::open_tab(&window, "notes");
        window.click("note-edit");
        // To the driver a line break is a key.
        window.fill("note-text", &NOTE.replace('\n', "\u{E007}"));
        window.click("note-save");
        window.wait_for("note-shown");
        pages::set_lock(&window);
        each(&window, &|ending| round(&window, &host, &file, &camera(ending)));
        host.cut_link();
        pages::open_host(&window, "web-1");
        window.wait_for("stale");
        each(&window, &|ending| {
            pages::open_host(&window, "web-1");
            camera(ending).take("offline");
            pages::open_tab(&window, "processes");
            camera(ending).take("offline-processes");
        });
        host.mend_link();
        window.close();
    }
}

/// Does the same in each language and theme; `look` is told the ending of their names.
fn each(window: &Window, look: &dyn Fn(&str)) {
    for language in ["en", "zh"] {
        for theme in ["dark", "light"] {
            pages::open_page(window, "settings");
            window.click(&format!("settings-language-{language}"));
            window.click(&format!("theme-{theme}"));
            look(&format!("{theme}-{language}"));
        }
    }
}

fn round(window: &Window, host: &SystemdHost, file: &Path, camera: &Camera<'_>) {
    let mut look = |name: &str, scrolled: Option<&str>| camera.look(name, scrolled);
    tour::settings(window, &mut look);
    tour::list(window, "web-1", &mut look);
    window.click("hosts-add");
    window.wait_for("field-name");
    camera.take_parts("host-form", "[data-testid=host-form] .dialog-body");
    window.click("form-cancel");
    tour::files(window, file, &mut look);
    tour::search(window, "port:22", &mut look);
    tour::gallery(window, &mut look);
    pages::open_host(window, "web-1");
    tour::host(window, "cron", &mut look);
    of_host(window, host, camera);
    pages::open_page(window, "operations");
    camera.take("operations-all");
    tour::quit(window, &mut look);
    tour::lock(window, &mut look);
    pages::open_host(window, "web-1");
    pages::wait_until_live(window);
}

/// What is done on a host: a run that ends, one that goes on, a restart, lines of its log.
fn of_host(window: &Window, host: &SystemdHost, camera: &Camera<'_>) {
    host.run(&["logger", "-p", "user.err", "the disk is on fire"]);
    pages::open_tab(window, "journal");
    window.wait_page("the disk is on fire");
    window.click_css("[data-testid=\"journal-table\"] .table-body [role=row]");
    window.wait_for("journal-message");
    camera.take("journal-entry");
    window.click("host-more");
    window.click("host-key");
    window.wait_for("trust");
    camera.take("trust");
    window.click("trust-cancel");
    window.click("host-run");
    window.fill("run-command", "df -h /");
    window.click("run-do");
    window.wait_for("run-exit");
    camera.take("run");
    window.click("service-done");
    pages::open_tab(window, "services");
    pages::open_service(window, "cron.service");
    camera.take("service-dialog");
    pages::act_on_service(window);
    camera.take("service-outcome");
    window.click("service-done");
    window.wait_gone("service-dialog");
    window.empty("services-filter");
    // Long enough to be asked about when the app is to end.
    window.click("host-run");
    window.fill("run-command", "sleep 20");
    window.click("run-do");
    window.wait_for("service-busy");
    camera.take("run-under-way");
    window.click("run-cancel");
    window.wait_gone("run-dialog");
}
