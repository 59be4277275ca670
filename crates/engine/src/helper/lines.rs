//! lines: one line at a time from a stream that may send anything.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// Room for so much is there whenever something is read, and more as a line grows. Each host that is
/// connected holds it all the time.
const CHUNK_BYTES: usize = 8 << 10;
/// A buffer that grew beyond this for a long line is given back.
const KEPT_BYTES: usize = 16 << 10;

pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    /// Start of what was not given out yet.
    start: usize,
    /// Up to here there is no line feed.
    searched: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), start: 0, searched: 0 }
    }

    /// The next line without its line feed; `None` at the end. A rest without a line feed is the
    /// last line. Safe to drop and call again.
    ///
    /// # Errors
    /// `InvalidData` if a line is longer than `limit` bytes, or what the stream says.
    pub(super) async fn next(&mut self, limit: usize) -> io::Result<Option<Vec<u8>>> {
        loop {
            let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', unsearched) {
                let end = self.searched + at;
                let line = self.buffer.get(self.start..end).unwrap_or_default().to_vec();
                self.start = end + 1;
                self.searched = self.start;
                if line.len() > limit {
                    return Err(too_long(limit));
                }
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.searched - self.start > limit {
                return Err(too_long(limit));
            }
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
            if self.buffer.is_empty() && self.buffer.capacity() > KEPT_BYTES {
                self.buffer = Vec::new();
            }
            self.buffer.reserve(CHUNK_BYTES);
            if self.input.read_buf(&mut self.buffer).await? == 0 {
                let rest = std::mem::take(&mut self.buffer);
                self.searched = 0;
                return Ok((!rest.is_empty()).then_some(rest));
            }
        }
    }
}

fn too_long(limit: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a line is longer than {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_whole_and_the_rest_is_the_last() {
        let mut lines = Lines::new(&b"one\n\ntwo\nrest"[..]);
        for line in [&b"one"[..], b"", b"two", b"rest"] {
            assert_eq!(lines.next(10).await.unwrap().unwrap(), line);
        }
        assert_eq!(lines.next(10).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_line_without_end_is_refused_at_its_limit() {
        let mut lines = Lines::new(tokio::io::repeat(b'x'));
        let why = lines.next(1 << 20).await.unwrap_err();
        assert_eq!(why.kind(), io::ErrorKind::InvalidData);
        assert!(lines.buffer.capacity() < 4 << 20, "memory stays near the limit");
    }

    #[tokio::test]
    async fn a_long_line_leaves_no_large_buffer_behind() {
        let (mut to, from) = tokio::io::duplex(64 << 10);
        let mut lines = Lines::new(from);
        let long = "x".repeat(600 << 10) + "\n";
        let write = tokio::io::AsyncWriteExt::write_all(&mut to, long.as_bytes());
        let (written, line) = tokio::join!(write, lines.next(1 << 20));
        written.unwrap();
        assert_eq!(line.unwrap().unwrap().len(), 600 << 10);
        let waits = tokio::time::timeout(std::time::Duration::from_millis(10), lines.next(1 << 20)).await;
        assert!(waits.is_err(), "nothing more was sent");
        assert!(lines.buffer.capacity() <= KEPT_BYTES, "{} bytes", lines.buffer.capacity());
    }
}
