//! Commands over a connection.

use std::time::Duration;

use protocol::FaultCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::sshd::Sshd;
use crate::ssh::{Connection, ExecEnd, ExecLimits};

const SOON: Duration = Duration::from_secs(20);

fn limits() -> ExecLimits {
    ExecLimits::new("testing", SOON)
}

async fn echo(connection: &Connection) {
    let result = connection.run("echo hi", Vec::new(), limits()).await.unwrap();
    assert_eq!(result.stdout, b"hi\n");
}

#[tokio::test]
async fn a_command_gives_back_its_input_both_outputs_and_its_exit() {
    let sshd = Sshd::start("");
    let connection = sshd.connect().await;
    let input = vec![b'x'; 5 << 20];
    let wide = ExecLimits { stdout_bytes: 6 << 20, ..limits() };
    let result = connection.run("cat; echo err >&2; exit 7", input.clone(), wide).await.unwrap();
    assert_eq!((result.exit, result.stdout == input), (Some(7), true));
    assert_eq!(result.stderr, b"err\n");
    assert_eq!(result.left_out_bytes, 0);
}

#[tokio::test]
async fn output_beyond_the_limit_is_counted_and_a_signal_is_named() {
    let sshd = Sshd::start("");
    let connection = sshd.connect().await;
    let narrow = ExecLimits { stdout_bytes: 10, ..limits() };
    let result = connection.run("head -c 5000000 /dev/zero", Vec::new(), narrow).await.unwrap();
    assert_eq!((result.stdout.len(), result.left_out_bytes), (10, 4_999_990));
    let result = connection.run("kill -TERM $$", Vec::new(), limits()).await.unwrap();
    assert_eq!((result.exit, result.signal.as_deref()), (None, Some("TERM")));
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_given_up_and_named() {
    let sshd = Sshd::start("");
    let connection = sshd.connect().await;
    let short = ExecLimits::new("waiting for nothing", Duration::from_millis(300));
    let fault = connection.run("sleep 60", Vec::new(), short).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::TimedOut);
    assert!(fault.message.starts_with("waiting for nothing on web (127.0.0.1:"), "{}", fault.message);
    echo(&connection).await;
}

#[tokio::test]
async fn a_command_that_ignores_its_input_does_not_hang() {
    let sshd = Sshd::start("");
    let connection = sshd.connect().await;
    let result = timeout(SOON, connection.run("exit 3", vec![0; 20 << 20], limits())).await.unwrap().unwrap();
    assert_eq!(result.exit, Some(3));
    echo(&connection).await;
}

#[tokio::test]
async fn fifty_megabytes_unread_on_one_channel_do_not_hold_up_another() {
    let sshd = Sshd::start("");
    let connection = sshd.connect().await;
    let mut unread = connection.open("head -c 50000000 /dev/zero").await.unwrap();
    assert_eq!(timeout(SOON, unread.running.ended()).await.unwrap().exit, Some(0));
    timeout(SOON, echo(&connection)).await.unwrap();
    let mut all = Vec::new();
    unread.stdout.read_to_end(&mut all).await.unwrap();
    assert_eq!(all.len(), 50_000_000, "what was sent within the bound is not lost");
}

#[tokio::test]
async fn output_without_end_ends_its_own_command_alone() {
    let sshd = Sshd::start("");
    let connection = sshd.connect().await;
    let mut endless = connection.open("cat /dev/zero").await.unwrap();
    let end = timeout(SOON, endless.running.ended()).await.unwrap();
    assert_eq!(end, ExecEnd::default(), "we ended it, so nothing is known of how it went");
    timeout(SOON, echo(&connection)).await.unwrap();
    let mut all = Vec::new();
    assert!(endless.stdout.read_to_end(&mut all).await.is_err(), "cut output must not look complete");
}

#[tokio::test]
async fn an_open_command_talks_both_ways_and_ends_when_dropped() {
    let sshd = Sshd::start("");
    let connection = sshd.connect().await;
    let mut cat = connection.open("echo $$; echo note >&2; exec cat").await.unwrap();
    let mut line = [0; 64];
    let read = cat.stdout.read(&mut line).await.unwrap();
    let pid: u32 = String::from_utf8_lossy(&line[..read]).trim().parse().unwrap();
    cat.stdin.write_all(b"there and back\n").await.unwrap();
    let read = cat.stdout.read(&mut line).await.unwrap();
    assert_eq!(&line[..read], b"there and back\n");
    assert_eq!(cat.stderr.lines(), ["note"]);
    drop(cat);
    let gone = async {
        while std::path::Path::new(&format!("/proc/{pid}")).exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, gone).await.expect("a dropped command must end on the host");
}

#[tokio::test]
async fn one_session_at_a_time_is_enough() {
    let sshd = Sshd::start("MaxSessions 1");
    let connection = sshd.connect().await;
    for _ in 0..20 {
        echo(&connection).await;
    }
    let _busy = connection.open("cat").await.unwrap();
    let fault = connection.run("echo hi", Vec::new(), limits()).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::NotPermitted);
}

#[tokio::test]
async fn a_command_whose_channel_the_host_closes_after_a_time_is_never_a_success() {
    // On a busy machine a shell may take a second to say its first word.
    let sshd = Sshd::start("ChannelTimeout session:command=5s");
    let connection = sshd.connect().await;
    let result = connection.run("echo begun; sleep 30; echo done", Vec::new(), limits()).await.unwrap();
    assert_eq!((result.exit, result.signal, &result.stdout[..]), (None, None, &b"begun\n"[..]));
    echo(&connection).await;
}

#[tokio::test]
async fn a_cut_in_the_middle_is_told_and_is_never_a_success() {
    let sshd = Sshd::start("");
    let connection = sshd.connect().await;
    // The process of this very session ends: its parent is the sshd that serves us.
    let fault = connection.run("kill -9 $PPID; sleep 60", Vec::new(), limits()).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::LinkLost);
    assert_eq!(timeout(SOON, connection.closed()).await.unwrap().code, FaultCode::LinkLost);
    assert!(connection.is_closed());
    assert_eq!(connection.run("echo hi", Vec::new(), limits()).await.unwrap_err().code, FaultCode::LinkLost);
}

#[tokio::test]
async fn a_closed_connection_ends_what_runs_on_it() {
    let sshd = Sshd::start("");
    let connection = sshd.connect().await;
    let mut cat = connection.open("cat").await.unwrap();
    timeout(SOON, connection.close()).await.unwrap();
    assert!(connection.is_closed());
    assert_eq!(timeout(SOON, cat.running.ended()).await.unwrap(), ExecEnd::default());
}
