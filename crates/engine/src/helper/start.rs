//! start: the helper running on the host, with a link to it.

use std::time::Duration;

use protocol::{Fault, FaultCode};
use tokio::time::timeout;

use super::link::{Link, Wire};
use super::{Placed, scripts};
use crate::ssh::{Connection, ExecEnd};

/// For the exit status to come after the output ended.
const EXIT_LIMIT: Duration = Duration::from_secs(2);

/// Starts the helper that was placed. Its bytes are hashed once more, and what was hashed is what
/// runs. Dropping the link ends it.
///
/// # Errors
/// `HelperNoexec`, `HelperBlocked`, `HelperFailed` with its last words, or the connection's.
pub async fn start(connection: &Connection, host: &str, placed: &Placed) -> Result<Link, Fault> {
    let mark = scripts::mark();
    let command = scripts::start(&[&mark, &placed.path, &placed.sha256]);
    let stream = connection.open(&command).await?;
    let cut = connection.watch_end();
    let mut running = stream.running;
    let ended = Box::pin(async move {
        let end = timeout(EXIT_LIMIT, running.ended()).await.unwrap_or_default();
        let fault = cut.borrow().clone();
        match fault.and_then(|fault| fault.detail.cause.clone()) {
            Some(cause) => format!("the connection ended: {cause}"),
            None => describe(&end),
        }
    });
    let wire = Wire {
        host: host.to_owned(),
        input: Box::new(stream.stdout),
        output: stream.stdin,
        stderr: stream.stderr,
        ended,
    };
    Link::begin(wire, |noise| refused(host, placed, &scripts::parse_said(noise, &mark))).await
}

/// What the start script said instead of starting, if it did.
fn refused(host: &str, placed: &Placed, said: &[(&str, &str)]) -> Option<Fault> {
    let path = protocol::text::printable(&placed.path);
    let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
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
