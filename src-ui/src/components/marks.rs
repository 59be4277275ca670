//! Letters that a query matched, set off from the rest of a text.

use protocol::sockets::Matched;
use protocol::text::printable;

/// Cuts a text into pieces that matched and pieces that did not. Positions count the characters
/// of the text as the host wrote it; each piece is made safe to show after the cut, so a
/// character that is shown by its code does not move the marks behind it.
pub(crate) fn pieces(text: &str, at: &[u32]) -> Vec<(String, bool)> {
    let mut pieces: Vec<(String, bool)> = Vec::new();
    let mut at = at.iter().peekable();
    for (position, c) in (0u32..).zip(text.chars()) {
        while at.next_if(|next| **next < position).is_some() {}
        let is_match = at.next_if_eq(&&position).is_some();
        match pieces.last_mut() {
            Some((piece, was_match)) if *was_match == is_match => piece.push(c),
            _ => pieces.push((c.to_string(), is_match)),
        }
    }
    for (piece, _) in &mut pieces {
        *piece = printable(piece).into_owned();
    }
    pieces
}

/// True if the query matched anything in a column, whose text may be another one than the cell's.
pub(crate) fn is_matched(matched: &[Matched], column: &str) -> bool {
    matched.iter().any(|m| m.column == column)
}

/// Positions that matched in a column.
pub(crate) fn matches<'a>(matched: &'a [Matched], column: &str) -> &'a [u32] {
    matched.iter().find(|m| m.column == column).map(|m| m.at.as_slice()).unwrap_or_default()
}

/// The text of a cell with its matched letters marked.
#[cfg(target_arch = "wasm32")]
pub(crate) fn marked(text: &str, at: &[u32]) -> leptos::prelude::AnyView {
    use leptos::prelude::*;
    if at.is_empty() {
        return printable(text).into_owned().into_any();
    }
    pieces(text, at)
        .into_iter()
        .map(|(piece, is_match)| match is_match {
            true => view! { <mark class="mark">{piece}</mark> }.into_any(),
            false => piece.into_any(),
        })
        .collect_view()
        .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, at: &[u32]) -> String {
        pieces(text, at).into_iter().map(|(piece, m)| if m { format!("<{piece}>") } else { piece }).collect()
    }

    #[test]
    fn matched_letters_are_marked_and_neighbours_share_one_mark() {
        assert_eq!(shown("nginx.service", &[0, 1, 4]), "<ng>in<x>.service");
        assert_eq!(shown("nginx", &[]), "nginx");
        assert_eq!(shown("", &[0]), "");
    }

    #[test]
    fn positions_count_characters_and_survive_what_is_shown_by_code() {
        assert_eq!(shown("服务nginx", &[2]), "服务<n>ginx");
        assert_eq!(shown("\u{1b}nx", &[1]), "\\x1b<n>x");
    }

    #[test]
    fn letters_behind_a_combining_character_are_marked_where_the_engine_found_them() {
        for text in ["cafe\u{301} nginx", "\u{1f469}\u{200d}\u{1f4bb} nginx", "e\u{301}nginx"] {
            let at = protocol::fuzzy::Fuzzy::new("ngx").letters(text, protocol::fuzzy::By::Letters);
            assert!(shown(text, &at).ends_with("<ng>in<x>"), "{}", shown(text, &at));
        }
    }

    #[test]
    fn positions_beyond_the_text_or_twice_do_no_harm() {
        assert_eq!(shown("ab", &[1, 1, 9]), "a<b>");
    }
}
