//! The systemd unit of a process, from `/proc/PID/cgroup` (cgroups(7)).

use protocol::services::is_unit_name;

use crate::root::{Root, lossy, read_bytes};

/// Knows where systemd's own tree of cgroups begins, which is not `/` inside some containers.
#[derive(Debug, Default)]
pub(crate) struct Units {
    prefix: String,
}

impl Units {
    pub(crate) fn of(root: &Root) -> Self {
        let init = read_bytes(&root.proc.join("1/cgroup")).ok();
        let prefix = init
            .and_then(|text| systemd_path(&lossy(text)).map(str::to_owned))
            .and_then(|path| path.strip_suffix("/init.scope").map(str::to_owned))
            .unwrap_or_default();
        Self { prefix }
    }

    /// The unit that the process belongs to: the first part of its path that is no slice. Below a
    /// `user@.service` that is the system's unit, not one of the user's own manager.
    pub(crate) fn parse_unit(&self, cgroup: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(cgroup);
        let path = systemd_path(&text)?.strip_prefix(self.prefix.as_str())?;
        path.split('/')
            .map(|part| part.strip_prefix('_').unwrap_or(part))
            .find(|part| !part.is_empty() && !part.ends_with(".slice"))
            .filter(|part| is_unit_name(part))
            .map(str::to_owned)
    }
}

/// The path in systemd's hierarchy: the named one of cgroup v1 and of the hybrid layout, else v2.
pub(super) fn systemd_path(text: &str) -> Option<&str> {
    let path_of = |wanted: &str| {
        text.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            (controllers == wanted).then_some(path)
        })
    };
    path_of("name=systemd").or_else(|| path_of(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_found_in_every_layout_of_cgroups() {
        let units = Units::default();
        for (text, unit) in [
            ("0::/system.slice/ssh.service\n", Some("ssh.service")),
            ("12:pids:/x\n1:name=systemd:/system.slice/cron.service\n0::/\n", Some("cron.service")),
            ("0::/user.slice/user-0.slice/session-3.scope\n", Some("session-3.scope")),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.service\n",
                Some("user@1000.service"),
            ),
            ("0::/system.slice/system-getty.slice/getty@tty1.service\n", Some("getty@tty1.service")),
            ("0::/system.slice/docker-abc.scope/x\n", Some("docker-abc.scope")),
            ("0::/init.scope\n", Some("init.scope")),
            ("0::/\n", None),
            ("0::/lxc/web\n", None),
            ("", None),
        ] {
            assert_eq!(units.parse_unit(text.as_bytes()).as_deref(), unit, "{text}");
        }
    }

    #[test]
    fn inside_a_container_the_tree_begins_below_its_own_root() {
        let units = Units { prefix: "/machine/web".into() };
        let unit = units.parse_unit(b"1:name=systemd:/machine/web/system.slice/cron.service\n");
        assert_eq!(unit.as_deref(), Some("cron.service"));
        assert_eq!(units.parse_unit(b"1:name=systemd:/elsewhere/a.service\n"), None);
    }
}
