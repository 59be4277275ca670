//! The log of a real host: by unit, priority and time, paged back, and followed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Instant;

use protocol::FaultCode;
use protocol::journal::JournalEntry;
use protocol::wire::{Answer, Line};
use support::musterctl::Operator;
use support::needs;
use support::systemd_host::SystemdHost;
use support::throwaway_user::random_word;
use support::wait::{seconds, until};

fn on_host(host: &SystemdHost) -> Operator {
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, "root", &host.key(), &[]);
    operator
}

fn entries(operator: &Operator, words: &[&str]) -> Vec<JournalEntry> {
    let words = [&["journal", "web", "--json"], words].concat();
    operator.run(&words).done().value()
}

fn messages(entries: &[JournalEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.message.as_str()).collect()
}

#[test]
fn entries_are_found_by_unit_priority_time_and_text() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let operator = on_host(host);
    let token = random_word();
    for priority in ["info", "err"] {
        host.run(&[
            "logger",
            "-p",
            &format!("user.{priority}"),
            "-t",
            "teller",
            &format!("{token} {priority}"),
        ]);
    }
    let unit = format!("says-{token}.service");
    host.add_unit(&unit, &format!("[Service]\nType=oneshot\nExecStart=/bin/echo '{token} of a unit'\n"));
    host.run(&["systemctl", "start", &unit]);
    host.run(&["journalctl", "--sync"]);

    let all = entries(&operator, &["--query", &token.to_uppercase()]);
    let told: Vec<&JournalEntry> =
        all.iter().filter(|entry| entry.identifier.as_deref() == Some("teller")).collect();
    assert_eq!(told.len(), 2, "{all:?}");
    assert_eq!((told[0].priority, told[1].priority), (Some(6), Some(3)));
    assert_eq!(told[0].host.as_deref(), Some(host.name()));
    let errors = entries(&operator, &["--query", &token, "--priority", "err"]);
    assert_eq!(messages(&errors), [format!("{token} err")]);
    let of_unit = entries(&operator, &["--unit", &unit]);
    assert!(messages(&of_unit).contains(&format!("{token} of a unit").as_str()), "{of_unit:?}");
    assert!(of_unit.iter().all(|entry| entry.unit.as_deref() == Some(&unit)), "{of_unit:?}");
    assert!(
        messages(&of_unit).iter().any(|message| message.starts_with("Starting ")),
        "also systemd's words"
    );
    // Unit names go without their type, as in systemctl.
    assert_eq!(entries(&operator, &["--unit", unit.trim_end_matches(".service")]).len(), of_unit.len());

    let second = jiff_free_time(told[1].at_ms);
    let since = entries(&operator, &["--query", &token, "--since", &second]);
    assert!(since.iter().all(|entry| entry.at_ms >= told[1].at_ms / 1_000 * 1_000), "{since:?}");
    assert!(entries(&operator, &["--query", &token, "--since", "2999-01-01"]).is_empty());
    operator.run(&["journal", "web", "--unit", "x; reboot"]).refused(2, &["unit"]);
    operator.run(&["journal", "web", "--since", "whenever"]).refused(2, &["whenever"]);
}

/// A time of UTC in the form of RFC 3339, to the second, by date(1).
fn jiff_free_time(at_ms: i64) -> String {
    let at = format!("@{}", at_ms / 1_000);
    support::process::tool("date", &["-u", "-d", &at, "+%Y-%m-%dT%H:%M:%SZ"]).trim().to_owned()
}

#[test]
fn five_thousand_entries_are_paged_back_each_once() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = on_host(&host);
    let drop_in = host.tree().join("etc/systemd/journald.conf.d");
    std::fs::create_dir_all(&drop_in).unwrap();
    std::fs::write(drop_in.join("all.conf"), "[Journal]\nRateLimitBurst=0\n").unwrap();
    host.run(&["systemctl", "restart", "systemd-journald"]);
    host.run(&["sh", "-c", "seq 1 5000 | logger -t counter; journalctl --sync"]);
    let counted = until("all lines to reach the journal", seconds(30), || {
        let text = host.run(&["sh", "-c", "journalctl -t counter -o cat | wc -l"]);
        (text.trim() == "5000").then_some(text)
    });
    assert_eq!(counted.trim(), "5000");
    let whole = entries(&operator, &["--limit", "6000"]);
    let numbers: Vec<u32> = whole
        .iter()
        .filter(|entry| entry.identifier.as_deref() == Some("counter"))
        .map(|entry| entry.message.parse().unwrap())
        .collect();
    assert_eq!(numbers, (1..=5_000).collect::<Vec<_>>(), "none doubled, none missing, in their order");

    let newest = entries(&operator, &["--limit", "10"]);
    let before = entries(&operator, &["--limit", "10", "--before", &newest[0].cursor]);
    assert!(before.iter().all(|entry| newest.iter().all(|new| new.cursor != entry.cursor)));
    assert!(before.last().unwrap().at_ms <= newest[0].at_ms);
}

#[test]
fn a_follow_sees_a_new_line_within_a_second_and_ends_with_its_reader() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let operator = on_host(&host);
    let token = random_word();
    host.run(&["logger", "-t", "teller", &format!("{token} before")]);
    host.run(&["journalctl", "--sync"]);
    let mut follow = operator.start(&["journal", "web", "--follow", "--json", "--query", &token]);
    let (told, lines) = channel();
    let out = BufReader::new(follow.child.stdout.take().unwrap());
    std::thread::spawn(move || {
        out.lines().map_while(Result::ok).all(|line| told.send((Instant::now(), line)).is_ok())
    });
    let next = || {
        let (at, line) = lines.recv_timeout(seconds(30)).unwrap();
        (at, serde_json::from_str::<JournalEntry>(&line).unwrap())
    };
    assert_eq!(next().1.message, format!("{token} before"), "the last entries come first");
    for round in 0..3 {
        let written = Instant::now();
        host.run(&["logger", "-t", "teller", &format!("{token} {round} \u{1b}[31mred")]);
        let (seen, entry) = next();
        assert_eq!(entry.message, format!("{token} {round} \u{1b}[31mred"));
        let took = seen.duration_since(written);
        assert!(took < seconds(1), "{took:?}");
    }
    // A new journald does not end the stream.
    host.run(&["systemctl", "restart", "systemd-journald"]);
    host.run(&["logger", "-t", "teller", &format!("{token} after")]);
    assert_eq!(next().1.message, format!("{token} after"));
    follow.child.kill().unwrap();
    follow.child.wait().unwrap();
    let children = || host.try_run(&["pgrep", "-f", "journalctl --no-pager|muster-helper"]).stdout;
    until("journalctl to end with its reader", seconds(10), || children().is_empty().then_some(()));
}

#[test]
fn a_user_who_may_not_read_the_journal_is_told_so() {
    needs!(SystemdHost);
    let host = SystemdHost::shared();
    let user = format!("u{}", &random_word()[..8]);
    host.run(&["useradd", "--create-home", "--shell", "/bin/sh", &user]);
    let home = host.tree().join("home").join(&user);
    std::fs::create_dir_all(home.join(".ssh")).unwrap();
    std::fs::copy(host.tree().join("root/.ssh/authorized_keys"), home.join(".ssh/authorized_keys")).unwrap();
    host.run(&["chown", "-R", &user, &format!("/home/{user}/.ssh")]);
    let operator = Operator::without_keyring();
    operator.add_trusted("web", &host.address(), 22, &user, &host.key(), &[]);
    let ran = operator.run(&["journal", "web", "--json"]);
    if ran.status == 0 {
        assert!(ran.stderr.contains("does not see entries of the system"), "{ran:?}");
    } else {
        assert_eq!(ran.status_is(7).fault().code, FaultCode::NotPermitted);
    }
}

#[test]
fn a_host_without_journald_is_read_from_its_log_files() {
    needs!(SystemdHost);
    let host = SystemdHost::start();
    let token = random_word();
    host.run(&["logger", "-t", "teller", &format!("{token} in a file")]);
    let syslog = host.tree().join("var/log/syslog");
    until("rsyslog to write the line", seconds(30), || {
        std::fs::read_to_string(&syslog).unwrap_or_default().contains(&token).then_some(())
    });
    let operator = on_host(&host);
    // Without the tool there is no journald to ask.
    host.run(&["mv", "/usr/bin/journalctl", "/usr/bin/journalctl.away"]);
    let ran = operator.run(&["journal", "web", "--json", "--query", &token, "--priority", "info"]).done();
    let found: Vec<JournalEntry> = ran.value();
    assert_eq!(messages(&found), [format!("{token} in a file")]);
    assert_eq!(found[0].identifier.as_deref(), Some("teller"));
    let off_ms = (found[0].at_ms - now_ms()).abs();
    assert!(off_ms < 600_000, "the time of a line without a year or a zone: {off_ms} ms off");
    assert!(ran.stderr.contains("priority"), "a filter that cannot be applied is said: {ran:?}");
    assert!(!Path::new(&host.tree().join("usr/bin/journalctl")).exists());
}

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

#[test]
fn news_of_a_log_are_words_of_the_wire() {
    let line = r#"{"push":{"id":4,"seq":2,"answer":{"journal_news":{"entries":[{"at_ms":1,"message":"x"}],"sent_before":7}}}}"#;
    let Line::Push { answer: Answer::JournalNews(news), .. } = serde_json::from_str(line).unwrap() else {
        panic!("another word")
    };
    assert_eq!((news.sent_before, news.entries[0].priority), (7, None));
}
