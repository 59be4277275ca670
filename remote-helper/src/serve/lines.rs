//! Lines of the input, each within a limit, so that no peer can fill the memory of the host.

use std::io::{self, Read};

/// A command given to a shell is the longest a request can hold; the kernel allows 128 KiB for it,
/// and JSON may write each byte as six.
pub(super) const REQUEST_LIMIT_BYTES: usize = 1 << 20;

pub(super) struct LineReader<R> {
    input: R,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were searched already.
    searched: usize,
    skipping: bool,
}

impl<R: Read> LineReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), searched: 0, skipping: false }
    }

    /// The next line without its end; `None` for one that was too long. An error is the end of the
    /// input; a line that it cuts is no line.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut chunk = [0u8; 4096];
        loop {
            let fresh = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(end) = fresh.iter().position(|&b| b == b'\n') {
                let rest = self.buffer.split_off(self.searched + end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                self.searched = 0;
                if std::mem::take(&mut self.skipping) {
                    return Ok(None);
                }
                line.pop();
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > REQUEST_LIMIT_BYTES {
                self.buffer = Vec::new();
                self.searched = 0;
                self.skipping = true;
            }
            match self.input.read(&mut chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.buffer.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_a_cut_last_one_does_not() {
        let mut lines = LineReader::new(&b"one\n\ntwo\nthree"[..]);
        assert_eq!(lines.next_line().unwrap().unwrap(), b"one");
        assert_eq!(lines.next_line().unwrap().unwrap(), b"");
        assert_eq!(lines.next_line().unwrap().unwrap(), b"two");
        assert!(lines.next_line().is_err());
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_and_the_next_is_read() {
        let mut input = vec![b'x'; 3 * REQUEST_LIMIT_BYTES];
        input.extend_from_slice(b"\nnext\n");
        let mut lines = LineReader::new(input.as_slice());
        assert_eq!(lines.next_line().unwrap(), None);
        assert!(lines.buffer.capacity() < REQUEST_LIMIT_BYTES, "what was skipped is not kept");
        assert_eq!(lines.next_line().unwrap().unwrap(), b"next");
    }
}
