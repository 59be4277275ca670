//! What is said before a service is touched, what becomes of a series that was confirmed, and who caused a
//! moment of the charts: what is not seen is never told as nothing.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use protocol::operations::{OperationKind, OperationResult};
use protocol::services::{ServiceImpact, Told};
use serde_json::json;
use support::debian::Init;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::seat::Seat;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::Window;
use support::window::keys::ENTER;

use crate::answers;

/// Listens on a port and keeps whoever connects; with a second word it uses the processor and memory instead.
const SERVE: &str = "#!/usr/bin/perl\nuse IO::Socket::INET;\nmy ($port, $busy) = @ARGV;\n\
    my $s = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => $port, Listen => 5, ReuseAddr => 1) or die;\n\
    if ($busy) { my $held = 'x' x 100_000_000;\n\
        for (;;) { my $n = 0; $n++ while $n < 5_000_000; select(undef, undef, undef, 0.2) } }\n\
    my @kept; while (my $c = $s->accept) { push @kept, $c }\n";

fn add_server(host: &SystemdHost) {
    let path = host.tree().join("usr/local/bin/serve");
    fs::write(&path, SERVE).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A service that somebody is connected to and another one needs.
fn add_served(host: &SystemdHost) -> TcpStream {
    add_server(host);
    host.add_units(&[
        ("zq-serving.service".into(), "[Service]\nExecStart=/usr/local/bin/serve 7070\n".into()),
        (
            "zq-needs.service".into(),
            "[Unit]\nRequires=zq-serving.service\n[Service]\nExecStart=/bin/sleep 9999\n".into(),
        ),
    ]);
    host.run(&["systemctl", "start", "zq-needs.service"]);
    until("the service to listen", seconds(30), || TcpStream::connect((host.address(), 7070)).ok())
}

fn operator_on(host: &SystemdHost, user: &str) -> Operator {
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, user, &host.key(), &[]);
    operator
}

#[test]
fn a_user_without_root_is_told_that_clients_are_hidden_and_not_that_there_are_none() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    host.add_user("looker");
    let client = add_served(&host);
    host.add_units(&[
        ("own.service".into(), "[Service]\nUser=looker\nExecStart=/bin/sleep 9999\n".into()),
        ("down.service".into(), "[Service]\nExecStart=/bin/sleep 9999\n".into()),
    ]);
    host.run(&["systemctl", "start", "own.service"]);
    let looker = operator_on(&host, "looker");
    let impact = |operator: &Operator, unit: &str| -> ServiceImpact {
        operator.run(&["service", "web", "impact", unit, "--json"]).done().value()
    };
    let hidden = impact(&looker, "zq-serving.service");
    assert_eq!((hidden.clients_told, hidden.clients.len()), (Told::WithoutRoot, 0), "{hidden:?}");
    assert!(hidden.dependents_known && hidden.dependents[0].unit == "zq-needs.service", "{hidden:?}");
    let words = looker.run(&["service", "web", "impact", "zq-serving.service"]).done().stdout;
    assert!(words.contains("cannot be seen without root") && !words.contains("no client"), "{words}");
    // What the user may look into is told as it is.
    assert_eq!(impact(&looker, "own.service").clients_told, Told::All);
    assert_eq!(impact(&looker, "down.service").clients_told, Told::All, "what does not run serves nobody");
    let words = looker.run(&["service", "web", "impact", "own.service"]).done().stdout;
    assert!(words.contains("no unit needs it") && words.contains("no client is connected"), "{words}");

    let root = operator_on(&host, "root");
    let seen = impact(&root, "zq-serving.service");
    assert_eq!(seen.clients_told, Told::All);
    let own = client.local_addr().unwrap().ip().to_string();
    assert!(seen.clients.iter().any(|one| one.peer == own && one.local_port == 7070), "{seen:?}");
}

#[test]
fn a_manager_that_knows_no_dependents_is_not_taken_for_one_without_any() {
    needs!(SystemdHost);
    let host = SystemdHost::start_run_by(Init::OpenRc);
    add_server(&host);
    let script = "#!/sbin/openrc-run\ncommand=/usr/bin/perl\ncommand_args=\"/usr/local/bin/serve 7070\"\n\
        command_background=true\npidfile=/run/serving.pid\n";
    let path = host.tree().join("etc/init.d/serving");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    host.run(&["rc-service", "serving", "start"]);
    let client =
        until("the service to listen", seconds(30), || TcpStream::connect((host.address(), 7070)).ok());
    let operator = operator_on(&host, "root");
    let ran = operator.run(&["service", "web", "impact", "openrc:serving", "--json"]).done();
    let impact: ServiceImpact = ran.value();
    assert!(!impact.dependents_known && impact.dependents.is_empty(), "{impact:?}");
    let own = client.local_addr().unwrap().ip().to_string();
    assert_eq!(impact.clients_told, Told::All, "its process is known: {impact:?}");
    assert!(impact.clients.iter().any(|one| one.peer == own && one.local_port == 7070), "{impact:?}");
    let words = operator.run(&["service", "web", "impact", "openrc:serving"]).done().stdout;
    assert!(words.contains("does not tell what depends on a service"), "{words}");
    assert!(!words.contains("no unit needs it"), "{words}");
}

#[test]
fn the_window_says_before_a_stop_what_it_would_touch_and_what_cannot_be_seen() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    host.add_user("looker");
    let client = add_served(&host);
    let own = client.local_addr().unwrap().ip().to_string();
    let seat = Seat::new();
    for (name, user) in [("plain", "looker"), ("rooted", "root")] {
        seat.operator.add_trusted(name, &host.address(), 22, user, &host.key(), &[]);
    }

    let window = seat.open_live("plain");
    pages::open_tab(&window, "services");
    pages::open_service(&window, "zq-serving.service");
    window.wait_text("impact-clients", "that they are hidden", |text| text.contains("without root"));
    let shown = window.words("service-impact");
    assert!(shown.contains("zq-needs.service") && !shown.contains("No client"), "{shown}");
    window.picture(&places::pictures(), "impact-hidden");
    window.click("service-cancel");
    window.wait_gone("service-dialog");

    pages::open_live(&window, "rooted");
    pages::open_tab(&window, "services");
    pages::open_service(&window, "zq-serving.service");
    let shown = until("the client to be named", seconds(30), || {
        Some(window.words("service-impact")).filter(|words| words.contains(&own))
    });
    assert!(shown.contains("zq-needs.service") && shown.contains("restarts with it"), "{shown}");
    assert!(!window.has("impact-clients"), "all is seen: {shown}");
    window.click("service-cancel");
    window.wait_gone("service-dialog");

    // Of several the same is said of each, and nothing can be done before it was asked.
    window.fill("services-filter", "zq-");
    window.wait_for_count("[data-testid^=\"service-row-\"]", 2);
    window.press_in("[role=grid]", &["a"], "ctrlKey: true");
    window.wait_text("chosen-count", "both of them", |text| text.contains('2'));
    host.run(&["pkill", "-STOP", "-x", "muster-helper"]);
    window.click("chosen-stop");
    window.wait_text("several-list", "that it asks", |text| text.contains("Asking the host"));
    window.wait_for_css("[data-testid=\"services-do\"]:disabled");
    host.run(&["pkill", "-CONT", "-x", "muster-helper"]);
    let shown = window.wait_text("several-list", "who is served", |text| text.contains(&own));
    assert!(shown.contains("stop with it: zq-needs.service"), "{shown}");
    window.wait_for_css("[data-testid=\"services-do\"]:not(:disabled)");
    window.picture(&places::pictures(), "impact-several");
    window.click("several-cancel");
    window.wait_gone("services-dialog");
    // Where the question fails that is said, and the rest is left to the person.
    fs::rename(host.tree().join("usr/bin/systemctl"), host.tree().join("usr/bin/away")).unwrap();
    window.click("chosen-stop");
    let shown = window.wait_text("several-list", "that it could not be asked", |text| {
        text.matches("could not be asked").count() == 2
    });
    fs::rename(host.tree().join("usr/bin/away"), host.tree().join("usr/bin/systemctl")).unwrap();
    assert!(!shown.contains("Nothing depends") && !shown.contains("No client"), "{shown}");
    window.wait_for_css("[data-testid=\"services-do\"]:not(:disabled)");
    window.click("several-cancel");
    window.close();
}

/// Starts the four slow services from their table, and locks the window when the first has ended.
fn start_and_lock(window: &Window) {
    pages::open_live(window, "web");
    pages::open_tab(window, "services");
    if window.has("chosen-clear") {
        window.click("chosen-clear");
    }
    window.fill("services-filter", "slow-");
    window.wait_for_count("[data-testid^=\"service-row-\"]", 4);
    window.press_in("[role=grid]", &["a"], "ctrlKey: true");
    window.wait_text("chosen-count", "four of them", |text| text.contains('4'));
    window.click("chosen-start");
    window.click("services-do");
    window.wait_for_css("[data-testid=\"several-row-0\"][data-state=\"done\"]");
    pages::lock(window);
}

#[test]
fn a_series_goes_on_when_its_dialog_is_taken_away_and_how_it_ended_is_told() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let slow = |name: &str| (name.to_owned(), "[Service]\nType=oneshot\nExecStart=/bin/sleep 6\n".to_owned());
    host.add_units(&["slow-a.service", "slow-b.service", "slow-c.service", "slow-d.service"].map(slow));
    let seat = Seat::at(&host);
    let window = seat.open();
    pages::set_lock(&window);
    let started = || -> Vec<OperationResult> {
        let all = answers::operations(&seat.operator);
        let starts = all.into_iter().filter(|one| one.kind == OperationKind::ServiceStart);
        starts.map(|one| one.result).collect()
    };

    // The lock takes the dialog away for a moment; what was confirmed is done all the same.
    start_and_lock(&window);
    pages::unlock(&window, pages::PASSPHRASE);
    until("how all four ended", seconds(90), || {
        let is_told = "return document.body.innerText.includes('4 of 4 done, 0 failed')";
        (window.script(is_told) == json!(true)).then_some(())
    });
    window.picture(&places::pictures(), "series-told");
    assert_eq!(started(), [OperationResult::Done; 4]);
    window.click("toast-way");
    window.wait_for_css("[data-testid=\"operations-page\"], [data-testid=\"page-operations\"]");

    // While it stays locked nothing begins, and that is said once it is seen.
    start_and_lock(&window);
    // Until the one that was under way has ended and the next was refused.
    std::thread::sleep(seconds(15));
    assert!(!window.has("toast"), "nothing is told behind the lock");
    pages::unlock(&window, pages::PASSPHRASE);
    window.wait_page("not begun");
    assert!(started().len() < 8, "the rest was not begun: {:?}", started());
    window.close();
}

/// Clicks the newest moment of the lane of the processor until the process is among those who are told.
fn click_spike(window: &Window, pid: &str) {
    window.wait_for("overview-plot");
    until("the process among those who caused it", seconds(60), || {
        window.script(
            "const plot = document.querySelector('[data-testid=overview-plot]');\
             const frame = plot.getBoundingClientRect();\
             const at = {bubbles: true, clientX: frame.right - 48, clientY: frame.top + 40};\
             plot.dispatchEvent(new PointerEvent('pointermove', at));\
             plot.dispatchEvent(new PointerEvent('click', at))",
        );
        std::thread::sleep(seconds(2));
        window.has(&format!("spike-row-{pid}")).then_some(())
    });
}

fn add_spinner(host: &SystemdHost) -> String {
    add_server(host);
    host.add_unit("spinner.service", "[Service]\nExecStart=/usr/local/bin/serve 7071 busy\n");
    host.run(&["systemctl", "start", "spinner.service"]);
    host.run(&["systemctl", "show", "-p", "MainPID", "--value", "spinner.service"]).trim().to_owned()
}

#[test]
fn who_caused_a_spike_is_opened_with_its_command_its_unit_and_what_it_holds_now() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let pid = add_spinner(&host);
    let seat = Seat::at(&host);
    let window = seat.open_live("web");
    click_spike(&window, &pid);
    let row = format!("spike-row-{pid}");
    window.wait_text(&row, "its unit", |text| text.contains("spinner.service"));
    let meter = window.script(&format!(
        "const row = document.querySelector('[data-testid={row}]');\
         const meter = row.querySelector('[role=meter]');\
         return [meter.getAttribute('aria-valuenow'), meter.getAttribute('aria-valuetext'),\
             row.querySelector('.spike-value b').textContent]"
    ));
    let (now, said, shown) = (meter[0].as_str(), meter[1].as_str(), meter[2].as_str());
    assert_eq!(said, shown, "what is shown is what is said");
    let number: f64 = shown.unwrap().parse().unwrap();
    let now: f64 = now.unwrap().parse().unwrap();
    assert!((now - number).abs() <= 1.0, "of the host, not of the row above: {meter}");

    // By the keyboard: Enter on a button is a click.
    window.press(&format!("spike-name-{pid}"), ENTER);
    window.wait_for_css("[data-testid=\"spike-opened\"][data-now=\"there\"]");
    assert!(window.text("spike-command").contains("/usr/local/bin/serve 7071 busy"));
    let held = window.text("spike-sockets");
    assert!(held.contains("0.0.0.0:7071") && held.contains("LISTEN"), "{held}");
    window.picture(&places::pictures(), "spike-opened");

    host.run(&["systemctl", "stop", "spinner.service"]);
    until("that it has ended", seconds(40), || {
        window.click(&format!("spike-name-{pid}"));
        window.click(&format!("spike-name-{pid}"));
        std::thread::sleep(seconds(2));
        window.has("spike-gone").then_some(())
    });
    assert!(window.text("spike-command").contains("/usr/local/bin/serve"), "what is kept stays");
    window.click("spike-process");
    window.wait_for_css("[data-testid=\"processes-page\"]");
    window.wait_for("processes-filter");
    assert_eq!(window.value("processes-filter"), pid);
    window.close();
}

/// Whether the band of the moment that was asked about is drawn: nothing else is, so far up in that layer.
fn has_band(window: &Window) -> bool {
    window.script(
        "const canvas = document.querySelector('[data-testid=overview-plot] canvas');\
         const row = canvas.getContext('2d').getImageData(0, 3, canvas.width, 1).data;\
         return row.some((value, at) => at % 4 === 3 && value > 0)",
    ) == json!(true)
}

#[test]
fn by_keys_alone_each_lane_is_asked_who_caused_a_moment() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let pid = add_spinner(&host);
    let seat = Seat::at(&host);
    let window = seat.open_live("web");
    let key = |key: &str| window.press_in("[data-testid=overview-plot]", &[key], "");
    until("the user of the memory to be told", seconds(60), || {
        // The first shows where the keyboard is, the second goes one lane down.
        ["Escape", "Escape", "End", "ArrowDown", "Enter"].into_iter().for_each(key);
        std::thread::sleep(seconds(2));
        window.has(&format!("spike-row-{pid}")).then_some(())
    });
    let said =
        window.script("return document.querySelector('[data-testid=overview-lane-said]').textContent.trim()");
    assert_eq!(said, "Memory");
    let head = window.text("overview-spike");
    assert!(head.contains("Memory") && !head.contains("CPU busy"), "{head}");
    until("the band at the moment", seconds(10), || has_band(&window).then_some(()));
    window.picture(&places::pictures(), "spike-by-keys");
    key("Escape");
    window.wait_gone("overview-spike");
    until("the band to go", seconds(10), || (!has_band(&window)).then_some(()));

    // Two more down is the network, of which the kernel keeps no account by process.
    ["ArrowDown", "ArrowDown", "Enter"].into_iter().for_each(key);
    let told = window.text("spike-instead");
    assert!(told.contains("By CPU") && told.contains("network"), "{told}");
    // From within the panel too, and the keyboard is back at the chart.
    window.press_in("[data-testid=overview-spike-close]", &["Escape"], "");
    window.wait_gone("overview-spike");
    assert_eq!(window.focused(), "overview-plot");
    window.close();
}
