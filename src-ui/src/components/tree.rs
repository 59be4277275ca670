//! Rows that lie in each other, as a `treegrid` of WAI-ARIA: where each stands, and what the keys to the
//! left and right do. Pure.

/// Where a row stands in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Branch {
    /// 1 for the outermost.
    pub(crate) level: usize,
    /// `None` for a row that cannot be folded.
    pub(crate) expanded: Option<bool>,
}

/// Tells where a row of a table stands.
pub(crate) type BranchOf<R> = fn(&R) -> Branch;

/// What a key to the side does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sideways {
    Fold,
    Unfold,
    /// Moves to the row at this place.
    Go(usize),
}

/// To the right: a folded row opens, an open one leads to the first row in it. To the left: an open row
/// folds, any other leads to the row that it lies in.
pub(crate) fn sideways(
    at: usize,
    count: usize,
    to_left: bool,
    branch: impl Fn(usize) -> Branch,
) -> Option<Sideways> {
    if at >= count {
        return None;
    }
    let own = branch(at);
    match (to_left, own.expanded) {
        (true, Some(true)) => Some(Sideways::Fold),
        (true, Some(false) | None) => {
            (0..at).rev().find(|above| branch(*above).level < own.level).map(Sideways::Go)
        }
        (false, Some(false)) => Some(Sideways::Unfold),
        (false, Some(true)) => {
            let below = at + 1;
            (below < count && branch(below).level > own.level).then_some(Sideways::Go(below))
        }
        (false, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Branch> {
        let head = |expanded| Branch { level: 1, expanded: Some(expanded) };
        let leaf = |level| Branch { level, expanded: None };
        // Web with two hosts, Database folded, an open group without rows, and one row of its own.
        vec![head(true), leaf(2), leaf(2), head(false), head(true), leaf(1)]
    }

    fn press(at: usize, to_left: bool) -> Option<Sideways> {
        let rows = rows();
        sideways(at, rows.len(), to_left, |at| rows[at])
    }

    #[test]
    fn an_open_row_folds_to_the_left_and_leads_inside_to_the_right() {
        assert_eq!(press(0, true), Some(Sideways::Fold));
        assert_eq!(press(0, false), Some(Sideways::Go(1)));
        assert_eq!(press(4, false), None, "there is nothing in it");
    }

    #[test]
    fn a_folded_row_opens_to_the_right_alone() {
        assert_eq!(press(3, false), Some(Sideways::Unfold));
        assert_eq!(press(3, true), None, "it lies in nothing");
    }

    #[test]
    fn a_row_leads_to_the_one_it_lies_in() {
        assert_eq!(press(2, true), Some(Sideways::Go(0)));
        assert_eq!(press(2, false), None);
        assert_eq!(press(5, true), None);
        assert_eq!(press(9, true), None, "a row that is gone");
    }
}
