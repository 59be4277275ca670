//! What of a table is in sight: its size, and the rows that stay there while others come above them.

use std::sync::Arc;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;

use super::anchor::moved;

/// Measures of the part that scrolls.
#[derive(Clone, Copy)]
pub(super) struct Sight {
    pub(super) body: NodeRef<leptos::html::Div>,
    pub(super) row_px: f64,
    pub(super) top_px: RwSignal<f64>,
    pub(super) left_px: RwSignal<i32>,
    pub(super) height_px: RwSignal<f64>,
    /// Width of the scroll bar, where it takes room of its own.
    pub(super) gutter_px: RwSignal<i32>,
    pub(super) width_px: RwSignal<i32>,
}

impl Sight {
    pub(super) fn new(row_px: f64) -> Self {
        let own = Self {
            body: NodeRef::new(),
            row_px,
            top_px: RwSignal::new(0.0),
            left_px: RwSignal::new(0),
            height_px: RwSignal::new(800.0),
            gutter_px: RwSignal::new(0),
            width_px: RwSignal::new(i32::MAX),
        };
        own.follow_size();
        own
    }

    /// After the body was scrolled.
    pub(super) fn scrolled(self, body: &web_sys::HtmlElement) {
        self.top_px.set(f64::from(body.scroll_top()));
        let left_px = body.scroll_left();
        if self.left_px.get_untracked() != left_px {
            self.left_px.set(left_px);
        }
    }

    fn follow_size(self) {
        let Self { body, height_px, gutter_px, width_px, .. } = self;
        let watched = StoredValue::new_local(None);
        Effect::new(move |_| {
            let Some(body) = body.get() else { return };
            height_px.set(f64::from(body.client_height()));
            gutter_px.set(body.offset_width() - body.client_width());
            width_px.set(body.offset_width());
            let measured = body.clone();
            let changed = Closure::<dyn FnMut()>::new(move || {
                if measured.client_height() > 0 {
                    height_px.try_set(f64::from(measured.client_height()));
                    gutter_px.try_set(measured.offset_width() - measured.client_width());
                    width_px.try_set(measured.offset_width());
                }
            });
            // Without an observer the height at the first drawing stays, with a margin of rows.
            if let Ok(observer) = web_sys::ResizeObserver::new(changed.as_ref().unchecked_ref()) {
                observer.observe(&body);
                watched.set_value(Some((observer, changed)));
            }
        });
        on_cleanup(move || {
            if let Some(Some((observer, _))) = watched.try_update_value(Option::take) {
                observer.disconnect();
            }
        });
    }

    /// Keeps the rows in sight that are, also when a refresh brings others above them; at the top it stays
    /// at the top. `asked` is what makes the rows others: another question or another order moves nothing.
    pub(super) fn hold_on<R, Q>(
        self,
        rows: Signal<Arc<Vec<R>>>,
        key: fn(&R) -> String,
        asked: impl Fn() -> Q + 'static,
    ) where
        R: Send + Sync + 'static,
        Q: PartialEq + Send + Sync + 'static,
    {
        let before = StoredValue::new(None::<(Q, Arc<Vec<R>>)>);
        Effect::new(move |_| {
            let now = rows.get();
            let asked = asked();
            let old = before.try_update_value(|before| before.replace((asked, now.clone()))).flatten();
            let same = before.with_value(|before| match (&old, before) {
                (Some((was, _)), Some((is, _))) => was == is,
                _ => false,
            });
            let top_px = self.top_px.get_untracked();
            let Some((_, old)) = old.filter(|_| same && top_px > 0.0) else { return };
            let first = (top_px / self.row_px) as usize;
            let shown = (self.height_px.get_untracked() / self.row_px).ceil() as usize;
            let seen: Vec<String> = old.iter().skip(first).take(shown).map(key).collect();
            let by = moved(first, &seen, now.len(), |at| now.get(at).map(key).unwrap_or_default());
            if by == 0 {
                return;
            }
            let by_px = by as f64 * self.row_px;
            self.top_px.set((top_px + by_px).max(0.0));
            // The list has its new height once the effects of the same change are done, and nothing is
            // painted before this.
            request_animation_frame(move || {
                if let Some(Some(body)) = self.body.try_get_untracked() {
                    body.set_scroll_top(body.scroll_top() + by_px as i32);
                }
            });
        });
    }
}
