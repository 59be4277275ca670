//! The files of syslog in `/var/log`, where there is no journald.
//!
//! Several files are merged by the times in them. A cursor holds the place in each file, which is
//! known by its inode, so that it is still right after the files were rotated: the place in a file
//! that is not in a cursor is its beginning.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use protocol::journal::{JournalEntry, JournalNews, JournalPage, JournalQuery, JournalSight, JournalSource};
use protocol::{Fault, FaultCode};

use super::back::{Back, Line, read_onward};
use super::syslog::{Hints, parse_line};
use super::{Filter, Gather, Push};
use crate::error::Error;
use crate::root::Root;
use crate::stop::Stop;
use crate::system;

/// Debian's layout, and that of others. Where there is `syslog`, all but sign-ins are in it.
const DEBIAN: [&str; 2] = ["syslog", "auth.log"];
const OTHERS: [&str; 5] = ["messages", "secure", "cron", "maillog", "auth.log"];

/// A page is given with what was found until then.
const PAGE_TIME: Duration = Duration::from_secs(10);
/// How often the files are looked at for new lines.
const LOOK: Duration = Duration::from_millis(250);

struct LogFile {
    file: File,
    inode: u64,
    bytes: u64,
    written_ms: i64,
}

pub(super) struct Files {
    files: Vec<LogFile>,
    offset_s: i32,
    /// Files that this user may not read.
    hidden: u32,
}

impl Files {
    /// A fault where there is no file of syslog, or none that this user may read.
    pub(super) fn of(root: &Root) -> Result<Self, Error> {
        let offset_s = system::read_offset(root, &Stop::default()).unwrap_or(0);
        Self::open(root, offset_s)
    }

    fn open(root: &Root, offset_s: i32) -> Result<Self, Error> {
        let log = root.var.join("log");
        let names: &[&str] = if log.join("syslog").is_file() { &DEBIAN } else { &OTHERS };
        let paths = names.iter().flat_map(|name| ["", ".1"].map(|end| log.join(format!("{name}{end}"))));
        let mut found = Self { files: Vec::new(), offset_s, hidden: 0 };
        for path in paths {
            match open_file(&path) {
                Ok(Some(file)) => found.files.push(file),
                Err(why) if why.kind() == io::ErrorKind::PermissionDenied => found.hidden += 1,
                Ok(None) | Err(_) => {}
            }
        }
        if !found.files.is_empty() {
            return Ok(found);
        }
        let fault = if found.hidden > 0 {
            Fault::new(FaultCode::NotPermitted, "this user may not read the log files of this host")
        } else {
            let message = "this host keeps no log that can be read: neither journald nor files of syslog";
            Fault::new(FaultCode::NotOnThisHost, message)
        };
        Err(fault.about(log.display().to_string()).into())
    }

    fn sight(&self) -> JournalSight {
        if self.hidden > 0 { JournalSight::SomeFiles } else { JournalSight::Whole }
    }

    pub(super) fn read_page(self, query: &JournalQuery, stop: &Stop) -> Result<JournalPage, Error> {
        let sight = self.sight();
        let judge = Judge::of(query);
        let mut gather = Gather::new(query);
        let place = query.before.as_ref().or(query.after.as_ref()).map(|cursor| Places::parse(cursor));
        let until = Instant::now() + PAGE_TIME;
        let mut cut = false;
        let mut take = |entry: JournalEntry| {
            if judge.keeps(&entry) {
                gather.take(entry);
            }
            cut = Instant::now() > until;
            if stop.is_stopped() {
                return Err(Error::Cancelled);
            }
            Ok(!gather.is_done() && !cut)
        };
        if query.after.is_some() {
            let mut places = place.unwrap_or_default();
            while self.read_onward(&mut places, &mut take)? {}
        } else {
            self.read_back(place.as_ref(), &mut take)?;
        }
        let page = gather.finish(query, cut);
        Ok(JournalPage { source: JournalSource::Files, sight, not_filtered: judge.not_filtered, ..page })
    }

    /// Hands on entries from a place backwards, newest first, until `take` wants no more.
    fn read_back(
        self,
        before: Option<&Places>,
        take: &mut dyn FnMut(JournalEntry) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let mut sources = Vec::new();
        for LogFile { file, inode, bytes, written_ms } in self.files {
            let end = before.map_or(bytes, |places| places.before(inode).min(bytes));
            let hints = Hints { written_ms, offset_s: self.offset_s };
            let mut source = BackSource {
                back: Back::new(file, end)?,
                inode,
                end,
                hints,
                last_ms: written_ms,
                next: None,
            };
            source.advance()?;
            sources.push(source);
        }
        loop {
            let newest =
                (0..sources.len()).filter_map(|at| Some((sources.get(at)?.next.as_ref()?.0.at_ms, at))).max();
            let Some((_, at)) = newest else { return Ok(()) };
            let others: Vec<(u64, u64)> = sources.iter().map(|source| (source.inode, source.end)).collect();
            let Some(source) = sources.get_mut(at) else { return Ok(()) };
            let Some((mut entry, start, end)) = source.next.take() else { return Ok(()) };
            source.end = start;
            entry.cursor = cursor(source.inode, start, end, &others);
            source.advance()?;
            if !take(entry)? {
                return Ok(());
            }
        }
    }

    /// Hands on some entries after the places, oldest first, and moves the places on. False if there
    /// was none or `take` wants no more.
    fn read_onward(
        &self,
        places: &mut Places,
        take: &mut dyn FnMut(JournalEntry) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let mut fresh: Vec<(u64, VecDeque<(JournalEntry, Line)>)> = Vec::new();
        for file in &self.files {
            let mut lines = VecDeque::new();
            let mut from = places.after(file.inode);
            if from > file.bytes {
                // It was cut to nothing in its place, as copytruncate of logrotate(8) does.
                from = 0;
            }
            let hints = Hints { written_ms: file.written_ms, offset_s: self.offset_s };
            let mut last_ms = file.written_ms;
            if from < file.bytes {
                for mut line in read_onward(&file.file, from)? {
                    let entry = parse_line(std::mem::take(&mut line.bytes), hints, last_ms);
                    last_ms = entry.at_ms;
                    lines.push_back((entry, line));
                }
            }
            fresh.push((file.inode, lines));
        }
        let mut some = false;
        // The oldest of the next lines of all files; each file stays in its order.
        while let Some((inode, lines)) = fresh
            .iter_mut()
            .filter(|(_, lines)| !lines.is_empty())
            .min_by_key(|(_, lines)| lines.front().map(|(entry, _)| entry.at_ms))
        {
            let (inode, Some((mut entry, line))) = (*inode, lines.pop_front()) else { break };
            some = true;
            let others: Vec<(u64, u64)> =
                self.files.iter().map(|file| (file.inode, places.after(file.inode))).collect();
            entry.cursor = cursor(inode, line.start, line.end, &others);
            places.set(inode, line.start, line.end);
            if !take(entry)? {
                return Ok(false);
            }
        }
        Ok(some)
    }
}

fn open_file(path: &PathBuf) -> io::Result<Option<LogFile>> {
    // Looked at first: opening a pipe would wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let file = File::open(path)?;
    let meta = file.metadata()?;
    let written_ms = meta.mtime().saturating_mul(1_000);
    Ok(Some(LogFile { file, inode: meta.ino(), bytes: meta.len(), written_ms }))
}

/// Pushes the last entries and then new lines as the files grow or are replaced.
pub(super) fn follow(
    root: &Root,
    query: &JournalQuery,
    stop: &Stop,
    push: &mut Push<'_>,
) -> Result<(), Error> {
    let files = Files::of(root)?;
    let offset_s = files.offset_s;
    let (judge, filter) = (Judge::of(query), Filter::of(query));
    let mut news = JournalNews {
        source: JournalSource::Files,
        sight: files.sight(),
        not_filtered: judge.not_filtered.clone(),
        ..JournalNews::default()
    };
    let mut places = match &query.after {
        Some(cursor) => Places::parse(cursor),
        None => {
            // What is written from here on is new.
            let here = files.files.iter().map(|file| (file.inode, (file.bytes, file.bytes))).collect();
            let page = files.read_page(query, stop)?;
            news.sent_before = page.entries.len() as u64;
            let first = JournalNews { entries: page.entries, sent_before: 0, ..news.clone() };
            if !push(first) {
                return Ok(());
            }
            let mut here = Places(here);
            here.keep_whole_lines(root, offset_s);
            here
        }
    };
    while !stop.is_stopped() {
        let mut entries = Vec::new();
        if let Ok(files) = Files::open(root, offset_s) {
            files.read_onward(&mut places, &mut |entry| {
                if judge.keeps(&entry) && filter.keeps(&entry) {
                    entries.push(entry);
                }
                Ok(true)
            })?;
        }
        if entries.is_empty() {
            stop.wait(LOOK);
            continue;
        }
        let count = entries.len() as u64;
        if !push(JournalNews { entries, ..news.clone() }) {
            return Ok(());
        }
        news.sent_before += count;
    }
    Ok(())
}

struct BackSource {
    back: Back,
    inode: u64,
    /// Everything before this was not handed on yet.
    end: u64,
    hints: Hints,
    last_ms: i64,
    /// The next entry with the places of its line.
    next: Option<(JournalEntry, u64, u64)>,
}

impl BackSource {
    fn advance(&mut self) -> Result<(), Error> {
        self.next = self.back.next_line()?.map(|line| {
            let entry = parse_line(line.bytes, self.hints, self.last_ms);
            self.last_ms = entry.at_ms;
            (entry, line.start, line.end)
        });
        Ok(())
    }
}

/// The filters that lines of syslog can be held against.
struct Judge {
    /// The unit without its type, in small letters: compared with the name of the program.
    program: Option<String>,
    priority: Option<u8>,
    not_filtered: Vec<String>,
}

impl Judge {
    fn of(query: &JournalQuery) -> Self {
        let stem = |unit: &String| {
            let stem = unit.rsplit_once('.').map_or(unit.as_str(), |(stem, _)| stem);
            stem.split('@').next().unwrap_or(stem).to_ascii_lowercase()
        };
        let not_filtered = [("unit", query.unit.is_some()), ("priority", query.priority.is_some())]
            .into_iter()
            .filter(|(_, asked)| *asked)
            .map(|(name, _)| name.to_owned())
            .collect();
        Self { program: query.unit.as_ref().map(stem), priority: query.priority, not_filtered }
    }

    /// A line that does not tell its priority is kept.
    fn keeps(&self, entry: &JournalEntry) -> bool {
        let name = entry.identifier.as_deref().unwrap_or_default().to_ascii_lowercase();
        self.program.as_ref().is_none_or(|program| {
            name == *program
                || program.strip_suffix('d') == Some(&name)
                || name.strip_suffix('d') == Some(program)
        }) && self.priority.zip(entry.priority).is_none_or(|(most, priority)| priority <= most)
    }
}

/// For each file, by its inode: where the line of a cursor begins there, and where it ends.
#[derive(Default)]
struct Places(Vec<(u64, (u64, u64))>);

impl Places {
    /// What is not understood is left out: the place there is the beginning.
    fn parse(cursor: &str) -> Self {
        let parts = cursor.split(',').filter_map(|part| {
            let mut numbers = part.split('.').map(|number| number.parse().ok());
            let (inode, start) = (numbers.next()??, numbers.next()??);
            Some((inode, (start, numbers.next().flatten().unwrap_or(start))))
        });
        Self(parts.collect())
    }

    fn before(&self, inode: u64) -> u64 {
        self.find(inode).map_or(0, |(start, _)| start)
    }

    fn after(&self, inode: u64) -> u64 {
        self.find(inode).map_or(0, |(_, end)| end)
    }

    fn find(&self, inode: u64) -> Option<(u64, u64)> {
        self.0.iter().find(|(known, _)| *known == inode).map(|(_, place)| *place)
    }

    fn set(&mut self, inode: u64, start: u64, end: u64) {
        self.0.retain(|(known, _)| *known != inode);
        self.0.push((inode, (start, end)));
    }

    /// Moves each place back to the end of a whole line.
    fn keep_whole_lines(&mut self, root: &Root, offset_s: i32) {
        let Ok(files) = Files::open(root, offset_s) else { return };
        for LogFile { file, inode, .. } in files.files {
            if let Some((_, end)) = self.find(inode)
                && let Ok(back) = Back::new(file, end)
            {
                self.set(inode, back.end(), back.end());
            }
        }
    }
}

/// Inode, start and end of the entry's line, then inode and place of the other files.
fn cursor(inode: u64, start: u64, end: u64, others: &[(u64, u64)]) -> String {
    let mut text = format!("{inode}.{start}.{end}");
    for (other, place) in others.iter().filter(|(other, _)| *other != inode) {
        text += &format!(",{other}.{place}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn tree(files: &[(&str, String)]) -> (tempfile::TempDir, Root) {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(tree.path().join("var/log")).unwrap();
        files.iter().for_each(|(name, text)| write(tree.path(), name, text));
        let root = Root::captured(tree.path());
        (tree, root)
    }

    fn write(tree: &Path, name: &str, text: &str) {
        std::fs::write(tree.join("var/log").join(name), text).unwrap();
    }

    fn line(second: i64, program: &str, text: &str) -> String {
        format!(
            "2026-11-20T{:02}:{:02}:{:02}Z web {program}: {text}\n",
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }

    fn page(root: &Root, query: &JournalQuery) -> JournalPage {
        Files::of(root).unwrap().read_page(query, &Stop::default()).unwrap()
    }

    fn messages(page: &JournalPage) -> Vec<&str> {
        page.entries.iter().map(|entry| entry.message.as_str()).collect()
    }

    #[test]
    fn files_are_merged_by_time_and_paged_back_to_the_first_line() {
        let (all, sign_ins): (Vec<i64>, Vec<i64>) = (0..900).partition(|second| second % 7 != 0);
        let of = |seconds: &[i64], program: &str| -> String {
            seconds.iter().map(|&second| line(second, program, &second.to_string())).collect()
        };
        let (old, new) = all.split_at(400);
        let (_tree, root) = tree(&[
            ("syslog.1", of(old, "a[1]")),
            ("syslog", of(new, "a[1]")),
            ("auth.log", of(&sign_ins, "sshd[2]")),
        ]);
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let query = JournalQuery { before, limit: Some(37), ..JournalQuery::default() };
            let page = page(&root, &query);
            assert!(page.entries.is_sorted_by_key(|entry| entry.at_ms));
            let mut numbers: Vec<i64> = messages(&page).iter().map(|text| text.parse().unwrap()).collect();
            numbers.append(&mut seen);
            seen = numbers;
            before = page.older;
            if before.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..900).collect::<Vec<_>>(), "every line once, in the order of time");
    }

    #[test]
    fn a_page_goes_on_after_its_newest_also_when_the_files_were_rotated() {
        let (tree, root) = tree(&[("messages", line(1, "a", "1") + &line(2, "a", "2"))]);
        let first = page(&root, &JournalQuery::default());
        let log = tree.path().join("var/log");
        let on = |text: &str| {
            use std::io::Write;
            let mut file = std::fs::OpenOptions::new().append(true).open(log.join("messages")).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        on(&line(3, "a", "3"));
        std::fs::rename(log.join("messages"), log.join("messages.1")).unwrap();
        write(tree.path(), "messages", &(line(4, "a", "4") + "2026-11-20T00:00:05Z web a: half"));
        let query = JournalQuery { after: first.newer, ..JournalQuery::default() };
        let next = page(&root, &query);
        assert_eq!(messages(&next), ["3", "4"]);
        let none = page(&root, &JournalQuery { after: next.newer.clone(), ..JournalQuery::default() });
        assert_eq!((none.entries.len(), none.newer), (0, next.newer.clone()));
        let back = page(&root, &JournalQuery { before: next.newer, ..JournalQuery::default() });
        assert_eq!(messages(&back), ["1", "2", "3"], "the cursor's own entry is not before itself");
    }

    #[test]
    fn filters_are_applied_as_far_as_the_lines_tell_and_the_rest_is_said() {
        let text = line(1, "cron[3]", "job") + &line(2, "CRON[4]", "Job two") + &line(3, "sshd", "in");
        let (_tree, root) = tree(&[("syslog", text)]);
        let cron = JournalQuery {
            unit: Some("cron.service".into()),
            priority: Some(3),
            text: "JOB".into(),
            ..JournalQuery::default()
        };
        let found = page(&root, &cron);
        assert_eq!(messages(&found), ["job", "Job two"]);
        assert_eq!(found.not_filtered, ["unit", "priority"]);
        let ssh = JournalQuery { unit: Some("ssh.service".into()), ..JournalQuery::default() };
        assert_eq!(messages(&page(&root, &ssh)), ["in"]);
        let at_ms = found.entries[1].at_ms;
        let since = JournalQuery { since_ms: Some(at_ms), until_ms: Some(at_ms), ..JournalQuery::default() };
        assert_eq!(messages(&page(&root, &since)), ["Job two"]);
    }

    #[test]
    fn a_follow_sees_what_is_written_cut_and_replaced() {
        let (tree, root) = tree(&[("messages", line(1, "a", "1") + "2026-11-20T00:00:02Z web a: ha")]);
        let stop = Stop::default();
        let (told, news) = std::sync::mpsc::channel();
        let follow = {
            let stop = stop.clone();
            std::thread::spawn(move || {
                let query = JournalQuery { limit: Some(5), ..JournalQuery::default() };
                follow(&root, &query, &stop, &mut |news| told.send(news).is_ok())
            })
        };
        let next = || news.recv_timeout(Duration::from_secs(9)).unwrap();
        let texts = |news: &JournalNews| -> Vec<String> {
            news.entries.iter().map(|entry| entry.message.clone()).collect()
        };
        assert_eq!(texts(&next()), ["1"]);
        write(tree.path(), "messages", &(line(1, "a", "1") + &line(2, "a", "half and whole")));
        let second = next();
        assert_eq!((texts(&second), second.sent_before), (vec!["half and whole".to_owned()], 1));
        write(tree.path(), "messages", &line(3, "a", "3"));
        assert_eq!(texts(&next()), ["3"], "a file that was cut is read from its beginning");
        stop.stop();
        follow.join().unwrap().unwrap();
    }

    #[test]
    fn no_log_and_one_that_may_not_be_read_are_two_faults() {
        let (tree, root) = tree(&[]);
        let code = || Fault::from(Files::of(&root).err().unwrap()).code;
        assert_eq!(code(), FaultCode::NotOnThisHost);
        std::fs::create_dir(tree.path().join("var/log/syslog")).unwrap();
        assert_eq!(code(), FaultCode::NotOnThisHost, "what is no file is no log");
    }
}
