//! overview: what a host is and what it does, with the last ten minutes as charts.
//!
//! `samples`, `scale` and `lanes` decide what is drawn and are tested natively; `draw` puts it on
//! the canvas. The charts take every sample the engine sends; nothing is smoothed or made up.

mod blame;
mod lanes;
mod samples;
mod scale;

#[cfg(target_arch = "wasm32")]
mod charts;
#[cfg(target_arch = "wasm32")]
mod draw;
#[cfg(target_arch = "wasm32")]
mod facts;
#[cfg(target_arch = "wasm32")]
mod left;
#[cfg(target_arch = "wasm32")]
mod more;
#[cfg(target_arch = "wasm32")]
mod page;
#[cfg(target_arch = "wasm32")]
mod spike;
#[cfg(target_arch = "wasm32")]
mod top;

#[cfg(target_arch = "wasm32")]
pub(crate) use {left::HelperRemoveDialog, page::*};
