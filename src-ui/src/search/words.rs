//! What the palette says beside its lines: what is wrong with a question, and what an answer leaves out.

use protocol::search::{BadTerms, FindAnswer, example};
use protocol::text::printable;

use crate::format::Lang;
use crate::text::{I18n, lang, t_string};

/// Names of hosts that are listed; the others are counted.
const NAMES_SHOWN: usize = 6;

/// What a question needs to have a meaning.
pub(super) fn bad_words(i18n: I18n, why: &BadTerms) -> String {
    let shown = |value: &str| printable(value).into_owned();
    match why {
        BadTerms::TooLong => t_string!(i18n, search.too_long).to_owned(),
        BadTerms::NoValue(key) => t_string!(i18n, search.no_value, key = *key, example = example(key)),
        BadTerms::NoPort(value) => t_string!(i18n, search.no_port, value = shown(value)),
        BadTerms::NoShare(value) => t_string!(i18n, search.no_share, value = shown(value)),
        BadTerms::NoAddress(value) => t_string!(i18n, search.no_address, value = shown(value)),
    }
}

/// How many of the hosts whose link is up have answered.
pub(super) fn answered_words(i18n: I18n, answer: &FindAnswer, is_over: bool) -> String {
    let (answered, live, ms) = (answer.answered, answer.live, answer.took_ms);
    if is_over || answer.waiting == 0 {
        t_string!(i18n, search.answered, answered = answered, live = live, ms = ms)
    } else {
        t_string!(i18n, search.answered_so_far, answered = answered, live = live, ms = ms)
    }
}

/// What may not be seen on the hosts, and is not among the rows.
pub(super) fn hidden_words(i18n: I18n, answer: &FindAnswer) -> Option<String> {
    let said = [
        (answer.owner_hidden > 0).then(|| t_string!(i18n, search.owner_hidden, count = answer.owner_hidden)),
        (answer.others_hidden > 0)
            .then(|| t_string!(i18n, search.others_hidden, count = answer.others_hidden)),
        (answer.unreadable > 0).then(|| t_string!(i18n, search.unreadable, count = answer.unreadable)),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    // Chinese sentences stand close.
    let between = if lang(i18n) == Lang::Chinese { "" } else { " " };
    (!said.is_empty()).then(|| said.join(between))
}

/// The hosts that could not be searched, by their names.
pub(super) fn unknown_words(i18n: I18n, unknown: &[String]) -> String {
    let shown = unknown.iter().take(NAMES_SHOWN).map(|name| printable(name).into_owned());
    let mut words = shown.collect::<Vec<_>>().join(", ");
    let more = unknown.len().saturating_sub(NAMES_SHOWN);
    if more > 0 {
        words = format!("{words} {}", t_string!(i18n, search.more, count = more as u64));
    }
    words
}
