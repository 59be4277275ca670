//! `printable`: text of a host made safe to show.
//!
//! A process may be named with an escape sequence, a unit description may turn the reading
//! direction round. Whatever comes from a host passes here before a person sees it in a terminal
//! or a log; the window does the same for the bidirectional marks.

use std::borrow::Cow;

/// True for a character that would act on a terminal or on the order of the text.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{00AD}' | '\u{061C}' | '\u{FEFF}')
}

/// Shows control characters and direction marks by their code (`\x1b`, `\u{202e}`), the rest as is.
pub fn printable(text: &str) -> Cow<'_, str> {
    shown(text, |_| false)
}

/// The same for text of several lines: line feeds and tabs stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    shown(text, |c| c == '\n' || c == '\t')
}

fn shown(text: &str, keeps: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| is_unsafe(c) && !keeps(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if keeps(c) || !is_unsafe(c) => out.push(c),
            c if (c as u32) < 0x100 => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_and_direction_marks_are_shown_by_code() {
        assert_eq!(printable("\u{1b}]52;c;x\u{7}"), "\\x1b]52;c;x\\x07");
        assert_eq!(printable("web\u{202e}1"), "web\\u{202e}1");
        assert_eq!(printable("sshd: 服务"), "sshd: 服务");
        assert_eq!(printable_lines("a\n\tb\r"), "a\n\tb\\x0d");
    }

    proptest! {
        #[test]
        fn nothing_that_acts_on_a_terminal_is_left(text in any::<String>()) {
            prop_assert!(!printable(&text).chars().any(is_unsafe));
        }
    }
}
