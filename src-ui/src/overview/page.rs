use leptos::prelude::*;

/// The live picture of one host; the host is that of `use_host()`.
#[component]
pub(crate) fn OverviewPage() -> impl IntoView {
    view! { <main class="page"></main> }
}
