//! What of a host's tables a question means. Pure; positions count the characters of a field.

use std::collections::HashMap;

use protocol::hosts::Host;
use protocol::metrics::Metrics;
use protocol::processes::ProcessTable;
use protocol::search::{AddressMask, Found, Term, half_width_of};
use protocol::services::ServiceTable;
use protocol::sockets::{Matched, Socket, SocketState, SocketTable};
use protocol::system::System;

/// A question, ready to be held against many tables.
pub(super) struct Judge<'a> {
    hosts: Vec<&'a str>,
    ports: Vec<u16>,
    processes: Vec<&'a str>,
    units: Vec<&'a str>,
    addresses: Vec<&'a AddressMask>,
    users: Vec<&'a str>,
    kernels: Vec<&'a str>,
    disk_over: Option<f64>,
}

/// States that may stand for a unit's name.
const UNIT_STATES: [&str; 3] = ["failed", "active", "inactive"];

impl<'a> Judge<'a> {
    pub(super) fn new(terms: &'a [Term]) -> Self {
        let mut judge = Judge {
            hosts: Vec::new(),
            ports: Vec::new(),
            processes: Vec::new(),
            units: Vec::new(),
            addresses: Vec::new(),
            users: Vec::new(),
            kernels: Vec::new(),
            disk_over: None,
        };
        for term in terms {
            match term {
                Term::Host(text) => judge.hosts.push(text),
                Term::Port(port) => judge.ports.push(*port),
                Term::Process(text) => judge.processes.push(text),
                Term::Unit(text) => judge.units.push(text),
                Term::Address(mask) => judge.addresses.push(mask),
                Term::User(text) => judge.users.push(text),
                Term::Kernel(text) => judge.kernels.push(text),
                Term::DiskOver(pct) => judge.disk_over = Some(judge.disk_over.unwrap_or(0.0).max(*pct)),
            }
        }
        judge
    }

    /// The letters of its name and address that matched; `None` if the words about hosts leave it out.
    pub(super) fn takes_host(&self, host: &Host) -> Option<Vec<Matched>> {
        let mut marks = Marks::default();
        for word in &self.hosts {
            let by_name = marks.take("host", &host.name, word);
            let by_address = marks.take("address", &host.address, word);
            let by_label = host.groups.iter().chain(&host.tags).any(|text| find(text, word).is_some());
            if !(by_name || by_address || by_label) {
                return None;
            }
        }
        Some(marks.into())
    }

    /// Sockets that listen; connections too where an address is asked for. Gives how many fit the other
    /// words and are left out because it may not be seen whose they are.
    pub(super) fn sockets(&self, table: &SocketTable, mut add: impl FnMut(Found, Vec<Matched>)) -> u32 {
        let clients = clients(table);
        let mut hidden = 0;
        for socket in &table.sockets {
            let is_listening = socket.is_listening();
            if !is_listening && self.addresses.is_empty() {
                continue;
            }
            let Some(mut marks) = self.ends(socket, is_listening) else { continue };
            if !self.user(&mut marks, socket) {
                continue;
            }
            if !self.owner(&mut marks, socket) {
                hidden += u32::from(is_owner_hidden(socket));
                continue;
            }
            let port = (socket.protocol.name(), socket.local_port);
            add(
                Found::Socket {
                    protocol: socket.protocol.name().to_owned(),
                    local: socket.local(),
                    peer: (!is_listening).then(|| socket.peer()),
                    state: socket.state.name().to_owned(),
                    pid: socket.pid,
                    program: socket.program.clone(),
                    unit: socket.unit.clone(),
                    user: socket.owner(),
                    clients: is_listening.then(|| clients.get(&port).copied().unwrap_or(0)),
                    inode: socket.inode,
                },
                marks.into(),
            );
        }
        hidden
    }

    /// The letters of the two ends that matched.
    fn ends(&self, socket: &Socket, is_listening: bool) -> Option<Marks> {
        let mut marks = Marks::default();
        for port in &self.ports {
            if socket.local_port == *port {
                marks.add_end("local", &socket.local(), &port.to_string());
            } else if !is_listening && socket.peer_port == *port {
                marks.add_end("peer", &socket.peer(), &port.to_string());
            } else {
                return None;
            }
        }
        for mask in &self.addresses {
            let takes = |marks: &mut Marks, field, address: &str, port| match mask {
                AddressMask::Path(part) => socket.protocol.is_unix() && marks.take(field, address, part),
                AddressMask::Net { .. } => {
                    mask.takes(address, port) && {
                        marks.add_address(field, address);
                        true
                    }
                }
            };
            let by_local = takes(&mut marks, "local", &socket.local_address, socket.local_port);
            let by_peer = !is_listening && takes(&mut marks, "peer", &socket.peer_address, socket.peer_port);
            if !by_local && !by_peer {
                return None;
            }
        }
        Some(marks)
    }

    fn user(&self, marks: &mut Marks, socket: &Socket) -> bool {
        let user = if self.users.is_empty() { None } else { socket.owner() };
        marks.take_all("user", user.as_deref(), &self.users)
    }

    fn owner(&self, marks: &mut Marks, socket: &Socket) -> bool {
        marks.take_all("program", socket.program.as_deref(), &self.processes)
            && marks.take_all("unit", socket.unit.as_deref(), &self.units)
    }

    pub(super) fn processes(&self, table: &ProcessTable, mut add: impl FnMut(Found, Vec<Matched>)) {
        for process in &table.processes {
            let mut marks = Marks::default();
            let by_word = |marks: &mut Marks, word: &&str| {
                // A letter of a long command line says nothing; the program's name does.
                let by_name = marks.take("name", &process.name, word);
                by_name || marks.take("command", program_of(&process.command), word)
            };
            let is_meant =
                self.processes.iter().all(|word| by_word(&mut marks, word))
                    && self.users.iter().all(|word| {
                        process.user.as_deref().is_some_and(|user| marks.take("user", user, word))
                    })
                    && self.units.iter().all(|word| {
                        process.unit.as_deref().is_some_and(|unit| marks.take("unit", unit, word))
                    });
            if is_meant {
                add(
                    Found::Process {
                        pid: process.pid,
                        name: process.name.clone(),
                        command: process.command.clone(),
                        user: process.user.clone(),
                        unit: process.unit.clone(),
                        cpu_pct: process.cpu_pct,
                        rss_bytes: process.rss_bytes,
                        start_ticks: process.start_ticks,
                    },
                    marks.into(),
                );
            }
        }
    }

    pub(super) fn services(&self, table: &ServiceTable, mut add: impl FnMut(Found, Vec<Matched>)) {
        for service in &table.services {
            let mut marks = Marks::default();
            let is_meant = self.units.iter().all(|word| {
                match UNIT_STATES.iter().find(|state| state.eq_ignore_ascii_case(word)) {
                    Some(&"failed") => service.is_failed(),
                    Some(state) => service.active_state == *state,
                    None => marks.take("name", &service.name, word),
                }
            });
            if is_meant {
                add(
                    Found::Unit {
                        name: service.name.clone(),
                        description: service.description.clone(),
                        state: service.state(),
                        failed: service.is_failed(),
                    },
                    marks.into(),
                );
            }
        }
    }

    pub(super) fn disks(&self, metrics: &Metrics, mut add: impl FnMut(Found, Vec<Matched>)) {
        for disk in &metrics.disks {
            if let Some(use_pct) = disk.use_pct
                && self.disk_over.is_none_or(|over| use_pct > over)
            {
                let (mount, available_bytes) = (disk.mount.clone(), disk.available_bytes);
                add(Found::Disk { mount, use_pct, available_bytes }, Vec::new());
            }
        }
    }

    pub(super) fn kernel(&self, system: &System, mut add: impl FnMut(Found, Vec<Matched>)) {
        let mut marks = Marks::default();
        if self.kernels.iter().all(|word| marks.take("release", &system.kernel, word)) {
            add(Found::Kernel { release: system.kernel.clone(), os: system.os.clone() }, marks.into());
        }
    }
}

/// True if a process holds it that this user may not see. One on its way out is held by none.
fn is_owner_hidden(socket: &Socket) -> bool {
    socket.program.is_none() && socket.pid.is_none() && socket.inode != 0
}

/// Connections to each port that stand: one that is closed already has no client any more.
fn clients(table: &SocketTable) -> HashMap<(&'static str, u16), u32> {
    let mut clients = HashMap::new();
    for socket in table.sockets.iter().filter(|socket| socket.state == SocketState::Estab) {
        *clients.entry((socket.protocol.name(), socket.local_port)).or_insert(0) += 1;
    }
    clients
}

/// The program of a command line: its first word.
fn program_of(command: &str) -> &str {
    command.split(' ').next().unwrap_or_default()
}

/// Fields with the letters in them that matched.
#[derive(Default)]
struct Marks(Vec<Matched>);

impl Marks {
    /// Marks where a word stands in a text; false if it does not.
    fn take(&mut self, field: &'static str, text: &str, word: &str) -> bool {
        let Some((start, length)) = find(text, word) else { return false };
        self.add(field, start..start + length);
        true
    }

    /// Marks where each of the words stands in a text; false if one does not.
    fn take_all(&mut self, field: &'static str, text: Option<&str>, words: &[&str]) -> bool {
        words.iter().all(|word| text.is_some_and(|text| self.take(field, text, word)))
    }

    /// Marks the address of an end, which stands in brackets where it has colons.
    fn add_address(&mut self, field: &'static str, address: &str) {
        let start = u32::from(address.contains(':'));
        self.add(field, start..start + count(address.chars().count()));
    }

    /// Marks what a text ends with.
    fn add_end(&mut self, field: &'static str, text: &str, word: &str) {
        let (end, length) = (count(text.chars().count()), count(word.chars().count()));
        self.add(field, end.saturating_sub(length)..end);
    }

    fn add(&mut self, field: &'static str, at: std::ops::Range<u32>) {
        let place = self.0.iter().position(|known| known.column == field).unwrap_or_else(|| {
            self.0.push(Matched { column: field.to_owned(), at: Vec::new() });
            self.0.len() - 1
        });
        let known = &mut self.0[place].at;
        known.extend(at);
        known.sort_unstable();
        known.dedup();
    }
}

impl From<Marks> for Vec<Matched> {
    fn from(marks: Marks) -> Self {
        marks.0
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Where a word stands in a text, upper and lower case alike, full and half width too: its first character
/// and its length.
fn find(text: &str, word: &str) -> Option<(u32, u32)> {
    let length = count(word.chars().count());
    if text.is_ascii() && word.is_ascii() {
        let (text, word) = (text.as_bytes(), word.as_bytes());
        let first = *word.first()?;
        let (low, high) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
        return memchr::memchr2_iter(low, high, text)
            .find(|at| text.get(*at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word)))
            .map(|at| (count(at), length));
    }
    let folded = |c: char| half_width_of(c).to_lowercase();
    let wanted: Vec<char> = word.chars().flat_map(folded).collect();
    if wanted.is_empty() {
        return None;
    }
    // A character of the text may be more than one in lower case; its place is what counts.
    let letters: Vec<(u32, char)> =
        (0_u32..).zip(text.chars()).flat_map(|(at, c)| folded(c).map(move |c| (at, c))).collect();
    letters
        .windows(wanted.len())
        .find(|window| window.iter().map(|(_, c)| c).eq(&wanted))
        .and_then(|window| Some((window.first()?.0, window.last()?.0 + 1 - window.first()?.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_any_case_and_any_script() {
        assert_eq!(find("nginx.service", "NGINX"), Some((0, 5)));
        assert_eq!(find("logging-nginx", "nginx"), Some((8, 5)));
        assert_eq!(find("数据服务器", "服务"), Some((2, 2)));
        assert_eq!(find("Straße", "STRAß"), Some((0, 5)));
        assert_eq!(find("数据库（主）", "(主)"), Some((3, 3)), "a name of full width by what is typed of it");
        assert_eq!(
            (find("abc", "abcd"), find("abc", ""), find("", "a"), find("数据", "")),
            (None, None, None, None)
        );
    }

    #[test]
    fn marks_of_one_field_are_joined() {
        let mut marks = Marks::default();
        assert!(marks.take("name", "java-java", "ja") && marks.take("name", "java-java", "av"));
        marks.add_end("name", "java-java", "va");
        let marks: Vec<Matched> = marks.into();
        assert_eq!(marks, [Matched { column: "name".into(), at: vec![0, 1, 2, 7, 8] }]);
    }
}
