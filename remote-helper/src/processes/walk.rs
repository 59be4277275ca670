//! The walk over `/proc`: one open folder, one buffer, no allocation per process.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, statat};

use crate::error::Error;

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
        buffer.clear();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let Ok(fd) = openat(&self.fd, format!("{pid}/{file}"), flags, Mode::empty()) else { return false };
        let mut chunk = [0u8; 2048];
        loop {
            match rustix::io::read(&fd, &mut chunk) {
                Ok(0) => return !buffer.is_empty(),
                Ok(count) => buffer.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return false,
            }
            if buffer.len() >= 64 << 10 {
                return true;
            }
        }
    }

    /// Number of open files of a process: since Linux 6.2 the size of its `fd` folder, before 0.
    pub(crate) fn count_open_files(&self, pid: u32) -> Option<u64> {
        let stat = statat(&self.fd, format!("{pid}/fd"), AtFlags::empty()).ok()?;
        u64::try_from(stat.st_size).ok()
    }

    /// Opens the folder of a process's open files; fails if this user may not look into it.
    pub(crate) fn open_files(&self, pid: u32) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(&self.fd, format!("{pid}/fd"), flags, Mode::empty())
    }
}
