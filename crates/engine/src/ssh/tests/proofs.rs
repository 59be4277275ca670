//! More than one proof: in the order of the host, each sent once, and what is not saved asked of a person.

use std::process::Command;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::BoxFuture;
use protocol::link::QuestionKind;
use protocol::{Fault, FaultCode};
use russh::MethodKind;
use secrecy::SecretString;

use super::lying::{Script, lying};
use super::sshd::{Sshd, make_key};
use crate::ssh::{Asked, Person, SignIn, connect};

/// What it was about, its title, and each prompt with whether the answer may be shown.
type Question = (QuestionKind, String, Vec<(String, bool)>);

/// Answers with what it was given, and keeps what it was asked.
#[derive(Default)]
struct Clerk {
    answers: Vec<&'static str>,
    asked: Mutex<Vec<Question>>,
}

impl Clerk {
    fn with(answers: &[&'static str]) -> Arc<Self> {
        Arc::new(Self { answers: answers.to_vec(), asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap().clone()
    }
}

impl Person for Clerk {
    fn ask(&self, asked: Asked) -> BoxFuture<'_, Result<Vec<SecretString>, Fault>> {
        let prompts = asked.prompts.into_iter().map(|prompt| (prompt.text, prompt.echo)).collect();
        self.asked.lock().unwrap().push((asked.kind, asked.instructions, prompts));
        let answers = self.answers.iter().map(|answer| SecretString::from(*answer)).collect();
        std::future::ready(Ok(answers)).boxed()
    }
}

#[tokio::test]
async fn a_password_and_a_code_are_given_to_their_own_prompts() {
    let script =
        Script { prompts: &[("Password: ", false), ("Token\u{1b}[2J: ", true)], ..Script::default() };
    let (mut target, known) = lying(&script, &[MethodKind::KeyboardInteractive]).await;
    let clerk = Clerk::with(&["123456"]);
    target.person = Some(clerk.clone());
    connect(&target, &known, &|_| {}).await.unwrap();
    assert_eq!(script.learned(), ["answer hunter2", "answer 123456"]);
    let asked = clerk.asked();
    assert_eq!(asked.len(), 1, "one question for all that is not known");
    assert_eq!(asked[0].0, QuestionKind::Prompts);
    assert_eq!(asked[0].2, [("Token\\x1b[2J:".to_owned(), true)], "no word of a host acts on a terminal");
}

#[tokio::test]
async fn of_a_prompt_of_several_lines_the_last_one_asks_and_the_others_stand_above() {
    let script = Script {
        prompts: &[(
            "Password needs a second factor\n 1. Push\u{7}\r\n\n 2. Call\nPasscode or option: ",
            true,
        )],
        ..Script::default()
    };
    let (mut target, known) = lying(&script, &[MethodKind::KeyboardInteractive]).await;
    let clerk = Clerk::with(&["1"]);
    target.person = Some(clerk.clone());
    connect(&target, &known, &|_| {}).await.unwrap();
    assert_eq!(script.learned(), ["answer 1"], "the saved password is no answer to it");
    let (_, instructions, prompts) = clerk.asked().remove(0);
    assert_eq!(instructions, "Password needs a second factor\n1. Push\\x07\n2. Call");
    assert_eq!(prompts, [("Passcode or option:".to_owned(), true)]);
}

#[tokio::test]
async fn the_saved_password_never_goes_to_a_prompt_for_a_code() {
    let script = Script {
        prompts: &[("Verification code: ", false)],
        then: Some(MethodKind::KeyboardInteractive),
        ..Script::default()
    };
    let (mut target, known) = lying(&script, &[MethodKind::Password]).await;
    let clerk = Clerk::with(&["123456"]);
    target.person = Some(clerk.clone());
    connect(&target, &known, &|_| {}).await.unwrap();
    assert_eq!(script.learned(), ["password hunter2", "answer 123456"], "first the one, then the other");
}

#[tokio::test]
async fn a_key_and_then_a_password_that_is_not_saved_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    make_key(&key, "ed25519");
    let script = Script { then: Some(MethodKind::Password), ..Script::default() };
    let (mut target, known) = lying(&script, &[MethodKind::PublicKey]).await;
    target.sign_in = SignIn::KeyFile { path: key, passphrase: None };
    let fault = connect(&target, &known, &|_| {}).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::PasswordMissing, "nobody is there to ask: {fault}");
    let (mut again, known) = lying(&script, &[MethodKind::PublicKey]).await;
    script.proved.store(0, std::sync::atomic::Ordering::SeqCst);
    again.sign_in = target.sign_in;
    let clerk = Clerk::with(&["typed"]);
    again.person = Some(clerk.clone());
    connect(&again, &known, &|_| {}).await.unwrap();
    assert_eq!(script.learned().last().unwrap(), "password typed");
    assert_eq!(clerk.asked()[0].0, QuestionKind::Password);
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_by_whatever_method() {
    let script = Script { refuses: true, prompts: &[("Password: ", false)], ..Script::default() };
    let (target, known) = lying(&script, &[MethodKind::Password, MethodKind::KeyboardInteractive]).await;
    let fault = connect(&target, &known, &|_| {}).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::SignInRefused);
    assert_eq!(script.learned(), ["password hunter2"], "not once more by the other method");
}

#[tokio::test]
async fn the_passphrase_of_a_key_is_asked_for_once_the_host_was_judged() {
    let sshd = Sshd::start("");
    let key = sshd.dir.path().join("locked");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "open sesame", "-f"])
        .arg(&key)
        .status()
        .unwrap();
    assert!(made.success());
    std::fs::copy(key.with_extension("pub"), sshd.dir.path().join("authorized")).unwrap();
    let mut target = sshd.target_with(SignIn::KeyFile { path: key, passphrase: None });
    let clerk = Clerk::with(&["open sesame"]);
    target.person = Some(clerk.clone());
    let fault = connect(&target, &[], &|_| {}).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::HostKeyUnknown);
    assert!(clerk.asked().is_empty(), "nothing is asked for a host that is not trusted");
    connect(&target, &sshd.trusted().await, &|_| {}).await.unwrap();
    assert_eq!(clerk.asked()[0].0, QuestionKind::Passphrase);
    let wrong = Clerk::with(&["not it"]);
    target.person = Some(wrong.clone());
    let fault = connect(&target, &sshd.trusted().await, &|_| {}).await.unwrap_err();
    assert_eq!((fault.code, wrong.asked().len()), (FaultCode::KeyEncrypted, 1), "it is asked for once");
}

#[tokio::test]
async fn a_certificate_beside_the_key_signs_in_where_the_bare_key_may_not() {
    let sshd = Sshd::start("");
    let at = |name: &str| sshd.dir.path().join(name);
    for name in ["ca", "holder"] {
        make_key(&at(name), "ed25519");
    }
    let user = super::sshd::me();
    let signed = Command::new("ssh-keygen")
        .args(["-q", "-I", "ann", "-V", "+1h", "-n", &user, "-s"])
        .arg(at("ca"))
        .arg(at("holder.pub"))
        .status()
        .unwrap();
    assert!(signed.success());
    let ca = std::fs::read_to_string(at("ca.pub")).unwrap();
    std::fs::write(at("authorized"), format!("cert-authority {ca}")).unwrap();
    let known = sshd.trusted().await;
    let target = sshd.target_with(SignIn::KeyFile { path: at("holder"), passphrase: None });
    connect(&target, &known, &|_| {}).await.unwrap();
    std::fs::remove_file(at("holder-cert.pub")).unwrap();
    let fault = connect(&target, &known, &|_| {}).await.unwrap_err();
    assert_eq!(fault.code, FaultCode::SignInRefused, "the bare key is not let in");
}
