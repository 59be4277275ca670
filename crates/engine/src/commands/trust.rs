//! trust: showing a host's key, accepting it, forgetting it.

use protocol::hosts::Host;
use protocol::ipc::{Event, TrustAccept, TrustForget, TrustList, TrustShow};
use protocol::operations::OperationKind;
use protocol::trust::{TrustOffer, TrustedKey, Verdict};
use protocol::{Fault, FaultCode};

use super::Handle;
use super::hosts::log;
use crate::engine::Engine;

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
            "'local' is this computer: it is reached without SSH and has no host key",
        ));
    }
    Ok(host)
}

async fn offer(engine: &Engine, host: &Host) -> Result<TrustOffer, Fault> {
    let known = engine.parts.trust.known(&host.address, host.port).await?;
    let shown = engine.parts.sessions.of(host).look_at_key(&known).await?;
    let verdict = if known.iter().any(|trusted| trusted.key.openssh == shown.openssh) {
        Verdict::Known
    } else if known.is_empty() {
        Verdict::New
    } else {
        Verdict::Changed
    };
    Ok(TrustOffer {
        host: host.name.clone(),
        address: host.address.clone(),
        port: host.port,
        shown,
        known,
        verdict,
    })
}

impl Handle for TrustAccept {
    async fn handle(self, engine: &Engine) -> Result<TrustedKey, Fault> {
        let host = remote(engine, &self.host).await?;
        let offer = offer(engine, &host).await?;
        let place = format!("{}:{}", host.address, host.port);
        let refuse = |code, message| {
            let mut fault = Fault::new(code, message).on_host(&host.name).about(&place);
            fault.detail.shown_key = Some(offer.shown.clone());
            fault.detail.known_keys = offer.known.iter().map(|trusted| trusted.key.clone()).collect();
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
                let trusted = engine.parts.trust.accept(&host.address, host.port, shown, by).await?;
                let target = format!("{} {}", trusted.key.algorithm, trusted.key.fingerprint);
                log(engine, OperationKind::TrustAccept, Some(&host), &target, "").await?;
                engine.tell(Event::HostsChanged {});
                Ok(trusted)
            }
        }
    }
}

impl Handle for TrustList {
    async fn handle(self, engine: &Engine) -> Result<Vec<TrustedKey>, Fault> {
        engine.parts.trust.list().await
    }
}

impl Handle for TrustForget {
    async fn handle(self, engine: &Engine) -> Result<u32, Fault> {
        let host = remote(engine, &self.host).await?;
        let known = engine.parts.trust.known(&host.address, host.port).await?;
        let forgotten = engine.parts.trust.forget(&host.address, host.port).await?;
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
