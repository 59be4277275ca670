//! What lies behind the channels that a host may want: the agent and the display of who runs this program. They
//! are asked for by the environment alone, so each case is this test program once more, with one of its own.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::liar::tell;
use super::lies::opens_each_kind;
use super::lying::{Script, connected};
use super::sshd::Sshd;
use crate::ssh::{ExecLimits, SignIn, connect};

const CASE: &str = "MUSTER_TEST_QUIET_CASE";
const NAME: &str =
    "ssh::tests::quiet::neither_the_agent_nor_the_display_of_the_user_hears_of_channels_that_a_host_opens";
const SOON: Duration = Duration::from_secs(15);

#[test]
fn neither_the_agent_nor_the_display_of_the_user_hears_of_channels_that_a_host_opens() {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match std::env::var(CASE).as_deref() {
        Ok("hostile") => runtime().block_on(hostile()),
        Ok("agent") => runtime().block_on(by_agent()),
        Ok(other) => panic!("no such case: {other}"),
        Err(_) => from_outside(),
    }
}

fn from_outside() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("agent");
    let agent = UnixListener::bind(&socket).unwrap();
    let (number, display) = display();
    for listener in [agent.set_nonblocking(true), display.set_nonblocking(true)] {
        listener.unwrap();
    }
    let start = |case: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", NAME, "--nocapture"]).env(CASE, case);
        command.env("SSH_AUTH_SOCK", &socket).env("DISPLAY", format!("127.0.0.1:{number}"));
        command.spawn().unwrap()
    };
    assert!(start("hostile").wait().unwrap().success());
    assert_eq!(agent.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "the agent was reached");
    assert_eq!(display.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "the display was reached");
    // The same environment, and a sign-in that does want the agent: it would have been seen.
    let mut child = start("agent");
    assert!(is_reached(&agent, &mut child), "the agent that the program knows is the one that is looked at");
    assert!(child.wait().unwrap().success());
}

/// True if the agent is reached before the program ends. Whoever reached it finds it gone.
fn is_reached(agent: &UnixListener, child: &mut Child) -> bool {
    let until = Instant::now() + Duration::from_secs(60);
    let mut is_over = false;
    while Instant::now() < until {
        match agent.accept() {
            Ok(_) => return true,
            Err(_) if is_over => return false,
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
        is_over = child.try_wait().unwrap().is_some();
    }
    false
}

/// A display of X11 over TCP: its number, and where it listens.
fn display() -> (u16, TcpListener) {
    let free = |number: u16| TcpListener::bind(("127.0.0.1", 6_000 + number)).ok().map(|at| (number, at));
    (20..500).find_map(free).unwrap()
}

/// Hosts that open all that there is, one packet by packet and one by a library.
async fn hostile() {
    assert!(std::env::var_os("SSH_AUTH_SOCK").is_some() && std::env::var_os("DISPLAY").is_some());
    tell(Arc::new(opens_each_kind())).await;
    let script = Script::default();
    let connection = connected(&script).await;
    let _ = connection.run("silent end", Vec::new(), ExecLimits::new("testing", SOON)).await;
    let all = async {
        while script.learned().len() < 8 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(SOON, all).await.unwrap();
}

async fn by_agent() {
    let sshd = Sshd::start("");
    let target = sshd.target_with(SignIn::Agent);
    connect(&target, &sshd.trusted().await, &|_| {}).await.unwrap_err();
}
