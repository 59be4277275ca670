use leptos::prelude::*;

/// The inbox of operations, of all hosts.
#[component]
pub(crate) fn OperationsPage() -> impl IntoView {
    view! { <main class="page"></main> }
}

/// The operations of one host; the host is that of `use_host()`.
#[component]
pub(crate) fn HostOperationsPage() -> impl IntoView {
    view! { <main class="page"></main> }
}
