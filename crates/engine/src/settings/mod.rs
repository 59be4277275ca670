//! settings: what a person chose for the window, as one value of the store.

pub mod views;

use protocol::Fault;
use protocol::settings::{LogKeep, LogSettings, Settings, Syslog};

use crate::store::{Store, Tree};

const SETTINGS: Tree<String, Settings> = Tree::new("settings", 1);
const KEY: &str = "window";

/// No faster, or the samples cost more than they tell; no slower, or a live page looks dead.
const INTERVAL_MS: std::ops::RangeInclusive<u32> = 500..=60_000;

/// Gives the saved settings, or the defaults.
pub async fn load(store: &Store) -> Result<Settings, Fault> {
    Ok(store.read(|reader| SETTINGS.get(reader, &KEY.to_owned())).await?.unwrap_or_default())
}

/// Refuses what cannot be kept to.
pub fn check_keep(keep: &LogKeep) -> Result<(), Fault> {
    if keep.days == Some(0) || keep.entries == Some(0) {
        return Err(Fault::bad_input("keep", "the log is kept for 1 day or 1 entry at least, or for ever"));
    }
    match &keep.export_to {
        Some(folder) if !std::path::Path::new(folder).is_absolute() => Err(Fault::bad_input(
            "export_to",
            format!("'{}' is no full path of a folder", protocol::text::printable(folder)),
        )),
        _ => Ok(()),
    }
}

fn check_syslog(to: &Syslog) -> Result<(), Fault> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-:_%".contains(c);
    if to.host.is_empty() || to.host.len() > 255 || !to.host.chars().all(is_name) || to.port == 0 {
        return Err(Fault::bad_input(
            "syslog",
            format!(
                "'{}' port {} is no address of a collector: give a name or an IP address and a port from 1 on",
                protocol::text::printable(&to.host),
                to.port
            ),
        ));
    }
    Ok(())
}

/// What of the log's settings is other than before, as the log says it.
pub fn log_change(before: &LogSettings, after: &LogSettings) -> Option<String> {
    let keep = |keep: &LogKeep| {
        let days = keep.days.map_or_else(|| "for ever".into(), |days| format!("{days} days"));
        let entries = keep.entries.map_or_else(|| "all".into(), |entries| format!("{entries} entries"));
        let export =
            keep.export_to.as_ref().map_or_else(String::new, |to| format!(", exported to {to} first"));
        format!("{days}, {entries}{export}")
    };
    let syslog = |syslog: &Option<Syslog>| match syslog {
        Some(to) => format!("{}:{}", to.host, to.port),
        None => "off".into(),
    };
    let mut changes = Vec::new();
    if before.keep != after.keep {
        changes.push(format!("the log is kept: {}; before: {}", keep(&after.keep), keep(&before.keep)));
    }
    if before.syslog != after.syslog {
        changes.push(format!("syslog: {}; before: {}", syslog(&after.syslog), syslog(&before.syslog)));
    }
    (!changes.is_empty()).then(|| changes.join("; "))
}

/// Saves the settings and gives them as they are now.
pub async fn save(store: &Store, settings: Settings) -> Result<Settings, Fault> {
    if !INTERVAL_MS.contains(&settings.interval_ms) {
        return Err(Fault::bad_input(
            "interval_ms",
            format!(
                "an interval of {} ms cannot be used: give one from {} to {} ms",
                settings.interval_ms,
                INTERVAL_MS.start(),
                INTERVAL_MS.end()
            ),
        ));
    }
    check_keep(&settings.log.keep)?;
    if let Some(to) = &settings.log.syslog {
        check_syslog(to)?;
    }
    store
        .write(move |writer| {
            SETTINGS.put(writer, &KEY.to_owned(), &settings)?;
            Ok(settings)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::settings::{Language, Notify, Theme};

    #[tokio::test]
    async fn what_was_chosen_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let notify = Notify { host_lost: false, ..Notify::default() };
        let chosen = Settings {
            language: Language::Chinese,
            theme: Theme::Dark,
            interval_ms: 5_000,
            notify,
            ..Settings::default()
        };
        {
            let store = Store::open(dir.path()).await.unwrap().store;
            assert_eq!(load(&store).await.unwrap(), Settings::default());
            save(&store, chosen.clone()).await.unwrap();
            assert!(save(&store, Settings { interval_ms: 1, ..chosen.clone() }).await.is_err());
        }
        let store = Store::open(dir.path()).await.unwrap().store;
        assert_eq!(load(&store).await.unwrap(), chosen);
    }
}
