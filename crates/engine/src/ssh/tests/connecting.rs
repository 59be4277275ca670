//! Reaching a host, judging its key and signing in.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use protocol::link::LinkStep;
use protocol::{Fault, FaultCode};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::sshd::{Sshd, by_password, make_key, me, trust};
use crate::ssh::{SignIn, Target, connect, fetch_host_key};

async fn fault_of(target: &Target) -> Fault {
    connect(target, &[], &|_| {}).await.unwrap_err()
}

/// A server that answers each connection with `words` and then waits, or closes.
async fn server(words: &'static [u8], closes: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = [0; 1024];
                let _ = stream.read(&mut asked).await;
                let _ = stream.write_all(words).await;
                while !closes && stream.read(&mut asked).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    port
}

#[tokio::test]
async fn a_key_file_signs_in_and_every_step_is_told() {
    let sshd = Sshd::start("");
    let steps = Mutex::new(Vec::new());
    let known = sshd.trusted().await;
    let connection = connect(&sshd.target(), &known, &|step| steps.lock().unwrap().push(step)).await.unwrap();
    assert!(!connection.is_closed());
    assert_eq!(*steps.lock().unwrap(), [LinkStep::Reaching, LinkStep::Handshake, LinkStep::SigningIn]);
}

#[tokio::test]
async fn rsa_and_ecdsa_keys_sign_in_too() {
    for kind in ["rsa", "ecdsa"] {
        let sshd = Sshd::start_with("", &[kind]);
        let path = sshd.dir.path().join(kind);
        make_key(&path, kind);
        std::fs::copy(path.with_extension("pub"), sshd.dir.path().join("authorized")).unwrap();
        let target = sshd.target_with(SignIn::KeyFile { path, passphrase: None });
        connect(&target, &sshd.trusted().await, &|_| {}).await.unwrap();
    }
}

#[tokio::test]
async fn an_unknown_host_key_ends_it_before_anything_of_the_sign_in_is_sent() {
    let sshd = Sshd::start("LogLevel DEBUG3");
    let fault = connect(&sshd.target(), &[], &|_| {}).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HostKeyUnknown);
    let shown = fault.detail.shown_key.clone().unwrap();
    assert_eq!(shown, fetch_host_key("web", "127.0.0.1", sshd.port, &[], None).await.unwrap().key);
    assert!(fault.message.contains(&shown.fingerprint) && fault.detail.known_keys.is_empty());
    let log = || std::fs::read_to_string(sshd.dir.path().join("log")).unwrap();
    assert!(!log().contains("userauth-request"), "no user name and no key may leave before trust");
    connect(&sshd.target(), &sshd.trusted().await, &|_| {}).await.unwrap();
    assert!(log().contains("userauth-request"), "the log would have shown it");
}

#[tokio::test]
async fn a_changed_host_key_blocks_and_both_keys_are_shown() {
    let (sshd, other) = (Sshd::start(""), Sshd::start(""));
    let mut known = other.trusted().await;
    known[0].port = sshd.port;
    let fault = connect(&sshd.target(), &known, &|_| {}).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HostKeyChanged);
    assert_eq!(fault.detail.known_keys, [known[0].key.clone()]);
    assert_eq!(fault.detail.shown_key.unwrap(), sshd.trusted().await[0].key);
}

#[tokio::test]
async fn a_host_that_has_only_a_key_of_another_kind_counts_as_changed() {
    let (sshd, other) = (Sshd::start_with("", &["rsa"]), Sshd::start(""));
    let mut known = other.trusted().await;
    known[0].port = sshd.port;
    let fault = connect(&sshd.target(), &known, &|_| {}).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HostKeyChanged);
    assert_eq!(fault.detail.shown_key.unwrap().algorithm, "ssh-rsa");
    assert_eq!(fault.detail.known_keys[0].algorithm, "ssh-ed25519");
}

#[tokio::test]
async fn a_host_with_several_keys_is_asked_for_the_one_that_is_known() {
    let sshd = Sshd::start_with("", &["ed25519", "rsa"]);
    let line = std::fs::read_to_string(sshd.dir.path().join("host_rsa.pub")).unwrap();
    let mut known = sshd.trusted().await;
    assert_eq!(known[0].key.algorithm, "ssh-ed25519");
    known[0].key.openssh = line.trim().to_owned();
    connect(&sshd.target(), &known, &|_| {}).await.unwrap();
    let shown = fetch_host_key("web", "127.0.0.1", sshd.port, &known, None).await.unwrap();
    assert_eq!(shown.key.algorithm, "ssh-rsa", "what is known is asked for first");
}

#[tokio::test]
async fn a_wrong_key_is_refused_with_what_the_host_accepts() {
    let sshd = Sshd::start("");
    let path = sshd.dir.path().join("stranger");
    make_key(&path, "ed25519");
    let target = sshd.target_with(SignIn::KeyFile { path: path.clone(), passphrase: None });
    let fault = connect(&target, &sshd.trusted().await, &|_| {}).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::SignInRefused);
    assert_eq!(
        fault.message,
        format!(
            "sign-in to web ({}@127.0.0.1:{}) was refused: the host did not take the key {}; \
             it accepts publickey",
            me(),
            sshd.port,
            path.display()
        )
    );
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_and_told_nowhere() {
    for setting in ["PasswordAuthentication yes", "PasswordAuthentication yes\nMaxAuthTries 1"] {
        let sshd = Sshd::start(&format!("{setting}\nPermitRootLogin yes\nLogLevel VERBOSE"));
        let target = sshd.target_with(SignIn::Password(SecretString::from("hunter2")));
        let fault = connect(&target, &sshd.trusted().await, &|_| {}).await.unwrap_err();
        assert_eq!(fault.code, FaultCode::SignInRefused, "{fault}");
        assert!(fault.message.contains("did not take the password"), "{fault}");
        assert!(!format!("{fault:?}").contains("hunter2"));
        let log = std::fs::read_to_string(sshd.dir.path().join("log")).unwrap();
        assert_eq!(log.matches("Failed password").count(), 1, "{log}");
    }
}

#[tokio::test]
async fn a_host_that_takes_no_password_is_not_sent_one() {
    let sshd = Sshd::start("LogLevel VERBOSE");
    let target = sshd.target_with(SignIn::Password(SecretString::from("hunter2")));
    let fault = connect(&target, &sshd.trusted().await, &|_| {}).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::SignInRefused);
    assert!(fault.message.ends_with("the host takes no password; it accepts publickey"), "{fault}");
    let target = sshd.target_with(SignIn::Password(SecretString::from("")));
    assert_eq!(fault_of(&target).await.code, FaultCode::PasswordMissing);
}

#[tokio::test]
async fn a_missing_key_file_is_said_without_troubling_the_host() {
    let mut target = by_password(1);
    target.sign_in = SignIn::KeyFile { path: "/nowhere/key".into(), passphrase: None };
    let fault = fault_of(&target).await;
    assert_eq!(fault.code, FaultCode::KeyFileUnusable);
    assert_eq!(fault.detail.host.as_deref(), Some("web"));
}

#[tokio::test]
async fn a_closed_port_an_unknown_name_and_another_service_are_three_reasons() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let fault = fault_of(&by_password(port)).await;
    assert_eq!(fault.code, FaultCode::PortClosed);
    assert_eq!(
        fault.message,
        format!("web (127.0.0.1:{port}) refused the connection: nothing listens there")
    );

    let unnamed = Target { address: "no-such-host.invalid".into(), ..by_password(22) };
    assert_eq!(fault_of(&unnamed).await.code, FaultCode::NameNotResolved);

    let http = server(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", true).await;
    let fault = fault_of(&by_password(http)).await;
    assert_eq!(fault.code, FaultCode::NotSsh);
    assert!(fault.message.ends_with("it answered 'HTTP/1.1 400 Bad Request'"), "{fault}");
    assert_eq!(
        fetch_host_key("web", "127.0.0.1", http, &[], None).await.unwrap_err().code,
        FaultCode::NotSsh
    );

    let full = server(b"Exceeded MaxStartups\r\n", true).await;
    assert_eq!(fault_of(&by_password(full)).await.code, FaultCode::LinkLost);
}

#[tokio::test]
async fn a_server_that_has_enough_or_punishes_is_told_by_its_own_words_and_is_one_that_comes_back() {
    // A server closes with or without a word, at once or when the client has spoken.
    for (words, told) in [
        (&b"Not allowed at this time\r\n"[..], "turned the connection away: Not allowed at this time"),
        (b"Exceeded MaxStartups\r\n", "turned the connection away: Exceeded MaxStartups"),
        (b"", "closed the connection before it sent an SSH banner: the host closed it"),
    ] {
        let port = server(words, true).await;
        let fault = fault_of(&by_password(port)).await;
        assert_eq!(fault.code, FaultCode::LinkLost, "{fault:?}");
        assert_eq!(fault.message, format!("web (127.0.0.1:{port}) {told}"));
    }
}

#[tokio::test]
async fn a_real_sshd_that_takes_no_more_connections_turns_away_and_takes_the_next_when_it_can() {
    let sshd = Sshd::start("PerSourceMaxStartups 1");
    let look = || fetch_host_key("web", "127.0.0.1", sshd.port, &[], None);
    // What looked whether it listens may still be counted.
    let turned_away = async |wanted: bool| {
        loop {
            match look().await {
                Ok(_) if !wanted => return,
                Err(fault) if wanted => {
                    assert_eq!(fault.code, FaultCode::LinkLost, "{fault:?}");
                    // Which of the two it is depends on its version.
                    let told = fault.message.contains("turned the connection away: Exceeded MaxStartups");
                    assert!(told || fault.message.contains("before it sent an SSH banner"), "{fault}");
                    return;
                }
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, turned_away(false)).await.unwrap();
    // The one that is taken: the look before may still be counted, and this one be turned away too.
    let held = async {
        loop {
            let mut stream = TcpStream::connect(("127.0.0.1", sshd.port)).await.unwrap();
            let mut banner = [0; 4];
            if stream.read_exact(&mut banner).await.is_ok() && &banner == b"SSH-" {
                return stream;
            }
        }
    };
    let held = tokio::time::timeout(limit, held).await.unwrap();
    tokio::time::timeout(limit, turned_away(true)).await.unwrap();
    drop(held);
    tokio::time::timeout(limit, turned_away(false)).await.unwrap();
}

#[tokio::test]
async fn a_silent_server_and_one_that_stops_after_its_banner_are_given_up_with_the_step_named() {
    let (silent, stalled) = (server(b"", false).await, server(b"SSH-2.0-x\r\n", false).await);
    let began = Instant::now();
    let (one, two) = (by_password(silent), by_password(stalled));
    let (silent, stalled) = tokio::join!(fault_of(&one), fault_of(&two));
    assert!(began.elapsed() < Duration::from_secs(20), "both have their own time-out");
    assert_eq!((silent.code, stalled.code), (FaultCode::NoAnswer, FaultCode::NoAnswer));
    assert!(silent.message.contains("sent no SSH banner within 15 s"), "{silent}");
    assert!(stalled.message.contains("did not finish the SSH key exchange within 15 s"), "{stalled}");
}

#[tokio::test]
async fn a_connection_that_is_given_up_in_the_middle_leaves_nothing_running() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = by_password(listener.local_addr().unwrap().port());
    let connecting = tokio::spawn(async move { fault_of(&target).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    stream.write_all(b"SSH-2.0-x\r\n").await.unwrap();
    // The banner and the first packet: the library's own task runs now.
    let mut said = [0; 4096];
    while !said.windows(5).any(|window| window == b"curve") {
        assert!(stream.read(&mut said).await.unwrap() > 0);
    }
    connecting.abort();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the socket must be closed at once");
}

/// A way to `port` that lets `bytes` of the host's words through and then falls silent.
async fn stalling(port: u16, bytes: u64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (near, _) = listener.accept().await.unwrap();
        let far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let (mut asks, mut hears) = near.into_split();
        let (says, mut is_asked) = far.into_split();
        let ask = async { tokio::io::copy(&mut asks, &mut is_asked).await };
        let answer = async { tokio::io::copy(&mut says.take(bytes), &mut hears).await };
        let _ = tokio::join!(ask, answer);
        std::future::pending::<()>().await;
    });
    own
}

#[tokio::test]
async fn a_host_that_falls_silent_after_any_byte_is_given_up_with_the_step_named() {
    let sshd = Sshd::start("");
    let key = fetch_host_key("web", "127.0.0.1", sshd.port, &[], None).await.unwrap().key;
    let mut tries = tokio::task::JoinSet::new();
    for bytes in (0..4_000).step_by(50) {
        let port = stalling(sshd.port, bytes).await;
        let target = Target { port, ..sshd.target() };
        let known = [trust(port, key.clone())];
        tries.spawn(async move {
            let tried =
                tokio::time::timeout(Duration::from_secs(90), connect(&target, &known, &|_| {})).await;
            (bytes, tried.expect("every step has its time-out").map(drop))
        });
    }
    let mut steps = Vec::new();
    for (bytes, tried) in tries.join_all().await {
        let Err(fault) = tried else { continue };
        assert_eq!(fault.code, FaultCode::NoAnswer, "after {bytes} bytes: {fault}");
        for step in ["no SSH banner", "SSH key exchange", "sign-in"] {
            if fault.message.contains(step) {
                steps.push(step);
            }
        }
    }
    for step in ["no SSH banner", "SSH key exchange", "sign-in"] {
        assert!(steps.contains(&step), "{step} in {steps:?}");
    }
}

/// A way to `port` that ends, or falls silent, when told.
async fn proxy(port: u16, mut stop: tokio::sync::watch::Receiver<bool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut stop = stop.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let stopped = async { stop.wait_for(|stop| *stop).await.is_ok() };
                let stopped = tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => false,
                    stopped = stopped => stopped,
                };
                if stopped {
                    // Both sockets stay open and nothing is read any more.
                    std::future::pending::<()>().await;
                }
            });
        }
        let _ = stop.changed().await;
    });
    own
}

#[tokio::test]
async fn a_line_that_falls_silent_is_seen_within_ten_seconds() {
    let sshd = Sshd::start("");
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let port = proxy(sshd.port, stopped).await;
    let key = fetch_host_key("web", "127.0.0.1", port, &[], None).await.unwrap().key;
    let target = Target { port, ..sshd.target() };
    let connection = connect(&target, &[trust(port, key)], &|_| {}).await.unwrap();
    stop.send(true).unwrap();
    let began = Instant::now();
    let fault = tokio::time::timeout(Duration::from_secs(11), connection.closed()).await.unwrap();
    assert_eq!(fault.code, FaultCode::LinkLost);
    assert!(fault.message.ends_with("the host stopped answering"), "{fault} after {:?}", began.elapsed());
}
