//! How a person has a table: the words it is filtered by, the choices beside them, the order. Pure; the
//! web view remembers it as one line for each table.
//!
//! The line may hold anything: who can write to the web view's storage, or an earlier or later version,
//! wrote it. What is not understood is as if it was not there, and nothing of it is run or drawn as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use protocol::text::printable;

use super::sort::Sort;

/// A longer line was not written here.
pub(crate) const LONGEST_LINE_BYTES: usize = 16 * 1024;
/// Longer words are no filter that somebody typed.
const LONGEST_WORDS: usize = 256;
const MOST_CHOICES: usize = 16;

#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(crate) struct View {
    text: String,
    /// Empty while the order is that of the table itself.
    column: String,
    descending: bool,
    choices: BTreeMap<String, String>,
}

/// Words that may stand in a field again: not too long, and each character visible.
pub(crate) fn is_fit(words: &str) -> bool {
    words.chars().count() <= LONGEST_WORDS && matches!(printable(words), Cow::Borrowed(_))
}

impl View {
    pub(crate) fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn parse_line(line: &str) -> View {
        if line.len() > LONGEST_LINE_BYTES {
            return View::default();
        }
        let mut view: View = serde_json::from_str(line).unwrap_or_default();
        if !is_fit(&view.text) {
            view.text.clear();
        }
        view.choices.retain(|name, value| is_fit(name) && is_fit(value));
        while view.choices.len() > MOST_CHOICES {
            view.choices.pop_last();
        }
        view
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn set_text(&mut self, text: &str) {
        self.text = if is_fit(text) { text.to_owned() } else { String::new() };
    }

    /// The order, if it is by a column that the table has.
    pub(crate) fn sort(&self, mut known: impl Iterator<Item = &'static str>) -> Option<Sort> {
        let column = known.find(|column| *column == self.column)?;
        Some(Sort { column, descending: self.descending })
    }

    pub(crate) fn set_sort(&mut self, sort: Sort) {
        sort.column.clone_into(&mut self.column);
        self.descending = sort.descending;
    }

    /// A choice beside the filter; empty where none was made.
    pub(crate) fn choice(&self, name: &str) -> &str {
        self.choices.get(name).map_or("", String::as_str)
    }

    /// The empty choice is the one that a table begins with, and is not kept.
    pub(crate) fn set_choice(&mut self, name: &str, value: &str) {
        if value.is_empty() || !is_fit(value) {
            self.choices.remove(name);
        } else {
            self.choices.insert(name.to_owned(), value.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 2] = ["name", "cpu"];

    fn sort(view: &View) -> Option<Sort> {
        view.sort(COLUMNS.into_iter())
    }

    #[test]
    fn filter_choices_and_order_are_remembered() {
        let mut view = View::default();
        view.set_text("nginx 网站");
        view.set_sort(Sort { column: "cpu", descending: true });
        view.set_choice("failed", "yes");
        view.set_choice("unit", "web.service");
        view.set_choice("unit", "");
        let back = View::parse_line(&view.to_line());
        assert_eq!(back, view);
        assert_eq!(back.text(), "nginx 网站");
        assert_eq!(sort(&back), Some(Sort { column: "cpu", descending: true }));
        assert_eq!((back.choice("failed"), back.choice("unit")), ("yes", ""));
    }

    #[test]
    fn a_line_of_anything_is_as_if_nothing_was_remembered() {
        let deep = "[".repeat(10_000);
        let long = format!("{{\"text\":\"{}\"}}", "x".repeat(LONGEST_LINE_BYTES));
        for line in ["", "nonsense", "null", "[]", "3", r#"{"text":3}"#, r#"{"choices":[1]}"#, &deep, &long] {
            let short: String = line.chars().take(40).collect();
            assert_eq!(View::parse_line(line), View::default(), "{short}");
        }
    }

    #[test]
    fn words_that_would_move_the_text_or_are_no_filter_are_left() {
        for text in ["a\\u001b[2J", "\\u202egnp.exe", "a\\nb", &"x".repeat(LONGEST_WORDS + 1)] {
            let view = View::parse_line(&format!(
                r#"{{"text":"{text}","choices":{{"unit":"{text}","{text}":"a"}}}}"#
            ));
            assert_eq!(view, View::default(), "{text}");
        }
        assert_eq!(
            View::parse_line(r#"{"text":"<img src=x onerror=alert(1)>"}"#).text().len(),
            28,
            "it is text"
        );
    }

    #[test]
    fn an_order_by_a_column_that_is_not_there_is_no_order() {
        let view = View::parse_line(r#"{"column":"from_the_future","descending":true,"text":"a"}"#);
        assert_eq!(sort(&view), None);
        assert_eq!(view.text(), "a", "the rest stands");
        assert_eq!(sort(&View::default()), None);
    }

    #[test]
    fn there_are_never_more_choices_than_a_table_could_have() {
        let many: Vec<String> = (0..500).map(|n| format!(r#""c{n:03}":"x""#)).collect();
        let view = View::parse_line(&format!(r#"{{"choices":{{{}}}}}"#, many.join(",")));
        assert_eq!(view.choices.len(), MOST_CHOICES);
        assert!(View::parse_line(&view.to_line()) == view);
    }

    #[test]
    fn what_is_set_is_held_to_the_same_rules() {
        let mut view = View::default();
        view.set_text("a\u{1b}b");
        view.set_choice("unit", "\u{202e}x");
        assert_eq!(view, View::default());
    }
}
