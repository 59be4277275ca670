//! The words of a question: how they are read, and what is wrong with one that has no meaning.

use std::borrow::Cow;
use std::fmt;

use super::AddressMask;
use crate::fault::Fault;

/// Longer questions are refused.
const LONGEST_BYTES: usize = 400;
const MOST_TERMS: usize = 12;

/// One word of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    Host(String),
    Port(u16),
    Process(String),
    Unit(String),
    Address(AddressMask),
    User(String),
    DiskOver(f64),
    Kernel(String),
}

/// The keys that can stand in front of a word, as they are written.
pub const KEYS: [&str; 8] = ["host:", "port:", "proc:", "unit:", "addr:", "user:", "disk>", "kernel:"];

/// Why a text is no question, or none yet. The window says it in the person's language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadTerms {
    TooLong,
    /// Nothing stands behind the key.
    NoValue(&'static str),
    NoPort(String),
    NoShare(String),
    NoAddress(String),
}

impl fmt::Display for BadTerms {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadTerms::TooLong => {
                write!(to, "a search has at most {MOST_TERMS} words and {LONGEST_BYTES} bytes")
            }
            BadTerms::NoValue(key) => {
                write!(to, "'{key}' needs a value behind it, such as {}", example(key))
            }
            BadTerms::NoPort(value) => write!(to, "'{value}' is no port: a port is a number from 1 to 65535"),
            BadTerms::NoShare(value) => {
                write!(to, "'{value}' is no share: a share is a number from 0 to 100, such as disk>90")
            }
            BadTerms::NoAddress(value) => write!(
                to,
                "'{value}' is no address: give a whole one, a network such as 10.0.0.0/24, or how it \
                 begins, such as 10.0.*"
            ),
        }
    }
}

impl From<BadTerms> for Fault {
    fn from(why: BadTerms) -> Self {
        Fault::bad_input("query", why.to_string())
    }
}

/// Reads a question. Letters of full width, as Chinese and Japanese keyboards give them, are those of half
/// width, and a space may stand between a key and what is behind it.
pub fn parse_terms(text: &str) -> Result<Vec<Term>, BadTerms> {
    let text = half_width(text);
    let words = words(&text);
    if text.len() > LONGEST_BYTES || words.len() > MOST_TERMS {
        return Err(BadTerms::TooLong);
    }
    words.iter().map(|word| term(word)).collect()
}

fn term(word: &str) -> Result<Term, BadTerms> {
    let Some(key) = key_of(word) else { return Ok(Term::Host(word.to_owned())) };
    let value = &word[key.len()..];
    if value.is_empty() {
        return Err(BadTerms::NoValue(key));
    }
    let text = value.to_owned();
    Ok(match key {
        "host:" => Term::Host(text),
        "proc:" => Term::Process(text),
        "unit:" => Term::Unit(text),
        "user:" => Term::User(text),
        "kernel:" => Term::Kernel(text),
        "addr:" => Term::Address(AddressMask::parse(value).ok_or(BadTerms::NoAddress(text))?),
        "port:" => match value.parse::<u16>() {
            Ok(port) if port > 0 => Term::Port(port),
            _ => return Err(BadTerms::NoPort(text)),
        },
        _ => match value.trim_end_matches('%').parse::<f64>() {
            Ok(pct) if (0.0..=100.0).contains(&pct) => Term::DiskOver(pct),
            _ => return Err(BadTerms::NoShare(text)),
        },
    })
}

/// True if a word of the text has a key in front, with or without something behind it.
pub fn has_key(text: &str) -> bool {
    words(&half_width(text)).iter().any(|word| key_of(word).is_some())
}

/// The key that a word begins with, in letters of any case.
pub fn key_of(word: &str) -> Option<&'static str> {
    KEYS.into_iter().find(|key| word.get(..key.len()).is_some_and(|head| head.eq_ignore_ascii_case(key)))
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

/// Words with their keys: `port: 80` and `disk > 90` are one each.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for part in text.split_whitespace() {
        match words.last_mut() {
            Some(last) if belongs_to(last, part) => last.push_str(part),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

fn belongs_to(before: &str, part: &str) -> bool {
    let is_key = |word: &str| KEYS.iter().any(|key| key.eq_ignore_ascii_case(word));
    let ends_key = part.starts_with([':', '>']) && is_key(&format!("{before}{}", &part[..1]));
    ends_key || (is_key(before) && key_of(part).is_none())
}

/// The text with its characters of full width as those of half width.
pub fn half_width(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| half_width_of(c) == c) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(half_width_of).collect())
}

/// `８` as `8`, `：` as `:`, and the wide space as a space.
pub fn half_width_of(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Term {
        Term::Address(AddressMask::parse(text).unwrap())
    }

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
                address("::1"),
                Term::User("www".into()),
                Term::DiskOver(90.0),
                Term::Kernel("6.1".into()),
                Term::Host("web".into()),
            ]
        );
    }

    #[test]
    fn what_an_input_method_types_at_full_width_is_read_as_it_is_meant() {
        assert_eq!(parse_terms("ｐｏｒｔ：８０８０").unwrap(), [Term::Port(8080)]);
        assert_eq!(
            parse_terms("disk＞９０\u{3000}web").unwrap(),
            [Term::DiskOver(90.0), Term::Host("web".into())]
        );
        assert!(has_key("port：") && has_key("数据 disk＞"));
        assert_eq!(half_width("数据（主）"), "数据(主)");
        assert!(matches!(half_width("数据库。"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_space_may_stand_between_a_key_and_its_value() {
        for text in ["port: 80", "port :80", "port : 80", "port：\u{3000}80"] {
            assert_eq!(parse_terms(text).unwrap(), [Term::Port(80)], "{text}");
            assert!(has_key(text), "{text}");
        }
        for text in ["disk> 90", "disk >90", "disk > 90%"] {
            assert_eq!(parse_terms(text).unwrap(), [Term::DiskOver(90.0)], "{text}");
        }
        let two = parse_terms("web port: 80 proc: java").unwrap();
        assert_eq!(two, [Term::Host("web".into()), Term::Port(80), Term::Process("java".into())]);
        assert_eq!(
            parse_terms("port: host:web"),
            Err(BadTerms::NoValue("port:")),
            "the next has its own key"
        );
        assert_eq!(parse_terms("disk web").unwrap().len(), 2, "a host may be called like half a key");
    }

    #[test]
    fn what_has_no_meaning_is_refused_with_what_is_wanted() {
        for (text, why, wanted) in [
            ("port:", BadTerms::NoValue("port:"), "port:8080"),
            ("port:0", BadTerms::NoPort("0".into()), "1 to 65535"),
            ("port:99999", BadTerms::NoPort("99999".into()), "1 to 65535"),
            ("disk>many", BadTerms::NoShare("many".into()), "0 to 100"),
            ("disk>-1", BadTerms::NoShare("-1".into()), "0 to 100"),
            ("disk>NaN", BadTerms::NoShare("NaN".into()), "0 to 100"),
            ("addr:10.0", BadTerms::NoAddress("10.0".into()), "10.0.0.0/24"),
        ] {
            let told = parse_terms(text).unwrap_err();
            assert_eq!(told, why, "{text}");
            let fault = Fault::from(told);
            assert!(fault.message.contains(wanted), "{text}: {}", fault.message);
        }
        assert_eq!(parse_terms(&"x".repeat(500)), Err(BadTerms::TooLong));
        assert_eq!(parse_terms(&"x ".repeat(13)), Err(BadTerms::TooLong));
        assert!(parse_terms("端口:80 naïve:x").is_ok(), "a word with an unknown key is a host's name");
    }
}
