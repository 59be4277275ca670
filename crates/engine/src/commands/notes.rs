//! notes: on a host or a group.

use protocol::Fault;
use protocol::hosts::Host;
use protocol::ipc::{NoteSave, NoteShow, NotesList};
use protocol::notes::{Note, NoteAbout};

use super::Handle;
use crate::engine::Engine;
use crate::hosts::Hosts;
use crate::notes::{Place, renamed_groups};

impl Handle for NotesList {
    async fn handle(self, engine: &Engine) -> Result<Vec<NoteAbout>, Fault> {
        let mut hosts = engine.parts.hosts.list().await?;
        hosts.push(Hosts::local());
        engine.parts.notes.list(hosts).await
    }
}

impl Handle for NoteShow {
    async fn handle(self, engine: &Engine) -> Result<Option<Note>, Fault> {
        engine.parts.notes.show(place(engine, &self.about).await?).await
    }
}

impl Handle for NoteSave {
    async fn handle(self, engine: &Engine) -> Result<Option<Note>, Fault> {
        let NoteSave { about, text, before_ms } = self;
        let place = place(engine, &about).await?;
        engine.parts.notes.save(place, text, before_ms, engine.parts.operator.clone()).await
    }
}

async fn place(engine: &Engine, about: &NoteAbout) -> Result<Place, Fault> {
    match about {
        NoteAbout::Host(name) => Ok(Place::of_host(&engine.host(name).await?)),
        NoteAbout::Group(name) => Place::of_group(name),
    }
}

/// Lets the notes of groups follow what hosts were changed to, each as it was and as it is.
pub(super) async fn follow_groups(engine: &Engine, changed: &[(Host, Host)]) -> Result<(), Fault> {
    let all = engine.parts.hosts.list().await?;
    for (from, to) in renamed_groups(changed, &all) {
        engine.parts.notes.follow(Place::of_group(&from)?, Place::of_group(&to)?).await?;
    }
    Ok(())
}
