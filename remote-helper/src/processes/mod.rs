//! processes: which there are, what each of them is and uses, and signals to one of them.
//!
//! One walk over `/proc/PID/stat` (`sample`) feeds all: the numbers of tasks, the table, and the
//! ring of the last ten minutes. What seldom changes, such as the command line, is kept by PID and
//! start time (`facts`). A process that ends while it is looked at is left out, never an error, and
//! what was read is given only if the process was the same before and after.

mod blame;
mod detail;
mod facts;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod rates;
mod ring;
mod sample;
mod signal;
mod stat;
mod table;
mod told;
mod unit;
mod walk;

pub(crate) use ring::Ring;
pub(crate) use sample::{Sample, read_sample};
pub(crate) use signal::{Errand, send_signal};
pub(crate) use stat::parse_stat;
pub(crate) use table::Desk;
pub(crate) use told::Told;
pub(crate) use unit::Units;
pub(crate) use walk::{FilesFolder, ProcDir};
