//! Secrets as they are typed into the window. The page shows dots and tells each edit; the text is put
//! together here, and goes from here to the engine with the command that it was typed for.
//!
//! A page cannot wipe what it holds: its strings lie in the memory of the web view until that pleases to use
//! it for something else. So it never has the text of a secret, only one edit of it at a time.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::Fault;
use protocol::credentials::{Secret, TYPED_SUBJECT, Typed};
use protocol::ipc::{SecretEdit, SecretPaste, WithSecrets};
use tokio::sync::Notify;

/// As long as `musterctl` takes one.
const LONGEST_BYTES: usize = 4_096;
/// Fields that hold something; no page has that many, and the oldest is then of a page that is gone.
const MOST_FIELDS: usize = 32;
/// Numbers of fields that are done with, whose last edits may still be on their way.
const MOST_CLOSED: usize = 256;
/// Edits of one field that may come before the one they follow.
const MOST_EARLY: usize = 256;
/// An edit that is on its way when its text is asked for is here in no time, or never.
const ARRIVES: Duration = Duration::from_secs(5);

/// What was typed into fields for secrets and is not used yet.
#[derive(Default)]
pub(crate) struct TypedTexts {
    fields: Mutex<Fields>,
    edited: Notify,
}

#[derive(Default)]
struct Fields {
    open: Vec<Field>,
    closed: VecDeque<u64>,
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

    /// Makes an edit when its turn has come, and those that waited for it. One that was made already came twice.
    fn edit(&mut self, edit: SecretEdit) -> Result<(), Fault> {
        if edit.edit > self.edits + 1 && self.early.len() >= MOST_EARLY {
            self.is_spoiled = true;
        } else if edit.edit > self.edits {
            self.early.insert(edit.edit, edit);
        }
        while let Some(next) = self.early.remove(&(self.edits + 1)) {
            self.edits += 1;
            self.make(&next);
        }
        if self.is_spoiled { Err(lost()) } else { Ok(()) }
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

impl Fields {
    fn edit(&mut self, edit: SecretEdit) -> Result<(), Fault> {
        if self.closed.contains(&edit.field) {
            return Err(lost());
        }
        let place = self.open.iter().position(|field| field.number == edit.field).unwrap_or_else(|| {
            if self.open.len() >= MOST_FIELDS {
                let oldest = self.open.remove(0).number;
                self.close(oldest);
            }
            self.open.push(Field::new(edit.field));
            self.open.len() - 1
        });
        match self.open.get_mut(place) {
            Some(field) => field.edit(edit),
            None => Ok(()),
        }
    }

    fn close(&mut self, number: u64) {
        self.open.retain(|field| field.number != number);
        if self.closed.len() >= MOST_CLOSED {
            self.closed.pop_front();
        }
        self.closed.push_back(number);
    }

    /// `None` while edits of it are on their way.
    fn text(&self, typed: Typed) -> Option<Result<&str, Fault>> {
        let field = self.open.iter().find(|field| field.number == typed.field);
        match field {
            Some(field) if field.is_spoiled => Some(Err(lost())),
            Some(field) if field.edits >= typed.edits => Some(Ok(&field.text)),
            None if self.closed.contains(&typed.field) => Some(Err(lost())),
            Some(_) | None => None,
        }
    }
}

impl TypedTexts {
    fn fields(&self) -> MutexGuard<'_, Fields> {
        self.fields.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// The text of that field is wiped: what is typed now would be a part of it only.
    pub(crate) fn edit(&self, edit: SecretEdit) -> Result<(), Fault> {
        let made = self.fields().edit(edit);
        self.edited.notify_waiters();
        made
    }

    /// Puts a text in as an edit, and says how many characters came. What no field takes changes nothing.
    pub(crate) fn paste(&self, paste: SecretPaste, text: String) -> Result<u32, Fault> {
        let SecretPaste { field, edit, at, take_out, marked: _ } = paste;
        let bytes = text.len();
        let (text, take_out) = match bytes {
            1..=LONGEST_BYTES => (text, take_out),
            _ => (String::new(), 0),
        };
        let come = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        self.edit(SecretEdit { field, edit, at, take_out, text })?;
        if bytes > LONGEST_BYTES {
            let message = format!("{bytes} bytes are too long for a secret: it has at most {LONGEST_BYTES}");
            return Err(Fault::bad_input("secret", message));
        }
        Ok(come)
    }

    pub(crate) fn forget(&self, number: u64) {
        self.fields().close(number);
    }

    /// Wipes all: a lock fell, or the page is another one.
    pub(crate) fn forget_all(&self) {
        let mut fields = self.fields();
        let numbers: Vec<u64> = fields.open.iter().map(|field| field.number).collect();
        numbers.into_iter().for_each(|number| fields.close(number));
    }

    /// Does something with a command in which the texts stand where it names what was typed. They are wiped when
    /// it is done; until then they stay in their fields, for another try.
    pub(crate) async fn with_texts<C, R, F>(
        &self,
        mut command: C,
        carry_out: impl FnOnce(C) -> F,
    ) -> Result<R, Fault>
    where
        C: WithSecrets,
        F: Future<Output = Result<R, Fault>>,
    {
        let mut named = Vec::new();
        for secret in command.secrets() {
            if let Secret::Typed(typed) = *secret {
                *secret = Secret::Text(self.text(typed).await?);
                named.push(typed.field);
            }
        }
        let done = carry_out(command).await?;
        named.into_iter().for_each(|number| self.forget(number));
        Ok(done)
    }

    /// Whether two are the same text; if not, both are wiped, so that nobody asks again with another guess.
    pub(crate) async fn is_repeated(&self, typed: Typed, again: Typed) -> Result<bool, Fault> {
        let same = self.text(typed).await? == self.text(again).await?;
        if !same {
            self.forget(typed.field);
        }
        self.forget(again.field);
        Ok(same)
    }

    /// The text, when the last of its edits is here.
    async fn text(&self, typed: Typed) -> Result<String, Fault> {
        let arrived = async {
            loop {
                let edited = self.edited.notified();
                tokio::pin!(edited);
                // From here on no edit is missed.
                edited.as_mut().enable();
                let text = self.fields().text(typed).map(|text| text.map(str::to_owned));
                if let Some(text) = text {
                    return text;
                }
                edited.await;
            }
        };
        tokio::time::timeout(ARRIVES, arrived).await.unwrap_or_else(|_| Err(lost()))
    }
}

fn lost() -> Fault {
    let message =
        format!("what was typed is not known as a whole (it may have {LONGEST_BYTES} bytes): type it again");
    Fault::bad_input(TYPED_SUBJECT, message)
}

/// What of a text a field of one line takes: no ends of lines.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().filter(|character| !matches!(character, '\r' | '\n')).collect()
}

#[cfg(test)]
mod tests {
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
        edits.into_iter().for_each(|edit| texts.edit(edit).unwrap());
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
        assert_eq!(with(all.clone()).text(typed(5)).await.unwrap(), "qx!");
        let mut turned = all.to_vec();
        turned.reverse();
        assert_eq!(with(turned).text(typed(5)).await.unwrap(), "qx!");
    }

    #[tokio::test(start_paused = true)]
    async fn a_text_is_waited_for_until_its_last_edit_is_here() {
        let texts = std::sync::Arc::new(with([edit(1, 0, 0, "a")]));
        let asking = tokio::spawn({
            let texts = texts.clone();
            async move { texts.text(typed(2)).await }
        });
        tokio::task::yield_now().await;
        assert!(!asking.is_finished());
        texts.edit(edit(2, 1, 0, "b")).unwrap();
        assert_eq!(asking.await.unwrap().unwrap(), "ab");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_known_as_a_whole_is_never_given() {
        let long = "x".repeat(LONGEST_BYTES);
        // The last edit of each says so at once, but where one is missing that may still come.
        for (edits, says, count) in [
            (vec![edit(2, 0, 0, "b")], false, 2),
            // It is not where it should be.
            (vec![edit(1, 1, 0, "a")], true, 1),
            (vec![edit(1, 0, 0, "a"), edit(2, 0, 2, "")], true, 2),
            (vec![edit(1, 0, u32::MAX, "")], true, 1),
            // It is too long.
            (vec![edit(1, 0, 0, &long), edit(2, 0, 0, "y")], true, 2),
        ] {
            let texts = TypedTexts::default();
            let made: Vec<_> = edits.into_iter().map(|edit| texts.edit(edit)).collect();
            assert_eq!(made.last().unwrap().is_err(), says);
            let fault = texts.text(typed(count)).await.unwrap_err();
            assert!(fault.message.contains("type it again"), "{fault}");
        }
        assert_eq!(with([edit(1, 0, 0, &long)]).text(typed(1)).await.unwrap(), long);
    }

    #[tokio::test]
    async fn an_edit_that_comes_twice_is_made_once() {
        let texts = with([edit(1, 0, 0, "a"), edit(1, 0, 0, "a"), edit(2, 1, 0, "b"), edit(1, 0, 0, "a")]);
        assert_eq!(texts.text(typed(2)).await.unwrap(), "ab");
    }

    #[tokio::test]
    async fn an_edit_that_many_others_wait_for_is_made_however_many_they_are() {
        let most = u32::try_from(MOST_EARLY).unwrap();
        let texts = with((2..most + 2).map(|number| edit(number, number - 1, 0, "b")));
        texts.edit(edit(1, 0, 0, "a")).unwrap();
        assert_eq!(texts.text(typed(most + 1)).await.unwrap().len(), MOST_EARLY + 1);
    }

    fn change() -> (TypedTexts, VaultChange) {
        let texts = with([edit(1, 0, 0, "old one")]);
        texts.edit(SecretEdit { field: 8, ..edit(1, 0, 0, "new one") }).unwrap();
        let new = Typed { field: 8, edits: 1 };
        (texts, VaultChange { old: typed(1).into(), new: new.into() })
    }

    #[tokio::test]
    async fn a_command_gets_each_text_in_its_place_and_they_are_wiped_when_it_is_done() {
        let (texts, command) = change();
        let told = texts
            .with_texts(command, async |command| Ok([command.old.into_text()?, command.new.into_text()?]));
        assert_eq!(told.await.unwrap(), ["old one", "new one"]);
        assert!(texts.fields().open.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_typed_stays_for_another_try_where_a_command_is_refused() {
        let (texts, command) = change();
        let again = command.clone();
        let refused = Fault::bad_input("name", "it is taken");
        let told = texts.with_texts(command, async |_| Err::<(), _>(refused.clone())).await;
        assert_eq!(told.unwrap_err().message, refused.message);
        texts.with_texts(again, async |command| command.old.into_text()).await.unwrap();
        // Of one that is not whole nothing is sent.
        let (texts, mut command) = change();
        command.new = Typed { field: 8, edits: 2 }.into();
        let mut sent = false;
        let told = texts.with_texts(command, async |_| {
            sent = true;
            Ok(())
        });
        told.await.unwrap_err();
        assert!(!sent);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_typed_again_is_compared_once() {
        for (again, same) in [("a word", true), ("a wort", false)] {
            let texts = with([edit(1, 0, 0, "a word")]);
            texts.edit(SecretEdit { field: 8, ..edit(1, 0, 0, again) }).unwrap();
            let second = Typed { field: 8, edits: 1 };
            assert_eq!(texts.is_repeated(typed(1), second).await.unwrap(), same);
            texts.is_repeated(typed(1), second).await.unwrap_err();
            assert_eq!(texts.text(typed(1)).await.is_ok(), same);
        }
    }

    #[test]
    fn pages_that_are_gone_leave_no_more_than_some_fields() {
        let texts = TypedTexts::default();
        for field in 0..100 {
            texts.edit(SecretEdit { field, ..edit(1, 0, 0, "x") }).unwrap();
        }
        assert_eq!(texts.fields().open.len(), MOST_FIELDS);
        texts.forget_all();
        assert!(texts.fields().open.is_empty());
    }

    #[test]
    fn what_comes_for_a_field_that_was_wiped_is_not_kept() {
        let texts = with([edit(1, 0, 0, "a")]);
        texts.forget(FIELD);
        texts.edit(edit(2, 1, 0, "b")).unwrap_err();
        let paste = SecretPaste { field: FIELD, edit: 3, at: 0, take_out: 0, marked: false };
        texts.paste(paste, "c".into()).unwrap_err();
        assert!(texts.fields().open.is_empty());
    }

    #[tokio::test]
    async fn a_paste_of_nothing_or_of_too_much_leaves_the_text_as_it_was() {
        let texts = with([edit(1, 0, 0, "abc")]);
        let paste = |edit| SecretPaste { field: FIELD, edit, at: 0, take_out: 3, marked: false };
        assert_eq!(texts.paste(paste(2), String::new()).unwrap(), 0);
        let fault = texts.paste(paste(3), "x".repeat(LONGEST_BYTES + 1)).unwrap_err();
        assert!(fault.message.contains("4097") && !fault.message.contains("xx"), "{fault}");
        assert_eq!(texts.text(typed(3)).await.unwrap(), "abc");
        assert_eq!(texts.paste(paste(4), "\u{e4}b".into()).unwrap(), 2);
        assert_eq!(texts.text(typed(4)).await.unwrap(), "\u{e4}b");
    }

    #[test]
    fn a_text_is_put_together_in_one_place_of_memory() {
        let texts = with([edit(1, 0, 0, "a")]);
        let place = texts.fields().open[0].text.as_ptr();
        for number in 2..=u32::try_from(LONGEST_BYTES).unwrap() {
            texts.edit(edit(number, number - 1, 0, "b")).unwrap();
        }
        let fields = texts.fields();
        assert_eq!((fields.open[0].text.len(), fields.open[0].text.as_ptr()), (LONGEST_BYTES, place));
    }
}
