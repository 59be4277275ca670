//! The log as an operator meets it: things are done, one fails, one is cut; it is read, searched, exported.

use std::process::{Command, Stdio};

use protocol::operations::{LogCheck, Operation, OperationCounts, OperationResult};
use support::musterctl::Operator;
use support::wait::{seconds, until};

fn log(operator: &Operator, words: &[&str]) -> Vec<Operation> {
    let words = [&["operations"], words, &["--json"]].concat();
    serde_json::from_value(operator.run(&words).done().json()).unwrap()
}

fn counts(operator: &Operator) -> OperationCounts {
    serde_json::from_value(operator.run(&["operations", "unread", "--json"]).done().json()).unwrap()
}

fn ids(log: &[Operation]) -> Vec<u64> {
    log.iter().map(|one| one.id).collect()
}

/// As scripts start them, several at once.
#[test]
fn many_programs_take_turns_with_the_log_and_none_is_refused() {
    let operator = Operator::without_keyring();
    let running: Vec<_> = (0..12)
        .map(|number| operator.start(&["run", "local", "--", "echo", &format!("turn-{number}")]))
        .collect();
    for one in running {
        one.end().done();
    }
    let mut targets: Vec<String> = log(&operator, &[]).into_iter().map(|one| one.target).collect();
    targets.sort();
    let mut wanted: Vec<String> = (0..12).map(|number| format!("echo turn-{number}")).collect();
    wanted.sort();
    assert_eq!(targets, wanted);
    assert_eq!(counts(&operator).unread, 12);
}

#[test]
fn five_operations_of_which_one_fails_and_one_is_cut_are_counted_found_read_exported_and_proved() {
    let operator = Operator::without_keyring();
    operator.run(&["run", "local", "--", "echo", "备份完成"]).done();
    operator.run(&["run", "local", "--", "true"]).done();
    assert_eq!(operator.run(&["run", "local", "--", "sh", "-c", "echo 磁盘空间不足 >&2; exit 3"]).status, 1);
    operator.run(&["run", "local", "--", "echo", "NGINX", "reloaded"]).done();
    // The program is killed in the middle.
    let mut cut = operator.start(&["run", "local", "--", "sleep", "611.077"]);
    let sleeping = until("the command to run", seconds(60), || {
        let found = Command::new("pgrep").args(["-f", "^sleep 611.077"]).output().unwrap();
        String::from_utf8(found.stdout).unwrap().lines().next().map(str::to_owned)
    });
    cut.child.kill().unwrap();
    cut.child.wait().unwrap();

    let all = until("the store to be free", seconds(30), || {
        let ran = operator.run(&["operations", "--json"]);
        (ran.status == 0).then(|| log(&operator, &[]))
    });
    // It may have ended with the helper that ran it.
    let _ = Command::new("kill").arg(&sleeping).stderr(Stdio::null()).status();
    let results: Vec<_> = all.iter().take(5).map(|one| one.result).collect();
    use OperationResult::{Done, Failed, OutcomeUnknown};
    assert_eq!(results, [OutcomeUnknown, Done, Failed, Done, Done]);
    let before = counts(&operator);
    assert_eq!((before.failed, before.unread_failed), (2, 2));
    assert_eq!(all[2].exit_code, Some(3));
    assert!(all[2].custom && all[2].privilege.is_some());

    // Filters and words, in both languages and any case.
    assert_eq!(ids(&log(&operator, &["--failed"])), [all[0].id, all[2].id]);
    assert_eq!(ids(&log(&operator, &["--result", "outcome_unknown"])), [all[0].id]);
    assert_eq!(ids(&log(&operator, &["--query", "磁盘"])), [all[2].id]);
    assert_eq!(ids(&log(&operator, &["--query", "nginx"])), [all[1].id]);
    assert_eq!(ids(&log(&operator, &["--host", "local", "--query", "备份"])), [all[4].id]);
    assert!(log(&operator, &["--until", "2020-01-01"]).is_empty());
    let told = operator.run(&["operations", "--query", "磁盘空间"]).done();
    assert!(told.stdout.contains("磁盘空间不足"), "the line is shown: {}", told.stdout);

    // A remark, and marks by filter: what is left is unread.
    operator.run(&["operations", "comment", &all[2].id.to_string(), "换了磁盘"]).done();
    assert_eq!(ids(&log(&operator, &["--query", "换了"])), [all[2].id]);
    operator.run(&["operations", "read", "--failed"]).done();
    assert_eq!(counts(&operator).unread_failed, 0);
    assert_eq!(counts(&operator).unread, before.unread - 2);
    operator.run(&["operations", "read", "--all"]).done();
    assert_eq!(counts(&operator).unread, 0);

    // What is exported is what is there.
    let file = operator.folder().join("log.jsonl");
    operator.run(&["operations", "export", file.to_str().unwrap()]).done();
    let text = std::fs::read_to_string(&file).unwrap();
    let exported: Vec<Operation> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let now = log(&operator, &["--limit", "1000"]);
    // The export is in the log itself since.
    assert_eq!(exported, now[1..]);
    assert_eq!(
        operator.run(&["operations", "export", file.to_str().unwrap()]).status,
        2,
        "nothing is overwritten"
    );
    for format in ["csv", "html"] {
        let file = operator.folder().join(format!("failed.{format}"));
        operator.run(&["operations", "export", file.to_str().unwrap(), "--failed"]).done();
        assert!(std::fs::read_to_string(&file).unwrap().contains("磁盘空间不足"));
    }

    // The chain holds; then a file beside it is taken away, and that is said.
    let check: LogCheck =
        serde_json::from_value(operator.run(&["operations", "verify", "--json"]).done().json()).unwrap();
    assert_eq!((check.breaks_in_all, check.is_proved()), (0, true));
    std::fs::remove_file(operator.data().join("operations.head")).unwrap();
    let ran = operator.run(&["operations", "verify"]);
    assert_eq!(ran.status, 8);
    assert!(ran.stdout.contains("begun anew"), "{}", ran.stdout);
}
