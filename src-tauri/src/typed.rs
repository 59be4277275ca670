//! Secrets as they are typed into the window. The page shows dots and tells each edit; the text is put
//! together here, and given to the one command that it was typed for.
//!
//! A page cannot wipe what it holds: its strings lie in the memory of the web view until that pleases to use
//! it for something else. So it never holds a secret, only one character of it at a time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::Fault;
use protocol::credentials::{Secret, Typed};
use protocol::ipc::{SecretEdit, WithSecrets};
use tokio::sync::Notify;

/// As long as `musterctl` takes one.
const LONGEST_BYTES: usize = 4_096;
/// Fields that hold something; no page has that many, and the oldest is then of a page that is gone.
const MOST_FIELDS: usize = 32;
/// Edits of one field that may come before the one they follow.
const MOST_EARLY: usize = 256;
/// An edit that is on its way when its text is asked for is here in no time, or never.
const ARRIVES: Duration = Duration::from_secs(5);

/// What was typed into fields for secrets and is not used yet.
#[derive(Default)]
pub(crate) struct TypedTexts {
    fields: Mutex<Vec<Field>>,
    edited: Notify,
}

struct Field {
    number: u64,
    /// Has room for the longest from the beginning: a text that grew would leave copies. The app's allocator
    /// wipes it when it is freed.
    text: String,
    /// How many edits were made.
    edits: u32,
    early: BTreeMap<u32, SecretEdit>,
    /// It took an edit that it could not make.
    is_spoiled: bool,
}

impl Field {
    fn new(number: u64) -> Self {
        Self {
            number,
            text: String::with_capacity(LONGEST_BYTES),
            edits: 0,
            early: BTreeMap::new(),
            is_spoiled: false,
        }
    }

    /// Makes an edit when its turn has come, and those that waited for it.
    fn edit(&mut self, edit: SecretEdit) {
        if edit.edit <= self.edits || self.early.len() >= MOST_EARLY {
            self.is_spoiled = true;
            return;
        }
        self.early.insert(edit.edit, edit);
        while let Some(next) = self.early.remove(&(self.edits + 1)) {
            self.edits += 1;
            self.make(&next);
        }
    }

    fn make(&mut self, edit: &SecretEdit) {
        let place = |character: usize| {
            let mut places = self.text.char_indices().map(|(place, _)| place).chain([self.text.len()]);
            places.nth(character)
        };
        let from = place(edit.at as usize);
        let to = place((edit.at as usize).saturating_add(edit.take_out as usize));
        match (from, to) {
            (Some(from), Some(to)) if self.text.len() - (to - from) + edit.text.len() <= LONGEST_BYTES => {
                self.text.replace_range(from..to, &edit.text);
            }
            _ => self.is_spoiled = true,
        }
    }
}

impl TypedTexts {
    fn fields(&self) -> MutexGuard<'_, Vec<Field>> {
        self.fields.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn edit(&self, edit: SecretEdit) {
        let mut fields = self.fields();
        let place = fields.iter().position(|field| field.number == edit.field).unwrap_or_else(|| {
            if fields.len() >= MOST_FIELDS {
                fields.remove(0);
            }
            fields.push(Field::new(edit.field));
            fields.len() - 1
        });
        if let Some(field) = fields.get_mut(place) {
            field.edit(edit);
        }
        drop(fields);
        self.edited.notify_waiters();
    }

    pub(crate) fn forget(&self, number: u64) {
        self.fields().retain(|field| field.number != number);
    }

    /// Puts the texts in the places where a command names what was typed; from then on only the command has
    /// them.
    pub(crate) async fn give<C: WithSecrets>(&self, mut command: C) -> Result<C, Fault> {
        for secret in command.secrets() {
            if let Secret::Typed(typed) = secret {
                *secret = Secret::Text(self.take(*typed).await?);
            }
        }
        Ok(command)
    }

    /// Whether two are the same text. The second is not needed any more.
    pub(crate) async fn is_repeated(&self, typed: Typed, again: Typed) -> Result<bool, Fault> {
        self.arrived(typed).await?;
        let again = self.take(again).await?;
        Ok(self.fields().iter().any(|field| field.number == typed.field && field.text == again))
    }

    async fn take(&self, typed: Typed) -> Result<String, Fault> {
        self.arrived(typed).await?;
        let mut fields = self.fields();
        let place = fields.iter().position(|field| field.number == typed.field).ok_or_else(lost)?;
        let field = fields.remove(place);
        if field.is_spoiled {
            return Err(lost());
        }
        Ok(field.text.as_str().to_owned())
    }

    /// Waits for the last of the edits.
    async fn arrived(&self, typed: Typed) -> Result<(), Fault> {
        let arrived = async {
            loop {
                let edited = self.edited.notified();
                tokio::pin!(edited);
                // From here on no edit is missed.
                edited.as_mut().enable();
                let is_here = |field: &Field| field.number == typed.field && field.edits >= typed.edits;
                if self.fields().iter().any(is_here) {
                    return;
                }
                edited.await;
            }
        };
        tokio::time::timeout(ARRIVES, arrived).await.map_err(|_| lost())
    }
}

fn lost() -> Fault {
    let message =
        format!("what was typed is not known as a whole (it may have {LONGEST_BYTES} bytes): type it again");
    Fault::bad_input("secret", message)
}

/// What of a text a field of one line takes: no ends of lines.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().filter(|character| !matches!(character, '\r' | '\n')).collect()
}

/// The text of the desktop's clipboard, or of what is marked; none if there is none.
#[cfg(target_os = "linux")]
pub(crate) async fn clipboard(app: &tauri::AppHandle, marked: bool) -> Option<String> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    app.run_on_main_thread(move || {
        let selection = if marked { gtk::gdk::SELECTION_PRIMARY } else { gtk::gdk::SELECTION_CLIPBOARD };
        gtk::Clipboard::get(&selection).request_text(move |_, text| {
            // Who asked may have given up.
            let _ = sender.send(text.map(one_line));
        });
    })
    .ok()?;
    tokio::time::timeout(ARRIVES, receiver).await.ok()?.ok()?
}

/// No other desktop is built for: there nothing is pasted.
#[cfg(not(target_os = "linux"))]
pub(crate) async fn clipboard(_: &tauri::AppHandle, _: bool) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use protocol::FaultCode;
    use protocol::ipc::VaultChange;

    use super::*;

    const FIELD: u64 = 7;

    fn edit(edit: u32, at: u32, take_out: u32, text: &str) -> SecretEdit {
        SecretEdit { field: FIELD, edit, at, take_out, text: text.to_owned() }
    }

    fn typed(edits: u32) -> Typed {
        Typed { field: FIELD, edits }
    }

    fn with(edits: impl IntoIterator<Item = SecretEdit>) -> TypedTexts {
        let texts = TypedTexts::default();
        edits.into_iter().for_each(|edit| texts.edit(edit));
        texts
    }

    #[tokio::test]
    async fn edits_make_the_text_in_their_order_in_whatever_order_they_come() {
        let all = [
            edit(1, 0, 0, "pä"),
            edit(2, 2, 0, "家x"),
            edit(3, 1, 2, ""),
            edit(4, 2, 0, "!"),
            edit(5, 0, 1, "q"),
        ];
        assert_eq!(with(all.clone()).take(typed(5)).await.unwrap(), "qx!");
        let mut turned = all.to_vec();
        turned.reverse();
        assert_eq!(with(turned).take(typed(5)).await.unwrap(), "qx!");
    }

    #[tokio::test(start_paused = true)]
    async fn a_text_is_waited_for_until_its_last_edit_is_here_and_is_given_once() {
        let texts = std::sync::Arc::new(with([edit(1, 0, 0, "a")]));
        let taking = tokio::spawn({
            let texts = texts.clone();
            async move { texts.take(typed(2)).await }
        });
        tokio::task::yield_now().await;
        assert!(!taking.is_finished());
        texts.edit(edit(2, 1, 0, "b"));
        assert_eq!(taking.await.unwrap().unwrap(), "ab");
        assert_eq!(texts.take(typed(2)).await.unwrap_err().code, FaultCode::BadInput);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_known_as_a_whole_is_never_given() {
        let long = "x".repeat(LONGEST_BYTES);
        for (edits, count) in [
            // One is missing.
            (vec![edit(2, 0, 0, "b")], 2),
            // It is not where it should be.
            (vec![edit(1, 1, 0, "a")], 1),
            (vec![edit(1, 0, 0, "a"), edit(2, 0, 2, "")], 2),
            (vec![edit(1, 0, u32::MAX, "")], 1),
            // It came twice.
            (vec![edit(1, 0, 0, "a"), edit(1, 0, 0, "b")], 1),
            (vec![edit(0, 0, 0, "a"), edit(1, 0, 0, "b")], 1),
            // It is too long.
            (vec![edit(1, 0, 0, &long), edit(2, 0, 0, "y")], 2),
        ] {
            let fault = with(edits).take(typed(count)).await.unwrap_err();
            assert!(fault.message.contains("type it again"), "{fault}");
        }
        assert_eq!(with([edit(1, 0, 0, &long)]).take(typed(1)).await.unwrap(), long);
    }

    #[tokio::test]
    async fn a_command_gets_each_text_in_its_place() {
        let texts = with([edit(1, 0, 0, "old one")]);
        texts.edit(SecretEdit { field: 8, ..edit(1, 0, 0, "new one") });
        let new = Typed { field: 8, edits: 1 };
        let command = texts.give(VaultChange { old: typed(1).into(), new: new.into() }).await.unwrap();
        assert_eq!(command.old.into_text().unwrap(), "old one");
        assert_eq!(command.new.into_text().unwrap(), "new one");
        assert!(texts.fields().is_empty());
    }

    #[tokio::test]
    async fn what_is_typed_again_is_compared_and_wiped() {
        for (again, same) in [("a word", true), ("a wort", false)] {
            let texts = with([edit(1, 0, 0, "a word")]);
            texts.edit(SecretEdit { field: 8, ..edit(1, 0, 0, again) });
            let repeated = texts.is_repeated(typed(1), Typed { field: 8, edits: 1 }).await;
            assert_eq!(repeated.unwrap(), same);
            assert_eq!(texts.fields().len(), 1);
            assert_eq!(texts.take(typed(1)).await.unwrap(), "a word");
        }
    }

    #[test]
    fn pages_that_are_gone_leave_no_more_than_some_fields() {
        let texts = TypedTexts::default();
        for field in 0..100 {
            texts.edit(SecretEdit { field, ..edit(1, 0, 0, "x") });
        }
        assert_eq!(texts.fields().len(), MOST_FIELDS);
        texts.forget(99);
        assert_eq!(texts.fields().len(), MOST_FIELDS - 1);
    }

    #[test]
    fn a_text_is_put_together_in_one_place_of_memory() {
        let texts = with([edit(1, 0, 0, "a")]);
        let place = texts.fields()[0].text.as_ptr();
        for number in 2..=u32::try_from(LONGEST_BYTES).unwrap() {
            texts.edit(edit(number, number - 1, 0, "b"));
        }
        let fields = texts.fields();
        assert_eq!((fields[0].text.len(), fields[0].text.as_ptr()), (LONGEST_BYTES, place));
    }
}
