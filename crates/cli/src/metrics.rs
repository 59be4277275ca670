//! metrics: one sample, or a stream of them.

use engine::Desk;
use protocol::ipc::MetricsRead;
use protocol::metrics::Metrics;

use crate::args::MetricsArgs;
use crate::format::{UNKNOWN, bytes, or_unknown, percent, time, uptime};
use crate::output::{Output, Stop};
use crate::table::{Column, Table};

pub(crate) async fn metrics(desk: &Desk, args: MetricsArgs, output: &mut Output) -> Result<(), Stop> {
    if args.watch {
        return watch(desk, args, output).await;
    }
    let sample = desk.call(MetricsRead { host: args.name }).await?;
    if output.json { output.document(&sample) } else { show(&sample, output) }
}

async fn watch(desk: &Desk, args: MetricsArgs, output: &mut Output) -> Result<(), Stop> {
    let mut samples = desk.watch_metrics(&args.name, args.interval_ms).await?;
    while let Some(sample) = samples.next().await {
        let sample = sample?;
        if output.json {
            output.document(&sample)?;
        } else {
            output.line(&in_a_line(&sample))?;
        }
    }
    Ok(())
}

fn in_a_line(sample: &Metrics) -> String {
    let memory = &sample.memory;
    format!(
        "{}  cpu {:>7}  load {:>5.2}  memory {} of {}  tasks {}{}",
        time(sample.at_ms),
        sample.cpu.map_or_else(|| UNKNOWN.to_owned(), |cpu| percent(cpu.busy_pct())),
        sample.load[0],
        bytes(memory.used_bytes),
        bytes(memory.total_bytes),
        sample.tasks.total,
        sample
            .failed_units
            .filter(|failed| *failed > 0)
            .map_or_else(String::new, |failed| format!("  {failed} failed units")),
    )
}

fn show(sample: &Metrics, output: &mut Output) -> Result<(), Stop> {
    let tasks = sample.tasks;
    output.line(&format!(
        "up {}, load {:.2} {:.2} {:.2}",
        uptime(sample.uptime_s),
        sample.load[0],
        sample.load[1],
        sample.load[2]
    ))?;
    output.line(&format!(
        "tasks: {} total, {} running, {} sleeping, {} stopped, {} zombie",
        tasks.total, tasks.running, tasks.sleeping, tasks.stopped, tasks.zombie
    ))?;
    if let Some(cpu) = sample.cpu {
        output.line(&format!(
            "cpu: {:.1} us, {:.1} sy, {:.1} ni, {:.1} id, {:.1} wa, {:.1} hi, {:.1} si, {:.1} st",
            cpu.us_pct, cpu.sy_pct, cpu.ni_pct, cpu.id_pct, cpu.wa_pct, cpu.hi_pct, cpu.si_pct, cpu.st_pct
        ))?;
    }
    let memory = &sample.memory;
    output.line(&format!(
        "memory: {} total, {} free, {} used, {} buff/cache, {} available",
        bytes(memory.total_bytes),
        bytes(memory.free_bytes),
        bytes(memory.used_bytes),
        bytes(memory.buff_cache_bytes),
        bytes(memory.available_bytes)
    ))?;
    output.line(&format!(
        "swap: {} total, {} free, {} used",
        bytes(memory.swap_total_bytes),
        bytes(memory.swap_free_bytes),
        bytes(memory.swap_used_bytes)
    ))?;
    if let Some(failed) = sample.failed_units {
        output.line(&format!("failed units: {failed}"))?;
    }
    if let Some(pressure) = sample.pressure {
        output.line(&format!(
            "pressure: cpu {}, memory {}, io {}",
            or_unknown(pressure.cpu_some_pct.map(percent)),
            or_unknown(pressure.memory_some_pct.map(percent)),
            or_unknown(pressure.io_some_pct.map(percent))
        ))?;
    }
    tables(sample, output)
}

fn tables(sample: &Metrics, output: &mut Output) -> Result<(), Stop> {
    let mut disks = Table::new(vec![
        Column::Left("MOUNT"),
        Column::Left("SOURCE"),
        Column::Right("SIZE"),
        Column::Right("USED"),
        Column::Right("AVAILABLE"),
        Column::Right("USE"),
    ]);
    for disk in &sample.disks {
        disks.row(vec![
            disk.mount.clone(),
            disk.source.clone(),
            bytes(disk.total_bytes),
            bytes(disk.used_bytes),
            bytes(disk.available_bytes),
            or_unknown(disk.use_pct.map(percent)),
        ]);
    }
    let mut networks =
        Table::new(vec![Column::Left("INTERFACE"), Column::Right("IN/s"), Column::Right("OUT/s")]);
    for network in &sample.networks {
        networks.row(vec![
            network.interface.clone(),
            bytes(network.in_bytes_per_s as u64),
            bytes(network.out_bytes_per_s as u64),
        ]);
    }
    for (table, filled) in [(disks, !sample.disks.is_empty()), (networks, !sample.networks.is_empty())] {
        if filled {
            output.line("")?;
            table.print(output)?;
        }
    }
    Ok(())
}
