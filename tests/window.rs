//! The main job in the real window, as a person does it.

use std::collections::BTreeMap;

use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::Window;

use crate::answers;

#[test]
fn a_host_is_added_trusted_watched_restarted_on_and_read_about_offline() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let desktop = Desktop::start(1280, 800);
    let app = places::program("muster");
    let operator = Operator::in_session(&desktop.session);
    let data = operator.data();
    let variables: BTreeMap<String, String> =
        [("MUSTER_DATA_DIR".to_owned(), data.to_str().unwrap().to_owned())].into();

    let window = Window::open(&desktop, &app, &variables);
    pages::fill_host_form(&window, "web", &host.address(), "root", &host.key());
    pages::save_and_ask_for_the_key(&window);
    let dialog = window.script("return document.body.innerText");
    assert!(
        dialog.as_str().unwrap().contains(&host.fingerprint()),
        "the key to compare must be shown: {dialog}"
    );
    window.click("trust-accept");
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    pages::open_tab(&window, "overview");
    window.wait_text("overview-facts", "the host's own name", |text| text.contains(host.name()));
    // A second sample has shares: the page is live, not a first answer.
    window.wait_text("overview-page", "shares of the processor", |text| text.contains("us"));
    window.picture(&places::pictures(), "overview");

    pages::open_tab(&window, "sockets");
    window.wait_page("ssh.service");
    pages::open_tab(&window, "services");
    let before = host.run(&["systemctl", "show", "-P", "MainPID", "cron.service"]);
    pages::open_service(&window, "cron.service");
    let outcome = pages::act_on_service(&window);
    let after = host.run(&["systemctl", "show", "-P", "MainPID", "cron.service"]);
    assert_ne!(before, after, "the window said '{outcome}', so the unit must have a new process");
    window.picture(&places::pictures(), "service-outcome");
    window.click("service-done");

    // While the app has the store open, musterctl asks the app.
    let log = answers::operations(&operator);
    let restart = log.iter().find(|operation| operation.target == "cron.service").unwrap();
    pages::open_page(&window, "operations");
    window.wait_for("badge-unread");
    window.wait_for(&format!("operations-row-{}", restart.id));
    window.close();

    host.cut_link();
    let window = Window::open(&desktop, &app, &variables);
    pages::open_page(&window, "operations");
    window.click(&format!("operations-row-{}", restart.id));
    window.wait_for("operations-verdict");
    window.wait_page("cron.service");
    pages::open_host(&window, "web");
    window.wait_text("overview-facts", "the last known facts", |text| text.contains(host.name()));
    window.picture(&places::pictures(), "offline");
    window.close();
}

#[test]
fn a_second_start_of_the_app_brings_no_second_window() {
    needs!(Window);
    let desktop = Desktop::start(1280, 800);
    let app = places::program("muster");
    let operator = Operator::in_session(&desktop.session);
    let data = operator.data().to_str().unwrap().to_owned();
    let variables: BTreeMap<String, String> = [("MUSTER_DATA_DIR".to_owned(), data)].into();
    let window = Window::open(&desktop, &app, &variables);
    window.wait_for("nav-hosts");
    let mut second = std::process::Command::new(&app);
    second.env_clear().envs(desktop.variables()).envs(&variables);
    let mut second = second.spawn().unwrap();
    let ended = support::wait::until("the second start to end", support::wait::seconds(20), || {
        second.try_wait().unwrap()
    });
    assert!(ended.success(), "a second start hands over to the first and ends well: {ended}");
    assert!(window.has("nav-hosts"), "the first goes on");
    window.close();
}

#[test]
fn the_page_runs_no_code_and_loads_nothing_but_its_own() {
    needs!(Window);
    let desktop = Desktop::start(1280, 800);
    let window = Window::open(&desktop, &places::program("muster"), &BTreeMap::new());
    window.wait_for("nav-hosts");
    let evaluated = window.script("try { return window.eval('1 + 1') } catch (why) { return String(why) }");
    assert!(evaluated.is_string(), "the policy must forbid eval: {evaluated}");
    let fetched = window.script_async(
        "const done = arguments[arguments.length - 1]; \
         fetch('http://127.0.0.1:9/').then(() => done('loaded'), why => done('refused'))",
    );
    assert_eq!(fetched, "refused");
    let open = window.script_async(
        "const done = arguments[arguments.length - 1]; \
         fetch('ipc://localhost/nothing', {method: 'POST'}).then(() => done('open'), why => done('closed'))",
    );
    assert_eq!(open, "open", "commands must take the protocol of their own, not the slow way round");
    window.close();
}

#[test]
fn a_table_keeps_its_place_marks_what_is_new_and_a_signal_reaches_its_process() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let nap = |unit: &str| {
        host.run(&["systemd-run", &format!("--unit={unit}"), "bash", "-c", "exec -a napper sleep 611"]);
    };
    nap("victim");
    // Who used the processor is asked below: on a host that does nothing that may be nobody.
    let work = "while seq 5000000 >/dev/null; do sleep 0.5; done";
    host.run(&["systemd-run", "--unit=worker", "timeout", "600", "sh", "-c", work]);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let window = Window::with_data_of(&desktop, &operator);
    pages::fill_host_form(&window, "web", &host.address(), "root", &host.key());
    pages::save_and_ask_for_the_key(&window);
    window.click("trust-accept");
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    pages::open_tab(&window, "processes");
    window.fill("processes-filter", "napper");
    window.wait_for_count("[data-testid^=\"processes-row-\"]", 1);
    window.click_css("[data-testid^=\"processes-row-\"]");
    window.wait_text("processes-command", "the whole command line", |text| text.contains("napper 611"));

    // The very element that was clicked is still there, with the cursor, after what came new.
    window.script("document.querySelector('.table-row.is-focused').wasHere = true");
    // What an answer to another text tells is nothing new, and typing asks more than once.
    let mut newcomers = 0;
    until("a process that is marked as new", seconds(60), || {
        nap(&format!("newcomer-{newcomers}"));
        newcomers += 1;
        std::thread::sleep(seconds(3));
        let marked = window.script("return document.querySelectorAll('.table-row.is-new').length");
        (marked.as_u64() > Some(0)).then_some(())
    });
    window.wait_for("processes-new");
    let kept = window.script("return document.querySelector('.table-row.is-focused').wasHere === true");
    assert_eq!(kept, true, "a refresh must not draw the chosen row anew");

    window.click("processes-signal");
    window.wait_for("signal-dialog");
    window.picture(&places::pictures(), "signal");
    window.click("signal-do");
    let outcome = window.text("signal-outcome");
    assert!(outcome.contains("ended"), "sleep ends by TERM: {outcome}");
    window.click("service-done");
    assert_eq!(
        host.run(&["systemctl", "is-active", "newcomer-0"]).trim(),
        "active",
        "the other one is untouched"
    );
    window.wait_text("processes-detail", "that it has ended", |text| text.contains("has ended"));
    let log = answers::operations(&operator);
    assert!(log.iter().any(|operation| operation.target.contains("sleep")), "the signal is in the log");

    // What is written to the host's log appears by itself; a unit and a priority narrow it.
    pages::open_tab(&window, "journal");
    host.run(&["systemd-run", "--unit=talker", "--wait", "sh", "-c", "echo '<3>the disk is on fire'"]);
    window.wait_page("the disk is on fire");
    window.click("journal-error");
    window.fill("journal-unit", "talker.service");
    window.wait_for_count("[data-testid=\"journal-table\"] .table-body [role=row]", 1);
    window.click_css("[data-testid=\"journal-table\"] .table-body [role=row]");
    window.wait_text("journal-message", "the whole message", |text| text.contains("the disk is on fire"));
    window.picture(&places::pictures(), "journal");

    // A moment of the charts is clicked, and who used the processor then is said.
    pages::open_tab(&window, "overview");
    until("a moment whose users of the processor are told", seconds(60), || {
        // The newest moment may have no sample yet, or nobody who used it.
        window.script(
            "const plot = document.querySelector('[data-testid=overview-plot]'); \
             const frame = plot.getBoundingClientRect(); \
             const at = {bubbles: true, clientX: frame.right - 48, clientY: frame.top + 40}; \
             plot.dispatchEvent(new PointerEvent('pointermove', at)); \
             plot.dispatchEvent(new PointerEvent('click', at))",
        );
        std::thread::sleep(seconds(2));
        let rows = "return document.querySelectorAll('[data-testid=overview-spike] [data-testid^=spike-row-]').length";
        (window.script(rows).as_u64() > Some(0)).then_some(())
    });
    window.picture(&places::pictures(), "spike");

    // On the host it is known by its name, not by the number of the descriptor it was started from.
    assert!(!host.run(&["pgrep", "-x", "muster-helper"]).trim().is_empty());

    // What lies on the host is said, and one button takes it away.
    window.wait_text("overview-left", "the helper's digest", |text| text.contains("sha256"));
    window.click("overview-left-remove");
    window.click("helper-remove-do");
    window.wait_for("helper-removed");
    let found = host.run(&["find", "/root", "/run", "-xdev", "-name", "muster-helper*"]);
    assert_eq!(found.trim(), "", "nothing is left on the host");
    window.close();
}
