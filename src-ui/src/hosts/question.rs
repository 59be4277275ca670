//! What a sign-in asks a person: a password, a passphrase, or the prompts of the host.
//!
//! What the host does not want shown is in the app and not here. Words of the host are text and nothing else.

use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::credentials::Secret;
use protocol::ipc::QuestionAnswer;
use protocol::link::{Question, QuestionKind};
use protocol::text::printable;

use crate::components::{Button, ButtonKind, Checkbox, Dialog, SecretField, SecretInput};
use crate::format;
use crate::ipc;
use crate::state::use_app;
use crate::text::{I18n, lang, t_string, use_i18n};

/// The oldest question that waits, over whatever is open.
#[component]
pub(crate) fn Questions() -> impl IntoView {
    let app = use_app();
    let first = Memo::new(move |_| app.questions.with(|questions| questions.first().cloned()));
    // Each has fields of its own: what was begun for one is not the beginning of another's answer.
    view! {
        <For each=move || first.get() key=|question| question.id let:question>
            <QuestionDialog question />
        </For>
    }
}

#[component]
fn QuestionDialog(question: Question) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let busy = RwSignal::new(false);
    let save = RwSignal::new(false);
    let fields: Vec<Answer> = question.prompts.iter().map(|prompt| Answer::new(prompt.echo)).collect();
    let fields = StoredValue::new(fields);
    let (id, until_ms, may_save) = (question.id, question.until_ms, question.may_save);
    let give = move |answers: Option<Vec<Secret>>| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let save = save.get_untracked() && answers.is_some();
        spawn_local(async move {
            if let Err(fault) = ipc::call(QuestionAnswer { id, answers, save }).await {
                app.complain(fault);
            }
            // Its end comes as an event too; a lost one must not leave it standing.
            app.question_over(id);
        });
    };
    let send = move || {
        let are_settled = fields.with_value(|fields| fields.iter().all(|field| field.is_settled()));
        if are_settled && !busy.get_untracked() {
            give(Some(fields.with_value(|fields| fields.iter().map(|field| field.given()).collect())));
        }
    };
    let host = printable(&question.host).into_owned();
    let title = {
        let (kind, host) = (question.kind, host.clone());
        Signal::derive(move || match kind {
            QuestionKind::Password => t_string!(i18n, hosts.ask_password, host = host.clone()),
            QuestionKind::Passphrase => t_string!(i18n, hosts.ask_passphrase, host = host.clone()),
            QuestionKind::Prompts => t_string!(i18n, hosts.ask_prompts, host = host.clone()),
        })
    };
    let left = move || {
        let now_ms = app.now_ms.get();
        let left = format::age(now_ms, until_ms.max(now_ms), lang(i18n));
        t_string!(i18n, hosts.ask_left, left = left)
    };
    let foot = move || {
        view! {
            <span class="dim" data-testid="question-left">{left}</span>
            <span class="grow"></span>
            <Button testid="question-cancel" disabled=busy on_click=Callback::new(move |()| give(None))>
                {move || t_string!(i18n, app.cancel)}
            </Button>
            <Button kind=ButtonKind::Primary testid="question-send" busy on_click=Callback::new(move |()| send())>
                {move || t_string!(i18n, hosts.ask_send)}
            </Button>
        }
    };
    let rows = question
        .prompts
        .iter()
        .enumerate()
        .map(|(number, _)| {
            let label = label_of(i18n, &question, number);
            let answer = fields.with_value(|fields| fields.get(number).copied());
            let name = format!("question-{number}");
            let input = answer.map(|answer| answer.input(name.clone()));
            view! {
                <div class="field is-wide">
                    <label class="field-label" for=name>{label}</label>
                    {input}
                </div>
            }
        })
        .collect_view();
    let words = question
        .instructions
        .lines()
        .map(|line| view! { <p class="quiet">{printable(line).into_owned()}</p> })
        .collect_view();
    // The field of a password names the user itself.
    let who = (question.kind != QuestionKind::Password).then(|| {
        let user = printable(&question.user).into_owned();
        view! { <p class="quiet">{move || t_string!(i18n, hosts.ask_as, user = user.clone())}</p> }
    });
    view! {
        <Dialog title on_close=Callback::new(move |()| give(None)) held=busy testid="question" foot>
            <form
                class="form"
                novalidate=true
                on:submit=move |event| {
                    event.prevent_default();
                    send();
                }
            >
                <div class="is-wide" data-testid="question-words">{who} {words}</div>
                {rows}
                {may_save
                    .then(|| {
                        view! {
                            <Checkbox
                                class="is-wide"
                                label=Signal::derive(move || t_string!(i18n, hosts.ask_save).to_owned())
                                testid="question-save"
                                on=save
                                on_change=Callback::new(move |on| save.set(on))
                            />
                        }
                    })}
                // Enter in any field sends the answers.
                <button type="submit" class="visually-hidden" tabindex="-1" aria-hidden="true"></button>
            </form>
        </Dialog>
    }
}

/// Where a person answers a prompt: in the open where the host wants it shown, else in dots.
#[derive(Clone, Copy)]
enum Answer {
    Open(NodeRef<Input>),
    Hidden(SecretField),
}

impl Answer {
    fn new(echo: bool) -> Self {
        if echo { Self::Open(NodeRef::new()) } else { Self::Hidden(SecretField::new()) }
    }

    fn is_settled(self) -> bool {
        match self {
            Self::Hidden(field) => field.is_settled(),
            Self::Open(_) => true,
        }
    }

    fn given(self) -> Secret {
        match self {
            Self::Hidden(field) => field.typed().map_or_else(|| Secret::from(""), Secret::from),
            Self::Open(field) => field.get_untracked().map(|field| field.value()).unwrap_or_default().into(),
        }
    }

    fn input(self, name: String) -> AnyView {
        match self {
            Self::Hidden(field) => view! { <SecretInput id=name.clone() testid=name field /> }.into_any(),
            Self::Open(field) => view! {
                <input
                    node_ref=field
                    id=name.clone()
                    class="input"
                    type="text"
                    data-testid=name
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                />
            }
            .into_any(),
        }
    }
}

fn label_of(i18n: I18n, question: &Question, number: usize) -> Signal<String> {
    let text = question.prompts.get(number).map(|prompt| prompt.text.trim().trim_end_matches(':').to_owned());
    let text = printable(&text.unwrap_or_default()).into_owned();
    match question.kind {
        QuestionKind::Password => {
            Signal::derive(move || t_string!(i18n, hosts.ask_password_of, who = text.clone()))
        }
        QuestionKind::Passphrase => {
            Signal::derive(move || t_string!(i18n, hosts.ask_passphrase_of, file = text.clone()))
        }
        QuestionKind::Prompts => Signal::derive(move || text.clone()),
    }
}
