//! Temperatures from `/sys/class/hwmon` (kernel: hwmon/sysfs-interface), or from
//! `/sys/class/thermal` where no chip tells them there.

use std::path::Path;
use std::time::{Duration, Instant};

use protocol::metrics::Temperature;

use crate::root::{Root, read_word};

/// Some chips take milliseconds to answer, and heat is slow.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
const SENSORS_LIMIT: usize = 256;
/// What a sensor that is not connected says lies outside.
const CELSIUS: std::ops::RangeInclusive<f64> = -100.0..=250.0;

/// What the sensors said last.
#[derive(Default)]
pub(super) struct Sensors {
    looked: Option<Instant>,
    said: Vec<Temperature>,
}

impl Sensors {
    /// The temperatures, at most ten seconds old.
    pub(super) fn read(&mut self, root: &Root) -> Vec<Temperature> {
        if self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_AGAIN) {
            self.looked = Some(Instant::now());
            self.said = read_temperatures(root);
        }
        self.said.clone()
    }
}

fn read_temperatures(root: &Root) -> Vec<Temperature> {
    let class = root.sys.join("class");
    let mut said: Vec<Temperature> = list(&class.join("hwmon"), "hwmon")
        .iter()
        .flat_map(|chip| read_chip(&class.join("hwmon").join(chip)))
        .collect();
    if said.is_empty() {
        said = list(&class.join("thermal"), "thermal_zone")
            .iter()
            .filter_map(|zone| read_zone(&class.join("thermal").join(zone), zone))
            .collect();
    }
    said.truncate(SENSORS_LIMIT);
    said
}

/// Names in a folder that begin with a word and a number, in the order of the numbers.
fn list(folder: &Path, word: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<(u32, String)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let rest = name.strip_prefix(word)?;
            let digits = rest.split('_').next()?;
            Some((digits.parse().ok()?, name))
        })
        .collect();
    names.sort();
    names.into_iter().map(|(_, name)| name).collect()
}

fn read_chip(chip: &Path) -> Vec<Temperature> {
    let name = read_word(&chip.join("name")).unwrap_or_default();
    let sensors =
        list(chip, "temp").into_iter().filter_map(|file| file.strip_suffix("_input").map(str::to_owned));
    sensors
        .filter_map(|sensor| {
            let value = |kind: &str| read_celsius(&chip.join(format!("{sensor}_{kind}")));
            Some(Temperature {
                chip: name.clone(),
                place: read_word(&chip.join(format!("{sensor}_label"))).unwrap_or_else(|| sensor.clone()),
                now_celsius: value("input")?,
                critical_celsius: value("crit"),
            })
        })
        .collect()
}

fn read_zone(zone: &Path, name: &str) -> Option<Temperature> {
    let critical = (0..8).find(|at| {
        read_word(&zone.join(format!("trip_point_{at}_type"))).is_some_and(|kind| kind == "critical")
    });
    Some(Temperature {
        chip: read_word(&zone.join("type"))?,
        place: name.to_owned(),
        now_celsius: read_celsius(&zone.join("temp"))?,
        critical_celsius: critical.and_then(|at| read_celsius(&zone.join(format!("trip_point_{at}_temp")))),
    })
}

/// Thousandths of a degree; `None` where the sensor has no value now.
fn read_celsius(path: &Path) -> Option<f64> {
    let celsius = read_word(path)?.parse::<i32>().ok()? as f64 / 1000.0;
    CELSIUS.contains(&celsius).then_some(celsius)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Vec<Temperature> {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join("sys/class").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Sensors::default().read(&Root::captured(dir.path()))
    }

    #[test]
    fn each_sensor_has_its_chip_its_place_and_its_limit() {
        let said = tree(&[
            ("hwmon/hwmon10/name", "nvme\n"),
            ("hwmon/hwmon10/temp1_input", "38850\n"),
            ("hwmon/hwmon2/name", "coretemp\n"),
            ("hwmon/hwmon2/temp1_input", "45000\n"),
            ("hwmon/hwmon2/temp1_label", "Package id 0\n"),
            ("hwmon/hwmon2/temp1_crit", "100000\n"),
            ("hwmon/hwmon2/temp2_input", "-128000\n"),
            ("hwmon/hwmon2/temp3_label", "no value\n"),
            ("thermal/thermal_zone0/type", "x86_pkg_temp\n"),
            ("thermal/thermal_zone0/temp", "45000\n"),
        ]);
        let one = |chip: &str, place: &str, now_celsius, critical_celsius| Temperature {
            chip: chip.into(),
            place: place.into(),
            now_celsius,
            critical_celsius,
        };
        let wanted = [one("coretemp", "Package id 0", 45.0, Some(100.0)), one("nvme", "temp1", 38.85, None)];
        assert_eq!(said, wanted, "a sensor without a value is not 0, and none is told twice");
    }

    #[test]
    fn a_board_without_chips_tells_its_zones() {
        let said = tree(&[
            ("thermal/thermal_zone0/type", "cpu-thermal\n"),
            ("thermal/thermal_zone0/temp", "51112\n"),
            ("thermal/thermal_zone0/trip_point_0_type", "passive\n"),
            ("thermal/thermal_zone0/trip_point_0_temp", "80000\n"),
            ("thermal/thermal_zone0/trip_point_1_type", "critical\n"),
            ("thermal/thermal_zone0/trip_point_1_temp", "110000\n"),
        ]);
        assert_eq!((said.len(), said[0].now_celsius, said[0].critical_celsius), (1, 51.112, Some(110.0)));
        assert!(tree(&[]).is_empty());
    }
}
