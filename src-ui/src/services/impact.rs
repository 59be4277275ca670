//! What a person should know before a unit is touched: who depends on it, whom it serves now.

use leptos::prelude::*;
use protocol::services::{Client, Dependent, ServiceAction, ServiceImpact, Told};
use protocol::text::printable;

use crate::format;
use crate::text::{I18n, t_string, use_i18n};

/// Lines of each list; what is beyond is counted.
const MOST: usize = 4;

#[component]
pub(crate) fn Impact(impact: ServiceImpact, action: Signal<ServiceAction>) -> impl IntoView {
    let i18n = use_i18n();
    let ServiceImpact { dependents, dependents_known, clients, connections, clients_told, .. } = impact;
    let units = dependents.len();
    let more_units = units.saturating_sub(MOST);
    let (clients, others) = split_clients(clients);
    let consequence = move |stops_with_it: bool| match (stops_with_it, action.get()) {
        (true, ServiceAction::Restart) => t_string!(i18n, services.restarts_with_it),
        (true, ServiceAction::Stop) => t_string!(i18n, services.stops_with_it),
        _ => t_string!(i18n, services.keeps_running),
    };
    let dependent_line = move |dependent: Dependent| {
        let stops = dependent.stops_with_it;
        view! {
            <li>
                <span class="cut">{printable(&dependent.unit).into_owned()}</span>
                <span class="quiet">{move || consequence(stops)}</span>
            </li>
        }
    };
    let client_line = |client: Client| {
        view! {
            <li>
                <span class="cut">
                    <span class:link-text=client.saved_host>{printable(&client.peer).into_owned()}</span>
                    " "
                    <span class="dim">{format!(":{}", client.local_port)}</span>
                </span>
                <span class="num">{format::count(u64::from(client.connections))}</span>
            </li>
        }
    };
    view! {
        <div class="impact" data-testid="service-impact">
            <section>
                <h3>
                    {move || t_string!(i18n, services.depends)} " "
                    <span class="quiet">
                        {move || (units > 0).then(|| t_string!(i18n, services.units, count = units as u64))}
                    </span>
                </h3>
                <ul>
                    {dependents.into_iter().take(MOST).map(dependent_line).collect_view()}
                    {(more_units > 0)
                        .then(|| {
                            view! {
                                <li class="dim">
                                    {move || t_string!(i18n, services.more_units, count = more_units)}
                                </li>
                            }
                        })}
                    {move || dependents_rest(i18n, units > 0, dependents_known).map(|rest| rest_line(rest, "impact-units"))}
                </ul>
            </section>
            <section>
                <h3>
                    {move || t_string!(i18n, services.serves)} " "
                    <span class="quiet">
                        {move || {
                            (connections > 0)
                                .then(|| t_string!(i18n, services.connections, count = connections))
                        }}
                    </span>
                </h3>
                <ul>
                    {clients.into_iter().map(client_line).collect_view()}
                    {others
                        .map(|others| {
                            view! {
                                <li>
                                    <span class="cut">
                                        {move || t_string!(i18n, services.more_clients, count = others.addresses)}
                                        " "
                                        <span class="dim">{others.ports}</span>
                                    </span>
                                    <span class="num">{format::count(u64::from(others.connections))}</span>
                                </li>
                            }
                        })}
                    {move || clients_rest(i18n, connections > 0, clients_told).map(|rest| rest_line(rest, "impact-clients"))}
                </ul>
            </section>
        </div>
    }
}

/// What stands below a list, or in its place.
struct Rest {
    words: &'static str,
    /// It says that something is not known.
    is_doubtful: bool,
}

fn rest_line(rest: Rest, testid: &'static str) -> impl IntoView {
    let class = if rest.is_doubtful { "is-warn" } else { "dim" };
    view! { <li class=class data-testid=testid>{rest.words}</li> }
}

fn dependents_rest(i18n: I18n, are_some: bool, are_known: bool) -> Option<Rest> {
    match (are_known, are_some) {
        (false, _) => Some(Rest { words: t_string!(i18n, services.dependents_untold), is_doubtful: true }),
        (true, false) => Some(Rest { words: t_string!(i18n, services.nothing_depends), is_doubtful: false }),
        (true, true) => None,
    }
}

fn clients_rest(i18n: I18n, are_some: bool, told: Told) -> Option<Rest> {
    let doubt = |words| Some(Rest { words, is_doubtful: true });
    match (told, are_some) {
        (Told::WithoutRoot, false) => doubt(t_string!(i18n, services.clients_hidden)),
        (Told::WithoutRoot, true) => doubt(t_string!(i18n, services.clients_hidden_more)),
        (Told::Unknown, _) => doubt(t_string!(i18n, services.clients_untold)),
        (Told::All, false) => {
            Some(Rest { words: t_string!(i18n, services.serves_nobody), is_doubtful: false })
        }
        (Told::All, true) => None,
    }
}

/// The same in lines of text, as they stand beside one unit of several.
pub(super) fn impact_lines(i18n: I18n, impact: &ServiceImpact, action: ServiceAction) -> Vec<String> {
    let named = |stops: bool| -> Vec<String> {
        let units = impact.dependents.iter().filter(|one| one.stops_with_it == stops);
        units.map(|one| printable(&one.unit).into_owned()).collect()
    };
    let mut lines = Vec::new();
    if let Some(names) = first_few(i18n, &named(true)) {
        lines.push(match action {
            ServiceAction::Restart => t_string!(i18n, services.several_restart_with_it, names = names),
            ServiceAction::Stop
            | ServiceAction::Start
            | ServiceAction::Reload
            | ServiceAction::Enable
            | ServiceAction::Disable => t_string!(i18n, services.several_stop_with_it, names = names),
        });
    }
    if let Some(names) = first_few(i18n, &named(false)) {
        lines.push(t_string!(i18n, services.several_go_on, names = names));
    }
    let rest = dependents_rest(i18n, !impact.dependents.is_empty(), impact.dependents_known);
    lines.extend(rest.map(|rest| rest.words.to_owned()));
    let mut clients = impact.clients.clone();
    clients.sort_by_key(|client| (!client.saved_host, std::cmp::Reverse(client.connections)));
    let to_words = |client: &Client| {
        let peer = printable(&client.peer).into_owned();
        format!("{peer} :{} ({})", client.local_port, format::count(u64::from(client.connections)))
    };
    if let Some(names) = first_few(i18n, &clients.iter().map(to_words).collect::<Vec<_>>()) {
        lines.push(t_string!(i18n, services.several_clients, names = names));
    }
    let rest = clients_rest(i18n, !impact.clients.is_empty(), impact.clients_told);
    lines.extend(rest.map(|rest| rest.words.to_owned()));
    lines
}

/// The first of them by name, the others counted; `None` of none.
fn first_few(i18n: I18n, names: &[String]) -> Option<String> {
    let first = names.iter().take(MOST).fold(None, |all: Option<String>, name| match all {
        Some(all) => Some(t_string!(i18n, services.and_also, all = all, part = name.clone())),
        None => Some(name.clone()),
    })?;
    Some(match names.len().saturating_sub(MOST) {
        0 => first,
        more => t_string!(i18n, services.and_more, names = first, count = more),
    })
}

/// Clients that have no line of their own.
struct Others {
    addresses: usize,
    ports: String,
    connections: u32,
}

/// Saved hosts first, then by connections. What has no place is summed up, and so are strangers
/// if there are many: their addresses say less than their number.
fn split_clients(mut clients: Vec<Client>) -> (Vec<Client>, Option<Others>) {
    clients.sort_by_key(|client| (!client.saved_host, std::cmp::Reverse(client.connections)));
    if clients.len() <= MOST {
        return (clients, None);
    }
    let saved = clients.iter().filter(|client| client.saved_host).count();
    let rest = clients.split_off(saved.clamp(1, MOST - 1));
    let mut ports: Vec<u16> = rest.iter().map(|client| client.local_port).collect();
    ports.sort_unstable();
    ports.dedup();
    let mut ports: Vec<String> = ports.iter().map(|port| format!(":{port}")).collect();
    ports.truncate(4);
    let others = Others {
        addresses: rest.len(),
        ports: ports.join(", "),
        connections: rest.iter().fold(0, |sum, client| sum.saturating_add(client.connections)),
    };
    (clients, Some(others))
}
