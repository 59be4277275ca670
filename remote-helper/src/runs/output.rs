//! Output of a command, kept head and tail.

use protocol::runs::Output;

use crate::children::Sink;
use crate::root::lossy;

/// Kept of the beginning, and as much again of the end.
const KEPT_BYTES: usize = 64 << 10;

#[derive(Debug, Default)]
pub(super) struct HeadTail {
    head: Vec<u8>,
    tail: Vec<u8>,
    bytes: u64,
}

impl Sink for HeadTail {
    fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        let room = (KEPT_BYTES - self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at(room);
        self.head.extend_from_slice(first);
        self.tail.extend_from_slice(rest);
        // Cut seldom, so that a byte is moved at most once for each it makes room for.
        if self.tail.len() > 2 * KEPT_BYTES {
            self.tail.drain(..self.tail.len() - KEPT_BYTES);
        }
    }
}

impl HeadTail {
    pub(super) fn finish(mut self) -> Output {
        let past_head = self.bytes - self.head.len() as u64;
        if past_head <= KEPT_BYTES as u64 {
            self.head.append(&mut self.tail);
            return Output {
                head: lossy(self.head),
                tail: String::new(),
                bytes: self.bytes,
                left_out_bytes: 0,
            };
        }
        let over = self.tail.len().saturating_sub(KEPT_BYTES);
        self.tail.drain(..over);
        // A character cut in two is left out whole.
        self.head.truncate(self.head.len() - cut_char_at_end(&self.head));
        let cut = self.tail.iter().take(3).take_while(|&&b| b & 0xC0 == 0x80).count();
        self.tail.drain(..cut);
        let left_out_bytes = self.bytes - (self.head.len() + self.tail.len()) as u64;
        Output { head: lossy(self.head), tail: lossy(self.tail), bytes: self.bytes, left_out_bytes }
    }
}

/// Bytes at the end that begin a UTF-8 character and do not finish it.
fn cut_char_at_end(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(4);
    let end = bytes.get(from..).unwrap_or_default();
    match std::str::from_utf8(end) {
        Err(bad) if bad.error_len().is_none() => end.len() - bad.valid_up_to(),
        Ok(_) | Err(_) => {
            // The window itself may begin inside a character.
            let skip = end.iter().take_while(|&&b| b & 0xC0 == 0x80).count();
            match std::str::from_utf8(end.get(skip..).unwrap_or_default()) {
                Err(bad) if bad.error_len().is_none() => end.len() - skip - bad.valid_up_to(),
                Ok(_) | Err(_) => 0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keep(parts: &[&[u8]]) -> Output {
        let mut kept = HeadTail::default();
        parts.iter().for_each(|part| kept.take(part));
        kept.finish()
    }

    #[test]
    fn what_fits_is_kept_whole() {
        let text = "服务".repeat(20_000);
        let output = keep(&[text.as_bytes()]);
        assert_eq!(
            (output.head.as_str(), output.tail.as_str(), output.left_out_bytes),
            (text.as_str(), "", 0)
        );
    }

    #[test]
    fn a_character_is_never_cut_in_two() {
        let text = "服".repeat(100_000);
        for lead in 0..3 {
            let mut bytes = vec![b'x'; lead];
            bytes.extend_from_slice(text.as_bytes());
            let output = keep(&[&bytes]);
            assert!(!output.head.contains('\u{fffd}') && !output.tail.contains('\u{fffd}'), "lead {lead}");
            assert_eq!(output.bytes, bytes.len() as u64);
            assert_eq!(output.left_out_bytes + (output.head.len() + output.tail.len()) as u64, output.bytes);
        }
    }

    proptest! {
        #[test]
        fn the_sizes_add_up_however_the_output_comes_in(sizes in prop::collection::vec(0usize..90_000, 0..8)) {
            let block = vec![b'a'; 90_000];
            let parts: Vec<&[u8]> = sizes.iter().map(|&size| &block[..size]).collect();
            let output = keep(&parts);
            let all: usize = sizes.iter().sum();
            prop_assert_eq!(output.bytes, all as u64);
            prop_assert_eq!(output.left_out_bytes + (output.head.len() + output.tail.len()) as u64, output.bytes);
            prop_assert!(output.head.len() + output.tail.len() <= 2 * KEPT_BYTES);
        }
    }
}
