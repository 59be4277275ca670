//! place: the helper's file on the host, put there once, whole, and in a folder of the user's own.
//!
//! If the right bytes are there already, nothing is written and one command is all it takes. The
//! file has its version and hash in its name, is written under another name and then renamed;
//! whatever fails, the partial file is removed. Files of older versions go when a newer one is in
//! place.

use std::time::Duration;

use protocol::{Fault, FaultCode};

use super::{Placed, Program, Programs, scripts};
use crate::ssh::{Connection, ExecLimits, ExecResult};

/// For looking at the host; a login shell may be slow.
const PROBE_LIMIT: Duration = Duration::from_secs(20);
/// For the upload, over a slow line too.
const UPLOAD_LIMIT: Duration = Duration::from_secs(180);

/// Where the helper belongs on a host, and what has to be put there, if anything.
#[derive(Debug)]
pub struct Place {
    /// As it lies there, or will once it is `filled`.
    pub placed: Placed,
    missing: Option<Missing>,
}

/// Bytes that are not on the host yet.
#[derive(Debug)]
struct Missing {
    program: Program,
    dir: String,
    name: String,
    /// The folder is ours to tighten: Muster alone uses it.
    is_own: bool,
}

impl Place {
    /// True if nothing is to be put there.
    pub fn is_filled(&self) -> bool {
        self.missing.is_none()
    }

    /// Puts there what is missing, whole or not at all.
    ///
    /// # Errors
    /// `HelperNoexec` (names the folder), `HelperNoSpace`, `HelperUnsafe`, `HelperBlocked`,
    /// `HelperFailed`, or the connection's.
    pub async fn fill(self, connection: &Connection, host: &str) -> Result<Placed, Fault> {
        let Some(missing) = self.missing else { return Ok(self.placed) };
        upload(connection, host, &missing).await?;
        Ok(Placed { newly: true, ..self.placed })
    }
}

/// Looks for the helper on the host and writes nothing. `dir` is a folder there, or `None` for
/// `~/.cache/muster`; a folder that others may write to gets a folder of the user's own inside.
///
/// # Errors
/// `HelperArch`, `HelperNotBuilt`, `HelperUnsafe`, `HelperBlocked`, or the connection's.
pub async fn find_place(connection: &Connection, host: &str, dir: Option<&str>) -> Result<Place, Fault> {
    find_place_of(Programs::built_in(), connection, host, dir).await
}

pub(super) async fn find_place_of(
    programs: &Programs,
    connection: &Connection,
    host: &str,
    dir: Option<&str>,
) -> Result<Place, Fault> {
    check_dir(dir)?;
    let (x86_64, aarch64) = programs.sha256s();
    let mark = scripts::mark();
    let words = [mark.as_str(), dir.unwrap_or(""), protocol::VERSION, x86_64, aarch64];
    let limits = ExecLimits::new("looking for the helper", PROBE_LIMIT);
    let result = connection.run(&scripts::probe(&words), Vec::new(), limits).await?;
    let found = parse_probe(&String::from_utf8_lossy(&result.stdout), &mark)
        .ok_or_else(|| no_answer(host, "looking for the helper", &result))?;

    if found.os != "Linux" {
        let message = format!("the helper runs on Linux only, and {host} runs {}", found.os);
        return Err(Fault::new(FaultCode::HelperArch, message).on_host(host).about(found.os));
    }
    let program = programs.for_arch(&found.arch).map_err(|fault| fault.on_host(host))?;
    let Some(dir_there) = found.dir else {
        let message = format!(
            "the helper cannot be put on {host}: the user's home folder '{}' is not there",
            found.home.unwrap_or_default()
        );
        return Err(Fault::new(FaultCode::HelperBlocked, message).on_host(host));
    };
    if let Some(danger) = &found.danger {
        return Err(refused(host, &dir_there, danger));
    }
    let name = file_name(program);
    let placed = Placed {
        path: format!("{}/{name}", dir_there.trim_end_matches('/')),
        sha256: program.sha256.clone(),
        bytes: program.bytes.len() as u64,
        newly: false,
    };
    let same = |(bytes, sha256): &(u64, String)| {
        *bytes == placed.bytes && (*sha256 == placed.sha256 || sha256 == "none")
    };
    let missing = (!found.have.as_ref().is_some_and(same)).then(|| Missing {
        program: program.clone(),
        is_own: dir != Some(dir_there.as_str()),
        dir: dir_there,
        name,
    });
    Ok(Place { placed, missing })
}

fn file_name(program: &Program) -> String {
    let short = program.sha256.get(..12).unwrap_or(&program.sha256);
    format!("muster-helper-{}-{short}", protocol::VERSION)
}

/// The folder comes from a person and goes into a command: the same letters as when it was saved.
pub(super) fn check_dir(dir: Option<&str>) -> Result<(), Fault> {
    let Some(dir) = dir else { return Ok(()) };
    let safe = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    if dir.starts_with('/') && dir.chars().all(safe) && !dir.split('/').any(|part| part == "..") {
        return Ok(());
    }
    Err(Fault::bad_input(
        "helper_dir",
        "the helper's folder must be an absolute path of letters, digits and . _ - + @ /",
    ))
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    os: String,
    arch: String,
    dir: Option<String>,
    home: Option<String>,
    /// Why others could change what lies in the folder, and the part of the path it is about.
    danger: Option<String>,
    /// Size and sha256 of the file of our name.
    have: Option<(u64, String)>,
}

/// `None` if the script did not come to its end.
fn parse_probe(output: &str, mark: &str) -> Option<Found> {
    let mut found = Found::default();
    let mut ended = false;
    for (word, rest) in scripts::parse_said(output, mark) {
        match word {
            "os" => found.os = protocol::text::printable(rest).into_owned(),
            "arch" => found.arch = rest.to_owned(),
            "dir" if rest.starts_with('/') => found.dir = Some(rest.to_owned()),
            "unsafe" => found.danger = Some(rest.to_owned()),
            "nohome" => {
                found.home = Some(protocol::text::printable(rest).into_owned());
                ended = true;
            }
            "have" => {
                found.have = rest
                    .split_once(' ')
                    .and_then(|(bytes, sha256)| Some((bytes.parse().ok()?, sha256.to_owned())));
            }
            "end" => ended = true,
            _ => {}
        }
    }
    ended.then_some(found)
}

async fn upload(connection: &Connection, host: &str, missing: &Missing) -> Result<(), Fault> {
    let Missing { program, dir, name, is_own } = missing;
    let mark = scripts::mark();
    let bytes = program.bytes.len().to_string();
    let whose = if *is_own { "own" } else { "given" };
    let words = [&mark, dir, name, &program.sha256, &bytes, &mark, whose];
    let limits = ExecLimits::new("putting the helper there", UPLOAD_LIMIT);
    let result = connection.run(&scripts::upload(&words), program.bytes.to_vec(), limits).await?;
    let output = String::from_utf8_lossy(&result.stdout);
    for (word, rest) in scripts::parse_said(&output, &mark) {
        match word {
            "placed" => return Ok(()),
            "no" => return Err(refused(host, dir, rest)),
            _ => {}
        }
    }
    Err(no_answer(host, "putting the helper there", &result))
}

/// The fault for what a script said after `no` or `unsafe`.
pub(super) fn refused(host: &str, dir: &str, said: &str) -> Fault {
    let said = protocol::text::printable(said);
    let (reason, detail) = said.split_once(' ').unwrap_or((&said, ""));
    let lower = detail.to_lowercase();
    let full = lower.contains("no space left") || lower.contains("quota");
    let dir_shown = protocol::text::printable(dir);
    let (code, why) = match reason {
        "folder" | "write" if full => {
            (FaultCode::HelperNoSpace, format!("there is no space left ({detail})"))
        }
        "folder" | "write" => (FaultCode::HelperBlocked, format!("the host does not allow it ({detail})")),
        "link" => (FaultCode::HelperUnsafe, format!("{detail} is a symbolic link")),
        "owner" => (FaultCode::HelperUnsafe, format!("{detail} belongs to another user")),
        "open" => (FaultCode::HelperUnsafe, format!("others may write to {detail} and put a program there")),
        "file" => (FaultCode::HelperBlocked, format!("{detail} is not a folder")),
        "size" | "sum" => (FaultCode::HelperFailed, format!("it did not arrive whole ({reason} {detail})")),
        "noexec" => {
            (FaultCode::HelperNoexec, "programs may not run on that file system (mounted noexec)".into())
        }
        "blocked" => (FaultCode::HelperBlocked, format!("the host does not let it run ({detail})")),
        _ => (FaultCode::HelperFailed, format!("it does not run there ({reason} {detail})")),
    };
    Fault::new(code, format!("the helper cannot be put into {dir_shown} on {host}: {why}"))
        .on_host(host)
        .about(dir_shown)
        .because(match code {
            FaultCode::HelperUnsafe => why,
            _ if detail.is_empty() => why,
            _ => detail.to_owned(),
        })
}

/// The login shell never came to our script, or the script ended in the middle.
pub(super) fn no_answer(host: &str, what: &str, result: &ExecResult) -> Fault {
    let text =
        [&result.stderr[..], &result.stdout[..]].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let lines: Vec<String> = text
        .iter()
        .flat_map(|part| part.lines())
        .map(|line| protocol::text::printable(line.trim()).chars().take(300).collect::<String>())
        .filter(|line| !line.is_empty())
        .take(10)
        .collect();
    let end = match (result.exit, &result.signal) {
        (Some(code), _) => format!("the login shell ended with {code}"),
        (None, Some(signal)) => format!("the login shell was ended by {signal}"),
        (None, None) => "the login shell ended without a word".into(),
    };
    let cause = lines.first().cloned().unwrap_or_else(|| end.clone());
    Fault::new(FaultCode::HelperBlocked, format!("{what} on {host} did not work: {end}: {cause}"))
        .on_host(host)
        .because(cause)
        .with_lines(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_that_did_not_end_is_no_answer() {
        assert_eq!(parse_probe("M os Linux\nM arch x86_64\n", "M"), None);
        let found =
            parse_probe("M os Linux\nM arch x86_64\nM dir /r/.cache\nM have 12 ab\nM end\n", "M").unwrap();
        assert_eq!(found.have, Some((12, "ab".into())));
        assert_eq!(found.dir.as_deref(), Some("/r/.cache"));
    }

    #[test]
    fn every_refusal_of_the_host_has_its_reason_and_names_the_folder() {
        for (said, code) in [
            ("write cat: write error: No space left on device", FaultCode::HelperNoSpace),
            ("write cat: write error: Disk quota exceeded", FaultCode::HelperNoSpace),
            ("folder mkdir: cannot create directory '/x': Read-only file system", FaultCode::HelperBlocked),
            ("noexec sh: 1: /x: Permission denied", FaultCode::HelperNoexec),
            ("link /x/y", FaultCode::HelperUnsafe),
            ("owner /x/y", FaultCode::HelperUnsafe),
            ("open /x/y", FaultCode::HelperUnsafe),
            ("sum 00ff", FaultCode::HelperFailed),
            ("\u{1b}[2J", FaultCode::HelperFailed),
        ] {
            let fault = refused("web", "/x", said);
            assert_eq!((fault.code, fault.detail.subject.as_deref()), (code, Some("/x")), "{said}");
            assert!(!fault.message.contains('\u{1b}'), "what a host says must not act on a terminal");
        }
    }

    #[test]
    fn a_folder_with_shell_characters_is_refused_here() {
        for dir in ["x", "/a b", "/$(id)", "/a/../b", "/a'b"] {
            assert_eq!(check_dir(Some(dir)).unwrap_err().code, FaultCode::BadInput, "{dir}");
        }
    }
}
