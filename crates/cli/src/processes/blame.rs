//! Who used the most at a moment.

use std::time::Duration;

use engine::Desk;
use protocol::ipc::BlameShow;
use protocol::processes::{Blame, Consumer, Usage};
use protocol::{Fault, FaultCode};
use tokio::time::{Instant, timeout_at};

use crate::journal::parse_moment;
use crate::output::{Printer, Set, bytes, or_dash, table, time};

/// Between two samples while a host is watched for this command.
const INTERVAL_MS: u32 = 1_000;

/// Watches the host, and tells who used the most at the moment asked for, or at the busiest one.
pub(crate) async fn show(
    desk: &Desk,
    name: String,
    at: Option<&str>,
    watched_for: Duration,
    printer: &Printer,
) -> Result<(), Fault> {
    let at_ms = at.map(|text| parse_moment("at", text)).transpose()?;
    // Somebody else's view of the host may know more than these seconds.
    if let Some(at_ms) = at_ms
        && let Ok(blame) = desk.call(BlameShow { host: name.clone(), at_ms }).await
        && blame.at_ms.is_some()
    {
        return printer.show(&blame, words);
    }
    // It streams until it is dropped: what is known lives with the link.
    let mut samples = desk.watch_metrics(&name, INTERVAL_MS).await?;
    let Some(first) = samples.next().await else {
        let message = format!("{name} ended the stream before it told anything");
        return Err(Fault::new(FaultCode::LinkLost, message).on_host(&name));
    };
    let mut last_ms = first?.at_ms;
    // Where the host gives root, the question alone makes root watch from now on: it sees more.
    let _ = desk.call(BlameShow { host: name.clone(), at_ms: last_ms }).await;
    let mut busiest = None::<(f64, i64)>;
    let until = Instant::now() + watched_for;
    while let Ok(Some(sample)) = timeout_at(until, samples.next()).await {
        let sample = sample?;
        last_ms = sample.at_ms;
        let Some(cpu) = sample.cpu else { continue };
        if busiest.is_none_or(|(pct, _)| cpu.busy_pct() > pct) {
            busiest = Some((cpu.busy_pct(), sample.at_ms));
        }
    }
    let moment_ms = at_ms.or(busiest.map(|(_, at_ms)| at_ms)).unwrap_or(last_ms);
    let blame = desk.call(BlameShow { host: name, at_ms: moment_ms }).await?;
    printer.show(&blame, words)
}

fn words(blame: &Blame) -> String {
    let Some(at_ms) = blame.at_ms else {
        return match blame.from_ms.zip(blame.to_ms) {
            Some((from, to)) => format!(
                "nothing is known of that moment: the host was watched from {} to {}\n",
                time(from),
                time(to)
            ),
            None => "nothing is known: the host was not watched at that moment\n".to_owned(),
        };
    };
    let over_s = blame.over_ms as f64 / 1_000.0;
    let mut text = format!("{} over {over_s:.1} s, {} CPUs\n", time(at_ms), blame.cpus);
    if blame.samples_before == 0 {
        text += "nothing is known of the time before, so whether that was more than usual is not told\n";
    }
    for (what, consumers) in [("CPU", &blame.cpu), ("Memory", &blame.memory), ("I/O", &blame.io)] {
        text += &format!("\n{what}\n");
        match consumers.is_empty() {
            true => text += "no process that is seen here used any\n",
            false => text += &consumer_table(consumers),
        }
    }
    if blame.some_hidden {
        text += "this user is not shown all processes: one that is hidden may have used more\n";
    }
    if blame.io_hidden > 0 {
        text += &format!(
            "the I/O of {} processes of other users may not be seen by this user: sign in as root, or set sudo\n",
            blame.io_hidden
        );
    }
    text
}

fn consumer_table(consumers: &[Consumer]) -> String {
    let heads = [
        ("PID", Set::Right),
        ("USER", Set::Left),
        ("%CPU", Set::Right),
        ("BEFORE", Set::Right),
        ("RSS", Set::Right),
        ("I/O /s", Set::Right),
        ("UNIT", Set::Left),
        ("NAME", Set::Left),
    ];
    let pct = |usage: &Usage| format!("{:.1}", usage.cpu_pct);
    let rows: Vec<Vec<String>> = consumers
        .iter()
        .map(|one| {
            vec![
                one.pid.to_string(),
                or_dash(one.user.as_ref()),
                pct(&one.then),
                or_dash(one.before.as_ref().map(pct)),
                bytes(one.then.rss_bytes),
                or_dash(one.then.io_bytes_per_s.map(bytes)),
                or_dash(one.unit.as_ref()),
                one.name.clone(),
            ]
        })
        .collect();
    table(&heads, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_said_and_a_name_does_nothing_to_the_table() {
        assert!(words(&Blame::default()).contains("was not watched"));
        let outside = Blame { from_ms: Some(0), to_ms: Some(60_000), ..Blame::default() };
        assert!(words(&outside).contains("watched from"));
        let consumer = Consumer { pid: 7, name: "a\nb".into(), ..Consumer::default() };
        let blame = Blame { at_ms: Some(0), cpu: vec![consumer], ..Blame::default() };
        let text = words(&blame);
        assert!(text.contains("nothing is known of the time before"), "{text}");
        assert!(!text.contains("may not be seen"), "{text}");
        assert_eq!(
            text.matches("no process that is seen here used any").count(),
            2,
            "memory and I/O: {text}"
        );
        assert!(words(&Blame { io_hidden: 3, ..blame.clone() }).contains("the I/O of 3 processes"));
        let row = text.lines().find(|line| line.trim_start().starts_with("7 ")).unwrap();
        assert!(row.ends_with("a\\x0ab"), "{text}");
    }
}
