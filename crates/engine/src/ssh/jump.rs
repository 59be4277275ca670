//! jump: a stream to a host through the connection to another one.
//!
//! One connection to a jump host carries the connections to all hosts behind it, each in a channel of
//! its own. The library stops a whole connection while one channel is not read, so a task takes from
//! each channel at once; what its reader leaves unread beyond a bound ends that channel alone.
//!
//! A jump host learns nothing but where to: what passes through it is encrypted for the host behind
//! it, whose key is judged here like any other.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use protocol::{Fault, FaultCode};
use russh::ChannelOpenFailure;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::timeout;

use super::exec::{ExecStdout, ExecStream};
use super::session::Connection;
use super::share::Share;
use super::{Place, reach};

/// For the jump host to look the name up and to open the connection from there.
const OPEN_LIMIT: Duration = Duration::from_secs(15);
/// The jump host is told an address that we come from; it has no meaning there.
const ORIGIN: &str = "127.0.0.1";
/// A jump host that was silent for so long, though it was asked for signs of life, is taken for gone
/// when a host behind it stops answering.
const SILENT_LIMIT: Duration = Duration::from_secs(6);

/// Bytes to and from a host, over whichever way.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Wire for S {}

/// What a connection through a jump host holds of it.
pub(super) struct Passage {
    /// `None` only while it is dropped.
    gate: Option<Arc<Connection>>,
}

impl Passage {
    fn through(gate: &Arc<Connection>) -> Self {
        gate.passages.fetch_add(1, Ordering::SeqCst);
        Self { gate: Some(gate.clone()) }
    }

    pub(super) fn gate(&self) -> Option<&Arc<Connection>> {
        self.gate.as_ref()
    }
}

impl Drop for Passage {
    /// The last one through says goodbye to the jump host.
    fn drop(&mut self) {
        let Some(gate) = self.gate.take() else { return };
        gate.passages.fetch_sub(1, Ordering::SeqCst);
        let last = Arc::into_inner(gate);
        if let (Some(gate), Ok(runtime)) = (last, tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { gate.close().await });
        }
    }
}

/// A stream to a host, with what the connection over it has to know of it.
pub(super) struct Way {
    pub(super) stream: Box<dyn Wire>,
    pub(super) passage: Option<Passage>,
    /// How many go through the connection that is made over it.
    pub(super) passages: Arc<AtomicUsize>,
}

/// The way to a host: straight, or through a connection that is there.
pub(super) async fn way(place: &Place, through: Option<&Arc<Connection>>) -> Result<Way, Fault> {
    let passages = Arc::new(AtomicUsize::new(0));
    match through {
        None => {
            let stream = Box::new(Share::new(reach::reach(place).await?, passages.clone()));
            Ok(Way { stream, passage: None, passages })
        }
        Some(gate) => {
            let passage = Passage::through(gate);
            Ok(Way { stream: Box::new(open(gate, place).await?), passage: Some(passage), passages })
        }
    }
}

async fn open(gate: &Connection, place: &Place) -> Result<Through, Fault> {
    if let Some(fault) = gate.fault_if_closed() {
        return Err(fault.on_the_way_to(&place.host, &gate.place.host));
    }
    let (label, hop) = (place.label(), gate.place.host.as_str());
    let asked = gate.handle.channel_open_direct_tcpip(&place.address, u32::from(place.port), ORIGIN, 0);
    match timeout(OPEN_LIMIT, asked).await {
        Ok(Ok(channel)) => Ok(Through(ExecStream::over(channel.split()))),
        Ok(Err(russh::Error::ChannelOpenFailure(why))) => Err(refused(place, hop, &why)),
        Ok(Err(_)) => Err(gate.lost().on_the_way_to(&place.host, hop)),
        Err(_) => {
            let limit = OPEN_LIMIT.as_secs();
            Err(place.fault(FaultCode::NoAnswer, format!("{label} did not answer {hop} within {limit} s")))
        }
    }
}

/// Why the jump host opened no way.
fn refused(place: &Place, hop: &str, why: &ChannelOpenFailure) -> Fault {
    let label = place.label();
    match why {
        ChannelOpenFailure::ConnectFailed => place
            .fault(FaultCode::NoAnswer, format!("{hop} could not open a connection to {label} from there"))
            .because(format!("{hop} was refused, or knows no way there")),
        ChannelOpenFailure::AdministrativelyProhibited => {
            let cause = "its sshd does not allow it (AllowTcpForwarding, PermitOpen)";
            place
                .fault(FaultCode::NotPermitted, format!("{hop} forwards no connection to {label}: {cause}"))
                .because(cause)
                .at_hop(hop)
        }
        other => {
            let cause = super::gate::words(other.description());
            place
                .fault(FaultCode::LinkLost, format!("{hop} opened no way to {label}: {cause}"))
                .because(cause)
                .at_hop(hop)
        }
    }
}

impl Connection {
    /// The fault of the jump host that took this connection with it, if one did. A jump host that fell
    /// silent is given up here, so that all behind it learn at once.
    pub(crate) fn lost_way(&self) -> Option<Fault> {
        let gate = self.passage.as_ref()?.gate()?;
        // The one nearest to us takes all the others with it.
        if let Some(fault) = gate.lost_way() {
            return Some(fault.on_the_way_to(&self.place.host, &gate.place.host));
        }
        if !gate.is_closed() && gate.silent_for() > SILENT_LIMIT {
            gate.give_up("the host stopped answering");
        }
        gate.fault_if_closed().map(|fault| fault.on_the_way_to(&self.place.host, &gate.place.host))
    }
}

/// A channel of the jump host as a stream; dropping it closes the channel.
struct Through(ExecStream);

impl AsyncRead for Through {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stdout: &mut ExecStdout = &mut self.0.stdout;
        Pin::new(stdout).poll_read(context, buffer)
    }
}

impl AsyncWrite for Through {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0.stdin).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.stdin).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.stdin).poll_shutdown(context)
    }
}
