//! `WireTap`: the stream under a session, with two things that the library does not offer.
//!
//! It remembers the first bytes that the peer sent, so that a fault can say what answered if it
//! was not an SSH server, and it can be cut from outside, because dropping the library's future in
//! the middle of a key exchange leaves its task running.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much of the peer's first words is kept.
const HEAD_BYTES: usize = 512;

#[derive(Default)]
struct Shared {
    cut: AtomicBool,
    waker: AtomicWaker,
    head: Mutex<Vec<u8>>,
}

#[derive(Clone, Default)]
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
        let tap = Tap::default();
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
