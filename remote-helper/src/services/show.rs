//! Properties of units as `systemctl show` prints them.

use super::systemctl::Systemctl;
use crate::error::Error;
use crate::root::Root;
use crate::stop::Stop;

/// More names in one call would come near the length that a command line may have.
const UNITS_A_CALL: usize = 200;

/// The properties of one unit: `key=value` lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties {
    pairs: Vec<(String, String)>,
}

impl Properties {
    /// The value, also an empty one; `None` if this systemd does not know the property.
    pub(crate) fn raw(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The value, unless it is empty or systemd's word for none.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.raw(key).filter(|value| !matches!(*value, "" | "[not set]" | "n/a" | "(null)"))
    }

    /// The value as a number; systemd's "not set" is the largest one.
    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.text(key)?.parse().ok().filter(|&number| number != u64::MAX)
    }

    /// The value if it names a process.
    pub(crate) fn pid(&self, key: &str) -> Option<u32> {
        self.number(key).and_then(|pid| u32::try_from(pid).ok()).filter(|&pid| pid > 0)
    }

    pub(crate) fn is_no(&self, key: &str) -> bool {
        self.raw(key) == Some("no")
    }

    /// All values of a key that is printed more than once.
    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// Splits what `systemctl show` printed into units; an empty line parts them.
pub(crate) fn parse_stanzas(text: &str) -> Vec<Properties> {
    let mut stanzas = Vec::new();
    let mut pairs = Vec::new();
    for line in text.lines() {
        match line.split_once('=') {
            Some((key, value)) => pairs.push((key.to_owned(), value.to_owned())),
            None if line.is_empty() && !pairs.is_empty() => {
                stanzas.push(Properties { pairs: std::mem::take(&mut pairs) });
            }
            None => {}
        }
    }
    if !pairs.is_empty() {
        stanzas.push(Properties { pairs });
    }
    stanzas
}

/// Asks for the same properties of many units. The order is that of the names.
pub(crate) fn show(root: &Root, keys: &str, units: &[&str], stop: &Stop) -> Result<Vec<Properties>, Error> {
    let systemctl = Systemctl::of(root)?;
    let mut stanzas = Vec::with_capacity(units.len());
    for some in units.chunks(UNITS_A_CALL) {
        let mut args = vec!["show", "--no-pager", "-p", keys, "--"];
        args.extend_from_slice(some);
        stanzas.append(&mut parse_stanzas(&systemctl.ask(&args, stop)?));
    }
    Ok(stanzas)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = "Id=cron.service\nMainPID=77\nMemoryCurrent=18446744073709551615\nDescription=a = b\n\n\
        Id=x.timer\nMainPID=0\nMemoryCurrent=[not set]\nTimersCalendar={ a }\nTimersCalendar={ b }\n";

    #[test]
    fn units_are_parted_by_empty_lines_and_unset_values_are_none() {
        let units = parse_stanzas(SHOWN);
        assert_eq!(units.len(), 2);
        assert_eq!((units[0].pid("MainPID"), units[1].pid("MainPID")), (Some(77), None));
        assert_eq!(units[0].text("Description"), Some("a = b"));
        assert_eq!((units[0].number("MemoryCurrent"), units[1].number("MemoryCurrent")), (None, None));
        assert_eq!(units[1].all("TimersCalendar").collect::<Vec<_>>(), ["{ a }", "{ b }"]);
        assert_eq!(units[0].raw("NRestarts"), None, "an old systemd does not know it");
    }
}
