//! One port: accepts a limited number of connections, and drains without losing a request.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use super::connection::{Protocol, Shared};
use super::connections::{Activity, Connections, Open};
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
    pub(super) connections: Arc<Connections>,
}

impl Port {
    /// Serves until the phase `stop`, then until the last request is answered or cut. Returns the number of cut connections.
    pub(super) async fn serve(self) -> usize {
        let phases = &self.shared.phases;
        let tracker = TaskTracker::new();
        loop {
            let next = async {
                let (tcp, peer) = accept(&self.listener).await;
                (self.connections.open().await, tcp, peer)
            };
            let (open, tcp, peer) = tokio::select! {
                biased;
                () = phases.stop.cancelled() => break,
                next = next => next,
            };
            tracker.spawn(self.connection(open, tcp, peer));
        }
        // Closing the listener would reset the connections in its backlog.
        while let Some(open) = self.connections.try_open()
            && let Poll::Ready(Ok((tcp, peer))) =
                poll_fn(|context| Poll::Ready(self.listener.poll_accept(context))).await
        {
            tracker.spawn(self.connection(open, tcp, peer));
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

    fn connection(&self, open: Open, tcp: TcpStream, peer: SocketAddr) -> impl Future<Output = ()> + use<> {
        let (transport, shared) = (Arc::clone(&self.transport), Arc::clone(&self.shared));
        async move {
            tokio::select! {
                () = transport.serve(tcp, peer, &shared, &open.activity) => {}
                () = shared.phases.cut.cancelled() => {}
            }
        }
    }
}

impl Transport {
    async fn serve(&self, tcp: TcpStream, peer: SocketAddr, shared: &Arc<Shared>, activity: &Arc<Activity>) {
        // Without it an HTTP/2 response waits up to 40 ms for the delayed acknowledgement of the client.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
        }
        match self {
            Self::Plain => shared.serve(tcp, Protocol::Http1, activity).await,
            Self::Tls(handshakes) => {
                let tls = tokio::select! {
                    tls = handshakes.accept(tcp, peer) => tls,
                    () = activity.evicted() => None,
                };
                let Some(tls) = tls else { return };
                let http2 = tls.get_ref().1.alpn_protocol() == Some(b"h2");
                shared.serve(tls, if http2 { Protocol::Http2 } else { Protocol::Http1 }, activity).await;
            }
        }
    }
}

/// Accepts the next connection. One connection at a time waits for a slot; excess ones stay in the backlog of the kernel.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
