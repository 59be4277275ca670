//! Servers that speak SSH and do not behave: they ask, open, close and claim what they should not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::FaultCode;
use protocol::trust::TrustedKey;
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{self, Auth, Handler, Msg, Response, Session};
use russh::{Channel, ChannelId, MethodKind, MethodSet, Sig};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::sshd::{by_password, trust};
use crate::ssh::{Connection, ExecLimits, Target, connect, fetch_host_key};

const SOON: Duration = Duration::from_secs(15);

/// What the server does; it writes down what it learns.
#[derive(Clone, Default)]
pub(crate) struct Script {
    /// Prompts of keyboard-interactive, each with its echo.
    pub(crate) prompts: &'static [(&'static str, bool)],
    /// After the first proof this method is wanted too.
    pub(crate) then: Option<MethodKind>,
    pub(crate) proved: Arc<std::sync::atomic::AtomicUsize>,
    /// Takes no password.
    pub(crate) refuses: bool,
    pub(crate) learned: Arc<Mutex<Vec<String>>>,
}

impl Script {
    pub(crate) fn learned(&self) -> Vec<String> {
        self.learned.lock().unwrap().clone()
    }

    /// Enough, or one more proof is wanted.
    fn proof(&self) -> Auth {
        let first = self.proved.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        match self.then {
            Some(then) if first => Auth::Reject {
                proceed_with_methods: Some(MethodSet::from([then].as_slice())),
                partial_success: true,
            },
            _ => Auth::Accept,
        }
    }

    fn learn(&self, what: impl Into<String>) {
        self.learned.lock().unwrap().push(what.into());
    }
}

impl Handler for Script {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, Self::Error> {
        self.learn(format!("password {password}"));
        if self.refuses {
            return Ok(Auth::Reject { proceed_with_methods: None, partial_success: false });
        }
        Ok(self.proof())
    }

    async fn auth_publickey(
        &mut self,
        _: &str,
        _: server::VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        self.learn("key");
        Ok(self.proof())
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        if let Some(response) = response {
            for answer in response {
                self.learn(format!("answer {}", String::from_utf8_lossy(&answer)));
            }
            return Ok(self.proof());
        }
        let prompts = self.prompts.iter().map(|(text, echo)| ((*text).into(), *echo)).collect();
        Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: server::ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        let (handle, script) = (session.handle(), self.clone());
        tokio::spawn(async move {
            let _keep = channel;
            let opened = [
                ("session", handle.channel_open_session().await.is_ok()),
                ("agent", handle.channel_open_agent().await.is_ok()),
                ("x11", handle.channel_open_x11("127.0.0.1", 1).await.is_ok()),
                ("tcp", handle.channel_open_forwarded_tcpip("a", 1, "b", 2).await.is_ok()),
                ("direct", handle.channel_open_direct_tcpip("a", 1, "b", 2).await.is_ok()),
                ("socket", handle.channel_open_forwarded_streamlocal("/s").await.is_ok()),
                ("direct socket", handle.channel_open_direct_streamlocal("/s").await.is_ok()),
            ];
            for (kind, open) in opened {
                script.learn(format!("{kind} {open}"));
            }
        });
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match command {
            b"silent end" => {
                session.channel_success(channel)?;
                session.data(channel, "partial")?;
                session.eof(channel)?;
                session.close(channel)?;
            }
            b"odd signal" => {
                session.channel_success(channel)?;
                session.exit_signal_request(channel, Sig::Custom("\u{1b}[2J".into()), false, "", "")?;
                session.close(channel)?;
            }
            _ => session.channel_failure(channel)?,
        }
        Ok(())
    }
}

pub(super) async fn lying(script: &Script, methods: &[MethodKind]) -> (Target, Vec<TrustedKey>) {
    let mut random = russh::keys::key::safe_rng();
    let config = Arc::new(server::Config {
        keys: vec![PrivateKey::random(&mut random, Algorithm::Ed25519).unwrap()],
        methods: MethodSet::from(methods),
        auth_rejection_time: Duration::ZERO,
        ..server::Config::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let handler = script.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (config, handler) = (config.clone(), handler.clone());
            tokio::spawn(async move {
                if let Ok(session) = server::run_stream(config, stream, handler).await {
                    let _ = session.await;
                }
            });
        }
    });
    let known = vec![trust(port, fetch_host_key("web", "127.0.0.1", port, &[], None).await.unwrap().key)];
    (by_password(port), known)
}

/// The port of such a server that asks for a password.
pub(crate) async fn port_by_password(script: &Script) -> u16 {
    lying(script, &[MethodKind::Password]).await.0.port
}

pub(super) async fn connected(script: &Script) -> Connection {
    let (target, known) = lying(script, &[MethodKind::Password]).await;
    connect(&target, &known, &|_| {}).await.unwrap()
}

#[tokio::test]
async fn a_password_signs_in() {
    let script = Script::default();
    connected(&script).await;
    assert_eq!(script.learned(), ["password hunter2"]);
}

#[tokio::test]
async fn one_hidden_prompt_is_answered_with_the_password() {
    let script = Script { prompts: &[("Password: ", false)], ..Script::default() };
    let (target, known) = lying(&script, &[MethodKind::KeyboardInteractive]).await;
    connect(&target, &known, &|_| {}).await.unwrap();
    assert_eq!(script.learned(), ["answer hunter2"]);
}

#[tokio::test]
async fn other_prompts_are_not_answered_with_the_password() {
    for prompts in [&[("Password: ", false), ("Code: ", false)][..], &[("Your name: ", true)]] {
        let script = Script { prompts, ..Script::default() };
        let (target, known) = lying(&script, &[MethodKind::KeyboardInteractive]).await;
        let fault = connect(&target, &known, &|_| {}).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::AnswerNeeded);
        assert!(fault.message.contains("there is nobody to ask"), "{fault}");
        assert_eq!(script.learned(), [""; 0]);
    }
}

#[tokio::test]
async fn no_channel_that_the_host_opens_is_accepted() {
    let script = Script::default();
    let connection = connected(&script).await;
    let _ = connection.run("silent end", Vec::new(), ExecLimits::new("testing", SOON)).await;
    let all = async {
        while script.learned().len() < 8 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(SOON, all).await.unwrap();
    let refused = [
        "session false",
        "agent false",
        "x11 false",
        "tcp false",
        "direct false",
        "socket false",
        "direct socket false",
    ];
    assert_eq!(script.learned()[1..], refused);
}

#[tokio::test]
async fn a_channel_that_closes_without_an_exit_status_is_no_success() {
    let connection = connected(&Script::default()).await;
    let limits = ExecLimits::new("testing", SOON);
    let result = connection.run("silent end", Vec::new(), limits).await.unwrap();
    assert_eq!((result.exit, result.signal, &result.stdout[..]), (None, None, &b"partial"[..]));
    let result = connection.run("odd signal", Vec::new(), limits).await.unwrap();
    assert_eq!((result.exit, result.signal.as_deref()), (None, Some("\\x1b[2J")));
}

#[tokio::test]
async fn a_host_that_runs_no_commands_is_told() {
    let connection = connected(&Script::default()).await;
    let fault = connection.run("anything", Vec::new(), ExecLimits::new("testing", SOON)).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::NotPermitted);
    assert!(fault.message.ends_with("does not run commands for this user"), "{fault}");
}
