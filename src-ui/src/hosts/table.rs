//! The order of the list of hosts: groups, filter, sort. Pure, so that it is tested natively.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use protocol::hosts::{HostGlance, HostRow, LOCAL};
use protocol::text::printable;

use crate::components::sort::{Sort, natural};
use crate::components::tree::Branch;
use crate::components::view::{LONGEST_LINE_BYTES, is_fit};
use crate::search::is_question;
use crate::state::standing::{Standing, seen_ms};

/// The columns that the list can be sorted by.
const COLUMNS: [&str; 11] =
    ["name", "tag", "address", "state", "cpu", "memory", "disk", "load", "uptime", "failed", "seen"];

/// How a person has the list: sorted how, which groups are folded. The words that filter it stand in the
/// search field of every page and are only remembered beside it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HostsView {
    pub(crate) sort: Sort,
    pub(crate) folded: BTreeSet<String>,
}

impl Default for HostsView {
    fn default() -> Self {
        Self { sort: Sort::by("name"), folded: BTreeSet::new() }
    }
}

impl HostsView {
    /// As one line of JSON, to be remembered with the words that the list is filtered by.
    pub(crate) fn to_line(&self, text: &str) -> String {
        serde_json::json!({
            "text": text,
            "column": self.sort.column,
            "descending": self.sort.descending,
            "folded": self.folded,
        })
        .to_string()
    }

    /// Reads what was remembered; what cannot be read is as if nothing was.
    pub(crate) fn parse_line(line: &str) -> (HostsView, String) {
        #[derive(Default, serde::Deserialize)]
        #[serde(default)]
        struct Remembered {
            text: String,
            column: String,
            descending: bool,
            folded: BTreeSet<String>,
        }
        let line = if line.len() > LONGEST_LINE_BYTES { "" } else { line };
        let Remembered { text, column, descending, folded } = serde_json::from_str(line).unwrap_or_default();
        // What would open the palette is no filter of this list.
        let is_filter = is_fit(&text) && !is_question(&text) && !text.starts_with('>');
        let text = if is_filter { text } else { String::new() };
        let column = COLUMNS.into_iter().find(|known| *known == column);
        let sort = column.map_or(HostsView::default().sort, |column| Sort { column, descending });
        (HostsView { sort, folded }, text)
    }

    pub(crate) fn fold(&mut self, group: &str, is_folded: bool) {
        if is_folded {
            self.folded.insert(group.to_owned());
        } else {
            self.folded.remove(group);
        }
    }

    pub(crate) fn toggle(&mut self, group: &str) {
        if !self.folded.remove(group) {
            self.folded.insert(group.to_owned());
        }
    }
}

/// A line of the list. A host that is in two groups has a line in each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// The empty name is the group of those without one.
    Group {
        name: String,
        folded: bool,
    },
    Host {
        name: String,
        group: String,
    },
}

impl Line {
    /// What makes it the same line after a refresh.
    pub(crate) fn key(&self) -> String {
        match self {
            Line::Group { name, .. } => format!("g\u{1f}{name}"),
            Line::Host { name, group } => format!("h\u{1f}{group}\u{1f}{name}"),
        }
    }

    /// The name that typing finds; the group of those without one has none.
    pub(crate) fn shown_name(&self) -> String {
        match self {
            Line::Group { name, .. } | Line::Host { name, .. } => printable(name).into_owned(),
        }
    }

    /// A host lies in the head of its group.
    pub(crate) fn branch(&self) -> Branch {
        match self {
            Line::Group { folded, .. } => Branch { level: 1, expanded: Some(!folded) },
            Line::Host { .. } => Branch { level: 2, expanded: None },
        }
    }

    /// True for a host: the head of a group stands for no host of its own.
    pub(crate) fn is_host(&self) -> bool {
        matches!(self, Line::Host { .. })
    }

    /// The line that a key stands for.
    pub(crate) fn of_key(key: &str) -> Option<Line> {
        let mut parts = key.split('\u{1f}');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("g"), Some(name), None) => Some(Line::Group { name: name.into(), folded: false }),
            (Some("h"), Some(group), Some(name)) => {
                Some(Line::Host { name: name.into(), group: group.into() })
            }
            _ => None,
        }
    }
}

/// The hosts whose lines are chosen, each once, without this computer.
pub(crate) fn chosen_hosts(lines: &[Line], is_chosen: impl Fn(&str) -> bool) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in lines {
        if let Line::Host { name, .. } = line
            && name != LOCAL
            && !names.contains(name)
            && is_chosen(&line.key())
        {
            names.push(name.clone());
        }
    }
    names
}

/// True if every word of `text` occurs in what a person knows the host by.
pub(crate) fn matches(row: &HostRow, text: &str) -> bool {
    let host = &row.host;
    let known = [&host.name, &host.address, &host.user]
        .into_iter()
        .chain(&host.tags)
        .chain(&host.groups)
        .chain(row.last.as_ref().and_then(|last| last.os.as_ref()))
        .map(|text| text.to_lowercase())
        .collect::<Vec<_>>();
    let state = Standing::of(&row.link).name();
    text.to_lowercase()
        .split_whitespace()
        .all(|word| state == word || known.iter().any(|known| known.contains(word)))
}

/// The lines of the list, in order. While a person searches, no fold hides a match.
pub(crate) fn lines(rows: &[HostRow], view: &HostsView, text: &str) -> Vec<Line> {
    let text = text.trim();
    let mut found: Vec<&HostRow> = rows.iter().filter(|row| matches(row, text)).collect();
    found.sort_by(|a, b| compare(a, b, view.sort));

    let mut groups: Vec<&str> =
        found.iter().flat_map(|row| row.host.groups.iter().map(String::as_str)).collect();
    groups.sort_by(|a, b| natural(a, b).then_with(|| a.cmp(b)));
    groups.dedup();
    if groups.is_empty() {
        return found.into_iter().map(|row| host_line(row, "")).collect();
    }
    if found.iter().any(|row| row.host.groups.is_empty()) {
        groups.push("");
    }
    let mut lines = Vec::new();
    for group in groups {
        let folded = text.is_empty() && view.folded.contains(group);
        lines.push(Line::Group { name: group.to_owned(), folded });
        if !folded {
            lines.extend(found.iter().filter(|row| is_in(row, group)).map(|row| host_line(row, group)));
        }
    }
    lines
}

/// True if the host belongs to a group; the empty name is that of hosts without one.
pub(crate) fn is_in(row: &HostRow, group: &str) -> bool {
    if group.is_empty() { row.host.groups.is_empty() } else { row.host.groups.iter().any(|one| one == group) }
}

fn host_line(row: &HostRow, group: &str) -> Line {
    Line::Host { name: row.host.name.clone(), group: group.to_owned() }
}

fn compare(a: &HostRow, b: &HostRow, sort: Sort) -> Ordering {
    let number = |pick: fn(&HostGlance) -> Option<f64>| {
        let pick = |row: &HostRow| row.last.as_ref().and_then(pick);
        sort.missing_last(pick(a), pick(b), |x: &f64, y: &f64| x.total_cmp(y))
    };
    let text = |a: &str, b: &str| sort.turn(natural(a, b));
    let order = match sort.column {
        "tag" => sort.missing_last(a.host.tags.first(), b.host.tags.first(), |a, b| natural(a, b)),
        "address" => text(&a.host.address, &b.host.address),
        "state" => sort.turn(Standing::of(&a.link).cmp(&Standing::of(&b.link))),
        "cpu" => number(|last| last.cpu_pct),
        "memory" => number(|last| last.memory_pct),
        "disk" => number(|last| last.fullest_disk.as_ref().map(|(_, pct)| *pct)),
        // By what a core has to carry, else large hosts are always first.
        "load" => number(|last| Some(last.load1? / f64::from(last.cores.filter(|cores| *cores > 0)?))),
        "uptime" => number(|last| last.uptime_s.map(|seconds| seconds as f64)),
        "failed" => number(|last| last.failed_units.map(f64::from)),
        "seen" => sort.missing_last(seen_ms(a), seen_ms(b), Ord::cmp),
        _ => text(&a.host.name, &b.host.name),
    };
    order.then_with(|| natural(&a.host.name, &b.host.name)).then_with(|| a.host.id.cmp(&b.host.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::hosts::Host;
    use protocol::link::LinkState;

    fn row(name: &str, groups: &[&str], cpu_pct: Option<f64>) -> HostRow {
        HostRow {
            host: Host {
                id: format!("id-{name}"),
                name: name.into(),
                address: format!("{name}.lan"),
                port: 22,
                user: "root".into(),
                identity: Default::default(),
                jump: None,
                groups: groups.iter().map(|group| (*group).to_owned()).collect(),
                tags: vec!["prod".into()],
                sudo: Default::default(),
                helper_dir: None,
                helper: Default::default(),
                added_ms: 0,
            },
            link: LinkState::Idle,
            last: cpu_pct.map(|cpu| HostGlance { cpu_pct: Some(cpu), ..HostGlance::default() }),
        }
    }

    fn names(lines: &[Line]) -> Vec<String> {
        lines
            .iter()
            .map(|line| match line {
                Line::Group { name, .. } => format!("[{name}]"),
                Line::Host { name, .. } => name.clone(),
            })
            .collect()
    }

    fn hosts() -> Vec<HostRow> {
        vec![
            row("web-10", &["Web"], Some(1.0)),
            row("web-2", &["Web"], Some(9.0)),
            row("db-1", &["Database", "Web"], None),
            row("spare", &[], Some(5.0)),
        ]
    }

    #[test]
    fn a_host_stands_in_each_of_its_groups_and_the_rest_comes_last() {
        let lines = lines(&hosts(), &HostsView::default(), "");
        assert_eq!(names(&lines), ["[Database]", "db-1", "[Web]", "db-1", "web-2", "web-10", "[]", "spare"]);
    }

    #[test]
    fn hosts_without_groups_make_a_plain_list() {
        let rows = [row("b", &[], None), row("a", &[], None)];
        assert_eq!(names(&lines(&rows, &HostsView::default(), "")), ["a", "b"]);
    }

    #[test]
    fn a_search_finds_by_every_word_and_opens_folds() {
        let mut view = HostsView::default();
        view.toggle("Web");
        assert_eq!(names(&lines(&hosts(), &view, "")), ["[Database]", "db-1", "[Web]", "[]", "spare"]);
        assert_eq!(names(&lines(&hosts(), &view, "WEB 10.lan")), ["[Web]", "web-10"]);
        assert!(lines(&hosts(), &view, "web nothing").is_empty());
    }

    #[test]
    fn numbers_sort_from_the_greatest_and_the_unknown_is_last() {
        let view = HostsView { sort: Sort { column: "cpu", descending: true }, ..HostsView::default() };
        let rows: Vec<HostRow> = hosts()
            .into_iter()
            .map(|mut row| {
                row.host.groups.clear();
                row
            })
            .collect();
        assert_eq!(names(&lines(&rows, &view, "")), ["web-2", "spare", "web-10", "db-1"]);
    }

    #[test]
    fn sort_and_folds_are_remembered_and_what_is_not_understood_is_left() {
        let mut view = HostsView { sort: Sort { column: "cpu", descending: true }, ..HostsView::default() };
        view.toggle("Web");
        assert_eq!(HostsView::parse_line(&view.to_line("web 网站")), (view.clone(), "web 网站".to_owned()));
        let strange = r#"{"column":"from_the_future","descending":true,"folded":["Web"]}"#;
        let (strange, text) = HostsView::parse_line(strange);
        assert_eq!((strange.sort, strange.folded, text), (Sort::by("name"), view.folded, String::new()));
        let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(LONGEST_LINE_BYTES));
        for line in ["", "nonsense", "[[[[", r#"{"folded":3}"#, r#"{"text":null}"#, &long] {
            assert_eq!(HostsView::parse_line(line), (HostsView::default(), String::new()));
        }
    }

    #[test]
    fn a_remembered_filter_neither_opens_the_palette_nor_moves_the_text() {
        for text in [">remove", "port:22", "\u{202e}x", "a\u{1b}[2J"] {
            let line = HostsView::default().to_line(text);
            assert_eq!(HostsView::parse_line(&line).1, "", "{text:?}");
        }
    }

    #[test]
    fn a_host_that_is_chosen_in_two_groups_is_acted_on_once() {
        let lines = lines(&hosts(), &HostsView::default(), "");
        assert_eq!(chosen_hosts(&lines, |_| true), ["db-1", "web-2", "web-10", "spare"]);
        assert_eq!(chosen_hosts(&lines, |key| key.ends_with("web-2")), ["web-2"]);
    }

    #[test]
    fn hosts_lie_in_the_heads_of_their_groups() {
        let mut view = HostsView::default();
        view.fold("Web", true);
        view.fold("Web", true);
        let stand = |view: &HostsView| -> Vec<(usize, Option<bool>)> {
            let lines = lines(&hosts(), view, "");
            lines.iter().map(Line::branch).map(|branch| (branch.level, branch.expanded)).collect()
        };
        assert_eq!(stand(&view), [(1, Some(true)), (2, None), (1, Some(false)), (1, Some(true)), (2, None)]);
        view.fold("Web", false);
        assert_eq!(view, HostsView::default());
    }

    #[test]
    fn a_line_comes_back_from_its_key() {
        for line in lines(&hosts(), &HostsView::default(), "") {
            let back = Line::of_key(&line.key()).unwrap();
            assert_eq!(back.key(), line.key());
        }
        assert_eq!(Line::of_key("x"), None);
    }
}
