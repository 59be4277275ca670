//! What a text in the palette means, and where what was found leads. Pure, so that it is tested
//! natively.

use std::borrow::Cow;

use protocol::search::{BadTerms, FindRow, Found, Term, half_width_of, has_key, parse_terms};

use crate::hosts::host_path;
use crate::{processes, sockets};

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
    Unfinished(BadTerms),
}

impl Plan {
    pub(crate) fn of(text: &str) -> Plan {
        let text = text.trim();
        if text.is_empty() {
            return Plan::Nothing;
        }
        if let Some(rest) = text.strip_prefix(COMMAND) {
            return Plan::Actions(rest.trim().to_owned());
        }
        if !has_key(text) {
            return Plan::Words(text.to_owned());
        }
        match parse_terms(text) {
            Ok(terms) => Plan::Question(terms),
            Err(why) => Plan::Unfinished(why),
        }
    }
}

/// What stands before the words of an action, as any keyboard gives it.
const COMMAND: [char; 2] = ['>', '\u{FF1E}'];

/// True for a text that the palette answers, wherever it is typed: a word of it has a key in front, or all
/// of it is about actions.
pub(crate) fn is_for_palette(text: &str) -> bool {
    has_key(text) || text.trim_start().starts_with(COMMAND)
}

/// Where the line that is held stands among these: where it was, else where it is now, else the first is
/// chosen. A newer answer may put others before it, and two lines may have one key.
pub(crate) fn place_of(held: Option<&(String, usize)>, keys: &[String]) -> usize {
    let Some((key, at)) = held else { return 0 };
    match keys.get(*at) {
        Some(same) if same == key => *at,
        _ => keys.iter().position(|other| other == key).unwrap_or_default(),
    }
}

/// Positions of the letters of every word in a text, or `None` if a word is not in it. Upper and lower
/// case are alike, and full and half width.
pub(crate) fn letters(text: &str, words: &str) -> Option<Vec<u32>> {
    let fold = |c: char| half_width_of(c).to_lowercase().next().unwrap_or(c);
    let folded: Vec<char> = text.chars().map(fold).collect();
    let mut at = Vec::new();
    for word in words.split_whitespace() {
        let word: Vec<char> = word.chars().map(fold).collect();
        let start = folded.windows(word.len().max(1)).position(|part| part == word)?;
        at.extend((start..start + word.len()).filter_map(|at| u32::try_from(at).ok()));
    }
    at.sort_unstable();
    at.dedup();
    Some(at)
}

/// The page that shows what was found, with the cursor on its row.
pub(crate) fn path_of(row: &FindRow) -> String {
    let own = host_path(&row.host);
    let page =
        |page: &str, text: &str, key: &str| format!("{own}/{page}?q={}&row={}", escaped(text), escaped(key));
    match &row.found {
        Found::Host { .. } | Found::Disk { .. } | Found::Kernel { .. } => own,
        // The table has none of unix; who holds it can be looked at.
        Found::Socket { protocol, unit, program, .. } if protocol.starts_with("u_") => {
            match (unit, program) {
                (Some(unit), _) => page("services", unit, unit),
                (None, Some(program)) => format!("{own}/processes?q={}", escaped(program)),
                (None, None) => own,
            }
        }
        Found::Socket { local, peer, .. } => {
            page("sockets", peer.as_ref().unwrap_or(local), &key_in_table(&row.found))
        }
        // A number alone is found in every other number that has it.
        Found::Process { name, .. } => page("processes", name, &key_in_table(&row.found)),
        Found::Unit { name, .. } => page("services", name, name),
    }
}

/// The part of a path before its parameters.
pub(crate) fn page_of(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

/// The key of its row in the table of its page, or in the list of its kind.
fn key_in_table(found: &Found) -> Cow<'_, str> {
    match found {
        Found::Host { .. } => "".into(),
        Found::Socket { protocol, local, peer, inode, .. } => {
            sockets::order::key_of(protocol, local, peer.as_deref().unwrap_or("*"), *inode).into()
        }
        Found::Process { pid, start_ticks, .. } => processes::order::key_of(*pid, *start_ticks).into(),
        Found::Unit { name, .. } => name.into(),
        Found::Disk { mount, .. } => mount.into(),
        Found::Kernel { release, .. } => release.into(),
    }
}

/// What makes it the same row when a newer answer comes.
pub(crate) fn key_of_row(row: &FindRow) -> String {
    format!("{}\u{1f}{}", row.host, key_in_table(&row.found))
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
        assert_eq!(Plan::of("web port:"), Plan::Unfinished(BadTerms::NoValue("port:")));
        assert_eq!(Plan::of("10.0.0.5:80"), Plan::Words("10.0.0.5:80".into()), "an address has no key");
    }

    #[test]
    fn what_is_typed_at_full_width_or_with_a_space_is_the_same() {
        assert_eq!(Plan::of("port：８０"), Plan::Question(vec![Term::Port(80)]));
        assert_eq!(Plan::of("port: 80"), Plan::Question(vec![Term::Port(80)]));
        assert_eq!(Plan::of("＞\u{3000}主题"), Plan::Actions("主题".into()));
        for text in ["port：", "disk > 9", "＞", " > add"] {
            assert!(is_for_palette(text), "{text}");
        }
        assert!(!is_for_palette("web 数据（主）"));
    }

    #[test]
    fn letters_are_found_in_any_case_width_and_script() {
        assert_eq!(letters("Add a host", "HOST add"), Some(vec![0, 1, 2, 6, 7, 8, 9]));
        assert_eq!(letters("添加主机", "主机"), Some(vec![2, 3]));
        assert_eq!(letters("数据（主）", "(主)"), Some(vec![2, 3, 4]));
        assert_eq!(letters("web-1", "ｗｅｂ"), Some(vec![0, 1, 2]));
        assert_eq!(letters("web-1", "x"), None);
        assert_eq!(letters("a", "abc"), None);
        assert_eq!(letters("abc", ""), Some(vec![]));
    }

    #[test]
    fn the_held_line_stays_chosen_where_others_come_before_it() {
        let keys = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let held = |key: &str, at| Some((key.to_owned(), at));
        assert_eq!(place_of(None, &keys("a b")), 0);
        assert_eq!(place_of(held("b", 1).as_ref(), &keys("x y b")), 2);
        assert_eq!(place_of(held("b", 2).as_ref(), &keys("a b b")), 2, "of two alike the one that was meant");
        assert_eq!(place_of(held("b", 1).as_ref(), &keys("x y")), 0, "it is gone");
        assert_eq!(place_of(held("b", 1).as_ref(), &[]), 0);
    }

    fn row(found: Found) -> FindRow {
        FindRow { host: "web 1".into(), live: true, at_ms: 0, found, matched: Vec::new() }
    }

    fn socket(protocol: &str, unit: Option<&str>, peer: Option<&str>) -> FindRow {
        row(Found::Socket {
            protocol: protocol.into(),
            local: "[::]:22".into(),
            peer: peer.map(str::to_owned),
            state: String::new(),
            pid: Some(7),
            program: Some("sshd".into()),
            unit: unit.map(str::to_owned),
            user: None,
            clients: None,
            inode: 99,
        })
    }

    #[test]
    fn what_was_found_leads_to_its_row() {
        let unit = Found::Unit {
            name: "a b&c.service".into(),
            description: String::new(),
            state: String::new(),
            failed: false,
        };
        assert_eq!(path_of(&row(unit)), "/hosts/web%201/services?q=a%20b%26c.service&row=a%20b%26c.service");
        let disk = Found::Disk { mount: "/srv".into(), use_pct: 95.0, available_bytes: 0 };
        assert_eq!(path_of(&row(disk)), "/hosts/web%201");
        let process = Found::Process {
            pid: 7,
            name: "java".into(),
            command: String::new(),
            user: None,
            unit: None,
            cpu_pct: None,
            rss_bytes: 0,
            start_ticks: 70,
        };
        assert_eq!(path_of(&row(process)), "/hosts/web%201/processes?q=java&row=7%2070");
        let listens = path_of(&socket("tcp6", None, None));
        assert_eq!(
            listens,
            "/hosts/web%201/sockets?q=%5B%3A%3A%5D%3A22&row=tcp6%20%5B%3A%3A%5D%3A22%20%2A%2099"
        );
        assert_eq!(page_of(&listens), "/hosts/web%201/sockets");
        assert!(path_of(&socket("tcp6", None, Some("[::1]:5"))).contains("?q=%5B%3A%3A1%5D%3A5&"));
    }

    #[test]
    fn a_socket_of_unix_leads_to_who_holds_it() {
        let path = path_of(&socket("u_str", Some("docker.socket"), None));
        assert_eq!(path, "/hosts/web%201/services?q=docker.socket&row=docker.socket");
        assert_eq!(path_of(&socket("u_str", None, None)), "/hosts/web%201/processes?q=sshd");
    }
}
