//! Words for what the engine reports by code: states, reasons, next steps.

use leptos_i18n::I18nContext;
use protocol::link::{LinkState, LinkStep};
use protocol::text::printable;

use super::{Locale, t_string};
use crate::format::{self, Lang};
use crate::state::standing::{NextStep, Standing};

/// The texts in the language that is chosen now. It is `Copy`: take it once with `use_i18n()` at
/// the top of a component and use it in closures.
pub(crate) type I18n = I18nContext<Locale>;

/// The language of the window, for `crate::format`; tracked.
pub(crate) fn lang(i18n: I18n) -> Lang {
    match i18n.get_locale() {
        Locale::en => Lang::English,
        Locale::zh_CN => Lang::Chinese,
    }
}

/// The state of a link in a word or two, with its age where that matters: `live`, `stale 40 s`,
/// `port closed`.
pub(crate) fn link_words(
    i18n: I18n,
    link: &LinkState,
    standing: Standing,
    heard_ms: Option<i64>,
    now_ms: i64,
) -> String {
    match link {
        LinkState::Idle => t_string!(i18n, states.idle).to_string(),
        LinkState::Connecting { step, hop, .. } => step_words(i18n, *step, hop.as_deref()),
        LinkState::Lost { fault, .. } | LinkState::Failed { fault, .. } if fault.detail.hop.is_some() => {
            let hop = printable(fault.detail.hop.as_deref().unwrap_or_default()).into_owned();
            t_string!(i18n, states.way_lost, hop = hop, reason = super::fault_short(i18n, fault))
        }
        LinkState::Live { since_ms, .. } | LinkState::Lost { since_ms, .. }
            if standing == Standing::Stale =>
        {
            let age = format::age(heard_ms.unwrap_or(*since_ms), now_ms, lang(i18n));
            t_string!(i18n, states.stale_age, age = age)
        }
        LinkState::Live { .. } => t_string!(i18n, states.live).to_string(),
        LinkState::Lost { fault, .. } | LinkState::Failed { fault, .. } => super::fault_short(i18n, fault),
    }
}

/// The state with the time since it was last heard of, for the head of a host: `live, 2 s`.
pub(crate) fn link_words_aged(
    i18n: I18n,
    link: &LinkState,
    standing: Standing,
    heard_ms: Option<i64>,
    now_ms: i64,
) -> String {
    match link {
        LinkState::Live { heard_ms, .. } if standing == Standing::Live => {
            t_string!(i18n, states.live_age, age = format::age(*heard_ms, now_ms, lang(i18n)))
        }
        LinkState::Connecting { step, since_ms, hop } => {
            let step = step_words(i18n, *step, hop.as_deref());
            format!("{step}, {}", format::age(*since_ms, now_ms, lang(i18n)))
        }
        LinkState::Idle | LinkState::Live { .. } | LinkState::Lost { .. } | LinkState::Failed { .. } => {
            link_words(i18n, link, standing, heard_ms, now_ms)
        }
    }
}

/// What Muster itself does about a lost link: `Reconnecting, try 3`, `Retry in 24 s`.
pub(crate) fn retry_words(i18n: I18n, link: &LinkState, now_ms: i64) -> Option<String> {
    match link {
        LinkState::Lost { next_ms: Some(next_ms), .. } if *next_ms > now_ms + 1_500 => {
            let age = format::age(now_ms, *next_ms, lang(i18n));
            Some(t_string!(i18n, states.retry_in, age = age))
        }
        LinkState::Lost { tries, .. } if *tries > 0 => {
            Some(t_string!(i18n, states.reconnecting, tries = *tries))
        }
        LinkState::Idle
        | LinkState::Connecting { .. }
        | LinkState::Live { .. }
        | LinkState::Lost { .. }
        | LinkState::Failed { .. } => None,
    }
}

fn step_words(i18n: I18n, step: LinkStep, hop: Option<&str>) -> String {
    let step = match step {
        LinkStep::Reaching => t_string!(i18n, states.step_reaching),
        LinkStep::Handshake => t_string!(i18n, states.step_handshake),
        LinkStep::SigningIn => t_string!(i18n, states.step_signing_in),
        LinkStep::PlacingHelper => t_string!(i18n, states.step_placing_helper),
        LinkStep::StartingHelper => t_string!(i18n, states.step_starting_helper),
    }
    .to_string();
    match hop {
        Some(hop) => t_string!(i18n, states.step_at_hop, hop = printable(hop).into_owned(), step = step),
        None => step,
    }
}

/// The link behind a reason.
pub(crate) fn next_step_words(i18n: I18n, step: NextStep) -> String {
    match step {
        NextStep::Connect => t_string!(i18n, states.next_connect),
        NextStep::Retry => t_string!(i18n, states.next_retry),
        NextStep::AcceptKey => t_string!(i18n, states.next_accept_key),
        NextStep::CompareKeys => t_string!(i18n, states.next_compare_keys),
        NextStep::FixSignIn => t_string!(i18n, states.next_fix_sign_in),
        NextStep::Edit => t_string!(i18n, states.next_edit),
        NextStep::MoveHelper => t_string!(i18n, states.next_move_helper),
    }
    .to_string()
}

/// `27 live`, `2 unreachable`: one entry of the status bar.
pub(crate) fn count_words(i18n: I18n, standing: Standing, count: usize) -> String {
    match standing {
        Standing::Live => t_string!(i18n, states.count_live, count = count),
        Standing::Connecting => t_string!(i18n, states.count_connecting, count = count),
        Standing::Stale => t_string!(i18n, states.count_stale, count = count),
        Standing::Helper => t_string!(i18n, states.count_helper, count = count),
        Standing::Unreachable => t_string!(i18n, states.count_unreachable, count = count),
        Standing::KeyUnknown => t_string!(i18n, states.count_key_unknown, count = count),
        Standing::KeyChanged => t_string!(i18n, states.count_key_changed, count = count),
        Standing::SignIn => t_string!(i18n, states.count_sign_in, count = count),
        Standing::Failed => t_string!(i18n, states.count_failed, count = count),
        Standing::Idle => t_string!(i18n, states.count_idle, count = count),
    }
}
