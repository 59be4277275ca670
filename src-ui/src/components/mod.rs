//! The kit: what every page is put together from, so that the same thing looks and acts the same.
//!
//! Most of it knows nothing of hosts or services. What does is what every page of a host needs alike, and so
//! is written once: `live_table` asks the host of the page, `action` and `several` open its guard and say
//! what came of what was done to it, and `feedback` reads the lines of a fault as the journal does.
//!
//! Colours, sizes and states are classes of `styles/components.css`; widths that follow data are set through
//! CSSOM, since the content policy refuses style attributes. Every component in every state is shown by
//! `gallery`, in development builds.

mod anchor;
pub(crate) mod columns;
mod found;
mod hold;
pub(crate) mod load;
pub(crate) mod marks;
mod news;
mod place;
pub(crate) mod selection;
pub(crate) mod series;
pub(crate) mod shape;
pub(crate) mod shelf;
pub(crate) mod sort;
mod sparkline;
pub(crate) mod time_chart;
pub(crate) mod tree;
pub(crate) mod type_ahead;
pub(crate) mod view;
pub(crate) mod window;

#[cfg(target_arch = "wasm32")]
mod action;
#[cfg(target_arch = "wasm32")]
mod button;
#[cfg(target_arch = "wasm32")]
mod changed;
#[cfg(target_arch = "wasm32")]
mod chooser;
#[cfg(target_arch = "wasm32")]
mod copy;
#[cfg(target_arch = "wasm32")]
mod cursor;
#[cfg(target_arch = "wasm32")]
mod dialog;
#[cfg(target_arch = "wasm32")]
mod feedback;
#[cfg(target_arch = "wasm32")]
mod field;
#[cfg(all(target_arch = "wasm32", any(debug_assertions, feature = "gallery")))]
mod gallery;
#[cfg(target_arch = "wasm32")]
mod glyph;
#[cfg(target_arch = "wasm32")]
mod head;
#[cfg(target_arch = "wasm32")]
mod icon;
#[cfg(target_arch = "wasm32")]
mod kept;
#[cfg(target_arch = "wasm32")]
pub(crate) mod live_query;
#[cfg(target_arch = "wasm32")]
mod live_table;
#[cfg(target_arch = "wasm32")]
mod menu;
#[cfg(target_arch = "wasm32")]
mod meter;
#[cfg(target_arch = "wasm32")]
mod secret;
#[cfg(target_arch = "wasm32")]
mod several;
#[cfg(target_arch = "wasm32")]
mod side;
#[cfg(target_arch = "wasm32")]
mod sight;
#[cfg(target_arch = "wasm32")]
mod table;
#[cfg(target_arch = "wasm32")]
mod tabs;
#[cfg(target_arch = "wasm32")]
mod tag;
#[cfg(target_arch = "wasm32")]
mod toast;
#[cfg(target_arch = "wasm32")]
mod way_in;

pub(crate) mod dots;
pub(crate) mod level;

#[cfg(target_arch = "wasm32")]
pub(crate) use {
    action::*, button::*, chooser::*, copy::*, dialog::*, feedback::*, field::*, glyph::*, head::Column,
    icon::*, kept::*, live_table::*, menu::*, meter::*, secret::*, several::*, side::*, sparkline::*,
    table::*, tabs::*, tag::*, toast::*, way_in::*,
};

#[cfg(all(target_arch = "wasm32", any(debug_assertions, feature = "gallery")))]
pub(crate) use gallery::{Gallery, GalleryDialog, GalleryOverlay};
