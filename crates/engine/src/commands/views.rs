//! What the window has been sent of the tables that it shows, so that it is sent only what is new.
//!
//! Of each kind the few views that asked last are remembered, and not for long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::delta::{Seen, Sent, Table, ViewNews};
use protocol::processes::ProcessAnswer;
use protocol::services::ServiceAnswer;
use protocol::sockets::SocketAnswer;

/// A view that has not asked for so long is closed, or gets its table whole when it comes back.
const KEPT_FOR: Duration = Duration::from_secs(30);
/// Views of one kind that are remembered. A window shows one or two; each holds the rows of its table.
const MOST_VIEWS: usize = 4;

/// The views of one engine.
#[derive(Default)]
pub(crate) struct Views {
    sockets: Arc<Shelf<SocketAnswer>>,
    processes: Arc<Shelf<ProcessAnswer>>,
    services: Arc<Shelf<ServiceAnswer>>,
}

/// A table that views show.
pub(crate) trait Viewed: Table<Row: Send + Sync> + Send + Sync + 'static {
    fn shelf(views: &Views) -> &Arc<Shelf<Self>>;
}

/// Where the views of one kind of table are remembered, the one that asked last behind the others.
pub(crate) struct Shelf<T: Table>(Mutex<Vec<Shown<T>>>);

impl<T: Table> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

struct Shown<T: Table> {
    view: u64,
    seq: u64,
    sent: Sent<T>,
    asked: Instant,
}

impl Views {
    /// What is new in a table for a view. Where the view has not all that it was sent, that is the whole.
    pub(crate) fn news<T: Viewed>(&self, seen: Seen, table: T) -> ViewNews<T> {
        let shelf = T::shelf(self);
        let mut all = shelf.locked();
        if all.is_empty() {
            tokio::spawn(forget_in_time(shelf.clone()));
        }
        let known = all.iter().position(|shown| shown.view == seen.view).map(|at| all.remove(at));
        let new = || Shown { view: seen.view, seq: 0, sent: Sent::default(), asked: Instant::now() };
        let mut shown = known.unwrap_or_else(new);
        if shown.seq != seen.seq {
            shown.seq = seen.seq;
            shown.sent.renew();
        }
        shown.asked = Instant::now();
        shown.seq = shown.seq.saturating_add(1);
        let news = ViewNews { seq: shown.seq, news: shown.sent.news(table) };
        let over = (all.len() + 1).saturating_sub(MOST_VIEWS);
        all.drain(..over);
        all.push(shown);
        news
    }
}

impl<T: Table> Shelf<T> {
    fn locked(&self) -> MutexGuard<'_, Vec<Shown<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of views that have not asked for a while; true if there is none any more.
    fn forget_old(&self, now: Instant) -> bool {
        let mut all = self.locked();
        all.retain(|shown| now.duration_since(shown.asked) < KEPT_FOR);
        all.is_empty()
    }
}

async fn forget_in_time<T: Viewed>(shelf: Arc<Shelf<T>>) {
    loop {
        tokio::time::sleep(KEPT_FOR).await;
        if shelf.forget_old(Instant::now()) {
            return;
        }
    }
}

impl Viewed for SocketAnswer {
    fn shelf(views: &Views) -> &Arc<Shelf<Self>> {
        &views.sockets
    }
}

impl Viewed for ProcessAnswer {
    fn shelf(views: &Views) -> &Arc<Shelf<Self>> {
        &views.processes
    }
}

impl Viewed for ServiceAnswer {
    fn shelf(views: &Views) -> &Arc<Shelf<Self>> {
        &views.services
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::delta::{Kept, News, Taken};
    use protocol::processes::{Process, ProcessRow};

    fn answer(rows: &[(u32, u64)]) -> ProcessAnswer {
        let row = |&(pid, rss_bytes): &(u32, u64)| {
            Arc::new(ProcessRow {
                process: Process { pid, rss_bytes, ..Process::default() },
                ..ProcessRow::default()
            })
        };
        ProcessAnswer { rows: rows.iter().map(row).collect(), ..ProcessAnswer::default() }
    }

    fn is_whole(news: &ViewNews<ProcessAnswer>) -> bool {
        matches!(news.news, News::Whole { .. })
    }

    #[tokio::test]
    async fn a_view_gets_the_whole_and_then_what_changed() {
        let (views, mut kept) = (Views::default(), Kept::default());
        let tables = [answer(&[(1, 5), (2, 7)]), answer(&[(1, 5), (2, 8), (3, 1)]), answer(&[(3, 1)])];
        for (at, table) in tables.into_iter().enumerate() {
            let news = views.news(Seen { view: 9, seq: kept.seq() }, table.clone());
            assert_eq!(is_whole(&news), at == 0);
            assert_eq!(kept.take(news.seq, news.news), Taken::Current);
            assert_eq!(kept.table(), &table);
        }
    }

    #[tokio::test]
    async fn one_that_missed_a_line_or_is_new_gets_the_whole() {
        let views = Views::default();
        let ask = |view, seq| views.news(Seen { view, seq }, answer(&[(1, 5)]));
        assert!(is_whole(&ask(1, 0)));
        let lost = ask(1, 1);
        assert!(!is_whole(&lost));
        let again = ask(1, 1);
        assert!(is_whole(&again), "the line before never came");
        assert_eq!(again.seq, 2, "it follows what the view has");
        assert!(is_whole(&ask(2, 40)), "another view");
        assert!(!is_whole(&ask(2, 41)));
        assert!(is_whole(&ask(2, 0)), "it asks for the whole");
    }

    #[tokio::test]
    async fn one_that_does_not_ask_any_more_is_forgotten() {
        let views = Views::default();
        views.news(Seen { view: 1, seq: 0 }, answer(&[(1, 5)]));
        let shelf = &views.processes;
        assert!(!shelf.forget_old(Instant::now()));
        assert!(shelf.forget_old(Instant::now() + KEPT_FOR) && shelf.locked().is_empty());
        assert!(is_whole(&views.news(Seen { view: 1, seq: 1 }, answer(&[(1, 5)]))));
    }

    #[tokio::test]
    async fn views_that_ask_in_turn_each_get_what_changed_for_them() {
        let views = Views::default();
        let (mut one, mut two) = (Kept::default(), Kept::default());
        for round in 0..4_u64 {
            for (view, kept) in [(1, &mut one), (2, &mut two)] {
                let table = answer(&[(view, 5), (7, round)]);
                let news = views.news(Seen { view: view.into(), seq: kept.seq() }, table.clone());
                assert_eq!(is_whole(&news), round == 0, "view {view}, round {round}");
                assert_eq!(kept.take(news.seq, news.news), Taken::Current);
                assert_eq!(kept.table(), &table);
            }
        }
    }

    #[tokio::test]
    async fn of_many_views_those_that_asked_last_are_remembered() {
        let views = Views::default();
        let ask = |view, seq| views.news(Seen { view, seq }, answer(&[(1, 5)]));
        let most = u64::try_from(MOST_VIEWS).unwrap();
        (0..most).for_each(|view| drop(ask(view, 0)));
        assert!(!is_whole(&ask(0, 1)));
        ask(most, 0);
        assert_eq!(views.processes.locked().len(), MOST_VIEWS);
        assert!(!is_whole(&ask(0, 2)), "it asked after the others");
        assert!(is_whole(&ask(1, 1)), "the one that did not ask for the longest time");
    }
}
