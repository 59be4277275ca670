//! Root by a program that stands for sudo(8), on a real sshd: what it is given, and what it is not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use protocol::wire::{Answer, Ask};
use protocol::{Fault, FaultCode};
use secrecy::SecretString;

use super::placing::{Home, programs, script};
use crate::helper::Link;
use crate::helper::sudo::{Asked, start_by};

const ASKED: Asked<'_> = Asked { host: "web", user: "ann", arch: "x86_64" };
const RIGHT: &str = "s3cret of ann";

/// Keeps all that is known of a call in the file `log`, drops the options, and does `how`. The words
/// after `--` are what is to be run as root; `$prompt` is what it was told to ask with.
fn sudo(home: &Home, how: &str) -> PathBuf {
    let path = home.home.join("sudo");
    let text = format!(
        "#!/bin/sh\n(echo \"called $*\"; env; tr '\\0' '\\n' </proc/$$/cmdline) >>{}\n\
         ask=no; prompt=$SUDO_PROMPT; while [ \"$1\" != -- ]; do [ \"$1\" = -S ] && ask=yes; shift; done; shift\n\
         no() {{ echo 'sudo: a password is required' >&2; exit 1; }}\n{how}\n",
        log(home).display()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn log(home: &Home) -> PathBuf {
    home.home.join("log")
}

/// A sudo that wants a password, and asks three times as the real one does.
const WANTS_PASSWORD: &str = "[ $ask = yes ] || no\n\
     echo 'We trust you have received the usual lecture' >&2\n\
     for i in 1 2 3; do printf %s \"$prompt\" >&2; IFS= read -r given || exit 1; echo \"given $i\" >>\"${0%/*}/log\"\n\
     [ \"$given\" = 's3cret of ann' ] && exec \"$@\"; echo 'Sorry, try again.' >&2; done; exit 1";

async fn root(home: &Home, sudo: &Path, password: Option<&str>) -> Result<Link, Fault> {
    let password = password.map(|password| SecretString::from(password.to_owned()));
    let sudo = sudo.to_str().unwrap();
    start_by(sudo, &programs(script("")), &home.connection, ASKED, password.as_ref()).await
}

async fn answers(link: &Link) {
    let asked = link.ask(Ask::System {}, std::time::Duration::from_secs(20)).await.unwrap();
    let Answer::System(system) = asked else { panic!("{asked:?}") };
    assert_eq!(system.host_name, "fake");
}

fn calls(home: &Home) -> Vec<String> {
    let log = fs::read_to_string(log(home)).unwrap_or_default();
    log.lines().filter(|line| line.starts_with("called ")).map(str::to_owned).collect()
}

#[tokio::test]
async fn where_no_password_is_asked_for_none_is_sent_even_if_one_is_saved() {
    let home = Home::new().await;
    // What the child gets on its stdin before its bytes would be in the log.
    let sudo = sudo(&home, "tee -a \"${0%/*}/stdin\" | \"$@\"");
    answers(&root(&home, &sudo, Some(RIGHT)).await.unwrap()).await;
    assert_eq!(calls(&home).len(), 1, "one call, without a password");
    assert!(calls(&home)[0].contains(" -n "));
    let stdin = fs::read(home.home.join("stdin")).unwrap();
    assert!(memchr::memmem::find(&stdin, RIGHT.as_bytes()).is_none());
}

#[tokio::test]
async fn a_password_is_sent_once_to_sudos_own_prompt_and_is_in_no_argument_and_no_environment() {
    let home = Home::new().await;
    let sudo = sudo(&home, WANTS_PASSWORD);
    answers(&root(&home, &sudo, Some(RIGHT)).await.unwrap()).await;
    let log = fs::read_to_string(log(&home)).unwrap();
    assert_eq!((calls(&home).len(), log.matches("given").count()), (2, 1), "{log}");
    assert!(!log.contains(RIGHT) && !log.contains("\nHOME="), "{log}");
    let fault = root(&home, &sudo, None).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::SudoPasswordMissing, "{fault}");
}

#[tokio::test]
async fn a_wrong_password_is_not_sent_a_second_time_though_sudo_asks_again() {
    let home = Home::new().await;
    let sudo = sudo(&home, WANTS_PASSWORD);
    let fault = root(&home, &sudo, Some("wrong and planted")).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::SudoPasswordWrong, "{fault}");
    assert!(!format!("{fault:?}").contains("planted"));
    let log = fs::read_to_string(log(&home)).unwrap();
    assert_eq!(log.matches("given").count(), 1, "{log}");
    let fault = root(&home, &sudo, Some("two\nlines")).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::SudoPasswordWrong, "{fault}");
}

#[tokio::test]
async fn words_that_look_like_a_prompt_are_given_nothing() {
    let noisy = "echo 'Password:'; echo 'Password: ' >&2; exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"";
    let home = Home::with_shell("", noisy).await;
    let sudo = sudo(
        &home,
        "[ $ask = yes ] || no\nprintf 'Password: ' >&2; cat >\"${0%/*}/taken\" & sleep 1; exit 1",
    );
    let fault = root(&home, &sudo, Some(RIGHT)).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::SudoRefused, "{fault}");
    assert_eq!(fs::read(home.home.join("taken")).unwrap(), b"");
}

#[tokio::test]
async fn a_code_that_a_module_asks_for_is_not_the_password() {
    // sudo keeps the words of a module that asks for something else; sudo-rs puts its own before them.
    for asks in
        ["printf 'Verification code: ' >&2", "printf '[sudo: %s] Verification code: ' \"$prompt\" >&2"]
    {
        let home = Home::new().await;
        let sudo =
            sudo(&home, &format!("[ $ask = yes ] || no\n{asks}; cat >\"${{0%/*}}/taken\" & sleep 1; exit 1"));
        root(&home, &sudo, Some(RIGHT)).await.unwrap_err();
        assert_eq!(fs::read(home.home.join("taken")).unwrap(), b"", "{asks}");
    }
    let home = Home::new().await;
    let rust = "[ $ask = yes ] || no\nprintf '[sudo: %s] Password: ' \"$prompt\" >&2; IFS= read -r given\n\
                [ \"$given\" = 's3cret of ann' ] && exec \"$@\"; exit 1";
    let sudo = sudo(&home, rust);
    answers(&root(&home, &sudo, Some(RIGHT)).await.unwrap()).await;
}

#[tokio::test]
async fn a_line_that_was_meant_for_sudo_is_dropped_by_what_it_starts() {
    let home = Home::new().await;
    // It asks, and then does not read: the line goes to the child.
    let sudo = sudo(&home, "[ $ask = yes ] || no\nprintf %s \"$prompt\" >&2; exec \"$@\"");
    let link = root(&home, &sudo, Some(RIGHT)).await.unwrap();
    answers(&link).await;
    let pid = link.hello().pid;
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
    assert!(memchr::memmem::find(&environment, RIGHT.as_bytes()).is_none());
}

#[tokio::test]
async fn what_runs_as_root_lies_nowhere_and_finds_nothing_of_the_users() {
    let home = Home::with_shell(
        "",
        "PATH=$HOME:$PATH; LD_AUDIT=/x; BASH_ENV=$HOME/rc; ENV=$HOME/rc\n\
         export PATH LD_AUDIT BASH_ENV ENV; unset LD_AUDIT; exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"",
    )
    .await;
    let canary = home.home.join("canary");
    for tool in ["mkdir", "head", "wc", "sha256sum", "rm", "ls", "id", "env", "rc"] {
        fs::write(home.home.join(tool), format!("#!/bin/sh\necho {tool} >>{}\n", canary.display())).unwrap();
        fs::set_permissions(home.home.join(tool), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let sudo = sudo(&home, "exec \"$@\"");
    let link = root(&home, &sudo, None).await.unwrap();
    let pid = link.hello().pid;
    let environment = fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    assert!(environment.contains("PATH=/usr/sbin:/usr/bin:/sbin:/bin\0"), "{environment}");
    assert!(!environment.contains(home.home.to_str().unwrap()), "{environment}");
    let left = fs::read_dir("/run").unwrap().flatten().filter(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("muster-") && {
            let files = fs::read_dir(entry.path()).map_or(0, |files| files.count());
            files > 0 || entry.metadata().is_ok_and(|meta| meta.is_dir())
        }
    });
    assert_eq!(left.count(), 0, "its folder is gone before it speaks");
    assert!(!canary.exists(), "{}", fs::read_to_string(canary).unwrap_or_default());
    drop(link);
    let gone = async {
        while Path::new(&format!("/proc/{pid}")).exists() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), gone).await.expect("it goes with its link");
}

#[tokio::test]
async fn a_host_without_sudo_is_told() {
    let home = Home::new().await;
    let fault = root(&home, Path::new("/usr/bin/no-such-sudo"), Some(RIGHT)).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::SudoRefused);
    assert!(fault.message.contains("web: it has no /usr/bin/no-such-sudo"), "{fault}");
}
