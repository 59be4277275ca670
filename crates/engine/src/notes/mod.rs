//! notes: the notes on hosts and groups, in the store.
//!
//! A note on a host lies under the host's id, so that it outlives a new name; one on a group lies under
//! the group's name, which is all that a group has.

use std::ops::ControlFlow;

use protocol::hosts::Host;
use protocol::notes::{LONGEST_NOTE_BYTES, Note, NoteAbout};
use protocol::{Fault, FaultCode};

use crate::clock::Clock;
use crate::store::{Order, Store, Tree};

const NOTES: Tree<String, Note> = Tree::new("notes", 1);

/// The notes.
#[derive(Clone)]
pub struct Notes {
    store: Store,
    clock: Clock,
}

/// Where a note lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    pub fn of_host(host: &Host) -> Self {
        Self(format!("host\u{1f}{}", host.id))
    }

    pub fn of_group(group: &str) -> Result<Self, Fault> {
        let group = group.trim();
        if group.is_empty() || group.len() > 256 || group.chars().any(char::is_control) {
            return Err(Fault::bad_input("group", "a note needs the name of a group"));
        }
        Ok(Self(format!("group\u{1f}{group}")))
    }

    /// What it is the place of; `None` for a host that is not among these.
    fn about(&self, hosts: &[Host]) -> Option<NoteAbout> {
        let (kind, of) = self.0.split_once('\u{1f}')?;
        match kind {
            "group" => Some(NoteAbout::Group(of.to_owned())),
            _ => hosts.iter().find(|host| host.id == of).map(|host| NoteAbout::Host(host.name.clone())),
        }
    }
}

/// Groups that have another name now: each host that was in one is in the same other one instead, and none is left.
pub fn renamed_groups(changed: &[(Host, Host)], all: &[Host]) -> Vec<(String, String)> {
    let mut renamed: Vec<(String, String)> = Vec::new();
    for from in changed.iter().flat_map(|(before, _)| &before.groups) {
        let is_left = all.iter().any(|host| host.groups.contains(from));
        if is_left || renamed.iter().any(|(known, _)| known == from) {
            continue;
        }
        let left = changed.iter().filter(|(before, _)| before.groups.contains(from));
        let mut to = left.map(|(before, after)| {
            let mut new = after.groups.iter().filter(|group| !before.groups.contains(group));
            new.next().filter(|_| new.next().is_none())
        });
        if let Some(Some(first)) = to.next()
            && to.all(|other| other == Some(first))
        {
            renamed.push((from.clone(), first.clone()));
        }
    }
    renamed
}

impl Notes {
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }

    pub async fn show(&self, place: Place) -> Result<Option<Note>, Fault> {
        self.store.read(move |reader| NOTES.get(reader, &place.0)).await
    }

    /// What there are notes on: of these hosts, and of any group.
    pub async fn list(&self, hosts: Vec<Host>) -> Result<Vec<NoteAbout>, Fault> {
        self.store
            .read(move |reader| {
                let mut about = Vec::new();
                NOTES.scan(reader, .., Order::LowestFirst, |place, _| {
                    about.extend(Place(place).about(&hosts));
                    Ok(ControlFlow::Continue(()))
                })?;
                Ok(about)
            })
            .await
    }

    /// Moves a note to the new name of its group. Where that has one already, both stay.
    pub async fn follow(&self, from: Place, to: Place) -> Result<(), Fault> {
        self.store
            .write(move |writer| {
                if let (Some(note), None) = (NOTES.get(writer, &from.0)?, NOTES.get(writer, &to.0)?) {
                    NOTES.remove(writer, &from.0)?;
                    NOTES.put(writer, &to.0, &note)?;
                }
                Ok(())
            })
            .await
    }

    /// Keeps a note; an empty one is taken away. `before_ms` is when the note that was changed was written:
    /// where somebody else has changed it since, nothing is lost and the fault says so.
    pub async fn save(
        &self,
        place: Place,
        text: String,
        before_ms: Option<i64>,
        by: String,
    ) -> Result<Option<Note>, Fault> {
        if text.len() > LONGEST_NOTE_BYTES {
            return Err(Fault::bad_input(
                "text",
                format!("the note has {} bytes: at most {LONGEST_NOTE_BYTES} can be kept", text.len()),
            ));
        }
        let changed_ms = self.clock.now_ms();
        self.store
            .write(move |writer| {
                let kept = NOTES.get(writer, &place.0)?;
                if kept.as_ref().map(|note| note.changed_ms) != before_ms {
                    let by = kept.map_or_else(String::new, |note| format!(" by {}", note.by));
                    return Err(Fault::new(
                        FaultCode::BadInput,
                        format!(
                            "the note was changed{by} since it was opened: copy your text and open it again"
                        ),
                    )
                    .about("before_ms"));
                }
                if text.trim().is_empty() {
                    NOTES.remove(writer, &place.0)?;
                    return Ok(None);
                }
                // Two changes in one millisecond are still two.
                let changed_ms = changed_ms.max(before_ms.map_or(i64::MIN, |before| before + 1));
                let note = Note { text, changed_ms, by };
                NOTES.put(writer, &place.0, &note)?;
                Ok(Some(note))
            })
            .await
    }

    /// Takes the note of a host away that is not saved any more.
    pub async fn forget(&self, host: &Host) -> Result<(), Fault> {
        let place = Place::of_host(host);
        self.store.write(move |writer| NOTES.remove(writer, &place.0).map(drop)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::Hosts;

    async fn notes(dir: &tempfile::TempDir) -> Notes {
        Notes::new(Store::open(dir.path()).await.unwrap().store, Clock::standing_at(1_000))
    }

    #[tokio::test]
    async fn a_note_is_kept_changed_and_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let notes = notes(&dir).await;
        let place = Place::of_host(&Hosts::local());
        assert_eq!(notes.show(place.clone()).await.unwrap(), None);
        let first = notes.save(place.clone(), "one".into(), None, "ann".into()).await.unwrap().unwrap();
        let second =
            notes.save(place.clone(), "two".into(), Some(first.changed_ms), "ben".into()).await.unwrap();
        assert_eq!(second.as_ref().map(|note| note.by.as_str()), Some("ben"));
        assert_eq!(notes.show(place.clone()).await.unwrap(), second);
        let before_ms = second.map(|note| note.changed_ms);
        assert_eq!(notes.save(place.clone(), " \n".into(), before_ms, "ann".into()).await.unwrap(), None);
        assert_eq!(notes.show(place).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_somebody_else_wrote_meanwhile_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let notes = notes(&dir).await;
        let place = Place::of_group("Web").unwrap();
        notes.save(place.clone(), "from ann".into(), None, "ann".into()).await.unwrap();
        let fault = notes.save(place.clone(), "from ben".into(), None, "ben".into()).await.unwrap_err();
        assert!(fault.message.contains("by ann"), "{}", fault.message);
        assert_eq!(notes.show(place).await.unwrap().unwrap().text, "from ann");
    }

    fn host(name: &str, groups: &[&str]) -> Host {
        Host {
            id: format!("id of {name}"),
            name: name.into(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            ..Hosts::local()
        }
    }

    #[tokio::test]
    async fn what_there_are_notes_on_is_told_by_the_names_of_today() {
        let dir = tempfile::tempdir().unwrap();
        let notes = notes(&dir).await;
        let (web, gone) = (host("web", &[]), host("gone", &[]));
        for place in [Place::of_host(&web), Place::of_host(&gone), Place::of_group("Web").unwrap()] {
            notes.save(place, "x".into(), None, "ann".into()).await.unwrap();
        }
        let renamed = Host { name: "web-2".into(), ..web };
        let told = notes.list(vec![renamed]).await.unwrap();
        assert_eq!(told, [NoteAbout::Group("Web".into()), NoteAbout::Host("web-2".into())]);
    }

    #[tokio::test]
    async fn the_note_of_a_group_follows_its_new_name_and_replaces_none() {
        let dir = tempfile::tempdir().unwrap();
        let notes = notes(&dir).await;
        let [web, site, shop] = ["Web", "Site", "Shop"].map(|group| Place::of_group(group).unwrap());
        for place in [&web, &shop] {
            notes.save(place.clone(), format!("{place:?}"), None, "ann".into()).await.unwrap();
        }
        notes.follow(web.clone(), site.clone()).await.unwrap();
        assert_eq!(notes.show(web.clone()).await.unwrap(), None);
        assert!(notes.show(site.clone()).await.unwrap().unwrap().text.contains("Web"));
        notes.follow(site.clone(), shop.clone()).await.unwrap();
        assert!(notes.show(site).await.unwrap().is_some(), "what is not moved stays");
        assert!(notes.show(shop).await.unwrap().unwrap().text.contains("Shop"));
    }

    #[test]
    fn a_group_has_another_name_once_all_its_hosts_are_in_the_same_other_one() {
        let moved = |name: &str, from: &[&str], to: &[&str]| (host(name, from), host(name, to));
        let both = [moved("a", &["Web"], &["Site"]), moved("b", &["Web", "Shop"], &["Shop", "Site"])];
        let all: Vec<Host> = both.iter().map(|(_, after)| after.clone()).collect();
        assert_eq!(renamed_groups(&both, &all), [("Web".to_owned(), "Site".to_owned())]);
        let with_one_left = [all.clone(), vec![host("c", &["Web"])]].concat();
        assert_eq!(renamed_groups(&both, &with_one_left), []);
        for other in [
            [moved("a", &["Web"], &["Site"]), moved("b", &["Web"], &["Shop"])],
            [moved("a", &["Web"], &["Site"]), moved("b", &["Web"], &[])],
            [moved("a", &["Web"], &["Site", "Shop"]), moved("b", &["Web"], &["Site", "Shop"])],
        ] {
            let all: Vec<Host> = other.iter().map(|(_, after)| after.clone()).collect();
            assert_eq!(renamed_groups(&other, &all), [], "{other:?}");
        }
    }

    #[tokio::test]
    async fn a_note_that_is_too_long_and_a_group_without_a_name_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let notes = notes(&dir).await;
        let long = "x".repeat(LONGEST_NOTE_BYTES + 1);
        let place = Place::of_group("Web").unwrap();
        assert_eq!(notes.save(place, long, None, "ann".into()).await.unwrap_err().code, FaultCode::BadInput);
        assert!(Place::of_group(" ").is_err() && Place::of_group("a\nb").is_err());
    }
}
