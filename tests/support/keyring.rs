//! A session bus of the test's own, with or without a keyring on it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::needs::find_program;
use crate::process::Process;
use crate::wait::{seconds, until};

/// What unlocks the keyring of a test.
const KEYRING_PASSWORD: &[u8] = b"keyring-of-a-test";

/// A bus that starts nothing by itself: a keyring that is absent stays absent.
const BUS_CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=@BUS@</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// The folders and the bus that a desktop session has, private to a test.
pub struct Session {
    folder: TempDir,
    keyring: Option<Process>,
    _bus: Process,
}

impl Session {
    /// A session without a keyring, as on a server.
    pub fn bare() -> Self {
        let folder = tempfile::Builder::new().prefix("muster-session-").tempdir().unwrap();
        for name in ["home", "data", "config", "cache", "state", "run"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::set_permissions(folder.path().join("run"), fs::Permissions::from_mode(0o700)).unwrap();
        let socket = folder.path().join("run/bus");
        let config = folder.path().join("bus.conf");
        fs::write(&config, BUS_CONFIG.replace("@BUS@", socket.to_str().unwrap())).unwrap();
        let mut daemon = Command::new("dbus-daemon");
        daemon.arg("--nofork").arg(format!("--config-file={}", config.display()));
        let mut bus = Process::start(&mut daemon, &folder.path().join("bus.log"));
        until("the session bus", seconds(10), || {
            bus.must_run();
            socket.exists().then_some(())
        });
        Self { folder, keyring: None, _bus: bus }
    }

    /// A session with gnome-keyring, unlocked, its default collection made.
    pub fn with_keyring() -> Self {
        let mut session = Self::bare();
        session.start_keyring(true);
        session
    }

    /// Starts the keyring's daemon; locked, it waits for a person who is not there.
    pub fn start_keyring(&mut self, unlocked: bool) {
        let log = self.folder.path().join("keyring.log");
        let mut daemon = Command::new(find_program("gnome-keyring-daemon").unwrap());
        daemon.args(["--foreground", "--components=secrets"]);
        if unlocked {
            daemon.arg("--unlock").stdin(Stdio::piped());
        } else {
            daemon.stdin(Stdio::null());
        }
        self.enter(&mut daemon);
        let out = fs::File::create(&log).unwrap();
        daemon.stdout(out.try_clone().unwrap()).stderr(out);
        let mut process = Process::start_piped(&mut daemon, &log);
        if let Some(mut input) = process.child().stdin.take() {
            // It reads to the end; a line feed would become a part of the password.
            input.write_all(KEYRING_PASSWORD).unwrap();
        }
        until("the keyring to come to the bus", seconds(20), || {
            process.must_run();
            self.has_owner("org.freedesktop.secrets").then_some(())
        });
        self.keyring = Some(process);
    }

    /// Ends the keyring's daemon, as when it crashes.
    pub fn stop_keyring(&mut self) {
        self.keyring = None;
        until("the keyring to leave the bus", seconds(10), || {
            (!self.has_owner("org.freedesktop.secrets")).then_some(())
        });
    }

    fn has_owner(&self, name: &str) -> bool {
        let mut ask = Command::new("dbus-send");
        ask.args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"]);
        ask.arg("org.freedesktop.DBus.NameHasOwner").arg(format!("string:{name}"));
        self.enter(&mut ask);
        ask.output().is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("boolean true"))
    }

    /// Makes a command a part of this session, with no other variable than these.
    pub fn enter(&self, command: &mut Command) {
        command.env_clear().envs(self.variables());
    }

    /// The variables of a program in this session.
    pub fn variables(&self) -> Vec<(String, String)> {
        let place = |name: &str| self.folder.path().join(name).to_str().unwrap().to_owned();
        [
            ("HOME", place("home")),
            ("XDG_DATA_HOME", place("data")),
            ("XDG_CONFIG_HOME", place("config")),
            ("XDG_CACHE_HOME", place("cache")),
            ("XDG_STATE_HOME", place("state")),
            ("XDG_RUNTIME_DIR", place("run")),
            ("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", place("run/bus"))),
            ("PATH", std::env::var("PATH").unwrap_or_else(|_| "/usr/sbin:/usr/bin:/sbin:/bin".into())),
            ("LANG", "C.UTF-8".into()),
            ("USER", crate::sshd::own_user()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file that secret-tool(1) would find: what the keyring holds under an attribute.
    pub fn secrets_with(&self, attribute: &str, value: &str) -> String {
        let mut search = Command::new("secret-tool");
        search.args(["search", "--all", "--unlock", attribute, value]);
        self.enter(&mut search);
        let output = search.output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Removes an item of Muster, as another program of this user could.
    pub fn forget(&self, item: &str) {
        let mut clear = Command::new("secret-tool");
        clear.args(["clear", "service", "muster", "username", item]);
        self.enter(&mut clear);
        assert!(clear.status().unwrap().success(), "the keyring keeps {item}");
    }

    /// What the keyring holds under an item of Muster.
    pub fn look_up(&self, item: &str) -> String {
        let mut look = Command::new("secret-tool");
        look.args(["lookup", "service", "muster", "username", item]);
        self.enter(&mut look);
        String::from_utf8(look.output().unwrap().stdout).unwrap()
    }

    /// Puts an item of Muster back, with the attributes that it had.
    pub fn bring_back(&self, item: &str, value: &str) {
        let mut store = Command::new("secret-tool");
        store.args(["store", "--label=brought back", "service", "muster", "username", item]);
        store.args(["target", "default"]).stdin(Stdio::piped());
        self.enter(&mut store);
        let mut store = store.spawn().unwrap();
        store.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
        assert!(store.wait().unwrap().success(), "the keyring does not take {item}");
    }

    /// Where the keyring keeps its files.
    pub fn keyring_files(&self) -> PathBuf {
        self.folder.path().join("data/keyrings")
    }
}
