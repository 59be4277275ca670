//! notes: on a host or a group.

use protocol::Fault;
use protocol::ipc::{NoteSave, NoteShow};
use protocol::notes::{Note, NoteAbout};

use super::Handle;
use crate::engine::Engine;
use crate::notes::Place;

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
