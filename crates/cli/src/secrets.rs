//! Secrets from standard input or from a prompt without echo, never from an argument or a variable.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use engine::secrets::{Ask, Wanted};
use engine::{Asks, Desk};
use protocol::credentials::Secret;
use protocol::ipc::QuestionAnswer;
use protocol::link::{Question, QuestionKind};
use protocol::text::printable;
use protocol::{Fault, FaultCode};
use zeroize::Zeroizing;

/// No password is longer; what comes beyond is not one.
const LONGEST_BYTES: u64 = 4_096;

/// Reads a secret from standard input, up to its end, without the line feed that ends it.
pub(crate) fn from_stdin(what: &str) -> Result<String, Fault> {
    let mut text = String::new();
    std::io::stdin().take(LONGEST_BYTES + 1).read_to_string(&mut text).map_err(|why| {
        Fault::bad_input(what, format!("the {what} cannot be read from standard input: {why}"))
    })?;
    check(what, text)
}

/// Asks for a secret on the terminal.
pub(crate) fn from_prompt(what: &str, host: &str) -> Result<String, Fault> {
    if !std::io::stdin().is_terminal() {
        return Err(Fault::bad_input(
            what,
            format!("there is no terminal to ask for the {what}: use --{what}-stdin"),
        ));
    }
    let text = rpassword::prompt_password(format!("{what} for {host}: "))
        .map_err(|why| Fault::new(FaultCode::BadInput, format!("the {what} cannot be read: {why}")))?;
    check(what, text)
}

/// Gives the passphrase of the encrypted file of secrets when it is needed: from the file, else from a
/// person at a terminal; `None` where there is neither.
pub(crate) fn vault_passphrase(file: Option<PathBuf>) -> Option<Box<Ask>> {
    if file.is_none() && !has_terminal() {
        return None;
    }
    Some(Box::new(move |wanted| match (wanted, &file) {
        (Wanted::Open { again: true }, Some(file)) => Err(Fault::new(
            FaultCode::VaultPassphraseWrong,
            format!("the passphrase in {} does not open the file of secrets", file.display()),
        )),
        (Wanted::Open { again }, file) => {
            if again {
                say("that was not it");
            }
            Ok(passphrase("passphrase of the file of secrets", file.as_deref())?.into())
        }
        (Wanted::Create, file) => {
            say("there is no keyring here: secrets go into an encrypted file");
            Ok(new_passphrase(file.as_deref())?.into())
        }
    }))
}

/// A passphrase from the first line of a file, or from a prompt.
pub(crate) fn passphrase(what: &str, file: Option<&Path>) -> Result<String, Fault> {
    let Some(file) = file else {
        return prompt(what);
    };
    let bad = |why: std::io::Error| {
        Fault::bad_input("vault-passphrase-file", format!("{} cannot be read: {why}", file.display()))
    };
    let mut line = Zeroizing::new(String::new());
    let reading = File::open(file).map_err(bad)?.take(LONGEST_BYTES + 2);
    BufReader::new(reading).read_line(&mut line).map_err(bad)?;
    check(what, std::mem::take(&mut *line))
}

/// A passphrase for a new file: typed twice, or from a file.
pub(crate) fn new_passphrase(file: Option<&Path>) -> Result<String, Fault> {
    let first = passphrase("new passphrase for the file of secrets", file)?;
    if file.is_none() && prompt("the same once more")? != first {
        return Err(Fault::bad_input("passphrase", "the two passphrases are not the same"));
    }
    Ok(first)
}

/// True if a person can be asked, even while input or output go elsewhere.
fn has_terminal() -> bool {
    std::io::stderr().is_terminal() && File::open("/dev/tty").is_ok()
}

fn say(words: &str) {
    use std::io::Write;
    // A terminal that went away is found out by the prompt.
    let _ = writeln!(std::io::stderr(), "{words}");
}

fn prompt(what: &str) -> Result<String, Fault> {
    if !has_terminal() {
        return Err(Fault::bad_input(
            "passphrase",
            format!("there is no terminal to ask for the {what}: give --vault-passphrase-file FILE"),
        ));
    }
    let text = rpassword::prompt_password(format!("{what}: "))
        .map_err(|why| Fault::new(FaultCode::BadInput, format!("the {what} cannot be read: {why}")))?;
    check(what, text)
}

/// The questions of sign-ins, for this terminal. Where there is no terminal nobody is asked, and what is
/// missing is said instead.
pub(crate) async fn open_asks(desk: &Desk) -> Option<Asks> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    Asks::open(desk).await.ok()
}

/// Asks in the terminal what sign-ins ask, as long as it is polled.
pub(crate) async fn answer_questions(asks: Option<Asks>) {
    if let Some(mut asks) = asks {
        while let Some(question) = asks.next().await {
            let id = question.id;
            let asked = tokio::task::spawn_blocking(move || ask_here(&question));
            let answers = asked.await.ok().and_then(Result::ok);
            let answers = answers.map(|answers| answers.into_iter().map(Secret::from).collect());
            if let Err(fault) = asks.answer(QuestionAnswer { id, answers, save: false }).await {
                tell(&format!("{fault}\n"));
            }
        }
    }
    std::future::pending::<()>().await;
}

fn tell(text: &str) {
    // Nowhere is left to say that stderr is closed.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn ask_here(question: &Question) -> std::io::Result<Vec<String>> {
    let (host, user) = (printable(&question.host), printable(&question.user));
    match question.kind {
        QuestionKind::Prompts => tell(&format!("{host} asks {user}:\n")),
        QuestionKind::Password | QuestionKind::Passphrase => {}
    }
    for line in question.instructions.lines() {
        tell(&format!("  {}\n", printable(line)));
    }
    let mut answers = Vec::with_capacity(question.prompts.len());
    for prompt in &question.prompts {
        let text = printable(prompt.text.trim_end());
        let text = match question.kind {
            QuestionKind::Password => format!("password for {host} ({text}): "),
            QuestionKind::Passphrase => format!("passphrase of {text}: "),
            QuestionKind::Prompts => format!("  {text} "),
        };
        answers.push(if prompt.echo { read_line(&text)? } else { rpassword::prompt_password(text)? });
    }
    Ok(answers)
}

fn read_line(prompt: &str) -> std::io::Result<String> {
    tell(prompt);
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn check(what: &str, mut text: String) -> Result<String, Fault> {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(Fault::bad_input(what, format!("the {what} is empty")));
    }
    if text.len() as u64 > LONGEST_BYTES {
        return Err(Fault::bad_input(what, format!("the {what} is longer than {LONGEST_BYTES} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_line_feed_is_taken_away() {
        assert_eq!(check("password", " a b \n".into()).unwrap(), " a b ");
        assert_eq!(check("password", "x\r\n".into()).unwrap(), "x");
        assert!(check("password", "\n".into()).is_err());
    }
}
