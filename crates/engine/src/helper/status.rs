//! status: what lies and runs on a host for Muster, found without the helper and without a change.
//!
//! The folder that the host is set to, the one of the user's own in it and the default are looked
//! into, so that nothing is overlooked after the setting was changed.

use std::time::Duration;

use protocol::Fault;
use protocol::link::{HelperFile, HelperFolder, HelperProcess, HelperStatus};

use super::{Programs, place, scripts};
use crate::ssh::{Connection, ExecLimits};

/// For looking at the host; a login shell may be slow, and old helpers are hashed too.
const LOOK_LIMIT: Duration = Duration::from_secs(30);

/// Tells what lies on the host. `dir` is the folder that it is set to.
///
/// # Errors
/// `HelperBlocked` if the host gives no shell, or the connection's.
pub async fn status(connection: &Connection, host: &str, dir: Option<&str>) -> Result<HelperStatus, Fault> {
    status_of(Programs::built_in(), connection, host, dir).await
}

pub(super) async fn status_of(
    programs: &Programs,
    connection: &Connection,
    host: &str,
    dir: Option<&str>,
) -> Result<HelperStatus, Fault> {
    place::check_dir(dir)?;
    let mark = scripts::mark();
    let what = "looking at what lies there";
    let command = scripts::status(&[&mark, dir.unwrap_or("")]);
    let result = connection.run(&command, Vec::new(), ExecLimits::new(what, LOOK_LIMIT)).await?;
    let mut status = parse_status(&String::from_utf8_lossy(&result.stdout), &mark)
        .ok_or_else(|| place::no_answer(host, what, &result))?;
    status.host = host.to_owned();
    for file in &mut status.files {
        file.current = file.sha256.as_deref().is_some_and(|sha256| programs.has(sha256));
    }
    Ok(status)
}

/// `None` if the script did not come to its end.
fn parse_status(output: &str, mark: &str) -> Option<HelperStatus> {
    let mut status = HelperStatus::default();
    let mut ended = false;
    for (word, rest) in scripts::parse_said(output, mark) {
        match word {
            "file" => status.files.extend(parse_file(rest)),
            "folder" => status.folders.extend(parse_folder(rest)),
            "process" => status.processes.extend(rest.split_once(' ').and_then(|(pid, path)| {
                Some(HelperProcess {
                    pid: pid.parse().ok()?,
                    path: path.to_owned(),
                    ..HelperProcess::default()
                })
            })),
            "end" => ended = true,
            _ => {}
        }
    }
    // A folder of others in which nothing of ours lies is none of our business.
    let files = &status.files;
    let holds = |folder: &HelperFolder| {
        let inside = format!("{}/", folder.path.trim_end_matches('/'));
        files.iter().any(|file| file.path.starts_with(&inside))
    };
    status.folders.retain(|folder| folder.ours || holds(folder));
    ended.then_some(status)
}

fn parse_file(said: &str) -> Option<HelperFile> {
    let mut words = said.splitn(4, ' ');
    let (bytes, seconds, sha256, path) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let is_sha256 = sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let version = name.strip_prefix("muster-helper-").and_then(|name| name.rsplit_once('-'));
    Some(HelperFile {
        path: path.to_owned(),
        bytes: bytes.parse().ok()?,
        sha256: is_sha256.then(|| sha256.to_owned()),
        version: version.map(|(version, _)| version.to_owned()),
        since_ms: seconds.parse::<i64>().ok().map(|seconds| seconds.saturating_mul(1_000)),
        current: false,
    })
}

fn parse_folder(said: &str) -> Option<HelperFolder> {
    let mut words = said.splitn(3, ' ');
    let (whose, others, path) = (words.next()?, words.next()?, words.next()?);
    Some(HelperFolder { path: path.to_owned(), ours: whose == "ours", others: others.parse().unwrap_or(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_said_is_read_and_an_answer_without_end_is_none() {
        let sum = "ab".repeat(32);
        let said = format!(
            "M file 900 1700000000 {sum} /r/a b/muster-helper-0.1.0-abcdef012345\n\
             M file 3 - none /r/a b/.muster-helper-x\nM folder ours 2 /r/a b\nM folder foreign 90 /tmp\n\
             M process 77 /r/a b/muster-helper-0.1.0-abcdef012345 (deleted)\nM file x y z /q\n"
        );
        assert_eq!(parse_status(&said, "M"), None);
        let status = parse_status(&(said + "M end\n"), "M").unwrap();
        let file = &status.files[0];
        assert_eq!((file.bytes, file.since_ms), (900, Some(1_700_000_000_000)));
        assert_eq!((file.sha256.as_deref(), file.version.as_deref()), (Some(&*sum), Some("0.1.0")));
        let partial = &status.files[1];
        assert_eq!((partial.since_ms, &partial.sha256, &partial.version), (None, &None, &None));
        assert_eq!((status.files.len(), status.processes[0].pid), (2, 77));
        assert_eq!(status.folders, [HelperFolder { path: "/r/a b".into(), ours: true, others: 2 }]);
    }
}
