//! What a Service is to whoever connects to it, since there is no kube-proxy here: a port whose connections go to the
//! endpoints in turn. An endpoint that is no longer ready gets new connections for a while still, as the news takes its
//! way through `EndpointSlices` and every node; connections that are open stay where they are.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::cluster::free_port;

/// How long the news that an endpoint is not ready takes.
const NEWS: Duration = Duration::from_secs(2);

/// RequestOutcome with everything that is connected when it is dropped.
pub(crate) struct Service {
    port: u16,
    endpoints: Arc<Mutex<Vec<Endpoint>>>,
    _runtime: Runtime,
}

struct Endpoint {
    port: u16,
    health: u16,
    /// When it was found to be not ready; nothing while it is.
    unready: Option<Instant>,
    connections: usize,
}

impl Service {
    /// Of endpoints at these ports, each with the port that says whether it is ready.
    pub(crate) fn start(endpoints: &[(u16, u16)]) -> Self {
        let endpoints =
            endpoints.iter().map(|&(port, health)| Endpoint { port, health, unready: None, connections: 0 });
        let endpoints = Arc::new(Mutex::new(endpoints.collect()));
        let port = free_port();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", port))).unwrap();
        runtime.spawn(follow(Arc::clone(&endpoints)));
        runtime.spawn(accept(listener, Arc::clone(&endpoints)));
        Self { port, endpoints, _runtime: runtime }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many connections went to each endpoint.
    pub(crate) fn connections(&self) -> Vec<usize> {
        self.endpoints.lock().iter().map(|endpoint| endpoint.connections).collect()
    }

    /// Whether it sends new connections to every endpoint.
    pub(crate) fn is_whole(&self) -> bool {
        self.endpoints.lock().iter().all(|endpoint| endpoint.unready.is_none())
    }
}

async fn follow(endpoints: Arc<Mutex<Vec<Endpoint>>>) {
    let ports: Vec<u16> = endpoints.lock().iter().map(|endpoint| endpoint.health).collect();
    loop {
        for (index, health) in ports.iter().enumerate() {
            let ready = is_ready(*health).await.unwrap_or(false);
            let unready = &mut endpoints.lock()[index].unready;
            *unready = if ready { None } else { unready.or(Some(Instant::now())) };
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn is_ready(health: u16) -> io::Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", health)).await?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer.starts_with("HTTP/1.0 200"))
}

async fn accept(listener: TcpListener, endpoints: Arc<Mutex<Vec<Endpoint>>>) {
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let Some(port) = next(&mut endpoints.lock()) else { continue };
        tokio::spawn(async move {
            // Nobody there: the client notices, as it would behind a Service.
            let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
            client.set_nodelay(true)?;
            server.set_nodelay(true)?;
            copy_bidirectional(&mut client, &mut server).await
        });
    }
}

/// The next in turn of those that are believed to be ready.
fn next(endpoints: &mut [Endpoint]) -> Option<u16> {
    let turn: usize = endpoints.iter().map(|endpoint| endpoint.connections).sum();
    let is_known = |endpoint: &&mut Endpoint| endpoint.unready.is_none_or(|since| since.elapsed() < NEWS);
    let mut known: Vec<&mut Endpoint> = endpoints.iter_mut().filter(is_known).collect();
    let index = turn.checked_rem(known.len())?;
    known[index].connections += 1;
    Some(known[index].port)
}
