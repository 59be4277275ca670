//! Signing in by an agent: OpenSSH's own, and one that holds keys of hardware.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use protocol::FaultCode;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::raw::{Heard, Say};
use super::sshd::{Sshd, make_key, me};
use crate::ssh::SignIn;
use crate::ssh::session::connect_with_agent;

struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent(sshd: &Sshd, keys: &[&Path]) -> Agent {
    let socket = sshd.dir.path().join("agent");
    let child =
        Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).stdout(Stdio::null()).spawn().unwrap();
    let agent = Agent { child, socket };
    let until = Instant::now() + Duration::from_secs(10);
    while !agent.socket.exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    for key in keys {
        let added = Command::new("ssh-add").arg("-q").arg(key).env("SSH_AUTH_SOCK", &agent.socket).status();
        assert!(added.unwrap().success());
    }
    agent
}

#[tokio::test]
async fn a_later_key_of_the_agent_signs_in() {
    let sshd = Sshd::start("");
    let stranger = sshd.dir.path().join("stranger");
    make_key(&stranger, "rsa");
    let agent = agent(&sshd, &[&stranger, &sshd.key()]);
    let target = sshd.target_with(SignIn::Agent);
    let known = sshd.trusted().await;
    connect_with_agent(&target, &known, &|_| {}, Some(agent.socket.clone())).await.unwrap();
}

#[tokio::test]
async fn an_agent_without_a_fitting_key_without_keys_and_without_a_socket_are_three_reasons() {
    let sshd = Sshd::start("");
    let known = sshd.trusted().await;
    let target = sshd.target_with(SignIn::Agent);
    let stranger = sshd.dir.path().join("stranger");
    make_key(&stranger, "ed25519");
    let tried =
        async |agent: Option<PathBuf>| connect_with_agent(&target, &known, &|_| {}, agent).await.unwrap_err();
    let with_stranger = agent(&sshd, &[&stranger]);
    let fault = tried(Some(with_stranger.socket.clone())).await;
    assert_eq!(fault.code, FaultCode::SignInRefused);
    assert!(fault.message.contains("did not take the one key of the agent; it accepts publickey"), "{fault}");
    drop(with_stranger);
    std::fs::remove_file(sshd.dir.path().join("agent")).unwrap();
    let empty = agent(&sshd, &[]);
    let fault = tried(Some(empty.socket.clone())).await;
    assert_eq!(fault.code, FaultCode::AgentUnavailable);
    assert!(fault.message.contains("holds no key"), "{fault}");
    let fault = tried(Some("/nowhere/agent".into())).await;
    assert_eq!(fault.code, FaultCode::AgentUnavailable);
    let fault = tried(None).await;
    assert!(fault.message.contains("SSH_AUTH_SOCK is not set"), "{fault}");
}

#[tokio::test]
async fn a_certificate_in_the_agent_signs_in_where_no_key_is_authorized() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in ["ca", "holder"] {
        make_key(&at(name), "ed25519");
    }
    let authority = at("ca.pub");
    let settings = "AuthorizedKeysFile none\nLogLevel VERBOSE\nTrustedUserCAKeys";
    let sshd = Sshd::start(&format!("{settings} {}", authority.display()));
    let known = sshd.trusted().await;
    let target = sshd.target_with(SignIn::Agent);
    // Without its certificate the key opens nothing.
    let bare = agent(&sshd, &[&at("holder")]);
    let fault = connect_with_agent(&target, &known, &|_| {}, Some(bare.socket.clone())).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::SignInRefused, "{fault}");
    drop(bare);
    std::fs::remove_file(sshd.dir.path().join("agent")).unwrap();
    let mut signing = Command::new("ssh-keygen");
    signing.args(["-q", "-I", "ann", "-V", "+1h", "-n", &me(), "-s"]).arg(at("ca")).arg(at("holder.pub"));
    assert!(signing.status().unwrap().success());
    // ssh-add takes the certificate that lies beside a key along.
    let agent = agent(&sshd, &[&at("holder")]);
    connect_with_agent(&target, &known, &|_| {}, Some(agent.socket.clone())).await.unwrap();
    let log = std::fs::read_to_string(sshd.dir.path().join("log")).unwrap();
    let accepted = log.lines().find(|line| line.starts_with("Accepted publickey")).unwrap();
    assert!(accepted.contains("ED25519-CERT") && accepted.contains("ID ann"), "{accepted}");
}

#[tokio::test]
async fn two_keys_of_the_agent_sign_in_where_the_host_wants_two() {
    let sshd = Sshd::start("AuthenticationMethods publickey,publickey\nLogLevel VERBOSE");
    let [stranger, second] = ["stranger", "second"].map(|name| sshd.dir.path().join(name));
    for key in [&stranger, &second] {
        make_key(key, "ed25519");
    }
    let lines = [&sshd.key(), &second].map(|key| std::fs::read_to_string(key.with_extension("pub")).unwrap());
    std::fs::write(sshd.dir.path().join("authorized"), lines.concat()).unwrap();
    let known = sshd.trusted().await;
    let target = sshd.target_with(SignIn::Agent);
    let with = |keys: &[&Path]| {
        // The socket of the one before.
        let _ = std::fs::remove_file(sshd.dir.path().join("agent"));
        agent(&sshd, keys)
    };
    // One alone is not enough, and what is missing is said.
    let one = with(&[&sshd.key(), &stranger]);
    let fault = connect_with_agent(&target, &known, &|_| {}, Some(one.socket.clone())).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::SignInRefused, "{fault}");
    assert!(fault.message.contains("took the first proof and wants more: publickey"), "{fault}");
    drop(one);
    let both = with(&[&sshd.key(), &stranger, &second]);
    connect_with_agent(&target, &known, &|_| {}, Some(both.socket.clone())).await.unwrap();
    let log = std::fs::read_to_string(sshd.dir.path().join("log")).unwrap();
    let taken = |line: &&str| line.starts_with("Accepted publickey") || line.starts_with("Partial publickey");
    assert_eq!(log.lines().filter(taken).count(), 3, "one, then two, each once: {log}");
}

/// A key that lies in hardware: it signs what it was shown, that it was touched, and how often it signed.
enum Hardware {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

const APPLICATION: &str = "ssh:";
const TOUCHED: u8 = 1;
/// Messages of the protocol of agents (draft-miller-ssh-agent).
const AGENT_FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

impl Hardware {
    fn ed25519() -> Self {
        let seed = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed25519(Ed25519KeyPair::from_pkcs8(seed.as_ref()).unwrap())
    }

    fn p256() -> Self {
        let (kind, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let made = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self::P256(EcdsaKeyPair::from_pkcs8(kind, made.as_ref(), &random).unwrap())
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "sk-ssh-ed25519@openssh.com",
            Self::P256(_) => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    fn public(&self) -> Vec<u8> {
        let key = Say(Vec::new()).text(self.kind());
        let key = match self {
            Self::Ed25519(pair) => key.text(pair.public_key()),
            Self::P256(pair) => key.text("nistp256").text(pair.public_key()),
        };
        key.text(APPLICATION).0
    }

    /// The signature as OpenSSH's PROTOCOL.u2f has it.
    fn sign(&self, shown: &[u8], count: u32) -> Vec<u8> {
        let mut signed = digest(&SHA256, APPLICATION.as_bytes()).as_ref().to_vec();
        signed.push(TOUCHED);
        signed.extend_from_slice(&count.to_be_bytes());
        signed.extend_from_slice(digest(&SHA256, shown).as_ref());
        let signature = match self {
            Self::Ed25519(pair) => pair.sign(&signed).as_ref().to_vec(),
            Self::P256(pair) => {
                let both = pair.sign(&SystemRandom::new(), &signed).unwrap();
                let (r, s) = both.as_ref().split_at(32);
                Say(Vec::new()).large(r).large(s).0
            }
        };
        Say(Vec::new()).text(self.kind()).text(signature).byte(TOUCHED).number(count).0
    }
}

/// Answers as an agent with one such key, or none, which stands in its list behind `others`.
async fn hold(listener: UnixListener, key: Option<Hardware>, others: Vec<Vec<u8>>) {
    let mut count = 0;
    while let Ok((mut stream, _)) = listener.accept().await {
        while let Some(mut asked) = asked(&mut stream).await {
            let answer = match (asked.kind(), &key) {
                (REQUEST_IDENTITIES, key) => {
                    let all: Vec<Vec<u8>> =
                        others.iter().cloned().chain(key.as_ref().map(Hardware::public)).collect();
                    let list = Say::new(IDENTITIES_ANSWER).number(u32::try_from(all.len()).unwrap());
                    all.into_iter().fold(list, |list, key| list.text(key).text("a key"))
                }
                (SIGN_REQUEST, Some(key)) if asked.bytes() == key.public() => {
                    count += 1;
                    Say::new(SIGN_RESPONSE).text(key.sign(&asked.bytes(), count))
                }
                _ => Say::new(AGENT_FAILURE),
            };
            stream.write_all(&Say(Vec::new()).text(answer.0).0).await.unwrap();
        }
    }
}

async fn asked(stream: &mut UnixStream) -> Option<Heard> {
    let length = stream.read_u32().await.ok()?;
    let mut asked = vec![0; length as usize];
    stream.read_exact(&mut asked).await.ok()?;
    Some(Heard::new(asked))
}

/// Signs in by an agent that holds `key` behind `others`, to a host that takes all of them.
async fn signs_in(key: Hardware, others: Vec<Vec<u8>>) {
    let sshd = Sshd::start("LogLevel VERBOSE");
    let kind = key.kind();
    let all: Vec<Vec<u8>> = others.iter().cloned().chain([key.public()]).collect();
    let lines: String = all.iter().map(|key| format!("{kind} {}\n", BASE64.encode(key))).collect();
    std::fs::write(sshd.dir.path().join("authorized"), lines).unwrap();
    let socket = sshd.dir.path().join("agent");
    tokio::spawn(hold(UnixListener::bind(&socket).unwrap(), Some(key), others));
    let target = sshd.target_with(SignIn::Agent);
    let signed_in = connect_with_agent(&target, &sshd.trusted().await, &|_| {}, Some(socket)).await;
    let log = std::fs::read_to_string(sshd.dir.path().join("log")).unwrap();
    signed_in.unwrap_or_else(|fault| panic!("{kind}: {fault}: {log}"));
    assert!(log.contains("Accepted publickey"), "{log}");
}

#[tokio::test]
async fn keys_that_lie_in_hardware_sign_in_through_the_agent() {
    signs_in(Hardware::ed25519(), Vec::new()).await;
    signs_in(Hardware::p256(), Vec::new()).await;
}

#[tokio::test]
async fn a_key_in_hardware_that_nobody_touches_leaves_the_turn_to_the_next() {
    signs_in(Hardware::ed25519(), vec![Hardware::ed25519().public()]).await;
}

/// Keys as an agent may list them, that nobody here can read.
fn unreadable() -> Vec<Vec<u8>> {
    let kinds = ["ssh-next", "ssh-next@example.com", "x509v3-ssh-rsa", "ssh-next-cert-v01@openssh.com"];
    let key = |kind: &str| Say(Vec::new()).text(kind).text("something").number(7).0;
    let mut keys: Vec<Vec<u8>> = kinds.into_iter().map(key).collect();
    keys.push(Vec::new());
    keys.push(Say(Vec::new()).text("ssh-ed25519").text("short").0);
    keys
}

#[tokio::test]
async fn a_key_of_a_kind_that_nobody_knows_does_not_hide_the_others_of_the_agent() {
    signs_in(Hardware::ed25519(), unreadable()).await;
}

#[tokio::test]
async fn an_agent_with_unknown_kinds_of_keys_alone_is_told_from_an_empty_one() {
    let sshd = Sshd::start("");
    let socket = sshd.dir.path().join("agent");
    tokio::spawn(hold(UnixListener::bind(&socket).unwrap(), None, unreadable()));
    let target = sshd.target_with(SignIn::Agent);
    let known = sshd.trusted().await;
    let fault = connect_with_agent(&target, &known, &|_| {}, Some(socket)).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::AgentUnavailable);
    assert!(fault.message.contains("holds 6 keys of kinds that Muster does not know"), "{fault}");
}

/// What an agent does when it is asked.
#[derive(Clone, Copy)]
enum Stalls {
    /// It takes the connection and says nothing.
    AtOnce,
    /// It says how long its answer is, and half of it.
    InItsList,
    /// It gives its list, and the length of a signature.
    InASignature,
}

/// Answers as an agent with a key, up to where it stalls; whoever asked waits from then on.
async fn stall(listener: UnixListener, at: Stalls, key: Vec<u8>) {
    let mut held = Vec::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        let list = Say::new(IDENTITIES_ANSWER).number(1).text(&key).text("a key");
        let list = Say(Vec::new()).text(list.0).0;
        while let (Stalls::InItsList | Stalls::InASignature, Some(asked)) = (at, asked(&mut stream).await) {
            match (asked.kind(), at) {
                (REQUEST_IDENTITIES, Stalls::InItsList) => {
                    stream.write_all(&list[..list.len() / 2]).await.unwrap();
                    break;
                }
                (REQUEST_IDENTITIES, _) => stream.write_all(&list).await.unwrap(),
                (SIGN_REQUEST, _) => {
                    stream.write_all(&[0, 0, 0, 90, SIGN_RESPONSE]).await.unwrap();
                    break;
                }
                _ => stream.write_all(&[0, 0, 0, 1, AGENT_FAILURE]).await.unwrap(),
            }
        }
        held.push(stream);
    }
}

#[tokio::test]
async fn an_agent_that_falls_silent_at_any_step_is_given_up_in_time_and_said_to_be_silent() {
    let sshd = Sshd::start("LogLevel VERBOSE");
    let key = Hardware::ed25519();
    let line = format!("{} {}\n", key.kind(), BASE64.encode(key.public()));
    std::fs::write(sshd.dir.path().join("authorized"), line).unwrap();
    let known = sshd.trusted().await;
    let mut tries = Vec::new();
    for (name, at) in
        [("at-once", Stalls::AtOnce), ("list", Stalls::InItsList), ("sign", Stalls::InASignature)]
    {
        let socket = sshd.dir.path().join(name);
        tokio::spawn(stall(UnixListener::bind(&socket).unwrap(), at, key.public()));
        let (target, known) = (sshd.target_with(SignIn::Agent), known.clone());
        tries.push(async move {
            let tried = connect_with_agent(&target, &known, &|_| {}, Some(socket.clone()));
            // Far more than its limits together.
            let tried = tokio::time::timeout(Duration::from_secs(110), tried).await;
            (socket, tried.expect("it is given up").unwrap_err())
        });
    }
    let told = futures::future::join_all(tries).await;
    for (socket, fault) in &told {
        assert_eq!(fault.code, FaultCode::AgentUnavailable, "{fault:?}");
        assert!(fault.message.contains(&format!("the agent at {}", socket.display())), "{fault}");
        assert!(fault.message.contains("did not answer"), "{fault}");
    }
    assert!(told[2].1.message.contains("did not answer to a request to sign"), "{}", told[2].1);
}

#[tokio::test]
async fn a_key_that_an_agent_never_signs_with_does_not_keep_the_next_key_from_its_turn() {
    let sshd = Sshd::start("LogLevel VERBOSE");
    let (silent, good) = (Hardware::ed25519(), Hardware::p256());
    let line = |key: &Hardware| format!("{} {}\n", key.kind(), BASE64.encode(key.public()));
    std::fs::write(sshd.dir.path().join("authorized"), line(&silent) + &line(&good)).unwrap();
    let socket = sshd.dir.path().join("agent");
    let listener = UnixListener::bind(&socket).unwrap();
    let of_silent = silent.public();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut count = 0;
            while let Some(mut asked) = asked(&mut stream).await {
                let answer = match asked.kind() {
                    REQUEST_IDENTITIES => {
                        let list = Say::new(IDENTITIES_ANSWER).number(2);
                        list.text(&of_silent).text("silent").text(good.public()).text("good")
                    }
                    // Nobody touches this one: the agent waits for ever.
                    SIGN_REQUEST if asked.clone().bytes() == of_silent => break,
                    SIGN_REQUEST => {
                        let _key = asked.bytes();
                        count += 1;
                        Say::new(SIGN_RESPONSE).text(good.sign(&asked.bytes(), count))
                    }
                    _ => Say::new(AGENT_FAILURE),
                };
                stream.write_all(&Say(Vec::new()).text(answer.0).0).await.unwrap();
            }
            held.push(stream);
        }
    });
    let (target, known) = (sshd.target_with(SignIn::Agent), sshd.trusted().await);
    let tried = connect_with_agent(&target, &known, &|_| {}, Some(socket));
    let tried = tokio::time::timeout(Duration::from_secs(110), tried).await.expect("it is given up");
    let log = std::fs::read_to_string(sshd.dir.path().join("log")).unwrap();
    tried.unwrap_or_else(|fault| panic!("{fault}: {log}"));
}
