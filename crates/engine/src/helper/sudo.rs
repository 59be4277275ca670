//! sudo: a second helper that runs as root, for what the user who signed in may not see or do.
//!
//! sudo(8) gets a channel of its own and is first asked to do without a password. Only where it
//! refused that, and a password is at hand, it is asked again with one, which is sent once, when
//! sudo prompts with a word that was chosen at random for it. What sudo starts takes its bytes from
//! the same stream and drops what comes before them, so that it holds no secret; root runs nothing
//! that lies where the user can write. Dropping the link ends the helper.

use std::time::Duration;

use protocol::{Fault, FaultCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::link::Link;
use super::{Program, Programs, scripts, start};
use crate::ssh::{Connection, ExecStream};

const SUDO: &str = "/usr/bin/sudo";
/// For sudo to come to its end: PAM may ask a server and waits on purpose after a wrong password.
const SUDO_LIMIT: Duration = Duration::from_secs(30);
/// For the bytes to arrive and run, over a slow line too.
const START_LIMIT: Duration = Duration::from_secs(180);
/// What may be printed before sudo's child speaks.
const NOISE_LIMIT_BYTES: usize = 64 << 10;
/// For the last words to come after the end.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where root is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Name of the saved host.
    pub host: &'a str,
    pub user: &'a str,
    /// As uname(1) names it.
    pub arch: &'a str,
}

/// Starts the helper as root. Without a password it is tried only where the host asks for none.
///
/// # Errors
/// `SudoRefused`, `SudoPasswordMissing`, `SudoPasswordWrong`, `HelperNoexec`, `HelperFailed` with its
/// last words, or the connection's.
pub async fn start_as_root(
    connection: &Connection,
    asked: Asked<'_>,
    password: Option<&SecretString>,
) -> Result<Link, Fault> {
    start_by(SUDO, Programs::built_in(), connection, asked, password).await
}

pub(super) async fn start_by(
    sudo: &str,
    programs: &Programs,
    connection: &Connection,
    asked: Asked<'_>,
    password: Option<&SecretString>,
) -> Result<Link, Fault> {
    let program = programs.for_arch(asked.arch).map_err(|fault| fault.on_host(asked.host))?;
    let attempt = Attempt { sudo, program, connection, asked };
    let refused = match attempt.go(None).await {
        Err(fault) if fault.code == FaultCode::SudoPasswordMissing => fault,
        done => return done,
    };
    match password {
        Some(password) => {
            check(password, asked)?;
            attempt.go(Some(password)).await
        }
        None => Err(refused),
    }
}

/// sudo reads a line: what has more than one, or none that ends, is not what a person saved.
fn check(password: &SecretString, asked: Asked<'_>) -> Result<(), Fault> {
    if !password.expose_secret().contains(['\n', '\r', '\0']) {
        return Ok(());
    }
    let message = format!("the saved sudo password for {} is not one line", asked.host);
    Err(Fault::new(FaultCode::SudoPasswordWrong, message).on_host(asked.host))
}

struct Attempt<'a> {
    sudo: &'a str,
    program: &'a Program,
    connection: &'a Connection,
    asked: Asked<'a>,
}

impl Attempt<'_> {
    async fn go(&self, password: Option<&SecretString>) -> Result<Link, Fault> {
        let [mark, prompt, begin] = [(); 3].map(|()| scripts::mark());
        let size = self.program.bytes.len().to_string();
        let words = [mark.as_str(), &size, &self.program.sha256, &begin, &mark];
        // `-k` leaves nothing behind that another program of the user could go in by.
        let (options, asks) = match password {
            None => ("-k -n", None),
            Some(_) => ("-k -S", Some(prompt.as_str())),
        };
        let command = scripts::as_root(self.sudo, options, asks, &words);
        let mut stream = self.connection.open(&command).await?;
        let mut unsent = password;
        let ready = timeout(SUDO_LIMIT, wait_until_ready(&mut stream, &mark, &prompt, &mut unsent)).await;
        let no = match ready {
            Ok(Ready::Yes) => None,
            Ok(Ready::No) => {
                let end = timeout(LAST_WORDS, stream.running.ended()).await.unwrap_or_default();
                Some(No::Ended(end.exit))
            }
            Ok(Ready::AskedAgain) => Some(No::AskedAgain),
            Err(_) => Some(No::Silent),
        };
        if let Some(no) = no {
            let is_sent = password.is_some() && unsent.is_none();
            return Err(self.refused(no, is_sent, &stream, &prompt));
        }
        let sent = async {
            stream.stdin.write_all(format!("{begin}\n").as_bytes()).await?;
            stream.stdin.write_all(self.program.bytes).await?;
            stream.stdin.flush().await
        };
        // Where it is not taken, what was said instead, or the end of the link, tells why.
        let _ = timeout(START_LIMIT, sent).await;
        let mut before = String::new();
        let wire = start::wire(self.connection, self.asked.host, stream, START_LIMIT);
        let link = Link::begin(wire, &mut before).await;
        let link = link.map_err(|fault| {
            self.not_started(&before, &mark).unwrap_or_else(|| start::lost_with(self.connection, fault))
        })?;
        if link.hello().host.uid == 0 {
            return Ok(link);
        }
        let message = format!("sudo on {} started the helper as another user than root", self.asked.host);
        Err(self.fault(FaultCode::SudoRefused, message, link.hello().host.user.clone()))
    }

    /// What was said in the place of bytes that run.
    fn not_started(&self, before: &str, mark: &str) -> Option<Fault> {
        let host = self.asked.host;
        scripts::parse_said(before, mark).into_iter().find_map(|(word, rest)| {
            let rest = protocol::text::printable(rest).into_owned();
            let (code, why) = match word {
                "noplace" => (
                    FaultCode::HelperNoexec,
                    "no folder that only root can write to lets programs run".to_owned(),
                ),
                "noproc" => (FaultCode::HelperBlocked, "/proc is not there".to_owned()),
                "nosize" | "nosum" => (FaultCode::HelperFailed, format!("it did not arrive whole ({rest})")),
                _ => return None,
            };
            let message = format!("the helper cannot run as root on {host}: {why}");
            Some(self.fault(code, message, why).about("/run"))
        })
    }

    fn refused(&self, no: No, is_sent: bool, stream: &ExecStream, prompt: &str) -> Fault {
        let said: Vec<String> = stream
            .stderr
            .lines()
            .into_iter()
            .map(|line| line.replace(prompt, "").trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect();
        match self.connection.watch_end().cause() {
            // The word that it was wrong may have been lost: it is not for us to try it again.
            Some(cause) if is_sent && no != No::AskedAgain => {
                let message = format!(
                    "the connection to {} ended before sudo said whether it takes the saved sudo password",
                    self.asked.host
                );
                self.fault(FaultCode::SudoRefused, message, cause).about("sudo")
            }
            Some(cause) => {
                let message = format!("the connection to {} ended: {cause}", self.asked.host);
                self.fault(FaultCode::LinkLost, message, cause)
            }
            None => judge(&self.asked, self.sudo, no, &said).with_lines(said),
        }
    }

    fn fault(&self, code: FaultCode, message: String, cause: impl Into<String>) -> Fault {
        Fault::new(code, message).on_host(self.asked.host).because(cause)
    }
}

/// How far sudo came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    /// It gave root: its child waits for the bytes.
    Yes,
    /// It ended, or something else spoke in its place.
    No,
    /// It asked once more after it was given the password.
    AskedAgain,
}

/// How it gave no root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum No {
    /// With its exit status, where there is one.
    Ended(Option<u32>),
    AskedAgain,
    /// Nothing came of it in time.
    Silent,
}

/// Of env(1), for a program that is not there.
const NOT_THERE: u32 = 127;

/// Waits for sudo's child to speak. The password is sent at the first prompt, and never again.
async fn wait_until_ready(
    stream: &mut ExecStream,
    mark: &str,
    prompt: &str,
    unsent: &mut Option<&SecretString>,
) -> Ready {
    let ready = format!("{mark} ready");
    let (mut said, mut byte) = (Vec::new(), [0_u8; 1]);
    loop {
        tokio::select! {
            read = stream.stdout.read(&mut byte) => match read {
                Ok(1..) if said.len() < NOISE_LIMIT_BYTES => said.extend_from_slice(&byte),
                _ => return Ready::No,
            },
            () = stream.stderr.more() => {}
        }
        if said.ends_with(b"\n") && said.trim_ascii_end().ends_with(ready.as_bytes()) {
            return Ready::Yes;
        }
        match (*unsent, stream.stderr.count(prompt)) {
            (Some(password), 1) if stream.stderr.with_text(|text| is_password_prompt(text, prompt)) => {
                *unsent = None;
                let mut line = Zeroizing::new(Vec::with_capacity(password.expose_secret().len() + 1));
                line.extend_from_slice(password.expose_secret().as_bytes());
                line.push(b'\n');
                if stream.stdin.write_all(&line).await.is_err() || stream.stdin.flush().await.is_err() {
                    return Ready::No;
                }
            }
            (_, 2..) => return Ready::AskedAgain,
            _ => {}
        }
    }
}

/// True if sudo asks for the password itself, and not for a code that a module of PAM wants. sudo
/// prints the word alone; sudo-rs puts it before the words of PAM, as in `[sudo: WORD] Password:`.
fn is_password_prompt(said: &[u8], prompt: &str) -> bool {
    let Some(at) = memchr::memmem::rfind(said, prompt.as_bytes()) else { return false };
    let (before, after) = (&said[..at], &said[at + prompt.len()..]);
    let is_of_sudo_rs = before.ends_with(b"[sudo: ");
    match after.trim_ascii() {
        b"" => !is_of_sudo_rs,
        b"] Password:" => is_of_sudo_rs,
        _ => false,
    }
}

/// The fault for how sudo said no. Its words are English: it was started so.
fn judge(asked: &Asked<'_>, sudo: &str, no: No, said: &[String]) -> Fault {
    use FaultCode::{SudoPasswordMissing, SudoPasswordWrong, SudoRefused};
    let (host, user) = (protocol::text::printable(asked.host), protocol::text::printable(asked.user));
    let line = |words: &[&str]| said.iter().find(|line| words.iter().any(|word| line.contains(word)));
    let last = said.last().map_or("it said nothing", String::as_str);
    let wrong = line(&["incorrect password", "Sorry, try again", "Authentication failed, try again"]);
    let (code, message, cause) = if no == No::AskedAgain || wrong.is_some() {
        let message = format!("sudo on {host} did not take the saved sudo password of {user}");
        (SudoPasswordWrong, message, wrong)
    } else if no == No::Ended(Some(NOT_THERE)) {
        (SudoRefused, format!("root cannot be had on {host}: it has no {sudo}"), None)
    } else if let Some(said) = line(&["must have a tty", "must be run from a terminal"]) {
        let message = format!(
            "sudo on {host} gives root to {user} at a terminal only (requiretty), and Muster works without one"
        );
        (SudoRefused, message, Some(said))
    } else if let Some(said) = line(&["is not in the sudoers file", "I'm sorry", "may not run sudo"]) {
        (SudoRefused, format!("{user} may not use sudo on {host}: sudoers does not allow it"), Some(said))
    } else if let Some(said) = line(&["is not allowed to execute", "is not allowed to run"]) {
        let message = format!("sudo on {host} does not let {user} run a shell as root: {said}");
        (SudoRefused, message, Some(said))
    } else if let Some(said) = line(&[
        "a password is required",
        "a terminal is required",
        "interactive authentication is required",
        "no askpass program",
    ]) {
        let message = format!("sudo on {host} asks {user} for a password, and no sudo password is saved");
        (SudoPasswordMissing, message, Some(said))
    } else if no == No::Silent {
        let limit = SUDO_LIMIT.as_secs();
        (SudoRefused, format!("sudo on {host} gave no root to {user} within {limit} s: {last}"), None)
    } else {
        (SudoRefused, format!("sudo on {host} gave no root to {user}: {last}"), None)
    };
    let cause = cause.map_or(last, String::as_str);
    Fault::new(code, message).on_host(asked.host).about("sudo").because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked<'_> = Asked { host: "web", user: "ann", arch: "x86_64" };

    fn judged(no: No, said: &str) -> Fault {
        let said: Vec<String> = said.lines().map(str::to_owned).collect();
        judge(&ASKED, SUDO, no, &said)
    }

    #[test]
    fn every_way_in_which_sudo_says_no_has_its_sentence() {
        use FaultCode::{SudoPasswordMissing, SudoPasswordWrong, SudoRefused};
        for (said, code, part) in [
            ("sudo: a password is required", SudoPasswordMissing, "asks ann for a password"),
            ("sudo-rs: interactive authentication is required", SudoPasswordMissing, "asks ann"),
            ("ann is not in the sudoers file.", SudoRefused, "ann may not use sudo on web"),
            ("Sorry, user ann may not run sudo on web.", SudoRefused, "ann may not use sudo"),
            ("sudo: sorry, you must have a tty to run sudo", SudoRefused, "requiretty"),
            (
                "Sorry, user ann is not allowed to execute '/bin/sh -c x' as root on web.",
                SudoRefused,
                "does not let ann run a shell as root",
            ),
            ("Sorry, try again.\nsudo: 1 incorrect password attempt", SudoPasswordWrong, "did not take"),
            ("sudo: unable to stat /etc/sudoers: EIO", SudoRefused, "gave no root to ann: sudo: unable"),
            ("", SudoRefused, "it said nothing"),
        ] {
            let fault = judged(No::Ended(Some(1)), said);
            assert_eq!(fault.code, code, "{said}: {fault}");
            assert!(fault.message.contains(part) && fault.message.contains("web"), "{said}: {fault}");
        }
        let missing = judged(No::Ended(Some(127)), "/usr/bin/env: '/usr/bin/sudo': Datei nicht gefunden");
        assert!(missing.message.ends_with("web: it has no /usr/bin/sudo"), "{missing}");
        assert_eq!(judged(No::AskedAgain, "").code, SudoPasswordWrong, "also in words of its own");
        assert!(judged(No::Silent, "Verification code:").message.contains("Verification code:"));
    }
}
