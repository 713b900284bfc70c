//! The port of the page on the stored Ingresses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use ingress_guard::server::{PagePort, PageSource};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::client::{plain, plain_to_host};
use super::running::calm;

/// Counts its renderings; fails with these words if there are any.
#[derive(Default)]
struct Source {
    rendered: AtomicUsize,
    failure: &'static str,
}

impl PageSource for Source {
    fn render(&self) -> BoxFuture<'_, Result<String, String>> {
        let number = self.rendered.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if self.failure.is_empty() { Ok(format!("<!doctype html>{number}")) } else { Err(self.failure.to_owned()) }
        }
        .boxed()
    }
}

/// A port on a loopback address, until the handle is dropped.
async fn serve(source: &Arc<Source>, stop: &CancellationToken) -> (SocketAddr, AbortOnDropHandle<()>) {
    let port = PagePort::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let (address, source, stop) = (port.addr(), Arc::clone(source), stop.clone());
    let serving = async move { port.serve(source, &calm(), Arc::default(), stop).await };
    (address, AbortOnDropHandle::new(tokio::spawn(serving)))
}

#[tokio::test]
async fn many_requests_share_one_rendering() {
    let source = Arc::new(Source::default());
    let stop = CancellationToken::new();
    let (address, serving) = serve(&source, &stop).await;
    let answers = join_all((0..20).map(|_| plain_to_host(address, "/", "localhost:8081"))).await;
    for (status, head, body) in answers {
        let head = head.to_lowercase();
        assert_eq!((status, &*body), (200, "<!doctype html>1"), "{head}");
        for line in
            ["text/html; charset=utf-8", "cache-control: no-store", "content-security-policy: frame-ancestors 'none'"]
        {
            assert!(head.contains(line), "{line} is not in {head}");
        }
    }
    assert_eq!(source.rendered.load(Ordering::Relaxed), 1);
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn only_local_hosts_and_this_path_are_served() {
    let source = Arc::new(Source::default());
    let (address, _serving) = serve(&source, &CancellationToken::new()).await;
    // A name of the Internet can resolve to a loopback address.
    let (status, _, body) = plain_to_host(address, "/", "evil.example.com:8081").await;
    assert_eq!((status, &*body), (421, "the host must be localhost or an IP address\n"));
    let (status, ..) = plain_to_host(address, "/metrics", "localhost").await;
    assert_eq!(status, 404);
    let (status, ..) = plain(address, "POST", "/").await;
    assert_eq!(status, 405);
    assert_eq!(source.rendered.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_replica_without_a_page_says_why_and_is_asked_again() {
    let source = Arc::new(Source { failure: "pod guard-1 holds the Lease", ..Source::default() });
    let (address, _serving) = serve(&source, &CancellationToken::new()).await;
    for attempt in 1..3 {
        let (status, _, body) = plain_to_host(address, "/", "127.0.0.1:8081").await;
        assert_eq!((status, &*body), (503, "pod guard-1 holds the Lease\n"));
        assert_eq!(source.rendered.load(Ordering::Relaxed), attempt);
    }
}
