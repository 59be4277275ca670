//! The socket table beside ss(8): in every state, while sockets come and go, with very many open
//! files, and for a user who may not see whose they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::sockets::{Socket, SocketState};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, listen, socket_with};
use support::musterctl::Operator;
use support::process::tool;

use crate::answers;

fn sockets(operator: &Operator, more: &[&str]) -> Vec<Socket> {
    let words = [&["sockets", "local", "--json"], more].concat();
    answers::sockets(&operator.run(&words).done())
}

/// State by protocol, local and peer address, of all TCP sockets that have one of these ports.
fn ours(table: &[Socket], ports: &BTreeSet<u16>) -> BTreeMap<(String, String), String> {
    let mine = table.iter().filter(|one| !one.protocol.is_udp() && !one.protocol.is_unix());
    let mine = mine.filter(|one| ports.contains(&one.local_port) || ports.contains(&one.peer_port));
    let rows: Vec<_> = mine.map(|one| ((one.local(), one.peer()), one.state.name().to_owned())).collect();
    let all = rows.len();
    let rows: BTreeMap<_, _> = rows.into_iter().collect();
    assert_eq!(rows.len(), all, "no socket is there twice");
    rows
}

/// The same of ss.
fn of_ss(ports: &BTreeSet<u16>) -> BTreeMap<(String, String), String> {
    let text = tool("ss", &["-H", "-t", "-a", "-n"]);
    let rows = text.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let port = |end: &str| end.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
        let (local, peer) = (*fields.get(3)?, *fields.get(4)?);
        let is_mine = [local, peer].iter().any(|end| port(end).is_some_and(|port| ports.contains(&port)));
        let peer = if peer.ends_with(":*") { "*" } else { peer };
        is_mine.then(|| ((local.to_owned(), peer.to_owned()), fields[0].to_owned()))
    });
    rows.collect()
}

fn tcp() -> OwnedFd {
    socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)
        .unwrap()
}

fn pair(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// Writes until the other end takes no more.
fn fill(mut stream: &TcpStream) {
    stream.set_nonblocking(true).unwrap();
    while stream.write(&[0; 65_536]).is_ok() {}
}

/// Two states that pass in a moment, held: a filter at the socket drops the packet that would end them.
/// One port has a connection whose last word of the handshake is lost; at the end of one of the other
/// port the first FIN is lost, so that both ends close at the same time.
const HALTING: &str = r#"
use Socket; $| = 1;
sub halt {
    my ($socket, @code) = @_;
    my $bytes = join '', map { pack 'SCCL', @$_ } @code;
    setsockopt($socket, SOL_SOCKET, 26, pack('S x![P] P', scalar(@code), $bytes)) or die $!;
}
sub listener {
    socket(my $socket, PF_INET, SOCK_STREAM, 0) or die $!;
    bind($socket, sockaddr_in(0, INADDR_LOOPBACK)) and listen($socket, 9) or die $!;
    return $socket, sockaddr_in(getsockname $socket);
}
my ($half, $half_port) = listener(); my ($both, $both_port) = listener();
halt($half, [0x30, 0, 0, 13], [0x45, 0, 1, 2], [6, 0, 0, 65535], [6, 0, 0, 0]);
print "$half_port $both_port\n";
accept(my $end, $both) or die $!;
halt($end, [0x30, 0, 0, 13], [0x45, 1, 0, 1], [6, 0, 0, 65535], [6, 0, 0, 0]);
print "accepted\n"; <STDIN>;
shutdown($end, 1); print "closed\n"; <STDIN>;
"#;

/// The ends that this process holds of connections in SYN-RECV and CLOSING.
struct Halted {
    child: Child,
    half_port: u16,
    both_port: u16,
    _ends: [TcpStream; 2],
}

impl Halted {
    fn make() -> Self {
        let mut command = Command::new("perl");
        let mut child =
            command.args(["-e", HALTING]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut next = || said.next().unwrap().unwrap();
        let ports: Vec<u16> = next().split(' ').map(|port| port.parse().unwrap()).collect();
        let half = TcpStream::connect(("127.0.0.1", ports[0])).unwrap();
        let both = TcpStream::connect(("127.0.0.1", ports[1])).unwrap();
        assert_eq!(next(), "accepted");
        both.shutdown(Shutdown::Write).unwrap();
        child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        assert_eq!(next(), "closed");
        Self { child, half_port: ports[0], both_port: ports[1], _ends: [half, both] }
    }
}

impl Drop for Halted {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_state_is_that_of_ss() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = pair(&listener);
    let half_closed = pair(&listener);
    half_closed.0.shutdown(Shutdown::Write).unwrap();
    let closed = pair(&listener);
    closed.0.shutdown(Shutdown::Both).unwrap();
    drop(closed);
    // Its end waits behind data that nobody takes.
    let blocked = pair(&listener);
    fill(&blocked.0);
    blocked.0.shutdown(Shutdown::Write).unwrap();
    // The same of the end that is closed second.
    let last = pair(&listener);
    last.0.shutdown(Shutdown::Write).unwrap();
    fill(&last.1);
    last.1.shutdown(Shutdown::Write).unwrap();
    // One more than its queue holds is not answered.
    let full = tcp();
    bind(&full, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    listen(&full, 0).unwrap();
    let to: SocketAddr = rustix::net::getsockname(&full).unwrap().try_into().unwrap();
    let waiting: Vec<OwnedFd> = (0..4).map(|_| tcp()).collect();
    for fd in &waiting {
        let _ = connect(fd, &to);
    }

    let halted = Halted::make();
    let own = listener.local_addr().unwrap().port();
    let ports = BTreeSet::from([own, to.port(), halted.half_port, halted.both_port]);
    let operator = Operator::without_keyring();
    let before = of_ss(&ports);
    let table = sockets(&operator, &[]);
    let (ours, after) = (ours(&table, &ports), of_ss(&ports));
    let states: BTreeSet<&str> = ours.values().map(String::as_str).collect();
    for state in [
        "LISTEN",
        "ESTAB",
        "FIN-WAIT-1",
        "FIN-WAIT-2",
        "CLOSE-WAIT",
        "LAST-ACK",
        "TIME-WAIT",
        "SYN-SENT",
        "SYN-RECV",
        "CLOSING",
    ] {
        assert!(states.contains(state), "{state} is missing: {states:?}");
    }
    for (ends, state) in before.iter().filter(|(ends, state)| after.get(ends) == Some(state)) {
        assert_eq!(ours.get(ends), Some(state), "{ends:?}");
    }
    assert!(ours.keys().all(|ends| before.contains_key(ends) || after.contains_key(ends)), "{ours:?}");
    let waits = |one: &&Socket| one.state == SocketState::TimeWait && ports.contains(&one.peer_port);
    let gone = table.iter().find(waits).or(table.iter().find(|one| one.state == SocketState::TimeWait));
    let gone = gone.unwrap();
    assert_eq!((gone.pid, gone.owner()), (None, None), "whose it was nobody knows: {gone:?}");
    drop((open, half_closed, blocked, last, waiting, halted));
}

#[test]
fn what_stays_is_there_once_while_sockets_come_and_go() {
    let operator = Operator::without_keyring();
    let stays = TcpListener::bind("127.0.0.1:0").unwrap();
    let held: Vec<_> = (0..50).map(|_| pair(&stays)).collect();
    let churn = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = churn.local_addr().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let storm = std::thread::spawn({
        let over = Arc::clone(&over);
        move || {
            while !over.load(Ordering::Relaxed) {
                drop((TcpStream::connect(to), churn.accept()));
            }
        }
    });
    let own = BTreeSet::from([stays.local_addr().unwrap().port()]);
    for _ in 0..4 {
        let table = sockets(&operator, &[]);
        let found = ours(&table, &own);
        assert_eq!(found.len(), 101, "a listener and both ends of 50: {found:?}");
        let mine = table.iter().filter(|one| own.contains(&one.local_port) || own.contains(&one.peer_port));
        assert!(mine.clone().all(|one| one.pid == Some(std::process::id())), "all are of this process");
        let inodes: Vec<u64> = table.iter().map(|one| one.inode).filter(|&inode| inode != 0).collect();
        let once: BTreeSet<u64> = inodes.iter().copied().collect();
        assert_eq!(once.len(), inodes.len(), "no socket is there twice");
        let strangers = table.iter().filter(|one| one.local_port == to.port() && one.inode != 0);
        for one in strangers {
            assert!(one.pid.is_none_or(|pid| pid == std::process::id()), "an owner is not invented: {one:?}");
        }
    }
    over.store(true, Ordering::Relaxed);
    storm.join().unwrap();
    drop(held);
}

#[test]
fn of_4096_open_files_the_sockets_are_found_and_unix_sockets_only_if_asked_for() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum.map(|most| most.min(8_192)), maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).unwrap();
    let files: Vec<File> = (0..4_096).map(|_| File::open("/dev/null").unwrap()).collect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a\u{202e}b");
    let _unix = UnixListener::bind(&path).unwrap();
    let operator = Operator::without_keyring();
    let find = |table: Vec<Socket>, local: &str| table.into_iter().find(|one| one.local() == local);
    let tcp = find(sockets(&operator, &[]), &format!("127.0.0.1:{port}")).unwrap();
    assert_eq!((tcp.pid, tcp.holders), (Some(std::process::id()), 1));
    let path = path.to_str().unwrap();
    assert!(find(sockets(&operator, &[]), path).is_none());
    let unix = find(sockets(&operator, &["--unix"]), path).unwrap();
    assert_eq!((unix.pid, unix.state), (Some(std::process::id()), SocketState::Listen));
    let shown = operator.run(&["sockets", "local", "--unix"]).done().stdout;
    assert!(shown.contains("a\\u{202e}b") && !shown.contains('\u{202e}'), "the name turns no line round");
    drop(files);
}
