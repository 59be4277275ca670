//! Every component in every state, on pages of development builds, to be looked at side by side.
//!
//! Its words are examples for those who build the window and so are not translated; what is shown is made
//! up. `tests/layout.rs` holds it complete: each component that `components` gives away is on a page here.

mod actions;
mod charts;
mod controls;
mod faults;
mod live;
mod made;
mod overlays;
mod states;
mod table;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{Tab, Tabs};

pub(crate) use actions::{GalleryDialog, GalleryOverlay};

/// An example's words.
fn words(words: &'static str) -> Signal<String> {
    Signal::stored(words.to_owned())
}

/// The part that the path names, below the tabs that lead to the others.
#[component]
pub(crate) fn Gallery() -> impl IntoView {
    let params = use_params_map();
    let part = Memo::new(move |_| params.with(|params| params.get("part").unwrap_or_default()));
    let tab = |path, testid, text: &'static str| Tab::new(path, testid, move || text.to_owned());
    let faults = protocol::FaultCode::ALL.len() as u64;
    let tabs = vec![
        tab("", "gallery-tab-states", "States"),
        tab("controls", "gallery-tab-controls", "Controls"),
        tab("table", "gallery-tab-table", "Table"),
        tab("overlays", "gallery-tab-overlays", "Overlays"),
        tab("charts", "gallery-tab-charts", "Charts"),
        tab("faults", "gallery-tab-faults", "Faults").counting(Signal::stored(faults), words("all faults")),
    ];
    let page = move || match part.get().as_str() {
        "controls" => view! { <controls::GalleryControls /> }.into_any(),
        "table" => view! { <table::GalleryTable /> }.into_any(),
        "overlays" => view! { <overlays::GalleryOverlays /> }.into_any(),
        "charts" => view! { <charts::GalleryCharts /> }.into_any(),
        "faults" => view! { <faults::GalleryFaults /> }.into_any(),
        _ => view! { <states::GalleryStates /> }.into_any(),
    };
    view! {
        <Tabs label=words("Components") base=words("/components") tabs />
        {page}
    }
}
