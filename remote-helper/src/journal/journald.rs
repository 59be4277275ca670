//! journald, by journalctl(1) as a child with fixed words.
//!
//! A place is given as `--cursor`, which journalctl takes to include; the entry of that place is
//! left out here.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use protocol::hosts::Sudo;
use protocol::journal::{
    JOURNALCTL_FIELDS, JournalEntry, JournalNews, JournalPage, JournalQuery, JournalSight, JournalSource,
    journalctl_time,
};
use protocol::text::printable;
use protocol::{Fault, FaultCode};

use super::entry::parse_entry;
use super::lines::Lines;
use super::{Filter, Gather, Push};
use crate::children::{
    Attend, End, Ended, SUDO, Sink, ends_with_us, find_tool, sudo_present, sudo_refusal, tool_command,
};
use crate::clock;
use crate::error::Error;
use crate::root::{Root, lossy};
use crate::stop::Stop;

/// A page is given with what was found until then.
const PAGE_TIME: Duration = Duration::from_secs(15);
/// Before journalctl is started again where a follow broke off.
const PAUSE: Duration = Duration::from_secs(1);
/// So often in a row without an entry, and the follow is given up.
const FAILURES_LIMIT: u32 = 5;
const STDERR_LIMIT_BYTES: usize = 8 << 10;

/// What journalctl says when it may not see the entries of the system.
const OWN_ONLY: &str = "not seeing messages from other users";
const NOTHING: &str = "insufficient permissions";
/// Versions before 236 give every field and do not know the option.
const NO_FIELDS: &str = "output-fields";

pub(super) struct Journald {
    path: PathBuf,
    sudo: bool,
}

/// What a run of journalctl came to.
struct Ran {
    ended: Ended,
    stderr: String,
    left_out: u32,
}

impl Ran {
    fn has_failed(&self) -> bool {
        self.ended.why == End::Itself && self.ended.code != Some(0)
    }
}

impl Journald {
    /// `None` where journald keeps no log.
    pub(super) fn of(root: &Root, sudo: Sudo) -> Option<Self> {
        let has_files = |dir: PathBuf| {
            std::fs::read_dir(dir).is_ok_and(|entries| entries.flatten().any(|entry| entry.path().is_dir()))
        };
        let keeps = root.run.join("systemd/journal/socket").exists()
            || has_files(root.run.join("log/journal"))
            || has_files(root.var.join("log/journal"));
        if !root.is_live() || !keeps {
            return None;
        }
        let path = find_tool("journalctl").ok()?;
        Some(Self { path, sudo: sudo == Sudo::Nopasswd && sudo_present().is_ok() })
    }

    pub(super) fn read_page(&self, query: &JournalQuery, stop: &Stop) -> Result<JournalPage, Error> {
        let place = query.before.as_ref().or(query.after.as_ref());
        let mut gather = Gather::new(query);
        let ran = self.run(&query.journalctl_page(), Some(PAGE_TIME), stop, &mut |entry| {
            if place != Some(&entry.cursor) {
                gather.take(entry);
            }
            if gather.is_done() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let cut = match ran.ended.why {
            End::Limit if gather.looked_at == 0 => {
                let limit_ms = u64::try_from(PAGE_TIME.as_millis()).unwrap_or(u64::MAX);
                return Err(Error::ToolTimedOut { tool: "journalctl".into(), limit_ms });
            }
            End::Limit => true,
            End::Stopped => return Err(Error::Cancelled),
            End::Itself | End::Enough => false,
        };
        let sight = judge(&ran.stderr, ran.has_failed(), gather.looked_at > 0)?;
        let page = gather.finish(query, cut);
        Ok(JournalPage { source: JournalSource::Journald, sight, left_out: ran.left_out, ..page })
    }

    pub(super) fn follow(&self, query: &JournalQuery, stop: &Stop, push: &mut Push<'_>) -> Result<(), Error> {
        let began_ms = clock::now_ms();
        let mut place = query.after.clone();
        let mut sent = 0;
        let mut news = JournalNews { source: JournalSource::Journald, ..JournalNews::default() };
        if place.is_none() {
            let page = self.read_page(query, stop)?;
            place = page.newer;
            (news.sight, news.left_out) = (page.sight, page.left_out);
            sent = page.entries.len() as u64;
            if !push(JournalNews { entries: page.entries, ..news.clone() }) {
                return Ok(());
            }
        }
        let filter = Filter::of(query);
        let mut failures = 0;
        loop {
            let mut words = query.journalctl_filters();
            words.extend(["--follow".into(), "--no-tail".into()]);
            words.push(match &place {
                Some(place) => format!("--cursor={place}"),
                None => format!("--since={}", journalctl_time(began_ms)),
            });
            let ran = self.run_batched(&words, stop, &mut |entries, left_out| {
                failures = 0;
                let mut fresh = entries;
                fresh.retain(|entry| place.as_ref() != Some(&entry.cursor));
                if let Some(last) = fresh.last() {
                    place = Some(last.cursor.clone());
                }
                fresh.retain(|entry| filter.keeps(entry));
                if fresh.is_empty() && left_out == 0 {
                    return true;
                }
                let count = fresh.len() as u64;
                let went = push(JournalNews { entries: fresh, sent_before: sent, left_out, ..news.clone() });
                sent += count;
                went
            })?;
            match ran.ended.why {
                End::Stopped | End::Enough | End::Limit => return Ok(()),
                End::Itself => {}
            }
            // journalctl follows until it is ended: something ended it, and it is begun again.
            judge(&ran.stderr, ran.has_failed(), false)?;
            failures += 1;
            if failures >= FAILURES_LIMIT {
                let said = printable(ran.stderr.trim()).into_owned();
                return Err(Error::ToolSaid { tool: "journalctl".into(), said });
            }
            if stop.wait(PAUSE) {
                return Ok(());
            }
        }
    }

    fn run(
        &self,
        words: &[String],
        limit: Option<Duration>,
        stop: &Stop,
        hand_on: &mut dyn FnMut(JournalEntry) -> ControlFlow<()>,
    ) -> Result<Ran, Error> {
        self.attend(words, limit, stop, &mut |entries, _| {
            entries.into_iter().try_for_each(&mut *hand_on).is_continue()
        })
    }

    fn run_batched(&self, words: &[String], stop: &Stop, hand_on: &mut Batch<'_>) -> Result<Ran, Error> {
        self.attend(words, None, stop, hand_on)
    }

    /// Runs journalctl; again without what the host's version or its sudoers do not allow.
    fn attend(
        &self,
        words: &[String],
        limit: Option<Duration>,
        stop: &Stop,
        hand_on: &mut Batch<'_>,
    ) -> Result<Ran, Error> {
        let (mut sudo, mut fields) = (self.sudo, true);
        loop {
            let mut out = Out { lines: Lines::default(), entries: 0, left_out: 0, enough: false, hand_on };
            let mut err = Tail::default();
            let child = ends_with_us(&mut self.command(words, sudo, fields))
                .spawn()
                .map_err(|cause| Error::ToolStart { tool: "journalctl".into(), cause })?;
            let ended = Attend { child, limit, stop, as_root: sudo }.wait(&mut out, &mut err);
            let (empty, left_out) = (out.entries == 0, out.left_out);
            let stderr = lossy(err.0);
            if ended.why == End::Itself && ended.code != Some(0) && empty {
                if sudo && sudo_refusal(&stderr).is_err() {
                    sudo = false;
                    continue;
                }
                if fields && stderr.contains(NO_FIELDS) {
                    fields = false;
                    continue;
                }
            }
            return Ok(Ran { ended, stderr, left_out });
        }
    }

    fn command(&self, words: &[String], sudo: bool, fields: bool) -> Command {
        let mut command = tool_command(if sudo { Path::new(SUDO) } else { &self.path });
        if sudo {
            command.args(["-n", "--"]).arg(&self.path);
        }
        command.args(["--no-pager", "--output=json", "--all"]);
        if fields {
            command.arg(format!("--output-fields={JOURNALCTL_FIELDS}"));
        }
        command.args(words);
        command
    }
}

/// How much this user sees, by what journalctl said on stderr.
fn judge(stderr: &str, failed: bool, has_entries: bool) -> Result<JournalSight, Error> {
    let line = |words: &str| stderr.lines().find(|line| line.contains(words)).map(printable);
    if !has_entries && let Some(said) = line(NOTHING) {
        let message = "this user may not read the journal of this host";
        return Err(Fault::new(FaultCode::NotPermitted, message).about("journal").because(said).into());
    }
    if line(OWN_ONLY).is_some() || line(NOTHING).is_some() {
        return Ok(JournalSight::OwnOnly);
    }
    match stderr.lines().rfind(|line| !line.trim().is_empty()) {
        Some(last) if failed && !has_entries => {
            Err(Error::ToolSaid { tool: "journalctl".into(), said: printable(last).into_owned() })
        }
        _ => Ok(JournalSight::Whole),
    }
}

/// The page of a tree that was read from another machine. `tools/journal` has what journalctl gave
/// there, newest first or on from a cursor, as far as it was read, and `tools/journal-end` what it
/// said on stderr and, at last, how it ended.
pub(super) fn read_said(root: &Root, query: &JournalQuery) -> Result<JournalPage, Error> {
    let (Some(said), Some(end)) = (root.said("journal"), root.said("journal-end")) else {
        let message = "without the helper only the log of journald can be read, and this host has none";
        return Err(Fault::new(FaultCode::NotOnThisHost, message).about("journal").into());
    };
    let place = query.before.as_ref().or(query.after.as_ref());
    let mut gather = Gather::new(query);
    let (mut left_out, mut lines) = (0, 0);
    for line in said.lines().filter(|line| line.starts_with('{')) {
        lines += 1;
        match parse_entry(line.as_bytes()) {
            Some(entry) if place == Some(&entry.cursor) => {}
            Some(entry) => gather.take(entry),
            None => left_out += 1,
        }
    }
    let (stderr, status) = end.trim_end().rsplit_once('\n').unwrap_or(("", end.trim_end()));
    // Whoever closes its output early ends it by SIGPIPE: there was more.
    let cut = status == "141" || lines >= query.journalctl_lines();
    let sight = judge(stderr, status != "0" && !cut, gather.looked_at > 0)?;
    let page = gather.finish(query, cut);
    Ok(JournalPage { source: JournalSource::Journald, sight, left_out, ..page })
}

/// Takes the entries of one read with the count of those left out; false if it had enough.
type Batch<'a> = dyn FnMut(Vec<JournalEntry>, u32) -> bool + 'a;

struct Out<'a, 'b> {
    lines: Lines,
    entries: u64,
    left_out: u32,
    enough: bool,
    hand_on: &'a mut Batch<'b>,
}

impl Sink for Out<'_, '_> {
    fn take(&mut self, bytes: &[u8]) {
        if self.enough {
            return;
        }
        let mut entries = Vec::new();
        let mut left_out = 0;
        self.lines.feed(bytes, |line| match line.map(parse_entry) {
            Some(Some(entry)) => entries.push(entry),
            Some(None) if line.is_some_and(|line| !line.starts_with(b"{")) => {}
            Some(None) | None => left_out += 1,
        });
        self.entries += entries.len() as u64;
        self.left_out += left_out;
        if !entries.is_empty() || left_out > 0 {
            self.enough = !(self.hand_on)(entries, left_out);
        }
    }

    fn has_enough(&self) -> bool {
        self.enough
    }
}

/// The first words on stderr, which are those that matter.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Sink for Tail {
    fn take(&mut self, bytes: &[u8]) {
        let room = STDERR_LIMIT_BYTES.saturating_sub(self.0.len()).min(bytes.len());
        self.0.extend_from_slice(bytes.get(..room).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::mpsc::channel;

    /// A journalctl that says what it was asked, then runs a script.
    fn fake(script: &str) -> (tempfile::TempDir, Journald) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journalctl");
        let text =
            format!("#!/bin/sh\nD={}\nprintf '%s\\n' \"$*\" >>$D/asked\n{script}\n", dir.path().display());
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        (dir, Journald { path, sudo: false })
    }

    fn asked(dir: &tempfile::TempDir) -> Vec<String> {
        let text = std::fs::read_to_string(dir.path().join("asked")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    const LINE: &str = r#"say() { printf '{"__CURSOR":"s=1;i=%s","__REALTIME_TIMESTAMP":"%s000000","MESSAGE":"m%s"}\n' "$1" "$1" "$1"; }"#;

    fn cursor(number: u32) -> Option<String> {
        Some(format!("s=1;i={number}"))
    }

    #[test]
    fn a_page_reads_no_more_than_it_gives_and_never_the_place_itself() {
        let script = format!("{LINE}\ni=100; while :; do say $i; i=$((i - 1)); done");
        let (dir, journald) = fake(&script);
        let query = JournalQuery {
            unit: Some("cron.service".into()),
            priority: Some(4),
            before: cursor(100),
            limit: Some(3),
            ..JournalQuery::default()
        };
        let page = journald.read_page(&query, &Stop::default()).unwrap();
        let messages: Vec<&str> = page.entries.iter().map(|entry| entry.message.as_str()).collect();
        assert_eq!((messages.as_slice(), page.older), (&["m97", "m98", "m99"][..], cursor(97)));
        assert_eq!((page.looked_at, page.left_out, page.sight), (3, 0, JournalSight::Whole));
        assert_eq!(
            asked(&dir),
            [format!(
                "--no-pager --output=json --all --output-fields={JOURNALCTL_FIELDS} --unit=cron.service --priority=4 --reverse --cursor=s=1;i=100"
            )]
        );
    }

    #[test]
    fn an_old_journalctl_is_asked_again_without_what_it_does_not_know() {
        let script = format!(
            "case $* in *output-fields*) echo \"journalctl: unrecognized option '--output-fields=X'\" >&2; exit 1;; esac\n{LINE}\nsay 7"
        );
        let (dir, journald) = fake(&script);
        let page = journald.read_page(&JournalQuery::default(), &Stop::default()).unwrap();
        assert_eq!((page.entries.len(), asked(&dir).len()), (1, 2));
    }

    #[test]
    fn what_this_user_may_not_read_is_said() {
        let hint = "echo 'Hint: You are currently not seeing messages from other users and the system.' >&2";
        let (_dir, journald) = fake(&format!("{LINE}\n{hint}\nsay 1"));
        let page = journald.read_page(&JournalQuery::default(), &Stop::default()).unwrap();
        assert_eq!((page.sight, page.entries.len()), (JournalSight::OwnOnly, 1));
        let (_dir, journald) =
            fake("echo 'No journal files were opened due to insufficient permissions.' >&2; exit 1");
        let fault = Fault::from(journald.read_page(&JournalQuery::default(), &Stop::default()).unwrap_err());
        assert_eq!(fault.code, FaultCode::NotPermitted);
        let (_dir, journald) = fake("echo 'Failed to open /x: Input/output error' >&2; exit 1");
        let fault = Fault::from(journald.read_page(&JournalQuery::default(), &Stop::default()).unwrap_err());
        assert!(fault.message.contains("Input/output error"), "{fault}");
    }

    #[test]
    fn what_is_no_entry_or_too_long_is_counted() {
        let script = format!(
            "{LINE}\nsay 3; echo '{{\"MESSAGE\":\"no place\"}}'; echo '-- Boot x --'; head -c 2000000 /dev/zero | tr '\\0' x; echo; say 1"
        );
        let (_dir, journald) = fake(&script);
        let page = journald.read_page(&JournalQuery::default(), &Stop::default()).unwrap();
        assert_eq!((page.entries.len(), page.left_out), (2, 2));
    }

    #[test]
    fn a_follow_begins_with_the_last_entries_and_goes_on_where_journalctl_broke_off() {
        let script = format!(
            "{LINE}\ncase $* in *--reverse*) say 2; say 1;; *i=2*) say 2; say 3; say 4; exit 1;; *i=4*) say 4; say 5; exec sleep 60;; esac"
        );
        let (dir, journald) = fake(&script);
        let stop = Stop::default();
        let (told, news) = channel();
        let following = {
            let stop = stop.clone();
            std::thread::spawn(move || {
                journald.follow(&JournalQuery::default(), &stop, &mut |news| told.send(news).is_ok())
            })
        };
        let mut got = Vec::new();
        while got.len() < 5 {
            let news: JournalNews = news.recv_timeout(Duration::from_secs(9)).unwrap();
            assert_eq!(news.sent_before, got.len() as u64);
            got.extend(news.entries.into_iter().map(|entry| entry.message));
        }
        assert_eq!(got, ["m1", "m2", "m3", "m4", "m5"]);
        stop.stop();
        following.join().unwrap().unwrap();
        let words = asked(&dir);
        assert!(words[1].ends_with("--follow --no-tail --cursor=s=1;i=2"), "{words:?}");
    }

    #[test]
    fn a_reader_that_takes_nothing_holds_the_child_up() {
        let script = format!(
            "{LINE}\ncase $* in *--reverse*) exit 0;; esac\ni=1; while :; do say $i; echo $i >$D/at; i=$((i + 1)); done"
        );
        let (dir, journald) = fake(&script);
        let (told, news) = std::sync::mpsc::sync_channel(0);
        let stop = Stop::default();
        let following = {
            let stop = stop.clone();
            std::thread::spawn(move || {
                journald.follow(&JournalQuery::default(), &stop, &mut |news| told.send(news).is_ok())
            })
        };
        assert!(news.recv().unwrap().entries.is_empty(), "the first page");
        let first = news.recv().unwrap().entries.len();
        let at = || std::fs::read_to_string(dir.path().join("at")).unwrap_or_default();
        let mut was = String::new();
        let begun = std::time::Instant::now();
        while at() != was || was.is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(20), "the child was never held up");
            was = at();
            std::thread::sleep(Duration::from_millis(300));
        }
        let mut next = first as u64 + 1;
        for _ in 0..20 {
            for entry in news.recv().unwrap().entries {
                assert_eq!(entry.message, format!("m{next}"), "nothing is lost while it waits");
                next += 1;
            }
        }
        drop(news);
        following.join().unwrap().unwrap();
    }
}
