use leptos::prelude::*;

use crate::app::TopBar;

#[component]
pub(crate) fn HostsPage() -> impl IntoView {
    view! { <TopBar><span></span></TopBar> }
}
