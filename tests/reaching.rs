//! Why a host cannot be reached: each reason has its own code and its own sentence, and none is waited for
//! without an end.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;

use protocol::{Fault, FaultCode};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use support::musterctl::Operator;
use support::needs;
use support::process::Process;
use support::sshd::make_key;
use support::wait::{seconds, until};

/// A network without a way out, in which each address of 198.18.0.0/15 (RFC 2544) is out of reach for a reason
/// of its own. A packet to the silent ones goes to a neighbour that is not there; one of them is the name server.
const NETWORK: &str = r#"
set -e
ip link set lo up
ip link add out type veth peer name far
ip addr add 198.18.0.1/24 dev out
ip link set far up
ip link set out up
for silent in 198.18.0.9 198.18.0.53; do
    ip neigh replace "$silent" lladdr 02:00:00:00:00:01 nud permanent dev out
done
ip route add unreachable 198.18.1.1
ip route add prohibit 198.18.1.2
ip route add blackhole 198.18.1.3
mount --bind "$1" /etc/resolv.conf
touch "$2"
exec sleep infinity
"#;
/// Longer than all of it takes: each try is the test's to give up, and not the resolver's.
const RESOLV: &str = "nameserver 198.18.0.53\noptions timeout:30 attempts:5\n";

struct Network {
    folder: tempfile::TempDir,
    holder: Process,
}

impl Network {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::write(at("resolv.conf"), RESOLV).unwrap();
        let mut command = std::process::Command::new("unshare");
        command.args(["--net", "--mount", "sh", "-c", NETWORK, "network", &at("resolv.conf"), &at("ready")]);
        let mut holder = Process::start(&mut command, &folder.path().join("log"));
        let ready = folder.path().join("ready");
        until("a network without a way out", seconds(20), || {
            holder.must_run();
            ready.exists().then_some(())
        });
        Self { folder, holder }
    }

    /// An operator whose computer has this network and its name server.
    fn operator(&self) -> Operator {
        let mut operator = Operator::without_keyring();
        let pid = self.holder.pid().to_string();
        operator.start_within(&["nsenter", "--target", &pid, "--net", "--mount", "--"]);
        operator
    }

    /// A server that answers everything like a web server does; gives its port.
    fn web_server(&self) -> u16 {
        let link = fs::File::open(format!("/proc/{}/ns/net", self.holder.pid())).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            // This thread alone goes there.
            move_into_link_name_space(std::os::fd::AsFd::as_fd(&link), Some(LinkNameSpaceType::Network))
                .unwrap();
            let server = TcpListener::bind("127.0.0.1:0").unwrap();
            tell.send(server.local_addr().unwrap().port()).unwrap();
            for stream in server.incoming().flatten() {
                let _ = (&stream).write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            }
        });
        told.recv().unwrap()
    }
}

fn add(operator: &Operator, name: &str, address: &str, port: u16, key: &Path) {
    let (port, key) = (port.to_string(), key.to_str().unwrap());
    let words = ["host", "add", name, "--address", address, "--port", &port, "--user", "root", "--key", key];
    operator.run(&words).done();
}

/// What 'check' says of a host, in words and as a fault: the same, with a next step.
fn fault_of(operator: &Operator, name: &str) -> Fault {
    let fault = operator.run(&["check", name, "--json"]).status_is(3).fault();
    operator.run(&["check", name]).refused(3, &[&fault.message]);
    fault
}

#[test]
fn each_way_in_which_a_host_is_out_of_reach_has_its_own_reason_and_sentence() {
    needs!(Sshd, Network);
    let network = Network::new();
    let operator = network.operator();
    let key = network.folder.path().join("key");
    make_key(&key, None);
    let web = network.web_server();
    let cases = [
        (
            "refused",
            "127.0.0.1",
            1,
            FaultCode::PortClosed,
            "refused (127.0.0.1:1) refused the connection: nothing listens there".to_owned(),
        ),
        (
            "web",
            "127.0.0.1",
            web,
            FaultCode::NotSsh,
            format!("web (127.0.0.1:{web}) is not an SSH server: it answered 'HTTP/1.1 400 Bad Request'"),
        ),
        (
            "filtered",
            "198.18.0.9",
            22,
            FaultCode::NoAnswer,
            "filtered (198.18.0.9:22) did not answer: no answer within 10 s".to_owned(),
        ),
        (
            "unreachable",
            "198.18.1.1",
            22,
            FaultCode::NoRoute,
            "there is no way to unreachable (198.18.1.1:22): No route to host (os error 113)".to_owned(),
        ),
        (
            "prohibited",
            "198.18.1.2",
            22,
            FaultCode::NoRoute,
            "there is no way to prohibited (198.18.1.2:22): Permission denied (os error 13)".to_owned(),
        ),
        (
            "blackhole",
            "198.18.1.3",
            22,
            FaultCode::NoRoute,
            "there is no way to blackhole (198.18.1.3:22): Invalid argument (os error 22)".to_owned(),
        ),
        (
            "no-route",
            "198.18.1.4",
            22,
            FaultCode::NoRoute,
            "there is no way to no-route (198.18.1.4:22): Network is unreachable (os error 101)".to_owned(),
        ),
        (
            "no-route-6",
            "2001:db8::1",
            22,
            FaultCode::NoRoute,
            "there is no way to no-route-6 ([2001:db8::1]:22): Network is unreachable (os error 101)"
                .to_owned(),
        ),
    ];
    for (name, address, port, code, message) in cases {
        add(&operator, name, address, port, &key);
        let fault = fault_of(&operator, name);
        assert_eq!((fault.code, &fault.message), (code, &message), "{fault:?}");
        assert_eq!(fault.detail.host.as_deref(), Some(name));
    }
}

#[test]
fn a_name_server_that_never_answers_is_said_within_the_limit_of_a_look_up() {
    needs!(Sshd, Network);
    let network = Network::new();
    let operator = network.operator();
    let key = network.folder.path().join("key");
    make_key(&key, None);
    add(&operator, "named", "db-1.example.test", 22, &key);
    // The resolver itself would wait for two and a half minutes, and each command of a test has less.
    let fault = fault_of(&operator, "named");
    assert_eq!(fault.code, FaultCode::NameNotResolved, "{fault:?}");
    assert_eq!(
        fault.message,
        "the address of named (db-1.example.test:22) could not be looked up: the name service did not answer within 10 s"
    );
    // A host with an address needs no name server.
    add(&operator, "numbered", "127.0.0.1", 1, &key);
    assert_eq!(fault_of(&operator, "numbered").code, FaultCode::PortClosed);
}
