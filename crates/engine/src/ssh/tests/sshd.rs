//! A real sshd on a free port of 127.0.0.1, with keys of its own, ended on drop.

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use protocol::trust::{HostKey, KeyRole, TrustSource, TrustedKey};

use crate::ssh::{Connection, SignIn, Target, connect, fetch_host_key};

pub(crate) struct Sshd {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) port: u16,
    child: Child,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn make_key(path: &Path, kind: &str) {
    let made =
        Command::new("ssh-keygen").args(["-q", "-N", "", "-t", kind, "-f"]).arg(path).status().unwrap();
    assert!(made.success(), "ssh-keygen -t {kind}");
}

impl Sshd {
    /// An sshd with an ed25519 host key and one user key, `user`; `extra` goes into its settings.
    pub(crate) fn start(extra: &str) -> Self {
        Self::start_with(extra, &["ed25519"])
    }

    pub(crate) fn start_with(extra: &str, host_key_kinds: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        make_key(&at("user"), "ed25519");
        fs::copy(at("user.pub"), at("authorized")).unwrap();
        let mut settings = String::new();
        for kind in host_key_kinds {
            let path = at(&format!("host_{kind}"));
            make_key(&path, kind);
            settings += &format!("HostKey {}\n", path.display());
        }
        // The first value of a setting counts: what the test wants goes first.
        settings = format!("{extra}\n{settings}");
        settings += &format!(
            "AuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nMaxSessions 50\nMaxStartups 100\n",
            at("authorized").display()
        );
        // Root's sshd wants this folder; any other user's does without.
        let _ = fs::create_dir_all("/run/sshd");
        for _ in 0..20 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            fs::write(at("sshd_config"), format!("Port {port}\nListenAddress 127.0.0.1\n{settings}"))
                .unwrap();
            let mut child = Command::new("/usr/sbin/sshd")
                .args(["-D", "-e", "-f"])
                .arg(at("sshd_config"))
                .stderr(Stdio::from(fs::File::create(at("log")).unwrap()))
                .spawn()
                .expect("these tests need sshd(8) in /usr/sbin");
            if listens(port, &mut child) {
                return Self { dir, port, child };
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("sshd did not start: {}", fs::read_to_string(at("log")).unwrap());
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.dir.path().join("user")
    }

    pub(crate) fn target(&self) -> Target {
        self.target_with(SignIn::KeyFile { path: self.key(), passphrase: None })
    }

    pub(crate) fn target_with(&self, sign_in: SignIn) -> Target {
        Target {
            host: "web".into(),
            address: "127.0.0.1".into(),
            port: self.port,
            user: me(),
            sign_in,
            through: None,
            person: None,
        }
    }

    /// The key that this server shows, as one that was accepted.
    pub(crate) async fn trusted(&self) -> Vec<TrustedKey> {
        vec![trust(self.port, fetch_host_key("web", "127.0.0.1", self.port, &[], None).await.unwrap().key)]
    }

    pub(crate) async fn connect(&self) -> Connection {
        connect(&self.target(), &self.trusted().await, &|_| {}).await.unwrap()
    }
}

/// A server on this port of loopback, signed in to by a password.
pub(crate) fn by_password(port: u16) -> Target {
    Target {
        host: "web".into(),
        address: "127.0.0.1".into(),
        port,
        user: "root".into(),
        sign_in: SignIn::Password("hunter2".into()),
        through: None,
        person: None,
    }
}

pub(crate) fn trust(port: u16, key: HostKey) -> TrustedKey {
    TrustedKey {
        address: "127.0.0.1".into(),
        port,
        key,
        accepted_ms: None,
        accepted_by: "me".into(),
        role: KeyRole::Host,
        source: TrustSource::Muster,
        once: false,
    }
}

/// The user of this test: an sshd that is not root lets in no other.
pub(crate) fn me() -> String {
    let id = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}

fn listens(port: u16, child: &mut Child) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut banner = [0; 4];
            return stream.read_exact(&mut banner).is_ok() && &banner == b"SSH-";
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
