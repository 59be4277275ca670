//! The list at the left: groups with their rows, moved through by keys, read on at its end.

use leptos::html::Div;
use leptos::prelude::*;
use protocol::operations::Operation;
use wasm_bindgen::JsCast;

use super::desk::Desk;
use super::groups::Group;
use super::marked::marked;
use super::words::{second_line, title};
use crate::components::type_ahead::{TypeAhead, letter};
use crate::components::{Glyph, focus};
use crate::format;
use crate::services::outcome::result_glyph;
use crate::state::{now_ms, zone_min};
use crate::text::{I18n, lang, t_string, use_i18n};

/// So near to its end the next page is asked for.
const READ_ON_PX: i32 = 800;

/// A line of the list: the head of a group, or an operation.
#[derive(Clone, PartialEq)]
enum Line {
    Head(Group, usize),
    Row(u64),
}

impl Line {
    fn key(&self) -> (u8, i64, u64) {
        match self {
            Line::Head(Group::Unread, _) => (0, 0, 0),
            Line::Head(Group::Today, _) => (0, 1, 0),
            Line::Head(Group::DaysAgo(days), _) => (0, 1 + days, 0),
            Line::Row(id) => (1, 0, *id),
        }
    }
}

fn head_words(i18n: I18n, group: Group) -> String {
    match group {
        Group::Unread => t_string!(i18n, operations.group_unread).to_owned(),
        Group::Today => t_string!(i18n, operations.group_today).to_owned(),
        Group::DaysAgo(1) => t_string!(i18n, operations.group_yesterday).to_owned(),
        Group::DaysAgo(days) => {
            const DAY_MS: i64 = 86_400_000;
            let at_ms = now_ms() - days * DAY_MS;
            format::date(at_ms, zone_min(at_ms), lang(i18n))
        }
    }
}

#[component]
pub(crate) fn OperationList(
    desk: Desk,
    /// Gets the keyboard to the first row, each time it is notified.
    enter: Trigger,
) -> impl IntoView {
    let i18n = use_i18n();
    let list = NodeRef::<Div>::new();
    let lines = Memo::new(move |_| {
        let mut lines = Vec::new();
        for (group, ids) in desk.groups() {
            lines.push(Line::Head(group, ids.len()));
            lines.extend(ids.into_iter().map(Line::Row));
        }
        lines
    });
    let on_scroll = move |_| {
        if let Some(list) = list.get_untracked()
            && list.scroll_height() - list.scroll_top() - list.client_height() < READ_ON_PX
        {
            desk.read_on();
        }
    };
    let ahead = StoredValue::new(TypeAhead::default());
    // True if the key is a letter of a title. What the page means by a letter it means only at the
    // beginning: within a word each letter is one.
    let find_typed = move |key: &str| {
        let Some(letter) = letter(key) else { return false };
        let (now, means_more) = (now_ms(), matches!(letter.to_ascii_lowercase(), 'j' | 'k' | 'u'));
        if means_more && !ahead.with_value(|ahead| ahead.is_under_way(now)) {
            return false;
        }
        let row = |line: &Line| if let Line::Row(id) = line { Some(*id) } else { None };
        let ids: Vec<u64> = lines.with_untracked(|lines| lines.iter().filter_map(row).collect());
        let here = ids.iter().position(|id| Some(*id) == desk.chosen.get_untracked());
        let name = |at: usize| {
            let operation = desk.inbox.with_untracked(|inbox| inbox.get(ids[at]).cloned());
            untrack(|| operation.map(|operation| title(i18n, &operation)).unwrap_or_default())
        };
        if let Some(Some(at)) = ahead.try_update_value(|ahead| ahead.find(letter, now, ids.len(), here, name))
        {
            desk.open(ids[at]);
        }
        true
    };
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        if event.ctrl_key() || event.alt_key() || event.meta_key() {
            return;
        }
        if find_typed(&event.key()) {
            event.prevent_default();
            event.stop_propagation();
            return;
        }
        let by = match event.key().as_str() {
            "ArrowDown" | "j" => 1,
            "ArrowUp" | "k" => -1,
            "PageDown" => 10,
            "PageUp" => -10,
            "Home" => i64::MIN / 2,
            "End" => i64::MAX / 2,
            _ => return,
        };
        event.prevent_default();
        desk.step(by);
    };
    Effect::new(move |is_again: Option<()>| {
        enter.track();
        if let (Some(()), Some(list)) = (is_again, list.get_untracked()) {
            focus(&list);
            desk.step(i64::MIN / 2);
        }
    });
    // The chosen row stays in view when keys move the choice.
    Effect::new(move |_| {
        let (Some(id), Some(list)) = (desk.chosen.get(), list.get()) else { return };
        request_animation_frame(move || {
            let row = list.query_selector(&format!("[data-testid='operations-row-{id}']")).ok().flatten();
            let Some(row) = row.and_then(|row| row.dyn_into::<web_sys::HtmlElement>().ok()) else { return };
            let (top, height) = (row.offset_top(), row.offset_height());
            if top < list.scroll_top() {
                list.set_scroll_top(top);
            } else if top + height > list.scroll_top() + list.client_height() {
                list.set_scroll_top(top + height - list.client_height());
            }
        });
    });
    let line_view = move |line: Line| match line {
        Line::Head(group, _) => {
            let count = move || {
                lines.with(|lines| {
                    lines.iter().find_map(|line| match line {
                        Line::Head(own, count) if *own == group => Some(format::count(*count as u64)),
                        Line::Head(..) | Line::Row(_) => None,
                    })
                })
            };
            view! {
                <div class="operations-group" role="presentation">
                    <span>{move || head_words(i18n, group)}</span>
                    <span class="grow"></span>
                    <span>{move || if group == Group::Unread { count() } else { None }}</span>
                </div>
            }
            .into_any()
        }
        Line::Row(id) => view! { <OperationRow desk id /> }.into_any(),
    };
    view! {
        <div
            class="operations-list"
            role="listbox"
            tabindex="0"
            aria-label=move || t_string!(i18n, operations.list)
            aria-activedescendant=move || desk.chosen.get().map(|id| format!("operation-{id}"))
            data-testid="operations-list"
            node_ref=list
            on:scroll=on_scroll
            on:keydown=on_key
        >
            <For each=move || lines.get() key=Line::key children=line_view />
        </div>
    }
}

#[component]
fn OperationRow(desk: Desk, id: u64) -> impl IntoView {
    let i18n = use_i18n();
    let operation = Memo::new(move |_| desk.inbox.with(|inbox| inbox.get(id).cloned()));
    let is_chosen = Memo::new(move |_| desk.chosen.get() == Some(id));
    let is_unread = Memo::new(move |_| operation.with(|o| o.as_ref().is_some_and(Operation::is_unread)));
    let glyph = Signal::derive(move || {
        operation.with(|o| o.as_ref().map_or(crate::components::GlyphName::Idle, result_glyph))
    });
    let with = move |pick: &dyn Fn(&Operation) -> String| operation.with(|o| o.as_ref().map(pick));
    let time = move || {
        with(&|operation| format::clock_minutes(operation.started_ms, zone_min(operation.started_ms)))
    };
    // While words are looked for, the line around the first place where they stand.
    let found = move || {
        let found = desk.found.with(|found| found.get(&id).cloned())?;
        operation.with(|o| o.as_ref()?.excerpt(&found)).map(|pieces| marked(pieces, false))
    };
    let second = move || {
        if let Some(found) = found() {
            return Some(found.into_any());
        }
        operation.with(|o| {
            let pieces = second_line(i18n, o.as_ref()?).into_iter().enumerate();
            let piece = |(n, (words, is_bad))| {
                view! {
                    {(n > 0).then_some(" · ")}
                    <span class:is-crit=is_bad>{words}</span>
                }
            };
            Some(pieces.map(piece).collect_view().into_any())
        })
    };
    view! {
        <div
            class="operation-row"
            class:is-chosen=move || is_chosen.get()
            class:is-unread=move || is_unread.get()
            role="option"
            id=format!("operation-{id}")
            aria-selected=move || if is_chosen.get() { "true" } else { "false" }
            data-testid=format!("operations-row-{id}")
            data-unread=move || is_unread.get().then_some("true")
            data-result=move || operation.with(|o| o.as_ref().map(|o| o.result.words()))
            on:click=move |_| desk.open(id)
        >
            <span
                class="operation-dot"
                role=move || is_unread.get().then_some("img")
                aria-label=move || is_unread.get().then(|| t_string!(i18n, operations.is_unread))></span>
            <Glyph name=glyph />
            <div class="operation-text">
                <p class="operation-title cut">{move || with(&|operation| title(i18n, operation))}</p>
                <p class="operation-second cut">{second}</p>
            </div>
            <time class="operation-time">{time}</time>
        </div>
    }
}
