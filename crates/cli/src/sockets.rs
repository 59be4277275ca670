//! sockets: the socket table of a host, and what of it may not be seen.

use engine::Desk;
use protocol::ipc::SocketsQuery;
use protocol::sockets::{SocketQuery, SocketRow};

use crate::args::SocketsArgs;
use crate::format::UNKNOWN;
use crate::output::{Output, Stop};
use crate::table::{Column, Table};

pub(crate) async fn sockets(desk: &Desk, args: SocketsArgs, output: &mut Output) -> Result<(), Stop> {
    let query = SocketQuery { text: args.query, listening: args.listening, connect: true };
    let answer = desk.call(SocketsQuery { host: args.name, query }).await?;
    if output.json {
        output.document(&answer.rows.iter().map(|row| &row.socket).collect::<Vec<_>>())?;
    } else {
        table(&answer.rows).print(output)?;
        output.note(&format!("{} of {} sockets", answer.rows.len(), answer.total))?;
    }
    if answer.owner_hidden > 0 {
        output.note(&format!(
            "the owners of {} sockets are hidden from this user; root would see them",
            answer.owner_hidden
        ))?;
    }
    if answer.left_out > 0 {
        output.note(&format!("{} more sockets were left out", answer.left_out))?;
    }
    Ok(())
}

fn table(rows: &[SocketRow]) -> Table {
    let mut table = Table::new(vec![
        Column::Left("PROTO"),
        Column::Right("RECV-Q"),
        Column::Right("SEND-Q"),
        Column::Left("LOCAL"),
        Column::Left("PEER"),
        Column::Left("STATE"),
        Column::Left("PID/PROGRAM"),
        Column::Left("USER"),
        Column::Left("UNIT"),
    ]);
    for SocketRow { socket, peer_host, .. } in rows {
        let owner = match (socket.pid, &socket.program) {
            (Some(pid), Some(program)) => format!("{pid}/{program}"),
            (Some(pid), None) => pid.to_string(),
            (None, _) => UNKNOWN.to_owned(),
        };
        let peer = match peer_host {
            Some(name) => format!("{} ({name})", socket.peer()),
            None => socket.peer(),
        };
        table.row(vec![
            socket.protocol.name().to_owned(),
            socket.recv_q.to_string(),
            socket.send_q.to_string(),
            socket.local(),
            peer,
            socket.state.name().to_owned(),
            owner,
            socket.user.clone().unwrap_or_else(|| socket.uid.to_string()),
            socket.unit.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
        ]);
    }
    table
}
