//! The table of a host, asked for as a person types and again while it is looked at.
//!
//! What comes is what is new, and the rows stay in the order of the page: a refresh of a long table costs
//! what changed in it. One answer at a time: a question that was overtaken by a newer one is not shown
//! when its answer comes, and a slow host is not asked again before it has answered. Nothing is asked
//! while the window is hidden.
//!
//! No refresh moves a row under a hand: while a pointer is on the rows, and for a moment after a key moved
//! among them, each stays in its place (`hold`). What a person asks for, another order or another filter,
//! is shown at once. While the table is frozen nothing changes it at all.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::delta::{Kept, News as Line, Seen, Table, Taken, ViewNews};

use super::columns::{self, Columns};
use super::found::{Found, Look};
use super::hold::hold;
use super::news::{Came, News};
use super::selection::Selection;
use super::sort::Sort;
use crate::state::now_ms;

const TYPING_PAUSE: Duration = Duration::from_millis(120);
const REFRESH: Duration = Duration::from_secs(3);
/// A key that moved among the rows holds them for as long: longer than until the next refresh.
const KEY_HOLDS: Duration = Duration::from_secs(4);

type Question<A> = Box<dyn Fn(Seen) -> Pin<Box<dyn Future<Output = Result<ViewNews<A>, Fault>>>>>;

pub(crate) struct LiveQuery<A: Table + Send + Sync + 'static>
where
    A::Row: Send + Sync,
{
    answer: RwSignal<Option<Arc<A>>>,
    /// In the order of the page, or in their places while they are held.
    pub(crate) rows: Memo<Arc<Vec<A::Row>>>,
    /// Keys of those that are held in their places and gone.
    pub(crate) gone: Memo<Arc<HashSet<String>>>,
    /// Is true while rows stay in places that are not those of the order.
    pub(crate) is_held: Memo<bool>,
    /// While true a pointer is on the rows.
    pub(crate) pointed_at: RwSignal<bool>,
    /// A key moved among the rows.
    pub(crate) moved: Trigger,
    pub(crate) sort: RwSignal<Sort>,
    /// When the answer came, by this computer's clock.
    pub(crate) received_ms: RwSignal<Option<i64>>,
    pub(crate) fault: RwSignal<Option<Fault>>,
    /// While true nothing is asked by itself.
    pub(crate) frozen: RwSignal<bool>,
    /// Which question the answer is to: the same number while it was only asked again.
    pub(crate) question: RwSignal<u64>,
    /// Keys of the rows that are new.
    pub(crate) new: RwSignal<Arc<HashSet<String>>>,
    asks: StoredValue<Question<A>, LocalStorage>,
    /// The number of the question that was asked last.
    asked: StoredValue<u64>,
    /// The text was changed, and is not asked for yet.
    is_typing: StoredValue<bool>,
    serial: StoredValue<u64>,
    is_waiting: StoredValue<bool>,
    view: StoredValue<View<A>, LocalStorage>,
}

/// The rows as they are on screen.
#[derive(PartialEq)]
struct Shown<R> {
    rows: Arc<Vec<R>>,
    gone: Arc<HashSet<String>>,
    /// False while one stands where the order would not have it.
    is_in_order: bool,
    /// What they are the answer to.
    asked: (u64, Sort),
}

/// What has come of the table.
struct View<A: Table> {
    /// Views are told apart by when they were opened.
    number: u64,
    kept: Kept<A>,
    /// How often it came whole.
    whole: u64,
    news: News,
    put: Put<A>,
    order: fn(&mut Vec<A::Row>, Sort),
    key: fn(&A::Row) -> String,
}

/// Puts a line into a table, in the order of the page.
type Put<A> = fn(&mut Kept<A>, u64, Line<A>, Sort) -> Taken;

fn put<A: Table, C: Columns<Row = A::Row>>(kept: &mut Kept<A>, seq: u64, line: Line<A>, by: Sort) -> Taken {
    kept.take_in_order(seq, line, columns::order::<C>(by))
}

fn order<A: Table, C: Columns<Row = A::Row>>(rows: &mut Vec<A::Row>, by: Sort) {
    C::arrange(rows, by);
}

/// True from each key that moved among the rows until a moment after.
fn follow_moves(moved: Trigger) -> RwSignal<bool> {
    let was_moved = RwSignal::new(false);
    let until = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(Some(handle)) = until.try_update_value(Option::take) {
            handle.clear();
        }
    };
    Effect::new(move |is_again: Option<()>| {
        moved.track();
        if is_again.is_some() {
            stop();
            was_moved.set(true);
            let over = move || {
                was_moved.try_set(false);
            };
            until.set_value(set_timeout_with_handle(over, KEY_HOLDS).ok());
        }
    });
    on_cleanup(stop);
    was_moved
}

impl<A: Table> View<A> {
    fn seen(&self) -> Seen {
        Seen { view: self.number, seq: self.kept.seq() }
    }

    /// Takes what came for the view of this number, and tells the keys of new rows; `None` if the table
    /// must come whole to be right.
    fn take(&mut self, view: u64, question: u64, came: ViewNews<A>, by: Sort) -> Option<HashSet<String>> {
        // A view that was given up: under its new number it has nothing yet.
        if view != self.number {
            return None;
        }
        let ViewNews { seq, news } = came;
        let came = match &news {
            Line::Delta(_) => Came::From(self.kept.next_id()),
            Line::Whole { .. } => {
                self.whole += 1;
                Came::Whole(self.kept.table().rows().iter().map(self.key).collect())
            }
        };
        if (self.put)(&mut self.kept, seq, news, by) == Taken::Torn {
            // Another number asks for the whole. What is on screen stays until it comes.
            self.number += 1;
            return None;
        }
        Some(self.news.take(question, &came, self.kept.numbered(), self.key, now_ms()))
    }

    /// The rows whose keys are wanted, for the time of this number that something else is.
    fn find(&self, found: &mut Found, wanted: u64, is_wanted: impl Fn(&str) -> bool) -> Vec<A::Row> {
        let look = Look { wanted, whole: self.whole };
        let is_wanted = |row: &A::Row| is_wanted(&(self.key)(row));
        let rows = found.look(look, self.kept.next_id(), self.kept.numbered(), is_wanted);
        rows.into_iter().cloned().collect()
    }
}

impl<A: Table + Send + Sync + 'static> Clone for LiveQuery<A>
where
    A::Row: Send + Sync,
{
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: Table + Send + Sync + 'static> Copy for LiveQuery<A> where A::Row: Send + Sync {}

impl<A: Table + Send + Sync + 'static> LiveQuery<A>
where
    A::Row: Send + Sync + 'static,
{
    /// `ask` reads what to ask for without tracking it, for a view that has seen so much. Nothing is
    /// asked yet.
    pub(crate) fn new<C, F>(
        sort: RwSignal<Sort>,
        key: fn(&A::Row) -> String,
        ask: impl Fn(Seen) -> F + 'static,
    ) -> Self
    where
        C: Columns<Row = A::Row>,
        F: Future<Output = Result<ViewNews<A>, Fault>> + 'static,
    {
        // The engine is believed: what a host may take of the memory is held there.
        let (kept, news) = (Kept::within(usize::MAX), News::default());
        let number = js_sys::Date::now() as u64;
        let view = View { number, kept, whole: 0, news, put: put::<A, C>, order: order::<A, C>, key };
        let answer = RwSignal::new(None::<Arc<A>>);
        let (frozen, question) = (RwSignal::new(false), RwSignal::new(0));
        let (pointed_at, moved) = (RwSignal::new(false), Trigger::new());
        let was_moved = follow_moves(moved);
        let is_hand_on = Memo::new(move |_| pointed_at.get() || was_moved.get() || frozen.get());
        let shown = Memo::new(move |before: Option<&Shown<A::Row>>| {
            let (asked, is_hand_on) = ((question.get(), sort.get()), is_hand_on.get());
            let mut rows =
                answer.with(|answer| answer.as_ref().map_or_else(Vec::new, |answer| answer.rows().clone()));
            order::<A, C>(&mut rows, asked.1);
            let Some(before) = before.filter(|before| is_hand_on && before.asked == asked) else {
                return Shown { rows: Arc::new(rows), gone: Arc::default(), is_in_order: true, asked };
            };
            let (rows, gone) = hold(&before.rows, rows);
            let follows = columns::order::<C>(asked.1);
            let is_in_order = gone.is_empty() && rows.is_sorted_by(|a, b| follows(a, b) != Ordering::Greater);
            let gone = gone.into_iter().filter_map(|at| rows.get(at).map(key)).collect();
            Shown { rows: Arc::new(rows), gone: Arc::new(gone), is_in_order, asked }
        });
        // The rows themselves were compared above.
        let is_another =
            |before: Option<&Arc<Vec<A::Row>>>, now: Option<&Arc<Vec<A::Row>>>| match (before, now) {
                (Some(before), Some(now)) => !Arc::ptr_eq(before, now),
                _ => true,
            };
        let rows = Memo::new_with_compare(move |_| shown.with(|shown| shown.rows.clone()), is_another);
        let query = Self {
            answer,
            rows,
            gone: Memo::new(move |_| shown.with(|shown| shown.gone.clone())),
            is_held: Memo::new(move |_| shown.with(|shown| !shown.is_in_order)),
            pointed_at,
            moved,
            sort,
            received_ms: RwSignal::new(None),
            fault: RwSignal::new(None),
            frozen,
            question,
            new: RwSignal::new(Arc::default()),
            asks: StoredValue::new_local(Box::new(move |seen| Box::pin(ask(seen)))),
            asked: StoredValue::new(0),
            is_typing: StoredValue::new(false),
            serial: StoredValue::new(0),
            is_waiting: StoredValue::new(false),
            view: StoredValue::new_local(view),
        };
        let timer = set_interval_with_handle(move || query.refresh(), REFRESH).ok();
        on_cleanup(move || {
            if let Some(timer) = timer {
                timer.clear();
            }
        });
        Effect::new(move |was_frozen: Option<bool>| {
            let frozen = query.frozen.get();
            if was_frozen == Some(true) && !frozen {
                query.again();
            }
            frozen
        });
        query
    }

    /// Asks after a pause in typing, each time `text` has changed.
    pub(crate) fn follow_text(self, text: RwSignal<String>) {
        let pause = StoredValue::new(None::<TimeoutHandle>);
        let stop = move || {
            if let Some(Some(handle)) = pause.try_update_value(Option::take) {
                handle.clear();
            }
        };
        Effect::new(move |before: Option<String>| {
            let text = text.get();
            if before.is_some_and(|before| before != text) {
                stop();
                self.is_typing.set_value(true);
                pause.set_value(set_timeout_with_handle(move || self.ask(), TYPING_PAUSE).ok());
            }
            text
        });
        on_cleanup(stop);
    }

    /// Asks when the link comes or goes, but for a table that is frozen: that stays as it is.
    pub(crate) fn follow_link(self, live: Memo<bool>) {
        Effect::new(move |before: Option<bool>| {
            let is_live = live.get();
            if before.is_some_and(|before| before != is_live) && !self.frozen.get_untracked() {
                self.ask();
            }
            is_live
        });
    }

    /// Asks something that was not asked before.
    pub(crate) fn ask(self) {
        self.is_typing.set_value(false);
        self.asked.update_value(|asked| *asked += 1);
        self.again();
    }

    /// Asks the same again, now.
    pub(crate) fn again(self) {
        let question = self.asked.get_value();
        let own = self.serial.try_update_value(|serial| {
            *serial += 1;
            *serial
        });
        let Some(seen) = self.view.try_with_value(View::seen) else { return };
        let Some(asked) = self.asks.try_with_value(|asks| untrack(|| asks(seen))) else { return };
        self.is_waiting.set_value(true);
        spawn_local(async move {
            let told = asked.await;
            // Each line is taken, also of a question that was overtaken: the next one builds on it.
            let told = match told {
                Ok(came) => {
                    let Some(by) = self.sort.try_get_untracked() else { return };
                    let take = |view: &mut View<A>| {
                        let new = view.take(seen.view, question, came, by)?;
                        Some((view.kept.table().clone(), new))
                    };
                    let Some(taken) = self.view.try_update_value(take) else { return };
                    Ok(taken)
                }
                Err(fault) => Err(fault),
            };
            if self.serial.try_get_value() != own {
                return;
            }
            self.is_waiting.set_value(false);
            // What was under way when the table was frozen waits until it is not.
            if self.frozen.get_untracked() && self.question.get_untracked() == question {
                return;
            }
            match told {
                Ok(Some((answer, new))) => {
                    self.received_ms.set(Some(now_ms()));
                    self.question.set(question);
                    self.new.set(Arc::new(new));
                    self.answer.set(Some(Arc::new(answer)));
                    self.fault.set(None);
                }
                Ok(None) => self.again(),
                Err(fault) => self.fault.set(Some(fault)),
            }
        });
    }

    /// Asks the same again, unless an answer is on its way or nobody looks.
    pub(crate) fn refresh(self) {
        if !self.frozen.get_untracked() && !self.is_waiting.get_value() && !document().hidden() {
            self.again();
        }
    }

    /// How many rows are shown, without those that are gone.
    pub(crate) fn count(self) -> usize {
        self.rows.with(|rows| rows.len()) - self.gone.with(|gone| gone.len())
    }

    /// True if another question than the one that the rows answer was asked, or will be at once.
    pub(crate) fn is_behind(self) -> bool {
        self.is_typing.get_value() || self.asked.get_value() != self.question.get_untracked()
    }

    /// Reads from the answer; `None` before the first one.
    pub(crate) fn with<T>(self, pick: impl FnOnce(&A) -> T) -> Option<T> {
        self.answer.with(|answer| answer.as_deref().map(pick))
    }

    /// The row with the cursor, while it is in the table.
    pub(crate) fn at(self, cursor: RwSignal<Option<String>>) -> Memo<Option<A::Row>> {
        let found = self.find(cursor, Option::is_none, |cursor, key| cursor.as_deref() == Some(key));
        Memo::new(move |_| found.with(|found| found.first().cloned()))
    }

    /// The chosen rows that are in the table, in the order of the page.
    pub(crate) fn chosen(self, selection: RwSignal<Selection>) -> Memo<Arc<Vec<A::Row>>> {
        self.find(selection, Selection::is_empty, Selection::contains)
    }

    fn find<W: Send + Sync + 'static>(
        self,
        wanted: RwSignal<W>,
        is_none: fn(&W) -> bool,
        is_wanted: fn(&W, &str) -> bool,
    ) -> Memo<Arc<Vec<A::Row>>> {
        let changes = Memo::new(move |before: Option<&u64>| {
            wanted.track();
            before.map_or(0, |changes| changes + 1)
        });
        let found = StoredValue::new(Found::default());
        Memo::new(move |_| {
            let (changes, by) = (changes.get(), self.sort.get());
            self.answer.track();
            let rows = wanted.with_untracked(|wanted| {
                if is_none(wanted) {
                    return None;
                }
                self.view.try_with_value(|view| {
                    let mut rows = found
                        .try_update_value(|found| view.find(found, changes, |key| is_wanted(wanted, key)))?;
                    (view.order)(&mut rows, by);
                    Some(rows)
                })?
            });
            Arc::new(rows.unwrap_or_default())
        })
    }

    pub(crate) fn is_read(self) -> Memo<bool> {
        Memo::new(move |_| self.answer.with(Option::is_some))
    }

    /// The fault that keeps the page empty; with an answer on screen the state of the host says it.
    /// It changes only when that changes: what is drawn by it is not drawn anew by each answer.
    pub(crate) fn blocking_fault(self) -> Memo<Option<Fault>> {
        Memo::new(move |_| if self.answer.with(Option::is_some) { None } else { self.fault.get() })
    }
}
