//! start: the helper running on the host, with a link to it.

use std::time::Duration;

use protocol::wire::Ask;
use protocol::{Fault, FaultCode};
use tokio::time::timeout;

use super::link::{HELLO_LIMIT, Link, Wire, opening_request};
use super::{Placed, Programs, place, scripts};
use crate::ssh::{Connection, ExecEnd, ExecStream};

/// For the exit status to come after the output ended.
const EXIT_LIMIT: Duration = Duration::from_secs(2);

/// Starts the helper that was placed. Its bytes are hashed once more, and what was hashed is what
/// runs. Dropping the link ends it. `opening` is a stream that is wanted at once (`Link::take_opening`).
///
/// # Errors
/// `HelperNoexec`, `HelperBlocked`, `HelperFailed` with its last words, or the connection's.
pub async fn start(
    connection: &Connection,
    host: &str,
    placed: &Placed,
    opening: Option<Ask>,
) -> Result<Link, Fault> {
    let mark = scripts::mark();
    let is_opened = opening.is_some();
    let opening = opening.map(opening_request).transpose()?.unwrap_or_default();
    let command = scripts::start(&[&mark, &placed.path, &placed.sha256, &opening]);
    let mut before = String::new();
    let link = begin(connection, host, &command, is_opened, &mut before).await;
    link.map_err(|fault| refused(host, placed, &scripts::parse_said(&before, &mark)).unwrap_or(fault))
}

/// Starts the helper if it lies on the host already, with one command instead of two. `None` if it
/// is not there as it should be, or cannot be told: then it is for `place` to see to it.
///
/// # Errors
/// As `start`.
pub async fn start_if_placed(
    connection: &Connection,
    host: &str,
    dir: Option<&str>,
    opening: Option<Ask>,
) -> Result<Option<(Placed, Link)>, Fault> {
    start_one_of(Programs::built_in(), connection, host, dir, opening).await
}

pub(super) async fn start_one_of(
    programs: &Programs,
    connection: &Connection,
    host: &str,
    dir: Option<&str>,
    opening: Option<Ask>,
) -> Result<Option<(Placed, Link)>, Fault> {
    place::check_dir(dir)?;
    let mark = scripts::mark();
    let (x86_64, aarch64) = programs.sha256s();
    let is_opened = opening.is_some();
    let opening = opening.map(opening_request).transpose()?.unwrap_or_default();
    let command = scripts::resume(&[&mark, dir.unwrap_or(""), protocol::VERSION, x86_64, aarch64, &opening]);
    let mut before = String::new();
    let link = begin(connection, host, &command, is_opened, &mut before).await;
    let said = scripts::parse_said(&before, &mark);
    let find = |word| said.iter().find(|(said, _)| *said == word).map(|(_, rest)| *rest);
    match link {
        Ok(link) => {
            let program = programs.for_arch(find("arch").unwrap_or_default()).map_err(|f| f.on_host(host))?;
            let path = find("have").unwrap_or_default().to_owned();
            let bytes = program.bytes.len() as u64;
            Ok(Some((Placed { path, sha256: program.sha256.clone(), bytes, newly: false }, link)))
        }
        Err(fault) if find("starting").is_some() || connection.is_closed() => Err(fault),
        Err(_) => Ok(None),
    }
}

async fn begin(
    connection: &Connection,
    host: &str,
    command: &str,
    is_opened: bool,
    before: &mut String,
) -> Result<Link, Fault> {
    let stream = connection.open(command).await?;
    let wire = Wire { is_opened, ..wire(connection, host, stream, HELLO_LIMIT) };
    Link::begin(wire, before).await.map_err(|fault| lost_with(connection, fault))
}

/// A helper that says nothing because its connection ended is no fault of the helper: what comes back with the
/// connection is told as that, and tried again.
pub(super) fn lost_with(connection: &Connection, fault: Fault) -> Fault {
    connection.lost_way().or_else(|| connection.fault_if_closed()).unwrap_or(fault)
}

/// The streams of a helper that runs on the host, or is about to.
pub(super) fn wire(connection: &Connection, host: &str, stream: ExecStream, hello_limit: Duration) -> Wire {
    let cut = connection.watch_end();
    let mut running = stream.running;
    let ended = Box::pin(async move {
        let end = timeout(EXIT_LIMIT, running.ended()).await.unwrap_or_default();
        match cut.cause() {
            Some(cause) => format!("the connection ended: {cause}"),
            None => describe(&end),
        }
    });
    Wire {
        host: host.to_owned(),
        input: Box::new(stream.stdout),
        output: stream.stdin,
        stderr: stream.stderr,
        hello_limit,
        is_opened: false,
        ended,
    }
}

/// What the start script said instead of starting, if it did.
fn refused(host: &str, placed: &Placed, said: &[(&str, &str)]) -> Option<Fault> {
    let path = protocol::text::printable(&placed.path);
    let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
    if let Some((_, danger)) = said.iter().find(|(word, _)| *word == "unsafe") {
        return Some(place::refused(host, folder, danger));
    }
    let (code, message, about) = said.iter().find_map(|(word, _)| match *word {
        "gone" => Some((FaultCode::HelperFailed, format!("the helper is not at {path} on {host} any more"), &*path)),
        "changed" => Some((
            FaultCode::HelperBlocked,
            format!("the helper at {path} on {host} was changed by somebody and was not started"),
            &*path,
        )),
        "noexec" => Some((
            FaultCode::HelperNoexec,
            format!("the helper cannot run in {folder} on {host}: programs may not run on that file system (mounted noexec)"),
            folder,
        )),
        _ => None,
    })?;
    Some(Fault::new(code, message).on_host(host).about(about))
}

fn describe(end: &ExecEnd) -> String {
    match (end.exit, &end.signal) {
        (Some(code), _) => format!("the helper ended with {code}"),
        (None, Some(signal)) => format!("the helper was ended by {signal}"),
        (None, None) => "the host closed its channel".into(),
    }
}
