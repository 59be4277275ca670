//! Placing and starting on a real sshd, with a script that plays the helper.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use protocol::wire::{Answer, Ask};
use protocol::{Fault, FaultCode};

use crate::helper::local::linux::start_bytes;
use crate::helper::place::find_place_of;
use crate::helper::start::start_one_of;
use crate::helper::{Placed, Program, Programs, embedded, find_place, start, start_local};
use crate::ssh::Connection;
use crate::ssh::tests::sshd::Sshd;

const SOON: Duration = Duration::from_secs(20);

/// Says its version, or plays the helper: `Hello`, then one answer to the first request.
pub(super) fn script(extra: &str) -> &'static [u8] {
    let text = format!(
        "#!/bin/sh\n# {extra}\n\
         [ \"$1\" = --version ] && {{ echo 0.1.0; exit 0; }}\n\
         echo '{{\"hello\":{{\"version\":\"0.1.0\",\"pid\":'$$'}}}}'\n\
         read -r asked\n\
         echo '{{\"reply\":{{\"id\":1,\"answer\":{{\"system\":{{\"host_name\":\"fake\"}}}}}}}}'\n\
         cat >/dev/null\n"
    );
    Box::leak(text.into_bytes().into_boxed_slice())
}

pub(super) fn programs(bytes: &'static [u8]) -> Programs {
    let program = Some(Program::new(bytes));
    Programs { x86_64: program.clone(), aarch64: program }
}

pub(super) async fn place_one_of(
    programs: &Programs,
    connection: &Connection,
    host: &str,
    dir: Option<&str>,
) -> Result<Placed, Fault> {
    find_place_of(programs, connection, host, dir).await?.fill(connection, host).await
}

/// An sshd whose sessions have a home of their own.
pub(super) struct Home {
    sshd: Sshd,
    pub(super) connection: Connection,
    pub(super) home: PathBuf,
}

impl Home {
    pub(super) async fn new() -> Self {
        Self::with_shell("", "exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"").await
    }

    /// `shell` stands for the user's login shell: it gets the command in `SSH_ORIGINAL_COMMAND`.
    pub(super) async fn with_shell(extra: &str, shell: &str) -> Self {
        let dir = tempfile::tempdir().unwrap().keep();
        let home = dir.join("home");
        fs::create_dir(&home).unwrap();
        let wrapper = dir.join("shell");
        fs::write(&wrapper, format!("#!/bin/sh\nHOME={}; export HOME\n{shell}\n", home.display())).unwrap();
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
        let sshd = Sshd::start(&format!("ForceCommand {}\n{extra}", wrapper.display()));
        let connection = sshd.connect().await;
        Self { sshd, connection, home }
    }

    pub(super) async fn place(&self, bytes: &'static [u8], dir: Option<&Path>) -> Result<Placed, Fault> {
        let dir = dir.map(|dir| dir.to_str().unwrap());
        place_one_of(&programs(bytes), &self.connection, "web", dir).await
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.home.join(".cache/muster")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.home.parent().unwrap());
        let _ = &self.sshd;
    }
}

pub(super) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .map(|entries| entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect())
        .unwrap_or_default();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn the_helper_is_placed_once_and_answers() {
    let home = Home::new().await;
    let placed = home.place(script(""), None).await.unwrap();
    assert!(placed.newly);
    let path = Path::new(&placed.path);
    assert_eq!(path.parent().unwrap(), home.folder());
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(name, format!("muster-helper-{}-{}", protocol::VERSION, &placed.sha256[..12]));
    assert_eq!((mode(&home.folder()), mode(path)), (0o700, 0o700));
    assert_eq!(fs::read(path).unwrap(), script(""));
    assert_eq!(names(&home.folder()).len(), 1, "no temporary file is left");

    let again = home.place(script(""), None).await.unwrap();
    assert_eq!(again, Placed { newly: false, ..placed.clone() });

    let link = start(&home.connection, "web", &placed, None).await.unwrap();
    let pid = link.hello().pid;
    let Answer::System(system) = link.ask(Ask::System {}, SOON).await.unwrap() else { panic!() };
    assert_eq!(system.host_name, "fake");
    drop(link);
    let gone = async {
        while Path::new(&format!("/proc/{pid}")).exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), gone).await.expect("the helper goes with its link");
}

#[tokio::test]
async fn a_newer_version_takes_the_place_of_the_older_one() {
    let home = Home::new().await;
    home.place(script("old"), None).await.unwrap();
    fs::write(home.folder().join("notes"), "mine").unwrap();
    let placed = home.place(script("new"), None).await.unwrap();
    let name = Path::new(&placed.path).file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(names(&home.folder()), [name, "notes".to_owned()], "only files of ours are removed");
}

#[tokio::test]
async fn a_file_that_was_damaged_is_put_there_anew_and_never_started() {
    let home = Home::new().await;
    let placed = home.place(script(""), None).await.unwrap();
    fs::write(&placed.path, "#!/bin/sh\necho planted\n").unwrap();
    let fault = start(&home.connection, "web", &placed, None).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperBlocked);
    assert!(fault.message.contains("was changed by somebody"), "{fault}");
    assert!(home.place(script(""), None).await.unwrap().newly);
    start(&home.connection, "web", &placed, None).await.unwrap();
    fs::remove_file(&placed.path).unwrap();
    let fault = start(&home.connection, "web", &placed, None).await.unwrap_err();
    assert_eq!((fault.code, fault.detail.subject), (FaultCode::HelperFailed, Some(placed.path)));
}

#[tokio::test]
async fn a_file_swapped_between_its_hash_and_its_start_is_not_run() {
    // The first sha256sum in PATH hashes as it should and then swaps the file of the helper.
    let swapper = tempfile::tempdir().unwrap();
    let tool = swapper.path().join("sha256sum");
    let swap = "/usr/bin/sha256sum; f=$(ls \"$HOME\"/.cache/muster/muster-helper-*) && \
                printf '#!/bin/sh\\necho planted\\n' >\"$HOME/new\" && chmod 700 \"$HOME/new\" && mv \"$HOME/new\" \"$f\"";
    fs::write(&tool, format!("#!/bin/sh\n{swap}\n")).unwrap();
    let shell = format!(
        "PATH={}:$PATH; export PATH; exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"",
        swapper.path().display()
    );
    let home = Home::with_shell("", &shell).await;
    let placed = home.place(script(""), None).await.unwrap();
    assert_eq!(fs::read(&placed.path).unwrap(), script(""));
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let link = start(&home.connection, "web", &placed, None).await.unwrap();
    let Answer::System(system) = link.ask(Ask::System {}, SOON).await.unwrap() else { panic!() };
    assert_eq!(system.host_name, "fake", "what was hashed is what runs");
    assert_eq!(fs::read(&placed.path).unwrap(), b"#!/bin/sh\necho planted\n", "the swap did happen");
}

#[tokio::test]
async fn a_login_shell_that_talks_before_and_after_does_not_disturb() {
    let noisy = "printf 'Welcome!\\n\\033[1mquota: 5%%'; echo rc: no such file >&2\n\
                 /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"; echo 'Goodbye!'";
    let home = Home::with_shell("", noisy).await;
    let placed = home.place(script(""), None).await.unwrap();
    assert!(placed.newly && !home.place(script(""), None).await.unwrap().newly);
    let link = start(&home.connection, "web", &placed, None).await.unwrap();
    link.ask(Ask::System {}, SOON).await.unwrap();
}

#[tokio::test]
async fn a_host_that_gives_no_shell_is_told_with_its_words() {
    let home = Home::with_shell("", "echo 'This account is currently not available.'; exit 1").await;
    let fault = home.place(script(""), None).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperBlocked);
    assert!(fault.message.ends_with("ended with 1: This account is currently not available."), "{fault}");
}

/// A file system mounted for one test.
pub(super) struct Mounted(pub(super) tempfile::TempDir);

impl Mounted {
    pub(super) fn new(options: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let done =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(dir.path()).status();
        assert!(done.unwrap().success(), "mounting needs root");
        Self(dir)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_file_system_without_programs_is_named_and_nothing_is_left_there() {
    let home = Home::new().await;
    let mounted = Mounted::new("noexec,mode=755");
    let dir = mounted.0.path().join("helper");
    let fault = home.place(script(""), Some(&dir)).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperNoexec, "{fault}");
    assert_eq!(fault.detail.subject.as_deref(), dir.to_str());
    assert_eq!(names(&dir), [""; 0]);
}

#[tokio::test]
async fn a_file_system_that_forbids_programs_later_is_named_at_the_start() {
    let home = Home::new().await;
    let mounted = Mounted::new("mode=755");
    let placed = home.place(script(""), Some(mounted.0.path())).await.unwrap();
    let done = Command::new("mount").args(["-o", "remount,noexec"]).arg(mounted.0.path()).status();
    assert!(done.unwrap().success());
    let fault = start(&home.connection, "web", &placed, None).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperNoexec, "{fault}");
}

#[tokio::test]
async fn a_full_file_system_is_told_and_the_partial_file_is_removed() {
    let home = Home::new().await;
    let mounted = Mounted::new("size=64k,mode=755");
    let dir = mounted.0.path().join("helper");
    let large: &'static [u8] = Box::leak(vec![b'#'; 1 << 20].into_boxed_slice());
    let fault = home.place(large, Some(&dir)).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperNoSpace, "{fault}");
    assert_eq!(fault.detail.subject.as_deref(), dir.to_str());
    assert_eq!(names(&dir), [""; 0]);
}

#[tokio::test]
async fn a_read_only_file_system_is_told() {
    let home = Home::new().await;
    let mounted = Mounted::new("ro,mode=755");
    let fault = home.place(script(""), Some(&mounted.0.path().join("helper"))).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperBlocked);
    assert!(fault.message.contains("Read-only file system"), "{fault}");
}

#[tokio::test]
async fn a_folder_that_others_may_write_to_gets_one_of_our_own_inside() {
    let home = Home::new().await;
    let shared = tempfile::tempdir().unwrap();
    fs::set_permissions(shared.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let placed = home.place(script(""), Some(shared.path())).await.unwrap();
    let own = shared.path().join("muster-0");
    assert_eq!(Path::new(&placed.path).parent().unwrap(), own);
    assert_eq!((mode(&own), mode(shared.path())), (0o700, 0o1777));

    std::os::unix::fs::chown(&own, Some(12345), None).unwrap();
    fs::remove_file(&placed.path).unwrap();
    let fault = home.place(script(""), Some(shared.path())).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperUnsafe);
    assert!(fault.message.contains("muster-0 belongs to another user"), "{fault}");
}

#[tokio::test]
async fn a_symbolic_link_in_the_place_of_the_folder_is_refused() {
    let home = Home::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    fs::create_dir(home.home.join(".cache")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), home.folder()).unwrap();
    let fault = home.place(script(""), None).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperUnsafe);
    assert!(fault.message.contains("symbolic link"), "{fault}");
    assert_eq!(names(elsewhere.path()), [""; 0]);
}

#[tokio::test]
async fn a_program_that_does_not_run_there_is_not_left_there() {
    let home = Home::new().await;
    let broken: &'static [u8] = b"#!/bin/sh\necho no such instruction >&2\nexit 132\n";
    let fault = home.place(broken, None).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperFailed);
    assert!(fault.message.contains("no such instruction"), "{fault}");
    assert_eq!(names(&home.folder()), [""; 0]);
}

#[tokio::test]
async fn a_link_that_is_cut_with_its_connection_says_so() {
    let home = Home::new().await;
    let placed = home.place(script(""), None).await.unwrap();
    let link = start(&home.connection, "web", &placed, None).await.unwrap();
    home.connection.close().await;
    let fault = tokio::time::timeout(SOON, link.closed()).await.unwrap();
    assert_eq!(fault.code, FaultCode::LinkLost);
    assert!(fault.message.contains("the connection ended"), "{fault}");
}

#[tokio::test]
async fn a_connection_that_ends_while_the_helper_is_started_is_lost_and_no_fault_of_the_helper() {
    // From then on each command ends the sshd that serves it.
    let shell = "[ -e ~/cut ] && kill -9 $PPID; exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"";
    for resumed in [false, true] {
        let home = Home::with_shell("", shell).await;
        let placed = home.place(script(""), None).await.unwrap();
        fs::write(home.home.join("cut"), "").unwrap();
        let started = match resumed {
            true => start_one_of(&programs(script("")), &home.connection, "web", None, None).await.map(drop),
            false => start(&home.connection, "web", &placed, None).await.map(drop),
        };
        let fault = started.unwrap_err();
        assert_eq!(fault.code, FaultCode::LinkLost, "{fault:?}");
    }
}

#[tokio::test]
async fn one_session_at_a_time_is_enough_to_place_and_start() {
    let home = Home::with_shell("MaxSessions 1", "exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"").await;
    let placed = home.place(script(""), None).await.unwrap();
    start(&home.connection, "web", &placed, None).await.unwrap().ask(Ask::System {}, SOON).await.unwrap();
}

#[tokio::test]
async fn a_helper_that_is_there_is_found_and_started_with_one_command() {
    let home = Home::with_shell("", "echo Welcome; exec /bin/sh -c \"$SSH_ORIGINAL_COMMAND\"").await;
    let programs = programs(script(""));
    let resume = || start_one_of(&programs, &home.connection, "web", None, None);
    assert!(resume().await.unwrap().is_none(), "nothing was placed yet");
    let placed = place_one_of(&programs, &home.connection, "web", None).await.unwrap();
    let (found, link) = resume().await.unwrap().unwrap();
    assert_eq!(found, Placed { newly: false, ..placed.clone() });
    link.ask(Ask::System {}, SOON).await.unwrap();
    fs::write(&placed.path, "planted").unwrap();
    assert!(resume().await.unwrap().is_none(), "a damaged helper is for place to mend");
    home.connection.close().await;
    assert_eq!(resume().await.unwrap_err().code, FaultCode::LinkLost);
}

#[tokio::test]
async fn this_computer_is_looked_at_by_a_child_that_runs_from_memory() {
    // A program of the system that never says Hello shows that its bytes run from memory.
    let bytes: &'static [u8] = Box::leak(fs::read("/bin/echo").unwrap().into_boxed_slice());
    let fault = start_bytes(bytes).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperFailed);
    assert!(fault.message.ends_with("did not start: the helper ended: exit status: 0"), "{fault}");
    let fault = start_bytes(b"\x7fELF broken").await.unwrap_err();
    assert_eq!((fault.code, fault.detail.host.as_deref()), (FaultCode::HelperFailed, Some("local")));
}

#[tokio::test]
async fn the_real_helper_runs_here_and_on_a_host_where_this_program_was_built_with_it() {
    let home = Home::new().await;
    if let Err(fault) = embedded(std::env::consts::ARCH) {
        assert_eq!(fault.code, FaultCode::HelperNotBuilt);
        assert_eq!(start_local().await.unwrap_err().code, FaultCode::HelperNotBuilt);
        let fault = find_place(&home.connection, "web", None).await.unwrap_err();
        assert_eq!((fault.code, fault.detail.host.as_deref()), (FaultCode::HelperNotBuilt, Some("web")));
        return;
    }
    let here = start_local().await.unwrap();
    let placed =
        find_place(&home.connection, "web", None).await.unwrap().fill(&home.connection, "web").await.unwrap();
    let there = start(&home.connection, "web", &placed, None).await.unwrap();
    for link in [here, there] {
        assert_eq!(link.hello().version, protocol::VERSION);
        let Answer::System(system) = link.ask(Ask::System {}, SOON).await.unwrap() else { panic!() };
        assert_eq!(system.arch, std::env::consts::ARCH);
        let mut metrics = link.subscribe(Ask::Metrics { interval_ms: Some(200) }).await.unwrap();
        for number in 1..=3 {
            assert_eq!(metrics.recv().await.unwrap().unwrap().0, number);
        }
        let pid = link.hello().pid;
        drop((metrics, link));
        let gone = async {
            while Path::new(&format!("/proc/{pid}")).exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.expect("the helper goes with its link");
    }
    assert_eq!(names(&home.folder()).len(), 1);
}
