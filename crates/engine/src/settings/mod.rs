//! settings: what a person chose for the window, as one value of the store.

use protocol::Fault;
use protocol::settings::Settings;

use crate::store::{Store, Tree};

const SETTINGS: Tree<String, Settings> = Tree::new("settings", 1);
const KEY: &str = "window";

/// No faster, or the samples cost more than they tell; no slower, or a live page looks dead.
const INTERVAL_MS: std::ops::RangeInclusive<u32> = 500..=60_000;

/// Gives the saved settings, or the defaults.
pub async fn load(store: &Store) -> Result<Settings, Fault> {
    Ok(store.read(|reader| SETTINGS.get(reader, &KEY.to_owned())).await?.unwrap_or_default())
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
        let chosen = Settings { language: Language::Chinese, theme: Theme::Dark, interval_ms: 5_000, notify };
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
