//! Model and number of CPUs.

use crate::root::{Root, lossy, read_bytes, read_word};

/// The name of the CPU, or of the machine where an ARM kernel tells only that.
pub(super) fn read_model(root: &Root, cpuinfo: &str) -> Option<String> {
    parse_model(cpuinfo)
        .or_else(|| {
            // The device tree ends its strings with NUL.
            let bytes = read_bytes(&root.proc.join("device-tree/model")).ok()?;
            let model = lossy(bytes).trim_end_matches('\0').trim().to_owned();
            (!model.is_empty()).then_some(model)
        })
        .or_else(|| parse_arm_core(cpuinfo))
}

fn field<'a>(cpuinfo: &'a str, name: &str) -> Option<&'a str> {
    let value = cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })?;
    (!value.is_empty()).then_some(value)
}

pub(super) fn parse_model(cpuinfo: &str) -> Option<String> {
    let name = ["model name", "cpu model", "cpu", "uarch", "Model", "Hardware"]
        .into_iter()
        .find_map(|name| field(cpuinfo, name))?;
    Some(name.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Cores by implementer and part (ARM: MIDR_EL1), as lscpu(1) names them.
const ARM_CORES: [(&str, &str, &str); 12] = [
    ("0x41", "0xd03", "Cortex-A53"),
    ("0x41", "0xd07", "Cortex-A57"),
    ("0x41", "0xd08", "Cortex-A72"),
    ("0x41", "0xd0b", "Cortex-A76"),
    ("0x41", "0xd0c", "Neoverse-N1"),
    ("0x41", "0xd40", "Neoverse-V1"),
    ("0x41", "0xd49", "Neoverse-N2"),
    ("0x41", "0xd4f", "Neoverse-V2"),
    ("0x41", "0xd84", "Neoverse-V3"),
    ("0x48", "0xd01", "Kunpeng-920"),
    ("0xc0", "0xac3", "Ampere-1"),
    ("0x70", "0x663", "FTC663"),
];

fn parse_arm_core(cpuinfo: &str) -> Option<String> {
    let (implementer, part) = (field(cpuinfo, "CPU implementer")?, field(cpuinfo, "CPU part")?);
    let known = ARM_CORES.iter().find(|core| core.0 == implementer && core.1 == part);
    Some(known.map_or_else(|| format!("ARM {implementer} part {part}"), |core| core.2.to_owned()))
}

/// CPUs that are on line.
pub(super) fn read_online(root: &Root, stat: &str) -> u32 {
    read_online_list(root).unwrap_or_else(|| count_stat(stat))
}

/// The same without `/proc/stat`, whose line of interrupts is long; `None` where /sys does not tell.
pub(super) fn read_online_list(root: &Root) -> Option<u32> {
    read_word(&root.sys.join("devices/system/cpu/online")).and_then(|list| count_list(&list))
}

/// Counts a list such as `0-3,5`.
fn count_list(list: &str) -> Option<u32> {
    let mut count = 0u32;
    for part in list.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to): (u32, u32) = (from.parse().ok()?, to.parse().ok()?);
        count = count.checked_add(to.checked_sub(from)?.checked_add(1)?)?;
    }
    Some(count)
}

pub(super) fn count_stat(stat: &str) -> u32 {
    let is_core = |line: &&str| line.strip_prefix("cpu").is_some_and(|rest| !rest.starts_with(' '));
    u32::try_from(stat.lines().filter(is_core).count()).unwrap_or(u32::MAX)
}

/// What holds whatever the files say.
#[cfg(any(test, feature = "fuzz"))]
pub(super) fn check(text: &str) {
    let model = parse_model(text).or_else(|| parse_arm_core(text));
    assert!(model.is_none_or(|model| !model.is_empty() && !model.contains('\n')));
    assert!(count_list(text).is_none_or(|count| count > 0), "a list has a number at least");
    let _ = count_stat(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_found_on_x86_and_on_arm() {
        let x86 = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 106\nmodel name\t: Intel(R) Xeon(R)   CPU @ 2.90GHz\n";
        assert_eq!(parse_model(x86).as_deref(), Some("Intel(R) Xeon(R) CPU @ 2.90GHz"));
        let arm = "processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        assert_eq!(parse_model(arm), None);
        assert_eq!(parse_arm_core(arm).as_deref(), Some("Neoverse-N1"));
    }

    #[test]
    fn cpus_that_are_off_line_do_not_count() {
        assert_eq!(count_list("0-3,5"), Some(5));
        assert_eq!(count_list("0"), Some(1));
        assert_eq!(count_list("3-1"), None);
        assert_eq!(count_list("0-4294967295"), None);
        assert_eq!(count_stat("cpu  1 2\ncpu0 1\ncpu3 1\nintr 1\n"), 2);
    }
}
