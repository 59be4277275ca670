//! Strict key exchange (CVE-2023-48795): who sits between us and a host can put no message in and take none out
//! unseen, whether the host knows strict key exchange or not, and learns nothing of the sign-in by trying.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{Fault, FaultCode};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::liar::is_safe;
use super::raw::{
    DEBUG, EXT_INFO, GCM, IGNORE, Manners, Raw, SERVICE_ACCEPT, SERVICE_REQUEST, Say, USERAUTH_REQUEST,
    USERAUTH_SUCCESS,
};
use super::sshd::{Sshd, by_password, trust};
use crate::ssh::{Connection, connect, fetch_host_key};

const CHACHA: &str = "chacha20-poly1305@openssh.com";
const BOTH: &str = "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com";
const UNIMPLEMENTED: u8 = 3;
/// Longer than each time-out of ours.
const TOO_LONG: Duration = Duration::from_secs(90);

/// What the server learned of us.
#[derive(Clone, Debug, Default)]
struct Learned {
    exchanges: String,
    ciphers: String,
    /// Kinds of the messages under the keys.
    heard: Vec<u8>,
}

/// Takes whoever asks; says what the host must tell under its first keys, and changes to `then` afterwards.
async fn serve(mut raw: Raw, then: Option<&'static str>, learned: &Mutex<Learned>) -> Option<()> {
    {
        let mut learned = learned.lock().unwrap();
        (learned.exchanges, learned.ciphers) = (raw.client_exchanges.clone(), raw.client_ciphers.clone());
    }
    raw.say(&Say::new(EXT_INFO).number(1).text("server-sig-algs").text("ssh-ed25519")).await?;
    loop {
        let kind = raw.hear().await?.kind();
        learned.lock().unwrap().heard.push(kind);
        match kind {
            SERVICE_REQUEST => raw.say(&Say::new(SERVICE_ACCEPT).text("ssh-userauth")).await?,
            USERAUTH_REQUEST => {
                raw.say(&Say::new(USERAUTH_SUCCESS)).await?;
                if let Some(then) = then {
                    raw.manners.ciphers = then;
                    raw.exchange().await?;
                }
            }
            _ => {}
        }
    }
}

async fn server(manners: Manners, then: Option<&'static str>, learned: Arc<Mutex<Learned>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (manners, learned) = (manners.clone(), learned.clone());
            tokio::spawn(async move {
                if let Some(raw) = Raw::meet(stream, manners).await {
                    serve(raw, then, &learned).await;
                }
            });
        }
    });
    port
}

async fn meet(manners: Manners, then: Option<&'static str>) -> (Result<Connection, Fault>, Learned) {
    // The same key, shown with the best manners.
    let polite =
        server(Manners { host_key: manners.host_key, ..Manners::default() }, None, Arc::default()).await;
    let key = fetch_host_key("web", "127.0.0.1", polite, &[], None).await.unwrap().key;
    let learned = Arc::new(Mutex::new(Learned::default()));
    let port = server(manners, then, learned.clone()).await;
    let known = [trust(port, key)];
    let connection = timeout(TOO_LONG, connect(&by_password(port), &known, &|_| {})).await.unwrap();
    let learned = learned.lock().unwrap().clone();
    (connection, learned)
}

#[tokio::test]
async fn a_host_that_does_not_know_it_is_used_with_a_cipher_that_counts_for_itself() {
    let (connection, learned) =
        meet(Manners { strict: false, ciphers: BOTH, ..Manners::default() }, None).await;
    connection.unwrap();
    assert!(learned.exchanges.contains("kex-strict-c-v00@openssh.com"), "we know it: {learned:?}");
    let ciphers: Vec<&str> = learned.ciphers.split(',').collect();
    assert_eq!((ciphers.first(), ciphers.last()), (Some(&GCM), Some(&CHACHA)), "{ciphers:?}");
    // Without it a message may be put in: under this cipher that alone takes nothing away.
    let put_in = Some(Say::new(IGNORE).text(""));
    meet(Manners { strict: false, put_in, ..Manners::default() }, None).await.0.unwrap();
    assert!(!learned.ciphers.contains("cbc"), "the other that is unsafe without it is never offered");
}

#[tokio::test]
async fn a_host_that_does_not_know_it_and_has_no_safe_cipher_hears_nothing_of_the_sign_in() {
    let (refused, learned) =
        meet(Manners { strict: false, ciphers: CHACHA, ..Manners::default() }, None).await;
    let fault = refused.unwrap_err();
    assert_eq!(fault.code, FaultCode::NotSsh);
    assert!(fault.message.contains("does not know strict key exchange"), "{fault}");
    assert!(fault.message.contains(CHACHA) && is_safe(&fault), "{fault}");
    assert_eq!(learned.heard, [0; 0], "nothing under these keys");
    // With it, the same cipher is safe.
    Sshd::start(&format!("Ciphers {CHACHA}")).connect().await;
}

#[tokio::test]
async fn a_host_that_changes_to_an_unsafe_cipher_later_is_left() {
    let manners = Manners { strict: false, ..Manners::default() };
    let (connection, _) = meet(manners, Some(CHACHA)).await;
    let fault = match connection {
        Ok(connection) => timeout(TOO_LONG, connection.closed()).await.unwrap(),
        Err(fault) => fault,
    };
    assert_eq!(fault.code, FaultCode::LinkLost);
    assert!(fault.message.contains("a cipher that is not safe"), "{fault}");
}

#[tokio::test]
async fn what_is_put_in_before_the_keys_of_a_host_that_knows_it_ends_the_connection_before_the_sign_in() {
    let ignore = Say::new(IGNORE).text("");
    let debug = Say::new(DEBUG).byte(0).text("").text("");
    let unimplemented = Say::new(UNIMPLEMENTED).number(0);
    for put_in in [ignore, debug, unimplemented] {
        // Taken out behind it or not: the numbers of the messages are right again, and it must not help.
        for first_is_lost in [false, true] {
            let manners = Manners { put_in: Some(put_in.clone()), first_is_lost, ..Manners::default() };
            let (refused, learned) = meet(manners, None).await;
            let fault = refused.unwrap_err();
            assert_eq!(fault.code, FaultCode::NotSsh, "{fault:?}");
            assert!(fault.message.contains("key exchange") && is_safe(&fault), "{fault}");
            assert_eq!(learned.heard, [0; 0], "nothing under these keys");
        }
    }
}

#[tokio::test]
async fn what_is_taken_out_behind_the_keys_is_missed_before_a_name_or_a_secret_leaves() {
    let ignore = Some(Say::new(IGNORE).text(""));
    for (strict, put_in) in [(true, None), (false, None), (false, ignore)] {
        let (refused, learned) =
            meet(Manners { strict, put_in, first_is_lost: true, ..Manners::default() }, None).await;
        let fault = refused.unwrap_err();
        assert!(matches!(fault.code, FaultCode::LinkLost | FaultCode::NotSsh), "{fault:?}");
        assert!(is_safe(&fault), "{fault:?}");
        assert!(!learned.heard.contains(&USERAUTH_REQUEST), "strict {strict}: {learned:?}");
    }
}

#[tokio::test]
async fn a_host_that_says_little_and_means_much_more_of_it_is_not_used() {
    let zlib = "zlib,zlib@openssh.com";
    let (refused, learned) = meet(Manners { compressions: zlib, ..Manners::default() }, None).await;
    let fault = refused.unwrap_err();
    assert_eq!(fault.code, FaultCode::NotSsh, "{fault:?}");
    assert!(is_safe(&fault), "{fault:?}");
    assert_eq!(learned.heard, [0; 0], "nothing under these keys");
    // sshd offers to say it as it is, too.
    Sshd::start("Compression yes").connect().await;
}
