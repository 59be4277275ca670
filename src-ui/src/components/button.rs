//! Buttons and the choice of one among several.

use leptos::prelude::*;

use super::{Glyph, GlyphName, Icon, IconName, KeyCap};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ButtonKind {
    #[default]
    Plain,
    /// The one thing a page or dialog is for.
    Primary,
    /// Stops or removes something.
    Danger,
    Ghost,
    /// Text in accent, for a next step inside a line.
    Link,
}

impl ButtonKind {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "button",
            Self::Primary => "button is-primary",
            Self::Danger => "button is-danger",
            Self::Ghost => "button is-ghost",
            Self::Link => "link",
        }
    }
}

/// A button. Its children are its name; with an icon alone, give `label`.
#[component]
pub(crate) fn Button(
    #[prop(optional)] kind: ButtonKind,
    #[prop(optional, into)] icon: Option<IconName>,
    /// Name for a screen reader and tool tip, for a button that is only an icon.
    #[prop(optional, into)]
    label: Option<Signal<String>>,
    #[prop(optional)] small: bool,
    #[prop(optional, into)] disabled: Signal<bool>,
    /// While true it shows that it works, and cannot be pressed.
    #[prop(optional, into)]
    busy: Signal<bool>,
    /// What it opens, `menu` or `true`, and whether that is open.
    #[prop(optional)]
    popup: &'static str,
    #[prop(optional, into)] expanded: Option<Signal<bool>>,
    #[prop(optional)] testid: &'static str,
    /// `submit` inside a form.
    #[prop(default = "button")]
    kind_of: &'static str,
    #[prop(optional, into)] on_click: Option<Callback<()>>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let bare = children.is_none();
    let class = format!(
        "{}{}{}",
        kind.class(),
        if small { " is-small" } else { "" },
        if bare { " is-bare" } else { "" }
    );
    view! {
        <button
            type=kind_of
            class=class
            data-testid=(!testid.is_empty()).then_some(testid)
            aria-label=move || label.map(|label| label.get())
            title=move || label.map(|label| label.get())
            aria-busy=move || busy.get().then_some("true")
            aria-haspopup=(!popup.is_empty()).then_some(popup)
            aria-expanded=move || expanded.map(|is| if is.get() { "true" } else { "false" })
            disabled=move || disabled.get() || busy.get()
            on:click=move |event| {
                if let Some(on_click) = on_click {
                    event.stop_propagation();
                    on_click.run(());
                }
            }
        >
            {move || {
                if busy.get() {
                    Some(view! { <Glyph name=GlyphName::Connecting /> }.into_any())
                } else {
                    icon.map(|name| view! { <Icon name /> }.into_any())
                }
            }}
            {children.map(|children| view! { <span class="button-text">{children()}</span> })}
        </button>
    }
}

/// Holds what changes by itself as it is, until it is pressed again; Space does the same on the page.
#[component]
pub(crate) fn FreezeButton(
    on: RwSignal<bool>,
    /// What it says, by whether it is on.
    #[prop(into)]
    words: Signal<String>,
    testid: &'static str,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="button is-ghost freeze"
            class:is-on=move || on.get()
            aria-pressed=move || if on.get() { "true" } else { "false" }
            data-testid=testid
            on:click=move |_| on.update(|on| *on = !*on)
        >
            <Icon name=IconName::Freeze />
            <span class="button-text">{move || words.get()}</span>
            <KeyCap key="Space" />
        </button>
    }
}

/// One choice of a `Segmented`.
#[derive(Clone)]
pub(crate) struct Choice<T> {
    pub(crate) value: T,
    pub(crate) text: Signal<String>,
    /// A quiet number behind the text.
    pub(crate) count: Option<Signal<String>>,
    pub(crate) testid: &'static str,
}

impl<T> Choice<T> {
    pub(crate) fn new(
        value: T,
        testid: &'static str,
        text: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        Self { value, text: Signal::derive(text), count: None, testid }
    }

    pub(crate) fn counted(mut self, count: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.count = Some(Signal::derive(count));
        self
    }
}

/// One among a few, all of them visible; arrow keys move the choice.
#[component]
pub(crate) fn Segmented<T>(
    choices: Vec<Choice<T>>,
    #[prop(into)] value: Signal<T>,
    #[prop(into)] on_change: Callback<T>,
    /// Name for a screen reader.
    #[prop(into)]
    label: Signal<String>,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let values: Vec<T> = choices.iter().map(|choice| choice.value.clone()).collect();
    let group = NodeRef::<leptos::html::Div>::new();
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowRight" | "ArrowDown" => 1,
            "ArrowLeft" | "ArrowUp" => values.len() - 1,
            _ => return,
        };
        event.prevent_default();
        let at = values.iter().position(|one| *one == value.get_untracked()).unwrap_or(0);
        let next = (at + step) % values.len();
        on_change.run(values[next].clone());
        if let Some(group) = group.get_untracked() {
            super::focus_child(&group, next);
        }
    };
    let buttons = choices
        .into_iter()
        .map(|Choice { value: own, text, count, testid }| {
            let chosen = {
                let own = own.clone();
                Signal::derive(move || value.get() == own)
            };
            view! {
                <button
                    type="button"
                    class="segment"
                    role="radio"
                    data-testid=testid
                    aria-checked=move || if chosen.get() { "true" } else { "false" }
                    tabindex=move || if chosen.get() { "0" } else { "-1" }
                    on:click=move |_| on_change.run(own.clone())
                >
                    {move || text.get()}
                    {count.map(|count| view! { <span class="segment-count">{move || count.get()}</span> })}
                </button>
            }
        })
        .collect_view();
    view! {
        <div class="segmented" role="radiogroup" aria-label=move || label.get() node_ref=group on:keydown=on_key>
            {buttons}
        </div>
    }
}
