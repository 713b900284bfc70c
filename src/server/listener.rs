//! One port: accepts a limited number of connections, and drains without losing a request.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::connection::{Protocol, Shared};
use super::handshake::Handshakes;

/// Pause after a failed accept, most likely because no file descriptor is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The layer between TCP and HTTP.
pub(super) enum Transport {
    Plain,
    Tls(Handshakes),
}

pub(super) struct Port {
    pub(super) listener: TcpListener,
    pub(super) transport: Arc<Transport>,
    pub(super) shared: Arc<Shared>,
    pub(super) open: Gauge,
}

/// Counts one open connection until it is dropped.
struct Open(Gauge);

impl Open {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Port {
    /// Serves until the phase `stop`, then until the last request is answered or cut. Returns the number of cut connections.
    pub(super) async fn serve(self) -> usize {
        let slots = Arc::new(Semaphore::new(self.shared.limits.connections));
        let phases = &self.shared.phases;
        let tracker = TaskTracker::new();
        loop {
            let (slot, tcp, peer) = tokio::select! {
                biased;
                () = phases.stop.cancelled() => break,
                accepted = accept(&self.listener, &slots) => accepted,
            };
            tracker.spawn(self.connection(slot, tcp, peer));
        }
        // Closing the listener would reset the connections in its backlog.
        while let Ok(slot) = Arc::clone(&slots).try_acquire_owned()
            && let Poll::Ready(Ok((tcp, peer))) =
                poll_fn(|context| Poll::Ready(self.listener.poll_accept(context))).await
        {
            tracker.spawn(self.connection(slot, tcp, peer));
        }
        drop(self.listener);
        tracker.close();
        if timeout(self.shared.limits.drain, tracker.wait()).await.is_ok() {
            return 0;
        }
        let late = tracker.len();
        phases.cut.cancel();
        tracker.wait().await;
        late
    }

    fn connection(
        &self,
        slot: OwnedSemaphorePermit,
        tcp: TcpStream,
        peer: SocketAddr,
    ) -> impl Future<Output = ()> + use<> {
        let (transport, shared) = (Arc::clone(&self.transport), Arc::clone(&self.shared));
        let open = Open::new(self.open.clone());
        async move {
            let _held = (slot, open);
            tokio::select! {
                () = transport.serve(tcp, peer, &shared) => {}
                () = shared.phases.cut.cancelled() => {}
            }
        }
    }
}

impl Transport {
    async fn serve(&self, tcp: TcpStream, peer: SocketAddr, shared: &Arc<Shared>) {
        // Without it an HTTP/2 response waits up to 40 ms for the delayed acknowledgement of the client.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
        }
        match self {
            Self::Plain => shared.serve(tcp, Protocol::Http1).await,
            Self::Tls(handshakes) => {
                let Some(tls) = handshakes.accept(tcp, peer).await else { return };
                let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
                shared.serve(tls, if http2 { Protocol::Http2 } else { Protocol::Http1 }).await;
            }
        }
    }
}

/// Accepts the next connection. The slot is acquired first, so that excess connections stay in the backlog of the kernel.
async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> (OwnedSemaphorePermit, TcpStream, SocketAddr) {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => return (slot, tcp, peer),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
