//! Sends the requests of a probe. Each request has a connection of its own to one address, whatever DNS answers for its host. It has no
//! credentials, redirects are not followed, and time, rate, concurrency and the kept part of a body are bounded.

mod addresses;
mod http;
mod pace;
mod tls;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use hyper::Method;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

pub use addresses::{AddressSource, Addresses, Target};
pub use http::exchange;
pub use pace::Pace;
pub use tls::peer_chain;

use crate::explain::RequestUrl;
use crate::probe::{DefaultBackends, NoAnswer, Observation, Plan, Planned, Response, SeenCertificate, UNUSED_HOST};
use crate::routing::Scheme;
use tls::handshake;

/// The most requests that wait for an answer at a time.
const CONCURRENCY: usize = 16;

/// Sends requests.
#[derive(Debug)]
pub struct Prober {
    /// The time of one request, from the connection to the response.
    timeout: Duration,
    pace: Pace,
    /// The certificates by their leaf: one serves many paths.
    certificates: Mutex<HashMap<Vec<u8>, Arc<SeenCertificate>>>,
}

impl Prober {
    /// Creates a prober. `timeout` is the time of one request, from the connection to the response.
    #[must_use]
    pub fn new(timeout: Duration, pace: Pace) -> Self {
        Self { timeout, pace, certificates: Mutex::default() }
    }

    /// Sends the requests of a plan, and before them those that show the default backends. `done` is called after each.
    pub async fn run(
        &self,
        plan: &Plan,
        addresses: &Addresses,
        done: impl Fn(),
    ) -> (Vec<Observation>, DefaultBackends) {
        // By index: a closure over references would not be general enough for a task.
        let resolving = (0..plan.requests.len()).map(|at| addresses.of(&plan.requests[at]));
        let targets: Vec<Result<Target, String>> = stream::iter(resolving).buffered(CONCURRENCY).collect().await;
        let backends = self.default_backends(plan, &targets).await;
        let (targets, done) = (&targets, &done);
        let asked = (0..plan.requests.len()).map(|at| async move {
            let observation = match &targets[at] {
                Ok(target) => self.ask(*target, &plan.requests[at].request).await,
                Err(reason) => Observation::not_sent(reason),
            };
            done();
            observation
        });
        (stream::iter(asked).buffered(CONCURRENCY).collect().await, backends)
    }

    /// Sends every request to two controllers, and to the first one a second time if the bodies differ.
    pub async fn compare(
        &self,
        requests: &[Planned],
        (one, other): (&Addresses, &Addresses),
        done: impl Fn(),
    ) -> Vec<[Observation; 3]> {
        let done = &done;
        let asked = requests.iter().map(|planned| async move {
            let (first, second) = (self.get(one, planned).await, self.get(other, planned).await);
            let body = |of: &Observation| of.answer.as_ref().ok().and_then(|response| response.body.clone());
            let again = if body(&first) == body(&second) { first.clone() } else { self.get(one, planned).await };
            done();
            [first, second, again]
        });
        stream::iter(asked).buffered(CONCURRENCY).collect().await
    }

    async fn get(&self, addresses: &Addresses, planned: &Planned) -> Observation {
        match addresses.of(planned).await {
            Ok(target) => self.send(target, &planned.request, Method::GET).await,
            Err(reason) => Observation::not_sent(reason),
        }
    }

    /// Asks each controller for a host that no Ingress has, where the default backend is predicted to answer.
    async fn default_backends(&self, plan: &Plan, targets: &[Result<Target, String>]) -> DefaultBackends {
        let mut seen = HashSet::new();
        let mut requests = Vec::new();
        for (planned, target) in plan.requests.iter().zip(targets) {
            let (Ok(target), scheme) = (target, planned.request.scheme) else { continue };
            let is_known = plan.default_backends.contains(&(planned.controller.clone(), scheme == Scheme::Https));
            if is_known && seen.insert((*target, scheme == Scheme::Https)) {
                requests.push((*target, scheme));
            }
        }
        let asked = requests.into_iter().map(|(target, scheme)| async move {
            let host = UNUSED_HOST.to_owned();
            let request = RequestUrl { scheme, host, path: "/".to_owned(), query: None, notes: Vec::new() };
            (scheme, self.send(target, &request, Method::GET).await)
        });
        let mut backends = DefaultBackends::default();
        for (scheme, observation) in stream::iter(asked).buffered(CONCURRENCY).collect::<Vec<_>>().await {
            backends.add(scheme, &observation);
        }
        backends
    }

    /// Sends `HEAD`, then `GET` if the body is needed to tell where the answer comes from.
    pub async fn ask(&self, target: Target, request: &RequestUrl) -> Observation {
        let head = self.send(target, request, Method::HEAD).await;
        let is_decisive = match &head.answer {
            Ok(response) => response.status < 400 || response.status == 401,
            // Some servers close the connection instead.
            Err(NoAnswer::Closed(_)) => false,
            Err(_) => true,
        };
        if is_decisive {
            return head;
        }
        let get = self.send(target, request, Method::GET).await;
        if get.answer.is_err() && head.answer.is_ok() { head } else { get }
    }

    async fn send(&self, target: Target, request: &RequestUrl, method: Method) -> Observation {
        self.pace.turn(&request.host).await;
        let deadline = Instant::now() + self.timeout;
        let mut certificate = None;
        let answer = self.answer(target, request, method, deadline, &mut certificate).await;
        Observation { address: Some(target.address), certificate, answer }
    }

    async fn answer(
        &self,
        target: Target,
        request: &RequestUrl,
        method: Method,
        deadline: Instant,
        certificate: &mut Option<Arc<SeenCertificate>>,
    ) -> Result<Response, NoAnswer> {
        let connecting = async {
            let mut stream = TcpStream::connect(target.address).await.map_err(|error| refused(&error))?;
            if target.has_proxy_protocol {
                let local = stream.local_addr().map_err(|error| refused(&error))?;
                http::write_proxy_header(&mut stream, local, target.address).await.map_err(|error| refused(&error))?;
            }
            Ok(stream)
        };
        let stream = timeout_at(deadline, connecting).await.map_err(|_| NoAnswer::TimedOut("connecting"))??;
        let waiting = "waiting for the response";
        match request.scheme {
            Scheme::Http => timeout_at(deadline, exchange(stream, request, method)).await,
            Scheme::Https => {
                let shaking = timeout_at(deadline, handshake(&request.host, stream)).await;
                let stream = shaking.map_err(|_| NoAnswer::TimedOut("in the TLS handshake"))?;
                let stream = stream.map_err(|error| NoAnswer::Tls(error.to_string()))?;
                *certificate = self.certificate(&tls::chain(&stream));
                timeout_at(deadline, exchange(stream, request, method)).await
            }
        }
        .map_err(|_| NoAnswer::TimedOut(waiting))?
    }

    fn certificate(&self, chain: &[Vec<u8>]) -> Option<Arc<SeenCertificate>> {
        let mut certificates = self.certificates.lock();
        if let Some(known) = certificates.get(chain.first()?) {
            return Some(Arc::clone(known));
        }
        let new = Arc::new(SeenCertificate::of_chain(chain)?);
        certificates.insert(new.leaf.clone(), Arc::clone(&new));
        Some(new)
    }
}

fn refused(error: &std::io::Error) -> NoAnswer {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => NoAnswer::Refused,
        _ => NoAnswer::Closed(error.to_string()),
    }
}
