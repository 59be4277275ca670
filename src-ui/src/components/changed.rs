//! Marks the cells of a row that a refresh changed.

use leptos::prelude::*;

/// Marks the cells whose words a refresh changed; those of another question are no change. A cell
/// that is `data-quiet` changes all the time and is left alone.
pub(super) fn mark_changes<R: Send + Sync + 'static>(
    element: NodeRef<leptos::html::Div>,
    row: ArcRwSignal<R>,
    question: RwSignal<u64>,
) {
    let before = StoredValue::new(None::<(u64, Vec<String>)>);
    Effect::new(move |_| {
        row.track();
        // The cells are drawn by effects of the same change: read them after those.
        request_animation_frame(move || {
            let Some(Some(element)) = element.try_get_untracked() else { return };
            let Some(question) = question.try_get_untracked() else { return };
            let cells = element.children();
            let cells: Vec<web_sys::Element> = (0..cells.length())
                .filter_map(|at| cells.item(at))
                .filter(|cell| cell.matches(".cell").unwrap_or(false))
                .collect();
            let words: Vec<String> =
                cells.iter().map(|cell| cell.text_content().unwrap_or_default()).collect();
            let Some(old) = before.try_update_value(|before| before.replace((question, words.clone())))
            else {
                return;
            };
            let old = old.filter(|(asked, old)| *asked == question && old.len() == words.len());
            for (at, cell) in cells.iter().enumerate() {
                let is_changed = old.as_ref().is_some_and(|(_, old)| old[at] != words[at]);
                if is_changed && !cell.has_attribute("data-quiet") {
                    // Another name starts the animation anew.
                    let turn =
                        if cell.get_attribute("data-changed").as_deref() == Some("a") { "b" } else { "a" };
                    let _ = cell.set_attribute("data-changed", turn);
                } else {
                    let _ = cell.remove_attribute("data-changed");
                }
            }
        });
    });
}
