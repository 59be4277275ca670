//! Scheduled jobs of cron: crontab(5) of the system and of users, as far as this user may read.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use protocol::system::ScheduledJob;

use crate::error::Error;
use crate::root::{Root, read_text};

/// More jobs than a person could read are not kept.
const JOBS_LIMIT: usize = 5_000;

#[derive(Debug, Default)]
pub(super) struct Crontabs {
    pub(super) jobs: Vec<ScheduledJob>,
    /// Files and folders that this user may not read.
    pub(super) unreadable: u32,
}

pub(super) fn read_crontabs(root: &Root) -> Crontabs {
    let mut found = Crontabs::default();
    found.read(&root.etc.join("crontab"), "/etc/crontab", Owner::InLine);
    found.read(&root.etc.join("anacrontab"), "/etc/anacrontab", Owner::Anacron);
    for (name, path) in found.list(&root.etc.join("cron.d")) {
        found.read(&path, &format!("/etc/cron.d/{name}"), Owner::InLine);
    }
    // Debian keeps the tables in the inner folder, Red Hat in the outer one.
    for folder in ["crontabs", "tabs", ""] {
        for (name, path) in found.list(&root.var.join("spool/cron").join(folder)) {
            let source = Path::new("/var/spool/cron").join(folder).join(&name).display().to_string();
            found.read(&path, &source, Owner::Named(&name));
        }
    }
    found.jobs.truncate(JOBS_LIMIT);
    found
}

/// Whose jobs a table has.
#[derive(Clone, Copy)]
enum Owner<'a> {
    /// The sixth field of each line.
    InLine,
    /// anacrontab(5), which is root's.
    Anacron,
    Named(&'a str),
}

impl Crontabs {
    /// Files of a folder that cron would read, by name.
    fn list(&mut self, folder: &Path) -> Vec<(String, PathBuf)> {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(cause) => {
                self.unreadable += u32::from(cause.kind() == ErrorKind::PermissionDenied);
                return Vec::new();
            }
        };
        let mut files: Vec<(String, PathBuf)> = entries
            .flatten()
            .filter(|entry| entry.path().is_file())
            .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
            .filter(|(name, _)| !is_left_over(name))
            .collect();
        files.sort();
        files
    }

    fn read(&mut self, path: &Path, source: &str, owner: Owner<'_>) {
        match read_text(path) {
            Ok(text) => self.jobs.extend(parse_crontab(&text, source, owner)),
            Err(Error::Read { cause, .. }) if cause.kind() == ErrorKind::PermissionDenied => {
                self.unreadable += 1
            }
            Err(_) => {}
        }
    }
}

/// What cron itself does not read: hidden files, and what editors and package managers leave.
fn is_left_over(name: &str) -> bool {
    name.starts_with(['.', '#']) || name.ends_with('~') || name.contains(".dpkg-") || name.contains(".rpm")
}

fn parse_crontab(text: &str, source: &str, owner: Owner<'_>) -> Vec<ScheduledJob> {
    let mut zone = None;
    text.lines().filter_map(|line| parse_line(line.trim(), source, owner, &mut zone)).collect()
}

fn parse_line(line: &str, source: &str, owner: Owner<'_>, zone: &mut Option<String>) -> Option<ScheduledJob> {
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    if let Some((name, value)) = parse_assignment(line) {
        if name == "CRON_TZ" {
            *zone = Some(value.to_owned());
        }
        return None;
    }
    let fields = if line.starts_with('@') { 1 } else { 5 };
    let (schedule, user, runs) = match owner {
        Owner::Named(user) => {
            let (schedule, runs) = split_fields(line, fields)?;
            (schedule, user.to_owned(), runs)
        }
        Owner::InLine => {
            let (schedule, rest) = split_fields(line, fields)?;
            let (user, runs) = split_fields(rest, 1)?;
            (schedule, user, runs)
        }
        Owner::Anacron => {
            // Period in days or a word, delay in minutes, name of the job.
            let (period, rest) = split_fields(line, 1)?;
            let (_, runs) = split_fields(rest, 2)?;
            let schedule = if period.starts_with('@') { period } else { format!("every {period} days") };
            (schedule, "root".to_owned(), runs)
        }
    };
    // A leading `-` is cron's word for "do not log", not a part of the name.
    let user = user.trim_start_matches('-').to_owned();
    (!runs.is_empty()).then(|| ScheduledJob {
        kind: "cron".into(),
        source: source.to_owned(),
        schedule: Some(schedule),
        user: Some(user),
        time_zone: zone.clone(),
        runs: runs.to_owned(),
        next_ms: None,
        last_ms: None,
    })
}

/// `NAME=value`, with spaces round the sign or quotes round either.
fn parse_assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = bare(name);
    let is_name = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then(|| (name, bare(value)))
}

fn bare(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

/// Splits off so many words, joined by one space each, and the rest as it is.
fn split_fields(line: &str, count: usize) -> Option<(String, &str)> {
    let mut words = Vec::with_capacity(count);
    let mut rest = line.trim_start();
    for _ in 0..count {
        let (word, after) = rest.split_once([' ', '\t'])?;
        words.push(word);
        rest = after.trim_start();
    }
    Some((words.join(" "), rest))
}

/// What holds whatever a table says.
#[cfg(any(test, feature = "fuzz"))]
pub(super) fn check(text: &str) {
    for owner in [Owner::InLine, Owner::Anacron, Owner::Named("eve")] {
        for job in parse_crontab(text, "x", owner) {
            assert!(!job.runs.is_empty() && job.schedule.is_some_and(|schedule| !schedule.is_empty()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETC_CRONTAB: &str = "# /etc/crontab\nSHELL=/bin/sh\nPATH = /usr/bin\n\
        17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n\
        @reboot www-data /usr/bin/warm \"a = b\"\n*/5 * * * * -root x\n1 2 3\n";

    #[test]
    fn jobs_of_the_system_have_their_user_in_the_line() {
        let jobs = parse_crontab(ETC_CRONTAB, "/etc/crontab", Owner::InLine);
        let rows: Vec<(&str, &str, &str)> = jobs
            .iter()
            .map(|job| (job.schedule.as_deref().unwrap(), job.user.as_deref().unwrap(), job.runs.as_str()))
            .collect();
        assert_eq!(
            rows,
            [
                ("17 * * * *", "root", "cd / && run-parts --report /etc/cron.hourly"),
                ("@reboot", "www-data", "/usr/bin/warm \"a = b\""),
                ("*/5 * * * *", "root", "x"),
            ]
        );
    }

    #[test]
    fn a_zone_of_their_own_is_told_with_the_jobs_below_it_and_anacron_with_its_period() {
        let text = "1 1 1 1 1 a\nCRON_TZ = \"Asia/Tokyo\"\n2 2 2 2 2 b\n";
        let zones: Vec<_> =
            parse_crontab(text, "x", Owner::Named("eve")).into_iter().map(|job| job.time_zone).collect();
        assert_eq!(zones, [None, Some("Asia/Tokyo".into())]);
        let anacron =
            "RANDOM_DELAY=45\n7\t25\tcron.weekly\t\tnice run-parts /etc/cron.weekly\n@monthly 45 m x\n";
        let jobs = parse_crontab(anacron, "/etc/anacrontab", Owner::Anacron);
        let told: Vec<_> =
            jobs.iter().map(|job| (job.schedule.as_deref().unwrap(), job.runs.as_str())).collect();
        assert_eq!(told, [("every 7 days", "nice run-parts /etc/cron.weekly"), ("@monthly", "x")]);
    }

    #[test]
    fn jobs_of_a_user_have_the_user_from_the_files_name() {
        let jobs = parse_crontab("0 3 * * 1 backup --all=yes\nMAILTO=\"\"\n", "x", Owner::Named("eve"));
        assert_eq!(
            (jobs.len(), jobs[0].user.as_deref(), jobs[0].runs.as_str()),
            (1, Some("eve"), "backup --all=yes")
        );
    }

    #[test]
    fn every_place_is_read_and_left_overs_are_not() {
        let tree = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("etc/crontab", "1 1 1 1 1 root a\n"),
            ("etc/cron.d/e2scrub", "2 2 2 2 2 root b\n"),
            ("etc/cron.d/.placeholder", "3 3 3 3 3 root c\n"),
            ("etc/cron.d/x.dpkg-old", "3 3 3 3 3 root c\n"),
            ("var/spool/cron/crontabs/eve", "4 4 4 4 4 d\n"),
            ("var/spool/cron/adam", "5 5 5 5 5 e\n"),
        ] {
            let path = tree.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let found = read_crontabs(&Root::captured(tree.path()));
        let rows: Vec<_> = found.jobs.iter().map(|job| (job.source.as_str(), job.runs.as_str())).collect();
        assert_eq!(
            rows,
            [
                ("/etc/crontab", "a"),
                ("/etc/cron.d/e2scrub", "b"),
                ("/var/spool/cron/crontabs/eve", "d"),
                ("/var/spool/cron/adam", "e"),
            ]
        );
        assert_eq!(found.unreadable, 0);
    }
}
