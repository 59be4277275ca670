//! Which way a question takes: over the link of the user who signed in, or over a second one as root.
//!
//! Root is asked for when something needs it, on a host that is set to give it, and not again once it
//! was refused: what may be seen is then read with the user's own rights, and the answer says why. A
//! password that sudo did not take is never sent twice. The second link ends with the first.

use std::sync::Arc;
use std::time::Duration;

use protocol::credentials::SecretKind;
use protocol::hosts::{HelperUse, Sudo};
use protocol::link::Rights;
use protocol::wire::{Answer, Ask};
use protocol::{Fault, FaultCode};

use super::session::{Live, Session, locked, named};
use crate::helper::{self, Link, Subscription};

/// Between two samples of who uses the most, as root.
const WATCH_MS: u32 = 2_000;

/// The link that a question goes over, and the question as it is put there.
pub(crate) struct Way {
    live: Arc<Live>,
    root: Option<Arc<Link>>,
    refused: Option<Fault>,
    ask: Ask,
}

impl Way {
    fn link(&self) -> &Link {
        self.root.as_deref().unwrap_or(&self.live.link)
    }

    /// Puts the question.
    ///
    /// # Errors
    /// As `Link::ask`. Where only root could do it, the reason why there is no root.
    pub(crate) async fn ask(self, limit: Duration) -> Result<Answer, Fault> {
        match (self.link().ask(self.ask.clone(), limit).await, self.refused) {
            (Err(fault), Some(refused))
                if matches!(fault.code, FaultCode::NotPermitted | FaultCode::SudoRefused) =>
            {
                Err(refused)
            }
            (answer, _) => answer,
        }
    }

    fn rights(&self) -> Rights {
        let who = &self.link().hello().host;
        let refused = self.refused.clone().map(Box::new);
        Rights { user: who.user.clone(), is_root: who.uid == 0, refused }
    }
}

/// What root is for in a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Nothing,
    /// It is answered without root too, with less.
    More,
    /// The user's own rights may do.
    Perhaps,
    /// Only root is meant.
    Root,
}

fn need(ask: &Ask) -> Need {
    match ask {
        Ask::System {}
        | Ask::Sockets { .. }
        | Ask::Processes { .. }
        | Ask::Details { .. }
        | Ask::Blame { .. }
        | Ask::Impact { .. }
        | Ask::Journal { .. }
        | Ask::JournalFollow { .. } => Need::More,
        Ask::Signal { .. } => Need::Perhaps,
        Ask::Act { sudo, .. } | Ask::Run { sudo, .. } if *sudo != Sudo::None => Need::Root,
        Ask::Act { .. } | Ask::Run { .. } => Need::Nothing,
        Ask::Metrics { .. } | Ask::Services { .. } | Ask::Cancel { .. } | Ask::Refresh { .. } => {
            Need::Nothing
        }
    }
}

/// The question with another word on how the helper itself is to get root.
fn with_sudo(mut ask: Ask, by: Sudo) -> Ask {
    match &mut ask {
        Ask::Signal { sudo, .. }
        | Ask::Impact { sudo, .. }
        | Ask::Act { sudo, .. }
        | Ask::Run { sudo, .. }
        | Ask::Journal { sudo, .. }
        | Ask::JournalFollow { sudo, .. } => *sudo = by,
        Ask::System {}
        | Ask::Metrics { .. }
        | Ask::Sockets { .. }
        | Ask::Services { .. }
        | Ask::Processes { .. }
        | Ask::Details { .. }
        | Ask::Blame { .. }
        | Ask::Cancel { .. }
        | Ask::Refresh { .. } => {}
    }
    ask
}

impl Live {
    /// The link as root if it is up.
    pub(super) fn root_now(&self) -> Option<Arc<Link>> {
        let root = self.root.try_lock().ok()?;
        root.as_ref().filter(|link| !link.is_closed()).cloned()
    }

    /// Does it for as long as the first link is up: a sudo that hangs holds up nobody who ends the link.
    async fn while_linked<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        tokio::select! {
            done = work => done,
            ended = self.link.closed() => Err(ended),
        }
    }

    pub(super) async fn close_root(&self) {
        if let Some(root) = self.root.lock().await.take() {
            root.close();
        }
    }
}

impl Session {
    /// Asks the helper one thing, as root where that tells more and the host gives it.
    pub async fn ask(self: &Arc<Self>, ask: Ask, limit: Duration) -> Result<Answer, Fault> {
        let way = self.way(ask).await?;
        way.ask(limit).await.map_err(|fault| named(fault, &self.host))
    }

    /// The same, with the rights that it was answered with.
    pub(crate) async fn ask_seen(
        self: &Arc<Self>,
        ask: Ask,
        limit: Duration,
    ) -> Result<(Answer, Rights), Fault> {
        let way = self.way(ask).await?;
        let rights = way.rights();
        let answer = way.ask(limit).await.map_err(|fault| named(fault, &self.host))?;
        Ok((answer, rights))
    }

    /// Asks for a stream of answers.
    pub(crate) async fn subscribe(self: &Arc<Self>, ask: Ask) -> Result<Subscription, Fault> {
        self.subscribe_seen(ask).await.map(|(lines, _)| lines)
    }

    /// The same, with the rights that they are answered with.
    pub(super) async fn subscribe_seen(self: &Arc<Self>, ask: Ask) -> Result<(Subscription, Rights), Fault> {
        let way = self.way(ask).await?;
        let lines = way.link().subscribe(way.ask.clone()).await;
        lines.map(|lines| (lines, way.rights())).map_err(|fault| named(fault, &self.host))
    }

    /// Finds the way of a question, connecting if need be. A fault means that nothing was sent.
    pub(crate) async fn way(self: &Arc<Self>, ask: Ask) -> Result<Way, Fault> {
        let live = self.live().await?;
        self.check_machine(&live, &ask).await?;
        let need = need(&ask);
        let is_root = live.link.hello().host.uid == 0;
        let is_bare = self.host.helper == HelperUse::None;
        if need == Need::Nothing || self.host.sudo == Sudo::None || is_root || is_bare {
            return Ok(Way { live, root: None, refused: None, ask: with_sudo(ask, Sudo::None) });
        }
        match self.root(&live, need).await {
            Ok(root) => Ok(Way { live, root: Some(root), refused: None, ask: with_sudo(ask, Sudo::None) }),
            Err(fault) if fault.code == FaultCode::LinkLost => Err(named(fault, &self.host)),
            Err(fault) => match (self.host.sudo, need) {
                (Sudo::Password, Need::Root) => Err(named(fault, &self.host)),
                // sudoers may allow this one command and no shell: the helper asks sudo for just that.
                (sudo @ Sudo::Nopasswd, _) => {
                    Ok(Way { live, root: None, refused: Some(fault), ask: with_sudo(ask, sudo) })
                }
                _ => Ok(Way { live, root: None, refused: Some(fault), ask: with_sudo(ask, Sudo::None) }),
            },
        }
    }

    /// The link as root, started if there is none.
    async fn root(&self, live: &Live, need: Need) -> Result<Arc<Link>, Fault> {
        let mut slot = live.root.lock().await;
        if let Some(root) = slot.as_ref().filter(|root| !root.is_closed()) {
            return Ok(root.clone());
        }
        let before = locked(&self.root_refused).clone();
        if let Some(refused) = before.filter(|refused| !may_ask_again(need, refused.code)) {
            return Err(refused);
        }
        let Some(connection) = live.connection() else {
            return Err(crate::error::internal("asking for root", "the connection is gone"));
        };
        let started = async {
            let password = match self.host.sudo {
                Sudo::Password => self.ground.credentials.get(&self.host.id, SecretKind::Sudo).await?,
                Sudo::None | Sudo::Nopasswd => None,
            };
            let asked = helper::Asked {
                host: &self.host.name,
                user: &self.host.user,
                arch: &live.link.hello().host.arch,
            };
            helper::start_as_root(&connection, asked, password.as_ref()).await
        };
        match live.while_linked(started).await {
            Ok(root) => {
                let root = Arc::new(root);
                tokio::spawn(watch(root.clone()));
                *slot = Some(root.clone());
                *locked(&self.root_refused) = None;
                Ok(root)
            }
            Err(fault) => {
                let fault = named(fault, &self.host);
                if fault.code != FaultCode::LinkLost {
                    *locked(&self.root_refused) = Some(fault.clone());
                }
                Err(fault)
            }
        }
    }
}

/// Lets the helper that runs as root keep who used the most, until its link ends: the I/O of other
/// users' processes is known to root alone.
async fn watch(root: Arc<Link>) {
    let Ok(mut pushes) = root.subscribe(Ask::Metrics { interval_ms: Some(WATCH_MS) }).await else { return };
    // The subscription does not hold the link: whoever asked for it does.
    drop(root);
    while let Some(Ok(_)) = pushes.recv().await {}
}

/// What a person asks for is worth another try, but never with a password that was not taken.
fn may_ask_again(need: Need, refused: FaultCode) -> bool {
    need == Need::Root && refused != FaultCode::SudoPasswordWrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::helper::tests::linking::linked;

    #[tokio::test]
    async fn a_sudo_that_hangs_ends_with_the_first_link() {
        let (link, _fake) = linked().await;
        let live = Arc::new(Live::over(link));
        let (begun, is_begun) = tokio::sync::oneshot::channel();
        let starting = tokio::spawn({
            let live = live.clone();
            async move {
                let _slot = live.root.lock().await;
                begun.send(()).unwrap();
                live.while_linked(std::future::pending::<Result<(), Fault>>()).await
            }
        });
        is_begun.await.unwrap();
        live.link.close();
        let closed = tokio::time::timeout(Duration::from_secs(5), live.close_root()).await;
        closed.expect("who ends the link does not wait for sudo");
        assert_eq!(starting.await.unwrap().unwrap_err().code, FaultCode::LinkLost);
    }

    #[test]
    fn a_password_that_was_not_taken_is_not_sent_again() {
        for need in [Need::More, Need::Perhaps, Need::Root] {
            assert!(!may_ask_again(need, FaultCode::SudoPasswordWrong), "{need:?}");
        }
        assert!(may_ask_again(Need::Root, FaultCode::SudoRefused), "sudoers may have been changed");
        assert!(!may_ask_again(Need::More, FaultCode::SudoRefused), "each look would ask anew");
    }

    #[test]
    fn root_is_asked_for_only_by_what_it_is_for() {
        let run = |sudo| Ask::Run { command: "id".into(), sudo, limit_ms: None };
        assert_eq!(need(&run(Sudo::None)), Need::Nothing);
        assert_eq!(need(&run(Sudo::Password)), Need::Root);
        assert_eq!(need(&Ask::Metrics { interval_ms: None }), Need::Nothing);
        assert_eq!(with_sudo(run(Sudo::Password), Sudo::None), run(Sudo::None));
    }
}
