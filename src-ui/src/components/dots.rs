//! The dots of a field for a secret: how each thing that a person does to them becomes an edit of the text that
//! they stand for.

/// What stands for one character.
pub(crate) const DOT: char = '\u{2022}';

/// As many dots as the text has characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dots {
    pub(crate) length: u32,
}

/// What a person does where the caret or the marked part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Insert(String),
    /// What is marked, else one character, or all up to an end: dots have no words and no lines.
    Erase {
        forward: bool,
        all: bool,
    },
}

/// Characters that go at a place, and what comes in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) at: u32,
    pub(crate) take_out: u32,
    pub(crate) text: String,
}

impl Change {
    /// By the names of Input Events Level 2; `None` for what a field for a secret does not do.
    pub(crate) fn of(kind: &str, data: Option<String>) -> Option<Self> {
        let erase = |forward, all| Some(Self::Erase { forward, all });
        match kind {
            "insertText" | "insertReplacementText" => data.map(Self::Insert),
            "deleteContent" | "deleteContentBackward" | "deleteByCut" => erase(false, false),
            "deleteContentForward" => erase(true, false),
            "deleteWordBackward" | "deleteSoftLineBackward" | "deleteHardLineBackward" => erase(false, true),
            "deleteWordForward" | "deleteSoftLineForward" | "deleteHardLineForward" => erase(true, true),
            _ => None,
        }
    }
}

impl Dots {
    /// The edit that a change makes where `from` to `to` is marked; `None` if it changes nothing.
    pub(crate) fn edit(self, change: Change, from: u32, to: u32) -> Option<Edit> {
        let to = to.min(self.length);
        let from = from.min(to);
        let (from, to, text) = match change {
            Change::Insert(text) => (from, to, text),
            Change::Erase { .. } if from < to => (from, to, String::new()),
            Change::Erase { forward, all } => {
                let (from, to) = match (forward, all) {
                    (false, false) => (from.saturating_sub(1), to),
                    (false, true) => (0, to),
                    (true, false) => (from, (to + 1).min(self.length)),
                    (true, true) => (from, self.length),
                };
                (from, to, String::new())
            }
        };
        (from < to || !text.is_empty()).then_some(Edit { at: from, take_out: to - from, text })
    }

    /// The edit that made `value` of the dots, with the caret behind it; `None` if they are as they were.
    pub(crate) fn settle(self, value: &str, caret: u32) -> Option<Edit> {
        let dots = |character: &char| *character == DOT;
        let all: Vec<char> = value.chars().collect();
        let foreign = all.iter().filter(|character| !dots(character)).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        if foreign == 0 {
            let left = count(all.len()).min(self.length);
            return (left < self.length).then(|| Edit {
                at: caret.min(left),
                take_out: self.length - left,
                text: String::new(),
            });
        }
        let before = all.iter().take_while(|character| dots(character)).count();
        let after = all.iter().rev().take_while(|character| dots(character)).count();
        let text: String = all.get(before..all.len() - after).unwrap_or_default().iter().collect();
        let at = count(before).min(self.length);
        let take_out = self.length - at - count(after).min(self.length - at);
        Some(Edit { at, take_out, text })
    }

    pub(crate) fn shown(self) -> String {
        std::iter::repeat_n(DOT, self.length as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(at: u32, take_out: u32, text: &str) -> Option<Edit> {
        Some(Edit { at, take_out, text: text.to_owned() })
    }

    #[test]
    fn what_a_person_does_becomes_an_edit() {
        let dots = Dots { length: 5 };
        let change = |kind: &str, data: Option<&str>, from, to| {
            dots.edit(Change::of(kind, data.map(str::to_owned)).unwrap(), from, to)
        };
        assert_eq!(change("insertText", Some("a"), 5, 5), edit(5, 0, "a"));
        assert_eq!(change("insertText", Some("家"), 1, 3), edit(1, 2, "家"));
        assert_eq!(change("insertText", Some("a"), 9, 12), edit(5, 0, "a"));
        assert_eq!(change("insertText", Some(""), 2, 2), None);
        assert_eq!(change("deleteContentBackward", None, 5, 5), edit(4, 1, ""));
        assert_eq!(change("deleteContentBackward", None, 0, 0), None);
        assert_eq!(change("deleteContentBackward", None, 0, 5), edit(0, 5, ""));
        assert_eq!(change("deleteContentForward", None, 2, 2), edit(2, 1, ""));
        assert_eq!(change("deleteContentForward", None, 5, 5), None);
        assert_eq!(change("deleteWordBackward", None, 3, 3), edit(0, 3, ""));
        assert_eq!(change("deleteWordForward", None, 3, 3), edit(3, 2, ""));
    }

    #[test]
    fn what_is_no_edit_of_a_secret_changes_nothing() {
        for kind in ["insertFromDrop", "insertFromPaste", "historyUndo", "historyRedo", "formatBold", "x"] {
            assert_eq!(Change::of(kind, Some("text".into())), None, "{kind}");
        }
    }

    #[test]
    fn what_came_past_the_edits_is_found_between_the_dots() {
        let dots = Dots { length: 3 };
        assert_eq!(dots.settle("•••", 9), None);
        assert_eq!(dots.settle("•••é", 9), edit(3, 0, "é"));
        assert_eq!(dots.settle("•家•", 9), edit(1, 1, "家"));
        assert_eq!(dots.settle("••ab•", 9), edit(2, 0, "ab"));
        assert_eq!(dots.settle("abc", 9), edit(0, 3, "abc"));
        assert_eq!(dots.settle("•", 9), edit(1, 2, ""));
        assert_eq!(dots.settle("", 9), edit(0, 3, ""));
        // What was marked in the middle, and was composed over in vain.
        assert_eq!(dots.settle("••", 1), edit(1, 1, ""));
        assert_eq!(Dots { length: 0 }.settle("x", 1), edit(0, 0, "x"));
        // Dots that a program put in beside them are no text.
        assert_eq!(dots.settle("•••••", 9), None);
        assert_eq!(dots.settle("••••x", 9), edit(3, 0, "x"));
    }
}
