//! Words for a `Fault`, chosen by its code and filled from its detail.
//!
//! The English message of a fault is never all that a person sees: in Chinese it would be foreign
//! words, and it may name a command of the terminal that does not help here. It is shown besides,
//! where the code alone says too little.

use protocol::text::printable;
use protocol::{Fault, FaultCode};

use super::file_words::file_refusal_words;
use super::{I18n, t_string};
use crate::format::Lang;

/// The reason in a few words, without the host: `port closed`.
pub(crate) fn fault_short(i18n: I18n, fault: &Fault) -> String {
    let port =
        fault.detail.subject.as_deref().and_then(|subject| subject.rsplit_once(':')?.1.parse::<u16>().ok());
    if let (FaultCode::PortClosed, Some(port)) = (fault.code, port) {
        return t_string!(i18n, faults.port_closed.short_port, port = port);
    }
    match fault.code {
        FaultCode::BadInput => t_string!(i18n, faults.bad_input.short),
        FaultCode::HostUnknown => t_string!(i18n, faults.host_unknown.short),
        FaultCode::HostExists => t_string!(i18n, faults.host_exists.short),
        FaultCode::HostInUse => t_string!(i18n, faults.host_in_use.short),
        FaultCode::KeyFileUnusable => t_string!(i18n, faults.key_file_unusable.short),
        FaultCode::UnitUnknown => t_string!(i18n, faults.unit_unknown.short),
        FaultCode::ProcessGone => t_string!(i18n, faults.process_gone.short),
        FaultCode::OperationUnknown => t_string!(i18n, faults.operation_unknown.short),
        FaultCode::NotInThisVersion => t_string!(i18n, faults.not_in_this_version.short),
        FaultCode::GuardNotMet => t_string!(i18n, faults.guard_not_met.short),
        FaultCode::UnitFailed => t_string!(i18n, faults.unit_failed.short),
        FaultCode::CommandFailed => t_string!(i18n, faults.command_failed.short),
        FaultCode::NameNotResolved => t_string!(i18n, faults.name_not_resolved.short),
        FaultCode::PortClosed => t_string!(i18n, faults.port_closed.short),
        FaultCode::NoAnswer => t_string!(i18n, faults.no_answer.short),
        FaultCode::NoRoute => t_string!(i18n, faults.no_route.short),
        FaultCode::NotSsh => t_string!(i18n, faults.not_ssh.short),
        FaultCode::LinkLost => t_string!(i18n, faults.link_lost.short),
        FaultCode::OutcomeUnknown => t_string!(i18n, faults.outcome_unknown.short),
        FaultCode::HostKeyUnknown => t_string!(i18n, faults.host_key_unknown.short),
        FaultCode::HostKeyChanged => t_string!(i18n, faults.host_key_changed.short),
        FaultCode::HostKeyRevoked => t_string!(i18n, faults.host_key_revoked.short),
        FaultCode::MachineChanged => t_string!(i18n, faults.machine_changed.short),
        FaultCode::SignInRefused => t_string!(i18n, faults.sign_in_refused.short),
        FaultCode::KeyEncrypted => t_string!(i18n, faults.key_encrypted.short),
        FaultCode::AgentUnavailable => t_string!(i18n, faults.agent_unavailable.short),
        FaultCode::PasswordMissing => t_string!(i18n, faults.password_missing.short),
        FaultCode::AnswerNeeded => t_string!(i18n, faults.answer_needed.short),
        FaultCode::HelperNotBuilt => t_string!(i18n, faults.helper_not_built.short),
        FaultCode::HelperNoexec => t_string!(i18n, faults.helper_noexec.short),
        FaultCode::HelperNoSpace => t_string!(i18n, faults.helper_no_space.short),
        FaultCode::HelperArch => t_string!(i18n, faults.helper_arch.short),
        FaultCode::HelperBlocked => t_string!(i18n, faults.helper_blocked.short),
        FaultCode::HelperUnsafe => t_string!(i18n, faults.helper_unsafe.short),
        FaultCode::HelperFailed => t_string!(i18n, faults.helper_failed.short),
        FaultCode::HelperUnused => t_string!(i18n, faults.helper_unused.short),
        FaultCode::NotPermitted => t_string!(i18n, faults.not_permitted.short),
        FaultCode::SudoRefused => t_string!(i18n, faults.sudo_refused.short),
        FaultCode::SudoPasswordMissing => t_string!(i18n, faults.sudo_password_missing.short),
        FaultCode::SudoPasswordWrong => t_string!(i18n, faults.sudo_password_wrong.short),
        FaultCode::StoreInUse => t_string!(i18n, faults.store_in_use.short),
        FaultCode::StoreDamaged => t_string!(i18n, faults.store_damaged.short),
        FaultCode::StoreUnwritable => t_string!(i18n, faults.store_unwritable.short),
        FaultCode::StoreNewer => t_string!(i18n, faults.store_newer.short),
        FaultCode::StoreKeyMissing => t_string!(i18n, faults.store_key_missing.short),
        FaultCode::BackupUnusable => t_string!(i18n, faults.backup_unusable.short),
        FaultCode::LogBroken => t_string!(i18n, faults.log_broken.short),
        FaultCode::KeyringUnavailable => t_string!(i18n, faults.keyring_unavailable.short),
        FaultCode::KeyringLocked => t_string!(i18n, faults.keyring_locked.short),
        FaultCode::VaultLocked => t_string!(i18n, faults.vault_locked.short),
        FaultCode::VaultPassphraseWrong => t_string!(i18n, faults.vault_passphrase_wrong.short),
        FaultCode::VaultUnusable => t_string!(i18n, faults.vault_unusable.short),
        FaultCode::AppLocked => t_string!(i18n, faults.app_locked.short),
        FaultCode::NotOnThisHost => t_string!(i18n, faults.not_on_this_host.short),
        FaultCode::TimedOut => t_string!(i18n, faults.timed_out.short),
        FaultCode::Internal => t_string!(i18n, faults.internal.short),
        FaultCode::Unknown => t_string!(i18n, faults.unknown.short),
    }
    .to_string()
}

/// The head of a notice: `web-1: port closed`.
pub(crate) fn fault_title(i18n: I18n, fault: &Fault) -> String {
    let short = fault_short(i18n, fault);
    let shown = |name: &str| printable(name).into_owned();
    match (&fault.detail.host, &fault.detail.hop) {
        (Some(host), Some(hop)) if host != hop => {
            t_string!(
                i18n,
                faults.title_way,
                short = capitalised(&short),
                host = shown(host),
                hop = shown(hop)
            )
        }
        (Some(host), _) | (None, Some(host)) => {
            t_string!(i18n, faults.title_on, short = short, host = shown(host))
        }
        (None, None) => capitalised(&short),
    }
}

/// What happened, as a sentence.
pub(crate) fn fault_text(i18n: I18n, fault: &Fault) -> String {
    if let Some(refusal) = &fault.detail.refused_file {
        return file_refusal_words(i18n, refusal);
    }
    let named = |part: &Option<String>| part.as_deref().map(|part| printable(part).into_owned());
    // What happened on the way is told of the jump host where it did.
    let place = fault.place().map(str::to_owned);
    let (given_host, given_subject) = (named(&place), named(&fault.detail.subject));
    let cause = named(&fault.detail.cause).unwrap_or_default();
    let host = given_host.clone().unwrap_or_else(|| t_string!(i18n, faults.that_host).to_string());
    let subject = given_subject.clone().unwrap_or_else(|| t_string!(i18n, faults.that_thing).to_string());
    let sentence = match fault.code {
        FaultCode::BadInput => t_string!(i18n, faults.bad_input.text, subject = subject),
        FaultCode::HostUnknown => t_string!(i18n, faults.host_unknown.text, host = host),
        FaultCode::HostExists => t_string!(i18n, faults.host_exists.text, host = host),
        FaultCode::HostInUse => t_string!(i18n, faults.host_in_use.text, host = host, cause = cause),
        FaultCode::KeyFileUnusable => t_string!(i18n, faults.key_file_unusable.text, subject = subject),
        FaultCode::UnitUnknown => t_string!(i18n, faults.unit_unknown.text, host = host, subject = subject),
        FaultCode::ProcessGone => t_string!(i18n, faults.process_gone.text, host = host, subject = subject),
        FaultCode::OperationUnknown => t_string!(i18n, faults.operation_unknown.text, subject = subject),
        FaultCode::NotInThisVersion => t_string!(i18n, faults.not_in_this_version.text).to_string(),
        FaultCode::GuardNotMet => t_string!(i18n, faults.guard_not_met.text, host = host),
        FaultCode::UnitFailed => t_string!(i18n, faults.unit_failed.text, host = host, subject = subject),
        FaultCode::CommandFailed => t_string!(i18n, faults.command_failed.text, host = host),
        FaultCode::NameNotResolved => t_string!(i18n, faults.name_not_resolved.text, subject = subject),
        FaultCode::PortClosed => t_string!(i18n, faults.port_closed.text, subject = subject),
        FaultCode::NoAnswer => t_string!(i18n, faults.no_answer.text, subject = subject),
        FaultCode::NoRoute => t_string!(i18n, faults.no_route.text, subject = subject),
        FaultCode::NotSsh => t_string!(i18n, faults.not_ssh.text, subject = subject),
        FaultCode::LinkLost => t_string!(i18n, faults.link_lost.text, host = host),
        FaultCode::OutcomeUnknown => t_string!(i18n, faults.outcome_unknown.text, host = host),
        FaultCode::HostKeyUnknown => t_string!(i18n, faults.host_key_unknown.text, host = host),
        FaultCode::HostKeyChanged => t_string!(i18n, faults.host_key_changed.text, host = host),
        FaultCode::HostKeyRevoked => t_string!(i18n, faults.host_key_revoked.text, host = host),
        FaultCode::MachineChanged => t_string!(i18n, faults.machine_changed.text, host = host),
        FaultCode::SignInRefused => t_string!(i18n, faults.sign_in_refused.text, host = host),
        FaultCode::KeyEncrypted => t_string!(i18n, faults.key_encrypted.text, subject = subject),
        FaultCode::AgentUnavailable => t_string!(i18n, faults.agent_unavailable.text).to_string(),
        FaultCode::PasswordMissing => t_string!(i18n, faults.password_missing.text, host = host),
        FaultCode::AnswerNeeded => t_string!(i18n, faults.answer_needed.text, host = host),
        FaultCode::HelperNotBuilt => t_string!(i18n, faults.helper_not_built.text, host = host),
        FaultCode::HelperNoexec => t_string!(i18n, faults.helper_noexec.text, host = host, subject = subject),
        FaultCode::HelperNoSpace => {
            t_string!(i18n, faults.helper_no_space.text, host = host, subject = subject)
        }
        FaultCode::HelperArch => t_string!(i18n, faults.helper_arch.text, host = host, subject = subject),
        FaultCode::HelperBlocked => t_string!(i18n, faults.helper_blocked.text, host = host),
        FaultCode::HelperUnsafe => t_string!(i18n, faults.helper_unsafe.text, host = host, subject = subject),
        FaultCode::HelperFailed => t_string!(i18n, faults.helper_failed.text, host = host),
        FaultCode::HelperUnused => t_string!(i18n, faults.helper_unused.text, host = host),
        FaultCode::NotPermitted => t_string!(i18n, faults.not_permitted.text, host = host),
        FaultCode::SudoRefused => t_string!(i18n, faults.sudo_refused.text, host = host),
        FaultCode::SudoPasswordMissing => t_string!(i18n, faults.sudo_password_missing.text, host = host),
        FaultCode::SudoPasswordWrong => t_string!(i18n, faults.sudo_password_wrong.text, host = host),
        FaultCode::StoreInUse => t_string!(i18n, faults.store_in_use.text).to_string(),
        FaultCode::StoreDamaged => t_string!(i18n, faults.store_damaged.text).to_string(),
        FaultCode::StoreUnwritable => t_string!(i18n, faults.store_unwritable.text, subject = subject),
        FaultCode::StoreNewer => t_string!(i18n, faults.store_newer.text).to_string(),
        FaultCode::StoreKeyMissing => t_string!(i18n, faults.store_key_missing.text).to_string(),
        FaultCode::BackupUnusable => t_string!(i18n, faults.backup_unusable.text, subject = subject),
        FaultCode::LogBroken => t_string!(i18n, faults.log_broken.text).to_string(),
        FaultCode::KeyringUnavailable => t_string!(i18n, faults.keyring_unavailable.text).to_string(),
        FaultCode::KeyringLocked => t_string!(i18n, faults.keyring_locked.text).to_string(),
        FaultCode::VaultLocked => t_string!(i18n, faults.vault_locked.text).to_string(),
        FaultCode::VaultPassphraseWrong => t_string!(i18n, faults.vault_passphrase_wrong.text).to_string(),
        FaultCode::VaultUnusable => t_string!(i18n, faults.vault_unusable.text).to_string(),
        FaultCode::AppLocked => t_string!(i18n, faults.app_locked.text).to_string(),
        FaultCode::NotOnThisHost => t_string!(i18n, faults.not_on_this_host.text, host = host),
        FaultCode::TimedOut => t_string!(i18n, faults.timed_out.text, host = host),
        FaultCode::Internal => t_string!(i18n, faults.internal.text).to_string(),
        FaultCode::Unknown => t_string!(i18n, faults.unknown.text, host = host),
    };
    // A name stays as it is written, also at the head of a sentence.
    let begins_with = |name: &Option<String>| name.as_deref().is_some_and(|name| sentence.starts_with(name));
    let sentence = if begins_with(&given_host) || begins_with(&given_subject) {
        sentence
    } else {
        capitalised(&sentence)
    };
    if !says_little(fault.code) {
        return sentence;
    }
    let message = printable(&fault.message).into_owned();
    let message = message.trim_end_matches('.');
    match super::lang(i18n) {
        Lang::English => format!("{sentence} {}.", capitalised(message)),
        // The next sentence begins right behind a full stop.
        Lang::Chinese => sentence + &t_string!(i18n, faults.engine_says, message = message),
    }
}

/// True for a code that covers many cases: only the message tells which, so that `fault_text` repeats it.
pub(crate) fn says_little(code: FaultCode) -> bool {
    matches!(
        code,
        FaultCode::BadInput
            | FaultCode::KeyFileUnusable
            | FaultCode::Internal
            | FaultCode::Unknown
            | FaultCode::NotInThisVersion
            | FaultCode::StoreUnwritable
            | FaultCode::StoreDamaged
            | FaultCode::StoreKeyMissing
            | FaultCode::BackupUnusable
            | FaultCode::LogBroken
            | FaultCode::SudoRefused
    )
}

/// What a table says about what is missing from it, and why it was not read as root where the host is
/// set to give root.
pub(crate) fn with_refusal(i18n: I18n, missing: String, refused: Option<&Fault>) -> String {
    let Some(fault) = refused else { return missing };
    sentences(i18n, missing, &why_and_next(i18n, fault))
}

/// What happened, and what the person can do now.
pub(crate) fn why_and_next(i18n: I18n, fault: &Fault) -> String {
    sentences(i18n, fault_text(i18n, fault), &fault_next(i18n, fault))
}

/// A sentence behind others: a full stop of Chinese has its own space.
fn sentences(i18n: I18n, said: String, more: &str) -> String {
    let between = if said.is_empty() || super::lang(i18n) == Lang::Chinese { "" } else { " " };
    said + between + more
}

/// What the person can do now.
pub(crate) fn fault_next(i18n: I18n, fault: &Fault) -> String {
    match fault.code {
        FaultCode::BadInput => t_string!(i18n, faults.bad_input.next),
        FaultCode::HostUnknown => t_string!(i18n, faults.host_unknown.next),
        FaultCode::HostExists => t_string!(i18n, faults.host_exists.next),
        FaultCode::HostInUse => t_string!(i18n, faults.host_in_use.next),
        FaultCode::KeyFileUnusable => t_string!(i18n, faults.key_file_unusable.next),
        FaultCode::UnitUnknown => t_string!(i18n, faults.unit_unknown.next),
        FaultCode::ProcessGone => t_string!(i18n, faults.process_gone.next),
        FaultCode::OperationUnknown => t_string!(i18n, faults.operation_unknown.next),
        FaultCode::NotInThisVersion => t_string!(i18n, faults.not_in_this_version.next),
        FaultCode::GuardNotMet => t_string!(i18n, faults.guard_not_met.next),
        FaultCode::UnitFailed => t_string!(i18n, faults.unit_failed.next),
        FaultCode::CommandFailed => t_string!(i18n, faults.command_failed.next),
        FaultCode::NameNotResolved => t_string!(i18n, faults.name_not_resolved.next),
        FaultCode::PortClosed => t_string!(i18n, faults.port_closed.next),
        FaultCode::NoAnswer => t_string!(i18n, faults.no_answer.next),
        FaultCode::NoRoute => t_string!(i18n, faults.no_route.next),
        FaultCode::NotSsh => t_string!(i18n, faults.not_ssh.next),
        FaultCode::LinkLost => t_string!(i18n, faults.link_lost.next),
        FaultCode::OutcomeUnknown => t_string!(i18n, faults.outcome_unknown.next),
        FaultCode::HostKeyUnknown => t_string!(i18n, faults.host_key_unknown.next),
        FaultCode::HostKeyChanged => t_string!(i18n, faults.host_key_changed.next),
        FaultCode::HostKeyRevoked => t_string!(i18n, faults.host_key_revoked.next),
        FaultCode::MachineChanged => t_string!(i18n, faults.machine_changed.next),
        FaultCode::SignInRefused => t_string!(i18n, faults.sign_in_refused.next),
        FaultCode::KeyEncrypted => t_string!(i18n, faults.key_encrypted.next),
        FaultCode::AgentUnavailable => t_string!(i18n, faults.agent_unavailable.next),
        FaultCode::PasswordMissing => t_string!(i18n, faults.password_missing.next),
        FaultCode::AnswerNeeded => t_string!(i18n, faults.answer_needed.next),
        FaultCode::HelperNotBuilt => t_string!(i18n, faults.helper_not_built.next),
        FaultCode::HelperNoexec => t_string!(i18n, faults.helper_noexec.next),
        FaultCode::HelperNoSpace => t_string!(i18n, faults.helper_no_space.next),
        FaultCode::HelperArch => t_string!(i18n, faults.helper_arch.next),
        FaultCode::HelperBlocked => t_string!(i18n, faults.helper_blocked.next),
        FaultCode::HelperUnsafe => t_string!(i18n, faults.helper_unsafe.next),
        FaultCode::HelperFailed => t_string!(i18n, faults.helper_failed.next),
        FaultCode::HelperUnused => t_string!(i18n, faults.helper_unused.next),
        FaultCode::NotPermitted => t_string!(i18n, faults.not_permitted.next),
        FaultCode::SudoRefused => t_string!(i18n, faults.sudo_refused.next),
        FaultCode::SudoPasswordMissing => t_string!(i18n, faults.sudo_password_missing.next),
        FaultCode::SudoPasswordWrong => t_string!(i18n, faults.sudo_password_wrong.next),
        FaultCode::StoreInUse => t_string!(i18n, faults.store_in_use.next),
        FaultCode::StoreDamaged => t_string!(i18n, faults.store_damaged.next),
        FaultCode::StoreUnwritable => t_string!(i18n, faults.store_unwritable.next),
        FaultCode::StoreNewer => t_string!(i18n, faults.store_newer.next),
        FaultCode::StoreKeyMissing => t_string!(i18n, faults.store_key_missing.next),
        FaultCode::BackupUnusable => t_string!(i18n, faults.backup_unusable.next),
        FaultCode::LogBroken => t_string!(i18n, faults.log_broken.next),
        FaultCode::KeyringUnavailable => t_string!(i18n, faults.keyring_unavailable.next),
        FaultCode::KeyringLocked => t_string!(i18n, faults.keyring_locked.next),
        FaultCode::VaultLocked => t_string!(i18n, faults.vault_locked.next),
        FaultCode::VaultPassphraseWrong => t_string!(i18n, faults.vault_passphrase_wrong.next),
        FaultCode::VaultUnusable => t_string!(i18n, faults.vault_unusable.next),
        FaultCode::AppLocked => t_string!(i18n, faults.app_locked.next),
        FaultCode::NotOnThisHost => t_string!(i18n, faults.not_on_this_host.next),
        FaultCode::TimedOut => t_string!(i18n, faults.timed_out.next),
        FaultCode::Internal => t_string!(i18n, faults.internal.next),
        FaultCode::Unknown => t_string!(i18n, faults.unknown.next),
    }
    .to_string()
}

fn capitalised(text: &str) -> String {
    // The names of programs keep their small letter.
    if text.starts_with("sudo") || text.starts_with("ssh") {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
