//! Folders that another user of the host can change, and a file that is swapped: nothing of it is run.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use protocol::FaultCode;

use super::placing::{Home, names, programs, script};
use crate::helper::start::start_one_of;
use crate::helper::{Program, scripts, start};

/// Neither root nor whoever runs the tests.
const STRANGER: u32 = 54_321;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_folder_that_others_could_lead_elsewhere_is_refused_with_the_part_it_is_about() {
    let home = Home::new().await;
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil); 4] = [
        ("belongs to another user", |above| chown(above, Some(STRANGER), None).unwrap()),
        ("others may write to", |above| set_mode(above, 0o777)),
        ("others may write to", |above| {
            chown(above, None, Some(STRANGER)).unwrap();
            set_mode(above, 0o775);
        }),
        ("is a symbolic link", |above| {
            let real = above.with_extension("real");
            fs::rename(above, &real).unwrap();
            symlink(&real, above).unwrap();
        }),
    ];
    for (why, spoil) in cases {
        for there in [false, true] {
            let top = tempfile::tempdir().unwrap();
            let above = top.path().join("above");
            let dir = above.join("helper");
            fs::create_dir_all(if there { &dir } else { &above }).unwrap();
            spoil(&above);
            let fault = home.place(script(""), Some(&dir)).await.unwrap_err();
            assert_eq!(fault.code, FaultCode::HelperUnsafe, "{fault}");
            assert!(fault.message.contains(why), "{fault} must say: {why}");
            assert!(fault.message.contains(above.to_str().unwrap()), "{fault} must name the part");
            assert_eq!(names(&dir), [""; 0], "nothing was put there");
            assert_eq!(dir.exists(), there, "nor a folder");
        }
    }
}

#[tokio::test]
async fn a_folder_of_others_that_is_sticky_holds_what_is_the_users_own() {
    let home = Home::new().await;
    let top = tempfile::tempdir().unwrap();
    set_mode(top.path(), 0o1777);
    home.place(script(""), Some(&top.path().join("helper"))).await.unwrap();
}

#[tokio::test]
async fn a_helper_is_not_started_once_others_can_change_its_folder() {
    let home = Home::new().await;
    let top = tempfile::tempdir().unwrap();
    let dir = top.path().join("helper");
    let placed = home.place(script(""), Some(&dir)).await.unwrap();
    set_mode(top.path(), 0o777);
    let fault = start(&home.connection, "web", &placed, None).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperUnsafe, "{fault}");
    let resumed = start_one_of(&programs(script("")), &home.connection, "web", dir.to_str(), None).await;
    assert!(resumed.unwrap().is_none(), "it is for the look at the folder to tell why");
    fs::remove_file(&placed.path).unwrap();
    fs::write(&placed.path, script("")).unwrap();
    chown(&placed.path, Some(STRANGER), None).unwrap();
    set_mode(Path::new(&placed.path), 0o755);
    set_mode(top.path(), 0o755);
    let resumed = start_one_of(&programs(script("")), &home.connection, "web", dir.to_str(), None).await;
    assert!(resumed.unwrap().is_none(), "a file of somebody else is not ours, whatever is in it");
}

#[test]
fn a_file_that_is_swapped_a_thousand_times_is_never_run_unless_it_was_hashed() {
    const STARTS: usize = 1_000;
    let top = tempfile::tempdir().unwrap();
    let at = |name: &str| top.path().join(name);
    let (path, canary) = (at("muster-helper"), at("canary"));
    let own = Program::new(b"#!/bin/sh\necho own\n");
    let planted = format!("#!/bin/sh\ntouch {}\n", canary.display());
    for (name, bytes) in [("own", own.bytes), ("planted", planted.as_bytes())] {
        fs::write(at(name), bytes).unwrap();
        set_mode(&at(name), 0o755);
    }
    fs::copy(at("own"), &path).unwrap();
    let command = scripts::start(&["M", path.to_str().unwrap(), &own.sha256]);
    let (swaps, left, over) = (AtomicUsize::new(0), AtomicUsize::new(STARTS), AtomicBool::new(false));
    let (own_ran, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                for name in ["planted", "own"] {
                    fs::hard_link(at(name), at("next")).unwrap();
                    fs::rename(at("next"), &path).unwrap();
                    // A link to the very file that is there already is left by rename(2).
                    let _ = fs::remove_file(at("next"));
                    swaps.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(std::time::Duration::from_micros(300));
                }
            }
        });
        let starters: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let take = |left: usize| left.checked_sub(1);
                    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                        let ran = Command::new("sh").args(["-c", &command]).output().unwrap();
                        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
                        match (said.contains("own\n"), said.contains("M changed")) {
                            (true, false) => own_ran.fetch_add(1, Ordering::Relaxed),
                            (false, true) => refused.fetch_add(1, Ordering::Relaxed),
                            _ => panic!("neither started nor refused: {ran:?}"),
                        };
                    }
                })
            })
            .collect();
        let ended: Vec<_> = starters.into_iter().map(|starter| starter.join()).collect();
        over.store(true, Ordering::Relaxed);
        assert!(ended.iter().all(Result::is_ok));
    });
    let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    assert!(!canary.exists(), "what was swapped in was run");
    assert_eq!(count(&own_ran) + count(&refused), STARTS);
    assert!(count(&own_ran) > 0 && count(&refused) > 0, "the swaps met the starts");
    assert!(count(&swaps) > STARTS, "{} swaps", count(&swaps));
}
