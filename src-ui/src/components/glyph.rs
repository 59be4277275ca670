//! State glyphs: one outline each, so that a state can be read in grey.
//!
//! A glyph never stands alone: the word is beside it, or `label` gives it to a screen reader.

use leptos::prelude::*;

use crate::state::standing::Standing;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GlyphName {
    /// Live.
    Live,
    /// Stale.
    Stale,
    /// Connecting.
    Connecting,
    /// Not connected.
    Idle,
    /// Name not resolved, port closed, no answer.
    Unreachable,
    /// Host key changed.
    KeyChanged,
    /// Sign-in refused.
    SignIn,
    /// Helper blocked or outdated, reading without it.
    Helper,
    /// Warning.
    Warning,
    /// Critical, unit failed.
    Critical,
    /// Done, recovered.
    Done,
    /// Operation failed.
    Failed,
    /// Partial: 3 of 4, or what may not be seen.
    Partial,
    /// Hint.
    Hint,
}

impl From<Standing> for GlyphName {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Live => Self::Live,
            Standing::Connecting => Self::Connecting,
            Standing::Stale => Self::Stale,
            Standing::Helper => Self::Helper,
            Standing::Unreachable => Self::Unreachable,
            Standing::KeyUnknown => Self::Hint,
            Standing::KeyChanged => Self::KeyChanged,
            Standing::SignIn => Self::SignIn,
            Standing::Failed => Self::Failed,
            Standing::Idle => Self::Idle,
        }
    }
}

/// A state glyph: 12 px in rows, 14 in page heads, 10 in counts.
#[component]
pub(crate) fn Glyph(
    #[prop(into)] name: Signal<GlyphName>,
    #[prop(default = 12)] size: u32,
    /// Name for a screen reader, where no word stands beside it.
    #[prop(optional, into)]
    label: Option<Signal<String>>,
) -> impl IntoView {
    move || {
        let name = name.get();
        let class = if name == GlyphName::Connecting { "glyph turns" } else { "glyph" };
        view! {
            <svg
                class=class
                viewBox="0 0 12 12"
                width=size
                height=size
                role=label.map(|_| "img")
                aria-label=move || label.map(|label| label.get())
                aria-hidden=label.is_none().then_some("true")
            >
                {shape(name)}
            </svg>
        }
    }
}

fn shape(name: GlyphName) -> AnyView {
    match name {
        GlyphName::Live => view! { <circle cx="6" cy="6" r="3" fill="var(--ok)" /> }.into_any(),
        GlyphName::Stale => view! { <circle cx="6" cy="6" r="3.9" fill="none" stroke="var(--warn-fill)" stroke-width="1.3" /> <path d="M6 2.1a3.9 3.9 0 0 0 0 7.8z" fill="var(--warn-fill)" /> }.into_any(),
        GlyphName::Connecting => view! { <circle cx="6" cy="6" r="3.9" fill="none" stroke="var(--accent)" stroke-width="1.5" stroke-dasharray="4.3 3.86" stroke-linecap="round" /> }.into_any(),
        GlyphName::Idle => view! { <circle cx="6" cy="6" r="3.3" fill="none" stroke="var(--text-3)" stroke-width="1.3" /> }.into_any(),
        GlyphName::Unreachable => view! { <path d="m2.7 2.7 6.6 6.6M9.3 2.7 2.7 9.3" stroke="var(--crit)" stroke-width="1.9" stroke-linecap="round" /> }.into_any(),
        GlyphName::KeyChanged => view! { <path d="M4 .9h4L11.1 4v4L8 11.1H4L.9 8V4z" fill="var(--crit)" /> <path d="M6 3.1v3.5M6 8.7v.01" stroke="var(--bg-base)" stroke-width="1.6" stroke-linecap="round" /> }.into_any(),
        GlyphName::SignIn => view! { <rect x="1.8" y="5.2" width="8.4" height="5.8" rx="1" fill="var(--crit)" /> <path d="M3.7 5.2V3.7a2.3 2.3 0 0 1 4.6 0v1.5" fill="none" stroke="var(--crit)" stroke-width="1.5" /> }.into_any(),
        GlyphName::Helper => view! { <circle cx="6" cy="6" r="4.3" fill="none" stroke="var(--warn-fill)" stroke-width="1.4" /> <path d="M3.6 6h4.8" stroke="var(--warn-fill)" stroke-width="1.7" /> }.into_any(),
        GlyphName::Warning => view! { <path d="M6 1.6 11.2 10.6H.8z" fill="var(--warn-fill)" stroke="var(--warn-fill)" stroke-width=".8" stroke-linejoin="round" /> <path d="M6 4.6v2.7M6 8.9v.01" stroke="var(--bg-base)" stroke-width="1.3" stroke-linecap="round" /> }.into_any(),
        GlyphName::Critical => view! { <path d="M6 .8 11.2 6 6 11.2.8 6z" fill="var(--crit)" /> <path d="M6 3.6v2.7M6 8.3v.01" stroke="var(--bg-base)" stroke-width="1.4" stroke-linecap="round" /> }.into_any(),
        GlyphName::Done => view! { <path d="m2.2 6.4 2.7 2.7 5-5.7" fill="none" stroke="var(--ok)" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" /> }.into_any(),
        GlyphName::Failed => view! { <circle cx="6" cy="6" r="5" fill="var(--crit)" /> <path d="m4.2 4.2 3.6 3.6M7.8 4.2 4.2 7.8" stroke="var(--bg-base)" stroke-width="1.4" stroke-linecap="round" /> }.into_any(),
        GlyphName::Partial => view! { <circle cx="6" cy="6" r="4.3" fill="none" stroke="var(--warn-fill)" stroke-width="1.3" /> <path d="M6 6V1.7A4.3 4.3 0 1 1 1.7 6z" fill="var(--warn-fill)" /> }.into_any(),
        GlyphName::Hint => view! { <circle cx="6" cy="6" r="4.3" fill="none" stroke="var(--accent)" stroke-width="1.3" /> <path d="M6 5.6v2.5M6 3.9v.01" stroke="var(--accent)" stroke-width="1.4" stroke-linecap="round" /> }.into_any(),
    }
}
