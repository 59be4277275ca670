//! Words for a `Fault`, chosen by its code and filled from its detail.

use protocol::{Fault, FaultCode};
use protocol::text::printable;

use super::{I18n, t_string};

pub(crate) fn fault_short(_i18n: I18n, fault: &Fault) -> String {
    printable(&fault.message).into_owned()
}

pub(crate) fn fault_title(i18n: I18n, fault: &Fault) -> String {
    fault_short(i18n, fault)
}
pub(crate) fn fault_text(i18n: I18n, fault: &Fault) -> String {
    fault_short(i18n, fault)
}
pub(crate) fn fault_next(i18n: I18n, fault: &Fault) -> String {
    fault_short(i18n, fault)
}
