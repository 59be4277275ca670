//! Hosts in a row, each in a network of its own: only the first can be reached from here, the second
//! only from the first, the third only from the second. On each runs an sshd.

use std::fs::File;
use std::process::Command;

use crate::keeper::Keeper;
use crate::process::{Process, tool};
use crate::sshd::Sshd;
use crate::wait::{seconds, until};

/// Numbers of rows that may be there at the same time, also of several runs.
const NUMBERS: std::ops::Range<u32> = 10..60;

const CLEAN: &str = r#"
ip link del "$1" 2>/dev/null
for network in $2; do ip route del unreachable "$network" metric 4000 2>/dev/null; done
"#;

pub struct Hops {
    /// The nearest first.
    pub hosts: Vec<Sshd>,
    networks: Vec<Process>,
    first_link: String,
    /// The network of the first host, and the address of this computer in it.
    first_network: (String, String),
    /// The addresses of the first and of the second host on the network between them, if there are two.
    between: Option<[String; 2]>,
    _keeper: Keeper,
    _lock: File,
}

impl Hops {
    /// `lines` of sshd_config(5) for each host.
    pub fn start(lines: &[&[&str]]) -> Self {
        let (number, lock) = take_number();
        let count = u32::try_from(lines.len()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let networks: Vec<Process> = (0..count)
            .map(|hop| {
                let mut command = Command::new("unshare");
                command.args(["--net", "sleep", "infinity"]);
                Process::start(&mut command, &folder.path().join(format!("network-{hop}")))
            })
            .collect();
        let own = std::fs::read_link("/proc/self/ns/net").unwrap();
        for network in &networks {
            let link = format!("/proc/{}/ns/net", network.pid());
            until("a network of its own", seconds(10), || {
                std::fs::read_link(&link).is_ok_and(|of| of != own).then_some(())
            });
        }
        // 198.18.0.0/15 is for tests of networks (RFC 2544); nothing of it may leave this machine.
        let net = |hop: u32| format!("198.18.{}", number * 4 + hop);
        let ranges: Vec<String> = (0..count).map(|hop| format!("{}.0/24", net(hop))).collect();
        let first_link = format!("hop{number}");
        let keeper = Keeper::new(CLEAN, &[&first_link, &ranges.join(" ")]);
        for range in &ranges {
            tool("ip", &["route", "replace", "unreachable", range, "metric", "4000"]);
        }
        for hop in 0..count {
            let at = usize::try_from(hop).unwrap();
            let pid = networks[at].pid().to_string();
            let (near, far) = (format!("{}.1/24", net(hop)), format!("{}.2/24", net(hop)));
            let from = (hop > 0).then(|| networks[at - 1].pid().to_string());
            let near_link = if hop == 0 { first_link.clone() } else { "out".to_owned() };
            inside(
                from.as_deref(),
                &["ip", "link", "add", &near_link, "type", "veth", "peer", "name", "in", "netns", &pid],
            );
            inside(from.as_deref(), &["ip", "addr", "add", &near, "dev", &near_link]);
            inside(from.as_deref(), &["ip", "link", "set", &near_link, "up"]);
            inside(Some(&pid), &["ip", "addr", "add", &far, "dev", "in"]);
            for link in ["lo", "in"] {
                inside(Some(&pid), &["ip", "link", "set", link, "up"]);
            }
        }
        let hosts: Vec<Sshd> = (0..count)
            .zip(lines)
            .map(|(hop, lines)| {
                let at = usize::try_from(hop).unwrap();
                Sshd::start_inside(networks[at].pid(), &format!("{}.2", net(hop)), lines)
            })
            .collect();
        for host in &hosts {
            host.let_in(&hosts[0]);
        }
        let first_network = (ranges[0].clone(), format!("{}.1", net(0)));
        let between = (count > 1).then(|| [1, 2].map(|end| format!("{}.{end}", net(1))));
        Self { hosts, networks, first_link, first_network, between, _keeper: keeper, _lock: lock }
    }

    /// The key that every host lets in.
    pub fn key(&self) -> std::path::PathBuf {
        self.hosts[0].key()
    }

    /// Takes this computer's way to the first host away, as when its own network is gone: the link is whole, and
    /// nothing can be sent.
    pub fn take_route(&self) {
        tool("ip", &["route", "del", &self.first_network.0, "dev", &self.first_link]);
    }

    /// Gives it back.
    pub fn give_route(&self) {
        let (network, own) = &self.first_network;
        let words = ["route", "add", network, "dev", &self.first_link];
        tool("ip", &[&words[..], &["proto", "kernel", "scope", "link", "src", own]].concat());
    }

    /// What is handed over in one piece is lost in one piece: has packets be as small as on a wire.
    fn send_small(&self) {
        inside(None, &["ip", "link", "set", &self.first_link, "gso_max_segs", "1"]);
        let host = self.networks[0].pid().to_string();
        inside(Some(&host), &["ip", "link", "set", "in", "gso_max_segs", "1"]);
    }

    /// Swallows every packet to the first host that is larger than this, without a word of it: as where a tunnel
    /// came into the way and its messages are filtered. Connections that begin afterwards are told by the host.
    pub fn swallow_larger(&self, mtu: u32) {
        self.send_small();
        let host = self.networks[0].pid().to_string();
        inside(Some(&host), &["ip", "link", "set", "in", "mtu", &mtu.to_string()]);
    }

    /// Loses this share of the packets to and from the first host, each by chance.
    pub fn lose(&self, percent: u32) {
        self.send_small();
        let host = self.networks[0].pid().to_string();
        for (chain, hook) in [("in", "input"), ("out", "output")] {
            for words in [
                "add table inet loss".to_owned(),
                format!("add chain inet loss {chain} {{ type filter hook {hook} priority 0; }}"),
                format!("add rule inet loss {chain} numgen random mod 100 < {percent} counter drop"),
            ] {
                inside(Some(&host), &["nft", &words]);
            }
        }
    }

    /// How many packets were lost so.
    pub fn lost(&self) -> u64 {
        let host = self.networks[0].pid().to_string();
        let told =
            tool("nsenter", &["--target", &host, "--net", "--", "nft", "list", "table", "inet", "loss"]);
        told.split("packets ").skip(1).filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// Sends every second packet between the first and the second host over a slower way, so that those after it
    /// overtake it.
    pub fn turn_round(&self) {
        let [first, second] = [0, 1].map(|at| self.networks[at].pid().to_string());
        let [of_first, of_second] = self.between.clone().unwrap();
        let slow = ["ip", "link", "add", "slow", "type", "veth", "peer", "name", "slow", "netns", &second];
        inside(Some(&first), &slow);
        for (network, fast, other) in [(&first, "out", &of_second), (&second, "in", &of_first)] {
            for words in [
                format!("ip link set {fast} gso_max_segs 1"),
                "ip link set slow gso_max_segs 1".into(),
                "ip link set slow up".into(),
                "tc qdisc add dev slow root tbf rate 8mbit burst 3k latency 2s".into(),
                format!("ip route add {other} dev slow table 7"),
                "ip rule add fwmark 7 table 7".into(),
                "nft add table ip ways".into(),
                "nft add chain ip ways out { type route hook output priority mangle; }".into(),
                format!("nft add rule ip ways out ip daddr {other} numgen inc mod 2 == 0 meta mark set 7"),
            ] {
                inside(Some(network), &words.split(' ').collect::<Vec<_>>());
            }
        }
    }

    /// How many packets came to the first host before one that was sent earlier.
    pub fn overtaking(&self) -> u64 {
        let first = self.networks[0].pid().to_string();
        let told = tool("nsenter", &["--target", &first, "--net", "--", "cat", "/proc/net/netstat"]);
        let lines: Vec<Vec<&str>> = told.lines().map(|line| line.split(' ').collect()).collect();
        let place = lines[0].iter().position(|name| *name == "TCPOFOQueue").unwrap();
        lines[1][place].parse().unwrap()
    }

    /// Takes the far end of the link to the first host down: silence, as from a dead router.
    pub fn cut(&self) {
        inside(Some(&self.networks[0].pid().to_string()), &["ip", "link", "set", "in", "down"]);
    }

    pub fn mend(&self) {
        inside(Some(&self.networks[0].pid().to_string()), &["ip", "link", "set", "in", "up"]);
        tool("ip", &["link", "set", &self.first_link, "up"]);
    }
}

/// Runs a command in the network of a process, or here.
fn inside(process: Option<&str>, words: &[&str]) {
    match process {
        None => drop(tool(words[0], &words[1..])),
        Some(process) => {
            let mut all = vec!["--target", process, "--net", "--"];
            all.extend(words);
            tool("nsenter", &all);
        }
    }
}

fn take_number() -> (u32, File) {
    for number in NUMBERS {
        let lock = File::create(std::env::temp_dir().join(format!("muster-hops-{number}.lock"))).unwrap();
        if lock.try_lock().is_ok() {
            return (number, lock);
        }
    }
    panic!("all numbers from {} to {} are in use", NUMBERS.start, NUMBERS.end - 1);
}
