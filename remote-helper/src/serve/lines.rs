//! Lines of the input, each within a limit, so that no peer can fill the memory of the host.

use std::io::{self, Read};

use protocol::wire::REQUEST_LIMIT_BYTES;

/// Of a line that is skipped, as much is kept as tells who asked.
const BEGIN_BYTES: usize = 40;

/// A line of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// Without its end.
    Line(Vec<u8>),
    /// It was longer than a request may be and was skipped; `id` is that of the request if it began
    /// with one, else 0.
    TooLong { id: u64 },
}

pub(super) struct LineReader<R> {
    input: R,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were searched already.
    searched: usize,
    /// Id in the line that is being skipped.
    skipping: Option<u64>,
}

impl<R: Read> LineReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), searched: 0, skipping: None }
    }

    /// The next line. An error is the end of the input; a line that it cuts is no line.
    pub(super) fn next_line(&mut self) -> io::Result<Given> {
        let mut chunk = [0u8; 4096];
        loop {
            let fresh = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(end) = fresh.iter().position(|&b| b == b'\n') {
                let rest = self.buffer.split_off(self.searched + end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                self.searched = 0;
                if let Some(id) = self.skipping.take() {
                    return Ok(Given::TooLong { id });
                }
                line.pop();
                if line.len() > REQUEST_LIMIT_BYTES {
                    return Ok(Given::TooLong { id: parse_id(&line) });
                }
                return Ok(Given::Line(line));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > REQUEST_LIMIT_BYTES {
                self.skipping = Some(self.skipping.unwrap_or_else(|| parse_id(&self.buffer)));
                self.buffer = Vec::new();
                self.searched = 0;
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

/// The id with which a request begins; 0 if it begins in another way.
fn parse_id(line: &[u8]) -> u64 {
    let begin = line.get(..BEGIN_BYTES).unwrap_or(line).trim_ascii_start();
    let Some(rest) = begin.strip_prefix(b"{").map(<[u8]>::trim_ascii_start) else { return 0 };
    let Some(rest) = rest.strip_prefix(br#""id""#).map(<[u8]>::trim_ascii_start) else { return 0 };
    let Some(rest) = rest.strip_prefix(b":").map(<[u8]>::trim_ascii_start) else { return 0 };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(rest.get(..digits).unwrap_or_default())
        .ok()
        .and_then(|id| id.parse().ok())
        .unwrap_or(0)
}

/// What holds whatever is sent. The first byte tells how much comes at once.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn check(bytes: &[u8]) {
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(to.len());
            let (now, rest) = self.0.split_at(count);
            to.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            self.0 = rest;
            Ok(count)
        }
    }

    let Some((&piece, input)) = bytes.split_first() else { return };
    // What begins as a request and never ends is skipped with its number.
    let mut inputs = vec![input.to_vec()];
    if piece == 3 {
        inputs.push([input, &[b'x'; REQUEST_LIMIT_BYTES], b"\n", input].concat());
    }
    for input in &inputs {
        let mut lines = LineReader::new(Pieces(input, usize::from(piece) * 16 + 1));
        let mut given = Vec::new();
        while let Ok(line) = lines.next_line() {
            given.push(line);
        }
        let expected =
            input.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n"));
        let expected: Vec<Given> = expected
            .map(|line| match line.len() > REQUEST_LIMIT_BYTES {
                true => Given::TooLong { id: parse_id(line) },
                false => Given::Line(line.to_vec()),
            })
            .collect();
        assert_eq!(given, expected, "every whole line comes, once and in order");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &[u8]) -> Given {
        Given::Line(text.to_vec())
    }

    #[test]
    fn lines_come_one_by_one_and_a_cut_last_one_does_not() {
        let mut lines = LineReader::new(&b"one\n\ntwo\nthree"[..]);
        for text in [&b"one"[..], b"", b"two"] {
            assert_eq!(lines.next_line().unwrap(), line(text));
        }
        assert!(lines.next_line().is_err());
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_with_its_id_and_the_next_is_read() {
        let begins = [
            ("", 0),
            (r#"{"id":17,"#, 17),
            (r#"{ "id" : 8 ,"#, 8),
            (r#"{"id":-1"#, 0),
            (r#"{"id":99999999999999999999"#, 0),
        ];
        for (begin, id) in begins {
            for bytes in [REQUEST_LIMIT_BYTES + 1, 3 * REQUEST_LIMIT_BYTES] {
                let mut input = begin.as_bytes().to_vec();
                input.resize(bytes, b'x');
                input.extend_from_slice(b"\nnext\n");
                let mut lines = LineReader::new(input.as_slice());
                assert_eq!(lines.next_line().unwrap(), Given::TooLong { id });
                assert!(lines.buffer.capacity() < REQUEST_LIMIT_BYTES, "what was skipped is not kept");
                assert_eq!(lines.next_line().unwrap(), line(b"next"));
            }
        }
    }
}
