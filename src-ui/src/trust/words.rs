//! Words for where a host key is known from.

use protocol::text::printable;
use protocol::trust::{TrustSource, TrustedKey};

use crate::format;
use crate::state::zone_min;
use crate::text::{I18n, lang, t_string};

/// `accepted 3 Nov 14:31 by ann`, `line 3 of /home/ann/.ssh/known_hosts`.
pub(crate) fn source_words(i18n: I18n, known: &TrustedKey) -> String {
    match &known.source {
        TrustSource::KnownHosts { file, line } => {
            t_string!(i18n, trust.from_file, line = *line, file = printable(file).into_owned())
        }
        TrustSource::Muster if known.once => t_string!(i18n, trust.from_once).to_string(),
        TrustSource::Muster => {
            let who = printable(&known.accepted_by).into_owned();
            let when = known.accepted_ms.map_or_else(
                || "\u{2014}".to_owned(),
                |accepted_ms| format::date(accepted_ms, zone_min(accepted_ms), lang(i18n)),
            );
            t_string!(i18n, trust.accepted, when = when, who = who)
        }
    }
}
