//! `Load`: what a page knows of its data. One value, so that no state is forgotten.
//!
//! Data that goes on to be asked for while it is shown, and may be from before, is a `LiveQuery`.

use protocol::Fault;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Load<T> {
    /// Asked, not answered.
    Loading,
    Ready(T),
    /// Nothing to show but why.
    Failed(Fault),
}

impl<T> Load<T> {
    /// The value, once it is there.
    pub(crate) fn value(&self) -> Option<&T> {
        match self {
            Load::Ready(value) => Some(value),
            Load::Loading | Load::Failed(_) => None,
        }
    }
}
