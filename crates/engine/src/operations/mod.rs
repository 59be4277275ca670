//! operations: the log of what operators did, an inbox that can be read offline.
//!
//! An entry is on the disk before its operation is sent, and is finished after; one that was under
//! way when the program ended becomes "outcome unknown" at the next start. Entries are never edited;
//! a remark can be added, and retention takes the oldest away. Each change is in a chain that `verify` follows. Counts are kept in the transaction of each change, so the badge costs nothing
//! and is right after any crash.

mod adopt;
mod book;
mod chain;
mod entry;
mod export;
mod filter;
mod log;
mod marks;
mod recount;
mod retention;
mod search;
mod syslog;
pub(crate) mod upkeep;
mod words;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use protocol::operations::{
    COMMENT_LIMIT_BYTES, Comment, EndedBy, HostThen, LogCheck, Operation, OperationCounts, OperationFilter,
    OperationKind, OperationPage, OperationResult, Privilege, ReadMark, ReadSelection,
};
use protocol::services::{Moment, Outcome, UnitState};
use protocol::{Fault, FaultCode};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::runtime::in_turn;
use crate::secrets::SecretStore;
use crate::store::{Store, Turn, Turned, Writer};
use book::Book;
use chain::Sealing;
pub(crate) use export::Form;
use search::Index;

/// Most entries of a page.
const PAGE_LIMIT: u32 = 1000;
const PAGE_DEFAULT: u32 = 100;
/// Who says what no person added to an entry.
const REMARKS_BY: &str = "Muster";

/// An operation that is about to be sent.
#[derive(Clone, Debug)]
pub struct OperationDraft {
    pub host: Option<HostThen>,
    pub kind: OperationKind,
    /// What it is done to: a unit, a key, a host.
    pub target: String,
    /// Exactly what is run on the host; empty where nothing is.
    pub command: String,
    /// A person wrote the command.
    pub custom: bool,
    /// With which rights it is run; `None` where nothing is.
    pub privilege: Option<Privilege>,
}

impl OperationDraft {
    /// Something that is done to a host or here, with no command.
    pub fn new(kind: OperationKind, host: Option<HostThen>, target: impl Into<String>) -> Self {
        Self { host, kind, target: target.into(), command: String::new(), custom: false, privilege: None }
    }

    /// The same by a command that Muster made.
    pub fn running(mut self, command: impl Into<String>, privilege: Privilege) -> Self {
        self.command = command.into();
        self.privilege = Some(privilege);
        self
    }
}

/// What came of an operation.
#[derive(Clone, Debug)]
pub struct Finish {
    pub result: OperationResult,
    pub outcome: Option<Outcome>,
    pub exit_code: Option<i32>,
    pub took_ms: Option<u64>,
    pub output: String,
    /// How long it was in full, where this is known to be more than `output` has.
    pub output_bytes: Option<u64>,
    pub errors: String,
    pub errors_bytes: Option<u64>,
    /// One sentence on what came of it.
    pub summary: String,
    /// The fault that ended it.
    pub ended_by: Option<EndedBy>,
    pub before: Option<UnitState>,
    pub after: Option<UnitState>,
    pub job_result: Option<String>,
    pub moments: Vec<Moment>,
    pub journal: Vec<String>,
}

impl Finish {
    /// A finish with this result and nothing more to say.
    pub fn new(result: OperationResult) -> Self {
        Self {
            result,
            outcome: None,
            exit_code: None,
            took_ms: None,
            output: String::new(),
            output_bytes: None,
            errors: String::new(),
            errors_bytes: None,
            summary: String::new(),
            ended_by: None,
            before: None,
            after: None,
            job_result: None,
            moments: Vec::new(),
            journal: Vec::new(),
        }
    }

    /// A finish by a fault, whose sentence says what came of it.
    pub fn by(fault: &Fault, result: OperationResult) -> Self {
        Self { ended_by: Some(fault.into()), ..Self::new(result).saying(fault.message.clone()) }
    }

    pub fn saying(mut self, summary: impl Into<String>) -> Self {
        self.summary = summary.into();
        self
    }
}

/// What every view is told after a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub counts: OperationCounts,
    /// Counts up with every change of an entry.
    pub record: u64,
}

/// The log.
#[derive(Clone)]
pub struct Operations {
    store: Store,
    clock: Clock,
    operator: String,
    sealing: Arc<Mutex<Sealing>>,
    /// How far the chain had come before it was opened.
    found: u64,
    told: watch::Sender<Told>,
    index: Arc<Index>,
    /// Ends what is done in the background when the last copy of the log is gone.
    life: Arc<()>,
    /// What came of operations and could not be written down yet.
    late: Arc<Mutex<Vec<(u64, Finish)>>>,
    /// Exports that are under way, each with whether it goes on.
    exports: Arc<Mutex<HashMap<String, Arc<AtomicBool>>>>,
    /// One at a time asks the keyring: while it waits for a person it holds one thread, and no more.
    asking: Arc<tokio::sync::Mutex<()>>,
}

impl Operations {
    /// Opens the log. What was under way when the program last ended becomes "outcome unknown".
    pub async fn open(store: Store, clock: Clock, operator: String) -> Result<Self, Fault> {
        let found = store.read(|reader| chain::tip(reader)).await?.record;
        let sealing = Arc::new(chain::open(&store, &clock).await?);
        let index = Arc::new(Index::new(store.dir().to_owned()));
        let told = watch::Sender::new(Told::default());
        let log = Self {
            store,
            clock,
            operator,
            sealing,
            found,
            told,
            index,
            life: Arc::default(),
            late: Arc::default(),
            exports: Arc::default(),
            asking: Arc::default(),
        };
        let operator = log.operator.clone();
        if log.store.read_only().is_some() {
            // What cannot be written can still be read.
            let told = log.store.read(move |reader| look(reader, &operator)).await?;
            log.told.send_replace(told);
            return Ok(log);
        }
        let mended = log.store.mended();
        log.change(move |writer, book| {
            recount::recount(writer, book, mended)?;
            // Each entry has a record, so no number up to this one is given a second time.
            book.ledger.newest = book.ledger.newest.max(chain::had(writer)?);
            marks::welcome(book, &operator);
            Ok(())
        })
        .await?;
        log.adopt().await?;
        log.tell_restore().await?;
        let now_ms = log.clock.now_ms();
        log.change(move |writer, book| log::close_what_was_cut(writer, book, now_ms)).await?;
        log.tend();
        Ok(log)
    }

    /// Brings what an earlier version wrote.
    async fn adopt(&self) -> Result<(), Fault> {
        loop {
            let ledger = self.store.read(|reader| book::ledger(reader)).await?;
            if ledger.is_adopted {
                return Ok(());
            }
            let through = ledger.adopted_through;
            let some = self.store.read(move |reader| adopt::some_after(reader, through)).await?;
            let now_ms = self.clock.now_ms();
            self.change(move |writer, book| adopt::bring(writer, book, &some, now_ms)).await?;
        }
    }

    /// Writes down that a backup was put in the place of the store, if that is not in the log yet.
    async fn tell_restore(&self) -> Result<(), Fault> {
        let Some(Turn { number, at_ms, what: Turned::Restored { file, made_ms, values, kept } }) =
            self.store.turn().cloned()
        else {
            return Ok(());
        };
        let draft = OperationDraft::new(OperationKind::StoreRestore, None, file);
        let kept = kept.map_or_else(String::new, |kept| format!("; what was there is kept in {kept}"));
        let summary = format!("{values} values of {}{kept}", export::utc(made_ms));
        let mut entry = self.ended(draft, Finish::new(OperationResult::Done).saying(summary));
        entry.started_ms = at_ms;
        self.change(move |writer, book| {
            if book.ledger.turn != number {
                log::append(writer, book, entry)?;
                book.ledger.turn = number;
            }
            Ok(())
        })
        .await
    }

    /// Writes down what is about to be done. When this returns, it is on the disk.
    pub async fn begin(&self, draft: OperationDraft) -> Result<u64, Fault> {
        let entry = entry::begun(draft, self.operator.clone(), self.clock.now_ms());
        Ok(self.change(move |writer, book| log::append(writer, book, entry)).await?.id)
    }

    /// Writes down what came of it; it is unread from then on. An entry is finished once.
    ///
    /// Where the log cannot be written, what came of it is told all the same, with why it is not in the
    /// log, and it is tried again as long as this program runs.
    pub async fn finish(&self, id: u64, finish: Finish) -> Result<Operation, Fault> {
        match self.write_end(id, finish.clone()).await {
            Err(fault) if fault.code == FaultCode::StoreUnwritable => {
                let mut entry = self.show(id).await?;
                entry::finish(&mut entry, finish.clone());
                entry.unlogged = Some(fault.message);
                lock(&self.late).push((id, finish));
                Ok(entry)
            }
            done => done,
        }
    }

    async fn write_end(&self, id: u64, finish: Finish) -> Result<Operation, Fault> {
        let now_ms = self.clock.now_ms();
        self.change(move |writer, book| log::finish(writer, book, id, finish, now_ms)).await
    }

    /// Tries once more to write down what could not be. `StoreUnwritable` if there is still something.
    pub(crate) async fn catch_up(&self) -> Result<(), Fault> {
        loop {
            let Some((id, finish)) = lock(&self.late).first().cloned() else { return Ok(()) };
            match self.write_end(id, finish).await {
                Err(fault) if fault.code == FaultCode::StoreUnwritable => return Err(fault),
                Err(fault) => {
                    tracing::error!(id, why = %fault.message, "the end of an operation is not in the log")
                }
                Ok(_) => {}
            }
            lock(&self.late).retain(|(late, _)| *late != id);
        }
    }

    /// Writes down something that was done at once, here.
    pub async fn record(&self, draft: OperationDraft, finish: Finish) -> Result<Operation, Fault> {
        let entry = self.ended(draft, finish);
        self.change(move |writer, book| log::append(writer, book, entry)).await
    }

    /// Writes down many at once, in one write.
    pub async fn record_all(&self, all: Vec<(OperationDraft, Finish)>) -> Result<(), Fault> {
        let entries: Vec<Operation> =
            all.into_iter().map(|(draft, finish)| self.ended(draft, finish)).collect();
        self.change(move |writer, book| {
            entries.into_iter().try_for_each(|entry| log::append(writer, book, entry).map(drop))
        })
        .await
    }

    /// The same as `record` for what its operator saw happen, so that it is not unread by them.
    pub async fn record_own(&self, draft: OperationDraft, finish: Finish) -> Result<Operation, Fault> {
        let mark = self.mark();
        let entry = self.ended(draft, finish);
        self.change(move |writer, book| {
            let entry = log::append(writer, book, entry)?;
            marks::mark_read(writer, book, &[entry.id], &mark)?;
            Ok(Operation { read: Some(mark), ..entry })
        })
        .await
    }

    fn ended(&self, draft: OperationDraft, finish: Finish) -> Operation {
        let mut entry = entry::begun(draft, self.operator.clone(), self.clock.now_ms());
        entry::finish(&mut entry, finish);
        entry
    }

    fn mark(&self) -> ReadMark {
        ReadMark { by: self.operator.clone(), at_ms: self.clock.now_ms() }
    }

    /// Adds a remark to an entry.
    pub async fn comment(&self, id: u64, text: String) -> Result<Operation, Fault> {
        let text = text.trim().to_owned();
        if text.is_empty() || text.len() > COMMENT_LIMIT_BYTES {
            return Err(Fault::bad_input(
                "comment",
                format!("a comment has 1 to {COMMENT_LIMIT_BYTES} bytes, and this one {}", text.len()),
            ));
        }
        self.add_comment(id, self.operator.clone(), text).await?;
        self.show(id).await
    }

    /// Adds what this program learned of an operation after its end.
    pub(crate) async fn remark(&self, id: u64, text: String) -> Result<(), Fault> {
        self.add_comment(id, REMARKS_BY.to_owned(), text).await
    }

    async fn add_comment(&self, id: u64, by: String, text: String) -> Result<(), Fault> {
        let comment = Comment { by, at_ms: self.clock.now_ms(), text };
        self.change(move |writer, book| log::comment(writer, book, id, comment)).await
    }

    /// The entries that a filter asks for, newest first. A page of long outputs may have fewer
    /// entries than the limit; `next` then says where to read on.
    pub async fn page(&self, filter: OperationFilter) -> Result<OperationPage, Fault> {
        let (operator, index) = (self.operator.clone(), self.index.clone());
        self.store
            .read(move |reader| match filter::page(reader, &index, &filter, &operator) {
                // Only the index gives such a fault, and it can be made again; the log itself is whole.
                Err(fault) if fault.code == FaultCode::Internal => {
                    tracing::warn!(why = %fault.message, "the search index is made again");
                    index.discard();
                    filter::page(reader, &index, &filter, &operator)
                }
                done => done,
            })
            .await
    }

    pub async fn show(&self, id: u64) -> Result<Operation, Fault> {
        let operator = self.operator.clone();
        self.store.read(move |reader| log::entry(reader, id, &operator)).await
    }

    pub async fn mark_read(&self, selection: ReadSelection) -> Result<OperationCounts, Fault> {
        match selection {
            ReadSelection::Ids(ids) => {
                let mark = self.mark();
                self.change(move |writer, book| marks::mark_read(writer, book, &ids, &mark)).await?;
            }
            ReadSelection::All => self.mark_all().await?,
            ReadSelection::Filter(filter) => self.mark_filtered(filter).await?,
        }
        Ok(self.counts())
    }

    async fn mark_all(&self) -> Result<(), Fault> {
        // What comes in meanwhile stays unread.
        let newest = self.store.read(|reader| Ok(book::ledger(reader)?.newest)).await?;
        let mut from = 0;
        loop {
            let operator = self.operator.clone();
            let some =
                self.store.read(move |reader| marks::some_unread(reader, &operator, from, newest)).await?;
            let Some(last) = some.last() else { return Ok(()) };
            from = last + 1;
            let mark = self.mark();
            self.change(move |writer, book| marks::mark_read(writer, book, &some, &mark)).await?;
        }
    }

    async fn mark_filtered(&self, filter: OperationFilter) -> Result<(), Fault> {
        let mut filter = OperationFilter { unread: true, limit: Some(PAGE_LIMIT), ..filter };
        loop {
            let page = self.page(filter.clone()).await?;
            let ids: Vec<u64> = page.operations.iter().map(|entry| entry.id).collect();
            for some in ids.chunks(marks::AT_ONCE) {
                let (some, mark) = (some.to_vec(), self.mark());
                self.change(move |writer, book| marks::mark_read(writer, book, &some, &mark)).await?;
            }
            match page.next {
                Some(next) => filter.before = Some(next),
                None => return Ok(()),
            }
        }
    }

    pub async fn mark_unread(&self, ids: Vec<u64>) -> Result<OperationCounts, Fault> {
        let operator = self.operator.clone();
        self.change(move |writer, book| marks::mark_unread(writer, book, &ids, &operator)).await?;
        Ok(self.counts())
    }

    /// True while an entry has no end.
    pub async fn is_any_under_way(&self) -> Result<bool, Fault> {
        self.store.read(|reader| Ok(!log::UNDER_WAY.list(reader, ..)?.is_empty())).await
    }

    /// The badge and its relatives, without a look into the store.
    pub fn counts(&self) -> OperationCounts {
        self.told.borrow().counts
    }

    /// The counts of one host.
    pub async fn counts_of(&self, host_id: String) -> Result<OperationCounts, Fault> {
        let operator = self.operator.clone();
        self.store.read(move |reader| book::counts(reader, Some(&host_id), &operator)).await
    }

    /// Tells of every change.
    pub fn subscribe(&self) -> watch::Receiver<Told> {
        self.told.subscribe()
    }

    /// Takes away the oldest entries: those that began before a moment, and those that are more than
    /// a number. Tells how many. One that is under way stays, and what came after it.
    pub async fn retire(&self, since_ms: Option<i64>, entries: Option<u64>) -> Result<u64, Fault> {
        match self.last_to_go(since_ms, entries).await? {
            Some(through) => self.retire_through(through).await,
            None => Ok(0),
        }
    }

    async fn last_to_go(&self, since_ms: Option<i64>, entries: Option<u64>) -> Result<Option<u64>, Fault> {
        let keep = retention::Keep { since_ms, entries };
        self.store.read(move |reader| retention::last_to_go(reader, keep)).await
    }

    async fn retire_through(&self, through: u64) -> Result<u64, Fault> {
        let mut gone = 0;
        loop {
            let some = self.store.read(move |reader| retention::some_to_go(reader, through)).await?;
            if some.is_empty() {
                return Ok(gone);
            }
            gone += some.len() as u64;
            let now_ms = self.clock.now_ms();
            self.change(move |writer, book| retention::retire(writer, book, &some, now_ms)).await?;
        }
    }

    /// Follows the chain and names what does not fit. Asks the keyring for the key that it began with.
    pub async fn verify(&self, secrets: Arc<dyn SecretStore>) -> Result<LogCheck, Fault> {
        let epochs = self.store.read(chain::epochs).await?;
        let dir = self.store.dir().to_owned();
        let from = dir.clone();
        let kept = self.ask(move || chain::ask_kept(&*secrets, &from, &epochs)).await?;
        self.store.read(move |reader| chain::verify(reader, &dir, &kept)).await
    }

    /// Whether anything was written since before it was opened.
    pub(crate) fn has_grown(&self) -> bool {
        self.told.borrow().record > self.found
    }

    /// Notes in the keyring how far the chain has come. It may wait for the keyring, so nothing waits for it.
    pub async fn note_apart(&self, secrets: Arc<dyn SecretStore>) -> Result<(), Fault> {
        let tip = self.store.read(|reader| chain::tip(reader)).await?;
        let dir = self.store.dir().to_owned();
        self.ask(move || chain::keep(&*secrets, &dir, &tip)).await
    }

    async fn ask<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let turn = self.asking.clone().lock_owned().await;
        in_turn(turn, "a call to the keyring ended early", work).await
    }

    async fn change<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer<'_>, &mut Book) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let (told, operator, sealing) = (self.told.clone(), self.operator.clone(), self.sealing.clone());
        let written = Arc::new(OnceLock::new());
        let write = {
            let (sealing, written) = (sealing.clone(), written.clone());
            move |writer: &mut Writer<'_>| {
                let runner = lock(&sealing).runner();
                let mut book = Book::open(writer, &runner)?;
                let done = work(writer, &mut book)?;
                // Only this tip is on the disk when the write returns; a later one may not be.
                written.get_or_init(|| book.pen.tip());
                book.close(writer)?;
                Ok(done)
            }
        };
        let done = self
            .store
            .write_then(write, move |reader| {
                if let Some(tip) = written.get() {
                    lock(&sealing).advance(tip);
                }
                // Read inside, so that the counts of two changes cannot be told in the wrong order.
                let mut failed = None;
                told.send_if_modified(|told| match look(reader, &operator) {
                    Ok(now) => std::mem::replace(told, now) != now,
                    Err(fault) => {
                        failed = Some(fault);
                        false
                    }
                });
                failed.map_or(Ok(()), Err)
            })
            .await;
        self.tend();
        done
    }

    /// Brings the search index up to the log, in the background, if there is enough to bring.
    fn tend(&self) {
        let record = self.told.borrow().record;
        if !self.index.is_due(record) {
            return;
        }
        let (store, index, life) = (self.store.clone(), self.index.clone(), Arc::downgrade(&self.life));
        tokio::spawn(async move {
            // One step at a time, so that the store is let go of soon after the log is.
            while life.strong_count() > 0 {
                match search::step(&store, &index).await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(fault) => {
                        tracing::warn!(why = %fault.message, "the search index is behind the log");
                        break;
                    }
                }
            }
            index.is_tended(record);
        });
    }
}

fn look(reader: &crate::store::Reader<'_>, operator: &str) -> Result<Told, Fault> {
    Ok(Told { counts: book::counts(reader, None, operator)?, record: chain::tip(reader)?.record })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unknown(id: u64) -> Fault {
    Fault::new(FaultCode::OperationUnknown, format!("there is no operation {id}")).about(id.to_string())
}
