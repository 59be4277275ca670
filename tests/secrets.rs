//! A planted password is looked for everywhere that it must not be.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use base64::Engine;
use serde_json::json;
use support::desktop::Desktop;
use support::keyring::Session;
use support::musterctl::Operator;
use support::needs;
use support::sshd::make_key;
use support::systemd_host::SystemdHost;
use support::wait::{seconds, until};
use support::window::{Window, apps_of};

/// The forms in which a secret could lie in a file.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let wide = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut all = vec![secret.as_bytes().to_vec(), wide];
    for lead in 0..3 {
        // Base64 depends on where in a group of three bytes it begins; the ends are cut off.
        let shifted = [&[0_u8; 3][..lead], secret.as_bytes()].concat();
        let text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(shifted);
        all.push(text.as_bytes()[4..text.len() - 3].to_vec());
    }
    all
}

pub(crate) fn holds(bytes: &[u8], secret: &str) -> bool {
    forms(secret).iter().any(|form| memchr::memmem::find(bytes, form).is_some())
}

/// Every file below `top` that holds the secret in some form.
pub(crate) fn files_with(top: &Path, secret: &str) -> Vec<String> {
    changed_files_with(top, secret, 0)
}

/// The same among those files that were changed since, in seconds after 1970.
pub(crate) fn changed_files_with(top: &Path, secret: &str, since_s: i64) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![top.to_owned()];
    let mut seen = 0;
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() && entry.metadata().is_ok_and(|meta| meta.ctime() >= since_s) {
                seen += 1;
                if holds(&fs::read(entry.path()).unwrap_or_default(), secret) {
                    found.push(entry.path().display().to_string());
                }
            }
        }
    }
    assert!(seen > 0, "{} is empty: nothing was searched", top.display());
    found
}

#[test]
fn a_secret_is_found_in_each_form_that_is_looked_for() {
    let secret = "correct horse battery";
    for text in [
        secret.to_owned(),
        base64::engine::general_purpose::STANDARD.encode(secret),
        base64::engine::general_purpose::STANDARD.encode(format!("x{secret}y")),
    ] {
        assert!(holds(format!("before {text} after").as_bytes(), secret), "{text}");
    }
    assert!(!holds(b"correct horse", secret));
}

#[test]
fn a_password_is_in_no_file_no_output_and_nowhere_on_the_host() {
    needs!(SystemdHost, Keyring);
    let host = SystemdHost::start();
    let session = Session::with_keyring();
    let operator = Operator::in_session(&session);
    let password = host.password();
    let mut said = String::new();
    let mut tell = |ran: support::musterctl::Ran| {
        said.push_str(&ran.stdout);
        said.push_str(&ran.stderr);
        ran
    };
    let add = ["host", "add", "web", "--address", &host.address(), "--user", "root", "--password-stdin"];
    tell(operator.run_with_input(&add, password)).done();
    operator.accept("web");
    for words in [
        vec!["check", "web", "--json"],
        vec!["host", "show", "web", "--json"],
        vec!["host", "list"],
        vec!["system", "web"],
        vec!["service", "web", "restart", "cron.service"],
        vec!["run", "web", "--", "env"],
        vec!["operations", "--json"],
    ] {
        tell(operator.run(&words)).done();
    }
    tell(operator.run(&["service", "web", "restart", "no-such.service"])).status_is(2);
    host.cut_link();
    tell(operator.run(&["check", "web", "--json"])).status_is(3);
    host.mend_link();

    assert!(!holds(said.as_bytes(), password), "musterctl printed the password");
    assert_eq!(files_with(operator.folder(), password), Vec::<String>::new());
    let elsewhere = files_with(session.folder(), password);
    assert!(
        elsewhere.iter().all(|path| Path::new(path).starts_with(session.keyring_files())),
        "outside of the keyring: {elsewhere:?}"
    );
    assert_eq!(files_with(&host.tree(), password), Vec::<String>::new(), "on the host");
    let memory = host.try_run(&[
        "sh",
        "-c",
        "cat /run/log/journal/*/* /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; \
         find /tmp /run /dev/shm -type f -exec cat {} + 2>/dev/null",
    ]);
    assert!(
        !holds(&memory.stdout, password),
        "in the journal, an environment or a temporary file of the host"
    );
}

const PAGE: u64 = 4_096;

/// Whether any memory that a program can write holds the secret. Looked for by grep, which is quick where this
/// program, built to be debugged, is not.
pub(crate) fn memory_holds(pid: u32, secret: &str) -> bool {
    // It ends with the first that it finds.
    grep_memory(pid, secret, "-aqF").status.success()
}

/// How often the memory that a program can write holds the secret.
pub(crate) fn copies_in_memory(pid: u32, secret: &str) -> usize {
    grep_memory(pid, secret, "-aoF")
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .count()
}

fn grep_memory(pid: u32, secret: &str, options: &str) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("forms");
    fs::write(&list, forms(secret).join(&b'\n')).unwrap();
    let mut grep = Command::new("grep");
    grep.arg(options).arg("-f").arg(&list).env("LC_ALL", "C");
    let mut grep = grep.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = grep.stdin.take().unwrap();
    let mut seen = 0;
    each_touched(pid, |bytes| {
        seen += bytes.len();
        input.write_all(bytes).is_ok()
    });
    drop(input);
    let told = grep.wait_with_output().unwrap();
    assert!(told.status.success() || seen > 0, "no memory of {pid} was read");
    told
}

/// Gives the memory that a program can write and has touched, by pieces that follow on each other, for as long as
/// more is wanted.
fn each_touched(pid: u32, mut more: impl FnMut(&[u8]) -> bool) {
    let of = |name: &str| format!("/proc/{pid}/{name}");
    let (memory, pages) = (fs::File::open(of("mem")).unwrap(), fs::File::open(of("pagemap")).unwrap());
    let maps = fs::read_to_string(of("maps")).unwrap();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (begin, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let [begin, end] = [begin, end].map(|place| u64::from_str_radix(place, 16).unwrap() / PAGE);
        for first in (begin..end).step_by(512) {
            let count = 512.min(end - first);
            let mut entries = vec![0; usize::try_from(count * 8).unwrap()];
            pages.read_exact_at(&mut entries, first * 8).unwrap();
            if entries.chunks(8).all(|entry| entry[7] & 0x80 == 0) {
                continue;
            }
            let mut bytes = vec![0; usize::try_from(count * PAGE).unwrap()];
            let read = memory.read_at(&mut bytes, first * PAGE).unwrap_or(0);
            if !more(&bytes[..read]) {
                return;
            }
        }
    }
}

#[test]
fn a_secret_in_the_memory_of_a_program_is_found() {
    let secret = format!("planted {}", std::process::id()).repeat(2);
    let mut holder = Command::new("sh");
    holder.args(["-c", &format!("x='{secret}'; read y")]).stdin(Stdio::piped());
    let mut holder = holder.spawn().unwrap();
    until("the shell to have it", seconds(10), || memory_holds(holder.id(), &secret).then_some(()));
    holder.kill().unwrap();
    holder.wait().unwrap();
}

/// Files that a program has in its memory, among those that somebody can have written while it ran.
fn mapped_files_with(pid: u32, secret: &str) -> Vec<String> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut files: Vec<&str> = maps.lines().filter_map(|line| Some(&line[line.find('/')?..])).collect();
    files.sort_unstable();
    files.dedup();
    assert!(!files.is_empty());
    let held = |file: &&str| holds(&fs::read(file).unwrap_or_default(), secret);
    files.into_iter().filter(held).map(str::to_owned).collect()
}

#[test]
fn what_the_app_was_told_is_in_none_of_its_files_and_not_in_its_memory_once_it_was_used() {
    needs!(Root, SystemdHost, Window);
    let host = SystemdHost::start();
    let sudo_password = host.add_user("ann");
    host.set_sudoers("ann ALL=(ALL) ALL");
    let key = host.tree().join("root/key");
    let passphrase = "a passphrase that is planted";
    make_key(&key, Some(passphrase));
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    fs::write(host.tree().join("root/.ssh/authorized_keys"), public).unwrap();
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    let window = Window::with_data_of(&desktop, &operator);
    window.wait_for("nav-hosts");
    let [app] = apps_of(&desktop.folder().display().to_string())[..] else { panic!("one app runs") };

    // All of it through the app, which has the data open.
    let at = ["--address", &host.address()];
    let add = |name, more: &[&str], secret: &str| {
        let words = [&["host", "add", name], &at[..], more].concat();
        operator.run_with_input(&words, secret).done();
        operator.accept(name);
    };
    add("web", &["--user", "root", "--password-stdin"], host.password());
    add("key", &["--user", "root", "--key", key.to_str().unwrap(), "--passphrase-stdin"], passphrase);
    add("ann", &["--user", "ann", "--password-stdin", "--sudo", "password"], &sudo_password);
    operator.run_with_input(&["host", "edit", "ann", "--sudo-password-stdin"], &sudo_password).done();
    for name in ["web", "key", "ann"] {
        operator.run(&["run", name, "--", "true"]).done();
    }
    operator.run(&["run", "ann", "--sudo", "--", "id"]).done();
    for format in ["ssh-config", "csv", "json"] {
        let file = operator.folder().join(format!("hosts.{format}"));
        operator.run(&["host", "export", file.to_str().unwrap(), "--format", format]).done();
    }
    for secret in [host.password(), passphrase, &sudo_password] {
        let (files, mapped) = (files_with(operator.folder(), secret), mapped_files_with(app, secret));
        assert_eq!((files, mapped), (Vec::<String>::new(), Vec::<String>::new()), "{secret}");
    }
    for name in ["web", "key", "ann"] {
        window.call("host_disconnect", &json!({"args": {"host": name}}));
    }
    for secret in [host.password(), passphrase, &sudo_password] {
        until(&format!("{secret} to be wiped"), seconds(20), || (!memory_holds(app, secret)).then_some(()));
    }
    window.close();
}
