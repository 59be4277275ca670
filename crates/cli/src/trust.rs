//! trust.

use std::path::Path;

use engine::Desk;
use protocol::Fault;
use protocol::ipc::{TrustAccept, TrustExport, TrustForget, TrustList, TrustMachine, TrustMarks, TrustShow};
use protocol::sockets::endpoint;
use protocol::trust::{
    HostKey, HostMarks, KeyRole, Machine, TrustEntry, TrustOffer, TrustSource, TrustedKey, Verdict, art,
};

use crate::args::TrustVerb;
use crate::output::{Printer, Set, list, table, time};

pub(crate) async fn act(desk: &Desk, verb: TrustVerb, printer: &Printer) -> Result<(), Fault> {
    match verb {
        TrustVerb::Show { name } => printer.show(&desk.call(TrustShow { host: name }).await?, offer_words),
        TrustVerb::Accept { name, fingerprint, once } => {
            let trusted = desk.call(TrustAccept { host: name, fingerprint, once }).await?;
            printer.show(&trusted, |trusted| {
                format!(
                    "accepted {} {} for {}{}\n",
                    trusted.key.algorithm,
                    trusted.key.fingerprint,
                    endpoint(&trusted.address, trusted.port),
                    if trusted.once { ", for the next connection alone" } else { "" }
                )
            })
        }
        TrustVerb::Machine { name, accept: None } => {
            printer.show(&desk.call(TrustMarks { host: name }).await?, marks_words)
        }
        TrustVerb::Machine { name, accept: Some(id) } => {
            let machine_id = (id != NO_ID).then(|| id.to_ascii_lowercase());
            let accepted = desk.call(TrustMachine { host: name, machine_id }).await?;
            printer.show(&accepted, |machine| {
                format!("the machine-id {} is the one that is meant\n", id_of(&machine.known))
            })
        }
        TrustVerb::List => printer.show(&desk.call(TrustList {}).await?, |keys| key_table(keys)),
        TrustVerb::Export { file } => {
            let lines = desk.call(TrustExport {}).await?;
            export(&file, &lines)?;
            printer.say(&format!("{} accepted keys written to {}", lines.lines().count(), file.display()))
        }
        TrustVerb::Forget { name } => {
            let forgotten = desk.call(TrustForget { host: name }).await?;
            printer.show(&forgotten, |count| format!("{count} accepted keys forgotten\n"))
        }
    }
}

/// How a computer without a machine-id is named.
const NO_ID: &str = "none";

fn id_of(machine: &Machine) -> &str {
    machine.id.as_deref().unwrap_or(NO_ID)
}

fn marks_words(marks: &HostMarks) -> String {
    let mut pairs = vec![("Host", marks.host.clone())];
    pairs.extend(marks.keys.iter().map(|key| ("Key", format!("{} {}", key.algorithm, key.fingerprint))));
    match &marks.machine {
        None => pairs.push(("Machine id", "not known: it has not answered yet".to_owned())),
        Some(machine) => {
            let by = match machine.accepted_by.as_str() {
                "" => String::new(),
                by => format!(", accepted by {by}"),
            };
            let since = time(machine.known.since_ms);
            pairs.push(("Machine id", format!("{} since {since}{by}", id_of(&machine.known))));
            if let Some(other) = &machine.other {
                let since = time(other.since_ms);
                pairs.push(("ANOTHER NOW", format!("{} since {since}: nothing is done there", id_of(other))));
            }
        }
    }
    list(&pairs)
}

fn offer_words(offer: &TrustOffer) -> String {
    let verdict = match offer.verdict {
        Verdict::Known if offer.certified_by.is_some() => "certified by an authority that is known",
        Verdict::Known => "known",
        Verdict::New => "new: compare it with the host's owner before you accept it",
        Verdict::Changed => "CHANGED: another key was accepted before",
        Verdict::Revoked => "REVOKED: a known_hosts file says that this key must not be used",
    };
    let mut pairs = vec![
        ("Host", format!("{} ({})", offer.host, endpoint(&offer.address, offer.port))),
        ("Algorithm", offer.shown.algorithm.clone()),
        ("Fingerprint", offer.shown.fingerprint.clone()),
        ("Verdict", verdict.to_owned()),
    ];
    if let Some(authority) = &offer.certified_by {
        pairs.push(("Authority", known_words(authority, &offer.shown)));
    }
    pairs.extend(offer.known.iter().filter_map(|known| {
        let head = match (known.role, offer.verdict) {
            (KeyRole::Host | KeyRole::AnyPort, Verdict::Changed) => "Before",
            (KeyRole::Host | KeyRole::AnyPort, _) if known.key.openssh == offer.shown.openssh => "Known",
            (KeyRole::Host | KeyRole::AnyPort, _) => "Known too",
            (KeyRole::Revoked, Verdict::Revoked) => "Revoked",
            (KeyRole::Revoked | KeyRole::Authority, _) => return None,
        };
        Some((head, known_words(known, &offer.shown)))
    }));
    if !offer.shared_with.is_empty() {
        pairs.push(("Same key", offer.shared_with.join(", ")));
    }
    pairs.extend(offer.notes.iter().map(|note| ("Note", note.clone())));
    let picture = art(&offer.shown).iter().map(|line| format!("{line}\n")).collect::<String>();
    format!("{}{picture}", list(&pairs))
}

/// A known key, the shown one by its source alone.
fn known_words(known: &TrustedKey, shown: &HostKey) -> String {
    let source = match &known.source {
        TrustSource::Muster if known.once => "accepted for the next connection".to_owned(),
        TrustSource::Muster => {
            let when = known.accepted_ms.map_or_else(|| "at an unknown time".to_owned(), time);
            format!("accepted {when} by {}", known.accepted_by)
        }
        TrustSource::KnownHosts { file, line } => format!("line {line} of {file}"),
    };
    if known.key.openssh == shown.openssh {
        source
    } else {
        format!("{} {}, {source}", known.key.algorithm, known.key.fingerprint)
    }
}

/// Writes the keys to a file that is not there yet, or to standard output for `-`.
fn export(file: &Path, lines: &str) -> Result<(), Fault> {
    crate::output::write_new(file, lines.as_bytes())
}

fn key_table(keys: &[TrustEntry]) -> String {
    let heads = [
        ("HOSTS", Set::Left),
        ("ADDRESS", Set::Left),
        ("PORT", Set::Right),
        ("ALGORITHM", Set::Left),
        ("FINGERPRINT", Set::Left),
        ("KNOWN FROM", Set::Left),
    ];
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|TrustEntry { trusted, hosts }| {
            let role = match trusted.role {
                KeyRole::Host | KeyRole::AnyPort => "",
                KeyRole::Authority => ", authority",
                KeyRole::Revoked => ", REVOKED",
            };
            vec![
                hosts.join(","),
                trusted.address.clone(),
                trusted.port.to_string(),
                trusted.key.algorithm.clone(),
                trusted.key.fingerprint.clone(),
                format!("{}{role}", known_words(trusted, &trusted.key)),
            ]
        })
        .collect();
    table(&heads, &rows)
}
