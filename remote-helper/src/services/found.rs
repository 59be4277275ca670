//! `Found`: a service of a manager other than systemd, as far as that manager tells.

use protocol::services::Service;

use super::script::Running;
use super::seen::{SCRIPT, Seen};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// With the manager before it.
    pub(super) name: String,
    pub(super) description: String,
    pub(super) is_missing: bool,
    /// In the words of systemctl(1), or `unknown`.
    pub(super) active_state: &'static str,
    /// The manager's own word.
    pub(super) sub_state: String,
    pub(super) is_enabled: Option<bool>,
    pub(super) running: Option<Running>,
    /// Tells one start from another where no process is known.
    pub(super) mark: Option<String>,
    pub(super) since_ms: Option<i64>,
    /// Its manager starts it again by itself.
    pub(super) restarts_itself: bool,
}

impl Found {
    fn load_state(&self) -> String {
        if self.is_missing { "not-found" } else { "loaded" }.to_owned()
    }

    fn enabled_state(&self) -> Option<String> {
        self.is_enabled.map(|is_enabled| if is_enabled { "enabled" } else { "disabled" }.to_owned())
    }

    pub(super) fn to_service(&self) -> Service {
        Service {
            name: self.name.clone(),
            description: self.description.clone(),
            load_state: self.load_state(),
            active_state: self.active_state.to_owned(),
            sub_state: self.sub_state.clone(),
            enabled_state: self.enabled_state(),
            main_pid: self.running.map(|running| running.pid),
            memory_bytes: None,
            since_ms: self.since_ms.or(self.running.and_then(|running| running.since_ms)),
        }
    }

    pub(super) fn to_seen(&self, at_ms: u64) -> Seen {
        let pid = self.running.map(|running| running.pid);
        Seen {
            at_ms,
            until_ms: at_ms,
            id: self.name.clone(),
            load_state: self.load_state(),
            active_state: self.active_state.to_owned(),
            sub_state: self.sub_state.clone(),
            enabled_state: self.enabled_state(),
            kind: SCRIPT.to_owned(),
            restarts_itself: self.restarts_itself,
            invocation: self.running.map(Running::name).or_else(|| self.mark.clone()),
            main_pid: pid,
            last_pid: pid,
            started_us: self.running.map_or(0, Running::started_us),
            ..Seen::default()
        }
    }
}
