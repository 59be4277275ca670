//! os-release(5).

use crate::root::{Root, read_text};

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct OsRelease {
    pub(super) pretty_name: Option<String>,
    pub(super) id: Option<String>,
    pub(super) version_id: Option<String>,
}

pub(super) fn read_os_release(root: &Root) -> OsRelease {
    read_text(&root.etc.join("os-release"))
        .or_else(|_| read_text(&root.usr.join("lib/os-release")))
        .map(|text| parse_os_release(&text))
        .unwrap_or_default()
}

pub(super) fn parse_os_release(text: &str) -> OsRelease {
    let value = |name: &str| {
        let raw = text.lines().rev().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
        Some(unquote(raw.trim())).filter(|value| !value.is_empty())
    };
    OsRelease {
        pretty_name: value("PRETTY_NAME").or_else(|| value("NAME")),
        id: value("ID"),
        version_id: value("VERSION_ID"),
    }
}

/// Takes shell quotes off: in double quotes `\` keeps the next character.
fn unquote(raw: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(inner) = raw.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            if quote == '\'' {
                return inner.to_owned();
            }
            let mut out = String::with_capacity(inner.len());
            let mut chars = inner.chars();
            while let Some(c) = chars.next() {
                out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
            }
            return out;
        }
    }
    raw.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_taken_off_and_absent_fields_are_none() {
        let os = parse_os_release(
            "NAME=\"x\"\nPRETTY_NAME=\"Debian \\\"GNU\\\" 12\"\nID=debian\nVERSION_ID='12'\n",
        );
        assert_eq!(os.pretty_name.as_deref(), Some("Debian \"GNU\" 12"));
        assert_eq!((os.id.as_deref(), os.version_id.as_deref()), (Some("debian"), Some("12")));
        assert_eq!(parse_os_release("NAME=Arch\nVERSION_ID=\n").pretty_name.as_deref(), Some("Arch"));
        assert_eq!(parse_os_release("# nothing\n"), OsRelease::default());
    }
}
