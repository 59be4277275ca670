//! The way to a host through other saved hosts.

use protocol::hosts::Host;

/// The jump hosts on the way to `host`, the nearest to us first; `find` gives a saved host by its name.
pub(crate) fn chain(host: &Host, find: impl Fn(&str) -> Option<Host>) -> Vec<String> {
    let mut chain: Vec<String> = Vec::new();
    let mut next = host.jump.clone();
    while let Some(name) = next.filter(|name| *name != host.name && !chain.contains(name)) {
        next = find(&name).and_then(|hop| hop.jump);
        chain.insert(0, name);
    }
    chain
}

/// Which saved hosts this one may be reached through: not itself, and none that is behind it.
pub(crate) fn candidates(hosts: &[Host], own_id: Option<&str>) -> Vec<String> {
    let find = |name: &str| hosts.iter().find(|host| host.name == name).cloned();
    let own = hosts.iter().find(|host| Some(host.id.as_str()) == own_id);
    hosts
        .iter()
        .filter(|host| !host.is_local() && Some(host.id.as_str()) != own_id)
        .filter(|host| own.is_none_or(|own| !chain(host, find).contains(&own.name)))
        .map(|host| host.name.clone())
        .collect()
}

/// The same hosts in an order in which none goes before those that are reached through it: so they can be removed
/// one after the other.
pub(crate) fn behind_first(mut hosts: Vec<Host>) -> Vec<Host> {
    let mut ordered = Vec::new();
    while !hosts.is_empty() {
        let is_last = |host: &Host| hosts.iter().all(|other| other.jump.as_ref() != Some(&host.name));
        // Of a circle, which nothing saves, any will do.
        let at = hosts.iter().position(is_last).unwrap_or(0);
        ordered.push(hosts.remove(at));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, jump: Option<&str>) -> Host {
        Host {
            id: format!("id-{name}"),
            name: name.into(),
            address: name.into(),
            port: 22,
            user: "root".into(),
            identity: Default::default(),
            jump: jump.map(str::to_owned),
            groups: Vec::new(),
            tags: Vec::new(),
            sudo: Default::default(),
            helper_dir: None,
            helper: Default::default(),
            added_ms: 0,
        }
    }

    #[test]
    fn a_chain_begins_at_the_host_that_is_reached_first_and_ends_even_where_it_is_broken() {
        let hosts = [host("db", Some("inner")), host("inner", Some("gate")), host("gate", None)];
        let find = |name: &str| hosts.iter().find(|host| host.name == name).cloned();
        assert_eq!(chain(&hosts[0], find), ["gate", "inner"]);
        assert_eq!(chain(&host("x", Some("gone")), find), ["gone"]);
        assert_eq!(chain(&host("a", Some("b")), |_| Some(host("b", Some("a")))), ["b"]);
    }

    #[test]
    fn a_host_that_others_are_reached_through_is_removed_after_them() {
        let hosts = vec![
            host("gate", None),
            host("inner", Some("gate")),
            host("db", Some("inner")),
            host("web", None),
        ];
        let names: Vec<String> = behind_first(hosts).into_iter().map(|host| host.name).collect();
        assert_eq!(names, ["db", "inner", "gate", "web"]);
        assert_eq!(behind_first(vec![host("a", Some("b")), host("b", Some("a"))]).len(), 2);
    }

    #[test]
    fn neither_itself_nor_a_host_behind_it_can_be_chosen() {
        let hosts =
            [host("db", Some("inner")), host("inner", Some("gate")), host("gate", None), host("web", None)];
        assert_eq!(candidates(&hosts, Some("id-inner")), ["gate", "web"]);
        assert_eq!(candidates(&hosts, None), ["db", "inner", "gate", "web"]);
    }
}
