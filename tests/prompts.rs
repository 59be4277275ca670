//! A sign-in that asks two things in one request: a password, and a code that may be seen.

use support::asking_server::{AskingServer, Asks};
use support::desktop::Desktop;
use support::musterctl::Operator;
use support::needs;
use support::pages;
use support::places;
use support::sshd::own_user;
use support::window::Window;

use crate::secrets::{files_with, holds};
use crate::sign_in::in_terminal;

const PASSWORD: &str = "a password that is planted";
const CODE: &str = "314159";

/// What a host may write to whoever looks: it clears a terminal, sets its clipboard, turns the text round.
const ASKS: Asks = Asks {
    title: "Second factor\u{1b}[2J",
    instructions: "Ask the desk for your code.\n\u{1b}]52;c;eA==\u{7}<b onmouseover=x>\u{202e}edoc",
    prompts: &[("Password\u{1b}[8m: ", false, PASSWORD), ("1. Phone\n2. Key\nCode\r: ", true, CODE)],
};

fn saved(operator: &Operator, server: &AskingServer) {
    let (port, user) = (server.port().to_string(), own_user());
    let words = ["host", "add", "web", "--address", "127.0.0.1", "--port", &port, "--user", &user];
    operator.run(&[&words[..], &["--ask-password", "--helper", "none"]].concat()).done();
    operator.accept("web");
}

#[test]
fn two_prompts_of_one_request_are_asked_in_a_terminal_one_after_the_other() {
    let server = AskingServer::start(ASKS);
    let operator = Operator::without_keyring();
    saved(&operator, &server);
    operator.run(&["check", "web"]).refused(8, &["keyring"]);
    assert_eq!(server.given(), Vec::<Vec<String>>::new(), "nothing is answered where nobody is asked");

    let ask = |password: &str, code: &str| {
        in_terminal(&operator, &["check", "web"], &[("Password\\x1b[8m:", password), ("Code\\x0d:", code)])
    };
    let (shown, status) = ask(PASSWORD, "000000");
    assert_eq!((status, server.given()), (5, vec![vec![PASSWORD.to_owned(), "000000".into()]]), "{shown}");
    assert_eq!(shown.matches("Code\\x0d:").count(), 1, "what was refused is not asked for again: {shown}");

    let (shown, status) = ask(PASSWORD, CODE);
    assert_eq!(status, 0, "{shown}");
    assert_eq!(server.given().last().unwrap(), &[PASSWORD, CODE]);
    assert!(!holds(shown.as_bytes(), PASSWORD), "what is typed is not shown: {shown}");
    assert!(shown.contains(CODE), "but where the host says that it may be: {shown}");
    let at = |words: &str| shown.find(words).unwrap_or_else(|| panic!("{words}: {shown}"));
    assert!(at("Second factor") < at("Ask the desk for your code.") && at("Ask the desk") < at("2. Key"));
    assert!(at("2. Key") < at("Password") && at("Password") < at("Code\\x0d:"), "{shown}");
    assert!(!shown.contains("\\x0a"), "a line is a line: {shown}");
    assert!(
        shown.contains("\\x1b]52;c;eA==\\x07") && shown.contains("\\u{202e}edoc"),
        "by their codes: {shown}"
    );
    assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "nothing acts on the terminal: {shown:?}");
    let with_return = shown.replace("\r\n", "\n");
    assert!(!with_return.contains('\r'), "{with_return:?}");
}

#[test]
fn two_prompts_of_one_request_are_two_fields_of_one_dialog_in_the_window() {
    needs!(Window);
    let server = AskingServer::start(ASKS);
    let desktop = Desktop::start(1280, 800);
    let operator = Operator::in_session(&desktop.session);
    saved(&operator, &server);
    let window = Window::with_data_of(&desktop, &operator);
    let refused = || window.wait_for_css("[data-testid=\"host-state\"][data-state=\"sign-in\"]");

    pages::open_host(&window, "web");
    window.wait_for("question-1");
    let kinds = window.script(
        "return [...document.querySelectorAll('[data-testid=question] input')].map(field => field.type)",
    );
    assert_eq!(kinds, serde_json::json!(["password", "text"]), "two fields, and nothing to be saved");
    let words = window.text("question-words");
    assert!(words.contains("Second factor\\x1b[2J") && words.contains("Ask the desk"), "{words}");
    assert!(words.contains("<b onmouseover=x>\\u{202e}edoc"), "a text and nothing else: {words}");
    let all = window.text("question");
    assert!(all.contains("Password\\x1b[8m") && all.contains("Code\\x0d"), "{all}");
    window.picture(&places::pictures(), "question-two");
    window.click("question-cancel");
    window.wait_gone("question");
    refused();
    assert_eq!(server.given(), Vec::<Vec<String>>::new(), "who cancels has sent nothing");

    window.click("host-next-step");
    window.fill("question-0", PASSWORD);
    window.fill("question-1", "000000");
    window.click("question-send");
    window.wait_gone("question");
    refused();
    assert_eq!(server.given(), [[PASSWORD, "000000"]]);
    assert!(!window.has("question"), "what was refused is asked for again by nobody");

    window.click("host-more");
    window.click("host-connect");
    window.fill("question-0", PASSWORD);
    window.fill("question-1", CODE);
    window.click("question-send");
    pages::wait_until_live(&window);
    assert_eq!(server.given()[1..], [[PASSWORD, CODE]], "each in its place, and once");
    assert!(!window.has("question"));
    assert_eq!(files_with(operator.folder(), PASSWORD), Vec::<String>::new());
    window.close();
}
