//! `muster://host/NAME`: a link from outside, and what a second start of the app is called with.
//!
//! Any program of this desktop and any web page can send one, so it names a page to look at and
//! nothing else: it never connects, never acts, and everything but a name is left out.

/// Longest name of a host that a link may carry.
const LONGEST_BYTES: usize = 256;

/// The host of the first link among the words of a command line.
pub(crate) fn host_of(words: &[String]) -> Option<String> {
    words.iter().find_map(|word| host_of_link(word))
}

fn host_of_link(link: &str) -> Option<String> {
    const SCHEME: &str = "muster://";
    let head = link.get(..SCHEME.len())?;
    let rest = link[SCHEME.len()..].strip_prefix("host/").filter(|_| head.eq_ignore_ascii_case(SCHEME))?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.is_empty() || rest.len() > LONGEST_BYTES || rest.contains(['/', '?', '#', '\\']) {
        return None;
    }
    let name = decoded(rest)?;
    // A name has no character that a terminal or a path would take for something else.
    let is_name = !name.is_empty() && name != "." && name != ".." && !name.chars().any(is_odd);
    is_name.then_some(name)
}

fn is_odd(c: char) -> bool {
    c.is_control() || matches!(c, '/' | '\\' | '?' | '#' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text with its `%41` read; `None` if that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                // A sign would be read as a part of the number.
                if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return None;
                }
                u8::from_str_radix(digits, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_a_host_and_nothing_else() {
        for (link, host) in [
            ("muster://host/web-1", Some("web-1")),
            ("MUSTER://host/web-1/", Some("web-1")),
            ("muster://host/%E6%95%B0%E6%8D%AE", Some("数据")),
            ("muster://host/", None),
            ("muster://host/web-1/run?command=reboot", None),
            ("muster://host/web-1?connect=1", None),
            ("muster://host/..", None),
            ("muster://host/%2e%2e", None),
            ("muster://host/a%2fb", None),
            ("muster://host/a%00b", None),
            ("muster://host/%E2%80%AEx", None),
            ("muster://host/%+1", None),
            ("muster://host/%ff", None),
            ("muster://service/web-1/nginx/stop", None),
            ("javascript:alert(1)", None),
            ("--data-dir=/tmp/x", None),
            ("http://host/web-1", None),
            ("m\u{fc}ster://host/x", None),
        ] {
            assert_eq!(host_of(&[link.to_owned()]).as_deref(), host, "{link}");
        }
        assert_eq!(host_of(&[format!("muster://host/{}", "x".repeat(300))]), None);
        assert_eq!(host_of(&[]), None);
    }
}
