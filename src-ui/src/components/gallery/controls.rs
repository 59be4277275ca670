//! What is pressed, chosen and filled in, with what is wrong beside it.

use leptos::prelude::*;

use super::made;
use super::words;
use crate::components::{
    Button, ButtonKind, Checkbox, Choice, CopyButton, Field, FreezeButton, GuardField, IconName, SearchInput,
    SecretField, SecretInput, Segmented, SelectInput, TextArea, TextInput,
};

const KINDS: [(ButtonKind, &str); 5] = [
    (ButtonKind::Primary, "Add host"),
    (ButtonKind::Plain, "Restart..."),
    (ButtonKind::Danger, "Stop nginx"),
    (ButtonKind::Ghost, "Clear"),
    (ButtonKind::Link, "Connect"),
];

fn some(text: &'static str) -> Signal<Option<String>> {
    Signal::stored(Some(text.to_owned()))
}

#[component]
pub(super) fn GalleryControls() -> impl IntoView {
    view! {
        <main class="page gallery" data-testid="gallery-controls" data-ready="true">
            <section>
                <Buttons />
                <Choices />
            </section>
            <section>
                <Lines />
                <Secrets />
            </section>
        </main>
    }
}

#[component]
fn Buttons() -> impl IntoView {
    let line = |name: &'static str, small: bool, disabled: bool, busy: bool| {
        let buttons = KINDS
            .map(|(kind, text)| {
                view! {
                    <Button kind small disabled=Signal::stored(disabled) busy=Signal::stored(busy)>
                        {text}
                    </Button>
                }
            })
            .collect_view();
        view! {
            <p class="gallery-line">
                <span class="gallery-name">{name}</span>
                {buttons}
            </p>
        }
    };
    let frozen = RwSignal::new(true);
    let running = RwSignal::new(false);
    let freeze_words =
        |on: RwSignal<bool>| Signal::derive(move || if on.get() { "Frozen" } else { "Freeze" }.to_owned());
    view! {
        <h2>"Buttons: primary, plain, danger, ghost, link"</h2>
        {line("Normal", false, false, false)}
        {line("Small", true, false, false)}
        {line("Disabled", false, true, false)}
        {line("Busy", false, false, true)}
        <h2>"With an icon, of an icon alone, small ones"</h2>
        <p class="gallery-line">
            <Button icon=IconName::Restart>"Restart..."</Button>
            <Button icon=IconName::More label=words("More") />
            <Button kind=ButtonKind::Ghost icon=IconName::Edit label=words("Edit") />
            <Button small=true icon=IconName::Plus label=words("Add") />
            <Button small=true kind=ButtonKind::Ghost icon=IconName::Cross label=words("Close") />
            <Button
                small=true
                kind=ButtonKind::Ghost
                icon=IconName::Columns
                label=words("Columns")
                disabled=Signal::stored(true)
            />
            <CopyButton text=words("nginx.service") testid="gallery-copy" />
        </p>
        <h2>"Freeze: off and on"</h2>
        <p class="gallery-line">
            <FreezeButton on=running words=freeze_words(running) testid="gallery-freeze" />
            <FreezeButton on=frozen words=freeze_words(frozen) testid="gallery-frozen" />
        </p>
    }
}

#[component]
fn Choices() -> impl IntoView {
    let choice = RwSignal::new(1_u32);
    let zone = RwSignal::new("utc".to_owned());
    let [off, on] = [RwSignal::new(false), RwSignal::new(true)];
    let options = [("utc", "UTC"), ("local", "This computer's"), ("host", "The host's")];
    let options: Vec<(String, String)> =
        options.map(|(value, text)| (value.to_owned(), text.to_owned())).into();
    view! {
        <h2>"One among a few"</h2>
        <Segmented
            choices=vec![
                Choice::new(1, "gallery-1", || "All".to_owned()).counted(|| "34".to_owned()),
                Choice::new(2, "gallery-2", || "Listening".to_owned()),
                Choice::new(3, "gallery-3", || "Failed".to_owned()).counted(|| "0".to_owned()),
            ]
            value=choice
            on_change=Callback::new(move |chosen| choice.set(chosen))
            label=words("Which")
        />
        <h2>"One of a list"</h2>
        <Field label=words("Times") for_id="gallery-zone">
            <SelectInput value=zone options id="gallery-zone" testid="gallery-zone" />
        </Field>
        <h2>"So or not: off, on, with a hint, with an error, disabled"</h2>
        <Checkbox
            on=off
            on_change=Callback::new(move |is| off.set(is))
            label=words("Start with the desktop")
            testid="gallery-check-off"
        />
        <Checkbox
            on=on
            on_change=Callback::new(move |is| on.set(is))
            label=words("Run with sudo")
            hint=some("As root, by sudo of this host.")
            testid="gallery-check-hint"
        />
        <Checkbox
            on=off
            on_change=Callback::new(move |is| off.set(is))
            label=words("Forget the password")
            error=some("The key was not tried yet.")
            testid="gallery-check-error"
        />
        <Checkbox
            on=Signal::stored(true)
            on_change=Callback::new(|_| {})
            label=words("Name")
            disabled=Signal::stored(true)
            testid="gallery-check-disabled"
        />
    }
}

#[component]
fn Lines() -> impl IntoView {
    let name = RwSignal::new(String::new());
    let address = RwSignal::new("10.0.0.300".to_owned());
    let fixed = RwSignal::new("deploy".to_owned());
    let [none, filter] = [RwSignal::new(String::new()), RwSignal::new("nginx".to_owned())];
    let note = RwSignal::new("Behind **haproxy**.\nAsk Chen before a restart.".to_owned());
    let long = RwSignal::new("x".repeat(60));
    let bad = Signal::stored(true);
    view! {
        <h2>"Fields: empty with a hint, with an error, disabled"</h2>
        <Field label=words("Name") for_id="gallery-name" hint=some("As it is typed.")>
            <TextInput value=name id="gallery-name" placeholder=words("web-5") />
        </Field>
        <Field label=words("Address") for_id="gallery-address" error=some("300 is over 255.")>
            <TextInput value=address id="gallery-address" mono=true invalid=bad />
        </Field>
        <Field label=words("User") for_id="gallery-user">
            <TextInput value=fixed id="gallery-user" disabled=Signal::stored(true) />
        </Field>
        <h2>"Search: empty, and with what it found"</h2>
        <SearchInput value=none placeholder=words("Filter") />
        <SearchInput
            value=filter
            placeholder=words("Filter")
            aside=|| view! { <span class="dim">"22 of 412"</span> }
        />
        <h2>"Several lines: as they come, and too long"</h2>
        <TextArea value=note label=words("Note") mono=true />
        <Field label=words("Note") for_id="gallery-note" error=some("Longer than a note may be.")>
            <TextArea value=long id="gallery-note" invalid=bad />
        </Field>
    }
}

#[component]
fn Secrets() -> impl IntoView {
    let [empty, wrong] = [SecretField::new(), SecretField::new()];
    let target = made::target("web-3", true);
    view! {
        <h2>"Secrets: what is typed is not in the page"</h2>
        <Field label=words("Passphrase") for_id="gallery-secret" hint=some("At least 8 characters.")>
            <SecretInput id="gallery-secret" testid="gallery-secret" field=empty />
        </Field>
        <Field label=words("Once more") for_id="gallery-wrong" error=some("The two are not the same.")>
            <SecretInput id="gallery-wrong" testid="gallery-wrong" field=wrong invalid=Signal::stored(true) />
        </Field>
        <h2>"A guarded host: its name is typed"</h2>
        <GuardField target taken=Signal::stored(true) />
    }
}
