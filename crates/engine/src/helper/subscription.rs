//! `Subscription`: a stream of answers, of which a slow subscriber gets the newest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::Fault;
use protocol::wire::Answer;
use tokio::sync::Notify;

use super::link::Asked;

/// Answers that a slow subscriber still gets; older ones are dropped.
const ANSWERS_KEPT: usize = 4;

/// The newest answers, between the task that reads the link and a subscriber.
#[derive(Default)]
pub(super) struct Mailbox {
    inside: Mutex<Mail>,
    news: Notify,
}

#[derive(Default)]
struct Mail {
    answers: VecDeque<(u64, Answer)>,
    fault: Option<Fault>,
    ended: bool,
}

impl Mailbox {
    fn inside(&self) -> MutexGuard<'_, Mail> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, seq: u64, answer: Answer) {
        let mut mail = self.inside();
        if mail.answers.len() >= ANSWERS_KEPT {
            mail.answers.pop_front();
        }
        mail.answers.push_back((seq, answer));
        drop(mail);
        self.news.notify_one();
    }

    pub(super) fn end(&self, fault: Option<Fault>) {
        let mut mail = self.inside();
        mail.fault = fault;
        mail.ended = true;
        drop(mail);
        self.news.notify_one();
    }
}

/// A stream of answers. Dropping it ends the stream on the host.
pub struct Subscription {
    mailbox: Arc<Mailbox>,
    asked: Asked,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Subscription {
    pub(super) fn new(mailbox: Arc<Mailbox>, asked: Asked) -> Self {
        Self { mailbox, asked }
    }

    pub(super) fn id(&self) -> u64 {
        self.asked.id()
    }

    /// Asks for the next answer now, before it is due; for the whole of a table if `whole`.
    pub fn refresh(&self, whole: bool) {
        self.asked.refresh(whole);
    }

    /// The next answer with its number, which counts up by one for each that was sent: a gap tells
    /// that answers were dropped here. `None` when the stream has ended.
    pub async fn recv(&mut self) -> Option<Result<(u64, Answer), Fault>> {
        loop {
            {
                let mut mail = self.mailbox.inside();
                if let Some(answer) = mail.answers.pop_front() {
                    return Some(Ok(answer));
                }
                if let Some(fault) = mail.fault.take() {
                    return Some(Err(fault));
                }
                if mail.ended {
                    return None;
                }
            }
            self.mailbox.news.notified().await;
        }
    }
}
