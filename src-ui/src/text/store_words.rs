//! Words for what happened to the data of this computer, most of it when it was opened.

use protocol::store::StoreNotice;
use protocol::text::printable;

use super::{I18n, lang, t_string};
use crate::format;
use crate::state::zone_min;

/// What happened, as a sentence or two.
pub(crate) fn notice_text(i18n: I18n, notice: &StoreNotice) -> String {
    let shown = |text: &str| printable(text).into_owned();
    match notice {
        StoreNotice::ReadOnly { cause } => t_string!(i18n, settings.notice_read_only, cause = shown(cause)),
        StoreNotice::ReadAnew { kept } => t_string!(i18n, settings.notice_read_anew, kept = shown(kept)),
        StoreNotice::LastChangesLost { changes, kept } => {
            let changes = format::count(*changes);
            t_string!(i18n, settings.notice_changes_lost, changes = changes, kept = shown(kept))
        }
        StoreNotice::Recovered { recovered, lost, from_backup, backup_ms, may_be_old, kept } => {
            let (found, kept) = (format::count(*recovered), shown(kept));
            let said = match lost {
                Some(lost) => {
                    let (total, lost) = (format::count(recovered + lost), format::count(*lost));
                    t_string!(
                        i18n,
                        settings.notice_recovered,
                        found = found,
                        total = total,
                        lost = lost,
                        kept = kept
                    )
                }
                None => t_string!(i18n, settings.notice_recovered_some, found = found, kept = kept),
            };
            let said = match may_be_old {
                true => format!("{said} {}", t_string!(i18n, settings.notice_may_be_old)),
                false => said,
            };
            match backup_ms {
                Some(made_ms) if *from_backup > 0 => {
                    let count = format::count(*from_backup);
                    let when = format::date_time(*made_ms, zone_min(*made_ms), lang(i18n));
                    format!(
                        "{said} {}",
                        t_string!(i18n, settings.notice_from_backup, count = count, when = when)
                    )
                }
                _ => said,
            }
        }
        StoreNotice::Upgraded { from, to, copy } => {
            t_string!(i18n, settings.notice_upgraded, from = *from, to = *to, copy = shown(copy))
        }
        StoreNotice::Sealed { clear } => {
            let said = t_string!(i18n, settings.notice_sealed);
            match clear.as_slice() {
                [] => said.to_owned(),
                clear => {
                    let clear = shown(&clear.join(", "));
                    format!("{said} {}", t_string!(i18n, settings.notice_clear, clear = clear))
                }
            }
        }
        StoreNotice::KeyGone { cause: None } => t_string!(i18n, settings.notice_key_back).to_string(),
        StoreNotice::KeyGone { cause: Some(cause) } => {
            t_string!(i18n, settings.notice_key_gone, cause = shown(cause))
        }
        StoreNotice::Unknown => t_string!(i18n, settings.notice_unknown).to_string(),
    }
}
