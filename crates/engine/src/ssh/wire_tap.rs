//! `WireTap`: the stream under a session, with three things that the library does not offer.
//!
//! It remembers the first bytes that the peer sent, so that a fault can say what answered if it
//! was not an SSH server, and it can be cut from outside, because dropping the library's future in
//! the middle of a key exchange leaves its task running. And it knows when the peer was last heard of.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much of the peer's first words is kept.
const HEAD_BYTES: usize = 512;

struct Shared {
    cut: AtomicBool,
    begun: Instant,
    /// When the peer was heard of last, since `begun`.
    heard_ms: AtomicU64,
    waker: AtomicWaker,
    head: Mutex<Vec<u8>>,
}

#[derive(Clone)]
struct Tap(Arc<Shared>);

impl Tap {
    /// Ends the stream: the session reads an error at once.
    fn cut(&self) {
        self.0.cut.store(true, Ordering::SeqCst);
        self.0.waker.wake();
    }

    /// The first bytes that the peer sent.
    fn head(&self) -> Vec<u8> {
        self.0.head.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Cuts the stream from outside of the session that owns it, at the latest when it is dropped.
pub(super) struct CutOnDrop(Tap);

impl CutOnDrop {
    pub(super) fn cut(&self) {
        self.0.cut();
    }

    pub(super) fn head(&self) -> Vec<u8> {
        self.0.head()
    }

    /// For how long the peer has sent nothing.
    pub(super) fn silent_for(&self) -> Duration {
        let heard = Duration::from_millis(self.0.0.heard_ms.load(Ordering::Relaxed));
        self.0.0.begun.elapsed().saturating_sub(heard)
    }
}

impl Drop for CutOnDrop {
    fn drop(&mut self) {
        self.0.cut();
    }
}

pub(super) struct WireTap<S> {
    inner: S,
    tap: Tap,
    /// Bytes that may still go into the head.
    room: usize,
}

impl<S> WireTap<S> {
    pub(super) fn new(inner: S) -> (Self, CutOnDrop) {
        let tap = Tap(Arc::new(Shared {
            cut: AtomicBool::new(false),
            begun: Instant::now(),
            heard_ms: AtomicU64::new(0),
            waker: AtomicWaker::new(),
            head: Mutex::default(),
        }));
        (Self { inner, tap: tap.clone(), room: HEAD_BYTES }, CutOnDrop(tap))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WireTap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.tap.0.waker.register(context.waker());
        if self.tap.0.cut.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        if buffer.filled().len() > before {
            let heard_ms = self.tap.0.begun.elapsed().as_millis();
            self.tap.0.heard_ms.store(u64::try_from(heard_ms).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        if self.room > 0 && matches!(polled, Poll::Ready(Ok(()))) {
            let new = buffer.filled().get(before..).unwrap_or_default();
            let kept = new.get(..new.len().min(self.room)).unwrap_or_default();
            self.tap.0.head.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(kept);
            self.room -= kept.len();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WireTap<S> {
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
