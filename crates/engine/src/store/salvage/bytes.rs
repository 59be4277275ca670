//! Reading what sled wrote, number by number. Every length is checked: the bytes may be damaged.

/// A place in some bytes; reading moves it on, `None` is past their end.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(length)?;
        self.0 = left;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, left) = self.0.split_first()?;
        self.0 = left;
        Some(*first)
    }

    /// A number of fixed length, the lowest byte first.
    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    /// A number that takes as many bytes as it needs; the first says how many.
    pub(super) fn number(&mut self) -> Option<u64> {
        Some(match self.byte()? {
            small @ 0..=240 => u64::from(small),
            high @ 241..=248 => 240 + 256 * (u64::from(high) - 241) + u64::from(self.byte()?),
            249 => 2288 + 256 * u64::from(self.byte()?) + u64::from(self.byte()?),
            length @ 250.. => {
                let mut wide = [0; 8];
                let taken = self.take(usize::from(length) - 247)?;
                wide[..taken.len()].copy_from_slice(taken);
                u64::from_le_bytes(wide)
            }
        })
    }

    /// Bytes behind their length.
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }
}
