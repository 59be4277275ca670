//! The few words of D-Bus that hold a unit: a call with one string, and whether it was answered.
//!
//! systemd forgets a unit that is inactive and that nothing else names as soon as it has ended, and
//! with it how it ended. A client that calls `RefUnit` keeps it for as long as it is connected
//! (org.freedesktop.systemd1(5)); systemctl(1) has no word for that. Messages are those of the
//! D-Bus specification, little-endian; what the bus says is skipped but for the kind of its answer.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::children::{reap_soon, tool_command};

const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// The bus allows more, but answers nothing near this to the calls here.
const MESSAGE_LIMIT_BYTES: usize = 1 << 20;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;

/// A connection to the system bus. Dropped, it lets go all that it held.
#[derive(Debug)]
pub(super) struct Bus {
    from: OwnedFd,
    to: OwnedFd,
    bridge: Option<Child>,
    serial: u32,
}

/// What is called: one method with one string, or none.
#[derive(Clone, Copy, Debug)]
struct Call<'a> {
    destination: &'a str,
    path: &'a str,
    interface: &'a str,
    member: &'a str,
    text: Option<&'a str>,
}

impl Bus {
    /// Connects as the user that the helper runs as.
    pub(super) fn connect(socket: &Path) -> io::Result<Self> {
        let from = OwnedFd::from(UnixStream::connect(socket)?);
        let to = from.try_clone()?;
        let mut bus = Self { from, to, bridge: None, serial: 0 };
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
        let mut bus = Self { from: from.into(), to: to.into(), bridge: Some(child), serial: 0 };
        // The bridge is root already, whoever speaks to it; a trace text is asked for, any will do.
        bus.begin("ANONYMOUS 6d7573746572")?;
        Ok(bus)
    }

    /// Makes systemd keep a unit until this is dropped. It loads the unit if it must.
    pub(super) fn hold_unit(&mut self, unit: &str) -> io::Result<()> {
        self.call(Call {
            destination: "org.freedesktop.systemd1",
            path: "/org/freedesktop/systemd1",
            interface: "org.freedesktop.systemd1.Manager",
            member: "RefUnit",
            text: Some(unit),
        })
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
        self.call(Call {
            destination: "org.freedesktop.DBus",
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus",
            member: "Hello",
            text: None,
        })
    }

    /// Calls and waits for the answer. There is never more than one call under way, so the first
    /// answer is that of this call; signals are passed over.
    fn call(&mut self, call: Call<'_>) -> io::Result<()> {
        self.serial += 1;
        write_all(&self.to, &to_message(self.serial, &call))?;
        loop {
            let mut fixed = [0u8; 16];
            read_exact(&self.from, &mut fixed)?;
            let rest = rest_bytes(&fixed).ok_or(io::ErrorKind::InvalidData)?;
            read_exact(&self.from, &mut vec![0; rest])?;
            match fixed[1] {
                METHOD_RETURN => return Ok(()),
                ERROR => return Err(io::Error::other(format!("{} was refused", call.member))),
                _ => {}
            }
        }
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

/// Builds a method call: a fixed part, an array of header fields, the body.
fn to_message(serial: u32, call: &Call<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    if let Some(text) = call.text {
        put_text(&mut body, text);
    }
    let mut fields = Vec::new();
    let mut field = |code: u8, kind: u8, text: &str| {
        fields.resize(fields.len().next_multiple_of(8), 0);
        fields.extend_from_slice(&[code, 1, kind, 0]);
        if kind == b'g' {
            fields.push(u8::try_from(text.len()).unwrap_or(0));
            fields.extend_from_slice(text.as_bytes());
            fields.push(0);
        } else {
            put_text(&mut fields, text);
        }
    };
    field(1, b'o', call.path);
    field(2, b's', call.interface);
    field(3, b's', call.member);
    field(6, b's', call.destination);
    if call.text.is_some() {
        field(8, b'g', "s");
    }
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes();
    let mut message = vec![b'l', 1, 0, 1];
    message.extend_from_slice(&length(&body));
    message.extend_from_slice(&serial.to_le_bytes());
    message.extend_from_slice(&length(&fields));
    message.extend_from_slice(&fields);
    message.resize(message.len().next_multiple_of(8), 0);
    message.extend_from_slice(&body);
    message
}

fn put_text(to: &mut Vec<u8>, text: &str) {
    to.resize(to.len().next_multiple_of(4), 0);
    to.extend_from_slice(&u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
    to.extend_from_slice(text.as_bytes());
    to.push(0);
}

/// How many bytes follow the fixed part of a message; `None` if that is no length of a message.
fn rest_bytes(fixed: &[u8; 16]) -> Option<usize> {
    let number = |at: usize| -> Option<usize> {
        let bytes: [u8; 4] = fixed.get(at..at + 4)?.try_into().ok()?;
        let number = if fixed[0] == b'B' { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        usize::try_from(number).ok().filter(|&length| length <= MESSAGE_LIMIT_BYTES)
    };
    Some(number(12)?.next_multiple_of(8) + number(4)?)
}

fn write_all(fd: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = rustix::io::write(fd, bytes)?;
        bytes = bytes.get(count..).unwrap_or_default();
    }
    Ok(())
}

fn read_exact(fd: &OwnedFd, mut buffer: &mut [u8]) -> io::Result<()> {
    let limit = Timespec { tv_sec: ANSWER_LIMIT.as_secs().cast_signed(), tv_nsec: 0 };
    while !buffer.is_empty() {
        if poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&limit))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match rustix::io::read(fd, &mut *buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => buffer = buffer.get_mut(count..).unwrap_or_default(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_call_has_the_lengths_that_its_parts_have() {
        let call = Call {
            destination: "org.freedesktop.systemd1",
            path: "/org/freedesktop/systemd1",
            interface: "org.freedesktop.systemd1.Manager",
            member: "RefUnit",
            text: Some("a.service"),
        };
        let message = to_message(2, &call);
        assert_eq!(&message[..4], b"l\x01\x00\x01", "little-endian, a call, no flags, version 1");
        assert_eq!(message[4..8], 14u32.to_le_bytes(), "length, text and its NUL");
        let fixed: [u8; 16] = message[..16].try_into().unwrap();
        assert_eq!(rest_bytes(&fixed), Some(message.len() - 16));
    }

    #[test]
    fn a_length_that_no_message_has_is_refused() {
        let mut fixed = [0u8; 16];
        fixed[0] = b'l';
        fixed[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(rest_bytes(&fixed), None);
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
