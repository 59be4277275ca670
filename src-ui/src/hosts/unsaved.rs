//! What was typed into a line of the list of hosts and not saved: it waits while another page is shown. Pure.

use protocol::hosts::Host;

use super::draft::Typed;
use super::table::Line;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unsaved {
    pub(super) line: Line,
    pub(super) name: String,
    pub(super) groups: String,
    pub(super) tags: String,
    /// The host that it began from.
    pub(super) saved: Host,
}

impl Unsaved {
    /// True if it would change the host.
    pub(super) fn is_changed(&self) -> bool {
        let saved = Typed::of_host(&self.saved);
        (&self.name, &self.groups, &self.tags) != (&saved.name, &saved.groups, &saved.tags)
    }

    /// How it goes on with the hosts as they are saved by now: what nobody typed is that of now, else it would be put
    /// back to what it was. `None` where the host is gone.
    pub(super) fn among(self, mut hosts: impl Iterator<Item = Host>) -> Option<Self> {
        let saved = hosts.find(|host| host.id == self.saved.id)?;
        let (before, now) = (Typed::of_host(&self.saved), Typed::of_host(&saved));
        let go_on = |typed: String, before: String, now: String| if typed == before { now } else { typed };
        let Line::Host { group, .. } = self.line else { return None };
        Some(Self {
            line: Line::of_host(&saved, &group),
            name: go_on(self.name, before.name, now.name),
            groups: go_on(self.groups, before.groups, now.groups),
            tags: go_on(self.tags, before.tags, now.tags),
            saved,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(id: &str, name: &str, groups: &[&str], tags: &[&str]) -> Host {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Host {
            id: id.into(),
            name: name.into(),
            address: "192.0.2.1".into(),
            port: 22,
            user: "ann".into(),
            identity: Default::default(),
            jump: None,
            groups: owned(groups),
            tags: owned(tags),
            sudo: Default::default(),
            helper_dir: None,
            helper: Default::default(),
            added_ms: 0,
        }
    }

    /// A line of `web` in the group `east`, in whose name something was typed.
    fn renamed() -> Unsaved {
        let saved = host("1", "web", &["east"], &["prod"]);
        let line = Line::of_host(&saved, "east");
        Unsaved { line, name: "web-2".into(), groups: "east".into(), tags: "prod".into(), saved }
    }

    #[test]
    fn what_was_typed_goes_on_over_a_host_that_nobody_changed() {
        let others = [host("2", "db", &[], &[]), host("1", "web", &["east"], &["prod"])];
        assert_eq!(renamed().among(others.into_iter()), Some(renamed()));
    }

    #[test]
    fn what_was_changed_elsewhere_meanwhile_is_not_put_back() {
        let now = Host { port: 2222, ..host("1", "www", &["west"], &["prod", "edge"]) };
        let unsaved = renamed().among([now.clone()].into_iter()).unwrap();
        assert_eq!(
            (unsaved.name.as_str(), unsaved.groups.as_str(), unsaved.tags.as_str()),
            ("web-2", "west", "prod, edge")
        );
        assert_eq!((unsaved.line, unsaved.saved), (Line::of_host(&now, "west"), now));
    }

    #[test]
    fn of_a_host_that_is_gone_or_is_as_was_typed_nothing_is_left() {
        assert_eq!(renamed().among(std::iter::empty()), None);
        let other = host("2", "web", &["east"], &["prod"]);
        assert_eq!(renamed().among([other].into_iter()), None, "one of that name is another host");
        let renamed_elsewhere = host("1", "web-2", &["east"], &["prod"]);
        let unsaved = renamed().among([renamed_elsewhere].into_iter()).unwrap();
        assert!(renamed().is_changed() && !unsaved.is_changed());
    }
}
