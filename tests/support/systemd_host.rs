//! A host with a real systemd, or with another init where a test asks for it: Debian booted by
//! systemd-nspawn, with an address and a link of its own that can be cut.
//!
//! Several run at once, also from several test runs: each takes a number that is locked while it
//! lives, and from it its name, its network 10.213.N.0/24 and its control group. Without a group
//! of its own two systemds would manage the same groups and end each other's services.

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use crate::debian::{self, Init};
use crate::keeper::Keeper;
use crate::needs::find_program;
use crate::process::{Process, descendants, tool};
use crate::sshd::{fingerprint, make_key};
use crate::throwaway_user::random_word;
use crate::wait::{seconds, until};

/// Numbers of networks that the tests use.
const NUMBERS: std::ops::Range<u32> = 100..200;

/// Starts it in a control group of its own: `$1` is the name, the rest the command.
///
/// Where systemd runs the machine, it makes the group; elsewhere nspawn is told to stay in the
/// one it was started in.
const BOOT: &str = r#"
name=$1; shift
if [ -d /run/systemd/system ]; then exec "$@"; fi
for top in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    if [ -e "$top/cgroup.procs" ]; then mkdir -p "$top/$name" && echo $$ > "$top/$name/cgroup.procs"; fi
done
exec "$@" --keep-unit
"#;

/// Ends the container by its first process and nspawn, which would leave it running if it alone were killed: both
/// are named in the folder `$1`, anew at each boot. Removes that folder, the groups of the name `$2` and the route
/// to the network `$3`.
const CLEAN: &str = r#"
read -r nspawn first < "$1/boot"
kill -KILL "$first"
end_group "$nspawn"
ip link del "ve-$2" 2>/dev/null
ip route del unreachable "$3" 2>/dev/null
for top in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
    i=0
    while [ -d "$top/$2" ] && [ $i -lt 50 ]; do
        find "$top/$2" -depth -type d -exec rmdir {} + 2>/dev/null
        [ -d "$top/$2" ] && sleep 0.1
        i=$((i + 1))
    done
done
rm -rf --one-file-system "$1"
"#;

pub struct SystemdHost {
    number: u32,
    name: String,
    folder: PathBuf,
    password: String,
    leader: u32,
    // Dropped in this order: the container with its folder and groups, nspawn, the number.
    _keeper: Keeper,
    process: Process,
    _number_lock: File,
}

impl SystemdHost {
    /// The host that tests share which leave it as it was but for units of their own.
    pub fn shared() -> &'static SystemdHost {
        static SHARED: OnceLock<SystemdHost> = OnceLock::new();
        SHARED.get_or_init(SystemdHost::start)
    }

    /// A host of the test's own, for tests that break it.
    pub fn start() -> Self {
        Self::start_run_by(Init::Systemd)
    }

    /// The same, run by this init.
    pub fn start_run_by(init: Init) -> Self {
        let tree = debian::tree(init);
        let (number, number_lock) = take_number();
        let name = format!("mt{number}");
        let folder = debian::cache().join(format!("host-{number}"));
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir(&folder).unwrap();
        let root = folder.join("tree");
        tool("cp", &["-a", "--reflink=auto", tree.to_str().unwrap(), root.to_str().unwrap()]);
        make_key(&folder.join("key"), None);
        prepare(&root, &name, &folder.join("key.pub"));
        if init.is_systemd() {
            prepare_network(&root, number);
        }

        let (process, leader) = boot(init, &name, &folder);
        let network = format!("10.213.{number}.0/24");
        // A next run must not take the number while this one's folder is still being cleared.
        let words = [folder.to_str().unwrap(), &name, &network];
        let keeper = Keeper::holding(&number_lock, CLEAN, &words);
        // Nothing for this host may leave the machine while its link is not there.
        tool("ip", &["route", "replace", "unreachable", &network, "metric", "4000"]);
        reach(number, &name);

        let host = Self {
            number,
            name,
            folder,
            password: random_word(),
            leader,
            _keeper: keeper,
            process,
            _number_lock: number_lock,
        };
        host.wait_until_up(init);
        let line = format!("root:{}\n", host.password);
        host.run_with_input(&["chpasswd"], line.as_bytes());
        host
    }

    /// Ends all that runs on it at once, without a word to anybody, and boots it again.
    pub fn reboot(&mut self) {
        // The command is one of those that end.
        let _ = self.try_run(&["systemctl", "reboot", "--force", "--force"]);
        until("the container to end", seconds(60), || self.process.ended());
        (self.process, self.leader) = boot(Init::Systemd, &self.name, &self.folder);
        reach(self.number, &self.name);
        self.wait_until_up(Init::Systemd);
    }

    fn wait_until_up(&self, init: Init) {
        if init.is_systemd() {
            until("systemd of the host to be up", seconds(60), || {
                let state = self.try_run(&["systemctl", "is-system-running"]);
                let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
                matches!(state.as_str(), "running" | "degraded").then_some(())
            });
        } else {
            self.run(&["ip", "addr", "add", &format!("{}/24", self.address()), "dev", "host0"]);
            self.run(&["ip", "link", "set", "host0", "up"]);
            self.run(&["ip", "link", "set", "lo", "up"]);
        }
        until("sshd of the host to listen", seconds(30), || TcpStream::connect((self.address(), 22)).ok());
    }

    pub fn address(&self) -> String {
        format!("10.213.{}.2", self.number)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The private key that signs in as root.
    pub fn key(&self) -> PathBuf {
        self.folder.join("key")
    }

    /// The password of root.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// `SHA256:...` of the host's only key.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.tree().join("etc/ssh/ssh_host_ed25519_key.pub"))
    }

    /// The file system of the host, but for what is mounted inside: /run, /tmp, /proc, /sys.
    pub fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// Runs a command inside as root, which must succeed, and gives what it printed.
    pub fn run(&self, words: &[&str]) -> String {
        let output = self.try_run(words);
        assert!(
            output.status.success(),
            "{words:?} on {} ended with {}: {}",
            self.name,
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command inside as root, whatever comes of it.
    pub fn try_run(&self, words: &[&str]) -> Output {
        self.inside(words).stdin(Stdio::null()).output().unwrap()
    }

    fn run_with_input(&self, words: &[&str], input: &[u8]) {
        let mut child = self.inside(words).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        assert!(child.wait().unwrap().success(), "{words:?} on {} failed", self.name);
    }

    /// A command inside as root, for who wants to talk with it.
    pub fn inside(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.leader.to_string()]);
        command.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--"]);
        command.args(["env", "-i", "LC_ALL=C", "HOME=/root"]);
        command.arg("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin").args(words);
        command
    }

    /// Adds a user who signs in by the same key as root, and gives the password.
    pub fn add_user(&self, name: &str) -> String {
        self.run(&["useradd", "--create-home", "--shell", "/bin/bash", name]);
        let home = self.tree().join("home").join(name);
        tool("cp", &["-a", self.tree().join("root/.ssh").to_str().unwrap(), home.to_str().unwrap()]);
        self.run(&["chown", "-R", &format!("{name}:{name}"), &format!("/home/{name}/.ssh")]);
        let password = random_word();
        self.run_with_input(&["chpasswd"], format!("{name}:{password}\n").as_bytes());
        password
    }

    /// Sets what sudoers(5) says besides its own lines.
    pub fn set_sudoers(&self, lines: &str) {
        let path = self.tree().join("etc/sudoers.d/tests");
        fs::write(&path, format!("{lines}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
    }

    /// Puts a unit there and has systemd read it.
    pub fn add_unit(&self, name: &str, text: &str) {
        fs::write(self.tree().join("etc/systemd/system").join(name), text).unwrap();
        self.run(&["systemctl", "daemon-reload"]);
    }

    /// Puts many units there and has systemd read them once.
    pub fn add_units(&self, units: &[(String, String)]) {
        for (name, text) in units {
            fs::write(self.tree().join("etc/systemd/system").join(name), text).unwrap();
        }
        self.run(&["systemctl", "daemon-reload"]);
    }

    /// Mounts a tmpfs with these options on a folder, which is made if need be.
    pub fn mount_tmpfs(&self, folder: &str, options: &str) {
        self.run(&["mkdir", "-p", folder]);
        self.run(&["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]);
    }

    /// Takes the host's end of the link down, as when its cable is pulled.
    pub fn cut_link(&self) {
        // On this side the route would go with the link, and packets would take another way out.
        self.run(&["ip", "link", "set", "host0", "down"]);
    }

    /// Lets what is sent to the host pass at this rate only, in the words of tc(8).
    pub fn slow_link(&self, rate: &str) {
        let interface = format!("ve-{}", self.name);
        tool(
            "tc",
            &["qdisc", "add", "dev", &interface, "root", "tbf", "rate", rate, "burst", "3k", "latency", "2s"],
        );
    }

    /// Puts the link back as it was.
    pub fn mend_link(&self) {
        self.run(&["ip", "link", "set", "host0", "up"]);
        // It is no fault if it was not slow.
        let _ = Command::new("tc")
            .args(["qdisc", "del", "dev", &format!("ve-{}", self.name), "root"])
            .stderr(Stdio::null())
            .status();
        until("the link to carry again", seconds(20), || TcpStream::connect((self.address(), 22)).ok());
    }
}

/// Starts the container and gives its first process.
fn boot(init: Init, name: &str, folder: &Path) -> (Process, u32) {
    let mut command = Command::new("sh");
    command.args(["-c", BOOT, "boot", name]).arg(find_program("systemd-nspawn").unwrap());
    command.args(["--boot", "--quiet", "--register=no", "--network-veth", "--console=read-only"]);
    command.arg("-M").arg(name).arg("-D").arg(folder.join("tree"));
    let mut process = Process::start(&mut command, &folder.join("console.log"));
    let interface = Path::new("/sys/class/net").join(format!("ve-{name}"));
    let leader = until("the container to start", seconds(30), || {
        process.must_run();
        let inside = descendants(process.pid());
        let leader = inside.into_iter().find(|pid| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == init.process())
        })?;
        interface.exists().then_some(leader)
    });
    fs::write(folder.join("boot"), format!("{} {leader}\n", process.pid())).unwrap();
    (process, leader)
}

/// Gives this computer its address on the link to the host.
fn reach(number: u32, name: &str) {
    let interface = format!("ve-{name}");
    tool("ip", &["addr", "add", &format!("10.213.{number}.1/24"), "dev", &interface]);
    tool("ip", &["link", "set", &interface, "up"]);
}

/// Takes a number that no other host has, here or in another run.
fn take_number() -> (u32, File) {
    let addresses = tool("ip", &["-4", "-o", "addr"]);
    for number in NUMBERS {
        let lock = File::create(debian::cache().join(format!("host-{number}.lock"))).unwrap();
        if lock.try_lock().is_ok() && !addresses.contains(&format!("10.213.{number}.")) {
            return (number, lock);
        }
    }
    panic!("all networks from 10.213.{}.0 to 10.213.{}.0 are in use", NUMBERS.start, NUMBERS.end - 1);
}

fn prepare_network(root: &Path, number: u32) {
    fs::write(
        root.join("etc/systemd/network/10-host0.network"),
        format!("[Match]\nName=host0\n[Network]\nAddress=10.213.{number}.2/24\nLinkLocalAddressing=no\n"),
    )
    .unwrap();
    let wants = root.join("etc/systemd/system/multi-user.target.wants");
    fs::create_dir_all(&wants).unwrap();
    let networkd = wants.join("systemd-networkd.service");
    if !networkd.exists() {
        std::os::unix::fs::symlink("/lib/systemd/system/systemd-networkd.service", networkd).unwrap();
    }
}

/// Makes the copy a host of its own: name, host key, who may sign in.
fn prepare(root: &Path, name: &str, public_key: &Path) {
    fs::write(root.join("etc/hostname"), format!("{name}\n")).unwrap();
    fs::write(root.join("etc/machine-id"), format!("{}\n", random_word())).unwrap();
    for entry in fs::read_dir(root.join("etc/ssh")).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("ssh_host_") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    make_key(&root.join("etc/ssh/ssh_host_ed25519_key"), None);
    fs::write(
        root.join("etc/ssh/sshd_config.d/tests.conf"),
        "HostKey /etc/ssh/ssh_host_ed25519_key\nPermitRootLogin yes\nPasswordAuthentication yes\nUseDNS no\n",
    )
    .unwrap();
    let ssh = root.join("root/.ssh");
    fs::create_dir_all(&ssh).unwrap();
    fs::copy(public_key, ssh.join("authorized_keys")).unwrap();
    for (path, mode) in [(ssh.clone(), 0o700), (ssh.join("authorized_keys"), 0o600)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
}
