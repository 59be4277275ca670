//! Names of hosts and groups are labels: whatever they look like, no file is named by them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use protocol::hosts::{Host, HostDraft, ImportReport, ImportVerdict, SshCommand};
use support::musterctl::Operator;
use support::needs;

/// A file that a name asks for by its absolute path.
const ABSOLUTE: &str = "/tmp/muster-named-by-a-label";

/// What a name may try: to leave a folder, to be a device, an option, a command, or another name than it looks.
fn names() -> Vec<String> {
    let long = ["x".repeat(64), "y".repeat(65), "../".repeat(400)];
    let short = [
        "../x",
        "../../x",
        "..",
        ".",
        "...",
        "./x",
        "x/..",
        ABSOLUTE,
        "/etc/passwd",
        "CON",
        "NUL",
        "aux.txt",
        "LPT1",
        "web.",
        "web. .",
        "~",
        "~root",
        "$HOME",
        "-oProxyCommand=x",
        "--help",
        "a b",
        "a\nb",
        "a\r",
        "\u{1b}[2J",
        "web-1\u{202e}txt",
        "web\u{200b}",
        "%2e%2e%2fx",
        "%h%d",
        "..\\x",
        "C:\\x",
        "C:x",
        "$(touch x)",
        "x;touch x",
        "a\"b",
        "*",
        "=cmd",
        "数据库-1",
        "",
    ];
    short.into_iter().map(str::to_owned).chain(long).collect()
}

/// All that lies below a folder, by its path from there.
fn tree(top: &Path) -> BTreeSet<PathBuf> {
    let (mut found, mut open) = (BTreeSet::new(), vec![top.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            found.insert(entry.path().strip_prefix(top).unwrap().to_owned());
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
        }
    }
    found
}

fn saved(operator: &Operator) -> Vec<Host> {
    let hosts: Vec<Host> = operator.run(&["host", "list", "--json"]).done().value();
    hosts.into_iter().filter(|host| !host.is_local()).collect()
}

/// The hosts as another program would write them, each of a name and a group.
fn as_json(names: &[String]) -> String {
    let draft = |(number, name): (usize, &String)| HostDraft {
        name: name.clone(),
        address: format!("127.0.1.{number}"),
        user: "ann".into(),
        groups: vec![format!("of {number}")],
        ..HostDraft::default()
    };
    serde_json::to_string(&names.iter().enumerate().map(draft).collect::<Vec<_>>()).unwrap()
}

#[test]
fn names_of_hosts_and_groups_are_refused_or_kept_as_labels_and_name_no_file() {
    needs!(Sshd);
    let names = names();
    let mut operator = Operator::without_keyring();
    let top = operator.folder().to_owned();
    let (work, own) = (top.join("work/on/something"), top.join("named-by-the-person"));
    for folder in [&work, &own] {
        fs::create_dir_all(folder).unwrap();
    }
    operator.work_in(work);
    let outside = || -> BTreeSet<PathBuf> {
        let ours = |path: &PathBuf| !path.starts_with("data") && !path.starts_with("named-by-the-person");
        tree(&top).into_iter().filter(ours).collect()
    };
    let before = outside();
    let file = |name: &str| own.join(name).to_str().unwrap().to_owned();

    // Saved: as a host, and as a group of another one.
    let mut kept = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let address = format!("--address=127.0.1.{number}");
        let ran = operator.run(&["host", "add", &address, "--user=ann", "--", name]);
        match ran.status {
            0 => kept.push(name.clone()),
            _ => drop(ran.refused(2, &["name"])),
        }
        let (plain, group) = (format!("plain-{number}"), format!("--group={name}"));
        let ran = operator.run(&["host", "add", &plain, &address, "--user=ann", &group]);
        assert!(matches!(ran.status, 0 | 2), "{name:?}: {ran:?}");
        assert!(!ran.stderr.contains(['\u{1b}', '\u{202e}']), "{:?}", ran.stderr);
    }
    let unsafe_ones =
        ["../x", ABSOLUTE, "~", "a\nb", "web-1\u{202e}txt", "$(touch x)", "-oProxyCommand=x", ""];
    assert!(unsafe_ones.iter().all(|name| !kept.iter().any(|kept| kept == name)), "{kept:?}");
    // In a path of the window these two would be others.
    assert!([".", ".."].iter().all(|name| !kept.iter().any(|kept| kept == name)), "{kept:?}");
    assert!(["...", "CON", "web."].iter().all(|name| kept.iter().any(|kept| kept == name)), "{kept:?}");
    let hosts = saved(&operator);
    let groups: BTreeSet<&str> = hosts.iter().flat_map(|host| &host.groups).map(String::as_str).collect();
    assert!(groups.contains("../x") && groups.contains(ABSOLUTE) && groups.contains("~"), "{groups:?}");
    for name in &kept {
        assert!(hosts.iter().any(|host| host.name == *name), "{name:?} is kept as it is");
    }

    // Exported, each format once, into files that the person named; and imported into another computer's data.
    for format in ["csv", "json", "ssh-config"] {
        let out = file(&format!("out.{format}"));
        operator.run(&["host", "export", &out, "--format", format]).done();
        let mut other = Operator::without_keyring();
        let (elsewhere, there) = (other.folder().to_owned(), other.folder().join("work"));
        fs::create_dir(&there).unwrap();
        other.work_in(there);
        let untouched = tree(&elsewhere);
        let report: ImportReport = other.run(&["host", "import", &out, "--json"]).done().value();
        assert_eq!(report.counts()[3], 0, "{format}: what was saved is not refused: {report:?}");
        if format != "ssh-config" {
            let came: BTreeSet<(String, Vec<String>)> =
                saved(&other).into_iter().map(|host| (host.name, host.groups)).collect();
            let went = hosts.iter().map(|host| (host.name.clone(), host.groups.clone())).collect();
            assert_eq!(came, went, "{format}");
        }
        let after = tree(&elsewhere).into_iter().filter(|path| !path.starts_with("data")).collect();
        assert_eq!(untouched, after, "{format}");
    }
    // From a file that was made by hand: the good ones alone, and never one with a NUL.
    let with_nul = [&names[..], &["web\0-2".to_owned()]].concat();
    let made = file("made.json");
    fs::write(&made, as_json(&with_nul)).unwrap();
    let other = Operator::without_keyring();
    let report: ImportReport = other.run(&["host", "import", &made, "--json"]).done().value();
    let refused = |name: &str| {
        report.rows.iter().any(|row| row.name == name && matches!(row.verdict, ImportVerdict::Refused { .. }))
    };
    assert!(saved(&other).iter().all(|host| kept.contains(&host.name)), "{report:?}");
    assert_eq!(saved(&other).len(), kept.len(), "{report:?}");
    assert!(refused("web\0-2") || refused("web\\x00-2"), "{report:?}");

    // A key, the way to a terminal and a backup, for each that was kept.
    let key = file("id");
    for name in &kept {
        operator.run(&["host", "key", "--key", &key, "--print", "--", name]).done();
        let command: SshCommand =
            operator.run(&["host", "ssh", "--print", "--json", "--", name]).done().value();
        let told = Command::new(&command.argv[0]).arg("-G").args(&command.argv[1..]).output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        let address = &hosts.iter().find(|host| host.name == *name).unwrap().address;
        let hostname = format!("hostname {address}");
        assert!(told.lines().any(|line| line == hostname), "{name:?} {command:?}: {told}");
    }
    operator.run(&["store", "backup", &file("backup")]).done();
    operator.run(&["trust", "export", &file("known_hosts")]).done();

    assert_eq!(outside(), before, "no file but in the two folders");
    assert!(!Path::new(ABSOLUTE).exists());
    let written: BTreeSet<String> =
        tree(&own).into_iter().map(|path| path.to_str().unwrap().to_owned()).collect();
    let named =
        ["backup", "id", "id.pub", "known_hosts", "made.json", "out.csv", "out.json", "out.ssh-config"];
    assert_eq!(written, named.map(str::to_owned).into(), "only what the person named");
    // In the data folder all files have names of our own.
    let of_ours = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    for path in tree(&operator.data()) {
        for part in path.iter().map(|part| part.to_str().unwrap()) {
            assert!(of_ours(part) && !kept.iter().any(|name| name == part), "{}", path.display());
        }
    }
}
