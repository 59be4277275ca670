//! What a person typed about the log, made settings. Pure.

use protocol::settings::{LogKeep, Syslog, Transport};

/// The port of syslog over TCP and UDP (RFC 6587, RFC 5426).
const SYSLOG_PORT: u16 = 514;

/// Which field is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Days,
    Entries,
    Folder,
    Host,
    Port,
}

/// An empty field is no limit.
pub(crate) fn parse_keep(days: &str, entries: &str, folder: &str) -> Result<LogKeep, Wrong> {
    let folder = folder.trim();
    if !folder.is_empty() && !folder.starts_with('/') {
        return Err(Wrong::Folder);
    }
    Ok(LogKeep {
        days: parse(days).ok_or(Wrong::Days)?,
        entries: parse(entries).ok_or(Wrong::Entries)?,
        export_to: (!folder.is_empty()).then(|| folder.to_owned()),
    })
}

/// A number from 1 on, `Some(None)` for nothing; spaces and commas between its digits do not count.
fn parse<N: std::str::FromStr + PartialOrd + From<u8>>(text: &str) -> Option<Option<N>> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    if digits.is_empty() {
        return Some(None);
    }
    digits.parse().ok().filter(|number: &N| *number >= N::from(1)).map(Some)
}

pub(crate) fn parse_syslog(transport: Transport, host: &str, port: &str) -> Result<Syslog, Wrong> {
    let host = host.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-:_%".contains(c);
    if host.is_empty() || !host.chars().all(is_name) {
        return Err(Wrong::Host);
    }
    let port = parse(port).ok_or(Wrong::Port)?.unwrap_or(SYSLOG_PORT);
    Ok(Syslog { transport, host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_field_is_no_limit_and_what_is_no_number_names_its_field() {
        assert_eq!(parse_keep("", " ", ""), Ok(LogKeep::default()));
        let kept = LogKeep { days: Some(365), entries: Some(1_000_000), export_to: Some("/srv/old".into()) };
        assert_eq!(parse_keep("365", "1,000 000", " /srv/old "), Ok(kept));
        assert_eq!(parse_keep("0", "", ""), Err(Wrong::Days));
        assert_eq!(parse_keep("a year", "", ""), Err(Wrong::Days));
        assert_eq!(parse_keep("", "-5", ""), Err(Wrong::Entries));
        assert_eq!(parse_keep("", "", "old-logs"), Err(Wrong::Folder));
    }

    #[test]
    fn a_collector_is_a_name_and_a_port_which_may_be_left_out() {
        let to = parse_syslog(Transport::Udp, " logs.example.net ", "");
        let wanted = Syslog { transport: Transport::Udp, host: "logs.example.net".into(), port: 514 };
        assert_eq!(to, Ok(wanted));
        assert_eq!(parse_syslog(Transport::Tcp, "", "514"), Err(Wrong::Host));
        assert_eq!(parse_syslog(Transport::Tcp, "a b", "514"), Err(Wrong::Host));
        assert_eq!(parse_syslog(Transport::Tcp, "::1", "70000"), Err(Wrong::Port));
    }
}
