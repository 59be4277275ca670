//! Hosts that are dragged into a group: who is meant, and what is changed by it. Pure.

use protocol::hosts::{HostChange, LOCAL};

use super::table::Line;

/// The lines that go with the one that was taken hold of: all that are chosen if it is among them, else
/// that one. As (host, group in whose list it stood); this computer stays where it is.
pub(crate) fn taken(lines: &[Line], held: &Line, is_chosen: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let held_key = held.key();
    let with_others = is_chosen(&held_key);
    let is_taken = |line: &&Line| line.key() == held_key || (with_others && is_chosen(&line.key()));
    let place = |line: &Line| match line {
        Line::Host { name, group } if name != LOCAL => Some((name.clone(), group.clone())),
        Line::Host { .. } | Line::Group { .. } => None,
    };
    lines.iter().filter(is_taken).filter_map(place).collect()
}

/// What one change of all of them does, for a drop on the group `to`; `None` if nothing would change. The
/// empty name is the group of those without one: a drop there takes each out of all its groups. With
/// `and_stay` they stay where they were as well.
///
/// A change holds for each host of it alike. So a group is left only if every host that is in it was
/// dragged out of it: one that was dragged out of another stays where nobody touched it.
pub(crate) fn plan(
    taken: &[(String, String)],
    groups_of: impl Fn(&str) -> Vec<String>,
    to: &str,
    and_stay: bool,
) -> Option<(Vec<String>, HostChange)> {
    let mut hosts: Vec<String> = Vec::new();
    for (host, _) in taken {
        if !hosts.contains(host) {
            hosts.push(host.clone());
        }
    }
    let mut change = HostChange::default();
    let mut leave = |group: &str| {
        if !group.is_empty() && group != to && !change.remove_groups.iter().any(|one| one == group) {
            change.remove_groups.push(group.to_owned());
        }
    };
    if to.is_empty() {
        if and_stay {
            return None;
        }
        hosts.iter().flat_map(|host| groups_of(host)).for_each(|group| leave(&group));
    } else if !and_stay {
        let was_dragged = |host: &str, group: &str| taken.iter().any(|(h, g)| h == host && g == group);
        for (_, group) in taken {
            let inside = hosts.iter().filter(|host| groups_of(host).contains(group));
            if inside.into_iter().all(|host| was_dragged(host, group)) {
                leave(group);
            }
        }
    }
    if !to.is_empty() && hosts.iter().any(|host| !groups_of(host).iter().any(|group| group == to)) {
        change.add_groups.push(to.to_owned());
    }
    (!change.is_empty()).then_some((hosts, change))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, group: &str) -> Line {
        Line::Host { name: name.into(), group: group.into() }
    }

    fn groups_of(host: &str) -> Vec<String> {
        let groups: &[&str] = match host {
            "web-1" => &["Web"],
            "both" => &["Web", "Shop"],
            "db-1" => &["Database"],
            _ => &[],
        };
        groups.iter().map(|group| (*group).to_owned()).collect()
    }

    fn drop(taken: &[(&str, &str)], to: &str, and_stay: bool) -> Option<(String, String, String)> {
        let taken: Vec<(String, String)> =
            taken.iter().map(|(host, group)| ((*host).to_owned(), (*group).to_owned())).collect();
        let (hosts, change) = plan(&taken, groups_of, to, and_stay)?;
        Some((hosts.join(" "), change.add_groups.join(" "), change.remove_groups.join(" ")))
    }

    fn is(hosts: &str, add: &str, remove: &str) -> Option<(String, String, String)> {
        Some((hosts.into(), add.into(), remove.into()))
    }

    #[test]
    fn a_host_goes_from_its_group_to_another() {
        assert_eq!(drop(&[("web-1", "Web")], "Shop", false), is("web-1", "Shop", "Web"));
        assert_eq!(drop(&[("spare", "")], "Web", false), is("spare", "Web", ""));
        assert_eq!(
            drop(&[("web-1", "Web")], "Shop", true),
            is("web-1", "Shop", ""),
            "it stays in its own too"
        );
    }

    #[test]
    fn a_drop_on_its_own_group_changes_nothing() {
        assert_eq!(drop(&[("web-1", "Web")], "Web", false), None);
        assert_eq!(drop(&[("spare", "")], "", false), None);
        assert_eq!(drop(&[("web-1", "Web")], "", true), None);
        assert_eq!(drop(&[], "Web", false), None);
    }

    #[test]
    fn into_a_group_it_is_in_already_it_only_leaves_the_other() {
        assert_eq!(drop(&[("both", "Web")], "Shop", false), is("both", "", "Web"));
    }

    #[test]
    fn a_drop_outside_all_groups_takes_it_out_of_all() {
        assert_eq!(
            drop(&[("both", "Web"), ("db-1", "Database")], "", false),
            is("both db-1", "", "Web Shop Database")
        );
    }

    #[test]
    fn one_that_was_dragged_out_of_another_group_stays_where_nobody_touched_it() {
        let taken = [("web-1", "Web"), ("both", "Shop")];
        assert_eq!(
            drop(&taken, "New", false),
            is("web-1 both", "New", "Shop"),
            "both stays in Web, so web-1 too"
        );
        let taken = [("web-1", "Web"), ("both", "Web"), ("both", "Shop")];
        assert_eq!(drop(&taken, "New", false), is("web-1 both", "New", "Web Shop"));
    }

    #[test]
    fn what_is_chosen_goes_along_and_this_computer_does_not() {
        let lines = [
            Line::Group { name: "Web".into(), folded: false },
            host("web-1", "Web"),
            host("both", "Web"),
            host("spare", ""),
            host(LOCAL, ""),
        ];
        let chosen = |key: &str| key == lines[1].key() || key == lines[3].key() || key == lines[4].key();
        let names = |held: &Line| -> Vec<String> {
            taken(&lines, held, chosen).into_iter().map(|(host, _)| host).collect()
        };
        assert_eq!(names(&lines[1]), ["web-1", "spare"]);
        assert_eq!(names(&lines[2]), ["both"], "one that is not among the chosen goes alone");
        assert_eq!(taken(&lines, &lines[0], |_| false), []);
    }
}
