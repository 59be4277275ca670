//! Which rows of a table are new: they came with a refresh, not with another question.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How long a row counts as new.
pub(crate) const NEW_FOR_MS: i64 = 60_000;

#[derive(Default)]
pub(crate) struct News {
    question: Option<u64>,
    seen: HashSet<String>,
    new: HashMap<String, i64>,
}

impl News {
    /// Takes the keys of an answer, and tells those that are new now. An answer to another question
    /// has rows that were only not asked for before: none of them is new by that.
    pub(crate) fn take(
        &mut self,
        question: u64,
        keys: impl Iterator<Item = String>,
        now_ms: i64,
    ) -> Arc<HashSet<String>> {
        let keys: HashSet<String> = keys.collect();
        self.new.retain(|_, since_ms| now_ms - *since_ms < NEW_FOR_MS);
        if self.question == Some(question) {
            self.new.retain(|key, _| keys.contains(key));
            let came = keys.difference(&self.seen).cloned();
            self.new.extend(came.map(|key| (key, now_ms)));
        }
        self.question = Some(question);
        let new = keys.iter().filter(|key| self.new.contains_key(*key)).cloned().collect();
        self.seen = keys;
        Arc::new(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(news: &mut News, question: u64, keys: &str, now_ms: i64) -> String {
        let new = news.take(question, keys.chars().map(String::from), now_ms);
        let mut new: Vec<&str> = new.iter().map(String::as_str).collect();
        new.sort_unstable();
        new.concat()
    }

    #[test]
    fn what_a_refresh_brings_is_new_for_a_minute() {
        let mut news = News::default();
        assert_eq!(take(&mut news, 1, "ab", 0), "", "the first answer is no news");
        assert_eq!(take(&mut news, 1, "abc", 1_000), "c");
        assert_eq!(take(&mut news, 1, "abcd", 2_000), "cd");
        assert_eq!(take(&mut news, 1, "abcd", 61_500), "d");
    }

    #[test]
    fn what_another_question_shows_was_there_before() {
        let mut news = News::default();
        take(&mut news, 1, "a", 0);
        take(&mut news, 1, "ab", 1_000);
        assert_eq!(take(&mut news, 2, "bcd", 2_000), "b", "b is still new, c and d were not asked for");
        assert_eq!(take(&mut news, 2, "bcde", 3_000), "be");
    }

    #[test]
    fn what_went_and_came_back_is_new_again() {
        let mut news = News::default();
        take(&mut news, 1, "ab", 0);
        assert_eq!(take(&mut news, 1, "a", 1_000), "");
        assert_eq!(take(&mut news, 1, "ab", 2_000), "b");
    }
}
