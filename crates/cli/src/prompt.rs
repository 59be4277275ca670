//! Asking a person, and reading a secret. A secret is never echoed and never an argument.

use std::io::{self, BufRead, IsTerminal, Read, Write};

use protocol::Fault;
use protocol::text::printable;

/// Longer input is no password.
const SECRET_BYTES: u64 = 64 << 10;

/// The whole of stdin less one line feed at its end.
pub(crate) fn secret_from_stdin(what: &str) -> Result<String, Fault> {
    let mut text = String::new();
    let read = io::stdin().lock().take(SECRET_BYTES + 1).read_to_string(&mut text);
    // The error of a bad encoding says nothing of the text, and the text goes nowhere.
    read.map_err(|why| {
        Fault::bad_input(what, format!("the {what} cannot be read from stdin: {}", why.kind()))
    })?;
    checked(what, without_line_end(text))
}

/// Asks on the terminal without echo.
pub(crate) fn secret_from_terminal(what: &str, host: &str) -> Result<String, Fault> {
    if !io::stdin().is_terminal() {
        return Err(Fault::bad_input(
            what,
            format!(
                "no terminal is there to ask for the {what} of {}: give it with --{what}-stdin",
                printable(host)
            ),
        ));
    }
    let text = rpassword::prompt_password(format!("{what} of {}: ", printable(host))).map_err(|why| {
        Fault::bad_input(what, format!("the {what} cannot be read from the terminal: {}", why.kind()))
    })?;
    checked(what, text)
}

/// The host's name as a person types it, if a person is there to ask.
pub(crate) fn typed_name(host: &str) -> Option<String> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let host = printable(host);
    write!(io::stderr().lock(), "{host} is a prod host. Type its name to go on: ").ok()?;
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed).ok()?;
    Some(typed.trim().to_owned())
}

fn checked(what: &str, text: String) -> Result<String, Fault> {
    if text.is_empty() {
        return Err(Fault::bad_input(what, format!("the {what} is empty")));
    }
    if text.len() as u64 > SECRET_BYTES {
        return Err(Fault::bad_input(what, format!("the {what} is longer than {SECRET_BYTES} bytes")));
    }
    Ok(text)
}

fn without_line_end(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_not_part_of_a_secret_and_spaces_are() {
        for (given, secret) in [("a\n", "a"), ("a\r\n", "a"), (" a \n\n", " a \n"), ("a", "a"), ("\n", "")] {
            assert_eq!(without_line_end(given.into()), secret);
        }
        assert!(checked("password", String::new()).is_err());
        let long = "planted".repeat(20_000);
        assert!(!checked("password", long).unwrap_err().message.contains("planted"));
    }
}
