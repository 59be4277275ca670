//! What the window shows: waiting for it, and reading it.

use std::time::{Duration, Instant};

use fantoccini::Locator;

use super::{LIMIT, Window, by_testid};
use crate::wait::until;

/// How long a part of the page may take until it can be seen, where it does not appear at once.
const APPEARS: Duration = Duration::from_secs(3);

impl Window {
    /// Waits for a part of the page.
    pub fn wait_for(&self, testid: &str) {
        self.find(&by_testid(testid));
    }

    /// Waits for anything that a CSS selector names.
    pub fn wait_for_css(&self, selector: &str) {
        self.find(selector);
    }

    /// Waits until a part is gone from the page.
    pub fn wait_gone(&self, testid: &str) {
        until(&format!("{testid} to go"), LIMIT, || (!self.has(testid)).then_some(()));
    }

    pub fn has(&self, testid: &str) -> bool {
        let all = self.runtime.block_on(self.client().find_all(Locator::Css(&by_testid(testid))));
        all.is_ok_and(|found| !found.is_empty())
    }

    /// Waits until the page has this many parts that a CSS selector names.
    pub fn wait_for_count(&self, selector: &str, count: usize) {
        until(&format!("{count} of {selector}"), LIMIT, || {
            let all = self.runtime.block_on(self.client().find_all(Locator::Css(selector)));
            all.is_ok_and(|found| found.len() == count).then_some(())
        });
    }

    /// The text that a part shows; that of one which is just appearing once it can be seen.
    pub fn text(&self, testid: &str) -> String {
        let part = self.find(&by_testid(testid));
        let read = async {
            let limit = Instant::now() + APPEARS;
            loop {
                let text = part.text().await?;
                let is_hidden = text.is_empty() && part.prop("textContent").await?.is_some_and(has_words);
                if !is_hidden || Instant::now() > limit {
                    return Ok::<_, fantoccini::error::CmdError>(text);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        self.runtime
            .block_on(read)
            .unwrap_or_else(|why| self.give_up(&format!("{testid} has no text: {why}")))
    }

    /// What a field holds.
    pub fn value(&self, testid: &str) -> String {
        let field = self.find(&by_testid(testid));
        let value = self.runtime.block_on(field.prop("value"));
        let value = value.unwrap_or_else(|why| self.give_up(&format!("{testid} has no value: {why}")));
        value.unwrap_or_default()
    }

    /// Waits until a part shows text that is as wanted, and gives it.
    pub fn wait_text(&self, testid: &str, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.wait_read(
            || self.text(testid),
            wanted,
            |text| format!("{testid} does not show {what} but '{text}'"),
        )
    }

    /// All words of a part of the page, once it is there. The driver takes a name that is cut at the edge of its
    /// column for hidden, and leaves it out of the text.
    pub fn words(&self, testid: &str) -> String {
        self.wait_for(testid);
        let part = by_testid(testid).replace('\'', "\\'");
        let words = self.script(&format!("return document.querySelector('{part}')?.textContent ?? ''"));
        words.as_str().unwrap_or_default().to_owned()
    }

    /// As `wait_text`, with all words.
    pub fn wait_words(&self, testid: &str, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.wait_read(
            || self.words(testid),
            wanted,
            |words| format!("{testid} does not say {what} but '{words}'"),
        )
    }

    /// Waits until the page as a whole shows a text.
    pub fn wait_page(&self, text: &str) {
        let has_it = |page: &str| page.contains(text);
        self.wait_read(|| self.text_of_page(), has_it, |_| format!("the page does not show '{text}'"));
    }

    /// The part of the page that has the keyboard.
    pub fn focused(&self) -> String {
        let testid = self.script("return document.activeElement.dataset.testid ?? ''");
        testid.as_str().unwrap().to_owned()
    }

    /// Reads until it is as wanted; after the limit the test ends with what is said then.
    fn wait_read(
        &self,
        read: impl Fn() -> String,
        wanted: impl Fn(&str) -> bool,
        otherwise: impl Fn(&str) -> String,
    ) -> String {
        let start = Instant::now();
        loop {
            let text = read();
            if wanted(&text) {
                return text;
            }
            if start.elapsed() > LIMIT {
                self.give_up(&otherwise(&text));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn has_words(text: String) -> bool {
    !text.trim().is_empty()
}
