//! services: units of systemd, actions on them, and what truly came of each.
//!
//! systemctl(1) is asked as a child: its plain lists and its `key=value` properties have been the
//! same since systemd 217, and a bus library would triple the size of the helper. Its exit status
//! is never taken for the outcome of an action: `judge` tells that from what the unit did.

mod act;
mod bus;
mod failed;
mod follow;
mod found;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod impact;
mod journal;
mod judge;
mod list;
mod manager;
mod members;
mod message;
mod openrc;
mod script;
mod seen;
mod show;
mod signals;
mod supervisor;
mod systemctl;
mod sysv;
mod times;
mod watch;

pub(crate) use act::act;
pub(crate) use failed::FailedUnits;
pub(crate) use impact::read_impact;
pub(crate) use list::Units;
#[cfg(test)]
pub(crate) use show::parse_stanzas;
pub(crate) use show::{Properties, show};
pub(crate) use signals::{Hearing, Signals};
pub(crate) use times::{parse_span_us, parse_utc_ms};
