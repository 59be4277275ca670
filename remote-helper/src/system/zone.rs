//! The host's time zone.

use std::time::Duration;

use crate::children::{find_tool, run_tool, tool_command};
use crate::root::{Root, read_word};
use crate::stop::Stop;

/// The zone's name, by the link `/etc/localtime` or the file `/etc/timezone`.
pub(super) fn read_zone(root: &Root) -> Option<String> {
    let link = std::fs::read_link(root.etc.join("localtime")).ok();
    link.and_then(|target| parse_link(&target.to_string_lossy()))
        .or_else(|| read_word(&root.etc.join("timezone")))
}

pub(super) fn parse_link(target: &str) -> Option<String> {
    let (_, zone) = target.split_once("zoneinfo/")?;
    let zone = zone.strip_prefix("posix/").or_else(|| zone.strip_prefix("right/")).unwrap_or(zone);
    (!zone.is_empty()).then(|| zone.to_owned())
}

/// Seconds east of UTC now, as date(1) has it with the host's own zone.
pub(crate) fn read_offset(root: &Root, stop: &Stop) -> Option<i32> {
    if !root.is_live() {
        return None;
    }
    let mut command = tool_command(&find_tool("date").ok()?);
    command.env_remove("TZ").arg("+%z");
    let said = run_tool(command, Duration::from_secs(2), stop).ok()?;
    parse_offset(said.stdout.trim())
}

/// `+0800`.
pub(super) fn parse_offset(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits =
        text.get(1..).filter(|digits| digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()))?;
    let (hours, minutes): (i32, i32) = (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?);
    Some(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_is_what_follows_zoneinfo() {
        assert_eq!(parse_link("/usr/share/zoneinfo/Asia/Shanghai").as_deref(), Some("Asia/Shanghai"));
        assert_eq!(parse_link("../usr/share/zoneinfo/posix/UTC").as_deref(), Some("UTC"));
        assert_eq!(parse_link("/etc/zone"), None);
    }

    #[test]
    fn the_offset_has_a_sign_hours_and_minutes() {
        assert_eq!(parse_offset("+0800"), Some(28_800));
        assert_eq!(parse_offset("-0330"), Some(-12_600));
        for odd in ["", "0800", "+08", "+0é0", "UTC"] {
            assert_eq!(parse_offset(odd), None, "{odd}");
        }
    }
}
