//! The way from a filter field into the list below it, by Enter or the key down.

use leptos::prelude::*;

/// Gives what the field calls for it, which notifies `enter`. Who typed just now means the rows that this finds: while
/// the list `is_behind` what is asked for, it waits until that is over, which `track_answers` tells of. Whoever types
/// on has not left the field.
pub(crate) fn way_in(
    enter: Trigger,
    text: RwSignal<String>,
    is_behind: impl Fn() -> bool + Copy + Send + Sync + 'static,
    track_answers: impl Fn() + 'static,
) -> Callback<()> {
    let is_waiting = StoredValue::new(false);
    Effect::new(move |_| {
        text.track();
        is_waiting.set_value(false);
    });
    Effect::new(move |_| {
        track_answers();
        if is_waiting.get_value() && !untrack(is_behind) {
            is_waiting.set_value(false);
            // Where nothing was found before, the list is there by then.
            request_animation_frame(move || enter.notify());
        }
    });
    Callback::new(move |()| match untrack(is_behind) {
        true => is_waiting.set_value(true),
        false => enter.notify(),
    })
}
