//! The cells of one line of the list of hosts.

use std::collections::HashSet;

use leptos::prelude::*;
use protocol::fuzzy::By;
use protocol::hosts::{HostGlance, HostRow};
use protocol::link::LinkState;
use protocol::notes::NoteAbout;
use protocol::text::printable;

use super::columns::place;
use super::drag::Dragging;
use super::in_place::EditHere;
use super::table::{Line, Sought, is_in};
use crate::components::level::Level;
use crate::components::marks::marked;
use crate::components::{Button, ButtonKind, Glyph, Icon, IconName, Meter, Tag, TagKind};
use crate::format;
use crate::state::standing::{self, Standing, Tone, next_step, seen_ms};
use crate::state::{OpenDialog, use_app, zone_min};
use crate::text::{count_words, lang, link_words, next_step_words, retry_words, t_string, use_i18n};

/// Width of a meter in the list.
const METER_PX: u32 = 36;
/// A host heard of longer ago than this stands out.
const LATE_S: u64 = 30;
/// A host up for less than this says when it came up.
const FRESH_S: u64 = 86_400;

/// The words that the list is filtered by, to mark what they match, and what there are notes on. Each row reads both:
/// through signals that go with the page (`state::readers`).
#[derive(Clone, Copy)]
pub(super) struct Marking {
    words: Memo<String>,
    sought: StoredValue<Sought>,
    noted: Memo<HashSet<NoteAbout>>,
}

impl Marking {
    pub(super) fn provide() {
        let app = use_app();
        provide_context(Self {
            words: Memo::new(move |_| app.search.get()),
            sought: StoredValue::new(Sought::new("")),
            noted: Memo::new(move |_| app.notes.all()),
        });
    }

    /// The letters of a text that match. Tracks the words.
    fn letters(self, text: &str, by: By) -> Vec<u32> {
        self.words.with(|words| {
            let words = words.trim();
            if words.is_empty() {
                return Vec::new();
            }
            let told = self.sought.try_update_value(|sought| {
                sought.look_for(words);
                sought.letters(text, by)
            });
            told.unwrap_or_default()
        })
    }
}

/// Opens the note on a host or a group; shown where there is one, and beside a group always.
#[component]
fn NoteMark(about: NoteAbout) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let is_group = matches!(about, NoteAbout::Group(_));
    let about = StoredValue::new(about);
    let noted = expect_context::<Marking>().noted;
    let has = Memo::new(move |_| noted.with(|noted| about.with_value(|about| noted.contains(about))));
    let open = move |()| app.dialog.set(Some(OpenDialog::Note { about: about.get_value() }));
    view! {
        <Show when=move || is_group || has.get()>
            <span class="row-note" class:is-there=move || has.get()>
                <Button
                    kind=ButtonKind::Ghost
                    small=true
                    icon=IconName::Note
                    label=Signal::derive(move || match has.get() {
                        true => t_string!(i18n, notes.open).to_owned(),
                        false => t_string!(i18n, notes.begin).to_owned(),
                    })
                    testid="row-note"
                    on_click=Callback::new(open)
                />
            </span>
        </Show>
    }
}

/// The head of a group: its name, its size, how its hosts stand.
#[component]
pub(crate) fn GroupCells(
    name: String,
    folded: Signal<bool>,
    /// How many columns it stands in the place of.
    columns: Signal<usize>,
) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let group = StoredValue::new(name.clone());
    let counts = Memo::new(move |_| {
        app.pulse.track();
        // The pulse tells of it too when other hosts are there.
        let rows = untrack(|| app.rows());
        let inside = rows.iter().filter(|row| group.with_value(|group| is_in(&row.read_untracked(), group)));
        standing::counts(inside.map(|row| app.standing(&row.read_untracked().link)))
    });
    let dragging = expect_context::<Dragging>();
    let is_drop = move || group.with_value(|group| dragging.is_over(group));
    let marking = expect_context::<Marking>();
    let note = (!name.is_empty()).then(|| view! { <NoteMark about=NoteAbout::Group(name.clone()) /> });
    let total = move || counts.with(|counts| counts.iter().map(|(_, count)| count).sum::<usize>());
    let shown = move || {
        if group.with_value(String::is_empty) {
            t_string!(i18n, hosts.no_group).to_string()
        } else {
            group.with_value(|group| printable(group).into_owned())
        }
    };
    let label = move || {
        if folded.get() {
            t_string!(i18n, hosts.unfold, name = shown())
        } else {
            t_string!(i18n, hosts.fold, name = shown())
        }
    };
    view! {
        <div
            class="group-line"
            class:is-drop=is_drop
            role="gridcell"
            aria-colspan=move || columns.get().to_string()
            title=label
        >
            {move || {
                let name = if folded.get() { IconName::Right } else { IconName::Down };
                view! { <Icon name /> }
            }}
            <span class="group-name cut">
                {move || match group.with_value(String::is_empty) {
                    true => shown().into_any(),
                    false => group.with_value(|group| marked(group, &marking.letters(group, By::Letters))),
                }}
            </span>
            <span class="dim">{total}</span>
            {move || {
                counts
                    .get()
                    .into_iter()
                    .map(|(standing, count)| {
                        view! {
                            <span class="group-count" title=move || count_words(i18n, standing, count)>
                                <Glyph name=Signal::stored(standing.into()) size=10 />
                                {count}
                            </span>
                        }
                    })
                    .collect_view()
            }}
            {note}
        </div>
    }
}

/// The cells of a host in the list of a group.
#[component]
pub(crate) fn HostCells(name: String, group: String) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let row = {
        let name = name.clone();
        // Which hosts there are is the list's own to follow.
        Memo::new(move |_| untrack(|| app.row(&name)).map(|row| row.get()))
    };
    let link =
        Memo::new(move |_| row.with(|row| row.as_ref().map_or(LinkState::Idle, |row| row.link.clone())));
    let standing = Memo::new(move |_| link.with(|link| app.standing(link)));
    let old = Memo::new(move |_| standing.get() != Standing::Live);
    let host = move |pick: fn(&HostRow) -> String| row.with(|row| row.as_ref().map(pick).unwrap_or_default());
    let glance = move |pick: fn(&HostGlance) -> Option<f64>| {
        row.with(|row| row.as_ref().and_then(|row| row.last.as_ref()).and_then(pick))
    };
    let cpu = Signal::derive(move || glance(|last| last.cpu_pct));
    let memory = Signal::derive(move || glance(|last| last.memory_pct));
    let disk = Signal::derive(move || glance(|last| last.fullest_disk.as_ref().map(|(_, pct)| *pct)));
    // A value that is not from now is no alarm.
    let level = move |pct: Signal<Option<f64>>, judge: fn(f64) -> Level| {
        Signal::derive(move || if old.get() { Level::Normal } else { pct.get().map_or(Level::Normal, judge) })
    };
    let marking = expect_context::<Marking>();
    let shown_name = {
        let name = name.clone();
        move || marked(&name, &marking.letters(&name, By::Letters))
    };
    let dimmed = move || if old.get() { "cell num dim" } else { "cell num" };
    view! {
        <span class="row-check-cell" role="gridcell">
            <span class="row-check">
                <Icon name=IconName::Check />
            </span>
        </span>
        <span class="cell" role="gridcell">
            <Glyph name=Signal::derive(move || standing.get().into()) />
        </span>
        <span class="cell name" role="gridcell" title=printable(&name).into_owned()>
            {shown_name}
            <NoteMark about=NoteAbout::Host(name.clone()) />
            <EditHere line=Line::Host { name: name.clone(), group } />
        </span>
        <span class="cell cell-tag" role="gridcell">
            {move || {
                row.with(|row| row.as_ref().and_then(|row| row.host.tags.first().cloned()))
                    .map(|tag| {
                        let kind = if tag.eq_ignore_ascii_case("prod") { TagKind::Fact } else { TagKind::Quiet };
                        let at = marking.letters(&tag, By::Letters);
                        view! { <Tag kind text=tag at /> }
                    })
            }}
        </span>
        <span class="cell mono quiet" role="gridcell">
            {move || {
                let local = row.with(|row| row.as_ref().is_some_and(|row| row.host.is_local()));
                if local {
                    return t_string!(i18n, app.this_computer).into_any();
                }
                let address = host(place);
                marked(&address, &marking.letters(&address, By::Text))
            }}
        </span>
        <StateCell name=name.clone() row link standing />
        <span class="cell" role="gridcell">
            <Meter
                label=Signal::derive(move || t_string!(i18n, hosts.column_cpu).to_string())
                pct=cpu
                peak=Signal::derive(move || glance(|last| last.cpu_peak_pct))
                level=level(cpu, Level::of_cpu)
                old
                width=METER_PX
            />
        </span>
        <span class="cell" role="gridcell">
            <Meter
                label=Signal::derive(move || t_string!(i18n, hosts.column_memory).to_string())
                pct=memory
                level=level(memory, Level::of_memory)
                old
                width=METER_PX
            />
        </span>
        <span class="cell cell-disk" role="gridcell">
            <Meter
                label=Signal::derive(move || t_string!(i18n, hosts.column_disk).to_string())
                pct=disk
                level=level(disk, Level::of_disk)
                old
                width=METER_PX
            />
            <span class="mono dim cut">
                {move || {
                    row.with(|row| {
                        let disk = row.as_ref().and_then(|row| row.last.as_ref()?.fullest_disk.clone());
                        disk.map(|(mount, _)| printable(&mount).into_owned())
                    })
                }}
            </span>
        </span>
        <span class=dimmed role="gridcell">
            {move || match (glance(|last| last.load1), glance(|last| last.cores.map(f64::from))) {
                (Some(load), cores) => {
                    view! {
                        {format::hundredths(load)}
                        {cores.map(|cores| view! { <span class="dim unit">" / " {format!("{cores}")}</span> })}
                    }
                        .into_any()
                }
                (None, _) => none().into_any(),
            }}
        </span>
        <span class=dimmed role="gridcell">
            {move || match glance(|last| last.uptime_s.map(|seconds| seconds as f64)) {
                Some(seconds) => {
                    let seconds = seconds as u64;
                    let fresh = seconds < FRESH_S && !old.get();
                    let words = format::narrow_duration(seconds, lang(i18n));
                    view! { <span class=fresh.then_some("strong")>{words}</span> }.into_any()
                }
                None => none().into_any(),
            }}
        </span>
        <span class=dimmed role="gridcell">
            {move || match glance(|last| last.failed_units.map(f64::from)) {
                Some(count) if count > 0.0 && !old.get() => {
                    view! { <Tag kind=TagKind::Crit text=format!("{count}") /> }.into_any()
                }
                Some(count) => view! { <span class="dim">{format!("{count}")}</span> }.into_any(),
                None => none().into_any(),
            }}
        </span>
        <SeenCell row standing />
    }
}

fn none() -> impl IntoView {
    view! { <span class="dim">{format::NOT_KNOWN}</span> }
}

/// The state in words, what is being done about it, and the link to the next step.
#[component]
fn StateCell(
    name: String,
    row: Memo<Option<HostRow>>,
    link: Memo<LinkState>,
    standing: Memo<Standing>,
) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let name = StoredValue::new(name);
    let step = Memo::new(move |_| next_step(&link.get()));
    let tone = move || match standing.get().tone() {
        Tone::Quiet => "quiet cut",
        Tone::Warn => "state-words is-warn cut",
        Tone::Crit => "state-words is-crit cut",
    };
    let words = move || {
        let now = app.now_ms.get();
        let heard = row.with(|row| row.as_ref().and_then(seen_ms));
        let uptime = row.with(|row| row.as_ref().and_then(|row| row.last.as_ref()?.uptime_s));
        match uptime {
            Some(uptime) if standing.get() == Standing::Live && uptime < FRESH_S => {
                let booted = heard.unwrap_or(now) - (uptime as i64) * 1000;
                let when = format::moment(booted, now, zone_min(booted), lang(i18n));
                t_string!(i18n, hosts.live_rebooted, when = when)
            }
            _ => link_words(i18n, &link.get(), standing.get(), heard, now),
        }
    };
    // A memo: the button behind the words must not be made anew each second.
    let doing = Memo::new(move |_| retry_words(i18n, &link.get(), app.now_ms.get()));
    view! {
        <span
            class="cell cell-state"
            role="gridcell"
            data-testid=format!("host-state-{}", name.get_value())
            data-state=move || standing.get().name()
        >
            <span class=tone title=words>{words}</span>
            {move || {
                let doing = doing.get();
                let step = if doing.is_some() { None } else { step.get() };
                view! {
                    {doing.map(|doing| view! { <span class="dim cut">" · " {doing}</span> })}
                    {step
                        .map(|step| {
                            view! {
                                <span class="dim">" · "</span>
                                <Button
                                    kind=ButtonKind::Link
                                    testid="next-step"
                                    on_click=Callback::new(move |()| name.with_value(|name| app.take_step(name, step)))
                                >
                                    {move || next_step_words(i18n, step)}
                                </Button>
                            }
                        })}
                }
            }}
        </span>
    }
}

#[component]
fn SeenCell(row: Memo<Option<HostRow>>, standing: Memo<Standing>) -> impl IntoView {
    let app = use_app();
    let i18n = use_i18n();
    let seen = Memo::new(move |_| row.with(|row| row.as_ref().and_then(seen_ms)));
    let words = Memo::new(move |_| {
        let now = app.now_ms.get();
        match seen.get() {
            None => (t_string!(i18n, states.never).to_string(), true),
            Some(at) => {
                let age = format::age_s(at, now);
                let words = if age < 86_400 {
                    format::narrow_duration(age, lang(i18n))
                } else {
                    format::moment(at, now, zone_min(at), lang(i18n))
                };
                (words, age > LATE_S)
            }
        }
    });
    let class = move || match (standing.get(), words.with(|(_, late)| *late)) {
        (Standing::Stale, _) | (Standing::Live, true) => "cell num is-warn",
        (_, true) => "cell num",
        (_, false) => "cell num dim",
    };
    view! { <span class=class role="gridcell">{move || words.with(|(words, _)| words.clone())}</span> }
}
