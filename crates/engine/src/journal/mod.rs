//! journal: pages of a host's log, and the stream of what is written to it.
//!
//! A stream's reader who is slow loses the older news, not the newer; how many entries it lost is
//! counted by the numbers that the helper gives, and said with the next news.

use std::time::Duration;

use protocol::Fault;
use protocol::hosts::Host;
use protocol::journal::{JournalNews, JournalPage, JournalQuery};
use protocol::wire::{Answer, Ask};

use crate::helper::Subscription;
use crate::sessions::{Session, odd_answer};

/// The helper gives what it has found after 15 s; a slow line takes its time too.
const PAGE_LIMIT: Duration = Duration::from_secs(45);

/// One page, read from the host.
pub(crate) async fn page(
    session: &std::sync::Arc<Session>,
    query: JournalQuery,
) -> Result<JournalPage, Fault> {
    query.check()?;
    let sudo = session.host().sudo;
    match session.ask(Ask::Journal { query, sudo }, PAGE_LIMIT).await? {
        Answer::Journal(page) => Ok(*page),
        other => Err(odd_answer(&other)),
    }
}

/// What asks the helper to follow.
pub(crate) fn follow_ask(host: &Host, query: JournalQuery) -> Result<Ask, Fault> {
    query.check()?;
    Ok(Ask::JournalFollow { query, sudo: host.sudo })
}

/// The log of a host as it is written. Dropping it ends the follow on the host.
pub struct JournalFollow {
    subscription: Subscription,
    /// Entries that came or were lost so far.
    counted: u64,
}

impl JournalFollow {
    pub(crate) fn new(subscription: Subscription) -> Self {
        Self { subscription, counted: 0 }
    }

    /// The next news, with the count of the entries lost before them; `None` when it has ended.
    pub async fn next(&mut self) -> Option<Result<JournalNews, Fault>> {
        match self.subscription.recv().await? {
            Ok((_, Answer::JournalNews(news))) => Some(Ok(count(&mut self.counted, *news))),
            Ok((_, other)) => Some(Err(odd_answer(&other))),
            Err(fault) => Some(Err(fault)),
        }
    }
}

/// Sets how many entries were lost between these news and those before.
fn count(counted: &mut u64, mut news: JournalNews) -> JournalNews {
    news.skipped = news.sent_before.saturating_sub(*counted);
    *counted = news.sent_before.saturating_add(news.entries.len() as u64);
    news
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::journal::JournalEntry;

    #[test]
    fn what_was_lost_on_the_way_is_counted_once() {
        let news = |sent_before, entries| JournalNews {
            sent_before,
            entries: vec![JournalEntry::default(); entries],
            ..JournalNews::default()
        };
        let mut counted = 0;
        let skipped: Vec<u64> = [news(0, 3), news(3, 2), news(9, 1), news(10, 1), news(u64::MAX, 1)]
            .into_iter()
            .map(|news| count(&mut counted, news).skipped)
            .collect();
        assert_eq!(skipped, [0, 0, 4, 0, u64::MAX - 11]);
    }
}
