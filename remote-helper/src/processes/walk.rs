//! The walk over `/proc`: one open folder, one buffer, no allocation per process.

use std::ffi::CStr;
use std::io::Write;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, readlinkat, readlinkat_raw, statat};
use rustix::io::Errno;

use crate::error::Error;

/// Longest `PID/file` that is asked for, with its NUL.
const NAME_BYTES: usize = 48;
/// No file of a process that the helper reads is worth more.
const FILE_LIMIT_BYTES: usize = 64 << 10;

/// What the folder `/proc/PID/fd` itself tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FilesFolder {
    /// Of this one process: another one that gets its PID has another folder.
    pub(crate) inode: u64,
    /// Since Linux 6.2; 0 before.
    pub(crate) open_files: u64,
}

/// An open `/proc`.
pub(crate) struct ProcDir {
    fd: OwnedFd,
}

impl ProcDir {
    pub(crate) fn open(proc: &Path) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat(CWD, proc, flags, Mode::empty()) {
            Ok(fd) => Ok(Self { fd }),
            Err(cause) => Err(Error::Read { path: proc.to_path_buf(), cause: cause.into() }),
        }
    }

    /// PIDs that this user may see, ascending.
    pub(crate) fn list_pids(&self) -> Result<Vec<u32>, Error> {
        let dir = Dir::read_from(&self.fd)
            .map_err(|cause| Error::Kernel { what: "the list of processes", cause: cause.into() })?;
        let mut pids: Vec<u32> = dir
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let name = entry.file_name().to_bytes();
                if !name.first()?.is_ascii_digit() {
                    return None;
                }
                std::str::from_utf8(name).ok()?.parse().ok()
            })
            .collect();
        pids.sort_unstable();
        Ok(pids)
    }

    /// Reads a small file of a process into `buffer`; false if the process is gone or refuses.
    pub(crate) fn read(&self, pid: u32, file: &str, buffer: &mut Vec<u8>) -> bool {
        self.try_read(pid, file, buffer).is_ok() && !buffer.is_empty()
    }

    /// The same with the reason. Of a longer file the first 64 KiB are read.
    pub(crate) fn try_read(&self, pid: u32, file: &str, buffer: &mut Vec<u8>) -> Result<(), Errno> {
        buffer.clear();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let mut name = [0u8; NAME_BYTES];
        let fd = openat(&self.fd, path_of(pid, file, &mut name)?, flags, Mode::empty())?;
        let mut chunk = [0u8; 2048];
        loop {
            match rustix::io::read(&fd, &mut chunk) {
                Ok(count) => {
                    buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
                    // The kernel fills what it is given, but at the end of such a file.
                    if count < chunk.len() {
                        return Ok(());
                    }
                }
                Err(Errno::INTR) => {}
                Err(why) => return Err(why),
            }
            if buffer.len() >= FILE_LIMIT_BYTES {
                return Ok(());
            }
        }
    }

    /// The effective user of a process. The folder `/proc/PID` always belongs to it, other files there
    /// do not (proc_pid(5)), and asking for that costs a fraction of reading `/proc/PID/status`.
    pub(crate) fn user(&self, pid: u32) -> Option<u32> {
        let mut name = [0u8; NAME_BYTES];
        let stat = statat(&self.fd, path_of(pid, "", &mut name).ok()?, AtFlags::empty()).ok()?;
        Some(stat.st_uid)
    }

    /// Where a link of a process leads, such as `exe`.
    pub(crate) fn read_link(&self, pid: u32, link: &str) -> Result<Vec<u8>, Errno> {
        let mut name = [0u8; NAME_BYTES];
        let target = readlinkat(&self.fd, path_of(pid, link, &mut name)?, Vec::new())?;
        Ok(target.into_bytes())
    }

    /// Where a descriptor of a process leads; `None` if there is none, or it leads further than fits.
    pub(crate) fn read_descriptor<'a>(
        &self,
        pid: u32,
        fd: u32,
        target: &'a mut [MaybeUninit<u8>; 64],
    ) -> Option<&'a [u8]> {
        let mut name = [0u8; NAME_BYTES];
        let mut rest = name.as_mut_slice();
        write!(rest, "{pid}/fd/{fd}\0").ok()?;
        let path = CStr::from_bytes_until_nul(&name).ok()?;
        readlinkat_raw(&self.fd, path, target).ok().map(|(target, _)| &*target)
    }

    /// The folder of a process's open files, without a look into it.
    pub(crate) fn files_folder(&self, pid: u32) -> Option<FilesFolder> {
        let mut name = [0u8; NAME_BYTES];
        let stat = statat(&self.fd, path_of(pid, "fd", &mut name).ok()?, AtFlags::empty()).ok()?;
        Some(FilesFolder { inode: stat.st_ino, open_files: u64::try_from(stat.st_size).unwrap_or(0) })
    }

    /// Opens the folder of a process's open files; fails if this user may not look into it.
    pub(crate) fn open_files(&self, pid: u32) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(&self.fd, format!("{pid}/fd"), flags, Mode::empty())
    }
}

/// `PID/file` without an allocation, since it is asked for thousands of times a second.
fn path_of<'a>(pid: u32, file: &str, name: &'a mut [u8; NAME_BYTES]) -> Result<&'a CStr, Errno> {
    let mut rest = name.as_mut_slice();
    write!(rest, "{pid}/{file}\0").map_err(|_| Errno::NAMETOOLONG)?;
    CStr::from_bytes_until_nul(name).map_err(|_| Errno::NAMETOOLONG)
}
