//! share: how much is read from one connection, so that a host that never stops sending leaves the others their
//! time.
//!
//! The library takes, decrypts and hands on whatever comes, as fast as it comes: one host would have all of a core.
//! What is beyond the share of a connection is left where it is. The buffers of TCP fill, the host's own writes
//! wait, and nothing is kept here for it.
//!
//! It stands over sockets alone. A channel of a jump host cannot be left unread without its neighbours, so those
//! behind it have what is read of the jump host between them.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The share of a host for each second. What the helper tells is far less: samples are a few KiB, of tables comes
/// what changed, and of a command's output the host sends two ends of 64 KiB, however long it was.
const SHARE_BYTES: u64 = 8 << 20;
/// Shares of a connection through which others go.
const SHARES_OF_A_JUMP_HOST: u64 = 4;
/// What was not used of the share is saved for as long: the table of 5,000 processes comes without a wait, one of
/// 20,000 half a second later. More of it would be time of the others each time that a flood begins.
const SAVED: Duration = Duration::from_millis(500);
/// A connection that has used up its share is read again after this, and not for each byte.
const PAUSE: Duration = Duration::from_millis(10);
/// What a read counts for at least: a message costs time, however short it is.
const READ_BYTES: u64 = 512;

/// What one connection has read, as the time up to which its share is used.
struct Used {
    until: Instant,
}

impl Used {
    /// Nothing of it: all that can be saved is there.
    fn nothing(now: Instant) -> Self {
        Self { until: now.checked_sub(SAVED).unwrap_or(now) }
    }

    /// How many bytes may be read now, at so many in a second.
    fn room(&self, now: Instant, rate: u64) -> usize {
        let spare = now.saturating_duration_since(self.until).min(SAVED);
        usize::try_from(spare.as_micros() * u128::from(rate) / 1_000_000).unwrap_or(usize::MAX)
    }

    fn add(&mut self, read: usize, now: Instant, rate: u64) {
        let from = now.checked_sub(SAVED).map_or(self.until, |oldest| self.until.max(oldest));
        let bytes = u64::try_from(read).unwrap_or(u64::MAX).max(READ_BYTES);
        self.until = from + Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / rate);
    }
}

/// A stream of which no more than a share is read.
pub(super) struct Share<S> {
    inner: S,
    rate: u64,
    /// How many connections go through this one.
    passages: Arc<AtomicUsize>,
    used: Used,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S> Share<S> {
    pub(super) fn new(inner: S, passages: Arc<AtomicUsize>) -> Self {
        Self::with_rate(inner, passages, SHARE_BYTES)
    }

    fn with_rate(inner: S, passages: Arc<AtomicUsize>, rate: u64) -> Self {
        Self { inner, rate, passages, used: Used::nothing(Instant::now()), pause: None }
    }

    fn rate(&self) -> u64 {
        match self.passages.load(Ordering::Relaxed) {
            0 => self.rate,
            _ => self.rate * SHARES_OF_A_JUMP_HOST,
        }
    }

    /// Waits until something may be read, and says how much.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            let room = self.used.room(Instant::now(), self.rate());
            if room > 0 {
                return Poll::Ready(room);
            }
            self.pause = Some(Box::pin(sleep_until(self.used.until + PAUSE)));
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Share<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = ready!(self.poll_room(context)).min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.inner).poll_read(context, &mut part))?;
        let read = part.filled().len();
        buffer.advance(read);
        let rate = self.rate();
        self.used.add(read, Instant::now(), rate);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Share<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const RATE: u64 = 1 << 20;
    /// What may be saved of `RATE`.
    const SAVED_BYTES: usize = 512 << 10;

    fn share<S>(inner: S) -> Share<S> {
        Share::with_rate(inner, Arc::default(), RATE)
    }

    /// Reads until nothing is left of what was saved.
    async fn use_up<S: AsyncRead + Unpin>(share: &mut Share<S>) {
        let mut bytes = vec![0; SAVED_BYTES];
        share.read_exact(&mut bytes).await.unwrap();
    }

    #[test]
    fn what_was_not_used_is_saved_for_a_while_and_no_longer() {
        let begun = Instant::now();
        let mut used = Used::nothing(begun);
        assert_eq!(used.room(begun, RATE), SAVED_BYTES);
        used.add(SAVED_BYTES, begun, RATE);
        assert_eq!(used.room(begun, RATE), 0);
        assert_eq!(used.room(begun + SAVED / 2, RATE), SAVED_BYTES / 2);
        let later = begun + Duration::from_secs(3_600);
        assert_eq!(used.room(later, RATE), SAVED_BYTES);
        used.add(SAVED_BYTES, later, RATE);
        assert_eq!(used.room(later + SAVED / 2, RATE), SAVED_BYTES / 2);
    }

    #[test]
    fn over_a_long_time_the_share_is_read_and_not_more() {
        let begun = Instant::now();
        for step_ms in [1, 7, 40] {
            let (mut used, mut total) = (Used::nothing(begun), 0);
            for ms in (0..60_000).step_by(step_ms) {
                let now = begun + Duration::from_millis(ms);
                let room = used.room(now, RATE);
                if room > 0 {
                    used.add(room, now, RATE);
                    total += room;
                }
            }
            let most = 60 * usize::try_from(RATE).unwrap() + SAVED_BYTES;
            assert!(total <= most, "{step_ms} ms: {total}");
            assert!(total > most * 99 / 100, "{step_ms} ms: {total}");
        }
    }

    #[test]
    fn a_message_counts_however_short_it_is() {
        let now = Instant::now();
        let mut used = Used::nothing(now);
        let mut reads = 0;
        while used.room(now, RATE) > 0 {
            used.add(1, now, RATE);
            reads += 1;
        }
        assert!(reads <= SAVED_BYTES / usize::try_from(READ_BYTES).unwrap() + 1, "{reads}");
    }

    #[tokio::test]
    async fn those_behind_a_jump_host_have_more_of_it_between_them() {
        let passages = Arc::new(AtomicUsize::new(0));
        let share = Share::with_rate(tokio::io::empty(), passages.clone(), RATE);
        assert_eq!(share.rate(), RATE);
        passages.store(3, Ordering::SeqCst);
        assert_eq!(share.rate(), SHARES_OF_A_JUMP_HOST * RATE);
        passages.store(0, Ordering::SeqCst);
        assert_eq!(share.rate(), RATE);
    }

    #[tokio::test]
    async fn of_a_host_that_never_stops_the_share_is_read_and_it_goes_on() {
        let begun = Instant::now();
        let mut share = share(tokio::io::repeat(b'x'));
        let (mut total, mut bytes) = (0, vec![0; 32 << 10]);
        while total < SAVED_BYTES + SAVED_BYTES / 4 {
            total += share.read(&mut bytes).await.unwrap();
            let most = begun.elapsed().as_secs_f64() * RATE as f64 + SAVED_BYTES as f64;
            assert!(total as f64 <= most, "{total} of {most}");
        }
    }

    #[tokio::test]
    async fn what_is_not_read_is_not_taken_from_the_socket_either() {
        let (mut host, own) = tokio::io::duplex(SAVED_BYTES + 1_024);
        host.write_all(&vec![b'x'; SAVED_BYTES + 1_024]).await.unwrap();
        let mut share = share(own);
        use_up(&mut share).await;
        let mut rest = vec![0; 1_024];
        // As if it had just been read: how long this took is not looked at.
        share.used.until = Instant::now() + Duration::from_secs(3_600);
        let read = Pin::new(&mut share).poll_read(
            &mut Context::from_waker(futures::task::noop_waker_ref()),
            &mut ReadBuf::new(&mut rest),
        );
        assert!(read.is_pending());
        let Share { mut inner, .. } = share;
        inner.read_exact(&mut rest).await.unwrap();
    }

    #[tokio::test]
    async fn what_goes_to_a_host_waits_for_nothing() {
        let (mut host, own) = tokio::io::duplex(64);
        let mut share = share(own);
        share.used.until = Instant::now() + Duration::from_secs(3_600);
        share.write_all(b"still there?").await.unwrap();
        share.flush().await.unwrap();
        let mut heard = [0; 12];
        host.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"still there?");
        share.shutdown().await.unwrap();
        assert_eq!(host.read(&mut heard).await.unwrap(), 0);
    }

    /// Says the words, and then breaks.
    struct Breaks(&'static [u8]);

    impl AsyncRead for Breaks {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if self.0.is_empty() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            Pin::new(&mut self.0).poll_read(context, buffer)
        }
    }

    #[tokio::test]
    async fn an_end_and_an_error_come_through_at_once() {
        let mut ends = share(&b"words"[..]);
        let mut said = Vec::new();
        ends.read_to_end(&mut said).await.unwrap();
        assert_eq!((said.as_slice(), ends.pause.is_none()), (&b"words"[..], true));
        let mut breaks = share(Breaks(b"words"));
        let mut said = Vec::new();
        let why = breaks.read_to_end(&mut said).await.unwrap_err();
        assert_eq!((said.as_slice(), why.kind()), (&b"words"[..], io::ErrorKind::ConnectionReset));
        assert!(breaks.pause.is_none());
    }

    #[tokio::test]
    async fn the_end_of_a_host_that_used_up_its_share_comes_after_what_it_sent() {
        let sent = vec![b'x'; SAVED_BYTES + SAVED_BYTES / 4];
        let mut share = share(sent.as_slice());
        let mut read = Vec::new();
        share.read_to_end(&mut read).await.unwrap();
        assert_eq!(read.len(), sent.len());
    }
}
