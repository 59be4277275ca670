//! Signals that live as long as the window forget who once read them.
//!
//! A reader that is gone stays in the list of every signal that it read: the reactive graph takes it out only when it
//! runs again, which it never does. Of pages that come and go, and of rows that are scrolled through, that is a list
//! without end, which costs memory and, with each change of the signal, time. So a signal that changes often lets its
//! list go with each change, and one that seldom does is read by a page through a signal of the page's own.

use leptos::prelude::*;
use leptos::reactive::graph::Source;
use leptos_i18n::context::init_i18n_subcontext;

use crate::text::I18n;

/// Changes a signal and lets go of its list: who still reads it is told, runs again, and is in the list again.
pub(crate) fn renew<S: Update + Source>(signal: &S, change: impl FnOnce(&mut S::Value)) {
    signal.update(change);
    signal.clear_subscribers();
}

/// The same for a change that may be none; true if it was one.
pub(crate) fn renew_if<S: Update + Source>(signal: &S, change: impl FnOnce(&mut S::Value) -> bool) -> bool {
    let mut is_changed = false;
    signal.maybe_update(|value| {
        is_changed = change(value);
        is_changed
    });
    if is_changed {
        signal.clear_subscribers();
    }
    is_changed
}

/// What is below this owner, which is to be that of a page or a dialog, reads the language through a signal that goes
/// with it: each word of the window reads it, and it is hardly ever changed. `all` is the window's own.
pub(crate) fn own_locale(all: I18n) {
    // Of an owner that is used again, the one from before is gone.
    provide_context(all);
    provide_context(init_i18n_subcontext(Some(Signal::derive(move || all.get_locale()))));
}
