//! A question to the back end that is asked as a person types and again while the page is looked at.
//!
//! One answer at a time: a question that was overtaken by a newer one is dropped when its answer
//! comes, and a slow host is not asked again before it has answered. Nothing is asked while the
//! window is hidden.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;

use crate::state::now_ms;

const TYPING_PAUSE: Duration = Duration::from_millis(120);
const REFRESH: Duration = Duration::from_secs(3);

type Question<A> = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<A, Fault>>>>>;

pub(crate) struct LiveQuery<A: Send + Sync + 'static> {
    pub(crate) answer: RwSignal<Option<Arc<A>>>,
    /// When the answer came, by this computer's clock.
    pub(crate) received_ms: RwSignal<Option<i64>>,
    pub(crate) fault: RwSignal<Option<Fault>>,
    /// While true nothing is asked by itself.
    pub(crate) frozen: RwSignal<bool>,
    /// Which question the answer is to: the same number while it was only asked again.
    pub(crate) question: RwSignal<u64>,
    asks: StoredValue<Question<A>, LocalStorage>,
    /// The number of the question that was asked last.
    asked: StoredValue<u64>,
    serial: StoredValue<u64>,
    is_waiting: StoredValue<bool>,
}

impl<A: Send + Sync + 'static> Clone for LiveQuery<A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A: Send + Sync + 'static> Copy for LiveQuery<A> {}

impl<A: Send + Sync + 'static> LiveQuery<A> {
    /// `question` reads what to ask without tracking it. Nothing is asked yet.
    pub(crate) fn new<F>(question: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = Result<A, Fault>> + 'static,
    {
        let query = Self {
            answer: RwSignal::new(None),
            received_ms: RwSignal::new(None),
            fault: RwSignal::new(None),
            frozen: RwSignal::new(false),
            question: RwSignal::new(0),
            asks: StoredValue::new_local(Box::new(move || Box::pin(question()))),
            asked: StoredValue::new(0),
            serial: StoredValue::new(0),
            is_waiting: StoredValue::new(false),
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
                pause.set_value(set_timeout_with_handle(move || self.ask(), TYPING_PAUSE).ok());
            }
            text
        });
        on_cleanup(stop);
    }

    /// Asks something that was not asked before.
    pub(crate) fn ask(self) {
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
        let Some(asked) = self.asks.try_with_value(|asks| untrack(asks)) else { return };
        self.is_waiting.set_value(true);
        spawn_local(async move {
            let told = asked.await;
            if self.serial.try_get_value() != own {
                return;
            }
            self.is_waiting.set_value(false);
            match told {
                Ok(answer) => {
                    self.received_ms.set(Some(now_ms()));
                    self.question.set(question);
                    self.answer.set(Some(Arc::new(answer)));
                    self.fault.set(None);
                }
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

    /// Reads from the answer; `None` before the first one.
    pub(crate) fn with<T>(self, pick: impl FnOnce(&A) -> T) -> Option<T> {
        self.answer.with(|answer| answer.as_deref().map(pick))
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
