//! One note: shown by its nodes, or as the text that is being changed.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::Fault;
use protocol::ipc::{NoteSave, NoteShow};
use protocol::notes::{LONGEST_NOTE_BYTES, Note, NoteAbout};
use protocol::text::{printable, printable_lines};

use super::desk::Draft;
use super::markdown::{Kind, Node, parse};
use crate::components::load::Load;
use crate::components::{Button, ButtonKind, Failed, IconName, Skeleton, TextArea};
use crate::format;
use crate::ipc;
use crate::state::{use_app, zone_min};
use crate::text::{lang, t_string, use_i18n};

#[component]
pub(super) fn NoteCard(about: NoteAbout) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let desk = app.notes;
    let begun = desk.draft(&about);
    let note = RwSignal::new(Load::<Option<Note>>::Loading);
    let is_edited = RwSignal::new(begun.is_some());
    // It was left unsaved, and is here again.
    let is_back = RwSignal::new(begun.is_some());
    let Draft { text, before_ms } = begun.unwrap_or_else(|| Draft { text: String::new(), before_ms: None });
    let text = RwSignal::new(text);
    // Of the note that the text began from: one that is newer is not written over unseen.
    let before_ms = RwSignal::new(before_ms);
    let is_overtaken = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let fault = RwSignal::new(None::<Fault>);
    let (name, is_host) = match &about {
        NoteAbout::Host(name) => (printable(name).into_owned(), true),
        NoteAbout::Group(name) => (printable(name).into_owned(), false),
    };
    let testid = if is_host { "note-host".to_owned() } else { format!("note-group-{name}") };
    let about = StoredValue::new(about);
    let read = move || {
        spawn_local(async move {
            let Some(about) = about.try_get_value() else { return };
            let told = ipc::call(NoteShow { about }).await;
            note.try_set(match told {
                Ok(told) => Load::Ready(told),
                Err(why) => Load::Failed(why),
            });
        });
    };
    read();
    let known = move || note.with(|note| note.value().cloned().flatten());
    let edit = move |()| {
        let known = untrack(known);
        before_ms.set(known.as_ref().map(|note| note.changed_ms));
        text.set(known.map(|note| note.text).unwrap_or_default());
        fault.set(None);
        is_back.set(false);
        is_overtaken.set(false);
        is_edited.set(true);
    };
    Effect::new(move |_| {
        if is_edited.get() {
            let draft = Draft { text: text.get(), before_ms: before_ms.get() };
            let is_saved = known().map(|note| note.text).unwrap_or_default() == draft.text;
            desk.keep(about.get_value(), Some(draft).filter(|_| !is_saved));
        }
    });
    let end = move || {
        desk.keep(about.get_value(), None);
        is_edited.set(false);
    };
    let save = move |()| {
        busy.set(true);
        fault.set(None);
        let about = about.get_value();
        let before = before_ms.get_untracked();
        let given = NoteSave { about: about.clone(), text: text.get_untracked(), before_ms: before };
        spawn_local(async move {
            match ipc::call(given).await {
                Ok(told) => {
                    desk.set(about.clone(), told.is_some());
                    desk.keep(about, None);
                    note.try_set(Load::Ready(told));
                    is_edited.try_set(false);
                }
                Err(why) if why.detail.subject.as_deref() == Some("before_ms") => {
                    // Somebody else was quicker: theirs is shown, and can be replaced once it was seen.
                    match ipc::call(NoteShow { about }).await {
                        Ok(theirs) => {
                            before_ms.try_set(theirs.as_ref().map(|note| note.changed_ms));
                            note.try_set(Load::Ready(theirs));
                            is_back.try_set(false);
                            is_overtaken.try_set(true);
                        }
                        Err(why) => drop(fault.try_set(Some(why))),
                    }
                }
                Err(why) => drop(fault.try_set(Some(why))),
            }
            busy.try_set(false);
        });
    };
    let title = {
        let name = name.clone();
        move || match is_host {
            true => t_string!(i18n, notes.on_host, name = name.clone()),
            false => t_string!(i18n, notes.on_group, name = name.clone()),
        }
    };
    let told = move || {
        known().map(|note| {
            let when =
                format::moment(note.changed_ms, app.now_ms.get(), zone_min(note.changed_ms), lang(i18n));
            t_string!(i18n, notes.changed, when = when, by = printable(&note.by).into_owned())
        })
    };
    let left = move || LONGEST_NOTE_BYTES.checked_sub(text.with(String::len));
    let theirs = move || {
        is_overtaken.get().then(|| {
            let left_out = t_string!(i18n, notes.left_out);
            let words = match known() {
                Some(note) => t_string!(i18n, notes.overtaken, by = printable(&note.by).into_owned()),
                None => t_string!(i18n, notes.overtaken_gone).to_owned(),
            };
            let nodes = known().map(|note| parse(&note.text)).unwrap_or_default();
            view! {
                <div class="note-theirs" data-testid="note-theirs">
                    <p class="is-warn" role="alert">{words}</p>
                    <div class="note-shown selectable">
                        {nodes.iter().map(|node| shown(node, left_out)).collect_view()}
                    </div>
                </div>
            }
        })
    };
    let body = move || {
        if is_edited.get() {
            return view! {
                <Show when=move || is_back.get()>
                    <p class="is-warn" role="status" data-testid="note-back">
                        {move || t_string!(i18n, notes.back)}
                    </p>
                </Show>
                <TextArea
                    value=text
                    label=Signal::derive(move || t_string!(i18n, notes.text).to_owned())
                    class="note-text"
                    testid="note-text"
                    mono=true
                    invalid=Signal::derive(move || left().is_none())
                />
                {move || fault.get().map(|fault| view! { <Failed fault bare=true /> })}
                {theirs}
                <div class="note-foot">
                    <span class="dim">
                        {move || match left() {
                            Some(_) => t_string!(i18n, notes.hint),
                            None => t_string!(i18n, notes.too_long),
                        }}
                    </span>
                    <span class="grow"></span>
                    <Button testid="note-cancel" disabled=busy on_click=Callback::new(move |()| end())>
                        {move || t_string!(i18n, app.cancel)}
                    </Button>
                    <Button
                        kind=ButtonKind::Primary
                        testid="note-save"
                        busy
                        disabled=Signal::derive(move || left().is_none())
                        on_click=Callback::new(save)
                    >
                        {move || t_string!(i18n, app.save)}
                    </Button>
                </div>
            }
            .into_any();
        }
        match note.get() {
            Load::Loading => view! { <Skeleton rows=3 /> }.into_any(),
            Load::Failed(why) => {
                view! { <Failed fault=why bare=true on_retry=Callback::new(move |()| read()) /> }.into_any()
            }
            Load::Ready(None) => view! { <p class="dim">{t_string!(i18n, notes.none)}</p> }.into_any(),
            Load::Ready(Some(note)) => {
                let left_out = t_string!(i18n, notes.left_out);
                view! {
                    <div class="note-shown selectable" data-testid="note-shown">
                        {parse(&note.text).iter().map(|node| shown(node, left_out)).collect_view()}
                    </div>
                }
                .into_any()
            }
        }
    };
    view! {
        <section class="note" data-testid=testid>
            <header class="note-head">
                <h2>{title}</h2>
                <span class="dim">{told}</span>
                <span class="grow"></span>
                <Show when=move || !is_edited.get()>
                    <Button icon=IconName::Edit testid="note-edit" on_click=Callback::new(edit)>
                        {move || t_string!(i18n, notes.edit)}
                    </Button>
                </Show>
            </header>
            {body}
        </section>
    }
}

/// A node as an element of the page: every text of it is a text node.
fn shown(node: &Node, left_out: &'static str) -> AnyView {
    let safe = |text: &str| printable(text).into_owned();
    match node {
        Node::Text(text) => safe(text).into_any(),
        Node::Code(text) => view! { <code class="mono">{safe(text)}</code> }.into_any(),
        Node::Block(text) => {
            view! { <pre class="block mono">{printable_lines(text).into_owned()}</pre> }.into_any()
        }
        Node::Break => view! { <br /> }.into_any(),
        Node::Rule => view! { <hr /> }.into_any(),
        Node::Address(address) => view! { <code class="mono dim">" " {safe(address)}</code> }.into_any(),
        Node::LeftOut => view! { <p class="is-warn">{left_out}</p> }.into_any(),
        Node::Inside(kind, nodes) => {
            let inside = nodes.iter().map(|node| shown(node, left_out)).collect_view();
            match kind {
                Kind::Paragraph => view! { <p>{inside}</p> }.into_any(),
                Kind::Heading(1) => view! { <h3 class="note-h1">{inside}</h3> }.into_any(),
                Kind::Heading(2) => view! { <h4>{inside}</h4> }.into_any(),
                Kind::Heading(_) => view! { <h5>{inside}</h5> }.into_any(),
                Kind::Quote => view! { <blockquote>{inside}</blockquote> }.into_any(),
                Kind::List => view! { <ul>{inside}</ul> }.into_any(),
                Kind::Numbered => view! { <ol>{inside}</ol> }.into_any(),
                Kind::Item => view! { <li>{inside}</li> }.into_any(),
                Kind::Strong => view! { <strong>{inside}</strong> }.into_any(),
                Kind::Emphasis => view! { <em>{inside}</em> }.into_any(),
                Kind::Struck => view! { <s>{inside}</s> }.into_any(),
            }
        }
    }
}
