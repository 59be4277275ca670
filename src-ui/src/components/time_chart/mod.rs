//! The time chart: lanes of curves behind one time axis, with one cursor through all of them.
//!
//! It knows nothing of what it draws. `lane` is what it is told of a lane, `history` holds the samples
//! with their gaps, `scale` places them: all three are plain data and are tested natively. The curves (`draw`) and
//! what follows the pointer (`cursor`) are layers of their own, so that a move of it neither draws twenty
//! curves nor has them painted again. `chart` is the component: labels, cursor, keys, tip. Every sample is drawn;
//! nothing is smoothed or made up.

mod history;
mod lane;
mod scale;

#[cfg(target_arch = "wasm32")]
mod chart;
#[cfg(target_arch = "wasm32")]
mod cursor;
#[cfg(target_arch = "wasm32")]
mod draw;
#[cfg(target_arch = "wasm32")]
mod sheet;

#[cfg(any(target_arch = "wasm32", test))]
pub(crate) use history::History;
pub(crate) use history::Timed;
#[cfg(all(target_arch = "wasm32", any(debug_assertions, feature = "gallery")))]
pub(crate) use lane::Unit;
pub(crate) use lane::{BYTES_PER_SECOND, CURVES, ChartLane, Curve, PERCENT, Scale, Threshold, Values};

#[cfg(target_arch = "wasm32")]
pub(crate) use chart::{LaneWords, TimeChart};
