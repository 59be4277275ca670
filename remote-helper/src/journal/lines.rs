//! Lines from a child's output as it comes, each within a limit.

/// A longer line is left out, and counted.
const LINE_LIMIT_BYTES: usize = 1 << 20;

#[derive(Default)]
pub(super) struct Lines {
    rest: Vec<u8>,
    skipping: bool,
}

impl Lines {
    /// Hands on each whole line, `None` for one that was too long.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut hand_on: impl FnMut(Option<&[u8]>)) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let (line, after) = (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..));
            bytes = after.unwrap_or_default();
            if std::mem::take(&mut self.skipping) || self.rest.len() + line.len() > LINE_LIMIT_BYTES {
                hand_on(None);
            } else if self.rest.is_empty() {
                hand_on(Some(line));
            } else {
                self.rest.extend_from_slice(line);
                hand_on(Some(&self.rest));
            }
            self.rest.clear();
        }
        if self.skipping || self.rest.len() + bytes.len() > LINE_LIMIT_BYTES {
            self.rest = Vec::new();
            self.skipping = true;
        } else {
            self.rest.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_come_in_and_one_too_long_is_told_once() {
        let mut long = vec![b'x'; 2 * LINE_LIMIT_BYTES];
        long.push(b'\n');
        let text = [b"one\n\ntw", &b"o\n"[..], &long, b"end\nrest"].concat();
        for step in [1 << 10, 16 << 10, text.len()] {
            let mut lines = Lines::default();
            let mut got = Vec::new();
            for part in text.chunks(step) {
                lines.feed(part, |line| got.push(line.map(<[u8]>::to_vec)));
            }
            let wanted = [Some(&b"one"[..]), Some(b""), Some(b"two"), None, Some(b"end")];
            assert_eq!(got.iter().map(Option::as_deref).collect::<Vec<_>>(), wanted, "{step}");
            assert!(lines.rest.capacity() <= 2 * LINE_LIMIT_BYTES);
        }
    }
}
