//! system: the facts of a host.

use engine::Desk;
use protocol::ipc::SystemRead;
use protocol::system::System;

use crate::format::{bytes, or_unknown, time, uptime};
use crate::output::{Output, Stop};

pub(crate) async fn system(desk: &Desk, name: String, output: &mut Output) -> Result<(), Stop> {
    let system = desk.call(SystemRead { host: name }).await?;
    if output.json {
        return output.document(&system);
    }
    for (what, value) in facts(&system) {
        output.line(&format!("{what:<16}{value}"))?;
    }
    Ok(())
}

fn facts(system: &System) -> Vec<(&'static str, String)> {
    let cpu = match &system.cpu_model {
        Some(model) => format!("{} x {model}", system.cpus),
        None => system.cpus.to_string(),
    };
    let mut facts = vec![
        ("host name", system.host_name.clone()),
        ("system", or_unknown(system.os.as_ref())),
        ("kernel", format!("{} ({})", system.kernel, system.arch)),
        ("processors", cpu),
        ("memory", bytes(system.memory_bytes)),
        ("virtualisation", or_unknown(system.virtualization.as_ref())),
        ("init", or_unknown(system.init.as_ref())),
        ("up", uptime(system.uptime_s)),
        ("booted", or_unknown(system.boot_ms.map(time))),
        ("time zone", or_unknown(system.time_zone.as_ref())),
        ("machine id", or_unknown(system.machine_id.as_ref())),
        ("boot id", or_unknown(system.boot_id.as_ref())),
    ];
    for interface in &system.interfaces {
        facts.push(("interface", format!("{} {}", interface.name, interface.addresses.join(", "))));
    }
    for login in &system.logins {
        let from = login.from.as_ref().map_or_else(String::new, |from| format!(" from {from}"));
        let since = login.since_ms.map_or_else(String::new, |since_ms| format!(" since {}", time(since_ms)));
        facts.push(("logged in", format!("{} on {}{from}{since}", login.user, login.terminal)));
    }
    for job in &system.jobs {
        let next = job.next_ms.map_or_else(String::new, |next_ms| format!(", next {}", time(next_ms)));
        let schedule = job.schedule.as_ref().map_or_else(String::new, |schedule| format!("{schedule} "));
        facts.push(("job", format!("{schedule}{} ({}{next})", job.runs, job.source)));
    }
    if system.jobs_unreadable > 0 {
        facts.push((
            "jobs not shown",
            format!("{} places that this user may not read", system.jobs_unreadable),
        ));
    }
    facts
}
