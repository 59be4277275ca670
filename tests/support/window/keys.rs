//! Keys that write nothing, by WebDriver's code points. What is held is let go by the same key, or at the end of
//! the text.

pub const BACKSPACE: &str = "\u{e003}";
pub const ENTER: &str = "\u{e007}";
pub const SHIFT: &str = "\u{e008}";
pub const CONTROL: &str = "\u{e009}";
pub const END: &str = "\u{e010}";
pub const HOME: &str = "\u{e011}";
pub const LEFT: &str = "\u{e012}";
pub const DOWN: &str = "\u{e015}";
pub const DELETE: &str = "\u{e017}";
