//! What is tried again by itself, and after which time.

use std::time::Duration;

use protocol::FaultCode;

/// True for what may pass by itself. What a person must decide is not tried again.
pub(super) fn comes_back(code: FaultCode) -> bool {
    use FaultCode::*;
    matches!(code, NameNotResolved | PortClosed | NoAnswer | NoRoute | LinkLost | TimedOut)
}

/// 1, 2, 4 ... 60 s, each shortened by up to a quarter so that many hosts do not come at once.
pub(super) fn back_off(tries: u32) -> Duration {
    let full_ms = 1_000_u64.saturating_mul(1 << tries.saturating_sub(1).min(6)).min(60_000);
    let jitter = uuid::Uuid::now_v7().as_u128() as u64 % (full_ms / 4);
    Duration::from_millis(full_ms - jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_minute_and_never_pass_it() {
        for (tries, most_ms) in [(1, 1_000), (2, 2_000), (3, 4_000), (7, 60_000), (400, 60_000)] {
            let wait = back_off(tries).as_millis();
            assert!(wait <= most_ms && wait * 4 >= most_ms * 3, "try {tries}: {wait} ms");
        }
    }

    #[test]
    fn what_a_person_must_decide_is_not_tried_again() {
        for code in [
            FaultCode::HostKeyChanged,
            FaultCode::HostKeyUnknown,
            FaultCode::SignInRefused,
            FaultCode::HelperNoexec,
        ] {
            assert!(!comes_back(code), "{code:?}");
        }
        assert!(comes_back(FaultCode::LinkLost));
    }
}
