//! The helper as a program: one document for a person at a shell, or the wire.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use protocol::hosts::Sudo;
use protocol::wire::{Answer, Ask};
use protocol::{Fault, FaultCode};
use serde::Serialize;

use crate::error::Error;
use crate::machine::Machine;
use crate::root::Root;
use crate::stop::Stop;
use crate::{log, priority, pulled, serve};

const USAGE: &str = "muster-helper [serve [REQUEST] | NOUN | NOUN --tree DIR [--before DIR] | --version], \
    where NOUN is system, metrics, sockets, services or processes";

/// Does what the arguments say. Exit status: 0 done, 1 this host cannot tell, 2 wrong arguments.
pub fn start(args: impl Iterator<Item = OsString>) -> ExitCode {
    // It is started through a descriptor, whose number would be its name in ps(1) and top(1). On a
    // kernel that refuses the name it runs all the same.
    let _ = rustix::thread::set_name(c"muster-helper");
    log::log_panics();
    let words: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ask = match words.as_slice() {
        [] | ["serve"] => return serve_after(""),
        ["serve", request] => return serve_after(request),
        [noun, "--tree", rest @ ..] => return answer_pulled(noun, rest),
        ["system"] => Ask::System {},
        ["metrics"] => Ask::Metrics { interval_ms: None },
        ["sockets"] => Ask::Sockets { interval_ms: None, unix: false },
        ["services"] => Ask::Services { interval_ms: None },
        ["processes"] => Ask::Processes { interval_ms: None, detail: Vec::new() },
        ["--version" | "-V"] => {
            return finish(print(format!("muster-helper {}\n", protocol::VERSION).into_bytes()));
        }
        _ => {
            log::error(&format!("usage: {USAGE}"));
            return ExitCode::from(2);
        }
    };
    finish(
        Machine::new(Root::live())
            .answer(&ask, &Stop::default())
            .and_then(|answer| print(document(&answer)?)),
    )
}

/// Speaks the wire. What the request asks, a line of the wire or empty, is answered before stdin is read.
fn serve_after(request: &str) -> ExitCode {
    priority::give_way();
    let first = if request.is_empty() { String::new() } else { format!("{request}\n") };
    let input = std::io::Cursor::new(first).chain(std::io::stdin());
    finish(serve::serve(input, std::io::stdout(), Root::live()))
}

/// An answer, in its frame, from files that were read from another machine.
fn answer_pulled(noun: &str, words: &[&str]) -> ExitCode {
    let query = |json: &str| serde_json::from_str(json).ok();
    let asked = match (noun, words) {
        ("system", [now]) => Some((Ask::System {}, None, now)),
        // Where the file is not among those that were read, there are none to add.
        ("sockets", [now]) => Some((Ask::Sockets { interval_ms: None, unix: true }, None, now)),
        ("services", [now]) => Some((Ask::Services { interval_ms: None }, None, now)),
        ("journal", [now, "--query", json]) => {
            query(json).map(|query| (Ask::Journal { query, sudo: Sudo::default() }, None, now))
        }
        ("metrics", [now, before @ ..]) => Some((Ask::Metrics { interval_ms: None }, given(before), now)),
        ("processes", [now, before @ ..]) => {
            Some((Ask::Processes { interval_ms: None, detail: Vec::new() }, given(before), now))
        }
        _ => None,
    };
    let Some((ask, before, now)) = asked else {
        log::error(&format!("usage: {USAGE}"));
        return ExitCode::from(2);
    };
    finish(pulled::answer(&ask, before, Path::new(now)).and_then(|answer| print(to_line(&answer)?)))
}

/// The tree of a while ago, if it is given.
fn given<'a>(words: &'a [&'a str]) -> Option<&'a Path> {
    match words {
        ["--before", before] => Some(Path::new(before)),
        _ => None,
    }
}

/// The noun itself, without the frame that it has on the wire.
fn document(answer: &Answer) -> Result<Vec<u8>, Error> {
    match answer {
        Answer::System(system) => to_line(system),
        Answer::Metrics(metrics) => to_line(metrics),
        Answer::Sockets(table) => to_line(table),
        Answer::Services(table) => to_line(table),
        Answer::Journal(page) => to_line(page),
        Answer::Processes(table) => to_line(table),
        Answer::Impact(_)
        | Answer::Act(_)
        | Answer::Signal(_)
        | Answer::Blame(_)
        | Answer::Run(_)
        | Answer::Cancelled {}
        | Answer::Refreshed {}
        | Answer::SocketNews(_)
        | Answer::ServiceNews(_)
        | Answer::ProcessNews(_)
        | Answer::JournalNews(_) => to_line(answer),
    }
}

fn to_line(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut line = crate::json::to_bytes(value)
        .map_err(|why| Fault::new(FaultCode::Internal, format!("the answer is no JSON: {why}")))?;
    line.push(b'\n');
    Ok(line)
}

fn print(bytes: Vec<u8>) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&bytes)?;
    Ok(stdout.flush()?)
}

fn finish(result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads on; that is not worth a word.
        Err(Error::Link(cause)) if cause.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            log::error(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
