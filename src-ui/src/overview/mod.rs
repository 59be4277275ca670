//! overview: what a host is and what it does, with the last ten minutes as charts.
//!
//! `lanes` says which numbers are drawn and is tested natively; the time chart of the kit draws them.
//! It takes every sample the engine sends; nothing is smoothed or made up.

mod blame;
mod lanes;

#[cfg(target_arch = "wasm32")]
mod culprit;
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
mod words;

#[cfg(target_arch = "wasm32")]
pub(crate) use {left::HelperRemoveDialog, page::*};
