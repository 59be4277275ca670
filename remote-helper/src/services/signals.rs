//! `Signals`: which units are other than they were, as systemd itself says on the bus.
//!
//! While somebody reads the table again and again, a thread hears systemd's signals and says at once
//! that the table changed (`Changed`). The next reading then asks for the few units that changed, and
//! the list is not read. A signal says nothing of what a unit is now. Where the bus is not there, or
//! goes away, every reading is of all units, that is said in the table, and the bus is tried again.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::bus::Bus;
use super::message::Signal;
use crate::changed::{Changed, Noun};
use crate::root::Root;
use crate::stop::Stop;

/// After a first signal, those that belong to the same change are waited for.
const GATHER: Duration = Duration::from_millis(100);
/// How soon an end is noticed.
const LOOK: Duration = Duration::from_millis(250);
/// Between two tries to reach the bus; the first is sooner, since a bus that was restarted is back soon.
const AGAIN: Duration = Duration::from_secs(5);
const FIRST_AGAIN: Duration = Duration::from_millis(500);
/// When all units may have changed, as after a reload of systemd, that is not said more often.
const ALL_GAP: Duration = Duration::from_secs(1);
/// More units at once are asked for with all the others.
const NAMES_LIMIT: usize = 400;
/// All are read after this time in any case: no signal tells of memory.
const ALL_AFTER: Duration = Duration::from_secs(60);

/// What must be asked to have all units right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) all: bool,
    /// Unit files changed, so units that are only installed are to be looked for too.
    pub(super) files: bool,
    pub(super) changed: BTreeSet<String>,
    /// Loaded since, which need not mean more than that somebody asked for it.
    pub(super) loaded: BTreeSet<String>,
    /// Let go by systemd: it does not run, or is no more. To ask for it would load it again, and be
    /// a change again.
    pub(super) gone: BTreeSet<String>,
}

impl Due {
    fn is_empty(&self) -> bool {
        !self.all && self.changed.is_empty() && self.loaded.is_empty() && self.gone.is_empty()
    }

    fn add(&mut self, signal: Signal) {
        match signal {
            Signal::Changed(unit) | Signal::JobEnded { unit, .. } if is_listed(&unit) => {
                self.gone.remove(&unit);
                self.changed.insert(unit);
            }
            Signal::New(unit) if is_listed(&unit) => {
                self.gone.remove(&unit);
                self.loaded.insert(unit);
            }
            Signal::Removed(unit) if is_listed(&unit) => {
                self.changed.remove(&unit);
                self.loaded.remove(&unit);
                self.gone.insert(unit);
            }
            Signal::Changed(_) | Signal::JobEnded { .. } | Signal::New(_) | Signal::Removed(_) => {}
            Signal::All => (self.all, self.files) = (true, true),
            Signal::Gone => self.all = true,
        }
        self.all |= self.changed.len() > NAMES_LIMIT;
    }
}

/// True for the kinds of units that the table has.
fn is_listed(unit: &str) -> bool {
    let kind = unit.rsplit_once('.').map(|(_, kind)| kind);
    matches!(kind, Some("service" | "socket" | "timer" | "mount"))
}

#[derive(Debug, Default)]
struct State {
    /// Threads that hear signals now.
    hearing: usize,
    due: Due,
    read_all: Option<Instant>,
    why_deaf: Option<String>,
}

/// What was heard and not asked for yet; shared by all who read the table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals {
    state: Arc<Mutex<State>>,
}

/// Hears until it is dropped.
pub(crate) struct Hearing(Stop);

impl Drop for Hearing {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl Signals {
    /// Begins to hear, in a thread of its own that ends with what is given back. Nothing is heard, and
    /// nothing is to be said about it, where systemd does not run the host.
    pub(crate) fn hear(&self, root: &Root, changed: &Changed, stop: &Stop) -> Option<Hearing> {
        if !root.is_live() || !root.has_systemd() {
            return None;
        }
        let (signals, changed, until) = (self.clone(), changed.clone(), stop.another());
        let hearing = Hearing(until.clone());
        let socket = root.run.join("dbus/system_bus_socket");
        let thread = std::thread::Builder::new().name("unit-signals".into()).stack_size(256 << 10);
        let started = thread.spawn(move || signals.hear_on(&socket, &changed, &until));
        if let Err(why) = started {
            self.lock().why_deaf = Some(why.to_string());
        }
        Some(hearing)
    }

    /// What is to be asked now; what is heard from now on is due the next time.
    pub(super) fn take_due(&self) -> Due {
        let mut state = self.lock();
        let mut due = std::mem::take(&mut state.due);
        due.all |= state.hearing == 0 || state.read_all.is_none_or(|read| read.elapsed() >= ALL_AFTER);
        if due.all {
            state.read_all = Some(Instant::now());
        }
        due
    }

    /// All is due the next time, as after a reading that failed.
    pub(crate) fn put_back(&self) {
        self.lock().read_all = None;
    }

    /// Why changes are looked for and not heard, if somebody wants to hear them.
    pub(super) fn why_deaf(&self) -> Option<String> {
        self.lock().why_deaf.clone()
    }

    fn hear_on(&self, socket: &Path, changed: &Changed, until: &Stop) {
        let mut again = FIRST_AGAIN;
        while !until.is_stopped() {
            let lost = match listen(socket) {
                Ok(bus) => {
                    again = FIRST_AGAIN;
                    {
                        let mut state = self.lock();
                        state.hearing += 1;
                        state.due.all = true;
                        state.why_deaf = None;
                    }
                    changed.tell(Noun::Services);
                    let lost = self.take_signals(bus, changed, until);
                    self.lock().hearing -= 1;
                    lost
                }
                Err(why) => Err(why),
            };
            let Err(why) = lost else { return };
            let is_news = self.lock().why_deaf.replace(why.to_string()).is_none();
            if is_news {
                crate::log::warn(&format!("changes of units are not heard: {why}"));
                changed.tell(Noun::Services);
            }
            if until.wait(again) {
                return;
            }
            again = AGAIN;
        }
    }

    /// Ends well when it is to stop, and with the reason when the bus is of no more use.
    fn take_signals(&self, mut bus: Bus, changed: &Changed, until: &Stop) -> io::Result<()> {
        while !until.is_stopped() {
            let Some(signal) = bus.next_signal(LOOK)? else { continue };
            let mut due = Due::default();
            let gathered = Instant::now() + GATHER;
            let mut next = Some(signal);
            loop {
                match next {
                    Some(Signal::Gone) => return Err(io::Error::other("systemd was started anew")),
                    Some(signal) => due.add(signal),
                    None => {}
                }
                let left = gathered.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                next = bus.next_signal(left)?;
            }
            if due.is_empty() {
                continue;
            }
            let all = due.all;
            self.lock().add(due);
            changed.tell(Noun::Services);
            if all && until.wait(ALL_GAP) {
                break;
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What was heard later counts.
    fn add(&mut self, due: Due) {
        let Due { all, files, changed, loaded, gone } = due;
        let old = &mut self.due;
        old.all |= all;
        old.files |= files;
        for unit in changed.iter().chain(&loaded) {
            old.gone.remove(unit);
        }
        for unit in &gone {
            old.changed.remove(unit);
            old.loaded.remove(unit);
        }
        old.changed.extend(changed);
        old.loaded.extend(loaded);
        old.gone.extend(gone);
        if old.all {
            *old = Due { all: true, files: old.files, ..Due::default() };
        }
    }
}

fn listen(socket: &Path) -> io::Result<Bus> {
    let mut bus = Bus::connect(socket)?;
    bus.watch_all()?;
    Ok(bus)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(signals: impl IntoIterator<Item = Signal>) -> Due {
        let mut due = Due::default();
        signals.into_iter().for_each(|signal| due.add(signal));
        due
    }

    fn changed(unit: &str) -> Signal {
        Signal::Changed(unit.into())
    }

    #[test]
    fn only_units_of_the_table_are_asked_for_and_each_once() {
        let job = Signal::JobEnded { unit: "a.service".into(), result: "done".into() };
        let due = due([changed("a.service"), job, changed("session-1.scope"), changed("dev-sda.device")]);
        assert_eq!(due.changed.iter().collect::<Vec<_>>(), ["a.service"]);
        assert!(!due.all && due.gone.is_empty());
    }

    #[test]
    fn a_unit_that_was_let_go_is_not_asked_for_since_that_would_load_it_again() {
        let (new, removed) = (Signal::New("a.service".into()), Signal::Removed("a.service".into()));
        let let_go = due([new.clone(), changed("a.service"), removed.clone()]);
        assert!(let_go.changed.is_empty() && let_go.loaded.is_empty());
        assert_eq!(let_go.gone.len(), 1);
        let back = due([removed, new]);
        assert_eq!((back.loaded.len(), back.gone.len()), (1, 0));
        let mut state = State::default();
        state.add(back);
        state.add(let_go);
        assert_eq!((state.due.loaded.len(), state.due.gone.len()), (0, 1), "what was heard later counts");
    }

    #[test]
    fn a_flood_of_changes_is_one_reading_of_all() {
        assert!(due((0..=NAMES_LIMIT).map(|n| changed(&format!("a{n}.service")))).all);
        let files = due([changed("a.service"), Signal::All]);
        let mut state = State::default();
        state.add(files);
        assert_eq!(state.due, Due { all: true, files: true, ..Due::default() });
    }

    #[test]
    fn without_a_bus_all_is_read_each_time_and_the_reason_is_known() {
        let dir = tempfile::tempdir().unwrap();
        let (signals, stop) = (Signals::default(), Stop::default());
        let hearing = {
            let (signals, until, socket) = (signals.clone(), stop.another(), dir.path().join("no-bus"));
            std::thread::spawn(move || signals.hear_on(&socket, &Changed::default(), &until))
        };
        let began = Instant::now();
        while signals.why_deaf().is_none() {
            assert!(began.elapsed() < Duration::from_secs(20), "the reason must be told");
            std::thread::yield_now();
        }
        assert!(signals.take_due().all && signals.take_due().all);
        stop.stop_all();
        hearing.join().unwrap();
    }
}
