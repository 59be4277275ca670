//! A planted password is looked for everywhere that it must not be.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use base64::Engine;
use support::keyring::Session;
use support::musterctl::Operator;
use support::needs;
use support::systemd_host::SystemdHost;

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
