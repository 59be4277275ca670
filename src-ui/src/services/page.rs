use leptos::prelude::*;
use protocol::services::ServiceAction;

/// The services of one host; the host is that of `use_host()`.
#[component]
pub(crate) fn ServicesPage() -> impl IntoView {
    view! { <main class="page"></main> }
}

/// The form that acts on a service, opened with `OpenDialog::Service`.
#[component]
pub(crate) fn ServiceDialog(host: String, unit: Option<String>, action: ServiceAction) -> impl IntoView {
    let _ = (host, unit, action);
}

/// The form that runs a custom command, opened with `OpenDialog::Run`.
#[component]
pub(crate) fn RunDialog(host: String) -> impl IntoView {
    let _ = host;
}
