//! Hostile bytes for every parser: what each must hold whatever it is given.
//!
//! One list, used by the fuzzers of the folder `fuzz` and by a short seeded run in the tests. A target
//! takes bytes as a host would send them, parses them and asserts what callers rely on. It is no part
//! of the program that is put on hosts.

use protocol::delta::{Changing, Kept, News, Row, Sent, Table, Taken};
use protocol::processes::{Process, ProcessTable};
use protocol::services::ServiceTable;
use protocol::sockets::SocketTable;
use protocol::wire::{Answer, Line, Request, RequestId};

use crate::{journal, metrics, processes, serve, services, sockets, system, users};

/// A parser, or several that read the same file, with text as it really is.
#[derive(Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    pub seeds: &'static [&'static [u8]],
    pub run: fn(&[u8]),
}

/// All targets, each name once.
pub fn targets() -> Vec<Target> {
    let nouns = [
        metrics::fuzz::TARGETS,
        processes::fuzz::TARGETS,
        sockets::fuzz::TARGETS,
        system::fuzz::TARGETS,
        services::fuzz::TARGETS,
        journal::fuzz::TARGETS,
        WIRE,
    ];
    nouns.concat()
}

/// Gives bytes to the target of this name.
pub fn run(name: &str, bytes: &[u8]) {
    if let Some(target) = targets().into_iter().find(|target| target.name == name) {
        (target.run)(bytes);
    }
}

const WIRE: &[Target] = &[
    Target {
        name: "request",
        seeds: &[
            br#"{"id":7,"ask":{"sockets":{"interval_ms":500,"unix":true}}}"#,
            br#"{"id":8,"ask":{"signal":{"pid":7,"start_ticks":99,"signal":"term","sudo":"none"}}}"#,
            br#"{"id":9,"ask":{"journal":{"query":{"unit":"cron.service","text":"x","before":"s=1"}}}}"#,
        ],
        run: |bytes| {
            if let Ok(request) = serde_json::from_slice::<Request>(bytes) {
                let id: RequestId = serde_json::from_slice(bytes).unwrap_or(RequestId { id: 0 });
                assert_eq!(id.id, request.id, "a request has one id however it is read");
            }
        },
    },
    Target {
        name: "line",
        seeds: &[
            br#"{"push":{"id":4,"seq":1,"answer":{"socket_news":{"whole":{"generation":1,"table":{"sockets":[{"protocol":"tcp","inode":7}]}}}}}}"#,
            br#"{"push":{"id":4,"seq":2,"answer":{"socket_news":{"delta":{"generation":1,"head":{},"rows":2,"added":[{"inode":9}],"changed":[[0,{"state":"listen"}]],"gone":[]}}}}}"#,
            br#"{"push":{"id":5,"seq":2,"answer":{"process_news":{"delta":{"generation":1,"head":{},"rows":0,"gone":[0,1,4294967295]}}}}}"#,
            br#"{"reply":{"id":6,"answer":{"signal":{"process":{"pid":7},"held":true,"ended_ms":12}}}}"#,
        ],
        run: read_line,
    },
    Target {
        name: "input_lines",
        seeds: &[
            b"{\"id\":1,\"ask\":{\"system\":{}}}\n\n{\"id\":2,\"ask\":{\"cancel\":{\"id\":1}}}\nnonsense\ncut",
            b"\x10{\"id\":17,\"ask\":{\"run\":{\"command\":\"",
        ],
        run: serve::check_lines,
    },
    Target {
        name: "delta_lines",
        seeds: &[
            br#"{"whole":{"generation":1,"table":{"processes":[{"pid":7,"start_ticks":9},{"pid":8}]}}}
{"delta":{"generation":1,"head":{"at_ms":2},"rows":2,"added":[{"pid":9}],"changed":[[0,{"name":"b","user":null}]],"gone":[1]}}
{"delta":{"generation":1,"head":{},"rows":3,"added":[{"pid":7,"start_ticks":9}]}}"#,
            br#"{"whole":{"generation":1,"table":{"services":[{"name":"a.service"},{"name":"a.service"}]}}}
{"delta":{"generation":1,"head":{"manager":"systemd"},"rows":1,"gone":[0]}}
{"whole":{"generation":4294967295,"table":{"services":[]}}}"#,
            br#"{"whole":{"generation":1,"table":{"sockets":[{"inode":1},{"inode":2},{"inode":3}],"left_out":4294967295}}}
{"delta":{"generation":1,"head":{},"rows":4,"added":[{"local_address":"::1"}],"changed":[[1,{"state":"listen"}],[2,{"pid":5}]]}}"#,
        ],
        run: |bytes| {
            take_lines::<ProcessTable>(bytes);
            take_lines::<ServiceTable>(bytes);
            take_lines::<SocketTable>(bytes);
        },
    },
    Target {
        name: "delta_edits",
        seeds: &[b"\x01\x11\x21\x00\x42\x13\x31\x00\x90", b"\x07\x08\x00\x07\x00\x00\x08\x08\x80\x00\x17"],
        run: send_edits,
    },
    Target {
        name: "passwd",
        seeds: &[b"root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:\n# x\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n"],
        run: |bytes| {
            let names = users::parse_passwd(&String::from_utf8_lossy(bytes));
            assert!(names.values().all(|name| !name.is_empty() && !name.contains([':', '\n'])));
        },
    },
];

/// Lines of a hostile helper, in the order in which they came, on a table with little room.
fn take_lines<T: Table>(bytes: &[u8]) {
    const ROOM_BYTES: usize = 4_096;
    let (mut kept, mut number) = (Kept::<T>::within(ROOM_BYTES), 0);
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(news) = serde_json::from_slice::<News<T>>(line) else { continue };
        number += 1;
        let before = kept.table().clone();
        let is_whole = matches!(news, News::Whole { .. });
        let taken = kept.take(number, news.clone());
        assert_eq!(kept.is_current(), taken == Taken::Current);
        assert!(!is_whole || taken == Taken::Current, "a whole mends whatever was before it");
        if taken == Taken::Torn {
            assert_eq!(*kept.table(), before, "what does not fit changes nothing");
        }
        let table = kept.table();
        let bytes: usize = table.rows().iter().map(|row| size_of::<T::Row>() + row.text_bytes()).sum();
        assert!(bytes <= ROOM_BYTES, "{bytes} bytes of rows");
        assert!(table.rows().is_sorted_by(|a, b| a.by_place(b).is_le()), "rows stand in their order");
        assert_eq!(kept.take(number, news), Taken::Repeated);
    }
}

/// Tables that change as the bytes say, over a line that loses some of what is said. A byte is a
/// process that is there, with a name by its upper half; 0 ends a table. The first byte of a table
/// tells, by its uppermost bit, if its line is lost.
fn send_edits(bytes: &[u8]) {
    let (mut sent, mut kept, mut is_torn) = (Sent::default(), Kept::default(), false);
    for (seq, rows) in (1..).zip(bytes.split(|byte| *byte == 0)) {
        let mut processes: Vec<Process> = Vec::new();
        for byte in rows {
            let (pid, name) = (u32::from(byte & 7), (byte >> 4).to_string());
            processes.push(Process {
                pid,
                start_ticks: u64::from(byte >> 3 & 1),
                name,
                ..Process::default()
            });
        }
        processes.sort_by(|a, b| a.by_place(b));
        let table = ProcessTable { at_ms: seq, processes, ..ProcessTable::default() };
        if is_torn {
            sent.renew();
        }
        let news = sent.news(table.clone());
        if let News::Delta(delta) = &news {
            let none = Process::default().change_to(&Process::default());
            assert!(delta.changed.iter().all(|(_, change)| *change != none), "only what changed is said");
        }
        if rows.first().is_some_and(|byte| byte & 0x80 != 0) {
            continue;
        }
        let number = u64::try_from(seq).unwrap_or(0);
        let was_torn = std::mem::replace(&mut is_torn, kept.take(number, news) == Taken::Torn);
        assert!(!(was_torn && is_torn), "the whole that is asked for mends it");
        if !is_torn {
            let mut got = kept.table().clone();
            let mut said = table;
            // Two rows of one identity are told in any order.
            let place = |row: &Process| (row.pid, row.start_ticks, row.name.clone());
            got.processes.sort_by_key(place);
            said.processes.sort_by_key(place);
            assert_eq!(got, said, "what is shown is what was said");
        }
    }
}

/// A line of a hostile helper, on top of a table of two rows.
fn read_line(bytes: &[u8]) {
    let Ok(Line::Push { answer, seq, .. }) = serde_json::from_slice::<Line>(bytes) else { return };
    if let Answer::SocketNews(news) = answer {
        let mut kept = Kept::default();
        let table =
            protocol::sockets::SocketTable { sockets: vec![Default::default(); 2], ..Default::default() };
        kept.take(1, News::Whole { generation: 1, table });
        let rows = match &*news {
            News::Whole { table, .. } => table.sockets.len(),
            News::Delta(delta) => 2 + delta.added.len(),
        };
        let taken = kept.take(seq, *news);
        let rows = if taken == Taken::Current { rows } else { 2 };
        assert!(kept.table().sockets.len() <= rows, "{taken:?}: no row comes from nowhere");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUTS: u32 = 20_000;
    const SEED: u64 = 0x6d75_7374_6572_0001;

    /// xorshift64*, which is the same on every machine.
    struct Dice(u64);

    impl Dice {
        fn next(&mut self, below: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
            usize::try_from(drawn).unwrap() % below.max(1)
        }
    }

    /// Pieces that parsers stumble over.
    const ODD: [&[u8]; 12] = [
        b"18446744073709551615",
        b"-1",
        b"4294967296",
        b"\xff\xfe",
        b"\0",
        b"\n",
        b"\\",
        b"\xe2\x80\xae",
        b"99999999999999999999999999",
        b": ",
        b"[[[[[[[[",
        b"NaN",
    ];

    fn mutate(dice: &mut Dice, seeds: &[&[u8]]) -> Vec<u8> {
        let mut bytes = seeds[dice.next(seeds.len())].to_vec();
        for _ in 0..=dice.next(5) {
            let at = dice.next(bytes.len() + 1);
            match dice.next(7) {
                0 => bytes.truncate(at),
                1 => drop(bytes.splice(at..at, ODD[dice.next(ODD.len())].iter().copied())),
                2 if at < bytes.len() => bytes[at] ^= 1 << dice.next(8),
                3 => {
                    let end = (at + 1 + dice.next(12)).min(bytes.len());
                    bytes.drain(at.min(end)..end);
                }
                4 => {
                    let end = (at + 1 + dice.next(40)).min(bytes.len());
                    let again = bytes[at.min(end)..end].to_vec();
                    bytes.extend(again);
                }
                5 => {
                    let other = seeds[dice.next(seeds.len())];
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[dice.next(other.len() + 1)..]);
                }
                _ => bytes.insert(at, u8::try_from(dice.next(256)).unwrap()),
            }
        }
        bytes
    }

    #[test]
    fn no_mutation_of_real_text_breaks_a_parser() {
        for target in targets() {
            let mut dice = Dice(SEED);
            target.seeds.iter().for_each(|seed| (target.run)(seed));
            for number in 0..INPUTS {
                let bytes = mutate(&mut dice, target.seeds);
                let held = std::panic::catch_unwind(|| (target.run)(&bytes));
                assert!(
                    held.is_ok(),
                    "target {} with seed {SEED:#x}, input {number}: {:?}",
                    target.name,
                    String::from_utf8_lossy(&bytes)
                );
            }
        }
    }

    #[test]
    fn each_target_has_a_name_of_its_own_and_real_text() {
        let mut names: Vec<&str> = targets().iter().map(|target| target.name).collect();
        assert!(targets().iter().all(|target| !target.seeds.is_empty()));
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
