//! What a stop or restart of a unit would touch: units that need it, and peers it serves now.

use std::collections::BTreeMap;

use protocol::hosts::Sudo;
use protocol::services::{Client, Dependent, Manager, ServiceAction, ServiceImpact};
use protocol::sockets::{Protocol, Socket, SocketState};

use super::act::find_unit;
use super::manager::{manager_of, with_sudo};
use super::members::Members;
use super::show::{Properties, show};
use crate::error::Error;
use crate::machine::Machine;
use crate::sockets::{Which, read_sockets};
use crate::stop::Stop;

/// The properties that name units which need this one, and whether those stop with it
/// (systemd.unit(5)).
const NEEDED_BY: [(&str, bool); 6] = [
    ("RequiredBy", true),
    ("RequisiteOf", true),
    ("BoundBy", true),
    ("ConsistsOf", true),
    ("WantedBy", false),
    ("UpheldBy", false),
];

pub(crate) fn read_impact(
    machine: &Machine,
    unit: &str,
    sudo: Sudo,
    stop: &Stop,
) -> Result<ServiceImpact, Error> {
    let manager = manager_of(&machine.root, unit, sudo)?;
    let seen = find_unit(machine, &*manager, unit, stop)?;
    // What an action would refuse is refused before a person fills the form.
    with_sudo(manager.words(ServiceAction::Restart, unit)?, sudo)?;
    let keys = NEEDED_BY.map(|(key, _)| key).join(",");
    // Only systemd tells who needs a service.
    let shown = match manager.kind() {
        Manager::Systemd => show(&machine.root, &keys, &[unit], stop)?,
        _ => Vec::new(),
    };
    let members = Members::read(&machine.root, manager.kind(), &seen)?;
    let listening = machine.read_listeners_held_by(&members.pids)?;
    let clients = list_clients(&listening, &read_sockets(&machine.root, Which::All)?);
    let mut ports: Vec<String> =
        listening.iter().map(|socket| format!("{} {}", socket.protocol.name(), socket.local())).collect();
    ports.sort();
    ports.dedup();
    Ok(ServiceImpact {
        unit: unit.to_owned(),
        state: seen.state(ports),
        dependents_known: !shown.is_empty(),
        dependents: shown.first().map(list_dependents).unwrap_or_default(),
        connections: clients.iter().map(|client| client.connections).sum(),
        clients,
        clients_told: members.told,
    })
}

/// A target that wants a unit goes on without it, so it is not named.
fn list_dependents(unit: &Properties) -> Vec<Dependent> {
    let mut found: BTreeMap<&str, bool> = BTreeMap::new();
    for (key, stops_with_it) in NEEDED_BY {
        for name in unit.text(key).unwrap_or_default().split_whitespace() {
            if stops_with_it || !name.ends_with(".target") {
                *found.entry(name).or_default() |= stops_with_it;
            }
        }
    }
    found
        .into_iter()
        .map(|(unit, stops_with_it)| Dependent { unit: unit.to_owned(), stops_with_it })
        .collect()
}

/// Connections to ports on which the unit listens, by peer and port. Whose process serves them now
/// does not count: sshd hands each to a session.
fn list_clients(listening: &[Socket], all: &[Socket]) -> Vec<Client> {
    let mut found: BTreeMap<(String, u16), u32> = BTreeMap::new();
    for socket in all {
        let serves = socket.state == SocketState::Estab
            && !socket.protocol.is_udp()
            && listening.iter().any(|listener| accepts(listener, socket));
        if serves {
            let peer = socket.peer_address.trim_start_matches("::ffff:").to_owned();
            *found.entry((peer, socket.local_port)).or_default() += 1;
        }
    }
    let to_client =
        |((peer, local_port), connections)| Client { peer, saved_host: false, local_port, connections };
    found.into_iter().map(to_client).collect()
}

fn accepts(listener: &Socket, socket: &Socket) -> bool {
    if listener.protocol.is_udp() || listener.local_port != socket.local_port {
        return false;
    }
    match listener.local_address.as_str() {
        "0.0.0.0" => socket.protocol == Protocol::Tcp,
        // It accepts both families, unless it was told not to.
        "::" => true,
        address => address == socket.local_address,
    }
}

#[cfg(test)]
mod tests {
    use super::super::show::parse_stanzas;
    use super::*;

    #[test]
    fn units_that_stop_with_it_are_marked_and_wanting_targets_left_out() {
        let text = "RequiredBy=a.service graphical.target\nWantedBy=multi-user.target b.service\nBoundBy=b.service\nConsistsOf=\n";
        let rows: Vec<_> = list_dependents(&parse_stanzas(text)[0])
            .into_iter()
            .map(|dependent| (dependent.unit, dependent.stops_with_it))
            .collect();
        assert_eq!(
            rows,
            [("a.service".into(), true), ("b.service".into(), true), ("graphical.target".into(), true)]
        );
    }

    #[test]
    fn clients_are_counted_by_peer_and_port_and_outgoing_connections_are_none() {
        let listener = |address: &str, protocol| Socket {
            protocol,
            state: SocketState::Listen,
            local_address: address.into(),
            local_port: 22,
            ..Socket::default()
        };
        let connection = |peer: &str, local_port, protocol| Socket {
            protocol,
            state: SocketState::Estab,
            local_address: "10.0.0.1".into(),
            local_port,
            peer_address: peer.into(),
            peer_port: 50_000,
            ..Socket::default()
        };
        let all = [
            connection("10.0.0.9", 22, Protocol::Tcp),
            connection("10.0.0.9", 22, Protocol::Tcp),
            connection("::ffff:10.0.0.8", 22, Protocol::Tcp6),
            connection("10.0.0.7", 443, Protocol::Tcp),
        ];
        let both = [listener("0.0.0.0", Protocol::Tcp), listener("::", Protocol::Tcp6)];
        let rows = |listening: &[Socket]| -> Vec<(String, u32)> {
            list_clients(listening, &all)
                .into_iter()
                .map(|client| (client.peer, client.connections))
                .collect()
        };
        assert_eq!(rows(&both), [("10.0.0.8".to_owned(), 1), ("10.0.0.9".to_owned(), 2)]);
        assert_eq!(rows(&both[..1]), [("10.0.0.9".to_owned(), 2)]);
        assert_eq!(rows(&[listener("10.0.0.2", Protocol::Tcp)]), []);
    }
}
