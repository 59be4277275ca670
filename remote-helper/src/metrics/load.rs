//! Load averages and uptime.

use crate::error::Error;
use crate::root::{Root, read_text};

pub(super) fn read_load(root: &Root) -> Result<[f64; 3], Error> {
    let text = read_text(&root.proc.join("loadavg"))?;
    parse_loadavg(&text).ok_or(Error::Parse { what: "/proc/loadavg", line: text })
}

/// Uptime in whole seconds.
pub(super) fn read_uptime(root: &Root) -> Result<u64, Error> {
    let text = read_text(&root.proc.join("uptime"))?;
    parse_uptime(&text).ok_or(Error::Parse { what: "/proc/uptime", line: text })
}

pub(super) fn parse_loadavg(text: &str) -> Option<[f64; 3]> {
    let mut words = text.split_ascii_whitespace().map(|word| word.parse::<f64>().ok());
    let load = [words.next()??, words.next()??, words.next()??];
    load.iter().all(|value| value.is_finite() && *value >= 0.0).then_some(load)
}

/// The first number of `/proc/uptime`, without its fraction.
pub(crate) fn parse_uptime(text: &str) -> Option<u64> {
    text.split(['.', ' ']).next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_and_uptime_are_read() {
        assert_eq!(parse_loadavg("0.20 0.18 0.12 1/80 11206\n"), Some([0.20, 0.18, 0.12]));
        assert_eq!(parse_loadavg("0.20 NaN 0.12 1/80 11206\n"), None);
        assert_eq!(parse_uptime("350735.47 234388.90\n"), Some(350_735));
        assert_eq!(parse_uptime("\n"), None);
    }
}
