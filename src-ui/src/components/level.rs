//! How grave a share is. Until thresholds can be set, they are those of the pictures.

/// Severity of a value; the meter grows with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    #[default]
    Normal,
    Warning,
    Critical,
}

impl Level {
    /// CPU: warning from 70 %, critical from 85 %.
    pub(crate) fn of_cpu(pct: f64) -> Level {
        Level::above(pct, 70.0, 85.0)
    }

    /// Memory: warning from 80 %, critical from 90 %.
    pub(crate) fn of_memory(pct: f64) -> Level {
        Level::above(pct, 80.0, 90.0)
    }

    /// A file system: warning from 90 %, critical from 95 %.
    pub(crate) fn of_disk(pct: f64) -> Level {
        Level::above(pct, 90.0, 95.0)
    }

    fn above(pct: f64, warning: f64, critical: f64) -> Level {
        match pct {
            _ if pct >= critical => Level::Critical,
            _ if pct >= warning => Level::Warning,
            _ => Level::Normal,
        }
    }

    pub(crate) fn class(self) -> &'static str {
        match self {
            Level::Normal => "level-normal",
            Level::Warning => "level-warning",
            Level::Critical => "level-critical",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_begins_at_its_threshold() {
        assert_eq!(Level::of_memory(79.9), Level::Normal);
        assert_eq!(Level::of_memory(80.0), Level::Warning);
        assert_eq!(Level::of_memory(90.0), Level::Critical);
        assert_eq!(Level::of_cpu(f64::NAN), Level::Normal, "what is not a number is not an alarm");
    }
}
