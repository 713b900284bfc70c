//! What `serve` does with the findings on stored Ingresses: Events, reports, a page, and the count of writes without a review.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use kube::Client;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::admission::{AllowedWrites, Reviewer};
use crate::background::{Exchange, Leadership, LeaseKeeper, follow_events, follow_reports};
use crate::cluster::Watches;
use crate::config::Background;
use crate::model::Key;
use crate::server::{Followed, FollowedWrites, Limits, PagePort, ServerError, StoredPage, follow_writes};
use crate::tasks::Tasks;
use crate::telemetry::Metrics;

#[derive(Debug, Args)]
pub(super) struct PageArguments {
    /// Address of a read-only page on the stored Ingresses (plain HTTP), such as 127.0.0.1:8081. It has no authentication: keep it on a
    /// loopback address and use `kubectl port-forward`. Default: no page.
    #[arg(long, env = "INGRESS_GUARD_PAGE_LISTEN", value_name = "ADDRESS")]
    page_listen: Option<SocketAddr>,
}

/// The cluster that Events and reports are written to, by the holder of the Lease.
pub(super) struct Destination {
    pub(super) client: Client,
    pub(super) lease: Key,
    /// The name of this replica in the Lease.
    pub(super) identity: String,
    /// The statements of the replicas on writes of Ingresses.
    pub(super) exchange: Exchange,
}

impl Destination {
    /// Starts to keep the Lease until the first token, and to state what was reviewed until the second one.
    pub(super) fn keep(
        &self,
        (leadership, metrics): (Leadership, Arc<Metrics>),
        (stop, drained): (CancellationToken, CancellationToken),
        tasks: &Tasks,
    ) -> JoinHandle<()> {
        let Self { client, lease, identity, exchange } = self;
        let (client, lease, identity, exchange) = (client.clone(), lease.clone(), identity.clone(), exchange.clone());
        let keeper = move || {
            let (leadership, exchange, metrics) = (leadership.clone(), exchange.clone(), Arc::clone(&metrics));
            LeaseKeeper::new(client.clone(), lease.clone(), identity.clone(), leadership, exchange, metrics)
        };
        tasks.keep("background_lease", move || keeper().run(stop.clone(), drained.clone()))
    }

    /// Starts to write Events and reports, as configured, until the handles are dropped.
    pub(super) fn write(self, settings: &Background, followed: &Followed, tasks: &Tasks) -> Vec<AbortOnDropHandle<()>> {
        let Self { client, identity, .. } = self;
        let mut handles = Vec::new();
        if settings.enabled && settings.events {
            let (client, followed) = (client.clone(), followed.clone());
            let events = move || {
                let Followed { inventory, leadership, metrics, found, .. } = followed.clone();
                let is_holder = move || leadership.is_holder();
                follow_events(client.clone(), identity.clone(), found.verdicts, inventory, metrics, is_holder)
            };
            handles.push(AbortOnDropHandle::new(tasks.keep("events", events)));
        }
        if settings.enabled && settings.reports {
            let followed = followed.clone();
            let reports = move || {
                let Followed { inventory, leadership, metrics, found, .. } = followed.clone();
                follow_reports(client.clone(), found.verdicts, inventory, metrics, move || leadership.is_holder())
            };
            handles.push(AbortOnDropHandle::new(tasks.keep("reports", reports)));
        }
        handles
    }
}

/// Makes the reviewer note what it allows, and starts to state which writes it has reviewed, until the handle is dropped. Nothing is
/// stated without a Lease, or without the Service of the webhook: it is not known then which processes review.
pub(super) fn attest(
    reviewer: Reviewer,
    destination: Option<&Destination>,
    followed: &Followed,
    watches: &Watches,
    tasks: &Tasks,
) -> (Reviewer, Option<AbortOnDropHandle<()>>) {
    let Followed { inventory, leadership, service, metrics, found, .. } = followed.clone();
    let Some((destination, service)) = destination.zip(service) else { return (reviewer, None) };
    let allowed = Arc::new(AllowedWrites::new(Instant::now()));
    let writes = FollowedWrites {
        replica: destination.identity.clone(),
        service,
        inventory,
        watches: watches.clone(),
        allowed: Arc::clone(&allowed),
        exchange: destination.exchange.clone(),
        leadership,
        verdicts: found.verdicts,
        metrics,
    };
    let following = tasks.keep("stored_writes", move || follow_writes(writes.clone()));
    (reviewer.with_allowed_writes(allowed), Some(AbortOnDropHandle::new(following)))
}

impl PageArguments {
    /// Binds the port of the page, if there is one, and serves it until `stop` or until the handle is dropped.
    pub(super) async fn serve(
        &self,
        source: String,
        followed: &Followed,
        stop: &CancellationToken,
    ) -> Result<Option<AbortOnDropHandle<()>>, ServerError> {
        let Some(address) = self.page_listen else { return Ok(None) };
        if !address.ip().is_loopback() {
            tracing::warn!(%address, "the page has no authentication, and its address is not a loopback address");
        }
        let port = PagePort::bind(address).await?;
        let Followed { leadership, visits, metrics, .. } = followed.clone();
        let (page, stop) = (Arc::new(StoredPage { source, leadership, visits }), stop.clone());
        let serving = async move { port.serve(page, &Limits::default(), metrics, stop).await };
        Ok(Some(AbortOnDropHandle::new(tokio::spawn(serving))))
    }
}
