//! search: one question over all hosts, such as `port:8080` or `unit:failed host:web`.
//!
//! A question is words with a key in front; each narrows what is found. The most exact thing that the
//! words can be about is what is listed: sockets for a port or an address, processes for a program or
//! a user, else units, file systems, kernels, and hosts for words without a key.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::sockets::Matched;

/// Rows that are given unless another number is asked for.
pub const FOUND_AT_MOST: u32 = 200;
/// Longer questions are refused.
const LONGEST_BYTES: usize = 400;
const MOST_TERMS: usize = 12;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FindQuery {
    pub text: String,
    /// Asks the hosts whose link is up. No host is connected because of a search.
    pub ask: bool,
    pub limit: Option<u32>,
}

/// One word of a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    Host(String),
    Port(u16),
    Process(String),
    Unit(String),
    Address(String),
    User(String),
    DiskOver(f64),
    Kernel(String),
}

/// The keys that can stand in front of a word, as they are written.
pub const KEYS: [&str; 8] = ["host:", "port:", "proc:", "unit:", "addr:", "user:", "disk>", "kernel:"];

/// What a question lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Sockets,
    Processes,
    Units,
    Disks,
    Kernels,
    Hosts,
}

/// Reads a question. Text that has no meaning is bad input, with what is wanted instead.
pub fn parse_terms(text: &str) -> Result<Vec<Term>, Fault> {
    let bad = |why: String| Err(Fault::bad_input("query", why));
    if text.len() > LONGEST_BYTES || text.split_whitespace().count() > MOST_TERMS {
        return bad(format!("a search has at most {MOST_TERMS} words and {LONGEST_BYTES} bytes"));
    }
    let mut terms = Vec::new();
    for word in text.split_whitespace() {
        let Some((key, value)) = KEYS.iter().find_map(|key| Some((*key, strip_key(word, key)?))) else {
            terms.push(Term::Host(word.to_owned()));
            continue;
        };
        if value.is_empty() {
            return bad(format!("'{key}' needs a value behind it, such as {}", example(key)));
        }
        terms.push(match key {
            "host:" => Term::Host(value.to_owned()),
            "proc:" => Term::Process(value.to_owned()),
            "unit:" => Term::Unit(value.to_owned()),
            "addr:" => Term::Address(value.trim_matches(['[', ']']).to_owned()),
            "user:" => Term::User(value.to_owned()),
            "kernel:" => Term::Kernel(value.to_owned()),
            "port:" => match value.parse::<u16>() {
                Ok(port) if port > 0 => Term::Port(port),
                _ => return bad(format!("'{word}': a port is a number from 1 to 65535")),
            },
            _ => match value.trim_end_matches('%').parse::<f64>() {
                Ok(pct) if (0.0..=100.0).contains(&pct) => Term::DiskOver(pct),
                _ => return bad(format!("'{word}': a share is a number from 0 to 100, such as disk>90")),
            },
        });
    }
    Ok(terms)
}

fn strip_key<'a>(word: &'a str, key: &str) -> Option<&'a str> {
    let head = word.get(..key.len())?;
    head.eq_ignore_ascii_case(key).then(|| &word[key.len()..])
}

/// How a key is used, to show beside it.
pub fn example(key: &str) -> &'static str {
    match key {
        "port:" => "port:8080",
        "proc:" => "proc:java",
        "unit:" => "unit:failed",
        "addr:" => "addr:10.0.0.5",
        "user:" => "user:www-data",
        "disk>" => "disk>90",
        "kernel:" => "kernel:6.1",
        _ => "host:web",
    }
}

/// What these words list.
pub fn subject(terms: &[Term]) -> Subject {
    let has = |wanted: fn(&Term) -> bool| terms.iter().any(wanted);
    if has(|term| matches!(term, Term::Port(_) | Term::Address(_))) {
        Subject::Sockets
    } else if has(|term| matches!(term, Term::Process(_) | Term::User(_))) {
        Subject::Processes
    } else if has(|term| matches!(term, Term::Unit(_))) {
        Subject::Units
    } else if has(|term| matches!(term, Term::DiskOver(_))) {
        Subject::Disks
    } else if has(|term| matches!(term, Term::Kernel(_))) {
        Subject::Kernels
    } else {
        Subject::Hosts
    }
}

/// What was found, best first: live hosts before those that answer from their last snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FindAnswer {
    pub rows: Vec<FindRow>,
    /// Rows that match; more than are here if a limit was reached.
    pub found: u32,
    /// Hosts that the words about hosts leave.
    pub hosts: u32,
    /// Of these, hosts whose link is up, and how many of them answered.
    pub live: u32,
    pub answered: u32,
    /// Hosts that answered from what was read before.
    pub from_snapshot: u32,
    /// Hosts of which nothing was ever read that could answer.
    pub unknown: Vec<String>,
    /// Sockets among the hosts whose owner may not be seen.
    pub owner_hidden: u32,
    pub took_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindRow {
    /// Name of the host.
    pub host: String,
    /// True if the host said it now.
    pub live: bool,
    /// When it was heard, by this computer's clock.
    pub at_ms: i64,
    pub found: Found,
    /// Letters that matched, by field.
    #[serde(default)]
    pub matched: Vec<Matched>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    Host {
        address: String,
        os: Option<String>,
    },
    /// A socket that listens, or one that is connected.
    Socket {
        protocol: String,
        local: String,
        peer: Option<String>,
        state: String,
        pid: Option<u32>,
        program: Option<String>,
        unit: Option<String>,
        user: Option<String>,
        /// Of one that listens: connections to its port.
        clients: Option<u32>,
    },
    Process {
        pid: u32,
        name: String,
        command: String,
        user: Option<String>,
        unit: Option<String>,
        cpu_pct: Option<f64>,
        rss_bytes: u64,
    },
    Unit {
        name: String,
        description: String,
        state: String,
        failed: bool,
    },
    Disk {
        mount: String,
        use_pct: f64,
        available_bytes: u64,
    },
    Kernel {
        release: String,
        os: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_read_and_a_bare_word_is_a_host() {
        let terms =
            parse_terms("PORT:8080 proc:java unit:failed addr:[::1] user:www disk>90% kernel:6.1 web")
                .unwrap();
        assert_eq!(
            terms,
            [
                Term::Port(8080),
                Term::Process("java".into()),
                Term::Unit("failed".into()),
                Term::Address("::1".into()),
                Term::User("www".into()),
                Term::DiskOver(90.0),
                Term::Kernel("6.1".into()),
                Term::Host("web".into()),
            ]
        );
    }

    #[test]
    fn the_most_exact_word_says_what_is_listed() {
        let of = |text| subject(&parse_terms(text).unwrap());
        assert_eq!(of("proc:java port:80"), Subject::Sockets);
        assert_eq!(of("unit:x user:root"), Subject::Processes);
        assert_eq!(of("disk>9 unit:x"), Subject::Units);
        assert_eq!(of("kernel:6 disk>9"), Subject::Disks);
        assert_eq!(of("kernel:6 web"), Subject::Kernels);
        assert_eq!(of(""), Subject::Hosts);
    }

    #[test]
    fn what_has_no_meaning_is_refused_with_what_is_wanted() {
        for (text, wanted) in [
            ("port:", "port:8080"),
            ("port:0", "1 to 65535"),
            ("port:99999", "1 to 65535"),
            ("disk>many", "0 to 100"),
            ("disk>-1", "0 to 100"),
        ] {
            let fault = parse_terms(text).unwrap_err();
            assert!(fault.message.contains(wanted), "{text}: {}", fault.message);
        }
        assert!(parse_terms(&"x".repeat(500)).is_err());
        assert!(parse_terms("端口:80 naïve:x").is_ok(), "a word with an unknown key is a host's name");
    }
}
