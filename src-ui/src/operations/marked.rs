//! Text in which the words stand out that were looked for.

use leptos::prelude::*;
use protocol::operations::{Found, FoundIn, Operation, Piece, excerpt};
use protocol::text::{printable, printable_lines};

/// Pieces as text nodes, what was found in `<mark>`.
pub(crate) fn marked(pieces: Vec<Piece>, lines: bool) -> impl IntoView {
    let safe = move |text: &str| match lines {
        true => printable_lines(text).into_owned(),
        false => printable(text).into_owned(),
    };
    let piece = move |piece: Piece| match piece {
        Piece::Plain(text) => safe(&text).into_any(),
        Piece::Marked(text) => view! { <mark>{safe(&text)}</mark> }.into_any(),
    };
    pieces.into_iter().map(piece).collect_view()
}

/// Each field in which something was found, but those of the head, with its text.
pub(crate) fn found_in(operation: &Operation, found: &[Found]) -> Vec<(FoundIn, Vec<Piece>)> {
    let is_long = |field: FoundIn| {
        matches!(
            field,
            FoundIn::Output | FoundIn::Errors | FoundIn::Command | FoundIn::Journal(_) | FoundIn::Comment(_)
        )
    };
    let mut fields: Vec<FoundIn> =
        found.iter().map(|place| place.field).filter(|field| is_long(*field)).collect();
    fields.dedup();
    let pieces = |field| {
        let own: Vec<Found> = found.iter().filter(|place| place.field == field).copied().collect();
        let line = operation.excerpt(&own);
        (field, line.unwrap_or_else(|| excerpt("", &[])))
    };
    fields.into_iter().map(pieces).collect()
}
