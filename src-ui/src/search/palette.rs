//! The palette: one field over every page; arrows move, Enter goes, Esc leaves.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};
use protocol::Fault;
use protocol::ipc::SearchFind;
use protocol::search::{FOUND_AT_MOST, FindAnswer, FindQuery, FindRow, KEYS, example};
use protocol::text::printable;
use wasm_bindgen::JsCast;

use super::actions::{Go, Mark, Offer, go, hosts, offers};
use super::plan::{Plan, key_of, key_of_row, path_of};
use super::rows::{as_text, cells};
use crate::components::marks::marked;
use crate::components::{Glyph, GlyphName, Icon, IconName, KeyCap, Modal, TextInput, copy_text, rows_copied};
use crate::format;
use crate::hosts::host_path;
use crate::state::standing::Standing;
use crate::state::use_app;
use crate::text::{fault_text, t_string, use_i18n};

/// From the last key to the question.
const TYPING_PAUSE: Duration = Duration::from_millis(70);
/// Hosts that are listed for words.
const HOSTS_SHOWN: usize = 12;
const ID: &str = "palette-input";

/// A line that can be chosen.
#[derive(Clone, PartialEq)]
enum Line {
    Offer(Offer),
    Found(Arc<FindRow>),
}

/// Opened with Ctrl+K, or from the field at the top with what was typed there.
#[component]
pub(crate) fn SearchPalette(text: String) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let navigate = use_navigate();
    let text = RwSignal::new(text);
    let answer = RwSignal::new(None::<Arc<FindAnswer>>);
    let fault = RwSignal::new(None::<Fault>);
    let at = RwSignal::new(0_usize);
    let list = NodeRef::<leptos::html::Div>::new();
    let plan = Memo::new(move |_| text.with(|text| Plan::of(text)));
    ask_as_typed(plan, text, answer, fault);

    let path = use_location().pathname;
    let here = Memo::new(move |_| {
        let path = path.get();
        let rows = app.rows();
        let names = rows.iter().map(|row| row.read_untracked().host.name.clone());
        names.into_iter().find(|name| {
            let own = host_path(name);
            path == own || path.starts_with(&format!("{own}/"))
        })
    });
    let lines = Memo::new(move |_| {
        let offers = |words: &str| offers(app, i18n, here.get(), words).into_iter().map(Line::Offer);
        match plan.get() {
            Plan::Nothing => {
                let open = app.open.get();
                let mut lines: Vec<Line> =
                    open.iter().flat_map(|name| hosts(app, name, 1)).map(Line::Offer).collect();
                lines.extend(offers(""));
                lines
            }
            Plan::Words(words) => {
                hosts(app, &words, HOSTS_SHOWN).into_iter().map(Line::Offer).chain(offers(&words)).collect()
            }
            Plan::Actions(words) => offers(&words).collect(),
            Plan::Question(_) => answer.with(|answer| {
                let rows = answer.as_ref().map(|answer| answer.rows.as_slice()).unwrap_or_default();
                rows.iter().map(|row| Line::Found(Arc::new(row.clone()))).collect()
            }),
            Plan::Unfinished(_) => Vec::new(),
        }
    });
    Effect::new(move |before: Option<Plan>| {
        let now = plan.get();
        if before.as_ref() != Some(&now) {
            at.set(0);
        }
        now
    });

    let take = {
        let navigate = navigate.clone();
        move |line: Line, host_only: bool| {
            let path = match line {
                Line::Found(row) if host_only => Some(host_path(&row.host)),
                Line::Found(row) => Some(path_of(&row)),
                Line::Offer(offer) => {
                    app.dialog.set(None);
                    go(app, &offer.go)
                }
            };
            if let Some(path) = path {
                app.dialog.set(None);
                navigate(&path, NavigateOptions::default());
            }
        }
    };
    let take = Callback::new(move |(line, host_only)| take(line, host_only));
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        if event.is_composing() {
            return;
        }
        let last = lines.with_untracked(Vec::len).saturating_sub(1);
        let here = at.get_untracked().min(last);
        let next = match event.key().as_str() {
            "ArrowDown" => (here + 1).min(last),
            "ArrowUp" => here.saturating_sub(1),
            "PageDown" => (here + 10).min(last),
            "PageUp" => here.saturating_sub(10),
            "Enter" => {
                event.prevent_default();
                if let Some(line) = lines.with_untracked(|lines| lines.get(here).cloned()) {
                    take.run((line, event.ctrl_key() || event.meta_key()));
                }
                return;
            }
            "c" if (event.ctrl_key() || event.meta_key()) && !has_selection() => {
                let rows = answer.with_untracked(|answer| {
                    let rows = answer.as_ref().map(|answer| answer.rows.as_slice()).unwrap_or_default();
                    rows.iter().map(as_text).collect::<Vec<_>>().join("\n")
                });
                if !rows.is_empty() {
                    event.prevent_default();
                    let count = rows.lines().count();
                    copy_text(app, rows + "\n", rows_copied(count));
                }
                return;
            }
            _ => return,
        };
        event.prevent_default();
        at.set(next);
        request_animation_frame(move || reveal(list));
    };

    let line_view = move |n: usize, line: Line| {
        let chosen = Memo::new(move |_| at.get().min(lines.with(Vec::len).saturating_sub(1)) == n);
        let class = match &line {
            Line::Found(row) if !row.live => "palette-line is-old",
            Line::Found(_) => "palette-line",
            Line::Offer(_) => "palette-line is-offer",
        };
        let testid = match &line {
            Line::Found(row) => format!("found-{}", row.host),
            Line::Offer(offer) => match &offer.go {
                Go::Path(path) => format!("offer-{path}"),
                _ => format!("offer-{n}"),
            },
        };
        let inside = match &line {
            Line::Found(row) => {
                let name = row.host.clone();
                let glyph = Signal::derive(move || {
                    app.row(&name)
                        .map_or(Standing::Idle, |row| app.standing(&row.read_untracked().link))
                        .into()
                });
                view! {
                    <Glyph name=glyph />
                    {cells(app, i18n, row)}
                }
                .into_any()
            }
            Line::Offer(Offer { mark, title, matched, beside, .. }) => {
                let mark = match mark {
                    Mark::Icon(name) => view! { <Icon name=*name /> }.into_any(),
                    Mark::Glyph(name) => view! { <Glyph name=*name /> }.into_any(),
                };
                view! {
                    {mark}
                    <span class="cut">{marked(title, matched)}</span>
                    <span class="dim cut">{beside.clone()}</span>
                }
                .into_any()
            }
        };
        let clicked = line.clone();
        view! {
            <div
                class=class
                class:is-focused=move || chosen.get()
                role="option"
                id=format!("palette-{n}")
                aria-selected=move || if chosen.get() { "true" } else { "false" }
                data-testid=testid
                on:mousemove=move |_| at.set(n)
                on:click=move |event| take.run((clicked.clone(), event.ctrl_key()))
            >
                {inside}
            </div>
        }
    };
    let body = move || {
        let mut views: Vec<AnyView> = Vec::new();
        let lines = lines.get();
        if let Plan::Question(_) = plan.get() {
            let first_old = lines.iter().position(|line| matches!(line, Line::Found(row) if !row.live));
            let known = answer.get();
            let live = first_old.unwrap_or(lines.len());
            if live > 0
                && let Some(known) = &known
            {
                let words = t_string!(i18n, search.live_found, count = live as u64);
                let asked = t_string!(
                    i18n,
                    search.answered,
                    answered = known.answered,
                    live = known.live,
                    ms = known.took_ms
                );
                views.push(head(GlyphName::Live, words, asked));
            }
            for (n, line) in lines.into_iter().enumerate() {
                if Some(n) == first_old
                    && let Some(known) = &known
                {
                    let words = t_string!(i18n, search.from_snapshot).to_owned();
                    let beside = t_string!(i18n, search.of_snapshots, count = known.from_snapshot);
                    views.push(head(GlyphName::Stale, words, beside));
                }
                views.push(line_view(n, line).into_any());
            }
        } else {
            views.extend(lines.into_iter().enumerate().map(|(n, line)| line_view(n, line).into_any()));
        }
        views
    };
    let none = move || {
        let empty = lines.with(Vec::is_empty);
        let words = match plan.get() {
            Plan::Unfinished(fault) => Some(fault_text(i18n, &fault)),
            Plan::Question(_) => match (fault.get(), answer.with(Option::is_some)) {
                (Some(fault), _) => Some(fault_text(i18n, &fault)),
                (None, true) if empty => Some(t_string!(i18n, search.nothing).to_owned()),
                (None, _) => None,
            },
            _ if empty => Some(t_string!(i18n, search.nothing_words).to_owned()),
            _ => None,
        };
        words.map(|words| view! { <p class="palette-note" data-testid="palette-note">{words}</p> })
    };
    let unknown = move || {
        let known = answer.get().filter(|_| matches!(plan.get(), Plan::Question(_)))?;
        (!known.unknown.is_empty()).then(|| {
            let names: Vec<_> =
                known.unknown.iter().take(6).map(|name| printable(name).into_owned()).collect();
            let more = known.unknown.len().saturating_sub(6);
            let more = (more > 0).then(|| t_string!(i18n, search.more, count = more as u64));
            view! {
                <p class="palette-note is-quiet" data-testid="palette-unknown">
                    <span class="dim">{t_string!(i18n, search.no_snapshot)} " "</span>
                    {names.join(", ")} " " {more}
                </p>
            }
        })
    };
    let counts = move || {
        let known = answer.get().filter(|_| matches!(plan.get(), Plan::Question(_)))?;
        let (shown, found) = (known.rows.len() as u64, u64::from(known.found));
        Some(t_string!(i18n, search.shown_of, shown = format::count(shown), found = format::count(found)))
    };
    let chips = KEYS
        .into_iter()
        .filter(|key| *key != "host:")
        .map(|key| {
            let typed = example(key);
            view! {
                <button
                    type="button"
                    class="palette-chip"
                    tabindex="-1"
                    on:click=move |_| {
                        text.set(typed.to_owned());
                        focus_input();
                    }
                >
                    {typed}
                </button>
            }
        })
        .collect_view();
    let key_words = move || {
        let word = text.with(|text| text.trim_start().split(' ').next().map(str::to_owned))?;
        key_of(&word).map(str::to_owned)
    };
    view! {
        <Modal
            label=Signal::derive(move || t_string!(i18n, search.title).to_owned())
            class="palette"
            testid="palette"
            on_close=Callback::new(move |()| app.dialog.set(None))
            on_key=Callback::new(on_key)
        >
            <div class="palette-field" class:has-key=move || key_words().is_some()>
                <Icon name=IconName::Search />
                <TextInput
                    value=text
                    id=ID
                    testid=ID
                    first=true
                    role="combobox"
                    controls="palette-list"
                    active=Signal::derive(move || {
                        let count = lines.with(Vec::len);
                        (count > 0).then(|| format!("palette-{}", at.get().min(count - 1)))
                    })
                    placeholder=Signal::derive(move || t_string!(i18n, search.placeholder).to_owned())
                    label=Signal::derive(move || t_string!(i18n, search.title).to_owned())
                />
                <KeyCap key="Esc" />
            </div>
            <div class="palette-chips">
                <span class="dim">{move || t_string!(i18n, search.also)}</span>
                {chips}
                <button
                    type="button"
                    class="palette-chip"
                    tabindex="-1"
                    on:click=move |_| {
                        text.set("> ".to_owned());
                        focus_input();
                    }
                >
                    "> " {move || t_string!(i18n, search.actions)}
                </button>
            </div>
            <div
                class="palette-list"
                id="palette-list"
                role="listbox"
                node_ref=list
                aria-label=move || t_string!(i18n, search.results)
                data-testid="palette-list"
                data-ready=move || {
                    (!matches!(plan.get(), Plan::Question(_)) || answer.with(Option::is_some)).then_some("true")
                }
            >
                {body}
            </div>
            {none}
            {unknown}
            <footer class="palette-foot">
                <KeyCap key="\u{2191}" />
                <KeyCap key="\u{2193}" />
                <span>{move || t_string!(i18n, search.key_move)}</span>
                <KeyCap key="Enter" />
                <span>{move || t_string!(i18n, search.key_go)}</span>
                <KeyCap key="Ctrl Enter" />
                <span>{move || t_string!(i18n, search.key_host)}</span>
                <KeyCap key="Ctrl C" />
                <span>{move || t_string!(i18n, search.key_copy)}</span>
                <span class="grow"></span>
                <span data-testid="palette-count">{counts}</span>
            </footer>
        </Modal>
    }
}

fn head(glyph: GlyphName, words: String, beside: String) -> AnyView {
    view! {
        <div class="palette-head" role="presentation">
            <Glyph name=glyph size=10 />
            <span class="strong">{words}</span>
            <span class="grow"></span>
            <span class="quiet">{beside}</span>
        </div>
    }
    .into_any()
}

/// Asks what was read before at once, then the hosts whose link is up. An answer that was overtaken by
/// another question is dropped; the one before stands until the new one comes, so nothing flickers.
fn ask_as_typed(
    plan: Memo<Plan>,
    text: RwSignal<String>,
    answer: RwSignal<Option<Arc<FindAnswer>>>,
    fault: RwSignal<Option<Fault>>,
) {
    let serial = StoredValue::new(0_u64);
    let pause = StoredValue::new(None::<TimeoutHandle>);
    let stop = move || {
        if let Some(Some(handle)) = pause.try_update_value(Option::take) {
            handle.clear();
        }
    };
    let ask = move || {
        let own = serial.try_update_value(|serial| {
            *serial += 1;
            *serial
        });
        let asked = text.get_untracked();
        spawn_local(async move {
            for ask in [false, true] {
                let query = FindQuery { text: asked.clone(), ask, limit: Some(FOUND_AT_MOST) };
                let told = crate::ipc::call(SearchFind { query }).await;
                if serial.try_get_value() != own {
                    return;
                }
                match told {
                    Ok(found) => {
                        let is_same = answer.with_untracked(|known| {
                            known.as_ref().is_some_and(|known| same_rows(known, &found))
                        });
                        if !is_same || ask {
                            answer.try_set(Some(Arc::new(found)));
                        }
                        fault.try_set(None);
                    }
                    Err(why) => {
                        fault.try_set(Some(why));
                        return;
                    }
                }
            }
        });
    };
    Effect::new(move |_| {
        stop();
        match plan.get() {
            Plan::Question(_) => pause.set_value(set_timeout_with_handle(ask, TYPING_PAUSE).ok()),
            _ => {
                serial.update_value(|serial| *serial += 1);
                answer.set(None);
                fault.set(None);
            }
        }
    });
    on_cleanup(stop);
}

fn same_rows(a: &FindAnswer, b: &FindAnswer) -> bool {
    a.rows.len() == b.rows.len()
        && a.rows.iter().zip(&b.rows).all(|(a, b)| a.live == b.live && key_of_row(a) == key_of_row(b))
}

fn focus_input() {
    let input =
        document().get_element_by_id(ID).and_then(|input| input.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(input) = input {
        crate::components::focus(&input);
    }
}

/// Brings the chosen line into view.
fn reveal(list: NodeRef<leptos::html::Div>) {
    let Some(Some(list)) = list.try_get_untracked() else { return };
    let Ok(Some(line)) = list.query_selector(".is-focused") else { return };
    let Ok(line) = line.dyn_into::<web_sys::HtmlElement>() else { return };
    let (top, bottom) =
        (line.offset_top() - list.offset_top(), line.offset_top() - list.offset_top() + line.offset_height());
    if top < list.scroll_top() {
        list.set_scroll_top(top);
    } else if bottom > list.scroll_top() + list.client_height() {
        list.set_scroll_top(bottom - list.client_height());
    }
}

/// True if the person has selected text in the field: then Ctrl+C means that.
fn has_selection() -> bool {
    let input =
        document().get_element_by_id(ID).and_then(|input| input.dyn_into::<web_sys::HtmlInputElement>().ok());
    input.is_some_and(|input| {
        let (start, end) = (input.selection_start().ok().flatten(), input.selection_end().ok().flatten());
        start != end
    })
}
