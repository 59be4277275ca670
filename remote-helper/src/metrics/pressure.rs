//! Pressure stall information from `/proc/pressure` (kernel 4.20 and later, where switched on).

use protocol::metrics::Pressure;

use crate::root::{Root, read_text};

/// `None` where this kernel does not say.
pub(super) fn read_pressure(root: &Root) -> Option<Pressure> {
    let read = |file: &str| read_text(&root.proc.join("pressure").join(file)).ok();
    let (cpu, io, memory) = (read("cpu"), read("io"), read("memory"));
    let avg10 = |text: &Option<String>, kind: &str| parse_avg10(text.as_deref()?, kind);
    let pressure = Pressure {
        cpu_some_pct: avg10(&cpu, "some"),
        io_some_pct: avg10(&io, "some"),
        io_full_pct: avg10(&io, "full"),
        memory_some_pct: avg10(&memory, "some"),
        memory_full_pct: avg10(&memory, "full"),
    };
    (pressure != Pressure::default()).then_some(pressure)
}

pub(super) fn parse_avg10(text: &str, kind: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.split(' ').next() == Some(kind))?;
    let value: f64 = line.split(' ').find_map(|word| word.strip_prefix("avg10="))?.parse().ok()?;
    (0.0..=100.0).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_the_last_ten_seconds_is_taken() {
        let text = "some avg10=1.25 avg60=0.50 avg300=0.10 total=123\nfull avg10=0.75 avg60=0.00 avg300=0.00 total=4\n";
        assert_eq!((parse_avg10(text, "some"), parse_avg10(text, "full")), (Some(1.25), Some(0.75)));
        assert_eq!(parse_avg10("some avg10=0.00\n", "full"), None, "cpu has no full line before 5.13");
        assert_eq!(parse_avg10("some avg10=NaN\n", "some"), None);
    }
}
