//! The query behind the filter fields: letters in their order, and which letters matched.
//!
//! A query is split at white space; every word must match some column of a row. Words match a
//! name by letters in order, and an address, port or PID only as written there, because `80` must
//! not find `8 0`. Nothing here knows what the columns mean.

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::sockets::Matched;

/// How a word may match a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Letters in order, with gaps.
    Letters,
    /// The word as a whole, somewhere.
    Text,
    /// The whole text and nothing less: a state, of which half a word is no name.
    Whole,
}

/// A column of a row: its name, its text, and how words match it.
pub struct Column<'a> {
    pub name: &'static str,
    pub text: &'a str,
    pub by: By,
}

/// A word of a query.
struct Word {
    by_letters: Atom,
    /// In lower case.
    chars: Vec<char>,
}

/// A query, ready to be held against many rows.
pub struct Fuzzy {
    words: Vec<Word>,
    matcher: Matcher,
    buffer: Vec<char>,
    at: Vec<u32>,
}

impl Fuzzy {
    pub fn new(text: &str) -> Self {
        let word = |word: &str| Word {
            by_letters: Atom::new(word, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy, false),
            chars: word.chars().map(lower).collect(),
        };
        Self {
            words: text.split_whitespace().map(word).collect(),
            matcher: Matcher::new(Config::DEFAULT),
            buffer: Vec::new(),
            at: Vec::new(),
        }
    }

    /// True if every row matches.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How well the row matches; `None` if some word matches nowhere. Costs less than to tell the letters.
    pub fn score(&mut self, columns: &[Column<'_>]) -> Option<u32> {
        let mut total = 0;
        for word in &self.words {
            let scores = columns.iter().filter_map(|column| match column.by {
                By::Letters => {
                    let text = characters(column.text, &mut self.buffer);
                    word.by_letters.score(text, &mut self.matcher).map(u32::from)
                }
                by => word.place(column.text, by).map(|at| word.score_at(at)),
            });
            total += scores.max()?;
        }
        Some(total)
    }

    /// The letters of one text that any word matches, in order.
    pub fn letters(&mut self, text: &str, by: By) -> Vec<u32> {
        let mut letters = Vec::new();
        for at in 0..self.words.len() {
            // What does not match adds nothing.
            let _ = self.judge_word(at, text, by);
            letters.append(&mut self.at);
        }
        letters.sort_unstable();
        letters.dedup();
        letters
    }

    /// How well the row matches, with the letters that did; `None` if some word matches nowhere.
    pub fn judge(&mut self, columns: &[Column<'_>]) -> Option<(u32, Vec<Matched>)> {
        let mut total = 0;
        let mut letters: Vec<Vec<u32>> = vec![Vec::new(); columns.len()];
        for at in 0..self.words.len() {
            let mut best = None;
            for (column, letters) in columns.iter().zip(&mut letters) {
                if let Some(score) = self.judge_word(at, column.text, column.by) {
                    letters.append(&mut self.at);
                    best = best.max(Some(score));
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

    /// How well a word matches a text; leaves the letters in `at`, and none if it does not.
    fn judge_word(&mut self, word: usize, text: &str, by: By) -> Option<u32> {
        self.at.clear();
        let word = &self.words[word];
        if by == By::Letters {
            let text = characters(text, &mut self.buffer);
            return word.by_letters.indices(text, &mut self.matcher, &mut self.at).map(u32::from);
        }
        let place = word.place(text, by)?;
        self.at.extend((0u32..).skip(place).take(word.chars.len()));
        Some(word.score_at(place))
    }
}

impl Word {
    /// Where the word stands in a text as it is written, in characters. The matcher's own search for a part of a
    /// text misses some that are there.
    fn place(&self, text: &str, by: By) -> Option<usize> {
        let count = self.chars.len();
        let is_here = |rest: &str| {
            let mut rest = rest.chars().map(lower);
            self.chars.iter().all(|c| rest.next() == Some(*c)) && (by != By::Whole || rest.next().is_none())
        };
        let starts = text.char_indices().map(|(at, _)| at).enumerate();
        let found =
            starts.filter(|(at, _)| by != By::Whole || *at == 0).find(|(_, start)| is_here(&text[*start..]));
        found.map(|(at, _)| at).filter(|_| count > 0)
    }

    /// As much as letters that stand together get, and more at the beginning.
    fn score_at(&self, place: usize) -> u32 {
        let letters = u32::try_from(self.chars.len()).unwrap_or(u32::MAX).saturating_mul(26);
        letters.saturating_add(if place == 0 { 10 } else { 0 })
    }
}

/// A text by its characters, so that positions count them: the matcher by itself would count what stands together,
/// such as a letter and its accent, as one.
fn characters<'t>(text: &'t str, buffer: &'t mut Vec<char>) -> Utf32Str<'t> {
    if text.is_ascii() {
        return Utf32Str::Ascii(text.as_bytes());
    }
    buffer.clear();
    buffer.extend(text.chars());
    Utf32Str::Unicode(buffer)
}

/// One character for one, so that positions count the characters of the text as it is.
fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
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
    fn a_part_of_a_text_is_found_wherever_it_stands() {
        let by_text = |text| [Column { name: "address", text, by: By::Text }];
        for (word, text, at) in [
            ("10.lan", "web-10.lan", 4),
            ("0.lan", "web-10.lan", 5),
            ("LAN", "web-10.lan", 7),
            ("2.11", "192.0.2.11", 6),
            ("\u{e9}t", "caf\u{c9}t\u{e9}", 3),
        ] {
            let (_, matched) = Fuzzy::new(word).judge(&by_text(text)).unwrap();
            let letters: Vec<u32> = (at..).take(word.chars().count()).collect();
            assert_eq!(matched, [Matched { column: "address".into(), at: letters }], "{word} in {text}");
        }
        for (word, text) in [("10.lan", "web-1.lan"), ("lan", "la"), ("a", "")] {
            assert_eq!(Fuzzy::new(word).score(&by_text(text)), None, "{word} in {text}");
        }
    }

    #[test]
    fn a_state_is_found_by_its_whole_name() {
        let state = [Column { name: "state", text: "live", by: By::Whole }];
        assert!(Fuzzy::new("LIVE").score(&state).is_some());
        for word in ["liv", "ive", "lively"] {
            assert_eq!(Fuzzy::new(word).score(&state), None, "{word}");
        }
    }

    #[test]
    fn a_score_and_the_letters_of_a_text_are_those_of_the_whole_judgement() {
        let row = columns("nginx-proxy", "8443");
        let (score, matched) = Fuzzy::new("ngp 443").judge(&row).unwrap();
        let mut fuzzy = Fuzzy::new("ngp 443");
        assert_eq!(fuzzy.score(&row), Some(score));
        assert_eq!(fuzzy.letters("nginx-proxy", By::Letters), matched[0].at);
        assert_eq!(fuzzy.letters("8443", By::Text), matched[1].at);
        assert_eq!(fuzzy.letters("other", By::Letters), Vec::<u32>::new());
        assert_eq!(Fuzzy::new("ngp 22").score(&row), None);
        assert_eq!(Fuzzy::new("").score(&row), Some(0));
    }

    #[test]
    fn chinese_text_is_found_by_character() {
        assert!(Fuzzy::new("服务").judge(&columns("数据服务", "")).is_some());
    }

    #[test]
    fn letters_are_told_by_their_characters_whatever_is_set_above_them() {
        let at = |text: &str| Fuzzy::new("ngx").letters(text, By::Letters);
        assert_eq!(at("nginx"), [0, 1, 4]);
        // An accent of its own, a sign of several characters, and two characters that stand as one.
        assert_eq!(at("cafe\u{301} nginx"), [6, 7, 10]);
        assert_eq!(at("\u{1f469}\u{200d}\u{1f4bb} nginx"), [4, 5, 8]);
        assert_eq!(at("\u{670d}\u{52a1} nginx"), [3, 4, 7]);
        let (_, matched) = Fuzzy::new("ngx").judge(&columns("e\u{301}nginx", "")).unwrap();
        assert_eq!(matched[0].at, [2, 3, 6], "and the same where a row is judged");
    }
}
