//! The log in the real window: things are done, one fails, one is cut; the badge, the filters and the words
//! of it, and all of it again with the host gone.

use std::io::{BufRead, BufReader};

use protocol::operations::{Operation, OperationCounts, OperationResult};
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::Window;
use support::window::keys::DOWN;

use crate::answers;

const ROWS: &str = "[data-testid^=\"operations-row-\"]";

fn counts(operator: &Operator) -> OperationCounts {
    operator.run(&["operations", "unread", "--json"]).done().value()
}

/// Runs a command in the dialog that is open, and waits until its exit or what else became of it shows.
fn run(window: &Window, command: &str, shows: &str) {
    window.fill("run-command", command);
    window.click("run-do");
    window.wait_page(shows);
}

/// Gives a collector in the settings; what is done from then on comes to it as RFC 5424 says.
fn send_to_a_collector(window: &Window, operator: &Operator) {
    let collector = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    collector.set_read_timeout(Some(seconds(60))).unwrap();
    let port = collector.local_addr().unwrap().port().to_string();
    window.click("syslog-udp");
    window.fill("syslog-host", "127.0.0.1");
    window.fill("syslog-port", &port);
    window.click("syslog-save");
    let set = until("the collector to be kept", seconds(20), || {
        let told = operator.run(&["operations", "syslog"]).done().stdout;
        told.contains(&port).then_some(told)
    });
    assert!(set.contains("127.0.0.1") && set.contains("UDP"), "{set}");
    operator.run(&["run", "local", "--", "echo", "collected"]).done();
    let mut bytes = [0; 4_096];
    let message = loop {
        let length = collector.recv(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
        if text.contains("collected") {
            break text;
        }
    };
    assert!(message.starts_with("<110>1 ") && message.contains(" muster - command [operation@"), "{message}");
    operator.run(&["operations", "syslog", "--off"]).done();
}

#[test]
fn five_operations_are_done_counted_found_read_and_all_there_without_the_host() {
    needs!(SystemdHost, Window);
    let host = SystemdHost::start();
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    let window = Window::with_data_in(&desktop, &operator, "en_US.UTF-8");
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    let begun = counts(&operator);
    window.click("host-run");
    run(&window, "echo 备份完成", "备份完成");
    window.wait_for("run-exit");
    run(&window, "echo 磁盘空间不足 >&2; exit 3", "磁盘空间不足");
    window.click("dialog-close");
    window.wait_gone("run-dialog");
    // From the terminal, which asks the open app: the badge in the window follows, and so does a terminal.
    let mut following = operator.start(&["operations", "--follow", "--json", "--limit", "1"]);
    let lines = BufReader::new(following.child.stdout.take().unwrap()).lines();
    let mut followed = lines.map(|line| serde_json::from_str::<Operation>(&line.unwrap()).unwrap());
    let last = followed.next().unwrap();
    assert_eq!(last.result, OperationResult::Failed, "the newest that was there: {last:?}");
    operator.run(&["run", "web", "--", "echo", "NGINX", "reloaded"]).done();
    operator.run(&["service", "web", "restart", "cron.service"]).done();
    // What is over before it is looked at is told as it ended alone.
    let mut told = Vec::new();
    while told.iter().filter(|one: &&Operation| one.result == OperationResult::Done).count() < 2 {
        told.push(followed.next().unwrap());
    }
    let of = |id: u64| told.iter().filter(move |one| one.id == id).map(|one| one.result).collect::<Vec<_>>();
    for id in told.iter().map(|one| one.id) {
        let states = of(id);
        assert!(
            id > last.id && states.len() <= 2 && states.last() == Some(&OperationResult::Done),
            "{told:?}"
        );
    }
    following.child.kill().unwrap();
    following.child.wait().unwrap();
    let now = counts(&operator);
    assert_eq!(now.failed, begun.failed + 1);
    window.wait_text("badge-unread", "the unread operations", |text| {
        text.split_whitespace().any(|word| word == now.unread.to_string())
    });
    // The host's own tab counts those of the host.
    let of_host: Vec<Operation> =
        operator.run(&["operations", "--host", "web", "--unread", "--json"]).done().value();
    window.wait_text("tab-badge", "the host's unread operations", |text| {
        text.trim() == of_host.len().to_string()
    });
    window.picture(&places::pictures(), "host-unread");
    // One is cut off in the middle.
    window.click("host-run");
    window.fill("run-command", "sleep 611");
    window.click("run-do");
    until("the command to run", seconds(30), || {
        let found = host.try_run(&["pgrep", "-f", "^sleep 611"]);
        found.status.success().then_some(())
    });
    host.cut_link();
    let cut = until("the operation that was cut", seconds(60), || {
        let log = answers::operations(&operator);
        log.into_iter().find(|one| one.result == OperationResult::OutcomeUnknown)
    });
    assert!(cut.command.contains("sleep 611"), "{cut:?}");
    window.click("dialog-close");
    window.wait_gone("run-dialog");

    pages::open_page(&window, "operations");
    let log = answers::operations(&operator);
    let failed = log.iter().find(|one| one.result == OperationResult::Failed).unwrap();
    window.wait_for_count(&format!("{ROWS}[data-unread]"), counts(&operator).unread as usize);
    window.picture(&places::pictures(), "operations");
    window.fill("operations-filter", "磁盘");
    window.wait_for_count(ROWS, 1);
    window.wait_for(&format!("operations-row-{}", failed.id));
    window.picture(&places::pictures(), "operations-found");
    // What the filter found is marked, and nothing else.
    let before = counts(&operator);
    window.click("operations-mark-all");
    until("what was found to be read", seconds(20), || {
        (counts(&operator).unread == before.unread - 1).then_some(())
    });
    window.fill("operations-filter", "nginx");
    window.wait_for_count(ROWS, 1);
    window.empty("operations-filter");
    window.close();

    // With no host at all: everything is there again, and it can be taken along.
    let window = Window::with_data_in(&desktop, &operator, "en_US.UTF-8");
    pages::open_page(&window, "operations");
    let again = answers::operations(&operator);
    assert_eq!(again, answers::operations(&operator));
    let kept = |log: &[Operation]| -> Vec<(u64, OperationResult, String)> {
        log.iter().map(|one| (one.id, one.result, one.output.clone())).collect()
    };
    let (was, is) = (kept(&log), kept(&again));
    assert!(was.iter().all(|one| is.contains(one)), "{was:?} and then {is:?}");
    window.fill("operations-filter", "备份完成");
    window.wait_for_count(ROWS, 1);
    // Who types and goes on at once means the operations that this finds.
    window.fill("operations-filter", &format!("sleep{DOWN}"));
    until("the list to have the keyboard", seconds(20), || {
        (window.focused() == "operations-list").then_some(())
    });
    window.wait_for_count(ROWS, 1);
    window.wait_for_css(&format!("[data-testid=\"operations-detail\"][data-operation=\"{}\"]", cut.id));
    // A custom command comes back into its field, to be looked at before it is run again.
    window.click(&format!("operations-row-{}", cut.id));
    window.wait_for_css(&format!("[data-testid=\"operations-detail\"][data-operation=\"{}\"]", cut.id));
    window.click("operations-again");
    window.wait_for("run-command");
    assert_eq!(window.value("run-command"), "sleep 611");
    window.picture(&places::pictures(), "operations-again");
    window.click("run-cancel");
    window.wait_gone("run-dialog");
    // A filter stays when another page is looked at, until it is cleared.
    pages::open_page(&window, "settings");
    window.fill("keep-days", "none");
    window.click("keep-save");
    window.wait_for("error-keep-days");
    window.picture(&places::pictures(), "settings");
    send_to_a_collector(&window, &operator);
    pages::open_page(&window, "operations");
    assert_eq!(window.value("operations-filter"), "sleep");
    window.empty("operations-filter");
    window.click("operations-export");
    let file = operator.folder().join("log.jsonl");
    window.click("export-json");
    window.fill("export-file", file.to_str().unwrap());
    window.click("export-do");
    window.wait_for("export-written");
    window.picture(&places::pictures(), "operations-export");
    let text = std::fs::read_to_string(&file).unwrap();
    let exported: Vec<Operation> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let now = answers::operations(&operator);
    // The export itself is in the log since.
    assert!(exported.len() >= 5 && exported.iter().all(|one| now.contains(one)), "{exported:?}");
    assert!(again.iter().all(|one| exported.iter().any(|other| other.id == one.id)));
    window.close();
}
