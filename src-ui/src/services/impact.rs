//! What a person should know before a unit is touched: who depends on it, whom it serves now.

use leptos::prelude::*;
use protocol::services::{Client, Dependent, ServiceAction, ServiceImpact};
use protocol::text::printable;

use crate::format;
use crate::text::{t_string, use_i18n};

/// Lines of each list; what is beyond is counted.
const MOST: usize = 4;

#[component]
pub(crate) fn Impact(impact: ServiceImpact, action: Signal<ServiceAction>) -> impl IntoView {
    let i18n = use_i18n();
    let ServiceImpact { dependents, clients, connections, .. } = impact;
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
                    {(units == 0)
                        .then(|| view! { <li class="dim">{move || t_string!(i18n, services.nothing_depends)}</li> })}
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
                    {(connections == 0)
                        .then(|| view! { <li class="dim">{move || t_string!(i18n, services.serves_nobody)}</li> })}
                </ul>
            </section>
        </div>
    }
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
