//! What the host runs on, by the names of systemd-detect-virt(1).

use std::time::Duration;

use crate::children::{find_tool, run_tool, tool_command};
use crate::root::{Root, lossy, read_bytes, read_word};
use crate::stop::Stop;

const LIMIT: Duration = Duration::from_secs(2);

/// `none` on bare metal; `None` if it cannot be told.
pub(super) fn read_virtualization(root: &Root, cpuinfo: &str, stop: &Stop) -> Option<String> {
    if root.is_live()
        && let Ok(path) = find_tool("systemd-detect-virt")
        && let Ok(said) = run_tool(tool_command(&path), LIMIT, stop)
        && let Some(name) = said.stdout.lines().next().map(str::trim).filter(|name| !name.is_empty())
    {
        return Some(name.to_owned());
    }
    read_container(root).or_else(|| read_machine(root, cpuinfo))
}

fn read_container(root: &Root) -> Option<String> {
    if let Some(name) = read_word(&root.run.join("systemd/container")) {
        return Some(name);
    }
    let environ = read_bytes(&root.proc.join("1/environ")).map(lossy).unwrap_or_default();
    if let Some(name) = environ.split('\0').find_map(|entry| entry.strip_prefix("container=")) {
        return Some(if name.is_empty() { "container-other" } else { name }.to_owned());
    }
    if root.top.join("run/.containerenv").exists() {
        return Some("podman".into());
    }
    if root.top.join(".dockerenv").exists() {
        return Some("docker".into());
    }
    let kernel = read_word(&root.proc.join("sys/kernel/osrelease")).unwrap_or_default();
    (kernel.contains("Microsoft") || kernel.contains("WSL")).then(|| "wsl".into())
}

/// What the firmware says about who made the machine, by the table of systemd.
const VENDORS: [(&str, &str); 14] = [
    ("KVM", "kvm"),
    ("OpenStack", "kvm"),
    ("KubeVirt", "kvm"),
    ("Amazon EC2", "amazon"),
    ("QEMU", "qemu"),
    ("VMware", "vmware"),
    ("VMW", "vmware"),
    ("innotek GmbH", "oracle"),
    ("VirtualBox", "oracle"),
    ("Oracle Corporation", "oracle"),
    ("Xen", "xen"),
    ("Parallels", "parallels"),
    ("BHYVE", "bhyve"),
    ("Google Compute Engine", "google"),
];

fn read_machine(root: &Root, cpuinfo: &str) -> Option<String> {
    let dmi = |file: &str| read_word(&root.sys.join("class/dmi/id").join(file));
    let words: Vec<String> =
        ["product_name", "sys_vendor", "board_vendor", "bios_vendor"].into_iter().filter_map(dmi).collect();
    if let Some((_, name)) =
        VENDORS.iter().find(|(vendor, _)| words.iter().any(|word| word.starts_with(vendor)))
    {
        return Some((*name).to_owned());
    }
    // Only a name that systemd uses too is a name of its own here.
    if words.iter().any(|word| word == "Microsoft Corporation" || word == "Virtual Machine")
        && has_hypervisor(cpuinfo)
    {
        return Some("microsoft".into());
    }
    if let Some(kind) = read_word(&root.sys.join("hypervisor/type")) {
        return Some(kind);
    }
    if has_hypervisor(cpuinfo) {
        return Some("vm-other".into());
    }
    (!cpuinfo.is_empty()).then(|| "none".into())
}

fn has_hypervisor(cpuinfo: &str) -> bool {
    cpuinfo
        .lines()
        .find(|line| line.starts_with("flags"))
        .is_some_and(|line| line.split(' ').any(|flag| flag == "hypervisor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let root = Root::captured(dir.path());
        (dir, root)
    }

    fn read(files: &[(&str, &str)], cpuinfo: &str) -> Option<String> {
        let (_dir, root) = tree(files);
        read_virtualization(&root, cpuinfo, &Stop::default())
    }

    #[test]
    fn containers_and_machines_are_told_without_any_tool() {
        let flags = "flags\t\t: fpu hypervisor\n";
        for (files, cpuinfo, name) in [
            (vec![("run/systemd/container", "systemd-nspawn\n")], flags, "systemd-nspawn"),
            (vec![("proc/1/environ", "A=b\0container=lxc\0")], flags, "lxc"),
            (vec![(".dockerenv", "")], flags, "docker"),
            (vec![("sys/class/dmi/id/sys_vendor", "QEMU\n")], flags, "qemu"),
            (vec![("sys/class/dmi/id/product_name", "VMware7,1\n")], flags, "vmware"),
            (vec![("sys/class/dmi/id/sys_vendor", "Dell Inc.\n")], "flags\t\t: fpu\n", "none"),
            (vec![], flags, "vm-other"),
        ] {
            assert_eq!(read(&files, cpuinfo).as_deref(), Some(name), "{files:?}");
        }
        assert_eq!(read(&[], ""), None, "a tree that says nothing is not bare metal");
    }
}
