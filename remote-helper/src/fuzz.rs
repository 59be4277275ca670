//! Hostile bytes for every parser: what each must hold whatever it is given.
//!
//! One list, used by the fuzzers of the folder `fuzz` and by a short seeded run in the tests. A target
//! takes bytes as a host would send them, parses them and asserts what callers rely on. It is no part
//! of the program that is put on hosts.

use protocol::delta::{Kept, News, Taken};
use protocol::wire::{Answer, Line, Request, RequestId};

use crate::{journal, metrics, processes, services, sockets, system};

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
];

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
