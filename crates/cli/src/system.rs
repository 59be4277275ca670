//! system.

use engine::Desk;
use protocol::Fault;
use protocol::ipc::SystemRead;
use protocol::system::System;

use crate::output::{Printer, bytes, duration, list, or_dash, time};

pub(crate) async fn show(desk: &Desk, name: String, printer: &Printer) -> Result<(), Fault> {
    printer.show(&desk.call(SystemRead { host: name }).await?, words)
}

fn words(system: &System) -> String {
    let since = |at_ms: Option<i64>| at_ms.map(time);
    let mut pairs = vec![
        ("OS", or_dash(system.os.as_ref())),
        ("Host name", system.host_name.clone()),
        ("Kernel", system.kernel.clone()),
        ("Architecture", system.arch.clone()),
        ("CPU", format!("{}, {} cores", or_dash(system.cpu_model.as_ref()), system.cpus)),
        ("Memory", bytes(system.memory_bytes)),
        ("Virtual", or_dash(system.virtualization.as_ref())),
        ("Up", format!("{}, since {}", duration(system.uptime_s), or_dash(since(system.boot_ms)))),
        ("Boot id", or_dash(system.boot_id.as_ref())),
        ("Machine id", or_dash(system.machine_id.as_ref())),
        ("Time zone", or_dash(system.time_zone.as_ref())),
        ("Clock", clock_words(system)),
        ("Init", or_dash(system.init.as_ref())),
    ];
    for interface in &system.interfaces {
        pairs.push(("Network", format!("{} {}", interface.name, interface.addresses.join(" "))));
    }
    for login in &system.logins {
        let from = login.from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
        pairs.push((
            "Logged in",
            format!("{} {}{from}, since {}", login.user, login.terminal, or_dash(since(login.since_ms))),
        ));
    }
    for job in &system.jobs {
        let next = since(job.next_ms).map(|next| format!(", next {next}")).unwrap_or_default();
        let schedule = job.schedule.as_deref().unwrap_or("-");
        pairs.push(("Scheduled", format!("{} {}: {schedule}: {}{next}", job.kind, job.source, job.runs)));
    }
    if system.jobs_unreadable > 0 {
        pairs.push(("Scheduled", format!("{} places may not be read by this user", system.jobs_unreadable)));
    }
    list(&pairs)
}

/// What is less comes from the way to the host and back.
const CLOCK_SLACK_MS: i64 = 2_000;

fn clock_words(system: &System) -> String {
    let seconds = |ms: i64| duration(ms.unsigned_abs() / 1_000);
    match system.clock_ahead_ms {
        None => "-".to_owned(),
        Some(ahead) if ahead > CLOCK_SLACK_MS => format!("{} ahead of this computer", seconds(ahead)),
        Some(ahead) if ahead < -CLOCK_SLACK_MS => format!("{} behind this computer", seconds(ahead)),
        Some(_) => "as on this computer".to_owned(),
    }
}
