//! services: the list, and actions on a unit.

use std::io::{BufRead, IsTerminal, Write};

use engine::{Desk, News};
use protocol::ipc::{ServiceAct, ServiceImpactShow, ServicesQuery};
use protocol::operations::{Operation, OperationResult};
use protocol::services::{
    Service, ServiceAction, ServiceAnswer, ServiceImpact, ServiceQuery, Told, UnitState,
};
use protocol::{Fault, FaultCode};

use crate::output::{Printer, Set, bytes, judge, or_dash, table, time};

/// Of the unit's journal, where it did not do as asked.
const JOURNAL_LINES: usize = 10;

pub(crate) async fn show(
    desk: &Desk,
    name: &str,
    query: &ServiceQuery,
    printer: &Printer,
) -> Result<(), Fault> {
    let answer = desk.call(ServicesQuery { host: name.to_owned(), query: query.clone() }).await?;
    for note in &answer.notes {
        printer.notice(&protocol::text::printable(note));
    }
    if printer.is_json() {
        let services: Vec<&Service> = answer.rows.iter().map(|row| &row.service).collect();
        return printer.show(&services, |_| String::new());
    }
    printer.show(&answer, words)
}

/// Comes back when units of a watched host changed; never where nothing more is heard.
pub(crate) async fn changed(news: &mut Option<News>) {
    if let Some(heard) = news
        && heard.next().await.is_some()
    {
        return;
    }
    *news = None;
    std::future::pending().await
}

fn words(answer: &ServiceAnswer) -> String {
    let heads = [
        ("UNIT", Set::Left),
        ("STATE", Set::Left),
        ("AT BOOT", Set::Left),
        ("PID", Set::Right),
        ("MEMORY", Set::Right),
        ("SINCE", Set::Left),
        ("DESCRIPTION", Set::Left),
    ];
    let rows: Vec<Vec<String>> = answer
        .rows
        .iter()
        .map(|row| {
            let service = &row.service;
            vec![
                service.name.clone(),
                service.state(),
                or_dash(service.enabled_state.as_ref()),
                or_dash(service.main_pid),
                or_dash(service.memory_bytes.map(bytes)),
                or_dash(service.since_ms.map(time)),
                service.description.clone(),
            ]
        })
        .collect();
    table(&heads, &rows)
        + &format!("\n{} of {} units, {} failed\n", answer.rows.len(), answer.total, answer.failed)
}

/// What a stop or restart of a unit would touch.
pub(crate) async fn impact(desk: &Desk, name: String, unit: String, printer: &Printer) -> Result<(), Fault> {
    let impact = desk.call(ServiceImpactShow { host: name, unit }).await?;
    printer.show(&impact, impact_words)
}

fn impact_words(impact: &ServiceImpact) -> String {
    let mut text = format!("{}: {}\n", impact.unit, impact.state.state());
    for port in &impact.state.listens {
        text += &format!("listens on {port}\n");
    }
    for dependent in &impact.dependents {
        let fate = if dependent.stops_with_it { "stops with it" } else { "wants it, and goes on without it" };
        text += &format!("{}: {fate}\n", dependent.unit);
    }
    for client in &impact.clients {
        text += &format!(
            "{} is connected to port {}, {} times\n",
            client.peer, client.local_port, client.connections
        );
    }
    text += match (impact.dependents_known, impact.dependents.is_empty()) {
        (false, _) => "this host's service manager does not tell what depends on a service\n",
        (true, true) => "no unit needs it\n",
        (true, false) => "",
    };
    text += match (impact.clients_told, impact.clients.is_empty()) {
        (Told::WithoutRoot, true) => "its clients cannot be seen without root\n",
        (Told::WithoutRoot, false) => "it may have more clients: all of them cannot be seen without root\n",
        (Told::Unknown, _) => "this host does not tell which connections are its own\n",
        (Told::All, true) => "no client is connected to it over TCP\n",
        (Told::All, false) => "",
    };
    protocol::text::printable_lines(&text).into_owned()
}

pub(crate) async fn act(
    desk: &Desk,
    name: String,
    action: ServiceAction,
    unit: String,
    confirm: Option<String>,
    printer: &Printer,
) -> Result<(), Fault> {
    let ask = |typed_name| ServiceAct { host: name.clone(), unit: unit.clone(), action, typed_name };
    let operation = match desk.call(ask(confirm.clone())).await {
        Err(fault) if wants_name(&fault, confirm.as_deref()) => {
            let typed = ask_name(&format!("{} {unit} on {name}", action.verb()))?;
            desk.call(ask(Some(typed))).await?
        }
        answer => answer?,
    };
    printer.show(&operation, operation_words)?;
    judge(&operation)
}

/// True if the host wants its name typed and a person is there to type it.
pub(crate) fn wants_name(fault: &Fault, confirm: Option<&str>) -> bool {
    fault.code == FaultCode::GuardNotMet && confirm.is_none() && std::io::stdin().is_terminal()
}

/// Asks for the host's name on the terminal.
pub(crate) fn ask_name(what: &str) -> Result<String, Fault> {
    let unread = |why: std::io::Error| Fault::bad_input("confirm", format!("the name cannot be read: {why}"));
    write!(std::io::stderr(), "{what}: this is a prod host. Type its name to go on: ").map_err(unread)?;
    let mut typed = String::new();
    std::io::stdin().lock().read_line(&mut typed).map_err(unread)?;
    Ok(typed.trim_end_matches(['\n', '\r']).to_owned())
}

/// What was done, what it was before and what it is now.
fn operation_words(operation: &Operation) -> String {
    let what = protocol::text::printable(&operation.command).into_owned();
    let outcome = protocol::text::printable(&operation.summary).into_owned();
    let mut text = format!("{what}\n{}: {outcome}\n", operation.target);
    if let (Some(before), Some(after)) = (&operation.before, &operation.after) {
        text += &format!("{} > {}\n", before.state(), after.state());
        if before.enabled_state != after.enabled_state {
            let at_boot = |state: &UnitState| or_dash(state.enabled_state.as_ref());
            text += &format!("at boot: {} > {}\n", at_boot(before), at_boot(after));
        }
    }
    if let Some(result) = &operation.job_result {
        text += &format!("job: {}\n", protocol::text::printable(result));
    }
    if operation.result != OperationResult::Done {
        for line in operation.journal.iter().rev().take(JOURNAL_LINES).rev() {
            text += &format!("  {}\n", protocol::text::printable(line));
        }
    }
    let took = or_dash(operation.took_ms.map(|ms| format!("{:.1} s", ms as f64 / 1_000.0)));
    text + &format!("{took}, kept as operation {}\n", operation.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_never_told_as_nothing() {
        let hidden = ServiceImpact {
            unit: "web.service".into(),
            clients_told: Told::WithoutRoot,
            dependents_known: true,
            ..ServiceImpact::default()
        };
        let words = impact_words(&hidden);
        assert!(words.contains("cannot be seen without root"), "{words}");
        assert!(words.contains("no unit needs it") && !words.contains("no client"), "{words}");
        let untold = ServiceImpact { clients_told: Told::Unknown, dependents_known: false, ..hidden.clone() };
        let words = impact_words(&untold);
        assert!(words.contains("does not tell what depends on a service"), "{words}");
        assert!(!words.contains("no unit") && !words.contains("no client"), "{words}");
        let seen = ServiceImpact { clients_told: Told::All, ..hidden };
        assert!(impact_words(&seen).contains("no client is connected to it over TCP"));
    }
}
