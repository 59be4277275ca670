//! The lines of the palette: which there are for what is typed, in which order, and how one looks.

use std::sync::Arc;

use leptos::prelude::*;
use protocol::search::FindRow;

use super::actions::{Go, Mark, Offer, hosts, offers};
use super::asking::Answer;
use super::plan::{Plan, key_of_row};
use super::rows::cells;
use crate::components::marks::marked;
use crate::components::{Glyph, Icon};
use crate::state::App;
use crate::state::standing::Standing;
use crate::text::I18n;

/// Hosts that are listed for words.
pub(super) const HOSTS_SHOWN: usize = 12;

/// A line that can be chosen.
#[derive(Clone, PartialEq)]
pub(super) enum Line {
    Offer(Offer),
    Found(Arc<FindRow>),
}

/// Under which head a line stands: what hosts say now, what was read of them before, what is known of those
/// that were never read.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Group {
    Now,
    Old,
    Never,
}

impl Line {
    /// What makes it the same line when others come before it.
    pub(super) fn key(&self) -> String {
        match self {
            Line::Offer(offer) => offer.key().to_owned(),
            Line::Found(row) => key_of_row(row),
        }
    }

    pub(super) fn group(&self) -> Group {
        match self {
            Line::Found(row) if !row.live && row.at_ms == 0 => Group::Never,
            Line::Found(row) if !row.live => Group::Old,
            Line::Found(_) | Line::Offer(_) => Group::Now,
        }
    }

    pub(super) fn class(&self) -> &'static str {
        match self {
            Line::Found(row) if !row.live => "palette-line is-old",
            Line::Found(_) => "palette-line",
            Line::Offer(_) => "palette-line is-offer",
        }
    }

    pub(super) fn testid(&self, n: usize) -> String {
        match self {
            Line::Found(row) => format!("found-{}", row.host),
            Line::Offer(offer) => match &offer.go {
                Go::Path(path) => format!("offer-{path}"),
                _ => format!("offer-{n}"),
            },
        }
    }

    pub(super) fn inside(&self, app: App, i18n: I18n) -> AnyView {
        match self {
            Line::Found(row) => {
                // Which hosts there are is the answer's own to tell.
                let host = untrack(|| app.row(&row.host));
                let standing =
                    move || host.as_ref().map_or(Standing::Idle, |host| app.standing(&host.read().link));
                view! {
                    <Glyph name=Signal::derive(move || standing().into()) />
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
        }
    }
}

/// What is listed, and of how many hosts that match words.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Listed {
    pub(super) lines: Vec<Line>,
    pub(super) hosts: usize,
}

impl Listed {
    /// The lines for what is typed; `here` is the host that is looked at.
    pub(super) fn of(
        app: App,
        i18n: I18n,
        plan: &Plan,
        here: Option<&str>,
        newest: RwSignal<Option<Answer>>,
    ) -> Self {
        let offers = |words: &str| offers(app, i18n, here, words).into_iter().map(Line::Offer);
        match plan {
            Plan::Nothing => {
                let open = app.open.get();
                let open = open.iter().flat_map(|name| hosts(app, name, 1).0).map(|offer| {
                    // Found by its own name, which nobody typed.
                    Line::Offer(Offer { matched: Vec::new(), ..offer })
                });
                Listed { lines: open.chain(offers("")).collect(), hosts: 0 }
            }
            Plan::Words(words) => {
                let (found, total) = hosts(app, words, HOSTS_SHOWN);
                let lines = found.into_iter().map(Line::Offer).chain(offers(words)).collect();
                Listed { lines, hosts: total }
            }
            Plan::Actions(words) => Listed { lines: offers(words).collect(), hosts: 0 },
            Plan::Question(_) => newest.with(|answer| {
                let rows = answer.as_ref().map(|answer| answer.found.rows.as_slice()).unwrap_or_default();
                let lines = rows.iter().map(|row| Line::Found(Arc::new(row.clone()))).collect();
                Listed { lines, hosts: 0 }
            }),
            Plan::Unfinished(_) => Listed::default(),
        }
    }
}
