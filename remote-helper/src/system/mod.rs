//! system: the facts of the host that change seldom.
//!
//! Read from files where there is one; tools of the host are asked only for what no file says
//! (the virtualisation, the offset of the time zone, systemd's timers), and a host without them
//! has `None` there.

mod cpu;
mod cron;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod interfaces;
mod logins;
mod os_release;
mod timers;
mod virtualization;
mod zone;

pub(crate) use zone::read_offset;

use protocol::system::System;
use protocol::wire::HelloHost;

use crate::clock;
use crate::error::Error;
use crate::metrics::{parse_meminfo, parse_uptime};
use crate::root::{Root, read_text, read_word};
use crate::stop::Stop;
use crate::users::Users;

/// CPUs that are on line; at least one.
pub(crate) fn count_cpus(root: &Root) -> u32 {
    let stat = || read_text(&root.proc.join("stat")).unwrap_or_default();
    cpu::read_online_list(root).unwrap_or_else(|| cpu::count_stat(&stat())).max(1)
}

/// Reads everything. Only what every Linux has is an error if it is not there.
pub(crate) fn read_system(root: &Root, stop: &Stop) -> Result<System, Error> {
    let at_ms = clock::now_ms();
    let hello = read_host(root);
    let os = os_release::read_os_release(root);
    let uptime_text = read_text(&root.proc.join("uptime"))?;
    let uptime_s =
        parse_uptime(&uptime_text).ok_or(Error::Parse { what: "/proc/uptime", line: uptime_text })?;
    let stat = read_text(&root.proc.join("stat"))?;
    let cpuinfo = read_text(&root.proc.join("cpuinfo")).unwrap_or_default();
    let memory = read_text(&root.proc.join("meminfo"))?;
    let mut jobs = cron::read_crontabs(root);
    jobs.jobs.extend(timers::read_timers(root, stop));
    Ok(System {
        at_ms,
        os: os.pretty_name,
        os_id: os.id,
        os_version: os.version_id,
        host_name: hello.host_name,
        kernel: hello.kernel,
        arch: hello.arch,
        cpu_model: cpu::read_model(root, &cpuinfo),
        cpus: cpu::read_online(root, &stat),
        memory_bytes: parse_meminfo(&memory).map_or(0, |memory| memory.total_bytes),
        virtualization: virtualization::read_virtualization(root, &cpuinfo, stop),
        machine_id: hello.machine_id,
        boot_id: hello.boot_id,
        boot_ms: parse_btime(&stat).map(|seconds| seconds.saturating_mul(1000)),
        uptime_s,
        time_zone: zone::read_zone(root),
        utc_offset_s: zone::read_offset(root, stop),
        clock_ahead_ms: None,
        init: read_word(&root.proc.join("1/comm")),
        interfaces: interfaces::read_interfaces(root),
        logins: logins::read_logins(root, stop),
        jobs: jobs.jobs,
        jobs_unreadable: jobs.unreadable,
    })
}

/// The facts of the first line: only cheap ones.
pub(crate) fn read_host(root: &Root) -> HelloHost {
    let name = rustix::system::uname();
    let word = |bytes: &std::ffi::CStr| bytes.to_string_lossy().into_owned();
    let kernel_file = |file: &str| read_word(&root.proc.join("sys/kernel").join(file));
    let uid = rustix::process::geteuid().as_raw();
    let mut users = Users::of(root);
    users.refresh();
    HelloHost {
        host_name: kernel_file("hostname").unwrap_or_else(|| word(name.nodename())),
        os: os_release::read_os_release(root).pretty_name,
        kernel: kernel_file("osrelease").unwrap_or_else(|| word(name.release())),
        arch: match root.said("arch") {
            Some(said) => said.trim().to_owned(),
            None if root.is_live() => word(name.machine()),
            None => kernel_file("arch").unwrap_or_default(),
        },
        machine_id: read_word(&root.etc.join("machine-id")).filter(|id| id != "uninitialized"),
        boot_id: kernel_file("random/boot_id"),
        user: users.name(uid).map_or_else(|| uid.to_string(), str::to_owned),
        uid,
    }
}

/// `btime` of `/proc/stat`: seconds since 1970 UTC.
fn parse_btime(stat: &str) -> Option<i64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_tells_who_it_is() {
        let system = read_system(&Root::live(), &Stop::default()).unwrap();
        assert!(!system.host_name.is_empty() && !system.kernel.is_empty());
        assert!(system.cpus > 0 && system.memory_bytes > 0 && system.boot_ms.is_some());
        assert!(
            system.interfaces.iter().any(|interface| interface.addresses.contains(&"127.0.0.1/8".into()))
        );
    }

    #[test]
    fn a_tree_without_proc_is_an_error_that_names_the_file() {
        let tree = tempfile::tempdir().unwrap();
        let error = read_system(&Root::captured(tree.path()), &Stop::default()).unwrap_err();
        assert!(error.to_string().contains("proc/uptime"), "{error}");
    }
}
