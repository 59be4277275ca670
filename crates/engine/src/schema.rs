//! The steps by which the store of an earlier version becomes that of this one.
//!
//! The store takes them one by one, each on a copy of what is there and with a backup made before;
//! nouns write what a step changes. A step is never changed or taken away: stores of every version
//! that was released must still open.

use protocol::Fault;

use crate::store::Changing;

/// One step, from the format before it to the next.
pub(crate) struct Step {
    /// What is other in the format that it leads to.
    pub(crate) what: &'static str,
    pub(crate) change: fn(&Changing<'_>) -> Result<(), Fault>,
}

/// The step to format 2 comes first.
pub(crate) const STEPS: &[Step] = &[Step {
    what: "values can be sealed, and what is stored is counted",
    // Both are the store's own doing whenever it is made anew.
    change: |_| Ok(()),
}];
