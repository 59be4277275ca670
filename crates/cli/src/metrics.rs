//! metrics.

use engine::Desk;
use protocol::Fault;
use protocol::ipc::MetricsRead;
use protocol::metrics::{Metrics, NetworkMount};
use protocol::text::printable;

use crate::output::{Printer, Set, bytes, or_dash, table};

/// Prints one sample, or one after another until the link ends.
pub(crate) async fn show(
    desk: &Desk,
    name: String,
    every_ms: Option<u32>,
    printer: &Printer,
) -> Result<(), Fault> {
    let Some(interval_ms) = every_ms else {
        return printer.show(&desk.call(MetricsRead { host: name }).await?, words);
    };
    let mut samples = desk.watch_metrics(&name, interval_ms).await?;
    while let Some(sample) = samples.next().await {
        printer.show(&sample?, words)?;
    }
    Ok(())
}

/// The head of top(1), then disks, devices and interfaces.
fn words(metrics: &Metrics) -> String {
    let tasks = &metrics.tasks;
    let mut text = format!(
        "Tasks: {} total, {} running, {} sleeping, {} stopped, {} zombie{}\n",
        tasks.total,
        tasks.running,
        tasks.sleeping,
        tasks.stopped,
        tasks.zombie,
        if tasks.some_hidden { " (others are hidden from this user)" } else { "" }
    );
    text += &match &metrics.cpu {
        Some(cpu) => format!(
            "%Cpu(s): {:.1} us, {:.1} sy, {:.1} ni, {:.1} id, {:.1} wa, {:.1} hi, {:.1} si, {:.1} st\n",
            cpu.us_pct, cpu.sy_pct, cpu.ni_pct, cpu.id_pct, cpu.wa_pct, cpu.hi_pct, cpu.si_pct, cpu.st_pct
        ),
        None => "%Cpu(s): known from the second sample on\n".to_owned(),
    };
    let memory = &metrics.memory;
    let mib = |count: u64| format!("{:.1}", count as f64 / 1_048_576.0);
    text += &format!(
        "MiB Mem : {} total, {} free, {} used, {} buff/cache\n",
        mib(memory.total_bytes),
        mib(memory.free_bytes),
        mib(memory.used_bytes),
        mib(memory.buff_cache_bytes)
    );
    text += &format!(
        "MiB Swap: {} total, {} free, {} used, {} avail Mem\n",
        mib(memory.swap_total_bytes),
        mib(memory.swap_free_bytes),
        mib(memory.swap_used_bytes),
        mib(memory.available_bytes)
    );
    text +=
        &format!("Load average: {:.2}, {:.2}, {:.2}\n", metrics.load[0], metrics.load[1], metrics.load[2]);
    if let Some(failed) = metrics.failed_units {
        text += &format!("Failed units: {failed}\n");
    }
    if let Some(pressure) = &metrics.pressure {
        let pct = |value: Option<f64>| or_dash(value.map(|value| format!("{value:.1}")));
        text += &format!(
            "Pressure %: cpu {} some, io {} some {} full, memory {} some {} full\n",
            pct(pressure.cpu_some_pct),
            pct(pressure.io_some_pct),
            pct(pressure.io_full_pct),
            pct(pressure.memory_some_pct),
            pct(pressure.memory_full_pct)
        );
    }
    if let Some(limits) = &metrics.limits {
        text += &format!(
            "Own part: {} of {} memory used, {} of {} CPUs\n",
            or_dash(limits.memory_used_bytes.map(bytes)),
            or_dash(limits.memory_bytes.map(bytes)),
            or_dash(limits.cpus_used),
            or_dash(limits.cpus)
        );
    }
    for sensor in &metrics.temperatures {
        let critical = sensor.critical_celsius.map(|limit| format!(", critical at {limit:.0}"));
        let critical = critical.unwrap_or_default();
        text += &format!("{} {}: {:.1} °C{critical}\n", sensor.chip, sensor.place, sensor.now_celsius);
    }
    text.push('\n');
    text += &disk_table(metrics);
    text += &rate_table(metrics);
    text
}

fn disk_table(metrics: &Metrics) -> String {
    let heads = [
        ("MOUNT", Set::Left),
        ("TYPE", Set::Left),
        ("SIZE", Set::Right),
        ("USED", Set::Right),
        ("AVAIL", Set::Right),
        ("USE%", Set::Right),
    ];
    let rows: Vec<Vec<String>> = metrics
        .disks
        .iter()
        .map(|disk| {
            // A disk of no size is one that this user may not look at.
            let known = |count: u64| or_dash((disk.total_bytes > 0).then(|| bytes(count)));
            vec![
                disk.mount.clone(),
                disk.fs_type.clone(),
                known(disk.total_bytes),
                known(disk.used_bytes),
                known(disk.available_bytes),
                or_dash(disk.use_pct.map(|pct| format!("{pct:.0}"))),
            ]
        })
        .collect();
    let mut text = table(&heads, &rows);
    for mount in &metrics.network_mounts {
        let NetworkMount { mount, fs_type, source } = mount;
        let words = format!("{mount} ({fs_type} of {source}) is on another host and not measured");
        text += &format!("{}\n", printable(&words));
    }
    text + "\n"
}

fn rate_table(metrics: &Metrics) -> String {
    let heads = [
        ("DEVICE", Set::Left),
        ("IN OR READ/s", Set::Right),
        ("OUT OR WRITE/s", Set::Right),
        ("BUSY%", Set::Right),
    ];
    let rate = |value: f64| bytes(value.max(0.0) as u64);
    let disks = metrics.devices.iter().map(|device| {
        let busy = format!("{:.0}", device.busy_pct);
        vec![device.device.clone(), rate(device.read_bytes_per_s), rate(device.write_bytes_per_s), busy]
    });
    let networks = metrics.networks.iter().map(|network| {
        vec![
            network.interface.clone(),
            rate(network.in_bytes_per_s),
            rate(network.out_bytes_per_s),
            "-".to_owned(),
        ]
    });
    table(&heads, &disks.chain(networks).collect::<Vec<_>>())
}
