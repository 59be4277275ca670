//! sockets: the query over a host's socket table.

use std::collections::HashMap;
use std::sync::Arc;

use protocol::fuzzy::{By, Column, Fuzzy};
use protocol::hosts::Host;
use protocol::sockets::{SocketAnswer, SocketQuery, SocketRow, SocketTable};

/// Names of saved hosts by their address, to put a name to a peer.
pub type Neighbours = HashMap<String, String>;

/// Collects the addresses of the saved hosts.
pub fn neighbours(hosts: &[Host]) -> Neighbours {
    hosts
        .iter()
        .filter(|host| !host.is_local())
        .map(|host| (host.address.clone(), host.name.clone()))
        .collect()
}

/// Answers a query from a table: best matches first if there is text, else in the table's order.
pub fn answer(
    table: &SocketTable,
    query: &SocketQuery,
    neighbours: &Neighbours,
    stale: bool,
) -> SocketAnswer {
    let mut fuzzy = Fuzzy::new(&query.text);
    let mut rows: Vec<(u32, SocketRow)> = table
        .sockets
        .iter()
        .filter(|socket| !query.listening || socket.is_listening())
        .filter_map(|socket| {
            let peer_host = neighbours.get(&socket.peer_address).cloned();
            let (score, matched) = if fuzzy.is_empty() {
                (0, Vec::new())
            } else {
                let pid = socket.pid.map(|pid| pid.to_string()).unwrap_or_default();
                fuzzy.judge(&[
                    letters("program", socket.program.as_deref().unwrap_or_default()),
                    letters("unit", socket.unit.as_deref().unwrap_or_default()),
                    letters("user", &socket.owner().unwrap_or_default()),
                    text("local", &socket.local()),
                    letters("peer_host", peer_host.as_deref().unwrap_or_default()),
                    text("peer", &socket.peer()),
                    text("state", socket.state.name()),
                    text("pid", &pid),
                    text("protocol", socket.protocol.name()),
                ])?
            };
            Some((score, SocketRow { socket: socket.clone(), peer_host, matched }))
        })
        .collect();
    if !fuzzy.is_empty() {
        rows.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    }
    SocketAnswer {
        at_ms: table.at_ms,
        stale,
        total: count(table.sockets.len()),
        listening: count(table.sockets.iter().filter(|socket| socket.is_listening()).count()),
        owner_hidden: table.owner_hidden,
        left_out: table.left_out,
        took_ms: table.took_ms,
        rows: rows.into_iter().map(|(_, row)| Arc::new(row)).collect(),
        ..SocketAnswer::default()
    }
}

fn letters<'a>(name: &'static str, text: &'a str) -> Column<'a> {
    Column { name, text, by: By::Letters }
}

fn text<'a>(name: &'static str, text: &'a str) -> Column<'a> {
    Column { name, text, by: By::Text }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::sockets::{Protocol, Socket, SocketState};

    fn table() -> SocketTable {
        let listen = Socket {
            state: SocketState::Listen,
            local_address: "0.0.0.0".into(),
            local_port: 443,
            program: Some("nginx".into()),
            unit: Some("nginx.service".into()),
            pid: Some(1893),
            ..Socket::default()
        };
        let open = Socket {
            state: SocketState::Estab,
            protocol: Protocol::Tcp,
            local_address: "10.0.0.11".into(),
            local_port: 443,
            peer_address: "10.0.0.8".into(),
            peer_port: 51514,
            program: Some("nginx".into()),
            ..Socket::default()
        };
        let hidden = Socket { state: SocketState::Listen, local_port: 22, ..Socket::default() };
        SocketTable { sockets: vec![listen, open, hidden], owner_hidden: 1, ..SocketTable::default() }
    }

    #[test]
    fn a_query_counts_what_it_left_out_and_names_known_peers() {
        let near = Neighbours::from([("10.0.0.8".to_owned(), "lb-1".to_owned())]);
        let query = SocketQuery { text: "lb-1".into(), ..SocketQuery::default() };
        let found = answer(&table(), &query, &near, false);
        assert_eq!((found.rows.len(), found.total, found.listening, found.owner_hidden), (1, 3, 2, 1));
        assert_eq!(found.rows[0].peer_host.as_deref(), Some("lb-1"));
        let marked: Vec<_> =
            found.rows[0].matched.iter().map(|m| (m.column.as_str(), m.at.clone())).collect();
        assert_eq!(marked, [("peer_host", vec![0, 1, 2, 3])], "and no letter of its address");
    }

    #[test]
    fn only_listening_sockets_are_shown_if_asked_even_without_an_owner() {
        let query = SocketQuery { listening: true, ..SocketQuery::default() };
        let found = answer(&table(), &query, &Neighbours::new(), false);
        assert_eq!(found.rows.iter().map(|row| row.socket.local_port).collect::<Vec<_>>(), [443, 22]);
    }
}
