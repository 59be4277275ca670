//! The words of the lanes.

use super::lanes::Lane;
use crate::components::time_chart::LaneWords;
use crate::text::{I18n, t_string};

pub(crate) fn lane_words(i18n: I18n, lane: Lane) -> LaneWords {
    let name = match lane {
        Lane::Cpu => t_string!(i18n, overview.lane_cpu),
        Lane::Memory => t_string!(i18n, overview.lane_memory),
        Lane::Disk => t_string!(i18n, overview.lane_disk),
        Lane::Network => t_string!(i18n, overview.lane_network),
        Lane::Pressure => t_string!(i18n, overview.lane_pressure),
    };
    let curves = match lane {
        Lane::Cpu => vec!["us", "sy", "ni", "wa", "hi si st"],
        Lane::Memory => vec![t_string!(i18n, overview.used), t_string!(i18n, overview.cache)],
        Lane::Disk => vec![t_string!(i18n, overview.read), t_string!(i18n, overview.write)],
        Lane::Network => vec![t_string!(i18n, overview.received), t_string!(i18n, overview.sent)],
        Lane::Pressure => vec!["cpu", "io", "mem"],
    };
    LaneWords {
        name,
        curves,
        note: (lane == Lane::Pressure).then(|| t_string!(i18n, overview.stalls_note)),
        silent: t_string!(i18n, overview.not_said),
    }
}
