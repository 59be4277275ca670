//! How a session reaches its host: the connection, the sign-in, and the helper started on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use protocol::credentials::SecretKind;
use protocol::hosts::{HelperUse, Identity};
use protocol::link::{LinkState, LinkStep};
use protocol::{Fault, FaultCode};
use secrecy::SecretString;

use super::asking::Asking;
use super::line::Progress;
use super::session::{Live, Session};
use crate::helper;
use crate::ssh::{self, Connection, KeyFileState, Person, SignIn, Target};

impl Session {
    pub(super) async fn connect(self: &Arc<Self>, epoch: u64) -> Result<Live, Fault> {
        let begun = Instant::now();
        let since_ms = self.ground.clock.now_ms();
        let show = |Progress { hop, step }| {
            self.set_state(epoch, LinkState::Connecting { step, since_ms, hop });
        };
        let step = |step| show(Progress { hop: None, step });
        if self.host.is_local() {
            step(LinkStep::StartingHelper);
            let link = helper::start_local().await?;
            return Ok(Live::new(link, None, elapsed_ms(begun), None, epoch));
        }
        step(LinkStep::Reaching);
        let connection = self.follow(show, self.connection()).await?;
        let (placed, link) = match self.host.helper {
            HelperUse::Placed => {
                let (placed, link) = self.start_helper(&connection, &step).await?;
                (Some(placed), link)
            }
            HelperUse::None => (None, helper::look_bare(connection.clone(), &self.host.name).await?),
        };
        Ok(Live::new(link, placed, elapsed_ms(begun), Some(connection), epoch))
    }

    /// A connection to the host, judged and signed in, with nothing on it yet.
    pub(super) async fn sign_in(
        &self,
        through: Option<Arc<Connection>>,
        step: &(dyn Fn(LinkStep) + Send + Sync),
    ) -> Result<Connection, Fault> {
        let asking = Asking::new(self.ground.clone(), self.host.clone());
        // Where nobody can be asked, what is missing is said instead.
        let by_itself = self.by_itself.load(Ordering::SeqCst);
        let can_ask = !by_itself && self.ground.questions.is_heard();
        let person = can_ask.then(|| asking.clone() as Arc<dyn Person>);
        let target = self.target(through, person).await.map_err(|fault| match fault.code {
            FaultCode::PasswordMissing if by_itself => {
                let message = format!("the password of {} is asked for at each sign-in", self.host.name);
                Fault::new(FaultCode::AnswerNeeded, message)
            }
            _ => fault,
        })?;
        let known = self.ground.trust.known_to_connect(&self.host.address, self.host.port).await?;
        let _turn = self.ground.turns.take(&self.host.address, self.host.port).await;
        // What known_hosts could not tell of a host is said where a key was not known.
        let connection =
            ssh::connect(&target, &known.keys, step).await.map_err(|fault| known.add_notes(fault))?;
        asking.save().await;
        Ok(connection)
    }

    async fn target(
        &self,
        through: Option<Arc<Connection>>,
        person: Option<Arc<dyn Person>>,
    ) -> Result<Target, Fault> {
        let host = &self.host;
        let sign_in = match &host.identity {
            Identity::Agent => SignIn::Agent,
            Identity::KeyFile { path } => {
                let path = PathBuf::from(path);
                // The keyring is asked only for what is needed: a plain key has no passphrase.
                let passphrase = match ssh::check_key_file(&path)? {
                    KeyFileState::Plain => None,
                    KeyFileState::Encrypted if person.is_some() => self.saved(SecretKind::Passphrase).await,
                    KeyFileState::Encrypted => self.passphrase(&path).await?,
                };
                SignIn::KeyFile { path, passphrase }
            }
            Identity::Password if person.is_some() => {
                SignIn::Password(self.saved(SecretKind::Password).await.unwrap_or_else(|| "".into()))
            }
            Identity::Password => {
                let password = self.ground.credentials.get(&host.id, SecretKind::Password).await?;
                SignIn::Password(password.ok_or_else(|| {
                    Fault::new(
                        FaultCode::PasswordMissing,
                        format!("no password for {} is in the keyring", host.name),
                    )
                })?)
            }
        };
        Ok(Target {
            host: host.name.clone(),
            address: host.address.clone(),
            port: host.port,
            user: host.user.clone(),
            sign_in,
            through,
            person,
        })
    }

    /// A secret if it is saved and can be had; else a person is asked.
    async fn saved(&self, kind: SecretKind) -> Option<SecretString> {
        self.ground.credentials.get(&self.host.id, kind).await.unwrap_or_else(|fault| {
            tracing::info!(host = %self.host.name, code = ?fault.code, "a person is asked instead");
            None
        })
    }

    /// The passphrase of an encrypted key. Without a keyring it is as good as not saved, and it is
    /// the key that the person must do something about.
    async fn passphrase(&self, path: &Path) -> Result<Option<SecretString>, Fault> {
        let asked = self.ground.credentials.get(&self.host.id, SecretKind::Passphrase).await;
        asked.map_err(|fault| match fault.code {
            FaultCode::KeyringUnavailable => Fault::new(
                FaultCode::KeyEncrypted,
                format!(
                    "the key file {} is encrypted and its passphrase is not known: {}",
                    path.display(),
                    fault.message
                ),
            )
            .about(path.display().to_string())
            .because(fault.message),
            _ => fault,
        })
    }
}

fn elapsed_ms(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
