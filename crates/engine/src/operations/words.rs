//! The words that are looked for in entries, and where they stand.
//!
//! Case does not count, in any alphabet, nor whether a letter is of full width, as an input method for
//! Chinese may write it: both the text and the word are folded before they are compared. A word may be a
//! part of a longer one, so that text without spaces, paths and addresses are found by any piece of them.

use memchr::memmem::Finder;
use protocol::operations::{Found, Operation};

/// No more places of an entry are named.
const PLACES: usize = 200;

/// Words that must all occur.
pub(super) struct Words {
    words: Vec<Finder<'static>>,
}

/// Folds one character.
fn folded(c: char) -> impl Iterator<Item = char> {
    let plain = match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    };
    plain.to_lowercase()
}

/// Adds the folded text.
pub(super) fn fold_into(text: &str, to: &mut String) {
    if text.is_ascii() {
        let from = to.len();
        to.push_str(text);
        to[from..].make_ascii_lowercase();
    } else {
        to.extend(text.chars().flat_map(folded));
    }
}

fn fold(text: &str) -> String {
    let mut to = String::with_capacity(text.len());
    fold_into(text, &mut to);
    to
}

impl Words {
    /// Words stand between spaces; a phrase with spaces stands in double quotes.
    pub(super) fn parse(text: &str) -> Self {
        let text = fold(text);
        let words = text.split('"').enumerate().flat_map(|(at, part)| {
            let phrase = (at % 2 == 1).then_some(part);
            let loose = if at % 2 == 0 { part } else { "" };
            phrase.into_iter().chain(loose.split_whitespace())
        });
        Self {
            words: words
                .filter(|word| !word.trim().is_empty())
                .map(|word| Finder::new(word).into_owned())
                .collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The folded words.
    pub(super) fn needles(&self) -> impl Iterator<Item = &[u8]> {
        self.words.iter().map(Finder::needle)
    }

    /// The word that is the least likely to be anywhere.
    pub(super) fn longest(&self) -> Option<&Finder<'static>> {
        self.words.iter().max_by_key(|word| word.needle().len())
    }

    /// Whether all of them are in text that was folded before.
    pub(super) fn all_in_bytes(&self, folded: &[u8]) -> bool {
        self.words.iter().all(|word| word.find(folded).is_some())
    }

    pub(super) fn all_in(&self, entry: &Operation) -> bool {
        if self.is_empty() {
            return true;
        }
        let mut missing: Vec<&Finder<'_>> = self.words.iter().collect();
        let mut buffer = String::new();
        for (_, text) in entry.texts() {
            buffer.clear();
            fold_into(text, &mut buffer);
            missing.retain(|word| word.find(buffer.as_bytes()).is_none());
            if missing.is_empty() {
                return true;
            }
        }
        false
    }

    /// Where they stand, field by field; places that touch or lie over each other are one.
    pub(super) fn found_in(&self, entry: &Operation) -> Vec<Found> {
        let mut found = Vec::new();
        for (field, text) in entry.texts() {
            let mut places: Vec<(usize, usize)> = Vec::new();
            let (folded, origin) = fold_with_origin(text);
            for word in &self.words {
                let ends = word.find_iter(folded.as_bytes()).map(|at| (at, at + word.needle().len()));
                places.extend(ends.map(|(from, to)| (origin[from], end_of(text, origin[to - 1]))));
            }
            places.sort_unstable();
            let mut joined: Vec<(usize, usize)> = Vec::new();
            for (from, to) in places {
                match joined.last_mut() {
                    Some((_, end)) if from <= *end => *end = to.max(*end),
                    _ => joined.push((from, to)),
                }
            }
            let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            found.extend(joined.into_iter().map(|(from, to)| Found {
                field,
                start: number(from),
                end: number(to),
            }));
            if found.len() >= PLACES {
                found.truncate(PLACES);
                break;
            }
        }
        found
    }
}

/// The folded text, and for each of its bytes where the character begins that it comes from.
fn fold_with_origin(text: &str) -> (String, Vec<usize>) {
    let mut to = String::with_capacity(text.len());
    let mut origin = Vec::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        to.extend(folded(c));
        origin.resize(to.len(), at);
    }
    (to, origin)
}

fn end_of(text: &str, start: usize) -> usize {
    start + text[start..].chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::OperationDraft;
    use crate::operations::entry;
    use proptest::prelude::*;
    use protocol::operations::{FoundIn, OperationKind};

    fn entry(target: &str, output: &str) -> Operation {
        let draft = OperationDraft::new(OperationKind::Command, None, target);
        Operation { output: output.into(), ..entry::begun(draft, "ann".into(), 1) }
    }

    fn found(query: &str, entry: &Operation) -> Vec<String> {
        let places = Words::parse(query).found_in(entry).into_iter();
        let text =
            |place: Found| &entry.text_of(place.field).unwrap()[place.start as usize..place.end as usize];
        places.map(text).map(str::to_owned).collect()
    }

    #[test]
    fn case_width_and_language_do_not_hide_a_word() {
        let entry = entry("NGINX.service", "Straße 服务已停止 ＥＲＲＯＲ İstanbul");
        assert_eq!(found("nginx", &entry), ["NGINX"]);
        assert_eq!(found("STRAßE", &entry), ["Straße"]);
        assert_eq!(found("服务", &entry), ["服务"]);
        assert_eq!(found("error", &entry), ["ＥＲＲＯＲ"]);
        assert_eq!(found("ｎｇｉｎｘ　停止", &entry), ["NGINX", "停止"]);
        assert_eq!(found("istanbul", &entry), Vec::<String>::new(), "the dot stays a dot");
        assert_eq!(found("nothing", &entry), Vec::<String>::new());
    }

    #[test]
    fn all_words_must_be_there_and_a_phrase_as_it_stands() {
        let entry = entry("a b", "address already in use");
        assert!(Words::parse("use address").all_in(&entry));
        assert!(!Words::parse("use nothing").all_in(&entry));
        assert!(Words::parse("\"already in\" a").all_in(&entry));
        assert!(!Words::parse("\"in already\"").all_in(&entry));
        assert!(Words::parse(" \"\" ").is_empty() && Words::parse("\"").is_empty());
        assert_eq!(Words::parse("dd res").found_in(&entry).len(), 1, "places that touch are one");
        assert_eq!(Words::parse("zz").found_in(&entry), []);
        assert_eq!(Words::parse("\"a b\"").found_in(&entry)[0].field, FoundIn::Target);
    }

    proptest! {
        #[test]
        fn every_place_is_a_piece_of_the_text(text in any::<String>(), from in any::<proptest::sample::Index>(), len in 1usize..5) {
            let chars: Vec<char> = text.chars().collect();
            prop_assume!(!chars.is_empty());
            let from = from.index(chars.len());
            let piece: String = chars[from..(from + len).min(chars.len())].iter().collect();
            let words = Words::parse(&piece);
            let entry = entry("", &text);
            prop_assert!(words.all_in(&entry), "a piece of a text is found in it");
            for place in words.found_in(&entry).iter().filter(|place| place.field == FoundIn::Output) {
                prop_assert!(!text[place.start as usize..place.end as usize].is_empty());
            }
        }
    }
}
