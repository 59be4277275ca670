//! notes: on a host or a group.

super::pass! {
    note_show: NoteShow;
    note_save: NoteSave;
}
