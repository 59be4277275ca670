//! Secrets from standard input or from a prompt without echo, never from an argument or a variable.

use std::io::{IsTerminal, Read};

use protocol::{Fault, FaultCode};

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
