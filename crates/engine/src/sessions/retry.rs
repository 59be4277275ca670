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

    /// Hosts that are lost at the same moment.
    const FLEET: usize = 500;
    const ROUNDS: usize = 64;

    #[test]
    fn hosts_that_are_lost_at_the_same_moment_come_back_spread_over_a_quarter_of_the_wait() {
        const PARTS: usize = 16;
        for (tries, full_ms) in [(1, 1_000), (2, 2_000), (4, 8_000), (7, 60_000)] {
            let quarter_ms = full_ms / 4;
            let mut by_part = [0_usize; PARTS];
            let mut by_value = vec![0_usize; quarter_ms];
            let mut most_alike = 0;
            for _ in 0..ROUNDS {
                let mut round = std::collections::HashMap::new();
                for _ in 0..FLEET {
                    let early_ms = full_ms - usize::try_from(back_off(tries).as_millis()).unwrap();
                    assert!(early_ms < quarter_ms, "try {tries}: {early_ms} ms early");
                    by_part[early_ms * PARTS / quarter_ms] += 1;
                    by_value[early_ms] += 1;
                    *round.entry(early_ms).or_insert(0) += 1;
                }
                most_alike = most_alike.max(round.into_values().max().unwrap_or(0));
            }
            // A part gets 2,000 of them, give or take 43: further off than 300 is no chance.
            let even = FLEET * ROUNDS / PARTS;
            assert!(by_part.iter().all(|count| count.abs_diff(even) < 300), "try {tries}: {by_part:?}");
            // At the first try two share a millisecond in the mean, later fewer.
            assert!(most_alike <= 16, "try {tries}: {most_alike} of {FLEET} in one millisecond");
            let each = FLEET * ROUNDS / quarter_ms;
            let most = by_value.iter().max().copied().unwrap_or(0);
            assert!(most <= 3 * each + 24, "try {tries}: one wait came {most} times, in the mean {each}");
            if each > 100 {
                assert!(!by_value.contains(&0), "try {tries}: every wait of the quarter can come");
            }
        }
    }

    #[test]
    fn the_wait_of_one_host_tells_nothing_about_that_of_the_next() {
        // What is drawn in one moment must not count up: a fleet would come in its order, one behind the other.
        let waits: Vec<u128> = (0..FLEET * ROUNDS).map(|_| back_off(7).as_millis()).collect();
        let rising = waits.windows(2).filter(|pair| pair[1] > pair[0]).count();
        let half = waits.len() / 2;
        assert!(rising.abs_diff(half) < 600, "{rising} of {} are longer than the one before", waits.len());
        let close = waits.windows(2).filter(|pair| pair[1].abs_diff(pair[0]) < 15).count();
        // Two of 15,000 values are so close once in 500 times: 64 of these, give or take 8.
        assert!(close < 130, "{close} are next to the one before");
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
