//! An SSH server whose sign-in asks several things in one request, as a second factor does: OpenSSH's PAM asks one
//! after the other. What it is asked to run is run by a shell of this computer.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::keys::{Algorithm, PrivateKey};
use russh::server::{self, Auth, ChannelOpenHandle, Handler, Msg, Response, Session};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use tempfile::TempDir;
use tokio::io::{AsyncWriteExt, copy};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::runtime::Runtime;

/// What the sign-in asks, and what lets in.
#[derive(Clone)]
pub struct Asks {
    pub title: &'static str,
    pub instructions: &'static str,
    /// Each with whether what is typed may be seen, and with the right answer.
    pub prompts: &'static [(&'static str, bool, &'static str)],
}

pub struct AskingServer {
    port: u16,
    given: Given,
    _home: TempDir,
    // Dropped with all that it serves.
    _runtime: Runtime,
}

/// The answers of each request that was answered.
type Given = Arc<Mutex<Vec<Vec<String>>>>;

impl AskingServer {
    pub fn start(asks: Asks) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let home = tempfile::tempdir().unwrap();
        let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap();
        let config = Arc::new(server::Config {
            keys: vec![key],
            methods: MethodSet::from([MethodKind::KeyboardInteractive].as_slice()),
            auth_rejection_time: Duration::ZERO,
            ..server::Config::default()
        });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let given = Given::default();
        let signing =
            SigningIn { asks, given: given.clone(), home: home.path().to_owned(), open: HashMap::new() };
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (config, signing) = (config.clone(), signing.anew());
                tokio::spawn(async move {
                    if let Ok(session) = server::run_stream(config, stream, signing).await {
                        // How it ends is for the test to look at.
                        let _ = session.await;
                    }
                });
            }
        });
        Self { port, given, _home: home, _runtime: runtime }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What was answered so far, one request after the other.
    pub fn given(&self) -> Vec<Vec<String>> {
        self.given.lock().unwrap().clone()
    }
}

struct SigningIn {
    asks: Asks,
    given: Given,
    home: PathBuf,
    /// Channels that nothing runs on yet.
    open: HashMap<ChannelId, Channel<Msg>>,
}

impl SigningIn {
    fn anew(&self) -> Self {
        Self {
            asks: self.asks.clone(),
            given: self.given.clone(),
            home: self.home.clone(),
            open: HashMap::new(),
        }
    }
}

impl Handler for SigningIn {
    type Error = russh::Error;

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(response) = response else {
            let prompts: Vec<(Cow<'static, str>, bool)> =
                self.asks.prompts.iter().map(|(text, echo, _)| (Cow::Borrowed(*text), *echo)).collect();
            return Ok(Auth::Partial {
                name: self.asks.title.into(),
                instructions: self.asks.instructions.into(),
                prompts: prompts.into(),
            });
        };
        let answers: Vec<String> =
            response.map(|answer| String::from_utf8_lossy(&answer).into_owned()).collect();
        let is_right = answers.iter().eq(self.asks.prompts.iter().map(|(_, _, right)| right));
        self.given.lock().unwrap().push(answers);
        Ok(if is_right { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.open.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some(channel) = self.open.remove(&id) else { return session.channel_failure(id) };
        session.channel_success(id)?;
        let (handle, home) = (session.handle(), self.home.clone());
        let command = String::from_utf8_lossy(command).into_owned();
        tokio::spawn(async move {
            let status = run(channel, &command, &home).await;
            // Whoever asked may be gone.
            let _ = handle.exit_status_request(id, status).await;
            let _ = handle.eof(id).await;
            let _ = handle.close(id).await;
        });
        Ok(())
    }
}

/// Runs a command with the channel as its input and output.
async fn run(channel: Channel<Msg>, command: &str, home: &Path) -> u32 {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(home).env("HOME", home).kill_on_drop(true);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut input, mut output) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
    let (mut from, mut to) = tokio::io::split(channel.into_stream());
    let feeding = tokio::spawn(async move {
        // It may end before it has read all.
        let _ = copy(&mut from, &mut input).await;
    });
    let _ = copy(&mut output, &mut to).await;
    let _ = to.flush().await;
    feeding.abort();
    shell.wait().await.ok().and_then(|status| status.code()).map_or(255, i32::cast_unsigned)
}
