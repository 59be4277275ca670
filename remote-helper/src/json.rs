//! JSON as it goes out.
//!
//! A serializer writes pieces of a few bytes, millions of them for a large table, and the memcpy of
//! the helper's C library takes longer to begin than to copy such a piece. So short ones are written
//! byte by byte.

use std::io::{self, Write};

use serde::Serialize;

const SHORT_BYTES: usize = 16;

pub(crate) fn to_bytes(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut pieces = Pieces(Vec::with_capacity(1024));
    serde_json::to_writer(&mut pieces, value)?;
    Ok(pieces.0)
}

struct Pieces(Vec<u8>);

impl Write for Pieces {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if piece.len() > SHORT_BYTES {
            self.0.extend_from_slice(piece);
        } else {
            self.0.reserve(SHORT_BYTES);
            piece.iter().for_each(|&byte| self.0.push(byte));
        }
        Ok(piece.len())
    }

    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        self.write(piece).map(drop)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_every_length_come_out_as_they_are() {
        for length in 0..40 {
            let text = "é\"\n".repeat(length);
            assert_eq!(to_bytes(&text).unwrap(), serde_json::to_vec(&text).unwrap());
        }
    }
}
