//! Typing the beginning of a name moves to its row, as lists of files do it. Pure.

/// After a pause as long as this, the next letter begins another name.
const PAUSE_MS: i64 = 1_000;

/// What was typed just now.
#[derive(Clone, Debug, Default)]
pub(crate) struct TypeAhead {
    typed: String,
    last_ms: i64,
}

/// The character of a key that is a part of a name. A space, `/` and `?` have another meaning in every
/// list, and keys such as `Tab` have a name of several characters.
pub(crate) fn letter(key: &str) -> Option<char> {
    let mut chars = key.chars();
    let only = chars.next().filter(|_| chars.next().is_none())?;
    let is_taken = only.is_whitespace() || only.is_control() || matches!(only, '/' | '?');
    (!is_taken).then_some(only)
}

impl TypeAhead {
    /// True while the next letter goes on with a name.
    pub(crate) fn is_under_way(&self, now_ms: i64) -> bool {
        !self.typed.is_empty() && (self.last_ms..self.last_ms + PAUSE_MS).contains(&now_ms)
    }

    /// Takes a letter and finds the row to move to, among `count` rows whose names `name` gives. `at` is
    /// the row that has the keyboard.
    ///
    /// The first letter looks below that row, so that the same letter again goes on to the next; more
    /// letters hold on to it for as long as it fits. The search goes round at the end.
    pub(crate) fn find(
        &mut self,
        letter: char,
        now_ms: i64,
        count: usize,
        at: Option<usize>,
        name: impl Fn(usize) -> String,
    ) -> Option<usize> {
        if !self.is_under_way(now_ms) {
            self.typed.clear();
        }
        self.last_ms = now_ms;
        self.typed.extend(letter.to_lowercase());
        let here = at.filter(|at| *at < count);
        let below = here.map_or(0, |here| here + 1);
        let look = |typed: &str, from: usize| {
            (0..count).map(|step| (from + step) % count).find(|at| begins_with(&name(*at), typed))
        };
        let mut letters = self.typed.chars();
        let first = letters.next()?;
        let is_one = letters.clone().next().is_none();
        let is_same = letters.all(|letter| letter == first);
        if is_one {
            return look(&self.typed, below);
        }
        let held = look(&self.typed, here.unwrap_or(0));
        // `www` is a name that begins so, or else three steps through those with a w.
        held.or_else(|| look(&first.to_string(), below).filter(|_| is_same))
    }
}

/// Upper and lower case are the same. Brackets and the like before a name, such as those of threads of
/// the kernel, need not be typed.
fn begins_with(name: &str, typed: &str) -> bool {
    let name = name.to_lowercase();
    let bare = name.trim_start_matches(|c: char| !c.is_alphanumeric());
    name.starts_with(typed) || bare.starts_with(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [&str; 8] =
        ["alpha", "[kworker/0:1]", "nginx.service", "Nginx-debug", "网站-1", "网关", "web-1", "WWW-old"];

    /// Types each letter a tenth of a second after the one before, and tells where that leads.
    fn type_in(ahead: &mut TypeAhead, text: &str, at: Option<&str>, from_ms: i64) -> Option<&'static str> {
        let place = |name: Option<&str>| name.and_then(|name| ROWS.iter().position(|row| *row == name));
        let mut here = place(at);
        let mut found = None;
        for (n, letter) in text.chars().enumerate() {
            let now_ms = from_ms + n as i64 * 100;
            found = ahead.find(letter, now_ms, ROWS.len(), here, |row| ROWS[row].to_owned());
            here = found.or(here);
        }
        found.map(|at| ROWS[at])
    }

    fn typed(text: &str, at: Option<&str>) -> Option<&'static str> {
        type_in(&mut TypeAhead::default(), text, at, 10_000)
    }

    #[test]
    fn letters_find_a_row_in_any_case_and_in_chinese() {
        assert_eq!(typed("web", None), Some("web-1"));
        assert_eq!(typed("NGINX-", None), Some("Nginx-debug"));
        assert_eq!(typed("网", None), Some("网站-1"));
        assert_eq!(typed("网关", None), Some("网关"));
        assert_eq!(typed("nothing", None), None);
    }

    #[test]
    fn the_same_letter_goes_on_and_round() {
        assert_eq!(typed("n", Some("nginx.service")), Some("Nginx-debug"));
        assert_eq!(typed("nn", Some("alpha")), Some("Nginx-debug"));
        assert_eq!(typed("nnn", Some("alpha")), Some("nginx.service"), "after the last comes the first");
        assert_eq!(typed("a", Some("WWW-old")), Some("alpha"));
        assert_eq!(typed("a", Some("alpha")), Some("alpha"), "the only one is found again");
    }

    #[test]
    fn a_name_of_the_same_letters_is_found_before_the_next_of_one_letter() {
        assert_eq!(typed("www", None), Some("WWW-old"));
    }

    #[test]
    fn more_letters_hold_on_to_the_row_that_fits() {
        assert_eq!(typed("ng", Some("alpha")), Some("nginx.service"));
        assert_eq!(typed("nginx-d", Some("alpha")), Some("Nginx-debug"));
    }

    #[test]
    fn after_a_pause_another_name_begins() {
        let mut ahead = TypeAhead::default();
        assert_eq!(type_in(&mut ahead, "we", None, 10_000), Some("web-1"));
        assert_eq!(type_in(&mut ahead, "a", Some("web-1"), 11_100), Some("alpha"));
        let mut ahead = TypeAhead::default();
        type_in(&mut ahead, "we", None, 10_000);
        assert_eq!(type_in(&mut ahead, "a", Some("web-1"), 11_000), None, "within the second it is `wea`");
        assert_eq!(
            type_in(&mut ahead, "a", None, 5_000),
            Some("alpha"),
            "a clock that was set back is a pause"
        );
    }

    #[test]
    fn a_name_is_under_way_until_the_pause() {
        let mut ahead = TypeAhead::default();
        assert!(!ahead.is_under_way(0), "nothing was typed");
        type_in(&mut ahead, "w", None, 10_000);
        assert!(ahead.is_under_way(10_999));
        assert!(!ahead.is_under_way(11_000) && !ahead.is_under_way(9_000));
    }

    #[test]
    fn what_stands_before_a_name_need_not_be_typed_but_may_be() {
        assert_eq!(typed("kwor", None), Some("[kworker/0:1]"));
        assert_eq!(typed("[k", None), Some("[kworker/0:1]"));
    }

    #[test]
    fn keys_that_mean_something_else_are_no_letters() {
        for key in ["Tab", "F2", "Process", "Dead", " ", "/", "?", "", "\u{7f}"] {
            assert_eq!(letter(key), None, "{key:?}");
        }
        for (key, is) in [("a", 'a'), ("E", 'E'), ("网", '网'), ("-", '-'), ("7", '7')] {
            assert_eq!(letter(key), Some(is));
        }
    }

    #[test]
    fn an_empty_table_has_no_row_to_move_to() {
        assert_eq!(TypeAhead::default().find('a', 1, 0, Some(3), |_| String::new()), None);
    }
}
