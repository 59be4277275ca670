//! Where everything that is printed goes through, and what an end of the program looks like.
//!
//! A reader who goes away (`| head`) is no error: what was asked of the host was done.

use std::io::{self, ErrorKind, StdoutLock, Write};
use std::process::ExitCode;

use protocol::text::{printable, printable_lines};
use protocol::{Fault, FaultCode};
use serde_json::Value;

/// Why a command ended before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    Fault(Box<Fault>),
    /// A signal asked for it; the exit status says which.
    Interrupted(u8),
    /// What was to be printed could not be.
    Output(io::Error),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(Box::new(fault))
    }
}

impl From<io::Error> for Stop {
    fn from(why: io::Error) -> Self {
        Stop::Output(why)
    }
}

/// Standard output and standard error of one run.
pub(crate) struct Output {
    pub json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// One JSON document on a line of its own.
    pub(crate) fn document(&mut self, value: &impl serde::Serialize) -> Result<(), Stop> {
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, value).map_err(io::Error::from)?;
        end_line(&mut out)
    }

    /// A line for a person.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Stop> {
        let mut out = io::stdout().lock();
        out.write_all(printable(text).as_bytes())?;
        end_line(&mut out)
    }

    /// Text of several lines as a host gave it, for stdout.
    pub(crate) fn lines(&mut self, text: &str) -> Result<(), Stop> {
        write_lines(&mut io::stdout().lock(), text)
    }

    /// The same for stderr.
    pub(crate) fn error_lines(&mut self, text: &str) -> Result<(), Stop> {
        write_lines(&mut io::stderr().lock(), text)
    }

    /// A remark beside the result.
    pub(crate) fn note(&mut self, text: &str) -> Result<(), Stop> {
        if !self.json {
            writeln!(io::stderr().lock(), "note: {}", printable(text))?;
        }
        Ok(())
    }

    /// Says why it ended, if it did not end well, and gives the exit status.
    pub(crate) fn end(&mut self, done: Result<(), Stop>) -> ExitCode {
        let fault = match done {
            Ok(()) => return ExitCode::SUCCESS,
            Err(Stop::Interrupted(status)) => return ExitCode::from(status),
            Err(Stop::Output(why)) if why.kind() == ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Err(Stop::Output(why)) => {
                Fault::new(FaultCode::Internal, format!("the output cannot be written: {why}"))
            }
            Err(Stop::Fault(fault)) => *fault,
        };
        // Nobody may be there to read it; the status still says it.
        let _ = io::stderr().lock().write_all(told(&fault, self.json).as_bytes());
        ExitCode::from(fault.code.exit_status())
    }
}

/// The text of a fault: its lines, then one line; or JSON.
fn told(fault: &Fault, json: bool) -> String {
    if json {
        let value = serde_json::to_value(fault).unwrap_or(Value::Null);
        return format!("{value}\n");
    }
    let mut text = String::new();
    for line in &fault.detail.lines {
        text.push_str(&printable(line));
        text.push('\n');
    }
    let keys = fault.detail.shown_key.iter().map(|key| ("the host shows", key));
    for (who, key) in keys.chain(fault.detail.known_keys.iter().map(|key| ("accepted before", key))) {
        text.push_str(&format!("{who}: {} {}\n", printable(&key.algorithm), printable(&key.fingerprint)));
    }
    let message = fault.message.trim_end_matches('.');
    text.push_str(&format!("error: {}; {}\n", printable(message), fault.code.next_step()));
    text
}

fn end_line(out: &mut StdoutLock<'_>) -> Result<(), Stop> {
    out.write_all(b"\n")?;
    // Whoever reads a stream of lines gets each when it is there.
    Ok(out.flush()?)
}

fn write_lines(out: &mut impl Write, text: &str) -> Result<(), Stop> {
    if text.is_empty() {
        return Ok(());
    }
    out.write_all(printable_lines(text).as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_its_lines_and_then_one_line_with_a_next_step() {
        let fault = Fault::new(FaultCode::UnitFailed, "web: x.service\u{1b}[2J failed.")
            .with_lines(vec!["x[1]: no\u{7} database".into()]);
        assert_eq!(
            told(&fault, false),
            "x[1]: no\\x07 database\nerror: web: x.service\\x1b[2J failed; read the journal lines above and correct the unit\n"
        );
    }

    #[test]
    fn a_fault_as_json_is_one_line_that_comes_back() {
        let fault = Fault::new(FaultCode::PortClosed, "a\nb").on_host("web");
        let text = told(&fault, true);
        assert_eq!(text.matches('\n').count(), 1);
        assert_eq!(serde_json::from_str::<Fault>(&text).unwrap(), fault);
    }

    #[test]
    fn both_keys_are_shown_when_one_changed() {
        let key = |fingerprint: &str| protocol::trust::HostKey {
            algorithm: "ssh-ed25519".into(),
            fingerprint: fingerprint.into(),
            openssh: String::new(),
        };
        let mut fault = Fault::new(FaultCode::HostKeyChanged, "web shows another key");
        fault.detail.shown_key = Some(key("SHA256:new"));
        fault.detail.known_keys = vec![key("SHA256:old")];
        let text = told(&fault, false);
        assert!(
            text.contains(
                "the host shows: ssh-ed25519 SHA256:new\naccepted before: ssh-ed25519 SHA256:old\n"
            )
        );
    }
}
