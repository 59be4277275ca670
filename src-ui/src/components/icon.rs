//! Icons: a 16 px grid, one stroke of 1.4, round ends, no fill. They take the colour of their text.

use leptos::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IconName {
    Hosts,
    Operations,
    Settings,
    Search,
    Restart,
    Terminal,
    Copy,
    Freeze,
    Unit,
    Plus,
    Cross,
    Check,
    Down,
    Right,
    More,
    Columns,
    Edit,
    Note,
    Lock,
    Import,
    Export,
}

/// An icon of 16 px; it says nothing by itself, so the control around it has the name.
#[component]
pub(crate) fn Icon(name: IconName) -> impl IntoView {
    let shape = match name {
        IconName::Hosts => view! { <rect x="2" y="2.6" width="12" height="4.4" rx="1" /> <rect x="2" y="9" width="12" height="4.4" rx="1" /> <path d="M4.6 4.8h.01M4.6 11.2h.01M7 4.8h4.4M7 11.2h4.4" /> }.into_any(),
        IconName::Operations => view! { <path d="M2 9.4 3.9 3.2h8.2L14 9.4v3.4H2z" /> <path d="M2 9.4h3.4l.9 1.6h3.4l.9-1.6H14" /> }.into_any(),
        IconName::Settings => view! { <path d="M2.4 4.6h6M12 4.6h1.6M2.4 11.4H4M7.6 11.4h6" /> <circle cx="10.2" cy="4.6" r="1.7" /> <circle cx="5.8" cy="11.4" r="1.7" /> }.into_any(),
        IconName::Search => view! { <circle cx="7" cy="7" r="4.2" /> <path d="m10.2 10.2 3.2 3.2" /> }.into_any(),
        IconName::Restart => view! { <path d="M13 8a5 5 0 1 1-1.6-3.7M13.2 2.4v2.8h-2.8" /> }.into_any(),
        IconName::Terminal => view! { <rect x="2" y="3" width="12" height="10" rx="1" /> <path d="m4.6 6.2 2 1.8-2 1.8M8.2 10h3" /> }.into_any(),
        IconName::Copy => view! { <rect x="5.4" y="5.4" width="8" height="8" rx="1" /> <path d="M10.6 5.4V2.6h-8v8h2.8" /> }.into_any(),
        IconName::Freeze => view! { <path d="M5.6 3.6v8.8M10.4 3.6v8.8" stroke-width="1.8" /> }.into_any(),
        IconName::Unit => view! { <circle cx="8" cy="8" r="2.2" /> <path d="M8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2M3.6 3.6 5 5M11 11l1.4 1.4M12.4 3.6 11 5M5 11l-1.4 1.4" /> }.into_any(),
        IconName::Plus => view! { <path d="M8 3.2v9.6M3.2 8h9.6" /> }.into_any(),
        IconName::Lock => view! { <rect x="3.2" y="7" width="9.6" height="6.4" rx="1" /> <path d="M5.4 7V5a2.6 2.6 0 0 1 5.2 0v2" /> }.into_any(),
        IconName::Import => view! { <path d="M8 2.6v7.2M5 7l3 3 3-3M2.8 10.4v3h10.4v-3" /> }.into_any(),
        IconName::Export => view! { <path d="M8 10V2.8M5 5.6l3-3 3 3M2.8 10.4v3h10.4v-3" /> }.into_any(),
        IconName::Cross => view! { <path d="m4.2 4.2 7.6 7.6M11.8 4.2l-7.6 7.6" /> }.into_any(),
        IconName::Check => view! { <path d="m3 8.4 3.2 3.2L13 4.8" /> }.into_any(),
        IconName::Down => view! { <path d="m4 6.2 4 4 4-4" /> }.into_any(),
        IconName::Right => view! { <path d="m6.2 4 4 4-4 4" /> }.into_any(),
        IconName::Columns => view! { <rect x="2.4" y="3" width="11.2" height="10" rx="1" /> <path d="M6.2 3v10M9.8 3v10" /> }.into_any(),
        IconName::Edit => view! { <path d="M9.8 3.8 12.2 6.2 5.6 12.8 2.8 13.2 3.2 10.4z" /> }.into_any(),
        IconName::Note => view! { <path d="M3.4 2.6h9.2v10.8H3.4zM5.8 5.8h4.4M5.8 8.2h4.4M5.8 10.6h2.4" /> }.into_any(),
        IconName::More => view! { <path d="M3.4 8h.01M8 8h.01M12.6 8h.01" stroke-width="2" /> }.into_any(),
    };
    view! {
        <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            {shape}
        </svg>
    }
}
