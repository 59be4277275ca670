//! The palette: one field over every page; arrows move, Enter goes, Esc leaves.
//!
//! Only a line of the question as it is typed can be chosen. The rows of the question before stay on screen
//! until there is an answer, paled, so that nothing flickers; Enter pressed meanwhile waits for it too.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};
use protocol::search::{KEYS, example, half_width, key_of};
use wasm_bindgen::JsCast;

use super::actions::go;
use super::asking::{Answer, Asking};
use super::lines::{Group, HOSTS_SHOWN, Line, Listed};
use super::plan::{Plan, page_of, path_of, place_of};
use super::rows::as_text;
use super::words::{answered_words, bad_words, hidden_words, unknown_words};
use crate::components::{Glyph, GlyphName, Icon, IconName, KeyCap, Modal, TextInput, copy_text, rows_copied};
use crate::format;
use crate::hosts::host_path;
use crate::state::use_app;
use crate::text::{I18n, fault_text, t_string, use_i18n};

const ID: &str = "palette-input";

/// Opened with Ctrl+K, or from the field at the top with what was typed there.
#[component]
pub(crate) fn SearchPalette(text: String) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let navigate = use_navigate();
    let text = RwSignal::new(text);
    let list = NodeRef::<leptos::html::Div>::new();
    // Each line that was found has read the row of its host.
    on_cleanup(move || app.let_go_of_rows());
    let plan = Memo::new(move |_| text.with(|text| Plan::of(text)));
    let asking = Asking::as_typed(plan, text);

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
    let listed = Memo::new(move |_| {
        here.with(|here| plan.with(|plan| Listed::of(app, i18n, plan, here.as_deref(), asking.newest)))
    });
    // The rows are those of the question before.
    let is_outdated = Memo::new(move |_| asking.is_waiting());
    let keys = Memo::new(move |_| match is_outdated.get() {
        true => Vec::new(),
        false => listed.with(|listed| listed.lines.iter().map(Line::key).collect::<Vec<String>>()),
    });
    // The line that is chosen stays that when another answer puts others before it. Until the live hosts
    // were asked it is the best one, whichever that is.
    let held = RwSignal::new(None::<(String, usize)>);
    let at = Memo::new(move |_| held.with(|held| keys.with(|keys| place_of(held.as_ref(), keys))));
    let hold = move |n: usize| {
        if let Some(key) = keys.with_untracked(|keys| keys.get(n).cloned()) {
            held.set(Some((key, n)));
        }
    };
    let is_settled = Memo::new(move |_| match plan.get() {
        Plan::Question(_) => asking.current.with(|answer| answer.as_ref().is_some_and(|one| one.is_asked)),
        _ => true,
    });
    // Enter that waits for the answer, and whether the host alone is meant.
    let enter = RwSignal::new(None::<bool>);
    Effect::new(move |before: Option<Plan>| {
        let now = plan.get();
        if before.is_some_and(|before| before != now) {
            held.set(None);
            enter.set(None);
        }
        now
    });
    Effect::new(move |_| {
        let has_lines = keys.with(|keys| !keys.is_empty());
        if has_lines && is_settled.get() && held.with_untracked(Option::is_none) {
            hold(0);
        }
    });

    let take = move |line: Line, host_only: bool| {
        let to = match line {
            Line::Found(row) if host_only => Some(host_path(&row.host)),
            Line::Found(row) => Some(path_of(&row)),
            Line::Offer(offer) => {
                app.dialog.set(None);
                go(app, &offer.go)
            }
        };
        let Some(to) = to else { return };
        let is_here = page_of(&to) != to && path.with_untracked(|path| path == page_of(&to));
        app.dialog.set(None);
        go_to(navigate.clone(), to, is_here);
    };
    let take = Callback::new(move |(line, host_only)| take(line, host_only));
    let line_at = move |n: usize| match is_outdated.get_untracked() {
        true => None,
        false => listed.with_untracked(|listed| listed.lines.get(n).cloned()),
    };
    let on_enter = move |host_only: bool| {
        let is_best_known = is_settled.get_untracked() || held.with_untracked(Option::is_some);
        match line_at(at.get_untracked()).filter(|_| is_best_known) {
            Some(line) => take.run((line, host_only)),
            None => enter.set(Some(host_only)),
        }
    };
    Effect::new(move |_| {
        let (Some(host_only), Some(Answer { is_asked, is_over, .. })) = (enter.get(), asking.current.get())
        else {
            return;
        };
        let line = line_at(at.get_untracked());
        if let Some(line) = line.clone().filter(|_| is_asked) {
            enter.set(None);
            take.run((line, host_only));
        } else if is_over {
            enter.set(None);
        }
    });
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let last = keys.with_untracked(Vec::len).saturating_sub(1);
        let here = at.get_untracked();
        let is_ctrl = event.ctrl_key() || event.meta_key();
        let next = match event.key().as_str() {
            "ArrowDown" => (here + 1).min(last),
            "ArrowUp" => here.saturating_sub(1),
            "PageDown" => (here + 10).min(last),
            "PageUp" => here.saturating_sub(10),
            "Enter" => {
                event.prevent_default();
                on_enter(is_ctrl);
                return;
            }
            "c" if is_ctrl && !has_selection() => {
                let rows = asking.current.with_untracked(|answer| {
                    let rows = answer.as_ref().map(|answer| answer.found.rows.as_slice()).unwrap_or_default();
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
        hold(next);
        request_animation_frame(move || reveal(list));
    };

    let line_view = move |n: usize, line: Line| {
        let chosen = Memo::new(move |_| at.get() == n && keys.with(|keys| n < keys.len()));
        let (class, testid, inside) = (line.class(), line.testid(n), line.inside(app, i18n));
        let clicked = line.clone();
        view! {
            <div
                class=class
                class:is-focused=move || chosen.get()
                role="option"
                id=format!("palette-{n}")
                aria-selected=move || if chosen.get() { "true" } else { "false" }
                data-testid=testid
                on:mousemove=move |event| {
                    // Lines that move under a pointer that rests are not pointed at.
                    if event.movement_x() != 0 || event.movement_y() != 0 {
                        hold(n);
                    }
                }
                on:click=move |event| {
                    if !is_outdated.get_untracked() {
                        take.run((clicked.clone(), event.ctrl_key()));
                    }
                }
            >
                {inside}
            </div>
        }
    };
    let of_answer = move |words: fn(I18n, &Answer) -> String| {
        move || asking.newest.with(|answer| answer.as_ref().map(|answer| words(i18n, answer)))
    };
    let head_of = move |group: Group, count: usize| match group {
        Group::Now => head(
            GlyphName::Live,
            t_string!(i18n, search.live_found, count = count as u64),
            of_answer(|i18n, answer| answered_words(i18n, &answer.found, answer.is_over)),
        ),
        Group::Old => head(
            GlyphName::Stale,
            t_string!(i18n, search.from_snapshot).to_owned(),
            of_answer(|i18n, answer| {
                t_string!(i18n, search.of_snapshots, count = answer.found.from_snapshot)
            }),
        ),
        Group::Never => {
            let words = t_string!(i18n, search.of_never, count = count as u64);
            head(GlyphName::Idle, t_string!(i18n, search.never_read).to_owned(), move || Some(words.clone()))
        }
    };
    let has_live = Memo::new(move |_| {
        asking.newest.with(|answer| answer.as_ref().is_some_and(|answer| answer.found.live > 0))
    });
    let body = move || {
        let mut views: Vec<AnyView> = Vec::new();
        let lines = listed.with(|listed| listed.lines.clone());
        let is_question = plan.with(|plan| matches!(plan, Plan::Question(_)));
        let count = |group| lines.iter().filter(|line| line.group() == group).count();
        let counts = [Group::Now, Group::Old, Group::Never].map(|group| (group, count(group)));
        let mut lines = lines.into_iter().enumerate();
        for (group, count) in counts {
            if is_question && (count > 0 || (group == Group::Now && has_live.get())) {
                views.push(head_of(group, count));
            }
            views.extend(lines.by_ref().take(count).map(|(n, line)| line_view(n, line).into_any()));
        }
        views
    };
    let none = move || {
        let is_empty = listed.with(|listed| listed.lines.is_empty());
        let words = match plan.get() {
            Plan::Unfinished(why) => Some(bad_words(i18n, &why)),
            Plan::Question(_) => match (asking.fault.get(), asking.current.get()) {
                (Some(fault), _) => Some(fault_text(i18n, &fault)),
                (None, Some(answer)) if is_empty && answer.is_over => {
                    Some(t_string!(i18n, search.nothing).to_owned())
                }
                (None, _) => None,
            },
            _ if is_empty => Some(t_string!(i18n, search.nothing_words).to_owned()),
            _ => None,
        };
        words.map(|words| view! { <p class="palette-note" data-testid="palette-note">{words}</p> })
    };
    let hidden = move || {
        let answer = asking.current.get()?;
        hidden_words(i18n, &answer.found).map(|words| {
            view! { <p class="palette-note is-quiet is-warn" data-testid="palette-hidden">{words}</p> }
        })
    };
    let unknown = move || {
        let answer = asking.current.get().filter(|answer| !answer.found.unknown.is_empty())?;
        Some(view! {
            <p class="palette-note is-quiet" data-testid="palette-unknown">
                <span class="dim">{t_string!(i18n, search.no_snapshot)} " "</span>
                {unknown_words(i18n, &answer.found.unknown)}
            </p>
        })
    };
    let counts = move || match plan.get() {
        Plan::Question(_) => {
            let found = asking.current.get()?.found;
            let (shown, found) = (format::count(found.rows.len() as u64), format::count(found.found.into()));
            Some(t_string!(i18n, search.shown_of, shown = shown, found = found))
        }
        Plan::Words(_) => {
            let hosts = listed.with(|listed| listed.hosts);
            let (shown, found) = (format::count(HOSTS_SHOWN as u64), format::count(hosts as u64));
            (hosts > HOSTS_SHOWN).then(|| t_string!(i18n, search.hosts_shown, shown = shown, found = found))
        }
        _ => None,
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
    let key_words = move || text.with(|text| key_of(half_width(text).trim_start()));
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
                        let has_lines = keys.with(|keys| !keys.is_empty());
                        has_lines.then(|| format!("palette-{}", at.get()))
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
                class:is-outdated=move || is_outdated.get()
                id="palette-list"
                role="listbox"
                node_ref=list
                aria-label=move || t_string!(i18n, search.results)
                data-testid="palette-list"
                data-ready=move || (!is_outdated.get()).then_some("true")
            >
                {body}
            </div>
            {none}
            {hidden}
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

fn head(
    glyph: GlyphName,
    words: String,
    beside: impl Fn() -> Option<String> + Send + Sync + 'static,
) -> AnyView {
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

/// Goes to a path. On the page that is shown already the parameters of before are let go first: to ask for
/// the same row once more is to ask for it.
fn go_to<N>(navigate: N, to: String, is_here: bool)
where
    N: Fn(&str, NavigateOptions) + Clone + 'static,
{
    if !is_here {
        return navigate(&to, NavigateOptions::default());
    }
    navigate(page_of(&to), NavigateOptions { replace: true, ..NavigateOptions::default() });
    request_animation_frame(move || navigate(&to, NavigateOptions::default()));
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
