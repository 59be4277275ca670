//! sockets.

use engine::Desk;
use protocol::Fault;
use protocol::ipc::SocketsQuery;
use protocol::sockets::{Socket, SocketAnswer, SocketQuery};

use crate::output::{Printer, Set, or_dash, table};

pub(crate) async fn show(
    desk: &Desk,
    name: &str,
    query: &SocketQuery,
    printer: &Printer,
) -> Result<(), Fault> {
    let answer = desk.call(SocketsQuery { host: name.to_owned(), query: query.clone() }).await?;
    printer.rights(&answer.rights);
    if printer.is_json() {
        let sockets: Vec<&Socket> = answer.rows.iter().map(|row| &row.socket).collect();
        return printer.show(&sockets, |_| String::new());
    }
    printer.show(&answer, words)
}

fn words(answer: &SocketAnswer) -> String {
    let heads = [
        ("PROTO", Set::Left),
        ("RECV-Q", Set::Right),
        ("SEND-Q", Set::Right),
        ("LOCAL ADDRESS", Set::Left),
        ("PEER ADDRESS", Set::Left),
        ("STATE", Set::Left),
        ("PID/PROGRAM", Set::Left),
        ("USER", Set::Left),
        ("UNIT", Set::Left),
    ];
    let rows: Vec<Vec<String>> = answer
        .rows
        .iter()
        .map(|row| {
            let socket = &row.socket;
            let owner = socket.pid.map(|pid| format!("{pid}/{}", socket.program.as_deref().unwrap_or("-")));
            let peer = match &row.peer_host {
                Some(host) => format!("{} ({host})", socket.peer()),
                None => socket.peer(),
            };
            vec![
                socket.protocol.name().to_owned(),
                socket.recv_q.to_string(),
                socket.send_q.to_string(),
                socket.local(),
                peer,
                socket.state.name().to_owned(),
                or_dash(owner),
                or_dash(socket.owner()),
                or_dash(socket.unit.as_ref()),
            ]
        })
        .collect();
    let mut text = table(&heads, &rows);
    text += &format!("\n{} of {} sockets, {} listening\n", answer.rows.len(), answer.total, answer.listening);
    if answer.owner_hidden > 0 {
        let why = match answer.rights.is_root {
            true => "are held by no process that root sees: by the kernel, or inside of a container",
            false => "belong to other users: root is needed to see whose",
        };
        text += &format!("{} {why}\n", answer.owner_hidden);
    }
    if answer.rights.is_root {
        text += "read as root\n";
    }
    if answer.left_out > 0 {
        text += &format!("{} more were left out\n", answer.left_out);
    }
    text
}
