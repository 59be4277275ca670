//! How a session reaches its host: the connection, the sign-in, and the helper started on it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use protocol::credentials::SecretKind;
use protocol::hosts::{HelperUse, Identity};
use protocol::link::{LinkState, LinkStep};
use protocol::{Fault, FaultCode};
use secrecy::SecretString;

use super::line::Progress;
use super::session::{Live, Session};
use crate::helper;
use crate::ssh::{self, Connection, KeyFileState, SignIn, Target};

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
            let (connection, root) = (Mutex::default(), tokio::sync::Mutex::default());
            return Ok(Live { link, placed: None, took_ms: elapsed_ms(begun), connection, root, epoch });
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
        let (took_ms, connection) = (elapsed_ms(begun), Mutex::new(Some(connection)));
        let root = tokio::sync::Mutex::default();
        Ok(Live { link, placed, took_ms, connection, root, epoch })
    }

    /// A connection to the host, judged and signed in, with nothing on it yet.
    pub(super) async fn sign_in(
        &self,
        through: Option<Arc<Connection>>,
        step: &(dyn Fn(LinkStep) + Send + Sync),
    ) -> Result<Connection, Fault> {
        let target = self.target(through).await?;
        let known = self.ground.trust.known(&self.host.address, self.host.port).await?;
        let _turn = self.ground.turns.take(&self.host.address, self.host.port).await;
        ssh::connect(&target, &known, step).await
    }

    async fn target(&self, through: Option<Arc<Connection>>) -> Result<Target, Fault> {
        let host = &self.host;
        let sign_in = match &host.identity {
            Identity::Agent => SignIn::Agent,
            Identity::KeyFile { path } => {
                let path = PathBuf::from(path);
                // The keyring is asked only for what is needed: a plain key has no passphrase.
                let passphrase = match ssh::check_key_file(&path)? {
                    KeyFileState::Plain => None,
                    KeyFileState::Encrypted => self.passphrase(&path).await?,
                };
                SignIn::KeyFile { path, passphrase }
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
