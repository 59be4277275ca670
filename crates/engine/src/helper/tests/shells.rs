//! The scripts in every shell that is on this machine: as the login shell, which only has to hand them
//! on, and in the place of /bin/sh, which runs them. Shells that are not there are left out.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use protocol::services::UNIT_KEYS;
use protocol::wire::Ask;

use protocol::runs::{quote_words, quote_words_for_any_shell};

use super::placing::script;
use crate::helper::link::opening_request;
use crate::helper::pulled::Pulled;
use crate::helper::{Program, scripts};
use crate::rig::{self, Dice};

const LOGIN_SHELLS: [&str; 10] =
    ["sh", "dash", "bash", "zsh", "ksh", "mksh", "tcsh", "csh", "fish", "busybox sh"];
const INNER_SHELLS: [&str; 5] = ["/bin/sh", "bash --posix", "mksh", "ksh", "busybox sh"];

fn is_there(shell: &str) -> bool {
    let mut words = shell.split(' ');
    let ran = Command::new(words.next().unwrap()).args(words).args(["-c", "true"]).output();
    ran.is_ok_and(|ran| ran.status.success())
}

/// Runs a command as sshd does, with a home of its own, and gives what it printed.
fn run(shell: &str, home: &std::path::Path, command: &str, stdin: &[u8]) -> Vec<u8> {
    let mut words = shell.split(' ');
    let mut command = {
        let mut new = Command::new(words.next().unwrap());
        new.args(words).args(["-c", command]);
        new
    };
    // What a shell reads as something else may be a file to write.
    command
        .env("HOME", home)
        .current_dir(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let mut child = command.spawn().unwrap();
    // One that refuses does not read.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap().stdout
}

/// Goes the whole way of a helper on a host: looked for, put there, started, listed, taken away.
fn goes_all_the_way(shell: &str, inner: &str) {
    goes_all_the_way_from(&tempfile::tempdir().unwrap(), shell, inner);
}

fn goes_all_the_way_from(home: &tempfile::TempDir, shell: &str, inner: &str) {
    let what = format!("login shell {shell}, /bin/sh {inner}, home {}", home.path().display());
    let program = Program::new(script("\n[ \"$1\" = serve ] && printf \"<%s>\" \"$@\""));
    let asked = opening_request(Ask::Metrics { interval_ms: Some(2_000) }).unwrap();
    let said = |command: &str, stdin: &[u8]| {
        let command = command.replacen("/bin/sh", inner, 1);
        String::from_utf8_lossy(&run(shell, home.path(), &command, stdin)).into_owned()
    };
    let sum = program.sha256.as_str();
    let dir = home.path().join(".cache/muster");
    let (dir, size) = (dir.to_str().unwrap(), program.bytes.len().to_string());
    let name = &format!("muster-helper-0.1.0-{}", &sum[..12]);
    let path = format!("{dir}/{name}");

    let output = said(&scripts::probe(&["M", "", "0.1.0", sum, sum]), b"");
    assert!(scripts::parse_said(&output, "M").contains(&("dir", dir)), "{what}: {output}");
    let output = said(&scripts::upload(&["M", dir, name, sum, &size, "M", "own"]), program.bytes);
    assert!(scripts::parse_said(&output, "M").contains(&("placed", "")), "{what}: {output}");
    let output = said(&scripts::start(&["M", &path, sum, ""]), b"");
    assert!(output.contains("\"hello\"") && !output.contains("<serve>"), "{what}: {output}");
    // The first question comes to the helper as it is.
    let output = said(&scripts::start(&["M", &path, sum, &asked]), b"");
    assert!(output.contains(&format!("<serve><{asked}>")), "{what}: {output}");
    let output = said(&scripts::resume(&["M", "", "0.1.0", sum, sum, &asked]), b"");
    assert!(output.contains(&format!("<serve><{asked}>")), "{what}: {output}");
    let output = said(&scripts::resume(&["M", "", "0.1.0", sum, sum, ""]), b"");
    assert!(output.contains("\"hello\"") && !output.contains("<serve>"), "{what}: {output}");
    let output = said(&scripts::status(&["M", ""]), b"");
    assert!(output.contains(&format!("{sum} {path}")) && output.contains("M end"), "{what}: {output}");
    let output = said(&scripts::remove(&["M", ""]), b"");
    assert!(output.contains(&format!("M gone {dir}")), "{what}: {output}");
    assert!(!fs::exists(dir).unwrap(), "{what}");

    let command = scripts::pull(&["M", "base tasks", UNIT_KEYS]).replacen("/bin/sh", inner, 1);
    let pulled = Pulled::parse(&run(shell, home.path(), &command, b""), "M").unwrap();
    assert_eq!(pulled.word("tools/os"), "Linux", "{what}");
    assert!(pulled.word("proc/1/stat").starts_with("1 ("), "{what}");
}

#[test]
fn the_scripts_go_all_the_way_in_every_login_shell() {
    let mut shells = LOGIN_SHELLS.into_iter().filter(|shell| is_there(shell)).peekable();
    assert!(shells.peek().is_some());
    shells.for_each(|shell| goes_all_the_way(shell, "/bin/sh"));
}

#[test]
fn the_scripts_go_all_the_way_from_a_home_of_any_name_in_every_login_shell() {
    // What csh and fish look for inside of quotes, and what a shell would part or expand.
    for name in ["it's ", "a!1 !! b ", "back\\slash\\", "$HOME `id` *? ", "\"quoted\" ~;&|<>#% ", "家 é "] {
        for shell in LOGIN_SHELLS.into_iter().filter(|shell| is_there(shell)) {
            let home = tempfile::Builder::new().prefix(name).tempdir().unwrap();
            goes_all_the_way_from(&home, shell, "/bin/sh");
        }
    }
}

#[test]
fn the_scripts_go_all_the_way_whatever_shell_stands_at_bin_sh() {
    let mut shells = INNER_SHELLS.into_iter().filter(|shell| is_there(shell)).peekable();
    assert!(shells.peek().is_some());
    shells.for_each(|shell| goes_all_the_way("sh", shell));
}

#[test]
fn the_shell_of_root_takes_its_bytes_whatever_shell_stands_at_bin_sh() {
    let program = Program::new(script(""));
    let size = program.bytes.len().to_string();
    for inner in INNER_SHELLS.into_iter().filter(|shell| is_there(shell)) {
        let home = tempfile::tempdir().unwrap();
        let word =
            format!("muster-test-{}", home.path().file_name().unwrap().to_str().unwrap().trim_matches('.'));
        let words = ["M", &size, &program.sha256, "now", &word];
        // What sudo would start, without sudo: PATH is kept, so that the shells of this test are found.
        let command = scripts::as_root("", "", None, &words);
        let command = command.split_once(" -- ").unwrap().1.replacen("/bin/sh", inner, 1);
        let stdin = [b"a secret\nanother\nnow\n", program.bytes].concat();
        let output = String::from_utf8_lossy(&run("sh", home.path(), &command, &stdin)).into_owned();
        assert!(output.contains("M ready") && output.contains("\"hello\""), "{inner}: {output}");
        assert!(!output.contains("secret"), "{inner}: {output}");
        for folder in ["/run", "/var/lib", "/root"] {
            assert!(!fs::exists(format!("{folder}/{word}")).unwrap(), "{inner} left its folder in {folder}");
        }
    }
}

/// Strings that go through one shell at once.
const BATCH: usize = 500;

/// Any text of at most eleven characters, rich in what some shell acts on; without the NUL that no argument has.
fn any_text(dice: &mut Dice, with_line_feeds: bool) -> String {
    const ACTED_ON: &[u8] = b"'\"\\`$!*?[]{}()<>|&;#~%=^@:,.-+/ \t\r";
    let length = dice.roll(12);
    let mut text = String::new();
    while text.chars().count() < length as usize {
        let c = match dice.roll(5) {
            0 | 1 => char::from(ACTED_ON[dice.roll(ACTED_ON.len() as u64) as usize]),
            // Letters that some shell knows after a backslash or a dollar, and control characters.
            2 | 3 => char::from(u8::try_from(1 + dice.roll(127)).unwrap()),
            _ => char::from_u32(u32::try_from(dice.roll(0x11_0000)).unwrap()).unwrap_or('\u{202e}'),
        };
        if c != '\0' && (with_line_feeds || c != '\n') {
            text.push(c);
        }
    }
    text
}

/// What a shell gave to the script that it was asked to run.
fn through(shell: &str, command: &str) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    let printed = run(shell, home.path(), command, b"");
    let text = String::from_utf8(printed).unwrap_or_else(|_| panic!("{shell} changed bytes"));
    text.split_terminator('\0').map(str::to_owned).collect()
}

#[test]
fn whatever_text_an_argument_of_a_script_is_it_comes_out_of_every_login_shell_as_it_went_in() {
    // The whole is for before a release.
    let batches = if rig::is_long() { 200 } else { 16 };
    let seed = std::env::var("MUSTER_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(29);
    eprintln!("quoted: {} strings, seed {seed}", batches * BATCH);
    let mut dice = Dice::of_round(seed, 1);
    let shells: Vec<&str> = LOGIN_SHELLS.into_iter().filter(|shell| is_there(shell)).collect();
    for family in ["sh", "csh", "fish"] {
        // On a machine that was set up for tests there is one of each.
        rig::can(&[family]);
    }
    for batch in 0..batches {
        let texts: Vec<String> = (0..BATCH).map(|_| any_text(&mut dice, false)).collect();
        let words: Vec<&str> = texts.iter().map(String::as_str).collect();
        let command = scripts::command(&["printf \"%s\\\\0\" \"$@\""], &words);
        for shell in &shells {
            assert_eq!(through(shell, &command), texts, "{shell}, batch {batch} of seed {seed}");
        }
    }
}

#[test]
fn whatever_text_a_word_is_with_line_feeds_too_it_comes_out_of_every_shell_of_bourne_as_it_went_in() {
    let batches = if rig::is_long() { 200 } else { 16 };
    let seed = std::env::var("MUSTER_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(31);
    eprintln!("quoted: {} strings, seed {seed}", batches * BATCH);
    let mut dice = Dice::of_round(seed, 2);
    let csh = ["csh", "tcsh"];
    let shells = LOGIN_SHELLS.into_iter().filter(|shell| is_there(shell) && !csh.contains(shell));
    let shells: Vec<&str> = shells.collect();
    for batch in 0..batches {
        let texts: Vec<String> = (0..BATCH).map(|_| any_text(&mut dice, true)).collect();
        let print = "/usr/bin/env printf '%s\\0'";
        for shell in &shells {
            let any = format!("{print} {}", quote_words_for_any_shell(&texts));
            assert_eq!(through(shell, &any), texts, "{shell}, batch {batch} of seed {seed}");
            if *shell != "fish" {
                let bourne = format!("{print} {}", quote_words(&texts));
                assert_eq!(through(shell, &bourne), texts, "{shell}, batch {batch} of seed {seed}");
            }
        }
    }
}
