use leptos::prelude::*;

/// The sockets of one host; the host is that of `use_host()`.
#[component]
pub(crate) fn SocketsPage() -> impl IntoView {
    view! { <main class="page"></main> }
}
