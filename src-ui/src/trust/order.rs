//! The table of known keys: its columns, its order, and what is found by a word. Pure.

use std::cmp::Ordering;

use protocol::sockets::endpoint;
use protocol::text::printable;
use protocol::trust::{KeyRole, TrustEntry, TrustSource};

use crate::components::columns::Columns;
use crate::components::sort::{Sort, natural};
use crate::format;

/// Columns in their order on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Hosts,
    Address,
    Algorithm,
    Fingerprint,
    Source,
}

impl Columns for Column {
    type Row = TrustEntry;
    const ALL: &'static [Self] =
        &[Column::Hosts, Column::Address, Column::Algorithm, Column::Fingerprint, Column::Source];

    fn id(self) -> &'static str {
        match self {
            Column::Hosts => "hosts",
            Column::Address => "address",
            Column::Algorithm => "algorithm",
            Column::Fingerprint => "fingerprint",
            Column::Source => "source",
        }
    }

    fn is_numeric(self) -> bool {
        false
    }

    /// A key that no saved host has is found by its address.
    fn naming() -> Option<Self> {
        Some(Column::Address)
    }

    fn text(self, entry: &TrustEntry) -> String {
        let TrustEntry { trusted, hosts } = entry;
        let text = match self {
            Column::Hosts => hosts.join(", "),
            Column::Address => endpoint(&trusted.address, trusted.port),
            // Marked as in a known_hosts file.
            Column::Algorithm => match trusted.role {
                KeyRole::Host | KeyRole::AnyPort => trusted.key.algorithm.clone(),
                KeyRole::Authority => format!("@cert-authority {}", trusted.key.algorithm),
                KeyRole::Revoked => format!("@revoked {}", trusted.key.algorithm),
            },
            Column::Fingerprint => trusted.key.fingerprint.clone(),
            Column::Source => match &trusted.source {
                TrustSource::KnownHosts { file, line } => format!("{file}:{line}"),
                TrustSource::Muster => {
                    let when = trusted.accepted_ms.map(format::stamp).unwrap_or_default();
                    format!("{when} {}", trusted.accepted_by).trim().to_owned()
                }
            },
        };
        printable(&text).into_owned()
    }

    fn compare(self, a: &TrustEntry, b: &TrustEntry, by: Sort) -> Ordering {
        let first = |entry: &TrustEntry| entry.hosts.first().cloned();
        let order = match self {
            Column::Hosts => by.missing_last(first(a), first(b), |a, b| natural(a, b)),
            Column::Address => by.turn(natural(&a.trusted.address, &b.trusted.address)),
            Column::Algorithm | Column::Fingerprint => by.turn(self.text(a).cmp(&self.text(b))),
            Column::Source => by.turn(place(a).cmp(&place(b))),
        };
        order.then_with(|| key(a).cmp(&key(b)))
    }
}

/// What was accepted here by its time, then what files say by file and line.
fn place(entry: &TrustEntry) -> (Option<(&str, u32)>, Option<i64>) {
    match &entry.trusted.source {
        TrustSource::Muster => (None, entry.trusted.accepted_ms),
        TrustSource::KnownHosts { file, line } => (Some((file, *line)), None),
    }
}

/// What makes a row the same row after a refresh: a file may say the same key of an address twice.
pub(crate) fn key(entry: &TrustEntry) -> String {
    let TrustEntry { trusted, .. } = entry;
    let place = match &trusted.source {
        TrustSource::Muster => String::new(),
        TrustSource::KnownHosts { file, line } => format!("{file}:{line}"),
    };
    format!("{} {} {place}", endpoint(&trusted.address, trusted.port), trusted.key.fingerprint)
}

/// True if a part of it has the text that is looked for.
pub(crate) fn is_found(entry: &TrustEntry, wanted: &str) -> bool {
    let wanted = wanted.trim().to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&wanted);
    wanted.is_empty()
        || Column::ALL.iter().any(|column| has(&column.text(entry)))
        || has(&entry.trusted.accepted_by)
}

#[cfg(test)]
mod tests {
    use protocol::trust::{HostKey, TrustedKey};

    use super::*;
    use crate::components::columns::{as_csv, order};

    fn entry(address: &str, source: TrustSource, hosts: &[&str]) -> TrustEntry {
        let key = HostKey {
            algorithm: "ssh-ed25519".into(),
            fingerprint: format!("SHA256:of-{address}"),
            openssh: String::new(),
        };
        TrustEntry {
            trusted: TrustedKey {
                address: address.into(),
                port: 22,
                key,
                accepted_ms: (source == TrustSource::Muster).then_some(0),
                accepted_by: if source == TrustSource::Muster { "ann".into() } else { String::new() },
                role: KeyRole::Host,
                source,
                once: false,
            },
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        }
    }

    fn file(line: u32) -> TrustSource {
        TrustSource::KnownHosts { file: "/home/ann/.ssh/known_hosts".into(), line }
    }

    fn sorted(by: Sort) -> String {
        let mut entries = [
            entry("10.0.0.10", file(3), &[]),
            entry("10.0.0.9", TrustSource::Muster, &["web-10"]),
            entry("10.0.0.2", file(20), &["web-2"]),
        ];
        entries.sort_by(order::<Column>(by));
        entries.map(|entry| entry.trusted.address.trim_start_matches("10.0.0.").to_owned()).join(" ")
    }

    #[test]
    fn keys_are_sorted_as_people_number_and_those_of_no_host_are_last_both_ways() {
        assert_eq!(sorted(Sort::by("address")), "2 9 10");
        assert_eq!(sorted(Sort::by("hosts")), "2 9 10");
        assert_eq!(sorted(Sort { column: "hosts", descending: true }), "9 2 10");
        assert_eq!(sorted(Sort::by("source")), "9 10 2", "line 3 is before line 20");
    }

    #[test]
    fn every_part_of_a_key_is_looked_through_whatever_its_case() {
        let own = entry("10.0.0.9", TrustSource::Muster, &["web-10"]);
        for wanted in ["", " WEB-1 ", "0.9", "ed25519", "sha256:OF", "Ann"] {
            assert!(is_found(&own, wanted), "{wanted}");
        }
        assert!(is_found(&entry("10.0.0.9", file(3), &[]), "known_hosts:3"));
        assert!(!is_found(&own, "db"));
    }

    #[test]
    fn a_row_is_told_by_its_place_and_what_it_is_marked_as_is_copied() {
        let (one, other) = (entry("a", file(1), &[]), entry("a", file(2), &[]));
        assert_ne!(key(&one), key(&other), "a file may say the same twice");
        let mut revoked = entry("a\u{1b}b", file(1), &["x,y"]);
        revoked.trusted.role = KeyRole::Revoked;
        let columns: Vec<_> = Column::ALL.iter().map(|column| (*column, String::new())).collect();
        let csv = as_csv(&[revoked], &columns);
        let line = csv.lines().nth(1).unwrap();
        assert!(line.starts_with("\"x,y\",a\\x1bb:22,'@revoked ssh-ed25519,"), "{line}");
    }
}
