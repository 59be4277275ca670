//! local: the helper of this computer, a child that runs from memory. No file is written.

use protocol::Fault;

use super::link::Link;

/// Starts the helper as a child of this program. Dropping the link ends it.
///
/// # Errors
/// `HelperNotBuilt`, `HelperArch`, or `HelperFailed` with its last words; `NotOnThisHost` on
/// systems other than Linux.
#[cfg(target_os = "linux")]
pub async fn start_local() -> Result<Link, Fault> {
    let bytes =
        super::embedded(std::env::consts::ARCH).map_err(|fault| fault.on_host(protocol::hosts::LOCAL))?;
    linux::start_bytes(bytes).await
}

/// There is no helper for this system.
///
/// # Errors
/// `NotOnThisHost` always.
#[cfg(not(target_os = "linux"))]
pub async fn start_local() -> Result<Link, Fault> {
    Err(Fault::new(
        protocol::FaultCode::NotOnThisHost,
        "this computer cannot be looked at: the helper runs on Linux only",
    )
    .on_host(protocol::hosts::LOCAL))
}

#[cfg(target_os = "linux")]
pub(super) mod linux {
    use std::fs::File;
    use std::io::{self, Write};
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::process::{Output, Stdio};
    use std::time::Duration;

    use protocol::hosts::LOCAL;
    use protocol::{Fault, FaultCode};
    use rustix::fs::{MemfdFlags, SealFlags};
    use tokio::io::AsyncReadExt;
    use tokio::process::{Child, Command};
    use tokio::time::timeout;

    use crate::helper::link::{HELLO_LIMIT, Link, Wire};
    use crate::ssh::StderrTail;

    /// For the exit status to come after the output ended.
    const EXIT_LIMIT: Duration = Duration::from_secs(2);
    /// For one document about files that lie here.
    const RUN_LIMIT: Duration = Duration::from_secs(20);

    pub(in crate::helper) async fn start_bytes(bytes: &'static [u8]) -> Result<Link, Fault> {
        let mut child = spawn(bytes).map_err(|why| {
            Fault::new(
                FaultCode::HelperFailed,
                format!("the helper could not be started on this computer: {why}"),
            )
            .on_host(LOCAL)
            .because(why.to_string())
        })?;
        let (Some(input), Some(output), Some(mut errors)) =
            (child.stdout.take(), child.stdin.take(), child.stderr.take())
        else {
            return Err(crate::error::internal("the helper's child", "it has no streams"));
        };
        let stderr = StderrTail::default();
        let tail = stderr.clone();
        tokio::spawn(async move {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = errors.read(&mut chunk).await {
                tail.push(chunk.get(..read).unwrap_or_default());
            }
        });
        let ended = Box::pin(async move {
            match timeout(EXIT_LIMIT, child.wait()).await {
                Ok(Ok(status)) => format!("the helper ended: {status}"),
                Ok(Err(why)) => format!("the helper ended: {why}"),
                Err(_) => "the helper closed its output".into(),
            }
        });
        let wire = Wire {
            host: LOCAL.to_owned(),
            input: Box::new(input),
            output: Box::new(output),
            stderr,
            hello_limit: HELLO_LIMIT,
            is_opened: false,
            ended,
        };
        Link::begin(wire, &mut String::new()).await
    }

    /// Runs it with arguments to its end and gives what it printed.
    pub(in crate::helper) async fn run_bytes(bytes: &[u8], words: &[&std::ffi::OsStr]) -> io::Result<Output> {
        let program = sealed(bytes)?;
        let mut command = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
        command.arg0("muster-helper").args(words).stdin(Stdio::null()).kill_on_drop(true);
        match timeout(RUN_LIMIT, command.output()).await {
            Ok(output) => output,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    fn spawn(bytes: &[u8]) -> io::Result<Child> {
        let program = sealed(bytes)?;
        // The path is looked up in the child before its copy of the descriptor is closed.
        Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()))
            .arg0("muster-helper")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }

    /// The bytes in memory, with a name for ps(1), and so that nobody can change them.
    fn sealed(bytes: &[u8]) -> io::Result<OwnedFd> {
        let fd = rustix::fs::memfd_create("muster-helper", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        let mut file = File::from(fd);
        file.write_all(bytes)?;
        let fd = OwnedFd::from(file);
        let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
        rustix::fs::fcntl_add_seals(&fd, seals)?;
        Ok(fd)
    }
}
