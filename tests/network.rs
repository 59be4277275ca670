//! A live link when the network or the host's server fails under it: what is told, what stays on the screen, and
//! that the link comes back by itself.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::FaultCode;
use protocol::link::LinkState;
use protocol::operations::{Operation, OperationResult};
use serde_json::json;
use support::desktop::Desktop;
use support::hops::Hops;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::sshd::{Sshd, own_user};
use support::wait::{seconds, until};
use support::window::Window;

use crate::{answers, jumps};

/// For a link to come back after a try that waits for a silent server.
const BACK: u64 = 120;

fn open(operator: &Operator, desktop: &Desktop) -> Window {
    let window = Window::with_data_of(desktop, operator);
    window.wait_for("nav-hosts");
    window
}

/// The link of a host, as the engine of the app has it.
fn link(window: &Window, host: &str) -> LinkState {
    let rows = window.call("hosts_list", &json!({"args": {}}))["done"].clone();
    let row = rows.as_array().unwrap().iter().find(|row| row["host"]["name"] == host).cloned();
    serde_json::from_value(row.unwrap_or_else(|| panic!("{host} is in the list: {rows}"))["link"].clone())
        .unwrap()
}

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Since when the link is up, and when the host was last heard of.
fn live(window: &Window, host: &str) -> (i64, i64) {
    let LinkState::Live { since_ms, heard_ms } = link(window, host) else {
        panic!("{host} is live: {:?}", link(window, host))
    };
    (since_ms, heard_ms)
}

/// How old the page says that what it shows is, in seconds: `As of 14:31, 12 s ago`, later in minutes.
fn shown_age_s(window: &Window) -> u64 {
    let words = window.text("stale-words");
    assert!(words.starts_with("As of ") && words.ends_with(" ago"), "{words}");
    let age: Vec<&str> = words.rsplit(' ').skip(1).take(2).collect();
    let of_unit = if age[0] == "min" { 60 } else { 1 };
    assert!(age[0] == "min" || age[0] == "s", "{words}");
    age[1].parse::<u64>().unwrap_or_else(|_| panic!("an age: {words}")) * of_unit
}

#[test]
fn the_loss_of_this_computer_s_own_network_is_told_as_such_and_what_was_read_stays_with_its_age() {
    needs!(Root, Sshd, Window);
    let hops = Hops::start(&[&[], &[]]);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    jumps::save(&operator, &hops, "web", 0, None);
    jumps::save(&operator, &hops, "db", 1, Some("web"));
    operator.accept("web");
    operator.accept("db");
    let window = open(&operator, &desktop);
    pages::open_host(&window, "db");
    pages::wait_until_live(&window);
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    pages::open_tab(&window, "overview");
    let facts = window.wait_text("overview-facts", "the kernel of the host", |text| text.contains("Linux"));
    assert!(!window.has("stale"), "what is live has no age");
    let sign_ins = || hops.hosts.iter().map(Sshd::sign_ins).collect::<Vec<_>>();
    let before = sign_ins();
    let mark = hops.hosts[0].folder().join("began");
    let script = format!("touch {}; sleep 600", mark.display());
    let running = operator.start(&["run", "web", "--", "sh", "-c", &script]);
    until("the command to begin", seconds(30), || mark.exists().then_some(()));

    hops.take_route();
    // Nothing is known of the host, and this computer's part is said: not that the host is down.
    let fault = until("the link to be lost", seconds(60), || link(&window, "web").fault().cloned());
    assert_eq!(fault.code, FaultCode::NoRoute, "{fault}");
    assert!(fault.message.contains("this computer has no network to it any more"), "{fault}");
    window.wait_for_css("[data-testid=\"host-state\"][data-state=\"unreachable\"]");
    window.wait_page("no route");
    let of_jump_host = until("the host behind it to wait for its way", seconds(60), || {
        let fault = link(&window, "db").fault().cloned()?;
        (fault.code == FaultCode::NoRoute && fault.detail.hop.as_deref() == Some("web")).then_some(fault)
    });
    assert!(of_jump_host.message.contains("no way to web"), "{of_jump_host}");
    operator.run(&["check", "web"]).refused(3, &["no way to web", "this computer's network"]);
    // What was under way may have been done: whose fault it is that nobody knows changes nothing of that.
    running.end().refused(3, &["web", "unknown"]);
    let log = answers::operations(&operator);
    assert_eq!(log[0].result, OperationResult::OutcomeUnknown, "{:?}", log[0]);

    // What is on the screen stays, and its age goes on.
    let first = shown_age_s(&window);
    until("the age to grow", seconds(BACK), || {
        // However often it is tried meanwhile, none of it says that the host is down.
        let code = link(&window, "web").fault().map(|fault| fault.code);
        assert!(matches!(code, None | Some(FaultCode::NoRoute)), "{code:?}");
        (shown_age_s(&window) > first + 5).then_some(())
    });
    assert_eq!(window.text("overview-facts").lines().count(), facts.lines().count());
    window.picture(&places::pictures(), "own-network-lost");
    let why = window.script("return document.querySelector('[data-testid=\"stale-why\"]').textContent");
    assert!(why.as_str().unwrap().contains("Check this computer's network"), "{why}");
    // It is read to its end also where the window has no room for it in one line.
    window.resize(1_024, 700);
    until("the whole reason to be in sight", seconds(20), || {
        let is_whole = window.script(
            "const part = id => document.querySelector(`[data-testid=${id}]`);\
             const text = document.createRange(); text.selectNodeContents(part('stale-why'));\
             const [all, bar] = [text, part('stale')].map(one => one.getBoundingClientRect());\
             return innerWidth <= 1024 && all.right <= bar.right && all.bottom <= bar.bottom",
        );
        (is_whole == true).then_some(())
    });
    window.picture(&places::pictures(), "own-network-lost-narrow");
    assert_eq!(sign_ins(), before, "nothing reached a host");

    hops.give_route();
    pages::wait_until_live(&window);
    window.wait_gone("stale");
    until("the host behind it to be live", seconds(BACK), || link(&window, "db").is_live().then_some(()));
    let signed_in: Vec<usize> =
        sign_ins().iter().zip(&before).map(|(after, before)| after - before).collect();
    assert_eq!(signed_in, [1, 1], "once each");
    window.close();
}

#[test]
fn a_server_that_freezes_is_stale_then_lost_and_live_again_by_itself() {
    needs!(Sshd, Window);
    let sshd = Sshd::start();
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let dir = sshd.home().join("muster").display().to_string();
    let more = ["--helper-dir", &dir];
    operator.add_trusted("web", "127.0.0.1", sshd.port(), &own_user(), &sshd.key(), &more);
    let window = open(&operator, &desktop);
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    pages::open_tab(&window, "overview");
    window.wait_text("overview-facts", "the kernel of the host", |text| text.contains("Linux"));
    let sign_ins = sshd.sign_ins();

    // Shorter than a silence that ends a link: the same link goes on.
    let (since_ms, heard_ms) = live(&window, "web");
    sshd.freeze();
    until("some seconds of silence", seconds(30), || {
        (now_ms() - live(&window, "web").1 > 5_000).then_some(())
    });
    sshd.thaw();
    until("the host to be heard of again", seconds(30), || {
        (live(&window, "web").1 > heard_ms + 5_000).then_some(())
    });
    assert_eq!((live(&window, "web").0, sshd.sign_ins()), (since_ms, sign_ins), "it is the link from before");

    // Longer: its data is said to be old, then the link to be lost.
    sshd.freeze();
    let fault = until("the loss to be told", seconds(60), || link(&window, "web").fault().cloned());
    assert_eq!(fault.code, FaultCode::LinkLost, "{fault}");
    assert!(fault.message.contains("the host stopped answering"), "{fault}");
    window.wait_for("stale");
    let first = shown_age_s(&window);
    until("the age to grow", seconds(BACK), || (shown_age_s(&window) > first).then_some(()));
    window.picture(&places::pictures(), "frozen");
    // A command is not kept for later: it is said at once or soon that it was not done.
    let mark = sshd.folder().join("mark");
    let refused = operator.run(&["run", "web", "--", "touch", mark.to_str().unwrap()]);
    assert_eq!(refused.status, 3, "{refused:?}");

    sshd.thaw();
    until("the host to be live again", seconds(BACK), || link(&window, "web").is_live().then_some(()));
    window.wait_gone("stale");
    assert_eq!(sshd.sign_ins(), sign_ins + 1, "{}", sshd.log());
    assert!(!mark.exists(), "what was refused is not done later");
    operator.run(&["run", "web", "--", "touch", mark.to_str().unwrap()]).done();
    assert!(mark.exists());
    window.close();
}

/// Runs commands over the link of the app, beside its samples, whose output is known to the last byte.
fn commands_come_out_whole(operator: &Operator, host: &str, rounds: u32) {
    for round in 1..=rounds {
        let script = format!("seq {round} 6000; seq {round} 900 >&2; exit {round}");
        let ran = operator.run(&["run", host, "--json", "--", "sh", "-c", &script]);
        let operation: Operation = ran.value();
        let numbers = |to: u32| (round..=to).map(|number| format!("{number}\n")).collect::<String>();
        assert_eq!(operation.exit_code, Some(i32::try_from(round).unwrap()), "{ran:?}");
        assert!(operation.output == numbers(6000), "round {round}: {}", operation.output);
        assert!(operation.errors == numbers(900), "round {round}: {}", operation.errors);
    }
}

#[test]
fn a_network_that_loses_a_tenth_of_all_packets_makes_a_host_slower_and_nothing_wrong() {
    needs!(Nftables, Sshd, Window);
    let hops = Hops::start(&[&[]]);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    jumps::save(&operator, &hops, "web", 0, None);
    operator.accept("web");
    let window = open(&operator, &desktop);
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    window.listen();
    hops.lose(10);
    commands_come_out_whole(&operator, "web", 12);
    until("samples under the loss", seconds(BACK), || (window.heard("{\"metrics\"") > 20).then_some(()));
    // By the host's clock and by this one, each is later than the one before.
    let times: Vec<[i64; 2]> = serde_json::from_value(window.script(
        "return window.heard.map(event => JSON.parse(event)).filter(event => event.metrics)\
         .map(({metrics}) => [metrics.metrics.at_ms, metrics.received_ms])",
    ))
    .unwrap();
    for pair in times.windows(2) {
        assert!(pair[0][0] < pair[1][0] && pair[0][1] <= pair[1][1], "{times:?}");
    }
    assert!(link(&window, "web").is_live(), "{:?}", link(&window, "web"));
    assert!(hops.lost() > 5, "packets were lost: {}", hops.lost());
    window.close();
}

#[test]
fn a_network_that_swallows_large_packets_costs_a_command_nothing_but_its_time() {
    needs!(Network, Sshd, Window);
    let hops = Hops::start(&[&[]]);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    jumps::save(&operator, &hops, "web", 0, None);
    operator.accept("web");
    let window = open(&operator, &desktop);
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    let sign_ins = hops.hosts[0].sign_ins();
    let mark = hops.hosts[0].folder().join("mark");
    // Its words fill some packets.
    let script = format!("# {}\necho once >> {}", "x".repeat(20_000), mark.display());
    let run = || operator.run(&["run", "web", "--json", "--", "sh", "-c", &script]);

    hops.swallow_larger(1_280);
    // What fits goes through: samples go on coming, and a short command is done.
    operator.run(&["run", "web", "--", "true"]).done();
    let ran = run();
    // It had left this computer, and nobody knows how far it came.
    assert_eq!(ran.status, 3, "{ran:?}");
    assert_eq!(answers::operations(&operator)[0].result, OperationResult::OutcomeUnknown);
    until("the host to be live again", seconds(BACK), || {
        (link(&window, "web").is_live() && hops.hosts[0].sign_ins() > sign_ins).then_some(())
    });
    assert!(!mark.exists(), "what did not arrive was not done, and is not done later");
    let ran = run();
    assert_eq!(ran.value::<Operation>().exit_code, Some(0), "{ran:?}");
    assert_eq!(std::fs::read_to_string(&mark).unwrap(), "once\n");
    window.close();
}

#[test]
fn a_network_in_which_packets_overtake_each_other_changes_nothing_of_what_arrives() {
    needs!(Nftables, Sshd, Window);
    let hops = Hops::start(&[&[], &[]]);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    jumps::save(&operator, &hops, "gate", 0, None);
    jumps::save(&operator, &hops, "web", 1, Some("gate"));
    operator.accept("gate");
    operator.accept("web");
    let window = open(&operator, &desktop);
    pages::open_host(&window, "web");
    pages::wait_until_live(&window);
    let (since_ms, _) = live(&window, "web");
    hops.turn_round();
    commands_come_out_whole(&operator, "web", 12);
    assert!(hops.overtaking() > 50, "packets overtook each other: {}", hops.overtaking());
    assert_eq!(live(&window, "web").0, since_ms, "it is the link from before");
    window.close();
}
