//! What lies on a host is listed and taken away, on a real sshd.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use protocol::FaultCode;
use protocol::link::HelperStatus;

use super::placing::{Home, Mounted, names, programs, script};
use crate::helper::status::status_of;
use crate::helper::{Removal, remove, start};

/// A program whose process can be told by its file, as that of the real helper.
fn sleeper() -> &'static [u8] {
    Box::leak(fs::read("/bin/sleep").unwrap().into_boxed_slice())
}

impl Home {
    async fn status(&self, bytes: &'static [u8], dir: Option<&Path>) -> HelperStatus {
        let dir = dir.map(|dir| dir.to_str().unwrap());
        status_of(&programs(bytes), &self.connection, "web", dir).await.unwrap()
    }

    async fn remove(&self, dir: Option<&Path>) -> Removal {
        remove(&self.connection, "web", dir.map(|dir| dir.to_str().unwrap())).await.unwrap()
    }
}

#[tokio::test]
async fn what_was_placed_is_listed_and_nothing_is_left_when_it_is_removed() {
    let home = Home::new().await;
    let nothing = home.status(script(""), None).await;
    assert_eq!(nothing, HelperStatus { host: "web".into(), ..HelperStatus::default() });
    let placed = home.place(script(""), None).await.unwrap();
    let old = home.folder().join("muster-helper-0.0.9-0123456789ab");
    fs::write(&old, "old").unwrap();
    fs::write(home.folder().join(".muster-helper-0.1.0-x.muster-1"), "half").unwrap();
    let status = home.status(script(""), None).await;
    let file = status.files.iter().find(|file| file.path == placed.path).unwrap();
    assert_eq!((file.sha256.as_deref(), file.bytes), (Some(placed.sha256.as_str()), placed.bytes));
    assert_eq!((file.version.as_deref(), file.current), (Some(protocol::VERSION), true));
    let age_s = fs::metadata(&placed.path).unwrap().modified().unwrap().elapsed().unwrap().as_secs();
    assert!(file.since_ms.is_some() && age_s < 60);
    let old = status.files.iter().find(|file| Path::new(&file.path) == old).unwrap();
    assert_eq!((old.version.as_deref(), old.current), (Some("0.0.9"), false));
    assert_eq!(status.files.len(), 3);
    assert_eq!((status.folders.len(), status.folders[0].ours, status.folders[0].others), (1, true, 0));

    let removal = home.remove(None).await;
    assert_eq!((removal.removed.len(), removal.gone.len(), removal.stays.len()), (3, 1, 0), "{removal:?}");
    assert_eq!(names(&home.home), [""; 0], "not even the folder that was made for it");
    assert_eq!(home.remove(None).await.summary(), "nothing of Muster was there");
}

#[tokio::test]
async fn what_is_not_ours_in_the_folder_stays_and_the_folder_with_it() {
    let home = Home::new().await;
    home.place(script(""), None).await.unwrap();
    let folder = home.folder();
    fs::write(folder.join("notes"), "mine").unwrap();
    let elsewhere = home.home.join("precious");
    fs::write(&elsewhere, "precious").unwrap();
    std::os::unix::fs::symlink(&elsewhere, folder.join("muster-helper-link")).unwrap();
    fs::create_dir(folder.join("muster-helper-folder")).unwrap();
    let status = home.status(script(""), None).await;
    assert_eq!((status.files.len(), status.folders[0].others), (1, 3));
    let removal = home.remove(None).await;
    assert_eq!((removal.removed.len(), removal.kept.len()), (1, 1), "{removal:?}");
    assert_eq!(names(&folder), ["muster-helper-folder", "muster-helper-link", "notes"]);
    assert!(elsewhere.exists());
}

#[tokio::test]
async fn a_folder_that_is_a_link_or_another_users_is_refused_and_untouched() {
    let home = Home::new().await;
    let placed = home.place(script(""), None).await.unwrap();
    let real = home.home.join("elsewhere");
    fs::rename(home.folder(), &real).unwrap();
    std::os::unix::fs::symlink(&real, home.folder()).unwrap();
    let fault = remove(&home.connection, "web", None).await.unwrap_err();
    assert_eq!((fault.code, fault.detail.host.as_deref()), (FaultCode::NotPermitted, Some("web")));
    assert!(fault.message.contains("symbolic link"), "{fault}");
    assert_eq!(names(&real).len(), 1);
    assert!(!home.status(script(""), None).await.folders[0].ours);

    fs::remove_file(home.folder()).unwrap();
    fs::rename(&real, home.folder()).unwrap();
    std::os::unix::fs::chown(home.folder(), Some(12345), None).unwrap();
    let fault = remove(&home.connection, "web", None).await.unwrap_err();
    assert!(fault.message.contains("belongs to another user"), "{fault}");
    assert!(Path::new(&placed.path).exists());
}

#[tokio::test]
async fn processes_of_the_helper_are_ended_and_no_others() {
    let home = Home::new().await;
    home.place(script(""), None).await.unwrap();
    let program = home.folder().join("muster-helper-0.0.1-0123456789ab");
    fs::write(&program, sleeper()).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let run = |path: &Path| std::process::Command::new(path).arg("60").spawn().unwrap();
    let (mut ours, mut other) = (run(&program), run(Path::new("/bin/sleep")));
    // Started and then taken off the disk, as an old version is by a newer one.
    let gone = home.folder().join("muster-helper-0.0.0-0123456789ab");
    fs::copy(&program, &gone).unwrap();
    let mut deleted = run(&gone);
    while fs::read_link(format!("/proc/{}/exe", deleted.id())).unwrap() != gone {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    fs::remove_file(&gone).unwrap();
    let status = home.status(script(""), None).await;
    let pids: Vec<u32> = status.processes.iter().map(|process| process.pid).collect();
    assert!(pids.contains(&ours.id()) && pids.contains(&deleted.id()) && pids.len() == 2, "{status:?}");
    // They are this test's children: reaped by it, or they would stay as zombies.
    let (one, two) = (std::thread::spawn(move || ours.wait()), std::thread::spawn(move || deleted.wait()));
    let removal = home.remove(None).await;
    assert_eq!((removal.ended.len(), removal.stays.len()), (2, 0), "{removal:?}");
    assert!(!one.join().unwrap().unwrap().success() && !two.join().unwrap().unwrap().success());
    assert!(other.try_wait().unwrap().is_none(), "a program of another folder goes on");
    other.kill().unwrap();
    other.wait().unwrap();
}

/// A root of its own with the home folder at the path that it has here, and the PIDs of this host.
const OTHER_ROOT: &str = r#"
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir -p "$1/usr" "$1/old" "$1$2"
mount --bind /usr "$1/usr"
for link in bin lib lib64; do if [ -e "/$link" ]; then cp -d "/$link" "$1/" || mount --bind "/$link" "$1/$link"; fi; done
mount --bind "$2" "$1$2"
cd "$1"
pivot_root . old
exec "$3" 60
"#;

#[tokio::test]
async fn what_runs_in_a_container_from_the_same_path_is_not_of_this_host_and_goes_on() {
    let home = Home::new().await;
    home.place(script(""), None).await.unwrap();
    let program = home.folder().join("muster-helper-0.0.1-0123456789ab");
    fs::write(&program, sleeper()).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let root = tempfile::tempdir().unwrap();
    let unshare = |words: &[&str]| {
        let mut unshare = std::process::Command::new("unshare");
        unshare.args(words).args([root.path(), home.home.as_path(), program.as_path()]).spawn().unwrap()
    };
    let other_pids =
        ["--pid", "--mount", "--fork", "--kill-child", "--mount-proc", "sh", "-c", "exec \"$3\" 60", "sh"];
    let mut inside = [unshare(&other_pids), unshare(&["--mount", "sh", "-c", OTHER_ROOT, "sh"])];
    let mut ours = std::process::Command::new(&program).arg("60").spawn().unwrap();
    // All three are seen from here, by the same path.
    let running = || {
        let all = fs::read_dir("/proc").unwrap().flatten();
        all.filter(|entry| fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == program)).count()
    };
    let all_run = async {
        while running() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), all_run).await.unwrap();
    let listed: Vec<u32> = home.status(script(""), None).await.processes.iter().map(|one| one.pid).collect();
    assert_eq!(listed, [ours.id()]);
    let reaped = std::thread::spawn(move || ours.wait());
    let removal = home.remove(None).await;
    assert_eq!((removal.ended.len(), removal.stays.len()), (1, 0), "{removal:?}");
    reaped.join().unwrap().unwrap();
    for one in &mut inside {
        assert!(one.try_wait().unwrap().is_none(), "it goes on");
        one.kill().unwrap();
        one.wait().unwrap();
    }
}

#[tokio::test]
async fn a_folder_set_for_the_host_is_cleared_also_where_no_program_may_run() {
    let home = Home::new().await;
    let mounted = Mounted::new("noexec,mode=755");
    let dir = mounted.0.path().join("helper");
    home.place(script(""), Some(&dir)).await.unwrap_err();
    fs::write(dir.join("muster-helper-0.0.9-0123456789ab"), "old").unwrap();
    // And one from before the folder was set.
    let before = home.place(script(""), None).await.unwrap();
    assert_eq!(home.status(script(""), Some(&dir)).await.files.len(), 2);
    let removal = home.remove(Some(&dir)).await;
    assert_eq!((removal.removed.len(), removal.gone.len()), (2, 2), "{removal:?}");
    assert!(!dir.exists() && !Path::new(&before.path).exists());
}

#[tokio::test]
async fn the_own_folder_inside_one_that_others_write_to_is_found() {
    let home = Home::new().await;
    let shared = tempfile::tempdir().unwrap();
    fs::set_permissions(shared.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let placed = home.place(script(""), Some(shared.path())).await.unwrap();
    let link = start(&home.connection, "web", &placed, None).await.unwrap();
    assert_eq!(home.status(script(""), Some(shared.path())).await.files[0].path, placed.path);
    drop(link);
    let removal = home.remove(Some(shared.path())).await;
    assert_eq!(removal.removed, [placed.path]);
    assert_eq!(names(shared.path()), [""; 0]);
}

#[tokio::test]
async fn a_host_that_gives_no_shell_is_told_and_nothing_is_taken_for_removed() {
    let home = Home::with_shell("", "echo 'This account is currently not available.'; exit 1").await;
    let fault = remove(&home.connection, "web", None).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperBlocked);
}
