//! The hands on the window: the pointer and the keyboard, by the driver as a person has them, and as events that a
//! part of the page is told where keys come one right after the other or something is held.

use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MOUSE_BUTTON_MIDDLE, MouseActions, PointerAction};

use super::keys::{CONTROL, DELETE};
use super::{LIMIT, Window, by_testid};

/// The pointer's name, by which the driver knows from one action to the next where it is.
const MOUSE: &str = "mouse";

impl Window {
    /// Clicks a part once it is there and can be clicked.
    pub fn click(&self, testid: &str) {
        self.click_css(&by_testid(testid));
    }

    pub fn click_css(&self, selector: &str) {
        // A click on what is disabled does nothing and is no error: the page enables it when it may be.
        let enabled = format!("{selector}:not(:disabled)");
        let limit = Instant::now() + LIMIT;
        loop {
            // A refresh may replace the element between finding and clicking it, and a dialog that is about
            // to close lies over it.
            match self.runtime.block_on(self.find(&enabled).click()) {
                Ok(()) => return,
                Err(why) if Instant::now() > limit => {
                    self.give_up(&format!("{selector} cannot be clicked: {why}"));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Takes hold of a part with the pointer and moves it over another, where it is held until `drop`.
    pub fn drag(&self, from: &str, to: &str) {
        let (from, to) = (self.middle_of(from), self.middle_of(to));
        let step =
            |(x, y): (f64, f64)| PointerAction::MoveTo { duration: Some(Duration::from_millis(50)), x, y };
        let between = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
        let down = PointerAction::Down { button: MOUSE_BUTTON_LEFT };
        let moves = [step(from), down, step(between), step(to)];
        self.act(moves.into_iter().fold(MouseActions::new(MOUSE.to_owned()), MouseActions::then));
    }

    /// Moves the pointer over a part and leaves it there, and tells where that is in pixels of the page.
    pub fn point_at(&self, testid: &str) -> (f64, f64) {
        let (x, y) = self.middle_of(testid);
        let step = PointerAction::MoveTo { duration: Some(Duration::from_millis(50)), x, y };
        self.act(MouseActions::new(MOUSE.to_owned()).then(step));
        (x, y)
    }

    /// Lets go of what is held.
    pub fn drop(&self) {
        let up = PointerAction::Up { button: MOUSE_BUTTON_LEFT };
        self.act(MouseActions::new(MOUSE.to_owned()).then(up));
    }

    fn act(&self, actions: MouseActions) {
        let done = self.runtime.block_on(self.client().perform_actions(actions));
        done.unwrap_or_else(|why| self.give_up(&format!("the pointer does not move: {why}")));
    }

    /// In pixels of the page, from its corner.
    fn middle_of(&self, testid: &str) -> (f64, f64) {
        self.find(&by_testid(testid));
        let at = self.script(&format!(
            "const box = document.querySelector('{}').getBoundingClientRect();\
             return [box.x + box.width / 2, box.y + box.height / 2]",
            by_testid(testid)
        ));
        (at[0].as_f64().unwrap(), at[1].as_f64().unwrap())
    }

    /// Types into a field, in place of what it held.
    pub fn fill(&self, testid: &str, text: &str) {
        let field = self.find(&by_testid(testid));
        // As a person does it: the page sees each key, and no field is emptied behind its back.
        let done = self.runtime.block_on(async {
            if field.prop("value").await?.is_some_and(|value| !value.is_empty()) {
                field.send_keys(&select_all()).await?;
            }
            field.send_keys(text).await
        });
        done.unwrap_or_else(|why| self.give_up(&format!("{testid} takes no text: {why}")));
    }

    /// Presses keys in a field, one after the other, by WebDriver's code points where they write nothing.
    pub fn press(&self, testid: &str, keys: &str) {
        let field = self.find(&by_testid(testid));
        let done = self.runtime.block_on(field.send_keys(keys));
        done.unwrap_or_else(|why| self.give_up(&format!("{testid} takes no keys: {why}")));
    }

    /// Clicks a part with the middle button, by which desktops of X put in what is marked.
    pub fn click_middle(&self, testid: &str) {
        let (x, y) = self.middle_of(testid);
        let button = MOUSE_BUTTON_MIDDLE;
        let steps = [
            PointerAction::MoveTo { duration: Some(Duration::from_millis(50)), x, y },
            PointerAction::Down { button },
            PointerAction::Up { button },
        ];
        self.act(steps.into_iter().fold(MouseActions::new(MOUSE.to_owned()), MouseActions::then));
    }

    /// Takes all out of a field.
    pub fn empty(&self, testid: &str) {
        let field = self.find(&by_testid(testid));
        let done = self.runtime.block_on(async {
            field.send_keys(&select_all()).await?;
            field.send_keys(DELETE).await
        });
        done.unwrap_or_else(|why| self.give_up(&format!("{testid} cannot be emptied: {why}")));
    }

    /// Presses Esc where the keyboard is.
    pub fn press_escape(&self) {
        self.script(
            "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))",
        );
    }

    /// Presses keys in a part that takes the keyboard, one right after the other as fast hands do. What is held with
    /// them is told by the words of an event: `ctrlKey: true`, or nothing.
    pub fn press_in(&self, selector: &str, keys: &[&str], held: &str) {
        self.find(selector);
        self.script(&format!(
            "const part = document.querySelector('{selector}'); part.focus();\
             for (const key of {keys:?})\
                 part.dispatchEvent(new KeyboardEvent('keydown',\
                     {{key, bubbles: true, cancelable: true, {held}}}))"
        ));
    }

    /// Presses the pointer on a row without letting go, which would open it. What is held is told as above.
    pub fn press_row(&self, testid: &str, held: &str) {
        self.wait_for(testid);
        let row = by_testid(testid);
        self.script(&format!(
            "document.querySelector('{row}').dispatchEvent(new MouseEvent('mousedown', {{bubbles: true, {held}}}))"
        ));
    }
}

/// Both are let go at the end of the text.
fn select_all() -> String {
    format!("{CONTROL}a")
}
