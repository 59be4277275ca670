//! trust.

use engine::Desk;
use protocol::Fault;
use protocol::ipc::{TrustAccept, TrustForget, TrustList, TrustShow};
use protocol::trust::{TrustOffer, TrustedKey, Verdict};

use crate::args::TrustVerb;
use crate::output::{Printer, Set, list, table, time};

pub(crate) async fn act(desk: &Desk, verb: TrustVerb, printer: &Printer) -> Result<(), Fault> {
    match verb {
        TrustVerb::Show { name } => printer.show(&desk.call(TrustShow { host: name }).await?, offer_words),
        TrustVerb::Accept { name, fingerprint } => {
            let trusted = desk.call(TrustAccept { host: name, fingerprint }).await?;
            printer.show(&trusted, |trusted| {
                format!(
                    "accepted {} {} for {}:{}\n",
                    trusted.key.algorithm, trusted.key.fingerprint, trusted.address, trusted.port
                )
            })
        }
        TrustVerb::List => printer.show(&desk.call(TrustList {}).await?, |keys| key_table(keys)),
        TrustVerb::Forget { name } => {
            let forgotten = desk.call(TrustForget { host: name }).await?;
            printer.show(&forgotten, |count| format!("{count} accepted keys forgotten\n"))
        }
    }
}

fn offer_words(offer: &TrustOffer) -> String {
    let verdict = match offer.verdict {
        Verdict::Known => "accepted before",
        Verdict::New => "new: compare it with the host's owner before you accept it",
        Verdict::Changed => "CHANGED: another key was accepted before",
    };
    let mut pairs = vec![
        ("Host", format!("{} ({}:{})", offer.host, offer.address, offer.port)),
        ("Algorithm", offer.shown.algorithm.clone()),
        ("Fingerprint", offer.shown.fingerprint.clone()),
        ("Verdict", verdict.to_owned()),
    ];
    if offer.verdict == Verdict::Changed {
        pairs.extend(offer.known.iter().map(|known| {
            (
                "Before",
                format!(
                    "{} {}, accepted {}",
                    known.key.algorithm,
                    known.key.fingerprint,
                    time(known.accepted_ms)
                ),
            )
        }));
    }
    list(&pairs)
}

fn key_table(keys: &[TrustedKey]) -> String {
    let heads = [
        ("ADDRESS", Set::Left),
        ("PORT", Set::Right),
        ("ALGORITHM", Set::Left),
        ("FINGERPRINT", Set::Left),
        ("ACCEPTED", Set::Left),
        ("BY", Set::Left),
    ];
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|trusted| {
            vec![
                trusted.address.clone(),
                trusted.port.to_string(),
                trusted.key.algorithm.clone(),
                trusted.key.fingerprint.clone(),
                time(trusted.accepted_ms),
                trusted.accepted_by.clone(),
            ]
        })
        .collect();
    table(&heads, &rows)
}
