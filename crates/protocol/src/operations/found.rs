//! Where the words stand that were looked for, and the piece of text around them.

use serde::{Deserialize, Serialize};

use super::Operation;

/// A place in an entry where a word stands that was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub field: FoundIn,
    /// In bytes of the field's text.
    pub start: u32,
    pub end: u32,
}

/// The texts of an entry that are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundIn {
    Target,
    Command,
    Summary,
    Operator,
    HostName,
    HostAddress,
    Output,
    Errors,
    /// The line of the journal by its place in the list.
    Journal(u32),
    /// The comment by its place in the list.
    Comment(u32),
}

impl Operation {
    /// The texts that are searched, each with its name.
    pub fn texts(&self) -> impl Iterator<Item = (FoundIn, &str)> {
        let host = self.host.as_ref();
        [
            (FoundIn::Target, self.target.as_str()),
            (FoundIn::Command, &self.command),
            (FoundIn::Summary, &self.summary),
            (FoundIn::Operator, &self.operator),
        ]
        .into_iter()
        .chain(host.map(|host| (FoundIn::HostName, host.name.as_str())))
        .chain(host.map(|host| (FoundIn::HostAddress, host.address.as_str())))
        .chain([(FoundIn::Output, self.output.as_str()), (FoundIn::Errors, &self.errors)])
        .chain((0..).zip(&self.journal).map(|(at, line)| (FoundIn::Journal(at), line.as_str())))
        .chain((0..).zip(&self.comments).map(|(at, comment)| (FoundIn::Comment(at), comment.text.as_str())))
    }

    /// The text of a field that `texts` named.
    pub fn text_of(&self, field: FoundIn) -> Option<&str> {
        self.texts().find_map(|(name, text)| (name == field).then_some(text))
    }
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Plain(String),
    /// What was looked for.
    Marked(String),
}

/// Before and after the first place, so many characters are shown.
const BEFORE_CHARS: usize = 32;
const AFTER_CHARS: usize = 96;

impl Operation {
    /// One line around the first place that was found outside of what a list shows anyway.
    pub fn excerpt(&self, found: &[Found]) -> Option<Vec<Piece>> {
        let is_shown = |place: &&Found| {
            !matches!(place.field, FoundIn::Target | FoundIn::Operator | FoundIn::HostName | FoundIn::Summary)
        };
        let first = found.iter().find(is_shown).or(found.first())?;
        let places = found.iter().filter(|place| place.field == first.field);
        Some(line_of(self.text_of(first.field)?, &places.map(range).collect::<Vec<_>>()))
    }
}

fn range(place: &Found) -> (usize, usize) {
    (place.start as usize, place.end as usize)
}

/// A text in pieces; places that are not of this text are passed over.
pub fn excerpt(text: &str, places: &[(usize, usize)]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut from = 0;
    let plain = |pieces: &mut Vec<Piece>, part: &str| {
        if !part.is_empty() {
            pieces.push(Piece::Plain(part.to_owned()));
        }
    };
    for &(start, end) in places {
        let (Some(before), Some(marked)) = (text.get(from..start), text.get(start..end)) else { continue };
        plain(&mut pieces, before);
        if !marked.is_empty() {
            pieces.push(Piece::Marked(marked.to_owned()));
        }
        from = end;
    }
    plain(&mut pieces, text.get(from..).unwrap_or_default());
    pieces
}

/// The part of a text's line around the first place.
fn line_of(text: &str, places: &[(usize, usize)]) -> Vec<Piece> {
    let Some((first, first_end)) = places.first().copied() else { return excerpt(text, &[]) };
    let (Some(before), Some(after)) = (text.get(..first), text.get(first_end..)) else { return Vec::new() };
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let start = before.char_indices().rev().map(|(at, _)| at).nth(BEFORE_CHARS - 1).unwrap_or(0).max(line);
    let line_end = after.find('\n').unwrap_or(after.len());
    let end = after.char_indices().map(|(at, _)| at).nth(AFTER_CHARS).unwrap_or(after.len()).min(line_end);
    let end = first_end + end;
    let within: Vec<_> =
        places.iter().filter(|(_, to)| *to <= end).map(|(from, to)| (from - start, to - start)).collect();
    let mut pieces = excerpt(&text[start..end], &within);
    if start > line {
        pieces.insert(0, Piece::Plain("…".into()));
    }
    if end < first_end + line_end {
        pieces.push(Piece::Plain("…".into()));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(text: &str) -> Piece {
        Piece::Marked(text.into())
    }

    fn plain(text: &str) -> Piece {
        Piece::Plain(text.into())
    }

    #[test]
    fn the_line_around_the_first_place_is_cut_to_what_fits() {
        let text = format!("first\n{}磁盘空间不足, 磁盘{}\nlast", "a".repeat(40), "z".repeat(120));
        let at = text.find("磁盘").unwrap();
        let second = text.rfind("磁盘").unwrap();
        let pieces = line_of(&text, &[(at, at + 6), (second, second + 6)]);
        assert_eq!(pieces[..3], [plain("…"), plain(&"a".repeat(32)), marked("磁盘")]);
        assert_eq!(pieces[3..5], [plain("空间不足, "), marked("磁盘")]);
        assert_eq!(pieces.last(), Some(&plain("…")));
        assert_eq!(line_of("x", &[(0, 1)]), [marked("x")]);
        assert_eq!(excerpt("磁盘", &[(1, 2), (0, 99)]), [plain("磁盘")], "places of another text do nothing");
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_text(text in any::<String>(), places in prop::collection::vec((0usize..40, 0usize..40), 0..4)) {
            let whole: String = excerpt(&text, &places)
                .into_iter()
                .map(|piece| match piece { Piece::Plain(part) | Piece::Marked(part) => part })
                .collect();
            prop_assert_eq!(whole, text.clone());
            let _ = line_of(&text, &places);
        }
    }
}
