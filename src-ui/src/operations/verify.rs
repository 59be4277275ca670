//! The dialog that follows the chain of the log, and says what does not fit.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::ipc::OperationsVerify;
use protocol::operations::{ChainHead, ChainKey, LogBreak, LogBreakKind, LogCheck, LogRestore};

use crate::components::{Button, ButtonKind, Dialog, Failed, Glyph, GlyphName, Skeleton};
use crate::format;
use crate::ipc;
use crate::state::zone_min;
use crate::text::{I18n, lang, t_string, use_i18n};

fn break_words(i18n: I18n, found: &LogBreak) -> String {
    let (operation, record) = (found.operation.unwrap_or_default(), found.record.unwrap_or_default());
    match found.kind {
        LogBreakKind::EntryChanged => t_string!(i18n, operations.break_entry_changed, id = operation),
        LogBreakKind::EntryMissing => t_string!(i18n, operations.break_entry_missing, id = operation),
        LogBreakKind::EntryAdded => t_string!(i18n, operations.break_entry_added, id = operation),
        LogBreakKind::RecordChanged => t_string!(i18n, operations.break_record_changed, record = record),
        LogBreakKind::RecordMissing => t_string!(i18n, operations.break_record_missing, record = record),
        LogBreakKind::RolledBack => t_string!(i18n, operations.break_rolled_back, record = record),
        LogBreakKind::KeyReplaced => t_string!(i18n, operations.break_key_replaced, record = record),
        LogBreakKind::Unknown => t_string!(i18n, operations.break_unknown).to_owned(),
    }
}

fn key_words(i18n: I18n, check: &LogCheck) -> &'static str {
    match (check.key, check.head) {
        (ChainKey::Lost, _) => t_string!(i18n, operations.key_lost),
        (ChainKey::Keyring, ChainHead::Keyring { .. }) => t_string!(i18n, operations.key_keyring),
        (ChainKey::Vault, _) | (ChainKey::Keyring, ChainHead::Vault { .. }) => {
            t_string!(i18n, operations.key_vault)
        }
        (ChainKey::Keyring | ChainKey::File, _) => t_string!(i18n, operations.key_file),
    }
}

fn restore_words(i18n: I18n, restored: &LogRestore) -> String {
    let at = format::date_time(restored.at_ms, zone_min(restored.at_ms), lang(i18n));
    match restored.gone() {
        0 => t_string!(i18n, operations.restored_whole, at = at),
        _ => t_string!(
            i18n,
            operations.restored_without,
            at = at,
            first = restored.record,
            last = restored.had
        ),
    }
}

#[component]
pub(crate) fn VerifyDialog(open: RwSignal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    let told = RwSignal::new(None::<Result<LogCheck, Fault>>);
    let ask = move || {
        told.set(None);
        spawn_local(async move {
            let check = ipc::call(OperationsVerify {}).await;
            told.try_set(Some(check));
        });
    };
    ask();
    let found = move |check: LogCheck| {
        let is_whole = check.breaks_in_all == 0;
        let (entries, records) = (format::count(check.entries), format::count(check.records));
        let more = check.breaks_in_all - check.breaks.len() as u64;
        let retired = check.retired;
        let breaks: Vec<LogBreak> = check.breaks.clone();
        let restored = check.restored.clone();
        let (glyph, is_proved) = match (is_whole, check.is_proved()) {
            (true, true) => (GlyphName::Done, true),
            _ => (GlyphName::Critical, false),
        };
        view! {
            <div class="verify" role="status" data-testid="verify-result" data-proved=is_proved.to_string()>
                <p class="verify-verdict" class:is-crit=!is_whole>
                    <Glyph name=glyph size=14 />
                    <span>
                        {move || match is_whole {
                            true => t_string!(i18n, operations.verify_whole),
                            false => t_string!(i18n, operations.verify_broken),
                        }}
                    </span>
                </p>
                <ul class="verify-breaks selectable">
                    {breaks
                        .into_iter()
                        .map(|found| view! { <li>{move || break_words(i18n, &found)}</li> })
                        .collect_view()}
                </ul>
                {(more > 0).then(|| view! { <p>{move || t_string!(i18n, operations.verify_more, count = more)}</p> })}
                <p class="quiet">
                    {move || {
                        t_string!(
                            i18n,
                            operations.verify_counts,
                            entries = entries.clone(),
                            records = records.clone(),
                            retired = format::count(retired)
                        )
                    }}
                </p>
                {restored
                    .into_iter()
                    .map(|one| view! { <p class="quiet">{move || restore_words(i18n, &one)}</p> })
                    .collect_view()}
                <p class="quiet">{move || key_words(i18n, &check)}</p>
            </div>
        }
    };
    let body = move || match told.get() {
        None => view! { <Skeleton rows=3 /> }.into_any(),
        Some(Ok(check)) => found(check).into_any(),
        Some(Err(fault)) => {
            view! { <Failed fault=Signal::stored(fault) bare=true on_retry=Callback::new(move |()| ask()) /> }
                .into_any()
        }
    };
    let foot = move || {
        view! {
            <span class="grow"></span>
            <Button kind=ButtonKind::Primary testid="verify-close" on_click=Callback::new(move |()| open.set(false))>
                {move || t_string!(i18n, services.close)}
            </Button>
        }
    };
    view! {
        <Dialog
            title=Signal::derive(move || t_string!(i18n, operations.verify_title).to_owned())
            on_close=Callback::new(move |()| open.set(false))
            testid="verify-dialog"
            foot=ViewFn::from(foot)
        >
            {body}
        </Dialog>
    }
}
