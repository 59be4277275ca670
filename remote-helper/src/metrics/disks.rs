//! Space of real file systems, each once, by `/proc/self/mountinfo` and statvfs(3) as df(1).
//!
//! Network file systems are named, not measured: stat(2) or statvfs(3) on one whose server is gone
//! waits for ever.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use protocol::metrics::{Disk, NetworkMount};

use super::round2;
use crate::root::{Root, read_bytes};

/// File systems without a block device of their own that hold data of this host all the same.
const REAL_WITHOUT_DEVICE: [&str; 4] = ["btrfs", "zfs", "bcachefs", "virtiofs"];
/// Images that are full by nature.
const IMAGES: [&str; 5] = ["squashfs", "erofs", "iso9660", "udf", "cramfs"];
const NETWORK: [&str; 16] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ceph",
    "glusterfs",
    "afs",
    "9p",
    "lustre",
    "fuse.sshfs",
    "fuse.glusterfs",
    "fuse.ceph-fuse",
    "fuse.s3fs",
    "fuse.rclone",
    "fuse.juicefs",
];

/// No host that works has more; each is compared with the others.
const MOUNTS_LIMIT: usize = 8_192;

/// A line of mountinfo (proc_pid_mountinfo(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    id: u32,
    /// The mount that this one is in.
    parent: u32,
    /// `major:minor`.
    device: String,
    /// Which folder of the file system is mounted.
    root: String,
    point: String,
    /// The same as the kernel has it: a name may be no text.
    path: Vec<u8>,
    fs_type: String,
    source: String,
    read_only: bool,
}

/// File systems of this host, and those of other hosts that are mounted here.
pub(super) fn read_disks(root: &Root) -> (Vec<Disk>, Vec<NetworkMount>) {
    let Ok(bytes) = read_bytes(&root.proc.join("self/mountinfo")) else { return Default::default() };
    let mut mounts = only_seen(parse_mountinfo(&escape(&bytes)));
    // One that this user may not look at is a folder as far as anybody knows.
    let is_folder = |path: &[u8]| {
        !root.is_live()
            || match std::fs::metadata(OsStr::from_bytes(path)) {
                Ok(meta) => meta.is_dir(),
                Err(why) => why.kind() == std::io::ErrorKind::PermissionDenied,
            }
    };
    mounts.retain(|mount| is_place(mount, &is_folder));
    let network = pick_network(&mounts);
    (pick_real(mounts).into_iter().filter_map(|mount| measure(root, mount)).collect(), network)
}

/// The mounts that a path leads to. What lies under a later mount, on the same folder or on one above
/// it, is not seen: whoever asks for its path gets another file system.
fn only_seen(mounts: Vec<Mount>) -> Vec<Mount> {
    let ids: BTreeSet<u32> = mounts.iter().map(|mount| mount.id).collect();
    // Of hundreds of mounts a few are told of: only their paths are followed.
    let is_told = |mount: &Mount| is_real(mount) || NETWORK.contains(&mount.fs_type.as_str());
    let seen: Vec<Option<u32>> = mounts
        .iter()
        .map(|mount| if is_told(mount) { follow(&mounts, &ids, &mount.path) } else { Some(mount.id) })
        .collect();
    let all = mounts.into_iter().zip(seen);
    all.filter(|(mount, seen)| *seen == Some(mount.id)).map(|(mount, _)| mount).collect()
}

/// The mount that the kernel comes to by a path, from one folder to the next. It begins outside of the
/// list, which has no parent for the root of this host.
fn follow(mounts: &[Mount], ids: &BTreeSet<u32>, path: &[u8]) -> Option<u32> {
    let parent =
        |mount: &Mount| (mount.parent != mount.id && ids.contains(&mount.parent)).then_some(mount.parent);
    let mut at = None;
    let is_below = |point: &[u8]| {
        point == b"/" || (path.starts_with(point) && matches!(path.get(point.len()), None | Some(b'/')))
    };
    let mut on_way: Vec<&Mount> = mounts.iter().filter(|mount| is_below(&mount.path)).collect();
    on_way.sort_by_key(|mount| mount.path.len());
    // A mount on a mount has the same path and the other as its parent; no chain is longer than the list.
    for _ in 0..on_way.len() {
        let mut moved = false;
        for mount in &on_way {
            if parent(mount) == at && at != Some(mount.id) {
                at = Some(mount.id);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    at
}

/// A container gets single files such as /etc/hosts from a disk of its host: they are no place of
/// that disk, and must not be picked before one that is. Only where a disk is told is looked at.
fn is_place(mount: &Mount, is_folder: &dyn Fn(&[u8]) -> bool) -> bool {
    mount.root == "/" || mount.point == "/" || !is_real(mount) || is_folder(&mount.path)
}

/// The text of the file, in which bytes that are no text are written as the kernel writes a space.
fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text += chunk.valid();
        for byte in chunk.invalid() {
            text += &format!("\\{byte:03o}");
        }
    }
    text
}

fn parse_mountinfo(text: &str) -> Vec<Mount> {
    text.lines().filter_map(parse_line).take(MOUNTS_LIMIT).collect()
}

fn parse_line(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ');
    let (id, parent) = (left.next()?.parse().ok()?, left.next()?.parse().ok()?);
    let (device, root, point, options) = (left.next()?, left.next()?, left.next()?, left.next()?);
    let path = unescape(point);
    let mut right = right.split(' ');
    let (fs_type, source) = (right.next()?, right.next()?);
    let is_ro = |options: &str| options.split(',').any(|option| option == "ro");
    Some(Mount {
        id,
        parent,
        device: device.to_owned(),
        root: crate::root::lossy(unescape(root)),
        point: crate::root::lossy(path.clone()),
        path,
        fs_type: fs_type.to_owned(),
        source: crate::root::lossy(unescape(source)),
        read_only: is_ro(options) || right.next().is_some_and(is_ro),
    })
}

/// Undoes the kernel's `\040` for space, tab, line feed and backslash.
fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = (byte == b'\\')
            .then(|| text.get(at + 1..at + 4))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        out.push(code.unwrap_or(byte));
        at += if code.is_some() { 4 } else { 1 };
    }
    out
}

/// Keeps each real file system once: of several mounts of one device `/`, else the one that shows the
/// most of it, then the shortest path.
fn pick_real(mounts: Vec<Mount>) -> Vec<Mount> {
    let mut picked: Vec<Mount> = Vec::new();
    for mount in mounts.iter().filter(|mount| is_real(mount)) {
        match picked.iter_mut().find(|known| is_same_file_system(known, mount)) {
            None => picked.push(mount.clone()),
            Some(known) => {
                let rank = |mount: &Mount| (mount.point != "/", mount.root.len(), mount.point.len());
                if rank(mount) < rank(known) {
                    *known = mount.clone();
                }
            }
        }
    }
    picked.sort_by(|a, b| a.point.cmp(&b.point));
    picked
}

fn pick_network(mounts: &[Mount]) -> Vec<NetworkMount> {
    let is_network = |mount: &Mount| NETWORK.contains(&mount.fs_type.as_str());
    let mut network: Vec<NetworkMount> = mounts
        .iter()
        .filter(|mount| is_network(mount))
        .map(|mount| NetworkMount {
            mount: mount.point.clone(),
            source: mount.source.clone(),
            fs_type: mount.fs_type.clone(),
        })
        .collect();
    network.sort_by(|a, b| a.mount.cmp(&b.mount));
    network
}

fn is_real(mount: &Mount) -> bool {
    let fs_type = mount.fs_type.as_str();
    if NETWORK.contains(&fs_type) || fs_type == "autofs" {
        return false;
    }
    // `/` is always shown: in a container it is often an overlay.
    if mount.point == "/" {
        return fs_type != "rootfs";
    }
    !IMAGES.contains(&fs_type) && (!mount.device.starts_with("0:") || REAL_WITHOUT_DEVICE.contains(&fs_type))
}

/// Subvolumes of btrfs and datasets of zfs have device numbers of their own.
fn is_same_file_system(a: &Mount, b: &Mount) -> bool {
    a.device == b.device || (a.fs_type == "btrfs" && b.fs_type == "btrfs" && a.source == b.source)
}

fn measure(root: &Root, mount: Mount) -> Option<Disk> {
    if let Some(table) = root.said("df") {
        let inodes = root.said("df-inodes").unwrap_or_default();
        return measure_said(&table, &inodes, mount);
    }
    if !root.is_live() {
        // A captured tree has the names of its disks, and no file tells how full they were.
        let (mount, source, fs_type, read_only) = (mount.point, mount.source, mount.fs_type, mount.read_only);
        return Some(Disk { mount, source, fs_type, read_only, ..Disk::default() });
    }
    let Ok(stat) = rustix::fs::statvfs(OsStr::from_bytes(&mount.path)) else {
        // It is there, and this user may not look at it, as df(1) says too.
        let (mount, source, fs_type, read_only) = (mount.point, mount.source, mount.fs_type, mount.read_only);
        return Some(Disk { mount, source, fs_type, read_only, ..Disk::default() });
    };
    let unit = if stat.f_frsize > 0 { stat.f_frsize } else { stat.f_bsize };
    let used_blocks = stat.f_blocks.saturating_sub(stat.f_bfree);
    let usable = used_blocks + stat.f_bavail;
    let bytes = |blocks: u64| blocks.saturating_mul(unit);
    (stat.f_blocks > 0).then(|| Disk {
        total_bytes: bytes(stat.f_blocks),
        used_bytes: bytes(used_blocks),
        available_bytes: bytes(stat.f_bavail),
        use_pct: (usable > 0).then(|| round2(used_blocks as f64 * 100.0 / usable as f64)),
        inodes_total: stat.f_files,
        inodes_used: stat.f_files.saturating_sub(stat.f_ffree),
        mount: mount.point,
        source: mount.source,
        fs_type: mount.fs_type,
        read_only: mount.read_only,
    })
}

/// The same by what df(1) said with -P: `-k` for the space, `-i` for the inodes.
fn measure_said(space: &str, inodes: &str, mount: Mount) -> Option<Disk> {
    let [blocks, used, available] = parse_df(space, &mount.point)?;
    let [inodes_total, inodes_used, _] = parse_df(inodes, &mount.point).unwrap_or_default();
    let usable = used.saturating_add(available);
    (blocks > 0).then(|| Disk {
        total_bytes: blocks.saturating_mul(1_024),
        used_bytes: used.saturating_mul(1_024),
        available_bytes: available.saturating_mul(1_024),
        use_pct: (usable > 0).then(|| round2(used as f64 * 100.0 / usable as f64)),
        inodes_total,
        inodes_used,
        mount: mount.point,
        source: mount.source,
        fs_type: mount.fs_type,
        read_only: mount.read_only,
    })
}

/// `/dev/sda1 1000 400 600 40% /`: the three numbers of the line of a mount.
fn parse_df(text: &str, point: &str) -> Option<[u64; 3]> {
    text.lines().find_map(|line| {
        let rest = line.strip_suffix(point)?.strip_suffix(' ')?;
        let mut words = rest.split_ascii_whitespace().rev().skip(1);
        let mut number = || words.next()?.parse().ok();
        let (available, used, blocks) = (number()?, number()?, number()?);
        Some([blocks, used, available])
    })
}

/// What holds whatever the file says.
#[cfg(any(test, feature = "fuzz"))]
pub(super) fn check(text: &str) {
    let mounts = only_seen(parse_mountinfo(text));
    let network = pick_network(&mounts);
    let real = pick_real(mounts);
    assert!(real.is_sorted_by(|a, b| a.point <= b.point) && network.is_sorted_by(|a, b| a.mount <= b.mount));
    assert!(real.iter().all(|mount| !NETWORK.contains(&mount.fs_type.as_str())));
    for mount in real {
        let said = measure_said(text, text, mount);
        assert!(said.is_none_or(|disk| disk.use_pct.is_none_or(|pct| (0.0..=100.0).contains(&pct))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_df_says_is_found_by_the_whole_name_of_the_mount() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                    /dev/a b 1000 400 600 40% /\n/dev/c 50 - - - /odd\n/dev/d 7 3 4 43% /srv/a b\n";
        assert_eq!(parse_df(text, "/"), Some([1_000, 400, 600]));
        assert_eq!(parse_df(text, "/srv/a b"), Some([7, 3, 4]));
        assert_eq!((parse_df(text, "/odd"), parse_df(text, "b")), (None, None));
    }

    fn points(text: &str) -> Vec<String> {
        pick_real(only_seen(parse_mountinfo(text))).into_iter().map(|mount| mount.point).collect()
    }

    #[test]
    fn the_root_of_a_container_is_shown_though_a_folder_with_a_shorter_path_comes_from_the_same_disk() {
        let nspawn = "392 372 254:0 /var/lib/machines/web / rw,relatime - ext4 /dev/vda rw\n\
                      401 399 254:0 /run/in /run/host/incoming rw,relatime - ext4 /dev/vda rw\n";
        assert_eq!(points(nspawn), ["/"]);
    }

    #[test]
    fn bind_mounts_and_pseudo_file_systems_are_not_counted() {
        let text = "22 27 0:21 / /proc rw,relatime - proc proc rw\n\
            27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard\n\
            30 27 254:0 /srv/data /mnt/bind rw - ext4 /dev/vda1 rw\n\
            31 27 0:40 / /run rw - tmpfs tmpfs rw\n\
            32 27 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro\n\
            33 27 0:50 / /mnt/nfs rw - nfs4 srv:/x rw\n\
            34 27 254:16 / /var/lib/my\\040data ro,relatime - xfs /dev/vdb rw\n";
        assert_eq!(points(text), ["/", "/var/lib/my data"]);
        assert!(pick_real(parse_mountinfo(text))[1].read_only);
    }

    #[test]
    fn a_file_system_of_another_host_is_named_and_never_looked_at() {
        let text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:50 /sub /mnt/nfs rw - nfs4 srv:/x rw\n\
            3 1 0:51 / /mnt/ssh rw - fuse.sshfs me@srv:/y rw\n4 1 0:52 / /mnt/old rw - nfs srv:/z rw\n\
            5 4 8:2 /file /mnt/old rw - ext4 /dev/sdb1 rw\n";
        let looked = std::cell::RefCell::new(Vec::new());
        let is_folder = |path: &[u8]| {
            looked.borrow_mut().push(String::from_utf8(path.to_vec()).unwrap());
            true
        };
        let mounts = only_seen(parse_mountinfo(text));
        assert!(mounts.iter().all(|mount| is_place(mount, &is_folder)));
        assert_eq!(*looked.borrow(), ["/mnt/old"], "only what lies on a disk of this host");
        let named = pick_network(&mounts);
        let told: Vec<_> = named.iter().map(|one| (one.mount.as_str(), one.source.as_str())).collect();
        assert_eq!(told, [("/mnt/nfs", "srv:/x"), ("/mnt/ssh", "me@srv:/y")], "what is covered is not there");
        assert_eq!(points(text), ["/", "/mnt/old"]);
    }

    #[test]
    fn the_root_of_a_container_is_kept_and_its_single_files_lose_to_folders() {
        let text = "1 0 0:99 / / rw - overlay overlay rw,lowerdir=/x\n\
            2 1 8:1 /docker/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n";
        assert_eq!(points(text), ["/", "/etc/hosts"], "a file is told from a folder on the live host only");
    }

    #[test]
    fn subvolumes_of_btrfs_are_one_file_system() {
        let text = "1 0 0:30 /@ / rw - btrfs /dev/sda2 rw,subvol=/@\n2 1 0:31 /@home /home rw - btrfs /dev/sda2 rw\n\
            3 1 0:32 / /tank rw - zfs tank rw\n4 3 0:33 / /tank/a rw - zfs tank/a rw\n";
        assert_eq!(points(text), ["/", "/tank", "/tank/a"]);
    }

    #[test]
    fn what_a_later_mount_covers_is_not_shown() {
        let text = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /mnt rw - ext4 /dev/sda2 rw\n3 2 8:3 / /mnt rw - xfs /dev/sdb rw\n";
        let mounts = pick_real(only_seen(parse_mountinfo(text)));
        assert_eq!(mounts[1].source, "/dev/sdb");
        assert_eq!(mounts.len(), 2);
    }

    #[test]
    fn odd_lines_are_left_out_and_escapes_are_undone() {
        assert!(parse_mountinfo("1 2 3\n - \n1 2 8:1 / /x rw -\n").is_empty());
        assert_eq!(unescape("a\\040b\\134c\\"), b"a b\\c\\");
        assert_eq!(unescape("\\9zz"), b"\\9zz");
    }

    #[test]
    fn a_path_that_is_no_text_is_kept_as_the_kernel_has_it() {
        let line = b"1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /m\xff\\040x rw - ext4 /dev/b rw\n";
        let mounts = parse_mountinfo(&escape(line));
        assert_eq!((mounts[1].path.as_slice(), mounts[1].point.as_str()), (&b"/m\xff x"[..], "/m\u{fffd} x"));
    }

    #[test]
    fn what_lies_under_a_mount_on_a_folder_above_is_not_shown() {
        let below = "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / /m/x/sub rw - ext4 /dev/b rw\n";
        assert_eq!(points(below), ["/", "/m/x/sub"]);
        let covered = format!("{below}3 1 8:3 / /m/x rw - ext4 /dev/c rw\n");
        assert_eq!(points(&covered), ["/", "/m/x"]);
        // Mounted again inside of what covers it, it is seen.
        let again = format!("{covered}4 3 8:2 / /m/x/sub rw - ext4 /dev/b rw\n");
        assert_eq!(points(&again), ["/", "/m/x", "/m/x/sub"]);
        // A path that only begins alike covers nothing.
        assert_eq!(points(&format!("{below}3 1 8:3 / /m/x/su rw - ext4 /dev/c rw\n")).len(), 3);
        let turn = "1 2 8:1 / / rw - ext4 /dev/a rw\n2 1 8:2 / / rw - ext4 /dev/b rw\n";
        assert!(points(turn).len() < 2, "parents in a circle are no way");
    }
}
