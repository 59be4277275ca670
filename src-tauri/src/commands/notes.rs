//! notes: on a host or a group.

super::pass! {
    notes_list: NotesList;
    note_show: NoteShow;
    note_save: NoteSave;
}
