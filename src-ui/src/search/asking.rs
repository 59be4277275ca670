//! What hosts say to the question as it is typed: what was read before at once, then the hosts whose link
//! is up, then again for those that are slow.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::ipc::SearchFind;
use protocol::search::{FOUND_AT_MOST, FindAnswer, FindQuery, Term};

use super::plan::{Plan, key_of_row};
use crate::ipc;

/// From the last key to the question.
const TYPING_PAUSE: Duration = Duration::from_millis(70);
/// How long each question waits for live hosts; the first asks none. One that is silent holds up nothing
/// that the others said.
const WAITS_MS: [Option<u32>; 5] = [None, Some(250), Some(500), Some(1_000), Some(2_000)];

/// An answer with the question that it is to.
#[derive(Clone, PartialEq)]
pub(super) struct Answer {
    terms: Vec<Term>,
    pub(super) found: Arc<FindAnswer>,
    /// The live hosts were asked: what stands first is what they say.
    pub(super) is_asked: bool,
    /// Nothing more comes.
    pub(super) is_over: bool,
}

#[derive(Clone, Copy)]
pub(super) struct Asking {
    /// The newest; it may be to the question before.
    pub(super) newest: RwSignal<Option<Answer>>,
    /// The same if it is to the question as it is typed.
    pub(super) current: Memo<Option<Answer>>,
    pub(super) fault: RwSignal<Option<Fault>>,
    plan: Memo<Plan>,
    text: RwSignal<String>,
    /// Which question is asked: an answer to one that was overtaken is dropped.
    serial: StoredValue<u64>,
}

impl Asking {
    /// Asks whenever the text has become another question and stays it for a moment.
    pub(super) fn as_typed(plan: Memo<Plan>, text: RwSignal<String>) -> Self {
        let newest = RwSignal::new(None::<Answer>);
        let current = Memo::new(move |_| {
            let is_meant =
                |answer: &&Answer| matches!(&*plan.read(), Plan::Question(terms) if *terms == answer.terms);
            newest.with(|answer| answer.as_ref().filter(is_meant).cloned())
        });
        let (fault, serial) = (RwSignal::new(None), StoredValue::new(0));
        let asking = Self { newest, current, fault, plan, text, serial };
        let pause = StoredValue::new(None::<TimeoutHandle>);
        let stop = move || {
            if let Some(Some(handle)) = pause.try_update_value(Option::take) {
                handle.clear();
            }
        };
        Effect::new(move |_| {
            stop();
            serial.update_value(|serial| *serial += 1);
            fault.set(None);
            match plan.get() {
                Plan::Question(terms) => {
                    let ask = move || asking.ask(terms);
                    pause.set_value(set_timeout_with_handle(ask, TYPING_PAUSE).ok());
                }
                _ => newest.set(None),
            }
        });
        on_cleanup(stop);
        asking
    }

    fn ask(self, terms: Vec<Term>) {
        let own = self.serial.try_get_value();
        let text = self.text.get_untracked();
        spawn_local(async move {
            for (n, wait_ms) in WAITS_MS.into_iter().enumerate() {
                let (ask, limit) = (wait_ms.is_some(), Some(FOUND_AT_MOST));
                let query = FindQuery { text: text.clone(), ask, limit, wait_ms };
                let told = ipc::call(SearchFind { query }).await;
                if self.serial.try_get_value() != own {
                    return;
                }
                match told {
                    Ok(found) => {
                        let is_asked = ask || found.waiting == 0;
                        let is_over = found.waiting == 0 || n + 1 == WAITS_MS.len();
                        let found = Arc::new(self.with_known_rows(found));
                        self.newest.try_set(Some(Answer { terms: terms.clone(), found, is_asked, is_over }));
                        if is_over {
                            return;
                        }
                    }
                    Err(why) => {
                        // Rows of another question must not stand under it.
                        self.newest.try_set(None);
                        self.fault.try_set(Some(why));
                        return;
                    }
                }
            }
        });
    }

    /// The same rows stay as they are on screen: they are not drawn anew under the pointer.
    fn with_known_rows(self, mut found: FindAnswer) -> FindAnswer {
        self.current.with_untracked(|known| {
            if let Some(known) = known.as_ref().filter(|known| has_same_rows(&known.found, &found)) {
                found.rows.clone_from(&known.found.rows);
            }
        });
        found
    }

    /// True while an answer to the question before is on screen, or none.
    pub(super) fn is_waiting(self) -> bool {
        matches!(&*self.plan.read(), Plan::Question(_))
            && self.fault.with(Option::is_none)
            && self.current.with(Option::is_none)
    }
}

fn has_same_rows(a: &FindAnswer, b: &FindAnswer) -> bool {
    a.rows.len() == b.rows.len()
        && a.rows.iter().zip(&b.rows).all(|(a, b)| a.live == b.live && key_of_row(a) == key_of_row(b))
}
