//! A connection to the system bus, to hold a unit and to hear what systemd says of units.
//!
//! systemd forgets a unit that is inactive and that nothing else names as soon as it has ended, and
//! with it how it ended. A client that calls `RefUnit` keeps it for as long as it is connected
//! (org.freedesktop.systemd1(5)); systemctl(1) has no word for that, nor for its signals. Nothing
//! but these few calls is spoken, and a signal only says that a unit changed: what it is now is
//! always asked of systemctl. A bus that is not there is an error for the caller to go without.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::message::{
    Call, ERROR, HEAD_BYTES, METHOD_RETURN, Message, Signal, parse_head, parse_message, unit_path,
};
use crate::children::{reap_soon, tool_command};

/// systemd on a busy host may take seconds for an answer. It is worth the wait: what is not held may
/// leave no trace of how it ended.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// A connection to the system bus. Dropped, it lets go all that it held.
#[derive(Debug)]
pub(super) struct Bus {
    from: OwnedFd,
    to: OwnedFd,
    bridge: Option<Child>,
    serial: u32,
    /// The unique name of systemd, once it has answered.
    systemd: String,
}

impl Bus {
    /// Connects as the user that the helper runs as.
    pub(super) fn connect(socket: &Path) -> io::Result<Self> {
        let from = OwnedFd::from(UnixStream::connect(socket)?);
        let to = from.try_clone()?;
        let mut bus = Self { from, to, bridge: None, serial: 0, systemd: String::new() };
        let uid = rustix::process::geteuid().as_raw().to_string();
        let hex: String = uid.bytes().map(|byte| format!("{byte:02x}")).collect();
        bus.begin(&format!("EXTERNAL {hex}"))?;
        Ok(bus)
    }

    /// Connects as root, through systemd-stdio-bridge(1) under sudo.
    pub(super) fn connect_as_root(sudo: &Path, bridge: &Path) -> io::Result<Self> {
        let mut command = tool_command(sudo);
        command.args(["-n", "--"]).arg(bridge).stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let (from, to) = (from.into(), to.into());
        let mut bus = Self { from, to, bridge: Some(child), serial: 0, systemd: String::new() };
        // The bridge is root already, whoever speaks to it; a trace text is asked for, any will do.
        bus.begin("ANONYMOUS 6d7573746572")?;
        Ok(bus)
    }

    /// Makes systemd keep a unit until this is dropped. It loads the unit if it must.
    pub(super) fn hold_unit(&mut self, unit: &str) -> io::Result<()> {
        self.call(Call::manager("RefUnit", Some(unit))).map(drop)
    }

    /// Asks for the signals about one unit.
    pub(super) fn watch_unit(&mut self, unit: &str) -> io::Result<()> {
        let path = unit_path(unit);
        self.watch(&[
            &format!("path='{path}',member='PropertiesChanged'"),
            &format!("path='/org/freedesktop/systemd1',member='JobRemoved',arg2='{unit}'"),
        ])
    }

    /// Asks for the signals about all units.
    pub(super) fn watch_all(&mut self) -> io::Result<()> {
        self.watch(&[
            "path_namespace='/org/freedesktop/systemd1/unit',member='PropertiesChanged'",
            "path='/org/freedesktop/systemd1',interface='org.freedesktop.systemd1.Manager'",
        ])?;
        let owner = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',\
            arg0='org.freedesktop.systemd1'";
        self.call(Call::bus("AddMatch", Some(owner))).map(drop)
    }

    fn watch(&mut self, rules: &[&str]) -> io::Result<()> {
        for rule in rules {
            let rule = format!("type='signal',sender='org.freedesktop.systemd1',{rule}");
            self.call(Call::bus("AddMatch", Some(&rule)))?;
        }
        // Who answers is systemd; what comes from another name is not believed.
        self.systemd = self.call(Call::manager("Subscribe", None))?.sender;
        Ok(())
    }

    /// The next signal of systemd. `None` if nothing came in this time, or nothing that is one; after
    /// an error the connection is of no more use.
    pub(super) fn next_signal(&mut self, wait: Duration) -> io::Result<Option<Signal>> {
        if !is_ready(&self.from, wait)? {
            return Ok(None);
        }
        let message = self.read_message()?;
        Ok(message.and_then(|message| message.signal_of(&self.systemd)))
    }

    fn begin(&mut self, mechanism: &str) -> io::Result<()> {
        write_all(&self.to, format!("\0AUTH {mechanism}\r\n").as_bytes())?;
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut byte = [0u8; 1];
            read_exact(&self.from, &mut byte)?;
            line.extend_from_slice(&byte);
            if line.len() > 512 {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        if !line.starts_with(b"OK") {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        write_all(&self.to, b"BEGIN\r\n")?;
        self.call(Call::bus("Hello", None)).map(drop)
    }

    /// Calls and waits for the answer. There is never more than one call under way, so the first
    /// answer is that of this call; signals are passed over.
    fn call(&mut self, call: Call<'_>) -> io::Result<Message> {
        self.serial += 1;
        write_all(&self.to, &call.to_bytes(self.serial))?;
        // A bus that says ever other things than the answer is not waited for either.
        let until = Instant::now() + ANSWER_LIMIT;
        while Instant::now() < until {
            let Some(message) = self.read_message()? else { continue };
            match message.kind {
                METHOD_RETURN => return Ok(message),
                ERROR => return Err(io::Error::other(format!("{} was refused", call.member))),
                _ => {}
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    /// `None` for a message that is not understood, or is passed over for its length; one of no known
    /// length is an error, since nothing after it could be found.
    fn read_message(&mut self) -> io::Result<Option<Message>> {
        let mut fixed = [0u8; HEAD_BYTES];
        read_exact(&self.from, &mut fixed)?;
        let head = parse_head(&fixed).ok_or(io::ErrorKind::InvalidData)?;
        if head.is_too_long() {
            skip(&self.from, head.rest_bytes())?;
            return Ok(None);
        }
        let mut rest = vec![0; head.rest_bytes()];
        read_exact(&self.from, &mut rest)?;
        Ok(parse_message(head, &rest))
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let Some(mut bridge) = self.bridge.take() else { return };
        // The bridge ends when its stdin does; only root could signal it.
        if let Ok(null) = std::fs::File::open("/dev/null") {
            self.to = null.into();
        }
        reap_soon(&mut bridge);
    }
}

fn write_all(fd: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = rustix::io::write(fd, bytes)?;
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// True once there is something to read, or nothing more will come.
fn is_ready(fd: &OwnedFd, wait: Duration) -> io::Result<bool> {
    let wait = Timespec { tv_sec: wait.as_secs().cast_signed(), tv_nsec: wait.subsec_nanos().into() };
    Ok(poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&wait))? > 0)
}

fn read_exact(fd: &OwnedFd, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        if !is_ready(fd, ANSWER_LIMIT)? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match rustix::io::read(fd, &mut *buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => buffer = buffer.get_mut(count..).unwrap_or_default(),
        }
    }
    Ok(())
}

/// Reads so many bytes that nobody needs.
fn skip(fd: &OwnedFd, mut bytes: usize) -> io::Result<()> {
    let mut chunk = [0u8; 4096];
    while bytes > 0 {
        let count = bytes.min(chunk.len());
        read_exact(fd, chunk.get_mut(..count).unwrap_or_default())?;
        bytes -= count;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_message_of_any_length_that_another_user_sends_hides_no_signal_after_it() {
        let (own, mut other) = UnixStream::pair().unwrap();
        let from = OwnedFd::from(own);
        let to = from.try_clone().unwrap();
        let mut bus = Bus { from, to, bridge: None, serial: 0, systemd: ":1.1".into() };
        let sender = std::thread::spawn(move || {
            let mut long = vec![0u8; HEAD_BYTES + (3 << 20)];
            long[..4].copy_from_slice(b"l\x04\x01\x01");
            long[4..8].copy_from_slice(&(3u32 << 20).to_le_bytes());
            other.write_all(&long).unwrap();
            // From the bus itself: systemd left it.
            let texts = ["org.freedesktop.systemd1", ":1.1", ""];
            other.write_all(&super::super::message::tests::owner_changed(&texts)).unwrap();
            other
        });
        assert_eq!(bus.next_signal(Duration::from_secs(5)).unwrap(), None);
        assert_eq!(bus.next_signal(Duration::from_secs(5)).unwrap(), Some(Signal::Gone));
        drop(sender.join().unwrap());
    }

    #[test]
    fn a_bus_that_refuses_the_user_is_an_error_and_no_wait() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bus");
        let listener = UnixListener::bind(&path).unwrap();
        let bus = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0u8; 64];
            let count = stream.read(&mut asked).unwrap();
            stream.write_all(b"REJECTED EXTERNAL\r\n").unwrap();
            asked[..count].to_vec()
        });
        let error = Bus::connect(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(bus.join().unwrap().starts_with(b"\0AUTH EXTERNAL "));
    }
}
