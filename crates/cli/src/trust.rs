//! trust: the key a host shows and the keys that were accepted.

use engine::Desk;
use protocol::ipc::{TrustAccept, TrustForget, TrustList, TrustShow};
use protocol::sockets::endpoint;
use protocol::trust::Verdict;
use protocol::{Fault, FaultCode};

use crate::args::TrustCommand;
use crate::format::time;
use crate::output::{Output, Stop};
use crate::table::{Column, Table};

pub(crate) async fn trust(desk: &Desk, command: TrustCommand, output: &mut Output) -> Result<(), Stop> {
    match command {
        TrustCommand::Show { name } => show(desk, name, output).await,
        TrustCommand::Accept { name, fingerprint } => {
            let key = desk.call(TrustAccept { host: name, fingerprint }).await?;
            if output.json {
                return output.document(&key);
            }
            let place = endpoint(&key.address, key.port);
            output.line(&format!("accepted {} {} for {place}", key.key.algorithm, key.key.fingerprint))
        }
        TrustCommand::List => list(desk, output).await,
        TrustCommand::Forget { name } => {
            let count = desk.call(TrustForget { host: name.clone() }).await?;
            if output.json {
                return output.document(&count);
            }
            let keys = if count == 1 { "1 key".to_owned() } else { format!("{count} keys") };
            output.line(&format!("forgot {keys} of {name}"))
        }
    }
}

/// A changed key is shown in full and still ends with the status of a host that is not trusted.
async fn show(desk: &Desk, name: String, output: &mut Output) -> Result<(), Stop> {
    let offer = desk.call(TrustShow { host: name }).await?;
    let place = endpoint(&offer.address, offer.port);
    if output.json {
        output.document(&offer)?;
    } else {
        output.line(&format!(
            "{} ({place}) shows {} {}",
            offer.host, offer.shown.algorithm, offer.shown.fingerprint
        ))?;
        for known in &offer.known {
            let (by, at) = (&known.accepted_by, time(known.accepted_ms));
            output.line(&format!(
                "accepted by {by} on {at}: {} {}",
                known.key.algorithm, known.key.fingerprint
            ))?;
        }
    }
    match offer.verdict {
        Verdict::Known => Ok(()),
        Verdict::New => output.note(&format!(
            "it is not accepted yet; compare it with the host's owner, then 'musterctl trust accept {} --fingerprint {}'",
            offer.host, offer.shown.fingerprint
        )),
        Verdict::Changed => {
            let message = format!("{} ({place}) shows another key than the one accepted before", offer.host);
            let mut fault = Fault::new(FaultCode::HostKeyChanged, message).on_host(offer.host).about(place);
            fault.detail.shown_key = Some(offer.shown);
            fault.detail.known_keys = offer.known.into_iter().map(|known| known.key).collect();
            Err(fault.into())
        }
    }
}

async fn list(desk: &Desk, output: &mut Output) -> Result<(), Stop> {
    let keys = desk.call(TrustList {}).await?;
    if output.json {
        return output.document(&keys);
    }
    let mut table = Table::new(vec![
        Column::Left("ADDRESS"),
        Column::Left("ALGORITHM"),
        Column::Left("FINGERPRINT"),
        Column::Left("ACCEPTED"),
        Column::Left("BY"),
    ]);
    for key in keys {
        table.row(vec![
            endpoint(&key.address, key.port),
            key.key.algorithm,
            key.key.fingerprint,
            time(key.accepted_ms),
            key.accepted_by,
        ]);
    }
    table.print(output)
}
