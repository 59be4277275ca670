//! operations: the log of what operators did, an inbox that can be read offline.
//!
//! An entry is on the disk before its operation is sent, and is finished after; one that was under
//! way when the program ended becomes "outcome unknown" at the next start. Entries are never edited
//! or removed here. Counts are kept in the transaction of each change, so the badge costs nothing
//! and is right after any crash.

mod entry;
mod filter;
mod log;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod tests;

use protocol::operations::{
    HostThen, Operation, OperationCounts, OperationFilter, OperationKind, OperationPage, OperationResult,
    ReadMark, ReadSelection,
};
use protocol::services::{Moment, Outcome, UnitState};
use protocol::{Fault, FaultCode};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::store::Store;

/// Most entries of a page.
const PAGE_LIMIT: u32 = 1000;
const PAGE_DEFAULT: u32 = 100;

/// An operation that is about to be sent.
#[derive(Clone, Debug)]
pub struct OperationDraft {
    pub host: Option<HostThen>,
    pub kind: OperationKind,
    /// What it is done to: a unit, a key, a host.
    pub target: String,
    /// Exactly what is run on the host; empty where nothing is.
    pub command: String,
}

/// What came of an operation.
#[derive(Clone, Debug)]
pub struct Finish {
    pub result: OperationResult,
    pub outcome: Option<Outcome>,
    pub exit_code: Option<i32>,
    pub took_ms: Option<u64>,
    pub output: String,
    pub errors: String,
    /// One sentence on what came of it.
    pub summary: String,
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
            errors: String::new(),
            summary: String::new(),
            before: None,
            after: None,
            job_result: None,
            moments: Vec::new(),
            journal: Vec::new(),
        }
    }

    pub fn saying(mut self, summary: impl Into<String>) -> Self {
        self.summary = summary.into();
        self
    }
}

/// The log.
#[derive(Clone)]
pub struct Operations {
    store: Store,
    clock: Clock,
    operator: String,
    counts: watch::Sender<OperationCounts>,
}

impl Operations {
    /// Opens the log. What was under way when the program last ended becomes "outcome unknown".
    pub async fn open(store: Store, clock: Clock, operator: String) -> Result<Self, Fault> {
        match store.write(log::close_what_was_cut).await {
            // What cannot be written can still be read.
            Err(_) if store.read_only().is_some() => {}
            closed => closed?,
        }
        let counts = store.read(log::counts).await?;
        Ok(Self { store, clock, operator, counts: watch::Sender::new(counts) })
    }

    /// Writes down what is about to be done. When this returns, it is on the disk.
    pub async fn begin(&self, draft: OperationDraft) -> Result<u64, Fault> {
        let entry = entry::begun(draft, self.operator.clone(), self.clock.now_ms());
        Ok(self.change(move |writer| log::append(writer, entry)).await?.id)
    }

    /// Writes down what came of it; it is unread from then on. An entry is finished once.
    pub async fn finish(&self, id: u64, finish: Finish) -> Result<Operation, Fault> {
        self.change(move |writer| log::finish(writer, id, finish)).await
    }

    /// Writes down something that was done at once, here.
    pub async fn record(&self, draft: OperationDraft, finish: Finish) -> Result<Operation, Fault> {
        let mut entry = entry::begun(draft, self.operator.clone(), self.clock.now_ms());
        entry::finish(&mut entry, finish);
        self.change(move |writer| log::append(writer, entry)).await
    }

    /// The same for what its operator saw happen, so that it is not unread.
    pub async fn record_own(&self, draft: OperationDraft, finish: Finish) -> Result<Operation, Fault> {
        let now_ms = self.clock.now_ms();
        let mark = ReadMark { by: self.operator.clone(), at_ms: now_ms };
        let mut entry = entry::begun(draft, self.operator.clone(), now_ms);
        entry::finish(&mut entry, finish);
        self.change(move |writer| {
            let entry = log::append(writer, entry)?;
            log::mark_read(writer, &[entry.id], &mark)?;
            Ok(Operation { read: Some(mark), ..entry })
        })
        .await
    }

    /// The entries that a filter asks for, newest first. A page of long outputs may have fewer
    /// entries than the limit; `next` then says where to read on.
    pub async fn page(&self, filter: OperationFilter) -> Result<OperationPage, Fault> {
        self.store.read(move |reader| filter::page(reader, &filter)).await
    }

    pub async fn show(&self, id: u64) -> Result<Operation, Fault> {
        self.store.read(move |reader| log::entry(reader, id)).await
    }

    pub async fn mark_read(&self, selection: ReadSelection) -> Result<OperationCounts, Fault> {
        let mark = ReadMark { by: self.operator.clone(), at_ms: self.clock.now_ms() };
        match selection {
            ReadSelection::Ids(ids) => self.change(move |writer| log::mark_read(writer, &ids, &mark)).await?,
            ReadSelection::All => {
                // What comes in meanwhile stays unread.
                let newest = self.store.read(log::newest).await?;
                loop {
                    let mark = mark.clone();
                    if self.change(move |writer| log::mark_some_read(writer, newest, &mark)).await? == 0 {
                        break;
                    }
                }
            }
        }
        Ok(self.counts())
    }

    pub async fn mark_unread(&self, ids: Vec<u64>) -> Result<OperationCounts, Fault> {
        self.change(move |writer| log::mark_unread(writer, &ids)).await?;
        Ok(self.counts())
    }

    /// The badge and its relatives, without a look into the store.
    pub fn counts(&self) -> OperationCounts {
        *self.counts.borrow()
    }

    /// Tells the counts after every change.
    pub fn subscribe(&self) -> watch::Receiver<OperationCounts> {
        self.counts.subscribe()
    }

    async fn change<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut crate::store::Writer<'_>) -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let counts = self.counts.clone();
        self.store
            .write_then(work, move |reader| {
                // Read inside, so that the counts of two changes cannot be told in the wrong order.
                let mut failed = None;
                counts.send_if_modified(|told| match log::counts(reader) {
                    Ok(now) => std::mem::replace(told, now) != now,
                    Err(fault) => {
                        failed = Some(fault);
                        false
                    }
                });
                failed.map_or(Ok(()), Err)
            })
            .await
    }
}

fn unknown(id: u64) -> Fault {
    Fault::new(FaultCode::OperationUnknown, format!("there is no operation {id}")).about(id.to_string())
}
