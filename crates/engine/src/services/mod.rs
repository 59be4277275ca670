//! services: the query over a host's units, and what an action on one came to.

mod act;

pub use act::{conclude, cut_short};

use std::sync::Arc;

use protocol::fuzzy::{By, Column, Fuzzy};
use protocol::services::{ServiceAnswer, ServiceQuery, ServiceRow, ServiceTable};

/// Answers a query from a table: best matches first if there is text, else failed units first.
pub fn answer(table: &ServiceTable, query: &ServiceQuery, stale: bool) -> ServiceAnswer {
    let mut fuzzy = Fuzzy::new(&query.text);
    let mut rows: Vec<(u32, ServiceRow)> = table
        .services
        .iter()
        .filter(|service| !query.failed || service.is_failed())
        .filter_map(|service| {
            let (score, matched) = if fuzzy.is_empty() {
                (0, Vec::new())
            } else {
                fuzzy.judge(&[
                    Column { name: "name", text: &service.name, by: By::Letters },
                    Column { name: "description", text: &service.description, by: By::Text },
                    Column { name: "state", text: &service.active_state, by: By::Text },
                ])?
            };
            Some((score, ServiceRow { service: service.clone(), matched }))
        })
        .collect();
    if fuzzy.is_empty() {
        rows.sort_by(|(_, a), (_, b)| {
            let key = |row: &ServiceRow| (!row.service.is_failed(), row.service.name.clone());
            key(a).cmp(&key(b))
        });
    } else {
        rows.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    }
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    ServiceAnswer {
        at_ms: table.at_ms,
        stale,
        manager: table.manager,
        total: count(table.services.len()),
        failed: count(table.services.iter().filter(|service| service.is_failed()).count()),
        notes: table.notes.clone(),
        note_kinds: table.note_kinds.clone(),
        left_out: table.left_out,
        took_ms: table.took_ms,
        rows: rows.into_iter().map(|(_, row)| Arc::new(row)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::services::Service;

    fn unit(name: &str, active: &str) -> Service {
        Service { name: name.into(), active_state: active.into(), ..Service::default() }
    }

    #[test]
    fn failed_units_stand_first_and_a_query_ranks_the_closest_name() {
        let table = ServiceTable {
            services: vec![
                unit("cron.service", "active"),
                unit("zz.service", "failed"),
                unit("anacron.timer", "active"),
            ],
            ..ServiceTable::default()
        };
        let all = answer(&table, &ServiceQuery::default(), false);
        assert_eq!(all.rows[0].service.name, "zz.service");
        assert_eq!((all.total, all.failed), (3, 1));
        let query = ServiceQuery { text: "cron.s".into(), ..ServiceQuery::default() };
        assert_eq!(answer(&table, &query, false).rows[0].service.name, "cron.service");
    }
}
