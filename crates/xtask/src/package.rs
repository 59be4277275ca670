//! `cargo xtask package`: what people install: a .deb, an .rpm and a tar, all of one staged tree.
//!
//! The tree is what lies in `/usr` afterwards; the packages only say who may install it where. They are
//! put together by the tools of the systems that they are for, from the build that was made last. They
//! carry the time of the last commit and nothing of who builds, neither a name nor what a umask makes of
//! modes, so that the same sources give the same packages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context;

use crate::app::{self, Kind};
use crate::command::{output, run};
use crate::places::Places;
use crate::progress::{say, step};

const ID: &str = "net.muster.desktop";
const VERSION: &str = env!("CARGO_PKG_VERSION");
const SUMMARY: &str = "Look after many Linux hosts over SSH";
const ABOUT: &str = "A desktop app and a terminal program that show Linux hosts live over SSH,\n\
                     act on their services, and keep a log of everything that was done.";

/// What the systems take that people have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    Deb,
    Rpm,
    Tar,
}

/// Builds the packages into `target/packages`, of the programs that were built.
pub(crate) fn package(places: &Places, kind: Kind, formats: &[Format]) -> anyhow::Result<ExitCode> {
    // One that is only tried must not be taken for one to give away.
    let folder = places.target.join(match kind {
        Kind::Release => "packages",
        Kind::Debug => "packages-debug",
    });
    let stage = folder.join("stage");
    // What one that failed left behind would become a part of this one.
    for begun in [&stage, &folder.join("deb"), &folder.join("rpm")] {
        if begun.exists() {
            fs::remove_dir_all(begun)?;
        }
    }
    stage_tree(places, kind, &stage)?;
    let made_s = made_s(places)?;
    let mut files = Vec::new();
    for format in formats {
        files.push(match format {
            Format::Deb => {
                step("the package for Debian and Ubuntu", || build_deb(&folder, &stage, &made_s, kind))?
            }
            Format::Rpm => {
                step("the package for Fedora and openSUSE", || build_rpm(&folder, &stage, &made_s, kind))?
            }
            Format::Tar => step("the tar", || build_tar(&folder, &stage, &made_s, kind))?,
        });
    }
    for file in files {
        say(format!("    {} ({} KiB)", file.display(), fs::metadata(&file)?.len() / 1024));
    }
    Ok(ExitCode::SUCCESS)
}

/// The time of the last commit; of sources that came without their history, when they were laid down.
fn made_s(places: &Places) -> anyhow::Result<String> {
    let mut git = Command::new("git");
    git.current_dir(&places.root).args(["log", "-1", "--format=%ct"]);
    if let Ok(told) = output(&mut git) {
        return Ok(told.trim().to_owned());
    }
    let changed = fs::metadata(places.root.join("Cargo.toml"))?.modified()?;
    Ok(changed.duration_since(std::time::UNIX_EPOCH)?.as_secs().to_string())
}

/// Lays out what is installed.
fn stage_tree(places: &Places, kind: Kind, stage: &Path) -> anyhow::Result<()> {
    let own = places.root.join("src-tauri/packaging");
    let icons = places.root.join("icons");
    let share = "usr/share";
    let mut files = vec![
        (app::program(places, kind, "muster"), "usr/bin/muster".to_owned(), 0o755),
        (app::program(places, kind, "musterctl"), "usr/bin/musterctl".to_owned(), 0o755),
        (own.join(format!("{ID}.desktop")), format!("{share}/applications/{ID}.desktop"), 0o644),
        (own.join(format!("{ID}.metainfo.xml")), format!("{share}/metainfo/{ID}.metainfo.xml"), 0o644),
        (icons.join("muster.svg"), format!("{share}/icons/hicolor/scalable/apps/{ID}.svg"), 0o644),
        (places.root.join("LICENSE"), format!("{share}/doc/muster/copyright"), 0o644),
    ];
    for (file, size) in [("32x32", 32), ("128x128", 128), ("128x128@2x", 256), ("icon", 512)] {
        let to = format!("{share}/icons/hicolor/{size}x{size}/apps/{ID}.png");
        files.push((icons.join(format!("{file}.png")), to, 0o644));
    }
    for (from, to, mode) in files {
        let to = stage.join(to);
        let folder = to.parent().context("a file of the tree lies in a folder")?;
        fs::create_dir_all(folder)?;
        for above in folder.ancestors().take_while(|above| above.starts_with(stage)) {
            set_mode(above, 0o755)?;
        }
        fs::copy(&from, &to).with_context(|| format!("{} could not be taken", from.display()))?;
        set_mode(&to, mode)?;
    }
    Ok(())
}

fn set_mode(path: &Path, mode: u32) -> anyhow::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("the mode of {} could not be set", path.display()))
}

fn build_deb(folder: &Path, stage: &Path, made_s: &str, kind: Kind) -> anyhow::Result<PathBuf> {
    let architecture = output(Command::new("dpkg").arg("--print-architecture"))?;
    let architecture = architecture.trim();
    let tree = folder.join("deb");
    run(Command::new("cp").args(["-a", "--"]).arg(stage).arg(&tree), "copying the tree")?;
    let size_kib = output(Command::new("du").args(["-sk", "--apparent-size"]).arg(stage))?;
    let size_kib = size_kib.split_whitespace().next().unwrap_or("0").to_owned();
    let about: String = ABOUT.lines().map(|line| format!(" {line}\n")).collect();
    let control = format!(
        "Package: muster\nVersion: {VERSION}\nSection: admin\nPriority: optional\nArchitecture: {architecture}\n\
         Installed-Size: {size_kib}\nMaintainer: The Muster project <muster@invalid>\n\
         Depends: libc6, libwebkit2gtk-4.1-0, libgtk-3-0\nRecommends: libayatana-appindicator3-1, gnome-keyring\n\
         Description: {SUMMARY}\n{about}"
    );
    let about = tree.join("DEBIAN");
    fs::create_dir_all(&about)?;
    fs::write(about.join("control"), control)?;
    set_mode(&about, 0o755)?;
    set_mode(&about.join("control"), 0o644)?;
    let file = folder.join(format!("muster_{VERSION}_{architecture}.deb"));
    // Minutes for a build that nobody keeps would be too much.
    let pressed = match kind {
        Kind::Release => "-Zxz",
        Kind::Debug => "-Znone",
    };
    let mut build = Command::new("dpkg-deb");
    build
        .env("SOURCE_DATE_EPOCH", made_s)
        .args(["--root-owner-group", pressed, "--build"])
        .arg(&tree)
        .arg(&file);
    run(&mut build, "building the .deb")?;
    fs::remove_dir_all(tree)?;
    Ok(file)
}

fn build_tar(folder: &Path, stage: &Path, made_s: &str, kind: Kind) -> anyhow::Result<PathBuf> {
    let file = folder.join(format!("muster-{VERSION}-linux-{}.tar.gz", std::env::consts::ARCH));
    let pressed = match kind {
        Kind::Release => "gzip",
        Kind::Debug => "gzip -1",
    };
    let mut tar = Command::new("tar");
    tar.arg(format!("--use-compress-program={pressed}"));
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", &format!("--mtime=@{made_s}")]);
    tar.arg("-C")
        .arg(stage)
        .arg(format!("--transform=s,^usr,muster-{VERSION},"))
        .arg("-cf")
        .arg(&file)
        .arg("usr");
    run(&mut tar, "building the tar")?;
    Ok(file)
}

/// The libraries that it needs are found in the programs and named by what they are called there, which is
/// the same in each distribution; the packages that bring them are not. The tray's is opened by its name.
fn build_rpm(folder: &Path, stage: &Path, made_s: &str, kind: Kind) -> anyhow::Result<PathBuf> {
    let top = folder.join("rpm");
    fs::create_dir_all(&top)?;
    let pressed = match kind {
        Kind::Release => "w9.gzdio",
        Kind::Debug => "w.ufdio",
    };
    let spec = format!(
        "Name: muster\nVersion: {VERSION}\nRelease: 1\nSummary: {SUMMARY}\nLicense: MIT\nGroup: System\n\
         AutoReq: yes\nAutoProv: no\nRecommends: libayatana-appindicator3.so.1()(64bit), gnome-keyring\n\
         %define __os_install_post %{{nil}}\n%define debug_package %{{nil}}\n%define _build_id_links none\n\
         %define _buildhost muster.invalid\n%define use_source_date_epoch_as_buildtime 1\n\
         %define clamp_mtime_to_source_date_epoch 1\n%define _binary_payload {pressed}\n\
         %description\n{ABOUT}\n\
         %install\ncp -a {stage}/. %{{buildroot}}/\n\
         %files\n%defattr(-,root,root,-)\n/usr/bin/muster\n/usr/bin/musterctl\n/usr/share/applications/{ID}.desktop\n\
         /usr/share/metainfo/{ID}.metainfo.xml\n/usr/share/icons/hicolor/*/apps/{ID}.*\n/usr/share/doc/muster\n",
        stage = stage.display()
    );
    fs::write(top.join("muster.spec"), spec)?;
    let mut build = Command::new("rpmbuild");
    // What a person has set for packages of their own, such as a name, lies in their home.
    build.env("HOME", &top).env("SOURCE_DATE_EPOCH", made_s).args(["-bb", "--quiet"]);
    build.args(["--define", &format!("_topdir {}", top.display())]).arg(top.join("muster.spec"));
    run(&mut build, "building the .rpm")?;
    let made = top.join("RPMS").join(std::env::consts::ARCH);
    let name = format!("muster-{VERSION}-1.{}.rpm", std::env::consts::ARCH);
    fs::rename(made.join(&name), folder.join(&name)).context("rpmbuild wrote no package")?;
    fs::remove_dir_all(top)?;
    Ok(folder.join(name))
}
