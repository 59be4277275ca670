//! Lines of a file, from a place backwards or onwards, in blocks: never the whole file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const BLOCK_BYTES: u64 = 64 << 10;
/// Of a longer line the rest is not kept.
const LINE_LIMIT_BYTES: usize = 64 << 10;

/// A whole line and where it lies.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub start: u64,
    /// After its line feed.
    pub end: u64,
    pub bytes: Vec<u8>,
}

/// Reads lines from the last to the first.
pub(super) struct Back {
    file: File,
    /// Bytes of the file from `at` on, up to the end of what was not given out.
    buffer: Vec<u8>,
    at: u64,
    end: u64,
}

impl Back {
    /// Begins before `end`. A last line without a line feed is still being written and left out.
    pub(super) fn new(file: File, end: u64) -> io::Result<Self> {
        let mut back = Self { file, buffer: Vec::new(), at: end, end };
        loop {
            if let Some(last) = back.buffer.iter().rposition(|&byte| byte == b'\n') {
                back.buffer.truncate(last + 1);
                back.end = back.at + last as u64 + 1;
                return Ok(back);
            }
            if back.at == 0 {
                back.buffer.clear();
                back.end = 0;
                return Ok(back);
            }
            back.buffer.clear();
            back.fill()?;
        }
    }

    /// The line before the last one given; `None` at the beginning of the file.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line>> {
        if self.end == 0 {
            return Ok(None);
        }
        // The line feed of this line; without it the search finds the one before.
        self.buffer.pop();
        loop {
            let found = self.buffer.iter().rposition(|&byte| byte == b'\n');
            if found.is_none() && self.at > 0 {
                self.buffer.truncate(LINE_LIMIT_BYTES);
                self.fill()?;
                continue;
            }
            let from = found.map_or(0, |found| found + 1);
            let mut bytes = self.buffer.split_off(from);
            bytes.truncate(LINE_LIMIT_BYTES);
            let line = Line { start: self.at + from as u64, end: self.end, bytes };
            self.end = line.start;
            return Ok(Some(line));
        }
    }

    /// Up to here nothing was given out.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Puts the block before what is there in front of it.
    fn fill(&mut self) -> io::Result<()> {
        let from = self.at.saturating_sub(BLOCK_BYTES);
        let length = usize::try_from(self.at - from).map_err(io::Error::other)?;
        let mut block = vec![0; length];
        self.file.read_exact_at(&mut block, from)?;
        block.append(&mut self.buffer);
        self.buffer = block;
        self.at = from;
        Ok(())
    }
}

/// Reads the whole lines from a place on, about as much as a block at a time.
pub(super) fn read_onward(file: &File, from: u64) -> io::Result<Vec<Line>> {
    let mut bytes = Vec::new();
    let mut block = vec![0; usize::try_from(BLOCK_BYTES).map_err(io::Error::other)?];
    let mut read_to = from;
    // To the end of the line that the block cuts.
    while !bytes.contains(&b'\n') {
        let count = file.read_at(&mut block, read_to)?;
        if count == 0 {
            return Ok(Vec::new());
        }
        // A line of any length is read over, but not kept.
        let keep = if bytes.len() > LINE_LIMIT_BYTES { 0 } else { count };
        let part = block.get(..count).unwrap_or_default();
        let feed = part.iter().position(|&byte| byte == b'\n');
        if keep == 0 {
            match feed {
                None => {
                    read_to += count as u64;
                    continue;
                }
                Some(feed) => {
                    let end = read_to + feed as u64 + 1;
                    bytes.truncate(LINE_LIMIT_BYTES);
                    return Ok(vec![Line { start: from, end, bytes }]);
                }
            }
        }
        bytes.extend_from_slice(part);
        read_to += count as u64;
    }
    let mut start = from;
    let mut lines = Vec::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let Some((b'\n', text)) = line.split_last() else { break };
        let end = start + line.len() as u64;
        let mut text = text.to_vec();
        text.truncate(LINE_LIMIT_BYTES);
        lines.push(Line { start, end, bytes: text });
        start = end;
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn file(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file
    }

    fn backwards(text: &[u8]) -> Vec<Vec<u8>> {
        let mut back = Back::new(file(text), text.len() as u64).unwrap();
        let mut lines = Vec::new();
        while let Some(line) = back.next_line().unwrap() {
            lines.push(line.bytes);
        }
        lines.reverse();
        lines
    }

    fn onwards(text: &[u8]) -> Vec<Vec<u8>> {
        let file = file(text);
        let (mut lines, mut from) = (Vec::new(), 0);
        loop {
            let read = read_onward(&file, from).unwrap();
            let Some(last) = read.last() else { return lines };
            from = last.end;
            lines.extend(read.into_iter().map(|line| line.bytes));
        }
    }

    #[test]
    fn a_line_that_is_still_written_is_left_out() {
        for read in [backwards, onwards] {
            assert_eq!(read(b"one\ntwo\nthr"), [b"one", b"two"]);
            assert_eq!(read(b"cut"), [b""; 0]);
            assert_eq!(read(b""), [b""; 0]);
            assert_eq!(read(b"\n\n"), [b"", b""]);
        }
    }

    #[test]
    fn a_line_longer_than_any_block_is_cut_and_its_neighbours_are_whole() {
        let long = vec![b'x'; 300_000];
        let text = [b"one\n", &long[..], b"\ntwo\n"].concat();
        for read in [backwards, onwards] {
            let lines = read(&text);
            assert_eq!(
                (lines.len(), lines[0].as_slice(), lines[2].as_slice()),
                (3, &b"one"[..], &b"two"[..])
            );
            assert_eq!(lines[1].len(), LINE_LIMIT_BYTES);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn both_ways_give_the_same_lines(lengths in prop::collection::vec(0usize..40_000, 0..12)) {
            let mut text = Vec::new();
            for (number, length) in lengths.iter().enumerate() {
                text.extend(std::iter::repeat_n(b'a' + number as u8, *length));
                text.push(b'\n');
            }
            let lines = backwards(&text);
            prop_assert_eq!(lines.len(), lengths.len());
            prop_assert_eq!(&lines, &onwards(&text));
            prop_assert!(lines.iter().zip(&lengths).all(|(line, length)| line.len() == *length));
        }
    }
}
