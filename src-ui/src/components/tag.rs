//! Tags, badges and key caps.

use leptos::prelude::*;

use super::marks::marked;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TagKind {
    /// Outline: a fact, such as `prod`.
    #[default]
    Fact,
    /// No outline: a fact that asks for nothing.
    Quiet,
    /// Tint: a judgement.
    Crit,
}

/// A word in a small box.
#[component]
pub(crate) fn Tag(
    #[prop(optional)] kind: TagKind,
    #[prop(into)] text: Signal<String>,
    /// Letters of it that a search matched.
    #[prop(optional, into)]
    at: Signal<Vec<u32>>,
) -> impl IntoView {
    let class = match kind {
        TagKind::Fact => "tag",
        TagKind::Quiet => "tag is-quiet",
        TagKind::Crit => "tag is-crit",
    };
    view! { <span class=class>{move || marked(&text.get(), &at.get())}</span> }
}

/// A count that wants to be seen; nothing is shown for zero.
#[component]
pub(crate) fn Badge(
    #[prop(into)] count: Signal<u64>,
    /// What is counted, for a screen reader.
    #[prop(into)]
    label: Signal<String>,
    #[prop(optional)] crit: bool,
    #[prop(optional)] testid: &'static str,
) -> impl IntoView {
    let class = if crit { "badge is-crit" } else { "badge" };
    move || {
        let count = count.get();
        (count > 0).then(|| {
            let shown = if count > 999 { "999+".to_owned() } else { count.to_string() };
            view! {
                <span class=class data-testid=testid data-count=count.to_string() aria-label=label.get()>
                    {shown}
                </span>
            }
        })
    }
}

/// The name of a key, as it is printed on a keyboard.
#[component]
pub(crate) fn KeyCap(#[prop(into)] key: String) -> impl IntoView {
    view! { <kbd class="keycap">{key}</kbd> }
}
