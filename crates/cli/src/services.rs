//! services: the units of a host, and actions on them with their true outcome.

use engine::Desk;
use protocol::ipc::{ServiceAct, ServicesQuery};
use protocol::operations::{Operation, OperationResult};
use protocol::services::{Manager, MomentKind, ServiceAction, ServiceQuery};
use protocol::{Fault, FaultCode};

use crate::args::{ServiceArgs, ServicesArgs};
use crate::format::{UNKNOWN, bytes, or_unknown, time, took};
use crate::output::{Output, Stop};
use crate::prompt::typed_name;
use crate::table::{Column, Table};

pub(crate) async fn services(desk: &Desk, args: ServicesArgs, output: &mut Output) -> Result<(), Stop> {
    let query = ServiceQuery { text: args.query, failed: args.failed, connect: true };
    let answer = desk.call(ServicesQuery { host: args.name, query }).await?;
    if output.json {
        return output.document(&answer.rows.iter().map(|row| &row.service).collect::<Vec<_>>());
    }
    let mut table = Table::new(vec![
        Column::Left("UNIT"),
        Column::Left("STATE"),
        Column::Left("ENABLED"),
        Column::Right("PID"),
        Column::Right("MEMORY"),
        Column::Left("SINCE"),
        Column::Left("DESCRIPTION"),
    ]);
    for row in &answer.rows {
        let service = &row.service;
        table.row(vec![
            service.name.clone(),
            service.state(),
            or_unknown(service.enabled_state.as_ref()),
            or_unknown(service.main_pid),
            or_unknown(service.memory_bytes.map(bytes)),
            or_unknown(service.since_ms.map(time)),
            service.description.clone(),
        ]);
    }
    table.print(output)?;
    if answer.manager == Manager::Unknown {
        output.note("this host has no service manager that this version knows")?;
    }
    output.note(&format!("{} of {} units, {} failed", answer.rows.len(), answer.total, answer.failed))
}

pub(crate) async fn service(desk: &Desk, args: ServiceArgs, output: &mut Output) -> Result<(), Stop> {
    let ServiceArgs { name, action, unit, guard } = args;
    let action = ServiceAction::from(action);
    let act = |typed_name: Option<String>| {
        desk.call(ServiceAct { host: name.clone(), unit: unit.clone(), action, typed_name })
    };
    let typed = guard.confirm.clone();
    let operation = match act(typed.clone()).await {
        Err(fault) if fault.code == FaultCode::GuardNotMet && typed.is_none() => match typed_name(&name) {
            Some(typed) => act(Some(typed)).await?,
            None => return Err(fault.into()),
        },
        done => done?,
    };
    if output.json {
        output.document(&operation)?;
    } else {
        tell(&operation, output)?;
    }
    let (what, code) = (format!("{} of {unit}", action.verb()), FaultCode::UnitFailed);
    judge(&operation, &name, &what, code, operation.journal.clone())
}

fn tell(operation: &Operation, output: &mut Output) -> Result<(), Stop> {
    let state = |state: Option<&protocol::services::UnitState>| {
        state.map_or_else(|| UNKNOWN.to_owned(), |state| state.state())
    };
    let after = operation.took_ms.map_or_else(String::new, |ms| format!(" after {}", took(ms)));
    output.line(&format!("{}: {}{after}", operation.target, operation.summary))?;
    output.line(&format!("{} -> {}", state(operation.before.as_ref()), state(operation.after.as_ref())))?;
    for moment in &operation.moments {
        let what = match moment.what {
            MomentKind::Asked => "asked",
            MomentKind::Ended => "ended",
            MomentKind::Started => "started",
            MomentKind::Listening => "listening",
            MomentKind::Failed => "failed",
            MomentKind::Unknown => continue,
        };
        let subject = moment.subject.as_ref().map_or_else(String::new, |subject| format!(" {subject}"));
        output.line(&format!("{:>10}  {what}{subject}", took(moment.at_ms)))?;
    }
    Ok(())
}

/// The fault of an operation that was not simply done, for the exit status and the line on stderr.
pub(crate) fn judge(
    operation: &Operation,
    host: &str,
    what: &str,
    failed: FaultCode,
    lines: Vec<String>,
) -> Result<(), Stop> {
    let code = match operation.result {
        OperationResult::Done => return Ok(()),
        OperationResult::Failed | OperationResult::Refused => failed,
        OperationResult::TimedOut => FaultCode::TimedOut,
        OperationResult::UnderWay | OperationResult::OutcomeUnknown | OperationResult::Unknown => {
            FaultCode::OutcomeUnknown
        }
    };
    let words = match code {
        FaultCode::OutcomeUnknown => format!("outcome unknown: {}", operation.summary),
        _ => operation.summary.clone(),
    };
    let mut fault =
        Fault::new(code, format!("{what} on {host}: {words}")).on_host(host).about(&operation.target);
    fault.detail.lines = lines;
    fault.detail.operation = Some(operation.id);
    Err(fault.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::operations::OperationKind;

    fn ended(result: OperationResult) -> Result<(), Stop> {
        let operation: Operation = serde_json::from_value(serde_json::json!({
            "id": 7, "started_ms": 0, "operator": "ann", "kind": OperationKind::ServiceStart,
            "target": "x.service", "result": result, "summary": "failed: failed (failed)",
        }))
        .unwrap();
        judge(&operation, "web", "start of x.service", FaultCode::UnitFailed, vec!["line".into()])
    }

    #[test]
    fn only_what_is_done_ends_with_status_0() {
        for (result, status) in [
            (OperationResult::Done, 0),
            (OperationResult::Failed, 1),
            (OperationResult::Refused, 1),
            (OperationResult::TimedOut, 1),
            (OperationResult::OutcomeUnknown, 3),
            (OperationResult::UnderWay, 3),
            (OperationResult::Unknown, 3),
        ] {
            let code = match ended(result) {
                Ok(()) => 0,
                Err(Stop::Fault(fault)) => fault.code.exit_status(),
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(code, status, "{result:?}");
        }
        let Err(Stop::Fault(fault)) = ended(OperationResult::Failed) else { panic!() };
        assert_eq!(fault.message, "start of x.service on web: failed: failed (failed)");
        assert_eq!((fault.detail.operation, fault.detail.lines.len()), (Some(7), 1));
    }
}
