//! `Load`: what a page knows of its data. One value, so that no state is forgotten.

use protocol::Fault;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Load<T> {
    /// Asked, not answered.
    Loading,
    Ready(T),
    /// The last good value, with the time it was received.
    Stale {
        value: T,
        received_ms: i64,
    },
    /// Nothing to show but why.
    Failed(Fault),
}

impl<T> Load<T> {
    /// The value, fresh or stale.
    pub(crate) fn value(&self) -> Option<&T> {
        match self {
            Load::Ready(value) | Load::Stale { value, .. } => Some(value),
            Load::Loading | Load::Failed(_) => None,
        }
    }

    pub(crate) fn is_loading(&self) -> bool {
        matches!(self, Load::Loading)
    }

    pub(crate) fn fault(&self) -> Option<&Fault> {
        match self {
            Load::Failed(fault) => Some(fault),
            Load::Loading | Load::Ready(_) | Load::Stale { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::FaultCode;

    #[test]
    fn a_stale_value_is_still_there_to_be_shown() {
        assert_eq!(Load::Stale { value: 7, received_ms: 1 }.value(), Some(&7));
        assert_eq!(Load::<u8>::Failed(Fault::new(FaultCode::NoAnswer, "x")).value(), None);
    }
}
