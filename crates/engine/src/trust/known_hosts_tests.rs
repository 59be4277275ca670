//! The matcher beside `ssh-keygen -F`, which is OpenSSH's own.

use std::path::Path;
use std::process::Command;

use super::*;

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

fn roles(text: &str, address: &str, port: u16) -> Vec<(u32, Option<KeyRole>)> {
    lines_about(text, address, port)
        .into_iter()
        .map(|line| {
            let role = match line.content {
                Content::Key { role, .. } => Some(role),
                Content::Odd(_) => None,
            };
            (line.number, role)
        })
        .collect()
}

#[test]
fn patterns_ports_and_marks_mean_what_they_mean_to_openssh() {
    let k = ED25519;
    for (line, address, port, role) in [
        (format!("web {k}"), "web", 22, Some(KeyRole::Host)),
        (format!("WEB {k} a comment"), "web", 22, Some(KeyRole::Host)),
        (format!("web {k}"), "WEB", 22, Some(KeyRole::Host)),
        (format!("web {k}"), "web-1", 22, None),
        (format!("web,10.0.0.1 {k}"), "10.0.0.1", 22, Some(KeyRole::Host)),
        (format!("\tweb\t{}\t ", k.replace(' ', "\t")), "web", 22, Some(KeyRole::Host)),
        (format!("*.example.org {k}"), "a.example.org", 22, Some(KeyRole::Host)),
        (format!("*.example.org,!b.example.org {k}"), "b.example.org", 22, None),
        (format!("!b.example.org,*.example.org {k}"), "b.example.org", 22, None),
        (format!("web-? {k}"), "web-1", 22, Some(KeyRole::Host)),
        (format!("web-? {k}"), "web-11", 22, None),
        (format!("[web]:2222 {k}"), "web", 2222, Some(KeyRole::Host)),
        (format!("[web]:2222 {k}"), "web", 22, None),
        (format!("[*.org]:* {k}"), "a.org", 2222, Some(KeyRole::Host)),
        (format!("web {k}"), "web", 2222, Some(KeyRole::AnyPort)),
        (format!("@cert-authority *.org {k}"), "a.org", 22, Some(KeyRole::Authority)),
        (format!("@cert-authority *.org {k}"), "a.net", 22, None),
        (format!("@revoked * {k}"), "a.org", 2222, Some(KeyRole::Revoked)),
        (format!("# web {k}"), "web", 22, None),
    ] {
        let found: Vec<_> = roles(&line, address, port).into_iter().map(|(_, role)| role).collect();
        assert_eq!(found, role.map(Some).into_iter().collect::<Vec<_>>(), "{line} for {address}:{port}");
    }
}

#[test]
fn a_line_about_the_host_that_cannot_be_read_is_told_and_gives_no_key() {
    let good = ED25519;
    let cut = &ED25519[..60];
    for line in [
        "web".to_owned(),
        "web ssh-ed25519".to_owned(),
        format!("web {cut}"),
        format!("web {}", good.replace("ssh-ed25519 ", "ssh-rsa ")),
        format!("web {}", &good[..good.len() - 4]),
        format!("@no-such-mark web {good}"),
        format!("|1|not-base64|x {good}"),
        format!("|2|AAAA|AAAA {good}"),
    ] {
        assert_eq!(roles(&line, "web", 22), [(1, None)], "{line}");
    }
    assert!(roles("@no-such-mark other ssh-ed25519 AAAA", "web", 22).is_empty());
    assert!(roles("\u{0}\u{ff}\n\n   \n@\n", "web", 22).is_empty());
}

#[test]
fn any_text_is_read_without_a_panic() {
    use proptest::prelude::*;
    proptest!(|(text in "(@?[a-z|*!\\[\\]:,1 \t]{0,20} ?[a-zA-Z0-9+/= -]{0,40}\n?){0,6}", port in any::<u16>())| {
        let _ = lines_about(&text, "web", port);
    });
}

/// The numbers of the lines that `ssh-keygen -F` finds.
fn found_by_ssh_keygen(file: &Path, name: &str) -> Vec<u32> {
    let found = Command::new("ssh-keygen").arg("-F").arg(name).arg("-f").arg(file).output().unwrap();
    let text = String::from_utf8(found.stdout).unwrap();
    text.lines()
        .filter_map(|line| line.split("found: line ").nth(1)?.split(' ').next()?.parse().ok())
        .collect()
}

#[test]
fn every_line_that_ssh_keygen_finds_is_found_and_no_other() {
    let seed = std::env::var("MUSTER_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(4_u64);
    println!("seed {seed}");
    let folder = tempfile::tempdir().unwrap();
    let mut state = seed;
    let mut pick = |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % most
    };
    let names = [
        "web",
        "web-1",
        "web-2",
        "db.example.org",
        "a.example.org",
        "10.0.0.1",
        "[web]:2222",
        "[db.example.org]:22022",
    ];
    let patterns = [
        "*",
        "web*",
        "web-?",
        "*.example.org",
        "!web-1",
        "!*.example.org",
        "10.0.0.*",
        "[*]:2222",
        "[*.org]:*",
        "WEB",
    ];
    let mut lines = String::new();
    for _ in 0..60 {
        let count = 1 + pick(3);
        let hosts: Vec<&str> = (0..count)
            .map(|_| if pick(2) == 0 { names[pick(names.len())] } else { patterns[pick(patterns.len())] })
            .collect();
        let mark = ["", "", "", "@cert-authority ", "@revoked "][pick(5)];
        lines += &format!("{mark}{} {ED25519}\n", hosts.join(","));
    }
    let plain = folder.path().join("plain");
    std::fs::write(&plain, &lines).unwrap();
    // Hashed as OpenSSH does it, where that is possible: one name a line.
    let hashed = folder.path().join("hashed");
    let exact: String = names.iter().map(|name| format!("{name} {ED25519}\n")).collect();
    std::fs::write(&hashed, &exact).unwrap();
    assert!(
        Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(&hashed).output().unwrap().status.success()
    );
    let text = std::fs::read_to_string(&hashed).unwrap();
    assert!(!text.contains("web") && text.lines().count() == names.len(), "{text}");

    let mut seen = 0;
    for (name, address, port) in [
        ("web", "web", 22),
        ("web-1", "web-1", 22),
        ("web-2", "web-2", 22),
        ("db.example.org", "db.example.org", 22),
        ("10.0.0.1", "10.0.0.1", 22),
        ("stranger", "stranger", 22),
        ("[web]:2222", "web", 2222),
        ("[db.example.org]:22022", "db.example.org", 22022),
    ] {
        for file in [&plain, &hashed] {
            let text = std::fs::read_to_string(file).unwrap();
            let ours: Vec<u32> = roles(&text, address, port)
                .into_iter()
                .filter(|(number, role)| {
                    // A revoked key counts on every port; ssh-keygen looks for the exact name alone.
                    *role != Some(KeyRole::AnyPort)
                        && !(port != 22
                            && *role == Some(KeyRole::Revoked)
                            && matches(
                                text.lines().nth(*number as usize - 1).unwrap().split(' ').nth(1).unwrap(),
                                name,
                            ) == Ok(false))
                })
                .map(|(number, _)| number)
                .collect();
            let theirs = found_by_ssh_keygen(file, name);
            seen += theirs.len();
            assert_eq!(ours, theirs, "{name} in {}, seed {seed}", file.display());
        }
    }
    assert!(seen > 20, "the lines must be about these names, or nothing was compared: {seen}");
}
