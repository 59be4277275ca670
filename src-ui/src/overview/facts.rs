//! The facts of a host at the left: one list that reads the same on screen and when copied.

use leptos::prelude::*;
use protocol::metrics::{Disk, Limits, Metrics};
use protocol::system::{Interface, Login, System};
use protocol::text::printable;

use super::left::LeftOnHost;
use super::more::{NetworkMounts, Temperatures, clock_words, heat_words, limit_words, network_words};
use crate::components::level::Level;
use crate::components::{CopyButton, Meter};
use crate::format::{self, NOT_KNOWN};
use crate::state::{now_ms, zone_min};
use crate::text::{I18n, lang, t_string, use_i18n};

/// A line of the list.
#[derive(Clone, PartialEq)]
struct Fact {
    id: &'static str,
    label: String,
    value: Option<String>,
    /// Names and numbers of the machine are set in the face of machines.
    mono: bool,
}

/// The facts with their words, in the order of the list.
fn system_facts(i18n: I18n, system: &System, uptime_s: Option<u64>, limits: Option<Limits>) -> Vec<Fact> {
    let text = |text: &str| (!text.is_empty()).then(|| printable(text).into_owned());
    let optional = |value: &Option<String>| value.as_deref().and_then(text);
    let fact = |id, label: &str, value| Fact { id, label: label.to_owned(), value, mono: false };
    let tongue = lang(i18n);
    let cores = (system.cpus > 0).then(|| t_string!(i18n, overview.cores, count = system.cpus));
    let cpu = match (optional(&system.cpu_model), cores) {
        (Some(model), Some(cores)) => Some(t_string!(i18n, overview.cpu_cores, model = model, cores = cores)),
        (model, cores) => model.or(cores),
    };
    let up = (system.uptime_s > 0 || uptime_s.is_some()).then(|| {
        let length = format::long_duration(uptime_s.unwrap_or(system.uptime_s), tongue);
        match system.boot_ms {
            Some(at_ms) => {
                let when = format::moment(at_ms, now_ms(), zone_min(at_ms), tongue);
                t_string!(i18n, overview.up_since, length = length, when = when)
            }
            None => length,
        }
    });
    let offset = system.utc_offset_s.map(utc_offset);
    let zone = match (optional(&system.time_zone), offset) {
        (Some(name), Some(offset)) => Some(t_string!(i18n, overview.zone, name = name, offset = offset)),
        (name, offset) => name.or(offset),
    };
    let virtualization = system.virtualization.as_deref().map(|kind| match kind {
        "none" => t_string!(i18n, overview.bare_metal).to_owned(),
        kind => printable(kind).into_owned(),
    });
    let mut facts = vec![
        fact("os", t_string!(i18n, overview.os), optional(&system.os)),
        fact("host-name", t_string!(i18n, overview.host_name), text(&system.host_name)),
        fact("kernel", t_string!(i18n, overview.kernel), text(&system.kernel)),
        fact("arch", t_string!(i18n, overview.arch), text(&system.arch)),
        fact("cpu-model", t_string!(i18n, overview.cpu_model), cpu),
        fact(
            "memory-total",
            t_string!(i18n, overview.memory),
            (system.memory_bytes > 0).then(|| format::memory(system.memory_bytes)),
        ),
        fact("virtual", t_string!(i18n, overview.virt), virtualization),
        fact("up", t_string!(i18n, overview.up), up),
        fact("boot-id", t_string!(i18n, overview.boot_id), optional(&system.boot_id)),
        fact("time-zone", t_string!(i18n, overview.time_zone), zone),
        fact("clock", t_string!(i18n, overview.clock), system.clock_ahead_ms.map(|ms| clock_words(i18n, ms))),
        fact("init", t_string!(i18n, overview.init), optional(&system.init)),
        fact("scheduled", t_string!(i18n, overview.scheduled), Some(jobs(i18n, system))),
    ];
    if let Some(words) = limits.and_then(|limits| limit_words(i18n, &limits)) {
        facts.push(fact("limits", t_string!(i18n, overview.limits), Some(words)));
    }
    for fact in &mut facts {
        fact.mono = fact.id == "boot-id";
    }
    facts
}

fn jobs(i18n: I18n, system: &System) -> String {
    let count = |kind: &str| system.jobs.iter().filter(|job| job.kind == kind).count();
    let timers = t_string!(i18n, overview.timers, count = count("timer"));
    let cron = t_string!(i18n, overview.cron, count = count("cron"));
    let jobs = t_string!(i18n, overview.jobs, timers = timers, cron = cron);
    match system.jobs_unreadable {
        0 => jobs,
        // A count that leaves something out must say so.
        hidden => format!("{jobs} ({})", t_string!(i18n, overview.jobs_hidden, count = hidden)),
    }
}

/// `UTC+8`, `UTC-3:30`.
fn utc_offset(offset_s: i32) -> String {
    let minutes = offset_s.unsigned_abs() / 60;
    let sign = if offset_s < 0 { '-' } else { '+' };
    match minutes % 60 {
        0 => format!("UTC{sign}{}", minutes / 60),
        rest => format!("UTC{sign}{}:{rest:02}", minutes / 60),
    }
}

fn addresses(i18n: I18n, interface: &Interface) -> String {
    match interface.addresses.as_slice() {
        [] => t_string!(i18n, overview.no_address).to_owned(),
        list => list.iter().map(|address| printable(address).into_owned()).collect::<Vec<_>>().join("\n"),
    }
}

fn login_words(i18n: I18n, login: &Login) -> String {
    let mut words = printable(&login.terminal).into_owned();
    if let Some(at_ms) = login.since_ms {
        words = format!("{words} {}", format::moment(at_ms, now_ms(), zone_min(at_ms), lang(i18n)));
    }
    if let Some(from) = login.from.as_deref().filter(|from| !from.is_empty()) {
        let place = printable(from).into_owned();
        words.push_str(&t_string!(i18n, overview.login_from, place = place));
    }
    words
}

fn disk_words(i18n: I18n, disk: &Disk) -> String {
    // A disk of no size is one that this user may not look at.
    if disk.total_bytes == 0 {
        return NOT_KNOWN.to_owned();
    }
    let (used, total) = (format::bytes(disk.used_bytes), format::bytes(disk.total_bytes));
    // `24.4 of 40 GB`: the unit once, if it is the same.
    let used = match (used.rsplit_once(' '), total.rsplit_once(' ')) {
        (Some((number, a)), Some((_, b))) if a == b => number.to_owned(),
        _ => used.clone(),
    };
    t_string!(i18n, overview.of_size, used = used, total = total)
}

fn inode_pct(disk: &Disk) -> Option<f64> {
    (disk.inodes_total > 0).then(|| disk.inodes_used as f64 / disk.inodes_total as f64 * 100.0)
}

/// The whole list as text, each label before its value.
fn as_text(i18n: I18n, system: &System, metrics: Option<&Metrics>) -> String {
    let uptime_s = metrics.map(|metrics| metrics.uptime_s);
    let limits = metrics.and_then(|metrics| metrics.limits);
    let mut lines: Vec<(String, String)> = system_facts(i18n, system, uptime_s, limits)
        .into_iter()
        .map(|fact| (fact.label, fact.value.unwrap_or_else(|| NOT_KNOWN.to_owned())))
        .collect();
    for disk in metrics.map(|metrics| metrics.disks.as_slice()).unwrap_or_default() {
        let share = disk.use_pct.map_or_else(|| NOT_KNOWN.to_owned(), format::percent);
        let words = format!("{share}  {}", disk_words(i18n, disk));
        lines.push((printable(&disk.mount).into_owned(), words));
    }
    for mount in metrics.map(|metrics| metrics.network_mounts.as_slice()).unwrap_or_default() {
        lines.push(network_words(i18n, mount));
    }
    for sensor in metrics.map(|metrics| metrics.temperatures.as_slice()).unwrap_or_default() {
        lines.push(heat_words(i18n, sensor));
    }
    for interface in &system.interfaces {
        let words = addresses(i18n, interface).replace('\n', ", ");
        lines.push((printable(&interface.name).into_owned(), words));
    }
    for login in &system.logins {
        lines.push((printable(&login.user).into_owned(), login_words(i18n, login)));
    }
    lines.into_iter().map(|(label, value)| format!("{label}: {value}\n")).collect()
}

#[component]
pub(crate) fn Facts(
    system: Signal<Option<System>>,
    metrics: Signal<Option<Metrics>>,
    /// What is shown is not from now.
    stale: Signal<bool>,
) -> impl IntoView {
    let i18n = use_i18n();
    let uptime_s = Memo::new(move |_| metrics.with(|m| m.as_ref().map(|m| m.uptime_s / 60 * 60)));
    let limits = Memo::new(move |_| metrics.with(|m| m.as_ref().and_then(|m| m.limits)));
    let list = Memo::new(move |_| {
        system.with(|s| s.as_ref().map(|s| system_facts(i18n, s, uptime_s.get(), limits.get())))
    });
    let disks = Memo::new(move |_| metrics.with(|m| m.as_ref().map(|m| m.disks.clone())).unwrap_or_default());
    let inodes = move || disks.with(|disks| disks.iter().filter_map(inode_pct).reduce(f64::max));
    let copy = move || {
        system.with_untracked(|system| {
            metrics.with_untracked(|metrics| system.as_ref().map(|s| as_text(i18n, s, metrics.as_ref())))
        })
    };
    view! {
        <aside class="overview-facts" class:is-stale=stale data-testid="overview-facts">
            <section>
                <div class="facts-head">
                    <h2>{move || t_string!(i18n, overview.system)}</h2>
                    <CopyButton
                        label=Signal::derive(move || t_string!(i18n, overview.copy_facts).to_owned())
                        testid="overview-copy"
                        text=Signal::derive(move || copy().unwrap_or_default())
                    />
                </div>
                <dl class="facts selectable">
                    {move || {
                        list.get()
                            .unwrap_or_default()
                            .into_iter()
                            .map(|fact| {
                                let title = fact.value.clone();
                                view! {
                                    <dt>{fact.label}</dt>
                                    <dd
                                        class:mono=fact.mono
                                        data-testid=format!("overview-{}", fact.id)
                                        title=title
                                    >
                                        {fact.value.unwrap_or_else(|| NOT_KNOWN.to_owned())}
                                    </dd>
                                }
                            })
                            .collect_view()
                    }}
                </dl>
            </section>
            <section data-testid="overview-disks">
                <div class="facts-head">
                    <h2>{move || t_string!(i18n, overview.disks)}</h2>
                    <span class="dim">
                        {move || inodes().map(|pct| t_string!(i18n, overview.inodes, share = format::percent(pct)))}
                    </span>
                </div>
                <ul class="facts-disks selectable">
                    {move || {
                        disks
                            .get()
                            .into_iter()
                            .map(|disk| disk_line(i18n, disk, stale))
                            .collect_view()
                    }}
                </ul>
                <NetworkMounts metrics=metrics/>
                <Show when=move || metrics.with(|m| m.as_ref().is_some_and(|m| m.disks.is_empty()))>
                    <p class="facts-none dim">{move || t_string!(i18n, overview.no_disks)}</p>
                </Show>
            </section>
            <Temperatures metrics=metrics/>
            <section data-testid="overview-interfaces">
                <div class="facts-head">
                    <h2>{move || t_string!(i18n, overview.network)}</h2>
                </div>
                <dl class="facts selectable">
                    {move || {
                        system
                            .with(|s| s.as_ref().map(|s| s.interfaces.clone()).unwrap_or_default())
                            .into_iter()
                            .map(|interface| {
                                let words = addresses(i18n, &interface);
                                view! {
                                    <dt class="cut">{printable(&interface.name).into_owned()}</dt>
                                    <dd class="mono facts-addresses">{words}</dd>
                                }
                            })
                            .collect_view()
                    }}
                </dl>
                <Show when=move || system.with(|s| s.as_ref().is_some_and(|s| s.interfaces.is_empty()))>
                    <p class="facts-none dim">{move || t_string!(i18n, overview.no_network)}</p>
                </Show>
            </section>
            <section data-testid="overview-logins">
                <div class="facts-head">
                    <h2>{move || t_string!(i18n, overview.logged_in)}</h2>
                    <span class="dim">
                        {move || {
                            system.with(|s| s.as_ref().filter(|s| !s.logins.is_empty()).map(|s| s.logins.len()))
                        }}
                    </span>
                </div>
                <dl class="facts selectable">
                    {move || {
                        system
                            .with(|s| s.as_ref().map(|s| s.logins.clone()).unwrap_or_default())
                            .into_iter()
                            .map(|login| {
                                let words = login_words(i18n, &login);
                                view! {
                                    <dt class="cut">{printable(&login.user).into_owned()}</dt>
                                    <dd title=words.clone()>{words.clone()}</dd>
                                }
                            })
                            .collect_view()
                    }}
                </dl>
                <Show when=move || system.with(|s| s.as_ref().is_some_and(|s| s.logins.is_empty()))>
                    <p class="facts-none dim">{move || t_string!(i18n, overview.nobody)}</p>
                </Show>
            </section>
            <LeftOnHost />
        </aside>
    }
}

fn disk_line(i18n: I18n, disk: Disk, stale: Signal<bool>) -> impl IntoView {
    let words = disk_words(i18n, &disk);
    let mount = printable(&disk.mount).into_owned();
    let (pct, level) = (disk.use_pct, disk.use_pct.map_or(Level::Normal, Level::of_disk));
    let title = format!("{mount}  {}  {}", printable(&disk.source), printable(&disk.fs_type));
    view! {
        <li title=title>
            <span class="facts-mount mono cut">{mount.clone()}</span>
            <Meter label=mount pct=pct level=level old=stale/>
            <span class="facts-size dim cut">
                {words}
                {disk.read_only.then(|| format!(", {}", t_string!(i18n, overview.read_only)))}
            </span>
        </li>
    }
}
