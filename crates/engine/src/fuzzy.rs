//! The query behind the filter fields: letters in their order, and which letters matched.
//!
//! A query is split at white space; every word must match some column of a row. Words match a
//! name by letters in order, and an address, port or PID only as written there, because `80` must
//! not find `8 0`. Nothing here knows what the columns mean.

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use protocol::sockets::Matched;

/// How a word may match a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Letters in order, with gaps.
    Letters,
    /// The word as a whole, somewhere.
    Text,
    /// The whole text and nothing less: a state, of which half a word is no name.
    Whole,
}

/// A column of a row: its name, its text, and how words match it.
pub(crate) struct Column<'a> {
    pub(crate) name: &'static str,
    pub(crate) text: &'a str,
    pub(crate) by: By,
}

/// A query, ready to be held against many rows.
pub(crate) struct Fuzzy {
    words: Vec<[Atom; 3]>,
    matcher: Matcher,
    buffer: Vec<char>,
    at: Vec<u32>,
}

impl Fuzzy {
    pub(crate) fn new(text: &str) -> Self {
        let atom =
            |word: &str, kind| Atom::new(word, CaseMatching::Ignore, Normalization::Smart, kind, false);
        Self {
            words: text
                .split_whitespace()
                .map(|word| {
                    [AtomKind::Fuzzy, AtomKind::Substring, AtomKind::Exact].map(|kind| atom(word, kind))
                })
                .collect(),
            matcher: Matcher::new(Config::DEFAULT),
            buffer: Vec::new(),
            at: Vec::new(),
        }
    }

    /// True if every row matches.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How well the row matches, with the letters that did; `None` if some word matches nowhere.
    pub(crate) fn judge(&mut self, columns: &[Column<'_>]) -> Option<(u32, Vec<Matched>)> {
        let mut total = 0;
        let mut letters: Vec<Vec<u32>> = vec![Vec::new(); columns.len()];
        for [fuzzy, substring, exact] in &self.words {
            let mut best = None;
            for (column, letters) in columns.iter().zip(&mut letters) {
                let atom = match column.by {
                    By::Letters => fuzzy,
                    By::Text => substring,
                    By::Whole => exact,
                };
                let text = Utf32Str::new(column.text, &mut self.buffer);
                self.at.clear();
                if let Some(score) = atom.indices(text, &mut self.matcher, &mut self.at) {
                    letters.extend_from_slice(&self.at);
                    best = best.max(Some(u32::from(score)));
                }
            }
            total += best?;
        }
        let matched = columns
            .iter()
            .zip(letters)
            .filter(|(_, letters)| !letters.is_empty())
            .map(|(column, mut at)| {
                at.sort_unstable();
                at.dedup();
                Matched { column: column.name.to_owned(), at }
            })
            .collect();
        Some((total, matched))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns<'a>(program: &'a str, port: &'a str) -> [Column<'a>; 2] {
        [
            Column { name: "program", text: program, by: By::Letters },
            Column { name: "port", text: port, by: By::Text },
        ]
    }

    #[test]
    fn letters_in_order_find_a_name_and_are_told() {
        let (_, matched) = Fuzzy::new("ngx").judge(&columns("nginx", "443")).unwrap();
        assert_eq!(matched, [Matched { column: "program".into(), at: vec![0, 1, 4] }]);
    }

    #[test]
    fn a_number_is_found_only_as_written() {
        assert!(Fuzzy::new("80").judge(&columns("nginx", "8080")).is_some());
        assert!(Fuzzy::new("43").judge(&columns("nginx", "4003")).is_none(), "4003 does not hold 43");
    }

    #[test]
    fn every_word_must_match_and_the_closer_name_scores_more() {
        assert!(Fuzzy::new("nginx 443").judge(&columns("nginx", "443")).is_some());
        assert!(Fuzzy::new("nginx 22").judge(&columns("nginx", "443")).is_none());
        let near = Fuzzy::new("nginx").judge(&columns("nginx", "")).unwrap().0;
        let far = Fuzzy::new("nginx").judge(&columns("logging-proxy-unix", ""));
        assert!(far.is_none_or(|(score, _)| score < near));
    }

    #[test]
    fn chinese_text_is_found_by_character() {
        assert!(Fuzzy::new("服务").judge(&columns("数据服务", "")).is_some());
    }
}
