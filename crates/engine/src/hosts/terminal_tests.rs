//! The config beside `ssh -G`, and the choice of a terminal.

use super::*;
use protocol::hosts::{HostDraft, Identity};

fn host(name: &str, id: &str) -> Host {
    let mut host = crate::hosts::Hosts::local();
    host.name = name.into();
    host.id = id.into();
    host.address = "10.0.0.11".into();
    host.port = 2222;
    host.user = "bob".into();
    host
}

fn asked(command: &SshCommand) -> std::collections::BTreeMap<String, String> {
    let (ssh, rest) = command.argv.split_first().unwrap();
    let out = Command::new(ssh).arg("-G").args(rest).output().unwrap();
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn ssh_goes_where_the_saved_host_says() {
    if Command::new("ssh").arg("-V").output().is_err() {
        eprintln!("skipped: ssh is not installed");
        return;
    }
    let folder = tempfile::Builder::new().prefix("a folder with 100% odd name ").tempdir().unwrap();
    let gate = Host { address: "fe80::1%eth0".into(), ..host("gate", "1") };
    let web = Host {
        jump: Some("gate".into()),
        identity: Identity::KeyFile { path: "/keys/a key of 100%".into() },
        ..host("web-1", "2")
    };
    let odd = Host { jump: Some("web-1".into()), ..host("bob@gate:2200", "3") };
    let hosts = [gate.clone(), web.clone(), odd.clone()];
    let data = folder.path();
    let said = asked(&command(data, &hosts, &web, "web ssh-ed25519 AAAA\n").unwrap());
    assert_eq!(
        (said["hostname"].as_str(), said["port"].as_str(), said["user"].as_str(), said["proxyjump"].as_str()),
        ("10.0.0.11", "2222", "bob", "gate")
    );
    assert_eq!(said["identityfile"], "/keys/a key of 100%%");
    assert!(said["userknownhostsfile"].contains("ssh/known_hosts"), "{said:?}");
    assert_eq!(asked(&command(data, &hosts, &gate, "").unwrap())["hostname"], "fe80::1%eth0");
    let command = command(data, &hosts, &odd, "").unwrap();
    assert_eq!(
        command.argv.last().unwrap(),
        "muster-3",
        "a name that ssh would take apart is not given to it"
    );
    assert_eq!(asked(&command)["proxyjump"], "web-1");
    let written = std::fs::metadata(data.join("ssh/config")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&written.permissions()) & 0o777, 0o600);
    let line = Command::new("sh")
        .arg("-c")
        .arg(format!("set -- {}; printf '%s\\n' \"$@\"", command.line))
        .output()
        .unwrap();
    let line = String::from_utf8(line.stdout).unwrap();
    assert_eq!(line.lines().collect::<Vec<_>>(), command.argv, "the line means the same to a shell");
}

#[test]
fn what_could_become_an_option_never_reaches_ssh() {
    for (name, address, user) in [
        ("-oProxyCommand=touch x", "10.0.0.1", "root"),
        ("web", "-oProxyCommand=touch x", "root"),
        ("web", "10.0.0.1", "$(touch x)"),
        ("web\nProxyCommand touch x", "10.0.0.1", "root"),
        ("web", "10.0.0.1;touch x", "root"),
    ] {
        let draft = HostDraft {
            name: name.into(),
            address: address.into(),
            user: user.into(),
            ..HostDraft::default()
        };
        assert!(protocol::hosts::check_draft(&draft).is_err(), "{draft:?} must not be saved");
    }
    let key = Host {
        identity: Identity::KeyFile { path: "/k\"\nProxyCommand touch x".into() },
        ..host("web", "1")
    };
    let text = ssh_config(&[key], &Beside::default());
    assert!(!text.contains("touch"), "{text}");
}

#[test]
fn the_chosen_terminal_goes_first_and_one_that_is_not_there_is_said() {
    let there = |names: &'static [&'static str]| move |name: &str| names.contains(&name);
    assert_eq!(choose(None, None, there(&["xterm", "konsole"])).unwrap(), ["konsole", "-e"]);
    assert_eq!(choose(None, Some("foot"), there(&["xterm", "foot"])).unwrap(), ["foot"]);
    assert_eq!(
        choose(Some("/opt/my-term"), Some("foot"), there(&["/opt/my-term", "foot"])).unwrap(),
        ["/opt/my-term", "-e"]
    );
    assert_eq!(
        choose(Some("gnome-terminal"), None, there(&["gnome-terminal"])).unwrap(),
        ["gnome-terminal", "--"]
    );
    assert!(choose(Some("gone"), None, there(&["xterm"])).unwrap_err().message.contains("'gone'"));
    assert!(
        choose(None, Some("sh -c x"), there(&["sh -c x", "xterm"])).unwrap()[0] == "xterm",
        "no command line is taken for a program"
    );
    assert_eq!(choose(None, None, there(&[])).unwrap_err().code, FaultCode::BadInput);
}

#[test]
fn a_terminal_is_started_with_each_word_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let fake = folder.path().join("term");
    std::fs::write(
        &fake,
        format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >'{}.new'; mv '{0}.new' '{0}'\n", seen.display()),
    )
    .unwrap();
    std::fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let command = SshCommand {
        argv: ["ssh", "-F", "/a b", "--", "$(x)"].map(str::to_owned).into(),
        line: String::new(),
    };
    open(&[fake.to_string_lossy().into_owned(), "-e".into()], &command).unwrap();
    let began = std::time::Instant::now();
    while !seen.exists() {
        assert!(began.elapsed().as_secs() < 30, "the terminal did not start");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), "-e\nssh\n-F\n/a b\n--\n$(x)\n");
}
