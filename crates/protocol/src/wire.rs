//! What the helper and the engine say to each other: one JSON value a line.
//!
//! The helper speaks first (`Hello`), then answers requests by their id, in any order. A request
//! with an interval is answered by pushes, numbered from 1, until it is cancelled or the link
//! ends. Pushes of a table are the whole of it first, and then what changed (`delta`); a reader to
//! whom one is missing asks for the whole anew (`Ask::Refresh`). Lines have a longest length, in
//! both directions: what is cut to hold it is counted in what is sent. A request that the helper does not know is answered with a fault, never with silence.

use serde::{Deserialize, Serialize};

use crate::delta::News;
use crate::fault::Fault;
use crate::hosts::Sudo;
use crate::journal::{JournalNews, JournalPage, JournalQuery};
use crate::metrics::Metrics;
use crate::processes::{Blame, ProcessTable, Signal, SignalReport};
use crate::runs::RunReport;
use crate::services::{ActionReport, ServiceAction, ServiceImpact, ServiceTable};
use crate::sockets::SocketTable;
use crate::system::System;

/// No line is longer; a reader drops the link rather than its memory.
pub const LINE_LIMIT_BYTES: usize = 32 << 20;
/// No request is longer. A command given to a shell is the longest that one can hold; the kernel
/// allows 128 KiB for it, and JSON may write each byte as six.
pub const REQUEST_LIMIT_BYTES: usize = 1 << 20;

/// The helper's first line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hello {
    pub version: String,
    /// Words of requests that this helper answers: `system`, `metrics`, ...
    pub can: Vec<String>,
    pub host: HelloHost,
    /// PID of the helper on the host; 0 where there is none.
    pub pid: u32,
    /// Words of what is not told or done, because the host is looked at without the helper.
    pub missing: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HelloHost {
    pub host_name: String,
    pub os: Option<String>,
    pub kernel: String,
    pub arch: String,
    pub machine_id: Option<String>,
    pub boot_id: Option<String>,
    /// The user the helper runs as.
    pub user: String,
    pub uid: u32,
}

/// A line from the engine to the helper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the engine, not used twice on one link.
    pub id: u64,
    pub ask: Ask,
}

/// The part of a request that can be read even if its question is not known.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RequestId {
    pub id: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    System {},
    /// Without an interval: one answer, with rates over half a second.
    Metrics {
        #[serde(default)]
        interval_ms: Option<u32>,
    },
    Sockets {
        #[serde(default)]
        interval_ms: Option<u32>,
        /// Unix sockets too.
        #[serde(default)]
        unix: bool,
    },
    Services {
        #[serde(default)]
        interval_ms: Option<u32>,
    },
    /// Without an interval: one answer, with CPU shares since the last one or over half a second.
    Processes {
        #[serde(default)]
        interval_ms: Option<u32>,
        /// PIDs whose memory by share and I/O is read too.
        #[serde(default)]
        detail: Vec<u32>,
    },
    /// A table of these processes alone, each with what costs more to read, and without shares.
    Details {
        pids: Vec<u32>,
    },
    /// Sent only if the process with this PID began at `start_ticks`.
    Signal {
        pid: u32,
        start_ticks: u64,
        signal: Signal,
        #[serde(default)]
        sudo: Sudo,
    },
    /// Who used the most at a moment by the host's clock. It is known while metrics are pushed.
    Blame {
        at_ms: i64,
    },
    Impact {
        unit: String,
        #[serde(default)]
        sudo: Sudo,
    },
    Act {
        unit: String,
        action: ServiceAction,
        #[serde(default)]
        sudo: Sudo,
    },
    /// `command` is given to `sh -c`.
    Run {
        command: String,
        #[serde(default)]
        sudo: Sudo,
        /// Ends the command after this time; `None` waits for ever.
        #[serde(default)]
        limit_ms: Option<u64>,
    },
    /// Ends the pushes, or the command, of the request `id`.
    Cancel {
        id: u64,
    },
    /// The next push of the subscription `id` comes now and not at its interval; a table comes whole
    /// if `whole`, which is how a line that is missing is mended.
    Refresh {
        id: u64,
        #[serde(default)]
        whole: bool,
    },
    /// One page of the log.
    Journal {
        query: JournalQuery,
        #[serde(default)]
        sudo: Sudo,
    },
    /// The last entries, as many as the query's limit, and then each as it is written, until it is
    /// cancelled.
    JournalFollow {
        query: JournalQuery,
        #[serde(default)]
        sudo: Sudo,
    },
}

/// A line from the helper to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    Hello(Hello),
    Reply {
        id: u64,
        answer: Answer,
    },
    Push {
        id: u64,
        seq: u64,
        answer: Answer,
    },
    Fault {
        id: u64,
        fault: Fault,
    },
    /// No more pushes for this request.
    End {
        id: u64,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    System(Box<System>),
    Metrics(Box<Metrics>),
    Sockets(SocketTable),
    Services(ServiceTable),
    Processes(ProcessTable),
    Signal(Box<SignalReport>),
    Blame(Box<Blame>),
    Impact(Box<ServiceImpact>),
    Act(Box<ActionReport>),
    Run(Box<RunReport>),
    Cancelled {},
    Refreshed {},
    SocketNews(Box<News<SocketTable>>),
    ServiceNews(Box<News<ServiceTable>>),
    ProcessNews(Box<News<ProcessTable>>),
    Journal(Box<JournalPage>),
    JournalNews(Box<JournalNews>),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of version 0.1.0. They stay as they are: a later version must still read them.
    const RECORDED: [&str; 11] = [
        r#"{"hello":{"version":"0.1.0","can":["system","metrics"],"host":{"host_name":"web-1","kernel":"6.1.0","arch":"x86_64","user":"root","uid":0},"pid":77}}"#,
        r#"{"reply":{"id":1,"answer":{"system":{"at_ms":1,"host_name":"web-1","kernel":"6.1.0","arch":"x86_64","cpus":4}}}}"#,
        r#"{"push":{"id":2,"seq":1,"answer":{"metrics":{"at_ms":1,"load":[0.1,0.2,0.3]}}}}"#,
        r#"{"fault":{"id":3,"fault":{"code":"unit_unknown","message":"no such unit"}}}"#,
        r#"{"end":{"id":2}}"#,
        r#"{"push":{"id":4,"seq":9,"answer":{"sockets":{"sockets":[{"protocol":"quic","state":"new-state"}]}}}}"#,
        r#"{"reply":{"id":5,"answer":{"processes":{"at_ms":1,"processes":[{"pid":7,"start_ticks":99,"name":") R 1 (\n","state":"parked"}]}}}}"#,
        r#"{"reply":{"id":6,"answer":{"signal":{"process":{"pid":7},"held":true,"ended_ms":12}}}}"#,
        r#"{"push":{"id":7,"seq":1,"answer":{"process_news":{"whole":{"generation":1,"table":{"processes":[{"pid":7}]}}}}}}"#,
        r#"{"push":{"id":7,"seq":2,"answer":{"process_news":{"delta":{"generation":1,"head":{"at_ms":2},"rows":1,"added":[{"pid":8}],"changed":[[0,{"unit":null,"name":"x"}]],"gone":[0]}}}}}"#,
        r#"{"reply":{"id":8,"answer":{"refreshed":{}}}}"#,
    ];

    #[test]
    fn recorded_lines_of_every_version_are_read() {
        for line in RECORDED {
            serde_json::from_str::<Line>(line).unwrap_or_else(|why| panic!("{line}: {why}"));
        }
    }

    #[test]
    fn a_request_is_one_line_and_comes_back() {
        let request =
            Request { id: 7, ask: Ask::Run { command: "a\nb".into(), sudo: Sudo::Nopasswd, limit_ms: None } };
        let line = serde_json::to_string(&request).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Request>(&line).unwrap(), request);
    }

    #[test]
    fn the_id_of_an_unknown_request_can_be_read() {
        let line = r#"{"id":12,"ask":{"teleport":{"to":"mars"}}}"#;
        assert!(serde_json::from_str::<Request>(line).is_err());
        assert_eq!(serde_json::from_str::<RequestId>(line).unwrap().id, 12);
    }

    #[test]
    fn no_list_of_a_line_takes_memory_without_limit() {
        let many = "{},".repeat(crate::delta::ROWS_LIMIT);
        for answer in [
            r#"{"metrics":{"disks":[MANY{}]}}"#,
            r#"{"system":{"jobs":[MANY{}]}}"#,
            r#"{"journal":{"entries":[MANY{}]}}"#,
            r#"{"blame":{"io":[MANY{}]}}"#,
            r#"{"impact":{"clients":[MANY{}]}}"#,
            r#"{"services":{"services":[MANY{}]}}"#,
        ] {
            let line = format!(r#"{{"reply":{{"id":1,"answer":{}}}}}"#, answer.replace("MANY", &many));
            let why = serde_json::from_str::<Line>(&line).unwrap_err();
            assert!(why.to_string().contains("longer than"), "{answer}: {why}");
            let short = line.replacen(&many, "", 1);
            assert!(serde_json::from_str::<Line>(&short).is_ok(), "{short}");
        }
    }
}
