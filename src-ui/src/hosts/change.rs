//! What is typed to change several hosts at once, read as a change. Pure.

use protocol::hosts::HostChange;

/// The texts of the form; an empty one changes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Texts {
    pub(crate) add_tags: String,
    pub(crate) remove_tags: String,
    pub(crate) add_groups: String,
    pub(crate) remove_groups: String,
    pub(crate) user: String,
    pub(crate) port: String,
    pub(crate) key: String,
}

/// The port is no port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadPort;

pub(crate) fn parse(texts: &Texts) -> Result<HostChange, BadPort> {
    let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let port = match texts.port.trim() {
        "" => None,
        port => Some(port.parse().ok().filter(|port| *port > 0).ok_or(BadPort)?),
    };
    Ok(HostChange {
        add_groups: labels(&texts.add_groups),
        remove_groups: labels(&texts.remove_groups),
        add_tags: labels(&texts.add_tags),
        remove_tags: labels(&texts.remove_tags),
        user: text(&texts.user),
        port,
        key: text(&texts.key),
    })
}

/// Labels are parted by commas of either script.
fn labels(text: &str) -> Vec<String> {
    text.split([',', '\u{ff0c}', '\u{3001}'])
        .map(str::trim)
        .filter(|label| !label.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_empty_changes_nothing() {
        let texts = Texts { user: "  ".into(), add_tags: " , ".into(), ..Texts::default() };
        assert!(parse(&texts).unwrap().is_empty());
    }

    #[test]
    fn labels_are_parted_by_commas_of_either_script() {
        let texts = Texts { add_tags: "prod, 网站\u{ff0c}db".into(), ..Texts::default() };
        assert_eq!(parse(&texts).unwrap().add_tags, ["prod", "网站", "db"]);
    }

    #[test]
    fn a_port_is_a_number_that_a_port_can_be() {
        let port =
            |text: &str| parse(&Texts { port: text.into(), ..Texts::default() }).map(|change| change.port);
        assert_eq!(port(" 2222 "), Ok(Some(2222)));
        for bad in ["0", "70000", "ssh", "-1"] {
            assert_eq!(port(bad), Err(BadPort), "{bad}");
        }
    }
}
