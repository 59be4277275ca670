//! The columns of the list of hosts: what each says of a host, and the order it gives. Pure.

use std::cmp::Ordering;

use protocol::hosts::{HostGlance, HostRow};
use protocol::sockets::endpoint;
use protocol::text::printable;

use crate::components::columns::Columns;
use crate::components::sort::{Sort, natural};
use crate::format::{self, Lang};
use crate::state::standing::{Standing, seen_ms};

/// Columns in their order on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Name,
    Tag,
    Address,
    State,
    Cpu,
    Memory,
    Disk,
    Load,
    Uptime,
    Failed,
    Seen,
}

impl Columns for Column {
    type Row = HostRow;
    const ALL: &'static [Self] = &[
        Column::Name,
        Column::Tag,
        Column::Address,
        Column::State,
        Column::Cpu,
        Column::Memory,
        Column::Disk,
        Column::Load,
        Column::Uptime,
        Column::Failed,
        Column::Seen,
    ];

    fn id(self) -> &'static str {
        match self {
            Column::Name => "name",
            Column::Tag => "tag",
            Column::Address => "address",
            Column::State => "state",
            Column::Cpu => "cpu",
            Column::Memory => "memory",
            Column::Disk => "disk",
            Column::Load => "load",
            Column::Uptime => "uptime",
            Column::Failed => "failed",
            Column::Seen => "seen",
        }
    }

    fn is_numeric(self) -> bool {
        !matches!(self, Column::Name | Column::Tag | Column::Address | Column::State)
    }

    fn text(self, row: &HostRow) -> String {
        let last = row.last.as_ref();
        let number = |pick: fn(&HostGlance) -> Option<f64>, words: fn(f64) -> String| {
            last.and_then(pick).map(words).unwrap_or_default()
        };
        match self {
            Column::Name => printable(&row.host.name).into_owned(),
            Column::Tag => printable(&row.host.tags.join(" ")).into_owned(),
            Column::Address => address(row),
            Column::State => Standing::of(&row.link).name().to_owned(),
            Column::Cpu => number(|last| last.cpu_pct, format::tenths),
            Column::Memory => number(|last| last.memory_pct, format::tenths),
            Column::Disk => last
                .and_then(|last| last.fullest_disk.as_ref())
                .map(|(mount, pct)| format!("{} {}", format::tenths(*pct), printable(mount)))
                .unwrap_or_default(),
            Column::Load => number(|last| last.load1, format::hundredths),
            Column::Uptime => last
                .and_then(|last| last.uptime_s)
                .map(|seconds| format::narrow_duration(seconds, Lang::English))
                .unwrap_or_default(),
            Column::Failed => {
                last.and_then(|last| last.failed_units).map(|count| count.to_string()).unwrap_or_default()
            }
            Column::Seen => seen_ms(row).map(format::stamp).unwrap_or_default(),
        }
    }

    fn plain(self, row: &HostRow) -> String {
        let number = |pick: fn(&HostGlance) -> Option<f64>| {
            row.last.as_ref().and_then(pick).map(|number| number.to_string()).unwrap_or_default()
        };
        match self {
            Column::Cpu => number(|last| last.cpu_pct),
            Column::Memory => number(|last| last.memory_pct),
            Column::Load => number(|last| last.load1),
            Column::Uptime => number(|last| last.uptime_s.map(|seconds| seconds as f64)),
            Column::Name
            | Column::Tag
            | Column::Address
            | Column::State
            | Column::Disk
            | Column::Failed
            | Column::Seen => self.text(row),
        }
    }

    fn compare(self, a: &HostRow, b: &HostRow, by: Sort) -> Ordering {
        let number = |pick: fn(&HostGlance) -> Option<f64>| {
            let pick = |row: &HostRow| row.last.as_ref().and_then(pick);
            by.missing_last(pick(a), pick(b), |x: &f64, y: &f64| x.total_cmp(y))
        };
        let text = |a: &str, b: &str| by.turn(natural(a, b));
        match self {
            Column::Name => text(&a.host.name, &b.host.name),
            Column::Tag => by.missing_last(a.host.tags.first(), b.host.tags.first(), |a, b| natural(a, b)),
            Column::Address => text(&a.host.address, &b.host.address),
            Column::State => by.turn(Standing::of(&a.link).cmp(&Standing::of(&b.link))),
            Column::Cpu => number(|last| last.cpu_pct),
            Column::Memory => number(|last| last.memory_pct),
            Column::Disk => number(|last| last.fullest_disk.as_ref().map(|(_, pct)| *pct)),
            // By what a core has to carry, else large hosts are always first.
            Column::Load => {
                number(|last| Some(last.load1? / f64::from(last.cores.filter(|cores| *cores > 0)?)))
            }
            Column::Uptime => number(|last| last.uptime_s.map(|seconds| seconds as f64)),
            Column::Failed => number(|last| last.failed_units.map(f64::from)),
            Column::Seen => by.missing_last(seen_ms(a), seen_ms(b), Ord::cmp),
        }
    }
}

/// The port only where it is not the usual one: the column is narrow. Safe to show.
pub(crate) fn address(row: &HostRow) -> String {
    printable(&place(row)).into_owned()
}

/// The same as it is.
pub(crate) fn place(row: &HostRow) -> String {
    let host = &row.host;
    if host.port == 22 || host.is_local() { host.address.clone() } else { endpoint(&host.address, host.port) }
}

#[cfg(test)]
mod tests {
    use protocol::hosts::Host;
    use protocol::link::LinkState;

    use super::*;
    use crate::components::columns::{as_csv, as_text, shown};
    use crate::components::shape::Shape;

    fn row() -> HostRow {
        HostRow {
            host: Host {
                id: "1".into(),
                name: "web-1".into(),
                address: "192.0.2.1".into(),
                port: 2222,
                user: "ann".into(),
                identity: Default::default(),
                jump: None,
                groups: Vec::new(),
                tags: vec!["=cmd()".into(), "a,b".into()],
                sudo: Default::default(),
                helper_dir: None,
                helper: Default::default(),
                added_ms: 0,
            },
            link: LinkState::Idle,
            last: Some(HostGlance {
                cpu_pct: Some(12.34),
                fullest_disk: Some(("/va\u{1b}r".into(), 80.0)),
                uptime_s: Some(90),
                ..HostGlance::default()
            }),
        }
    }

    #[test]
    fn a_host_is_copied_as_a_line_of_which_no_cell_is_a_formula() {
        let columns = shown(&Shape::default(), Column::id);
        let csv = as_csv::<Column>(&[row()], &columns);
        let mut lines = csv.lines();
        assert_eq!(lines.next(), Some("name,tag,address,state,cpu,memory,disk,load,uptime,failed,seen"));
        let line = lines.next().unwrap();
        assert!(line.starts_with("web-1,\"'=cmd() a,b\",192.0.2.1:2222,idle,12.34,,"), "{line}");
        assert!(line.ends_with(",90,,1970-01-01T00:00:00Z"), "seconds, and no count of units: {line}");
        assert!(!line.contains('\u{1b}') && lines.next().is_none());
        let text = as_text::<Column>(&[row()], &columns);
        assert!(text.starts_with("name ") && text.contains("\nweb-1 "), "{text}");
    }
}
