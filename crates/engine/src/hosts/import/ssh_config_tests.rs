//! The reader beside `ssh -G`, which is OpenSSH's own.

use std::process::Command;

use super::*;
use protocol::hosts::ImportVerdict;

fn config(text: &str, home: &Path) -> (Config, Vec<String>) {
    let mut notes = Notes::default();
    let config = read(&home.join("config"), text, "ann", home, &mut notes);
    (config, notes.into_told().iter().map(ToString::to_string).collect())
}

#[test]
fn the_first_value_counts_and_patterns_decide_where() {
    let home = tempfile::tempdir().unwrap();
    let (config, notes) = config(
        "# top\nUser nobody\nHost web-1 web-2\n  HostName=10.0.0.1\n  Port 2222\nHost web-* !web-2\n Port 2\n\
         IdentityFile \"~/key of web\" # the second word is none\nHost *\n  Port 22\n  HostName %h.example.org\nHost gate\nProxyJump none\n",
        home.path(),
    );
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(config.names(), ["web-1", "web-2", "gate"]);
    let web = config.settings("web-1");
    assert_eq!(
        (web.address.as_str(), web.port.as_deref(), web.user.as_deref()),
        ("10.0.0.1", Some("2222"), Some("nobody"))
    );
    assert_eq!(web.identities, ["~/key of web"]);
    assert!(config.settings("web-2").identities.is_empty());
    assert_eq!(config.settings("gate").address, "gate.example.org");
}

#[test]
fn nothing_of_a_file_is_run_and_what_is_left_out_is_told() {
    let home = tempfile::tempdir().unwrap();
    let canary = home.path().join("canary");
    let text = format!(
        "Match exec \"touch {0}\"\n  HostName evil\nMatch host web exec \"touch {0}\"\n  Port 1\nMatch canonical\n Port 2\n\
         Host web\n  ProxyCommand touch {0}\nHost old\n  ProxyCommand ssh -W %h:%p gate\nHost odd\n  User \"open\nHost -oProxyCommand=x $(id)\n",
        canary.display()
    );
    let (config, notes) = config(&text, home.path());
    let mut more = Notes::default();
    let found = hosts(&config, &mut more);
    assert!(!canary.exists(), "a command of the file was run");
    assert_eq!(notes.len(), 4, "{notes:?}");
    assert!(notes[0].starts_with("line 1 ") && notes[0].contains("runs a command"));
    let named = |name: &str| found.iter().find(|host| host.name == name).unwrap();
    assert_eq!(named("web").address.as_deref(), Some("web"));
    assert_eq!(named("web").warnings, [ImportWarning::ProxyCommand]);
    assert_eq!(named("old").jump.as_deref(), Some("gate"), "this one is a jump in an older form");
    let ground = super::super::Ground { home: home.path().into(), user: "ann".into() };
    for planned in super::super::plan(found, &[], &ground) {
        let odd = planned.row.name.starts_with('-') || planned.row.name.contains('$');
        assert_eq!(
            odd,
            planned.save.is_none() && matches!(planned.row.verdict, ImportVerdict::Refused { .. }) && odd,
            "{:?}",
            planned.row
        );
    }
}

#[test]
fn a_file_that_includes_itself_ends() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".ssh")).unwrap();
    let file = home.path().join(".ssh/loop");
    std::fs::write(&file, "Include loop\nHost a\n").unwrap();
    let (config, notes) = config("Include loop loop\n", home.path());
    assert_eq!(config.names(), ["a"]);
    assert!(!notes.is_empty());
}

#[test]
fn any_text_is_read_without_a_panic() {
    use proptest::prelude::*;
    let home = tempfile::tempdir().unwrap();
    proptest!(|(text in "((Host|Match|Include|User|Port|\"|#|!|=|\\\\|all|exec| |\t|[a-z*?%]){0,8}\n){0,8}")| {
        let (config, _) = config(&text, home.path());
        let _ = hosts(&config, &mut Notes::default());
    });
}

/// What `ssh -G` says of a name, or why it refuses the file.
fn asked(file: &Path, home: &Path, name: &str) -> Result<Settings, String> {
    let mut command = Command::new("ssh");
    command.arg("-G").arg("-F").arg(file).args(["--", name]).env("HOME", home);
    let out = command.output().unwrap();
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into_owned());
    }
    let mut settings = Settings::default();
    for line in String::from_utf8(out.stdout).unwrap().lines() {
        let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
        let value = value.to_owned();
        match keyword {
            "hostname" => settings.address = value,
            "user" => settings.user = Some(value),
            "port" => settings.port = Some(value),
            "identityfile" => settings.identities.push(value),
            "proxyjump" => settings.jump = Some(value),
            "proxycommand" => settings.proxy_command = Some(value),
            _ => {}
        }
    }
    Ok(settings)
}

struct Random(u64);

impl Random {
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.number(from.len())]
    }

    fn number(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

const NAMES: [&str; 5] = ["web-1", "web-2", "db", "gate", "a.example.org"];

fn random_file(random: &mut Random, includes: &[&str]) -> String {
    let mut text = String::new();
    for _ in 0..4 + random.number(12) {
        let space = random.pick(&[" ", "  ", "\t", "=", " = "]).to_owned();
        let line = match random.number(9) {
            0 | 1 => {
                let patterns: Vec<&str> = (0..1 + random.number(3))
                    .map(|_| {
                        random.pick(&[
                            "web-1",
                            "web-2",
                            "db",
                            "gate",
                            "a.example.org",
                            "*",
                            "web-*",
                            "!web-2",
                            "?b",
                            "*.org",
                            "!db",
                        ])
                    })
                    .collect();
                format!("Host {}", patterns.join(" "))
            }
            2 => format!(
                "HostName{space}{}",
                random.pick(&["10.0.0.1", "10.0.0.2", "%h.example.net", "real.example.org"])
            ),
            3 => format!("User{space}{}", random.pick(&["root", "\"bob\"", "carol # trailing"])),
            4 => format!("Port{space}{}", random.pick(&["22", "2222", "\"22022\""])),
            5 => format!("  IdentityFile{space}{}", random.pick(&["~/.ssh/a", "\"~/.ssh/b c\"", "/keys/c"])),
            6 => format!("ProxyJump{space}{}", random.pick(&["gate", "bob@gate:2200", "none", "a,b"])),
            7 if !includes.is_empty() => format!("Include {}", random.pick(includes)),
            7 => "# nothing".into(),
            _ => {
                let criterion = random.pick(&[
                    "all",
                    "host web-*",
                    "originalhost db,gate",
                    "user root",
                    "!host 10.0.0.1",
                    "host real.* user root",
                    "localuser nobody-at-all",
                ]);
                format!("Match {criterion}")
            }
        };
        text += &line;
        text.push('\n');
    }
    text
}

#[test]
fn every_name_means_what_it_means_to_ssh() {
    if Command::new("ssh").arg("-V").output().is_err() {
        eprintln!("skipped: ssh is not installed");
        return;
    }
    let seed = std::env::var("MUSTER_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7_u64);
    println!("seed {seed}");
    let mut random = Random(seed);
    // ssh takes `~` and `~/.ssh` from the user database and not from HOME: names in full, then.
    let folder = tempfile::tempdir().unwrap();
    let home = PathBuf::from(
        String::from_utf8(Command::new("sh").args(["-c", "echo ~$(id -un)"]).output().unwrap().stdout)
            .unwrap()
            .trim(),
    );
    let user =
        String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap().trim().to_owned();
    let (first, second) = (folder.path().join("more-1"), folder.path().join("more-2"));
    let pattern = folder.path().join("more-*");
    let inner = [first.to_str().unwrap(), pattern.to_str().unwrap(), "/nowhere/at/all"];
    let (mut compared, mut jumps) = (0, 0);
    for round in 0..300 {
        std::fs::write(&first, random_file(&mut random, &[])).unwrap();
        std::fs::write(&second, random_file(&mut random, &[])).unwrap();
        let text = random_file(&mut random, &inner);
        let file = folder.path().join("config");
        std::fs::write(&file, &text).unwrap();
        let mut notes = Notes::default();
        let config = read(&file, &text, &user, &home, &mut notes);
        for name in NAMES {
            let theirs = match asked(&file, &home, name) {
                Ok(theirs) => theirs,
                // The same sentence for every name: this file is none that ssh takes.
                Err(_) => break,
            };
            let ours = config.settings(name);
            let context = || {
                let more = |file| std::fs::read_to_string(file).unwrap();
                format!(
                    "{name}, seed {seed}, round {round}:\n{text}\n--- more-1\n{}\n--- more-2\n{}",
                    more(&first),
                    more(&second)
                )
            };
            assert_eq!(
                ours.address.to_lowercase(),
                theirs.address.to_lowercase(),
                "address of {}",
                context()
            );
            assert_eq!(
                ours.user.as_deref().unwrap_or(&user),
                theirs.user.as_deref().unwrap(),
                "user of {}",
                context()
            );
            assert_eq!(
                ours.port.as_deref().unwrap_or("22"),
                theirs.port.as_deref().unwrap(),
                "port of {}",
                context()
            );
            assert_eq!(ours.jump, theirs.jump, "jump of {}", context());
            if !ours.identities.is_empty() {
                assert_eq!(ours.identities, theirs.identities, "keys of {}", context());
            }
            compared += 1;
            jumps += usize::from(ours.jump.is_some());
        }
    }
    println!("{compared} names compared, {jumps} with a jump");
    assert!(compared > 800 && jumps > 50, "{compared} names, {jumps} jumps");
}
