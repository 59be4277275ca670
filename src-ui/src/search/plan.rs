//! What a text in the palette means, and where what was found leads. Pure, so that it is tested
//! natively.

use protocol::Fault;
use protocol::search::{FindRow, Found, KEYS, Term, parse_terms};

use crate::hosts::host_path;

/// What a text asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Plan {
    /// Nothing yet: what is at hand is offered.
    Nothing,
    /// Hosts, pages and actions by these words.
    Words(String),
    /// Actions alone, by what stands behind the `>`.
    Actions(String),
    /// A question over all hosts.
    Question(Vec<Term>),
    /// A question that is not finished, or has no meaning.
    Unfinished(Fault),
}

impl Plan {
    pub(crate) fn of(text: &str) -> Plan {
        let text = text.trim();
        if text.is_empty() {
            return Plan::Nothing;
        }
        if let Some(rest) = text.strip_prefix('>') {
            return Plan::Actions(rest.trim().to_owned());
        }
        if !is_question(text) {
            return Plan::Words(text.to_owned());
        }
        match parse_terms(text) {
            Ok(terms) => Plan::Question(terms),
            Err(fault) => Plan::Unfinished(fault),
        }
    }
}

/// True if a word of the text has a key in front.
pub(crate) fn is_question(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let has = |key: &&&str| word.get(..key.len()).is_some_and(|head| head.eq_ignore_ascii_case(key));
        KEYS.iter().find(has).is_some()
    })
}

/// The part of a text that is a key, to set it off: `port:` of `port:8080`.
pub(crate) fn key_of(word: &str) -> Option<&'static str> {
    KEYS.into_iter().find(|key| word.get(..key.len()).is_some_and(|head| head.eq_ignore_ascii_case(key)))
}

/// Positions of the letters of every word in a text, or `None` if a word is not in it. Upper and lower
/// case are alike.
pub(crate) fn letters(text: &str, words: &str) -> Option<Vec<u32>> {
    let folded: Vec<char> = text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect();
    let mut at = Vec::new();
    for word in words.split_whitespace() {
        let word: Vec<char> = word.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect();
        let start = folded.windows(word.len().max(1)).position(|part| part == word)?;
        at.extend((start..start + word.len()).filter_map(|at| u32::try_from(at).ok()));
    }
    at.sort_unstable();
    at.dedup();
    Some(at)
}

/// The page that shows what was found.
pub(crate) fn path_of(row: &FindRow) -> String {
    let page = |page: &str, text: &str| format!("{}/{page}?q={}", host_path(&row.host), escaped(text));
    match &row.found {
        Found::Host { .. } | Found::Disk { .. } | Found::Kernel { .. } => host_path(&row.host),
        Found::Socket { local, peer, .. } => page("sockets", peer.as_ref().unwrap_or(local)),
        Found::Process { pid, .. } => page("processes", &pid.to_string()),
        Found::Unit { name, .. } => page("services", name),
    }
}

/// What makes it the same row when a newer answer comes.
pub(crate) fn key_of_row(row: &FindRow) -> String {
    let what = match &row.found {
        Found::Host { .. } => String::new(),
        Found::Socket { protocol, local, peer, pid, .. } => format!("{protocol} {local} {peer:?} {pid:?}"),
        Found::Process { pid, .. } => pid.to_string(),
        Found::Unit { name, .. } => name.clone(),
        Found::Disk { mount, .. } => mount.clone(),
        Found::Kernel { release, .. } => release.clone(),
    };
    format!("{}\u{1f}{what}", row.host)
}

/// Text as a part of the query of a path.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_words_a_question_or_an_action() {
        assert_eq!(Plan::of("  "), Plan::Nothing);
        assert_eq!(Plan::of("web 1"), Plan::Words("web 1".into()));
        assert_eq!(Plan::of("> add"), Plan::Actions("add".into()));
        assert_eq!(Plan::of("port:80"), Plan::Question(vec![Term::Port(80)]));
        assert!(matches!(Plan::of("web port:"), Plan::Unfinished(_)));
        assert_eq!(Plan::of("10.0.0.5:80"), Plan::Words("10.0.0.5:80".into()), "an address has no key");
    }

    #[test]
    fn letters_are_found_in_any_case_and_script() {
        assert_eq!(letters("Add a host", "HOST add"), Some(vec![0, 1, 2, 6, 7, 8, 9]));
        assert_eq!(letters("添加主机", "主机"), Some(vec![2, 3]));
        assert_eq!(letters("web-1", "x"), None);
        assert_eq!(letters("a", "abc"), None);
        assert_eq!(letters("abc", ""), Some(vec![]));
    }

    #[test]
    fn what_was_found_leads_to_its_row() {
        let row = |found| FindRow { host: "web 1".into(), live: true, at_ms: 0, found, matched: Vec::new() };
        let unit = Found::Unit {
            name: "a b&c.service".into(),
            description: String::new(),
            state: String::new(),
            failed: false,
        };
        assert_eq!(path_of(&row(unit)), "/hosts/web%201/services?q=a%20b%26c.service");
        let disk = Found::Disk { mount: "/srv".into(), use_pct: 95.0, available_bytes: 0 };
        assert_eq!(path_of(&row(disk)), "/hosts/web%201");
    }
}
