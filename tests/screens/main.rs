//! Takes a picture of every page, dialog and menu of the real window, in both themes, both languages and two
//! sizes, into `target/screens`, for people to look at; and the four of the README into `docs`.
//!
//! With arguments only some of them: `pages`, `readme`.

#![expect(clippy::print_stderr, reason = "the list of pictures is for the person who waits for it")]
#![expect(clippy::unwrap_used, reason = "where a picture cannot be taken there is nothing else to do")]

mod camera;
mod readme;
mod rounds;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let is_wanted = |part: &str| wanted.is_empty() || wanted.iter().any(|one| one == part);
    if is_wanted("pages") {
        rounds::take();
    }
    if is_wanted("readme") {
        readme::take();
    }
}
