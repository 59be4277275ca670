//! The order of the list of hosts: groups, filter, sort. Pure, so that it is tested natively.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use protocol::fuzzy::{self, By, Fuzzy};
use protocol::hosts::{Host, HostRow};
use protocol::text::printable;

use super::columns::Column;
use crate::components::columns::Columns;
use crate::components::sort::{Sort, natural};
use crate::components::tree::Branch;
use crate::components::view::{LONGEST_LINE_BYTES, is_fit};
use crate::search::is_for_palette;
use crate::state::standing::Standing;

/// The order by how well a host matches what is searched for. No column has this name, so no head is marked.
const BY_MATCH: Sort = Sort { column: "match", descending: true };

/// How a person has the list: sorted how, which groups are folded. The words that filter it stand in the
/// search field of every page and are only remembered beside it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HostsView {
    sort: Sort,
    /// The order was chosen since words are searched for, and so goes before how well a host matches them.
    sorted_since: bool,
    pub(crate) folded: BTreeSet<String>,
}

impl Default for HostsView {
    fn default() -> Self {
        Self { sort: Sort::by("name"), sorted_since: false, folded: BTreeSet::new() }
    }
}

impl HostsView {
    /// The order of the list while these words are searched for: who looks for something means what matches best,
    /// until another order is chosen.
    pub(crate) fn order(&self, text: &str) -> Sort {
        if text.trim().is_empty() || self.sorted_since { self.sort } else { BY_MATCH }
    }

    /// Takes an order that a person chose while these words were searched for.
    pub(crate) fn choose(&mut self, sort: Sort, text: &str) {
        if sort != BY_MATCH {
            self.sort = sort;
            self.sorted_since = !text.trim().is_empty();
        }
    }

    /// Nothing is searched for any more; true if that changes something.
    pub(crate) fn end_search(&mut self) -> bool {
        std::mem::take(&mut self.sorted_since)
    }

    /// As one line of JSON, to be remembered with the words that the list is filtered by.
    pub(crate) fn to_line(&self, text: &str) -> String {
        serde_json::json!({
            "text": text,
            "column": self.sort.column,
            "descending": self.sort.descending,
            "sorted_since": self.sorted_since,
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
            sorted_since: bool,
            folded: BTreeSet<String>,
        }
        let line = if line.len() > LONGEST_LINE_BYTES { "" } else { line };
        let Remembered { text, column, descending, sorted_since, folded } =
            serde_json::from_str(line).unwrap_or_default();
        // What would open the palette is no filter of this list.
        let is_filter = is_fit(&text) && !is_for_palette(&text);
        let text = if is_filter { text } else { String::new() };
        let sorted_since = sorted_since && !text.trim().is_empty();
        let column = Column::of(&column);
        let sort =
            column.map_or(HostsView::default().sort, |column| Sort { column: column.id(), descending });
        (HostsView { sort, sorted_since, folded }, text)
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

    /// The line of a host in the list of this group, or of its first one where it is not in that.
    pub(crate) fn of_host(host: &Host, group: &str) -> Line {
        let is_there = is_in_group(host, group);
        let group = if is_there { group } else { host.groups.first().map_or("", String::as_str) };
        Line::Host { name: host.name.clone(), group: group.to_owned() }
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

/// The hosts of the lines that are meant, each once.
pub(crate) fn hosts_of(lines: &[Line], is_meant: impl Fn(&str) -> bool) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut known = BTreeSet::new();
    for line in lines {
        if let Line::Host { name, .. } = line
            && is_meant(&line.key())
            && known.insert(name)
        {
            names.push(name.clone());
        }
    }
    names
}

/// What a person looks for in the list of hosts, ready to be held against many.
pub(crate) struct Sought {
    words: String,
    fuzzy: Fuzzy,
}

impl Sought {
    pub(crate) fn new(words: &str) -> Self {
        Self { words: words.to_owned(), fuzzy: Fuzzy::new(words) }
    }

    /// The same for other words.
    pub(crate) fn look_for(&mut self, words: &str) {
        if self.words != words {
            *self = Self::new(words);
        }
    }

    pub(crate) fn finds(&mut self, row: &HostRow) -> bool {
        self.score(row).is_some()
    }

    /// How well a host matches; `None` if not every word matches something that a person knows it by: names by
    /// their letters in order, addresses and users as they are written, a state as a whole.
    fn score(&mut self, row: &HostRow) -> Option<u32> {
        if self.fuzzy.is_empty() {
            return Some(0);
        }
        let column = |name, text, by| fuzzy::Column { name, text, by };
        let host = &row.host;
        let mut columns = vec![
            column("name", host.name.as_str(), By::Letters),
            column("address", host.address.as_str(), By::Text),
            column("user", host.user.as_str(), By::Text),
            column("state", Standing::of(&row.link).name(), By::Whole),
        ];
        columns.extend(host.tags.iter().map(|tag| column("tag", tag.as_str(), By::Letters)));
        columns.extend(host.groups.iter().map(|group| column("group", group.as_str(), By::Letters)));
        let os = row.last.as_ref().and_then(|last| last.os.as_deref());
        columns.extend(os.map(|os| column("os", os, By::Text)));
        self.fuzzy.score(&columns)
    }

    /// The letters of a text that match, to mark them.
    pub(crate) fn letters(&mut self, text: &str, by: By) -> Vec<u32> {
        self.fuzzy.letters(text, by)
    }
}

/// The lines of the list, in order. While a person searches, no fold hides a match; the groups keep their order
/// whatever is in them.
pub(crate) fn lines(rows: &[HostRow], view: &HostsView, text: &str) -> Vec<Line> {
    let text = text.trim();
    let mut sought = Sought::new(text);
    let mut found: Vec<(u32, &HostRow)> =
        rows.iter().filter_map(|row| Some((sought.score(row)?, row))).collect();
    let is_by_match = view.order(text) == BY_MATCH;
    found.sort_by(|(of_a, a), (of_b, b)| {
        let order = if is_by_match { of_b.cmp(of_a) } else { Ordering::Equal };
        order.then_with(|| compare(a, b, view.sort))
    });
    let found: Vec<&HostRow> = found.into_iter().map(|(_, row)| row).collect();

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
    is_in_group(&row.host, group)
}

fn is_in_group(host: &Host, group: &str) -> bool {
    if group.is_empty() { host.groups.is_empty() } else { host.groups.iter().any(|one| one == group) }
}

fn host_line(row: &HostRow, group: &str) -> Line {
    Line::Host { name: row.host.name.clone(), group: group.to_owned() }
}

/// By the column, then by name: what is equal there keeps a fixed order.
fn compare(a: &HostRow, b: &HostRow, sort: Sort) -> Ordering {
    let order = Column::of(sort.column).unwrap_or(Column::Name).compare(a, b, sort);
    order.then_with(|| natural(&a.host.name, &b.host.name)).then_with(|| a.host.id.cmp(&b.host.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::hosts::HostGlance;
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
    fn a_host_is_found_by_letters_in_order_and_its_address_as_it_is_written() {
        let view = HostsView::default();
        assert_eq!(names(&lines(&hosts(), &view, "dtbs")), ["[Database]", "db-1", "[Web]", "db-1"]);
        assert_eq!(names(&lines(&hosts(), &view, "w10")), ["[Web]", "web-10"]);
        assert_eq!(names(&lines(&hosts(), &view, "spr.ln")), [""; 0], "an address has no gaps");
        assert_eq!(names(&lines(&hosts(), &view, "idl")), [""; 0], "half a state is none");
        assert_eq!(lines(&hosts(), &view, "idle").len(), lines(&hosts(), &view, "").len());
    }

    #[test]
    fn what_matches_best_stands_first_until_another_order_is_chosen() {
        let best = |view: &HostsView, groups: &[&str], text: &str| {
            let rows = [
                row("a-wide-bench", groups, Some(5.0)),
                row("web-2", groups, Some(1.0)),
                row("web-1", groups, Some(9.0)),
            ];
            names(&lines(&rows, view, text))
        };
        let mut view = HostsView::default();
        view.choose(Sort { column: "cpu", descending: true }, "");
        assert_eq!(best(&view, &[], ""), ["web-1", "a-wide-bench", "web-2"]);
        assert_eq!(best(&view, &[], "web"), ["web-1", "web-2", "a-wide-bench"], "what is alike by the order");
        assert_eq!(best(&view, &["b", "a"], "web")[..4], ["[a]", "web-1", "web-2", "a-wide-bench"]);
        assert_eq!(Column::of(view.order("web").column), None, "no head is marked");

        view.choose(Sort::by("name"), "web");
        assert_eq!(best(&view, &[], "web"), ["a-wide-bench", "web-1", "web-2"]);
        assert_eq!(view.order("web-"), Sort::by("name"), "it stays while the words are changed");
        assert!(view.end_search() && !view.end_search());
        assert_eq!(view.order(""), Sort::by("name"));
        assert_eq!(best(&view, &[], "web"), ["web-1", "web-2", "a-wide-bench"], "a new search begins anew");
        view.choose(view.order("web"), "web");
        assert_eq!(view.order(""), Sort::by("name"), "the order by match is never kept");
    }

    #[test]
    fn a_host_stands_where_it_was_or_in_its_first_group() {
        let stands = |groups: &[&str], before: &str| {
            let line = Line::of_host(&row("web", groups, None).host, before);
            let Line::Host { group, .. } = line else { panic!("{line:?}") };
            group
        };
        assert_eq!(stands(&["a", "b"], "b"), "b");
        assert_eq!(stands(&["a", "b"], "gone"), "a");
        assert_eq!(stands(&["a"], ""), "a");
        assert_eq!(stands(&[], "gone"), "");
    }

    #[test]
    fn the_letters_that_match_are_told() {
        let mut sought = Sought::new("w10 lan");
        assert_eq!(sought.letters("web-10", By::Letters), [0, 4, 5]);
        assert_eq!(sought.letters("web-10.lan", By::Text), [7, 8, 9]);
        sought.look_for("");
        assert_eq!(sought.letters("web-10", By::Letters), Vec::<u32>::new());
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
        view.choose(view.sort, "web");
        assert_eq!(HostsView::parse_line(&view.to_line("web 网站")), (view.clone(), "web 网站".to_owned()));
        assert_eq!(HostsView::parse_line(&view.to_line("")).0.order("web"), BY_MATCH, "of no search");
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
        assert_eq!(hosts_of(&lines, |_| true), ["db-1", "web-2", "web-10", "spare"]);
        assert_eq!(hosts_of(&lines, |key| key.ends_with("web-2")), ["web-2"]);
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
