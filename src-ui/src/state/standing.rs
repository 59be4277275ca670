//! What the state of a link means for a person: one kind, one glyph, one next step.
//!
//! The engine gives `LinkState`; rows, heads, the rail and the status bar all show it through
//! `Standing`, so the same host never looks different in two places.

use protocol::FaultCode;
use protocol::hosts::HostRow;
use protocol::link::LinkState;

/// The kinds of state that the status bar counts, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Standing {
    Live,
    Connecting,
    /// The link broke; what is shown is from before.
    Stale,
    /// The helper cannot run there.
    Helper,
    /// Name, port, route or answer missing.
    Unreachable,
    KeyUnknown,
    KeyChanged,
    SignIn,
    /// Anything else that ended a connection.
    Failed,
    Idle,
}

impl Standing {
    pub(crate) const ALL: [Standing; 10] = [
        Self::Live,
        Self::Connecting,
        Self::Stale,
        Self::Helper,
        Self::Unreachable,
        Self::KeyUnknown,
        Self::KeyChanged,
        Self::SignIn,
        Self::Failed,
        Self::Idle,
    ];

    pub(crate) fn of(link: &LinkState) -> Standing {
        match link {
            LinkState::Idle => Standing::Idle,
            LinkState::Connecting { .. } => Standing::Connecting,
            LinkState::Live { .. } => Standing::Live,
            LinkState::Lost { fault, .. } => match of_code(fault.code) {
                Standing::Failed => Standing::Stale,
                other => other,
            },
            LinkState::Failed { fault, .. } => of_code(fault.code),
        }
    }

    /// The same at a moment: a link that is up but brings nothing any more is as stale as a broken
    /// one.
    pub(crate) fn at(link: &LinkState, now_ms: i64, interval_ms: u32) -> Standing {
        match link {
            LinkState::Live { heard_ms, .. }
                if now_ms.saturating_sub(*heard_ms) > longest_silence_ms(interval_ms) =>
            {
                Standing::Stale
            }
            link => Standing::of(link),
        }
    }

    /// Word for tests and for `data-state`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Connecting => "connecting",
            Self::Stale => "stale",
            Self::Helper => "helper",
            Self::Unreachable => "unreachable",
            Self::KeyUnknown => "key-unknown",
            Self::KeyChanged => "key-changed",
            Self::SignIn => "sign-in",
            Self::Failed => "failed",
            Self::Idle => "idle",
        }
    }

    pub(crate) fn tone(self) -> Tone {
        match self {
            Self::Live | Self::Idle | Self::Connecting => Tone::Quiet,
            Self::Stale | Self::Helper | Self::KeyUnknown => Tone::Warn,
            Self::Unreachable | Self::KeyChanged | Self::SignIn | Self::Failed => Tone::Crit,
        }
    }
}

/// So long nothing may come from a live host: three samples, and never so short that a busy network
/// looks like a fault.
fn longest_silence_ms(interval_ms: u32) -> i64 {
    (i64::from(interval_ms) * 3).max(10_000)
}

/// Notes that a live host was heard of at a moment; true if that is news. The engine says when it
/// went live, and after that only its samples tell that it still is.
pub(crate) fn hear(link: &mut LinkState, at_ms: i64) -> bool {
    match link {
        LinkState::Live { heard_ms, .. } if *heard_ms < at_ms => {
            *heard_ms = at_ms;
            true
        }
        LinkState::Idle
        | LinkState::Connecting { .. }
        | LinkState::Live { .. }
        | LinkState::Lost { .. }
        | LinkState::Failed { .. } => false,
    }
}

fn of_code(code: FaultCode) -> Standing {
    use FaultCode::*;
    match code {
        NameNotResolved | PortClosed | NoAnswer | NoRoute | NotSsh => Standing::Unreachable,
        HostKeyUnknown => Standing::KeyUnknown,
        HostKeyChanged | HostKeyRevoked | MachineChanged => Standing::KeyChanged,
        SignInRefused | KeyEncrypted | KeyFileUnusable | AgentUnavailable | PasswordMissing
        | AnswerNeeded => Standing::SignIn,
        HelperNotBuilt | HelperNoexec | HelperNoSpace | HelperArch | HelperBlocked | HelperUnsafe
        | HelperFailed | HelperUnused => Standing::Helper,
        BadInput | HostUnknown | HostExists | HostInUse | UnitUnknown | OperationUnknown
        | NotInThisVersion | GuardNotMet | UnitFailed | CommandFailed | LinkLost | OutcomeUnknown
        | NotPermitted | SudoRefused | SudoPasswordMissing | SudoPasswordWrong | StoreInUse
        | StoreDamaged | StoreUnwritable | StoreNewer | LogBroken | StoreKeyMissing | BackupUnusable
        | KeyringUnavailable | KeyringLocked | VaultLocked | VaultPassphraseWrong | VaultUnusable
        | AppLocked | NotOnThisHost | TimedOut | ProcessGone | Internal | Unknown => Standing::Failed,
    }
}

/// How loud a state is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Quiet,
    Warn,
    Crit,
}

/// What a person can do about a state, as the link behind its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    Connect,
    Retry,
    AcceptKey,
    CompareKeys,
    FixSignIn,
    /// The address, the port or another field of the host is to be looked at.
    Edit,
    MoveHelper,
}

/// The next step for a link, `None` where there is nothing to do.
pub(crate) fn next_step(link: &LinkState) -> Option<NextStep> {
    let fault = match link {
        LinkState::Live { .. } | LinkState::Connecting { .. } => return None,
        LinkState::Idle => return Some(NextStep::Connect),
        LinkState::Lost { .. } => return Some(NextStep::Retry),
        LinkState::Failed { fault, .. } => fault,
    };
    Some(match Standing::of(link) {
        Standing::KeyUnknown => NextStep::AcceptKey,
        Standing::KeyChanged => NextStep::CompareKeys,
        Standing::SignIn if fault.code == FaultCode::AnswerNeeded => NextStep::Connect,
        Standing::SignIn => NextStep::FixSignIn,
        Standing::Unreachable if matches!(fault.code, FaultCode::NameNotResolved | FaultCode::NotSsh) => {
            NextStep::Edit
        }
        Standing::Helper if matches!(fault.code, FaultCode::HelperNoexec | FaultCode::HelperNoSpace) => {
            NextStep::MoveHelper
        }
        // Where the helper may not run, what helps is set on the host's form.
        Standing::Helper
            if matches!(
                fault.code,
                FaultCode::HelperBlocked | FaultCode::HelperUnsafe | FaultCode::HelperUnused
            ) =>
        {
            NextStep::Edit
        }
        Standing::Live
        | Standing::Connecting
        | Standing::Stale
        | Standing::Helper
        | Standing::Unreachable
        | Standing::Failed
        | Standing::Idle => NextStep::Retry,
    })
}

/// How many hosts stand how, in the order of `Standing::ALL`, only those that occur.
pub(crate) fn counts(standings: impl Iterator<Item = Standing>) -> Vec<(Standing, usize)> {
    let mut counts = [0usize; Standing::ALL.len()];
    for standing in standings {
        counts[standing as usize] += 1;
    }
    Standing::ALL.into_iter().zip(counts).filter(|(_, n)| *n > 0).collect()
}

/// When the host was last heard of, by this computer's clock.
pub(crate) fn seen_ms(row: &HostRow) -> Option<i64> {
    match &row.link {
        LinkState::Live { heard_ms, .. } => Some(*heard_ms),
        _ => row.last.as_ref().map(|glance| glance.at_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Fault;

    fn failed(code: FaultCode) -> LinkState {
        LinkState::Failed { since_ms: 1, fault: Box::new(Fault::new(code, "x")) }
    }

    fn lost(code: FaultCode) -> LinkState {
        LinkState::Lost { since_ms: 1, fault: Box::new(Fault::new(code, "x")), tries: 2, next_ms: None }
    }

    #[test]
    fn a_broken_link_is_stale_but_a_closed_port_is_said_as_such() {
        assert_eq!(Standing::of(&lost(FaultCode::LinkLost)), Standing::Stale);
        assert_eq!(Standing::of(&lost(FaultCode::PortClosed)), Standing::Unreachable);
    }

    #[test]
    fn each_sample_renews_when_a_live_host_was_heard_of() {
        let mut link = LinkState::Live { since_ms: 1_000, heard_ms: 1_000 };
        assert!(hear(&mut link, 3_000));
        assert!(!hear(&mut link, 2_000), "a sample that comes late makes nothing older");
        assert_eq!(link, LinkState::Live { since_ms: 1_000, heard_ms: 3_000 });
        assert!(!hear(&mut LinkState::Idle, 3_000));
    }

    #[test]
    fn a_live_host_that_says_nothing_for_three_samples_is_stale() {
        let link = LinkState::Live { since_ms: 0, heard_ms: 100_000 };
        for (silent_ms, interval_ms, standing) in [
            (9_000, 1_000, Standing::Live),
            (11_000, 1_000, Standing::Stale),
            (14_000, 5_000, Standing::Live),
            (16_000, 5_000, Standing::Stale),
        ] {
            assert_eq!(Standing::at(&link, 100_000 + silent_ms, interval_ms), standing, "{silent_ms} ms");
        }
        assert_eq!(Standing::at(&LinkState::Idle, 100_000, 1_000), Standing::Idle);
    }

    #[test]
    fn each_reason_leads_to_the_step_that_helps() {
        for (code, step) in [
            (FaultCode::HostKeyUnknown, NextStep::AcceptKey),
            (FaultCode::HostKeyChanged, NextStep::CompareKeys),
            (FaultCode::SignInRefused, NextStep::FixSignIn),
            (FaultCode::PasswordMissing, NextStep::FixSignIn),
            (FaultCode::NameNotResolved, NextStep::Edit),
            (FaultCode::PortClosed, NextStep::Retry),
            (FaultCode::HelperNoexec, NextStep::MoveHelper),
            (FaultCode::HelperBlocked, NextStep::Edit),
            (FaultCode::HelperUnsafe, NextStep::Edit),
            (FaultCode::HelperFailed, NextStep::Retry),
            (FaultCode::KeyringLocked, NextStep::Retry),
        ] {
            assert_eq!(next_step(&failed(code)), Some(step), "{code:?}");
        }
        assert_eq!(next_step(&LinkState::Idle), Some(NextStep::Connect));
        assert_eq!(next_step(&LinkState::Live { since_ms: 1, heard_ms: 1 }), None);
    }

    #[test]
    fn a_changed_key_is_never_offered_for_a_quick_accept() {
        assert_ne!(next_step(&failed(FaultCode::HostKeyChanged)), Some(NextStep::AcceptKey));
    }

    #[test]
    fn only_states_that_occur_are_counted() {
        let links = [LinkState::Idle, failed(FaultCode::PortClosed), LinkState::Idle];
        assert_eq!(counts(links.iter().map(Standing::of)), [(Standing::Unreachable, 1), (Standing::Idle, 2)]);
    }

    #[test]
    fn every_standing_has_its_place_in_the_list() {
        for (at, standing) in Standing::ALL.into_iter().enumerate() {
            assert_eq!(standing as usize, at, "{standing:?} is counted by its place");
        }
    }
}
