//! Names that come close to a mistyped one.

const MOST: usize = 3;

/// The closest names, best first; none if none comes close.
pub(super) fn closest<'n>(typed: &str, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let wanted = typed.to_lowercase();
    let longest = (wanted.chars().count() / 3).clamp(1, 3);
    let mut close: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let candidate = name.to_lowercase();
            let steps = if !wanted.is_empty() && (candidate.contains(&wanted) || wanted.contains(&candidate))
            {
                0
            } else {
                distance(&wanted, &candidate)
            };
            (steps <= longest).then_some((steps, name))
        })
        .collect();
    close.sort();
    let best = close.first().map_or(0, |(steps, _)| *steps);
    close.into_iter().filter(|(steps, _)| *steps == best).map(|(_, name)| name).take(MOST).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(a != b);
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_fingers_is_forgiven_and_a_stranger_is_not() {
        let names = ["web-1", "web-2", "db-1", "数据库-1"];
        for (typed, close) in [
            ("wbe-1", vec!["web-1"]),
            ("WEB-1", vec!["web-1"]),
            ("web", vec!["web-1", "web-2"]),
            ("数据库", vec!["数据库-1"]),
            ("mail", vec![]),
        ] {
            assert_eq!(closest(typed, names.into_iter()), close, "{typed}");
        }
    }

    #[test]
    fn the_distance_counts_single_slips() {
        for (from, to, steps) in
            [("", "", 0), ("ab", "ba", 1), ("abc", "abd", 1), ("abc", "", 3), ("web-1", "web-11", 1)]
        {
            assert_eq!(distance(from, to), steps, "{from} {to}");
        }
    }
}
