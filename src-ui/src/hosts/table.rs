//! The order of the list of hosts.

use crate::components::sort::Sort;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HostsView {
    pub(crate) sort: Sort,
    pub(crate) text: String,
}

impl Default for HostsView {
    fn default() -> Self {
        Self { sort: Sort::by("name"), text: String::new() }
    }
}
