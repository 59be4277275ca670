//! A real sshd on a free port of loopback, as the user who runs the tests.
//!
//! Its log at DEBUG3 is the oracle of what a client sent: `userauth_requests` counts the messages
//! of RFC 4252 that reached it. Sign-ins get a home folder of the test's own, so nothing is left
//! in the real one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::needs::find_program;
use crate::process::{Process, descendants, free_port, tool};
use crate::wait::{seconds, until};

/// How often a port that another process took in between is replaced by another one.
const TRIES: u32 = 5;

/// In the place of the user's shell: the words of the start of a helper, and then a flood.
const HOSTILE: &str = r#"#!/bin/sh
mark=$(printf %s "$SSH_ORIGINAL_COMMAND" | grep -o "muster-[0-9a-f]\{32\}" | head -n 1)
for said in "os Linux" "arch x86_64" "dir /nowhere" "have /nowhere/helper" starting; do echo "$mark $said"; done
echo '{"hello":{"version":"0.1.0","can":["system","metrics"],"pid":7}}'
exec yes '{"push":{"id":1,"seq":1,"answer":{"metrics":{}}}}'
"#;

pub struct Sshd {
    folder: TempDir,
    address: String,
    port: u16,
    /// A process in whose network it listens; else in that of the tests.
    inside: Option<u32>,
    lines: Vec<String>,
    daemon: Option<Process>,
}

impl Sshd {
    /// Signs in the user who runs the tests, by `key()`.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// `lines` of sshd_config(5) come first and so win over the rig's own.
    pub fn start_with(lines: &[&str]) -> Self {
        Self::start_at("127.0.0.1", lines)
    }

    /// Answers on every address of this machine, so that each of 127.0.0.0/8 is a host. A session sees its own
    /// processes and sockets alone, as on a host of its own: else each of five hundred helpers would read all
    /// that the others and their sshd are. It takes root.
    pub fn start_fleet() -> Self {
        let mut sshd = Self::new(&["MaxStartups 1000:30:2000", "LogLevel ERROR"], "0.0.0.0", None);
        let host = sshd.folder().join("host");
        let text = "#!/bin/sh\nexec unshare --pid --net --fork --kill-child --mount-proc sh -c \"$SSH_ORIGINAL_COMMAND\"\n";
        fs::write(&host, text).unwrap();
        fs::set_permissions(&host, fs::Permissions::from_mode(0o755)).unwrap();
        sshd.add_line(&format!("ForceCommand {}", host.display()));
        sshd.listen_somewhere();
        sshd
    }

    /// A host whose helper is not ours: it says that it is there and sends samples without end, as fast as it can.
    pub fn start_hostile() -> Self {
        let mut sshd = Self::new(&["LogLevel ERROR"], "127.0.0.1", None);
        let shell = sshd.folder().join("hostile");
        fs::write(&shell, HOSTILE).unwrap();
        fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
        sshd.add_line(&format!("ForceCommand {}", shell.display()));
        sshd.listen_somewhere();
        sshd
    }

    fn start_at(address: &str, lines: &[&str]) -> Self {
        let mut sshd = Self::new(lines, address, None);
        sshd.listen_somewhere();
        sshd
    }

    fn listen_somewhere(&mut self) {
        for _ in 0..TRIES {
            self.port = free_port();
            if self.listen() {
                return;
            }
        }
        panic!("sshd could not listen: {}", self.log());
    }

    /// Listens on port 22 of an address in the network of another process.
    pub fn start_inside(process: u32, address: &str, lines: &[&str]) -> Self {
        let mut sshd = Self::new(lines, address, Some(process));
        sshd.port = 22;
        assert!(sshd.listen(), "sshd could not listen: {}", sshd.log());
        sshd
    }

    fn new(lines: &[&str], address: &str, inside: Option<u32>) -> Self {
        let folder = tempfile::Builder::new().prefix("muster-sshd-").tempdir().unwrap();
        let path = folder.path();
        make_key(&path.join("host_key"), None);
        make_key(&path.join("key"), None);
        fs::copy(path.join("key.pub"), path.join("authorized_keys")).unwrap();
        fs::create_dir(path.join("home")).unwrap();
        // Other users sign in too, where the tests run as root.
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(path.join("home"), fs::Permissions::from_mode(0o1777)).unwrap();
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        Self { folder, address: address.to_owned(), port: 0, inside, lines, daemon: None }
    }

    /// Another line of sshd_config(5), from the next start on.
    pub fn add_line(&mut self, line: &str) {
        self.lines.push(line.to_owned());
    }

    /// Takes the keys of whoever signs in from this file, from the next start on.
    pub fn take_keys_from(&mut self, file: &Path) {
        self.lines.insert(0, format!("AuthorizedKeysFile {}", file.display()));
    }

    /// Starts again on the same port, after `stop`.
    pub fn start_again(&mut self) {
        assert!(self.listen(), "sshd could not listen again: {}", self.log());
    }

    fn listen(&mut self) -> bool {
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let path = self.folder.path();
        let config = path.join("sshd_config");
        let mut text = self.lines.join("\n");
        text.push_str(&format!(
            "\nPort {port}\nListenAddress {address}\nHostKey {top}/host_key\nPidFile none\n\
             AuthorizedKeysFile {top}/authorized_keys\nStrictModes no\nUsePAM no\nUseDNS no\n\
             PermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PrintMotd no\nMaxStartups 100\nMaxSessions 50\nLogLevel DEBUG3\nSetEnv HOME={top}/home\n",
            port = self.port,
            address = self.address,
            top = path.display(),
        ));
        fs::write(&config, text).unwrap();
        // Each start writes on: the log is one record of all that reached this address.
        let sshd = find_program("sshd").unwrap();
        let mut command = match self.inside {
            None => Command::new(sshd),
            Some(process) => {
                let mut command = Command::new("nsenter");
                command.args(["--target", &process.to_string(), "--net", "--"]).arg(sshd);
                command
            }
        };
        command.arg("-D").arg("-E").arg(self.log_path()).arg("-f").arg(&config);
        let listening = format!("Server listening on {} port {}.", self.address, self.port);
        // Counted before it is started: on a busy machine it listens sooner than this goes on.
        let before = self.log().matches(&listening).count();
        let mut daemon = Process::start(&mut command, &path.join("sshd.out"));
        let up = until("sshd to listen", seconds(20), || {
            if self.log().matches(&listening).count() > before
                || (self.inside.is_none() && std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok())
            {
                return Some(true);
            }
            daemon.ended().map(|_| false)
        });
        self.daemon = up.then_some(daemon);
        up
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The private key that it accepts.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// The home folder of whoever signs in.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A folder of this rig, for what a test puts beside it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `SHA256:...` of the host key.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.folder.path().join("host_key.pub"))
    }

    /// Lets in who has the key of another rig too.
    pub fn let_in(&self, other: &Sshd) {
        let own = self.folder.path().join("authorized_keys");
        let public = fs::read_to_string(other.folder.path().join("key.pub")).unwrap();
        fs::write(&own, fs::read_to_string(&own).unwrap() + &public).unwrap();
    }

    /// Shows another host key from now on.
    pub fn change_host_key(&mut self) {
        self.stop();
        for name in ["host_key", "host_key.pub"] {
            fs::remove_file(self.folder.path().join(name)).unwrap();
        }
        make_key(&self.folder.path().join("host_key"), None);
        self.start_again();
    }

    /// Ends the server and every connection.
    pub fn stop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            self.cut_connections_of(&daemon);
            daemon.kill();
        }
    }

    /// Ends every connection while the server goes on.
    pub fn cut_connections(&self) {
        if let Some(daemon) = &self.daemon {
            self.cut_connections_of(daemon);
        }
    }

    fn cut_connections_of(&self, daemon: &Process) {
        signal_all(&descendants(daemon.pid()), Signal::KILL);
    }

    /// Stops the server and all that runs under it, as a host that hangs: its kernel still takes what is sent.
    pub fn freeze(&self) {
        self.signal_whole(Signal::STOP);
    }

    /// Lets all of it go on.
    pub fn thaw(&self) {
        self.signal_whole(Signal::CONT);
    }

    fn signal_whole(&self, signal: Signal) {
        if let Some(daemon) = &self.daemon {
            let all = [vec![daemon.pid()], descendants(daemon.pid())].concat();
            signal_all(&all, signal);
        }
    }

    /// Processor time of the server and of all that runs under it now, in ticks of proc_pid_stat(5).
    pub fn processor_ticks(&self) -> u64 {
        let Some(daemon) = &self.daemon else { return 0 };
        let all = [vec![daemon.pid()], descendants(daemon.pid())].concat();
        all.into_iter().filter_map(ticks_of).sum()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("sshd.log")
    }

    /// All that sshd wrote about its connections.
    pub fn log(&self) -> String {
        fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// How many requests to sign in reached it: any message of RFC 4252 is preceded by one.
    pub fn userauth_requests(&self) -> usize {
        self.log().lines().filter(|line| line.contains("userauth-request for user")).count()
    }

    /// How many connections were signed in.
    pub fn sign_ins(&self) -> usize {
        let accepted = |line: &&str| {
            line.strip_prefix("Accepted ").is_some_and(|rest| rest.split(' ').nth(1) == Some("for"))
        };
        self.log().lines().filter(accepted).count()
    }
}

/// Fields 14 and 15 of proc_pid_stat(5); none of a process that has ended.
fn ticks_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

fn signal_all(pids: &[u32], signal: Signal) {
    for pid in pids {
        if let Some(pid) = i32::try_from(*pid).ok().and_then(Pid::from_raw) {
            // It may have ended by now.
            let _ = kill_process(pid, signal);
        }
    }
}

/// Makes an ed25519 key, encrypted if a passphrase is given.
pub fn make_key(path: &Path, passphrase: Option<&str>) {
    let path = path.to_str().unwrap();
    tool("ssh-keygen", &["-q", "-t", "ed25519", "-N", passphrase.unwrap_or(""), "-C", "test", "-f", path]);
}

/// `SHA256:...` of a public key file, as ssh-keygen(1) tells it.
pub fn fingerprint(public: &Path) -> String {
    let line = tool("ssh-keygen", &["-l", "-f", public.to_str().unwrap()]);
    line.split(' ').nth(1).unwrap().to_owned()
}

/// The name of the user who runs the tests.
pub fn own_user() -> String {
    tool("id", &["-un"]).trim().to_owned()
}
