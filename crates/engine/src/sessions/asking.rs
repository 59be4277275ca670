//! Questions to a person while a host is signed in to: a password that is not saved, a passphrase, the
//! prompts of the host.
//!
//! A question is told to every view; the first answer counts, and the others are told that it is over.
//! Where nobody can be asked it ends at once. A connection that is made again by itself asks nobody: a
//! dialog for each blink of the network would teach people to type their codes anywhere.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use protocol::credentials::SecretKind;
use protocol::hosts::Host;
use protocol::ipc::Event;
use protocol::link::{Question, QuestionKind};
use protocol::{Fault, FaultCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{broadcast, oneshot};
use tokio::time::timeout;

use super::Ground;
use super::session::locked;
use crate::clock::Clock;
use crate::ssh::{Asked, Person};

/// sshd gives up after 120 s (LoginGraceTime); a person is told before.
const ANSWER_LIMIT: Duration = Duration::from_secs(110);

/// What a person answered.
pub(crate) struct Given {
    pub(crate) answers: Vec<SecretString>,
    /// Whether it may be kept in the keyring.
    pub(crate) save: bool,
}

struct Open {
    question: Question,
    /// `None` for a person who does not want to answer.
    answer: oneshot::Sender<Option<Given>>,
}

/// The questions that are open now.
pub struct Questions {
    clock: Clock,
    events: broadcast::Sender<Event>,
    open: Mutex<BTreeMap<u64, Open>>,
    last: AtomicU64,
    listeners: Arc<AtomicUsize>,
}

/// Somebody who can answer is there while this is held.
pub struct Listening(Arc<AtomicUsize>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Questions {
    pub(super) fn new(clock: Clock, events: broadcast::Sender<Event>) -> Self {
        let (open, last, listeners) = (Mutex::default(), AtomicU64::new(0), Arc::default());
        Self { clock, events, open, last, listeners }
    }

    /// Says that somebody shows the questions from now on.
    pub fn listen(&self) -> Listening {
        self.listeners.fetch_add(1, Ordering::SeqCst);
        Listening(self.listeners.clone())
    }

    pub(super) fn is_heard(&self) -> bool {
        self.listeners.load(Ordering::SeqCst) > 0
    }

    /// Those that wait for an answer, the oldest first.
    pub fn list(&self) -> Vec<Question> {
        locked(&self.open).values().map(|open| open.question.clone()).collect()
    }

    /// Answers one; `None` is a person who does not want to.
    ///
    /// # Errors
    /// `BadInput` if it is over, or if the answers are not as many as the prompts.
    pub(crate) fn answer(&self, id: u64, given: Option<Given>) -> Result<(), Fault> {
        let mut open = locked(&self.open);
        let Some(found) = open.get(&id) else {
            return Err(Fault::bad_input(
                "id",
                "this question is over: it was answered, or its host gave up",
            ));
        };
        let prompts = found.question.prompts.len();
        if given.as_ref().is_some_and(|given| given.answers.len() != prompts) {
            return Err(Fault::bad_input("answers", format!("this question has {prompts} prompts")));
        }
        if let Some(found) = open.remove(&id) {
            // Who asked may have gone in this moment.
            let _ = found.answer.send(given);
        }
        Ok(())
    }

    async fn ask(&self, host: &Host, asked: Asked, may_save: bool) -> Result<Given, Fault> {
        let nobody = |why: &str| {
            let what = match asked.kind {
                QuestionKind::Password => "asks for a password",
                QuestionKind::Passphrase => "needs the passphrase of its key",
                QuestionKind::Prompts => "asks something",
            };
            let message = format!("the sign-in to {} {what}, and {why}", host.name);
            Fault::new(FaultCode::AnswerNeeded, message).on_host(&host.name).because(why)
        };
        if !self.is_heard() {
            return Err(nobody("there is nobody to ask"));
        }
        let id = self.last.fetch_add(1, Ordering::SeqCst) + 1;
        let limit_ms = i64::try_from(ANSWER_LIMIT.as_millis()).unwrap_or(i64::MAX);
        let question = Question {
            id,
            host: host.name.clone(),
            user: host.user.clone(),
            kind: asked.kind,
            instructions: asked.instructions.clone(),
            prompts: asked.prompts.clone(),
            may_save,
            until_ms: self.clock.now_ms().saturating_add(limit_ms),
        };
        let (answer, given) = oneshot::channel();
        locked(&self.open).insert(id, Open { question: question.clone(), answer });
        let _over = Over { questions: self, id };
        // Nobody listening is no fault.
        let _ = self.events.send(Event::Question { question: Box::new(question) });
        match timeout(ANSWER_LIMIT, given).await {
            Ok(Ok(Some(given))) => Ok(given),
            Ok(_) => Err(nobody("it was not answered")),
            Err(_) => Err(nobody(&format!("nobody answered within {} s", ANSWER_LIMIT.as_secs()))),
        }
    }
}

/// Tells that a question is over, however it ended.
struct Over<'a> {
    questions: &'a Questions,
    id: u64,
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        locked(&self.questions.open).remove(&self.id);
        let _ = self.questions.events.send(Event::QuestionOver { id: self.id });
    }
}

/// The person behind one sign-in. What may be saved is kept until it was seen to be right.
pub(super) struct Asking {
    ground: Arc<Ground>,
    host: Host,
    to_save: Mutex<Vec<(SecretKind, SecretString)>>,
}

impl Asking {
    pub(super) fn new(ground: Arc<Ground>, host: Host) -> Arc<Self> {
        Arc::new(Self { ground, host, to_save: Mutex::default() })
    }

    /// Keeps what was right. A keyring that refuses is no fault of the sign-in.
    pub(super) async fn save(&self) {
        let secrets = std::mem::take(&mut *locked(&self.to_save));
        for (kind, secret) in secrets {
            if let Err(fault) = self.ground.credentials.set(&self.host.id, kind, secret).await {
                tracing::warn!(host = %self.host.name, code = ?fault.code, "an answer was not saved");
            }
        }
    }
}

impl Person for Asking {
    fn ask(&self, asked: Asked) -> BoxFuture<'_, Result<Vec<SecretString>, Fault>> {
        async move {
            let kind = match asked.kind {
                QuestionKind::Password => Some(SecretKind::Password),
                QuestionKind::Passphrase => Some(SecretKind::Passphrase),
                // A code is good once.
                QuestionKind::Prompts => None,
            };
            let given = self.ground.questions.ask(&self.host, asked, kind.is_some()).await?;
            if let (true, Some(kind), [secret]) = (given.save, kind, given.answers.as_slice()) {
                locked(&self.to_save).push((kind, SecretString::from(secret.expose_secret())));
            }
            Ok(given.answers)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use protocol::link::Prompt;

    use super::*;
    use crate::hosts::Hosts;

    fn asked() -> Asked {
        let prompts = vec![Prompt { text: "Code:".into(), echo: false }];
        Asked { kind: QuestionKind::Prompts, instructions: String::new(), prompts }
    }

    #[tokio::test]
    async fn a_question_is_answered_once_and_only_where_somebody_can_be_asked() {
        let (events, mut heard) = broadcast::channel(8);
        let questions = Arc::new(Questions::new(Clock::system(), events));
        let host = Host { name: "web".into(), ..Hosts::local() };
        let fault = questions.ask(&host, asked(), false).await.err().unwrap();
        assert_eq!(fault.code, FaultCode::AnswerNeeded);
        assert!(fault.message.contains("nobody to ask"), "{fault}");
        let _listening = questions.listen();
        let asking = tokio::spawn({
            let questions = questions.clone();
            async move { questions.ask(&host, asked(), false).await }
        });
        let Event::Question { question } = heard.recv().await.unwrap() else { panic!("no question") };
        assert_eq!(questions.list(), [*question.clone()]);
        let given = |count| Some(Given { answers: vec!["1".into(); count], save: false });
        assert!(questions.answer(question.id, given(2)).is_err(), "it has one prompt");
        questions.answer(question.id, given(1)).unwrap();
        assert_eq!(asking.await.unwrap().unwrap().answers[0].expose_secret(), "1");
        assert_eq!(heard.recv().await.unwrap(), Event::QuestionOver { id: question.id });
        assert!(questions.answer(question.id, given(1)).is_err(), "the first answer counts");
        assert!(questions.list().is_empty());
    }
}
