//! trust: showing a host's key, accepting it, forgetting it.

use protocol::hosts::Host;
use protocol::ipc::{
    Event, TrustAccept, TrustExport, TrustForget, TrustForgetKey, TrustList, TrustMachine, TrustMarks,
    TrustShow,
};
use protocol::operations::OperationKind;
use protocol::trust::{
    HostKey, HostMachine, HostMarks, KeyRole, TrustEntry, TrustOffer, TrustSource, TrustedKey, Verdict,
};
use protocol::{Fault, FaultCode};

use super::Handle;
use super::hosts::log;
use crate::engine::Engine;
use crate::trust;

impl Handle for TrustShow {
    async fn handle(self, engine: &Engine) -> Result<TrustOffer, Fault> {
        let host = remote(engine, &self.host).await?;
        offer(engine, &host).await
    }
}

async fn remote(engine: &Engine, name: &str) -> Result<Host, Fault> {
    let host = engine.host(name).await?;
    if host.is_local() {
        return Err(Fault::bad_input(
            "host",
            "'local' is this computer: it is reached without SSH, and there is nothing about it to trust",
        ));
    }
    Ok(host)
}

async fn offer(engine: &Engine, host: &Host) -> Result<TrustOffer, Fault> {
    let known = engine.parts.trust.known(&host.address, host.port).await?;
    let shown = engine.parts.sessions.of(host).look_at_key(&known.keys).await?;
    let shared_with = shared_with(engine, host, &shown.key).await?;
    Ok(TrustOffer {
        host: host.name.clone(),
        address: host.address.clone(),
        port: host.port,
        shown: shown.key,
        certified_by: shown.certified_by,
        known: known.keys,
        verdict: shown.verdict,
        shared_with,
        notes: known.notes,
    })
}

/// Other saved hosts for which this key was accepted: a moved host has its old name among them, and a
/// copied machine the one it was copied from.
async fn shared_with(engine: &Engine, host: &Host, key: &HostKey) -> Result<Vec<String>, Fault> {
    let accepted = engine.parts.trust.list().await?;
    let hosts = engine.parts.hosts.list().await?;
    let has = |other: &&Host| {
        other.id != host.id && accepted.iter().any(|trusted| trusted.key == *key && is_at(other, trusted))
    };
    Ok(hosts.iter().filter(has).map(|other| other.name.clone()).collect())
}

fn is_at(host: &Host, trusted: &TrustedKey) -> bool {
    host.port == trusted.port && host.address.eq_ignore_ascii_case(&trusted.address)
}

impl Handle for TrustAccept {
    async fn handle(self, engine: &Engine) -> Result<TrustedKey, Fault> {
        let host = remote(engine, &self.host).await?;
        let offer = offer(engine, &host).await?;
        let place = format!("{}:{}", host.address, host.port);
        let refuse = |code, message| {
            let mut fault = Fault::new(code, message).on_host(&host.name).about(&place);
            fault.detail.shown_key = Some(offer.shown.clone());
            fault.detail.known_keys = own(&offer.known).map(|trusted| trusted.key.clone()).collect();
            Err(fault)
        };
        if !self.fingerprint.starts_with("SHA256:") {
            return Err(Fault::bad_input(
                "fingerprint",
                format!(
                    "'{}' is not a fingerprint: it begins with SHA256:",
                    protocol::text::printable(&self.fingerprint)
                ),
            ));
        }
        if offer.shown.fingerprint != self.fingerprint {
            return refuse(
                FaultCode::BadInput,
                format!(
                    "{} ({place}) shows the key {}, not {}: nothing was accepted",
                    host.name,
                    offer.shown.fingerprint,
                    protocol::text::printable(&self.fingerprint)
                ),
            );
        }
        match offer.verdict {
            Verdict::Revoked => refuse(
                FaultCode::HostKeyRevoked,
                format!(
                    "{} ({place}) shows a key that is revoked in known_hosts: it cannot be accepted",
                    host.name
                ),
            ),
            // What OpenSSH changed is taken back with OpenSSH.
            Verdict::Changed if own(&offer.known).all(|trusted| trusted.source != TrustSource::Muster) => {
                refuse(
                    FaultCode::HostKeyChanged,
                    format!(
                        "{} ({place}) shows another key than the one in {}",
                        host.name,
                        sources(own(&offer.known))
                    ),
                )
            }
            Verdict::Changed => refuse(
                FaultCode::HostKeyChanged,
                format!(
                    "{} ({place}) shows another key than the one accepted before: forget that one first",
                    host.name
                ),
            ),
            Verdict::Known | Verdict::New => {
                let by = &engine.parts.operator;
                let shown = offer.shown.clone();
                let trusted =
                    engine.parts.trust.accept(&host.address, host.port, shown, by, self.once).await?;
                let target = format!("{} {}", trusted.key.algorithm, trusted.key.fingerprint);
                let how = if self.once { "for the next connection alone" } else { "" };
                log(engine, OperationKind::TrustAccept, Some(&host), &target, how).await?;
                engine.tell(Event::HostsChanged {});
                Ok(trusted)
            }
        }
    }
}

/// The keys that are the host's own.
fn own(known: &[TrustedKey]) -> impl Iterator<Item = &TrustedKey> {
    known.iter().filter(|trusted| trusted.role == KeyRole::Host)
}

/// Where keys are known from: `line 3 of FILE, line 7 of FILE`.
fn sources<'k>(known: impl Iterator<Item = &'k TrustedKey>) -> String {
    let places: Vec<String> = known
        .map(|trusted| match &trusted.source {
            TrustSource::Muster => "Muster".to_owned(),
            TrustSource::KnownHosts { file, line } => format!("line {line} of {file}"),
        })
        .collect();
    places.join(", ")
}

impl Handle for TrustList {
    async fn handle(self, engine: &Engine) -> Result<Vec<TrustEntry>, Fault> {
        let hosts = engine.parts.hosts.list().await?;
        let mut keys = engine.parts.trust.list().await?;
        // What OpenSSH knows is listed for saved hosts alone: its files may hold thousands of others.
        for host in &hosts {
            let known = engine.parts.trust.known(&host.address, host.port).await?.keys;
            let of_openssh = known.into_iter().filter(|trusted| trusted.source != TrustSource::Muster);
            for trusted in of_openssh {
                if !keys.contains(&trusted) {
                    keys.push(trusted);
                }
            }
        }
        let named = |trusted: TrustedKey| {
            let at =
                hosts.iter().filter(|host| is_at(host, &trusted)).map(|host| host.name.clone()).collect();
            TrustEntry { trusted, hosts: at }
        };
        Ok(keys.into_iter().map(named).collect())
    }
}

impl Handle for TrustExport {
    async fn handle(self, engine: &Engine) -> Result<String, Fault> {
        Ok(trust::export(&engine.parts.trust.list().await?))
    }
}

impl Handle for TrustForgetKey {
    async fn handle(self, engine: &Engine) -> Result<u32, Fault> {
        let TrustForgetKey { address, port, fingerprint } = self;
        let forgotten = engine.parts.trust.forget(&address, port, Some(&fingerprint)).await?;
        if forgotten > 0 {
            engine.parts.sessions.end_at(&address, port);
            let target = format!("{fingerprint} at {}", protocol::sockets::endpoint(&address, port));
            log(engine, OperationKind::TrustForget, None, &target, "").await?;
            engine.tell(Event::HostsChanged {});
        }
        Ok(forgotten)
    }
}

impl Handle for TrustForget {
    async fn handle(self, engine: &Engine) -> Result<u32, Fault> {
        let host = remote(engine, &self.host).await?;
        let known = engine.parts.trust.known(&host.address, host.port).await?.keys;
        let (known, of_openssh): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|trusted| trusted.source == TrustSource::Muster);
        if known.is_empty() && own(&of_openssh).next().is_some() {
            return Err(Fault::bad_input(
                "host",
                format!(
                    "{} is trusted by {}, which Muster only reads: take it out with 'ssh-keygen -R'",
                    host.name,
                    sources(own(&of_openssh))
                ),
            )
            .on_host(&host.name));
        }
        let forgotten = engine.parts.trust.forget(&host.address, host.port, None).await?;
        // Every link that stands on a forgotten key ends with it; saved hosts may share an address.
        engine.parts.sessions.end_at(&host.address, host.port);
        for trusted in known {
            let target = format!("{} {}", trusted.key.algorithm, trusted.key.fingerprint);
            log(engine, OperationKind::TrustForget, Some(&host), &target, "").await?;
        }
        engine.tell(Event::HostsChanged {});
        Ok(forgotten)
    }
}

impl Handle for TrustMarks {
    async fn handle(self, engine: &Engine) -> Result<HostMarks, Fault> {
        let host = remote(engine, &self.host).await?;
        let known = engine.parts.trust.known(&host.address, host.port).await?.keys;
        let machine = engine.parts.trust.machine(&host).await?;
        let keys = own(&known).map(|trusted| trusted.key.clone()).collect();
        Ok(HostMarks { host: host.name, keys, machine })
    }
}

impl Handle for TrustMachine {
    async fn handle(self, engine: &Engine) -> Result<HostMachine, Fault> {
        let host = remote(engine, &self.host).await?;
        let by = &engine.parts.operator;
        let accepted = engine.parts.trust.accept_machine(&host, self.machine_id, by).await?;
        let target = format!("machine-id {}", accepted.known.id.as_deref().unwrap_or(trust::machines::NONE));
        log(engine, OperationKind::TrustAccept, Some(&host), &target, "").await?;
        engine.tell(Event::HostsChanged {});
        Ok(accepted)
    }
}
