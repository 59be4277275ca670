//! search: one question over all hosts, such as `port:8080` or `unit:failed host:web`.
//!
//! A question is words with a key in front; each narrows what is found. The most exact thing that the
//! words can be about is what is listed: sockets for a port or an address, processes for a program or
//! a user, else units, file systems, kernels, and hosts for words without a key.

mod address;
mod terms;

use serde::{Deserialize, Serialize};

use crate::sockets::Matched;

pub use address::AddressMask;
pub use terms::{BadTerms, KEYS, Term, example, half_width, half_width_of, has_key, key_of, parse_terms};

/// Rows that are given unless another number is asked for.
pub const FOUND_AT_MOST: u32 = 200;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FindQuery {
    pub text: String,
    /// Asks the hosts whose link is up. No host is connected because of a search.
    pub ask: bool,
    pub limit: Option<u32>,
    /// How long the answer may wait for those hosts. One that has not answered by then answers from its
    /// snapshot, and goes on to be asked: the same question soon after has its answer.
    pub wait_ms: Option<u32>,
}

/// What a question lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    Sockets,
    /// Those of unix, which nothing keeps: only hosts whose link is up can tell.
    UnixSockets,
    Processes,
    Units,
    Disks,
    Kernels,
    Hosts,
}

/// What these words list.
pub fn subject(terms: &[Term]) -> Subject {
    let has = |wanted: fn(&Term) -> bool| terms.iter().any(wanted);
    if has(|term| matches!(term, Term::Address(AddressMask::Path(_)))) {
        Subject::UnixSockets
    } else if has(|term| matches!(term, Term::Port(_) | Term::Address(_))) {
        Subject::Sockets
    } else if has(|term| matches!(term, Term::Process(_) | Term::User(_))) {
        Subject::Processes
    } else if has(|term| matches!(term, Term::Unit(_))) {
        Subject::Units
    } else if has(|term| matches!(term, Term::DiskOver(_))) {
        Subject::Disks
    } else if has(|term| matches!(term, Term::Kernel(_))) {
        Subject::Kernels
    } else {
        Subject::Hosts
    }
}

/// What was found, best first: live hosts before those that answer from their last snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FindAnswer {
    pub rows: Vec<FindRow>,
    /// Rows that match; more than are here if a limit was reached.
    pub found: u32,
    /// Hosts that the words about hosts leave.
    pub hosts: u32,
    /// Of these, hosts whose link is up, and how many of them answered.
    pub live: u32,
    pub answered: u32,
    /// Of the live ones, hosts that may still answer if they are asked again.
    pub waiting: u32,
    /// Hosts that answered from what was read before.
    pub from_snapshot: u32,
    /// Hosts of which nothing was ever read that could answer.
    pub unknown: Vec<String>,
    /// Sockets that fit the other words of the question, and are not among the rows because this user may
    /// not see whose they are.
    pub owner_hidden: u32,
    /// Hosts that show this user only some of their processes, where processes are asked for.
    pub others_hidden: u32,
    /// Processes that may not be read.
    pub unreadable: u32,
    pub took_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindRow {
    /// Name of the host.
    pub host: String,
    /// True if the host said it now.
    pub live: bool,
    /// When it was heard, by this computer's clock.
    pub at_ms: i64,
    pub found: Found,
    /// Letters that matched, by field.
    #[serde(default)]
    pub matched: Vec<Matched>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    Host {
        address: String,
        os: Option<String>,
    },
    /// A socket that listens, or one that is connected.
    Socket {
        protocol: String,
        local: String,
        peer: Option<String>,
        state: String,
        pid: Option<u32>,
        program: Option<String>,
        unit: Option<String>,
        user: Option<String>,
        /// Of one that listens: connections to its port that stand.
        clients: Option<u32>,
        /// With the ends it tells the socket from others.
        #[serde(default)]
        inode: u64,
    },
    Process {
        pid: u32,
        name: String,
        command: String,
        user: Option<String>,
        unit: Option<String>,
        cpu_pct: Option<f64>,
        rss_bytes: u64,
        /// With the PID it names one process for good.
        #[serde(default)]
        start_ticks: u64,
    },
    Unit {
        name: String,
        description: String,
        state: String,
        failed: bool,
    },
    Disk {
        mount: String,
        use_pct: f64,
        available_bytes: u64,
    },
    Kernel {
        release: String,
        os: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_word_says_what_is_listed() {
        let of = |text| subject(&parse_terms(text).unwrap());
        assert_eq!(of("proc:java port:80"), Subject::Sockets);
        assert_eq!(of("addr:10.0.0.5"), Subject::Sockets);
        assert_eq!(of("addr:docker.sock"), Subject::UnixSockets);
        assert_eq!(of("unit:x user:root"), Subject::Processes);
        assert_eq!(of("disk>9 unit:x"), Subject::Units);
        assert_eq!(of("kernel:6 disk>9"), Subject::Disks);
        assert_eq!(of("kernel:6 web"), Subject::Kernels);
        assert_eq!(of(""), Subject::Hosts);
    }
}
