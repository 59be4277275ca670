//! Tabs: the views of one thing, each with a path of its own.

use leptos::prelude::*;
use leptos_router::components::A;

use super::tag::Badge;

/// One view.
pub(crate) struct Tab {
    /// Behind the path of the thing; empty for its first view.
    pub(crate) path: &'static str,
    pub(crate) text: Signal<String>,
    pub(crate) testid: &'static str,
    /// What waits there, and how a screen reader says it.
    pub(crate) badge: Option<(Signal<u64>, Signal<String>)>,
}

impl Tab {
    pub(crate) fn new(
        path: &'static str,
        testid: &'static str,
        text: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        Self { path, text: Signal::derive(text), testid, badge: None }
    }

    /// The same with a count on it.
    pub(crate) fn counting(self, count: Signal<u64>, label: Signal<String>) -> Self {
        Self { badge: Some((count, label)), ..self }
    }
}

#[component]
pub(crate) fn Tabs(
    #[prop(into)] label: Signal<String>,
    /// Path of the thing.
    #[prop(into)]
    base: Signal<String>,
    tabs: Vec<Tab>,
) -> impl IntoView {
    let link = move |Tab { path, text, testid, badge }: Tab| {
        let href = move || match path {
            "" => base.get(),
            path => format!("{}/{path}", base.get()),
        };
        view! {
            <A href exact=path.is_empty() attr:class="tab" attr:data-testid=testid>
                {move || text.get()}
                {badge.map(|(count, label)| view! { <Badge count label testid="tab-badge" /> })}
            </A>
        }
    };
    view! {
        <nav class="tabs" aria-label=move || label.get()>
            {tabs.into_iter().map(link).collect_view()}
        </nav>
    }
}
