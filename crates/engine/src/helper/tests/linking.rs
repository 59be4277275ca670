//! The link against a helper whose words the test chooses.

use std::time::Duration;

use protocol::FaultCode;
use protocol::wire::{Answer, Ask, Request};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};
use tokio::time::timeout;

use crate::helper::link::{Link, Wire, opening_request};
use crate::ssh::StderrTail;

const HELLO: &str = r#"{"hello":{"version":"0.1.0","can":["system"],"pid":7}}"#;
const SOON: Duration = Duration::from_secs(10);

/// The helper's end of a link.
pub(crate) struct Fake {
    asked: Lines<BufReader<ReadHalf<DuplexStream>>>,
    says: WriteHalf<DuplexStream>,
    stderr: StderrTail,
}

impl Fake {
    pub(crate) async fn say(&mut self, line: &str) {
        self.says.write_all(line.as_bytes()).await.unwrap();
        self.says.write_all(b"\n").await.unwrap();
    }

    pub(crate) async fn next(&mut self) -> Request {
        let line = timeout(SOON, self.asked.next_line()).await.unwrap().unwrap().unwrap();
        serde_json::from_str(&line).unwrap()
    }

    async fn answer(&mut self, id: u64, host: &str) {
        self.say(&format!(r#"{{"reply":{{"id":{id},"answer":{{"system":{{"host_name":"{host}"}}}}}}}}"#))
            .await;
    }
}

fn wire() -> (Wire, Fake) {
    let (near, far) = tokio::io::duplex(1 << 20);
    let (input, output) = tokio::io::split(near);
    let (asked, says) = tokio::io::split(far);
    let stderr = StderrTail::default();
    let wire = Wire {
        host: "web".into(),
        input: Box::new(input),
        output: Box::new(output),
        stderr: stderr.clone(),
        hello_limit: SOON,
        is_opened: false,
        ended: Box::pin(async { "the helper ended with 3".into() }),
    };
    (wire, Fake { asked: BufReader::new(asked).lines(), says, stderr })
}

pub(crate) async fn linked() -> (Link, Fake) {
    let (wire, mut fake) = wire();
    fake.say(HELLO).await;
    (Link::begin(wire, &mut String::new()).await.unwrap(), fake)
}

#[tokio::test]
async fn a_stream_that_the_helper_was_started_with_needs_no_question_and_is_there_for_the_first_who_wants_it()
{
    let (mut wire, mut fake) = wire();
    wire.is_opened = true;
    let words = opening_request(Ask::Metrics { interval_ms: Some(2_000) }).unwrap();
    let asked: Request = serde_json::from_str(&words).unwrap();
    assert_eq!(asked.ask, Ask::Metrics { interval_ms: Some(2_000) });
    fake.say(HELLO).await;
    let link = Link::begin(wire, &mut String::new()).await.unwrap();
    fake.say(&format!(r#"{{"push":{{"id":{},"seq":1,"answer":{{"metrics":{{}}}}}}}}"#, asked.id)).await;
    let mut stream = link.take_opening().unwrap();
    let (seq, answer) = timeout(SOON, stream.recv()).await.unwrap().unwrap().unwrap();
    assert!(seq == 1 && matches!(answer, Answer::Metrics(_)), "{answer:?}");
    assert!(link.take_opening().is_none(), "it is one stream");
    let asked_later = tokio::spawn(async move { link.ask(Ask::System {}, SOON).await });
    let later = fake.next().await;
    assert!(later.ask == Ask::System {} && later.id != asked.id, "{later:?}");
    fake.answer(later.id, "web").await;
    asked_later.await.unwrap().unwrap();
}

fn host_of(answer: Answer) -> String {
    match answer {
        Answer::System(system) => system.host_name,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn answers_find_those_who_asked_in_any_order() {
    let (link, mut fake) = linked().await;
    assert_eq!(link.hello().pid, 7);
    let fake = async {
        let (one, two) = (fake.next().await.id, fake.next().await.id);
        fake.answer(two, "two").await;
        fake.answer(99, "nobody asked").await;
        fake.answer(one, "one").await;
        fake
    };
    let one = link.ask(Ask::System {}, SOON);
    let two = link.ask(Ask::System {}, SOON);
    let (one, two, _fake) = tokio::join!(one, two, fake);
    assert_eq!((host_of(one.unwrap()), host_of(two.unwrap())), ("one".into(), "two".into()));
}

#[tokio::test]
async fn what_a_login_shell_prints_before_the_helper_is_skipped() {
    let (wire, mut fake) = wire();
    fake.say("Welcome to web!\n{\"not\":1}\n\u{1b}[2J").await;
    fake.says.write_all(b"no line feed").await.unwrap();
    fake.say(HELLO).await;
    Link::begin(wire, &mut String::new()).await.unwrap();
}

#[tokio::test]
async fn a_helper_that_never_speaks_is_told_with_what_came_instead() {
    let (wire, mut fake) = wire();
    fake.say("This account is currently not available.").await;
    fake.stderr.push(b"last words\n");
    fake.says.shutdown().await.unwrap();
    let fault = Link::begin(wire, &mut String::new()).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperFailed);
    assert!(fault.message.ends_with("did not start: the helper ended with 3"), "{fault}");
    assert_eq!(fault.detail.lines, ["This account is currently not available.", "last words"]);
}

#[tokio::test]
async fn noise_without_end_is_given_up_early() {
    let (mut wire, _fake) = wire();
    wire.input = Box::new(tokio::io::repeat(b'x'));
    let fault = timeout(SOON, Link::begin(wire, &mut String::new())).await.unwrap().unwrap_err();
    assert_eq!(fault.code, FaultCode::HelperFailed);
}

#[tokio::test]
async fn the_end_of_the_link_reaches_everyone_who_waits_with_the_last_words() {
    let (link, mut fake) = linked().await;
    let mut stream = link.subscribe(Ask::Metrics { interval_ms: Some(1000) }).await.unwrap();
    fake.next().await;
    let end = async {
        fake.next().await;
        fake.stderr.push(b"out of memory\n");
        fake.says.shutdown().await.unwrap();
    };
    let (asked, ()) = tokio::join!(link.ask(Ask::System {}, SOON), end);
    let fault = asked.unwrap_err();
    assert_eq!(fault.code, FaultCode::LinkLost);
    assert_eq!(fault.message, "the link to the helper on web ended: the helper ended with 3");
    assert_eq!(fault.detail.lines, ["out of memory"]);
    assert_eq!(stream.recv().await.unwrap().unwrap_err().code, FaultCode::LinkLost);
    assert!(stream.recv().await.is_none());
    assert_eq!(link.closed().await, fault);
    assert!(link.is_closed());
    assert_eq!(link.ask(Ask::System {}, SOON).await.unwrap_err().code, FaultCode::LinkLost);
    assert_eq!(link.subscribe(Ask::System {}).await.unwrap_err().code, FaultCode::LinkLost);
}

#[tokio::test]
async fn a_question_that_takes_too_long_is_cancelled_on_the_host() {
    let (link, mut fake) = linked().await;
    let fault = link.ask(Ask::System {}, Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::TimedOut);
    let asked = fake.next().await;
    assert_eq!(fake.next().await.ask, Ask::Cancel { id: asked.id });
}

#[tokio::test]
async fn a_dropped_subscription_is_cancelled_on_the_host() {
    let (link, mut fake) = linked().await;
    let stream = link.subscribe(Ask::Metrics { interval_ms: Some(1000) }).await.unwrap();
    let asked = fake.next().await;
    drop(stream);
    assert_eq!(fake.next().await.ask, Ask::Cancel { id: asked.id });
}

#[tokio::test]
async fn a_slow_subscriber_gets_the_newest_and_holds_up_nobody() {
    let (link, mut fake) = linked().await;
    let mut stream = link.subscribe(Ask::Metrics { interval_ms: Some(1000) }).await.unwrap();
    let id = fake.next().await.id;
    for seq in 1..=100 {
        fake.say(&format!(
            r#"{{"push":{{"id":{id},"seq":{seq},"answer":{{"metrics":{{"at_ms":{seq}}}}}}}}}"#
        ))
        .await;
    }
    let (asked, ()) = tokio::join!(link.ask(Ask::System {}, SOON), async {
        let id = fake.next().await.id;
        fake.answer(id, "web").await;
    });
    asked.unwrap();
    fake.say(&format!(r#"{{"end":{{"id":{id}}}}}"#)).await;
    let mut numbers = Vec::new();
    while let Some(answer) = stream.recv().await {
        numbers.push(answer.unwrap().0);
    }
    assert_eq!(numbers, [97, 98, 99, 100], "the newest are kept, and their numbers show the gap");
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_told_to_its_asker_and_the_link_lives_on() {
    let (link, mut fake) = linked().await;
    let (asked, ()) = tokio::join!(link.ask(Ask::System {}, SOON), async {
        let id = fake.next().await.id;
        fake.say("not json at all").await;
        fake.say(&format!(r#"{{"reply":{{"id":{id},"answer":{{"from_the_future":{{}}}}}}}}"#)).await;
    });
    assert_eq!(asked.unwrap_err().code, FaultCode::HelperFailed);
    let (asked, ()) = tokio::join!(link.ask(Ask::System {}, SOON), async {
        let id = fake.next().await.id;
        fake.say(&format!(
            r#"{{"fault":{{"id":{id},"fault":{{"code":"unit_unknown","message":"no \u001b[31m unit","detail":{{"host":"db","hop":"gate"}}}}}}}}"#
        ))
        .await;
    });
    let fault = asked.unwrap_err();
    assert_eq!((fault.code, fault.detail.host.as_deref()), (FaultCode::UnitUnknown, Some("web")));
    assert_eq!(fault.detail.hop, None, "no host says what happened at another one");
    assert_eq!(fault.message, "no \\x1b[31m unit");
}

#[tokio::test]
async fn a_line_beyond_the_limit_ends_the_link() {
    let (mut wire, fake) = wire();
    let hello = std::io::Cursor::new(format!("{HELLO}\n").into_bytes());
    wire.input = Box::new(tokio::io::AsyncReadExt::chain(hello, tokio::io::repeat(b'x')));
    let link = Link::begin(wire, &mut String::new()).await.unwrap();
    let fault = timeout(Duration::from_secs(30), link.closed()).await.unwrap();
    assert!(fault.message.contains("a line is longer than"), "{fault}");
    drop(fake);
}

#[tokio::test]
async fn closing_the_link_here_ends_the_helpers_streams() {
    let (link, mut fake) = linked().await;
    link.close();
    assert_eq!(link.closed().await.code, FaultCode::LinkLost);
    assert!(timeout(SOON, fake.asked.next_line()).await.unwrap().unwrap().is_none());
}

#[tokio::test]
async fn a_subscription_can_ask_for_its_next_answer_now() {
    let (link, mut fake) = linked().await;
    let stream = link.subscribe(Ask::Sockets { interval_ms: Some(1000), unix: false }).await.unwrap();
    let id = fake.next().await.id;
    stream.refresh(true);
    assert_eq!(fake.next().await.ask, Ask::Refresh { id, whole: true });
}

#[tokio::test]
async fn a_request_that_the_helper_would_not_take_is_refused_here() {
    let (link, mut fake) = linked().await;
    let command = "x".repeat(protocol::wire::REQUEST_LIMIT_BYTES);
    let ask = Ask::Run { command, sudo: protocol::hosts::Sudo::None, limit_ms: None };
    assert_eq!(link.ask(ask, SOON).await.unwrap_err().code, FaultCode::BadInput);
    let (asked, ()) = tokio::join!(link.ask(Ask::System {}, SOON), async {
        let id = fake.next().await.id;
        fake.say(r#"{"fault":{"id":0,"fault":{"code":"bad_input","message":"what?"}}}"#).await;
        fake.answer(id, "web").await;
    });
    assert_eq!(host_of(asked.unwrap()), "web", "the link lives on");
}
