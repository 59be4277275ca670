//! The guard round sled: a panic inside becomes a text, and reaches neither a caller nor a screen.
//!
//! sled panics on damaged files where it should fail. The program must unwind (`panic = "unwind"`).

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; if it panics, gives the panic's text instead of letting it out.
pub(super) fn quietly<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    hush();
    let was_inside = INSIDE.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    INSIDE.set(was_inside);
    done.map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "no reason given".into());
        text.lines().next().unwrap_or_default().chars().take(200).collect()
    })
}

/// Sends panics inside the store, and of sled's own threads, to the log instead of stderr.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let thread = std::thread::current();
            let of_sled =
                thread.name().is_some_and(|name| name.starts_with("sled-") || name == "log flusher");
            if INSIDE.get() || of_sled {
                tracing::error!(%info, "sled gave up");
            } else {
                before(info);
            }
        }));
    });
}
