//! The task that takes, renews and gives up the Lease.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Client;
use kube::api::{GetParams, PostParams};
use kube::core::Request;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::candidate::{Candidate, Observed, Write};
use super::leadership::Leadership;
use super::outage::Outage;
use crate::background::attestation::{ANNOTATION, Exchange, Statements};
use crate::cluster::{Answer, Failure, send};
use crate::model::Key;
use crate::telemetry::Metrics;

/// The time limit of one request. Two of them fit between a renewal and the end of the Lease.
const PATIENCE: Duration = Duration::from_secs(2);
/// The conflicts in succession after each of which a round follows at once.
const CONFLICTS: u32 = 5;
const CONFLICT_PAUSE: Duration = Duration::from_millis(50);

/// Keeps one Lease for one replica. It writes only `spec` and the statements on writes of Ingresses, and never creates the object:
/// `create` cannot be limited to a name.
pub struct LeaseKeeper {
    client: Client,
    lease: Key,
    candidate: Candidate,
    leadership: Leadership,
    metrics: Arc<Metrics>,
    was_holder: bool,
    before: Before,
    identity: String,
    /// The statements of the replicas on writes of Ingresses.
    exchange: Exchange,
    /// Whether a write with statements has failed: the next one has none, so that they do not stop renewals.
    are_statements_refused: bool,
}

/// The Lease as it was when this process started.
enum Before {
    /// It was not read yet.
    Unread,
    /// Its fields, and the time since which no replica ran unless another one has taken it meanwhile.
    Read(Observed, Option<Outage>),
    /// It has been taken since.
    Taken,
}

impl LeaseKeeper {
    /// Creates the task for a Lease, which sets `leadership`. `identity` is a name that no other replica has.
    #[must_use]
    pub fn new(
        client: Client,
        lease: Key,
        identity: String,
        leadership: Leadership,
        exchange: Exchange,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            client,
            lease,
            candidate: Candidate::new(identity.clone()),
            leadership,
            metrics,
            was_holder: false,
            before: Before::Unread,
            identity,
            exchange,
            are_statements_refused: false,
        }
    }

    /// Keeps the Lease until `stop`, then gives it up. Reviews are answered until `drained`, and stated until then.
    pub async fn run(mut self, stop: CancellationToken, drained: CancellationToken) {
        let mut conflicts = 0;
        loop {
            let result = self.round().await;
            conflicts = if result == Err(Failure::Conflict) { conflicts + 1 } else { 0 };
            // Statements of other replicas must not keep the holder from its renewal.
            let is_retried = (1..=CONFLICTS).contains(&conflicts);
            let pause = if is_retried { CONFLICT_PAUSE } else { self.candidate.pause(result.is_err()) };
            self.note(result.err());
            tokio::select! {
                () = sleep(pause) => {}
                () = stop.cancelled() => break,
            }
        }
        self.leadership.set(None);
        self.log();
        if let Err(error) = self.release().await {
            tracing::warn!(lease = %self.lease, %error, "cannot give up the Lease of the background audit");
        }
        while !drained.is_cancelled() {
            let _ = timeout(self.candidate.pause(true), drained.cancelled()).await;
            if let Err(error) = self.state().await {
                tracing::warn!(lease = %self.lease, %error, "cannot state which writes were reviewed");
            }
        }
    }

    /// Reads the Lease and writes it, if this replica holds it or can take it.
    async fn round(&mut self) -> Result<(), Failure> {
        let Answer { object: lease, server_time } = self.read().await?;
        let observed = Observed::of(lease.spec.as_ref());
        self.note_outage(&observed, server_time);
        // A new holder knows what the last one has counted.
        self.exchange.note(annotation(&lease), server_time);
        self.leadership.set_holder(&observed.holder);
        let begun = Instant::now();
        // The API server does not record when a Lease is written. Its own clock shows the same time to all replicas.
        let clock = server_time.unwrap_or_else(Timestamp::now);
        let write = self.candidate.decide(observed, begun, clock);
        self.leadership.set(self.candidate.holds_until());
        let is_renewal = matches!(write, Some(Write::Renew(_)));
        let statements = self.exchange.next(&self.identity, is_renewal, clock);
        let statements = statements.filter(|_| !std::mem::take(&mut self.are_statements_refused));
        let Some(write) = write else { return self.publish(lease, statements).await };
        let spec = write.observed().clone().into_spec(lease.spec.clone());
        match self.write(Lease { spec: Some(spec), ..lease }, statements).await {
            Ok(()) => self.candidate.written(&write, begun),
            // Another replica was faster, or the object was labelled: the next round reads it again.
            Err(Failure::Conflict) => {
                tracing::debug!(lease = %self.lease, "the Lease was changed meanwhile");
                return Err(Failure::Conflict);
            }
            Err(error) => return Err(error),
        }
        self.leadership.set(self.candidate.holds_until());
        if let Before::Read(_, outage) = std::mem::replace(&mut self.before, Before::Taken) {
            if let Some(Outage { from, until }) = outage {
                tracing::warn!(%from, %until, "no replica ran: Ingresses that were stored meanwhile were not reviewed");
            }
            self.leadership.set_outage(outage);
        }
        if matches!(write, Write::Acquire(_)) {
            self.log();
        }
        Ok(())
    }

    /// Notes the time between the last renewal and the start of this process. Another replica that takes the Lease first does the same.
    fn note_outage(&mut self, observed: &Observed, server_time: Option<Timestamp>) {
        match &self.before {
            Before::Unread => {
                let outage = observed.renewed.zip(server_time).and_then(|(renewed, now)| Outage::between(renewed, now));
                self.before = Before::Read(observed.clone(), outage);
            }
            Before::Read(before, _) if before != observed => self.before = Before::Taken,
            Before::Read(..) | Before::Taken => {}
        }
    }

    async fn release(&mut self) -> Result<(), Failure> {
        let Answer { object: lease, server_time } = self.read().await?;
        let observed = Observed::of(lease.spec.as_ref());
        match self.candidate.release(&observed, server_time.unwrap_or_else(Timestamp::now)) {
            Some(released) => {
                let spec = Some(released.into_spec(lease.spec.clone()));
                self.write(Lease { spec, ..lease }, None).await
            }
            None => Ok(()),
        }
    }

    /// States what this replica knows, in the Lease of another one.
    async fn state(&mut self) -> Result<(), Failure> {
        let Answer { object: lease, server_time } = self.read().await?;
        self.exchange.note(annotation(&lease), server_time);
        let statements = self.exchange.next(&self.identity, false, server_time.unwrap_or_else(Timestamp::now));
        self.publish(lease, statements).await
    }

    async fn read(&self) -> Result<Answer<Lease>, Failure> {
        let request = Request::new(self.path()).get(&self.lease.name, &GetParams::default());
        timeout(PATIENCE, send::<Lease>(&self.client, request)).await.map_err(|_| silence())?
    }

    /// Writes new statements into the Lease of another replica.
    async fn publish(&mut self, lease: Lease, statements: Option<Statements>) -> Result<(), Failure> {
        if statements.is_none() {
            return Ok(());
        }
        match self.write(lease, statements).await {
            // The next round writes them.
            Err(Failure::Conflict) => Ok(()),
            result => result,
        }
    }

    /// Writes the Lease, with these statements if there are new ones. The resourceVersion makes the API server refuse it if it has
    /// changed since it was read.
    async fn write(&mut self, mut lease: Lease, statements: Option<Statements>) -> Result<(), Failure> {
        if let Some(statements) = &statements {
            let annotations = lease.metadata.annotations.get_or_insert_default();
            annotations.insert(ANNOTATION.to_owned(), statements.text());
        }
        let body = serde_json::to_vec(&lease).map_err(|error| Failure::Other(error.to_string()))?;
        let params = PostParams { field_manager: Some("ingress-guard".to_owned()), ..PostParams::default() };
        let request = Request::new(self.path()).replace(&self.lease.name, &params, body);
        let sent = timeout(PATIENCE, send::<Lease>(&self.client, request)).await.unwrap_or_else(|_| Err(silence()));
        let Some(statements) = statements else { return sent.map(drop) };
        match sent {
            Ok(_) => self.exchange.written(statements),
            Err(Failure::Conflict) => return Err(Failure::Conflict),
            Err(error) => {
                self.are_statements_refused = true;
                return Err(error);
            }
        }
        Ok(())
    }

    fn path(&self) -> String {
        format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", self.lease.namespace)
    }

    /// Reports why the Lease cannot be read or written, once for each reason.
    fn note(&mut self, failure: Option<Failure>) {
        let failure = failure.filter(|failure| *failure != Failure::Conflict);
        self.metrics.stored.lease_failing.set(i64::from(failure.is_some()));
        let trouble = failure.map(|failure| {
            format!("background audit: cannot use Lease {}: {failure}: stored Ingresses are not audited", self.lease)
        });
        if self.leadership.set_trouble(trouble.clone())
            && let Some(error) = trouble
        {
            tracing::warn!(error, "the Lease of the background audit cannot be used");
        }
        self.log();
    }

    /// Writes one line when the replica becomes the holder, or is not any more.
    fn log(&mut self) {
        let is_holder = self.leadership.is_holder();
        if is_holder != self.was_holder {
            let lease = &self.lease;
            let text = if is_holder {
                "this replica audits the stored Ingresses"
            } else {
                "this replica does not audit the stored Ingresses"
            };
            tracing::info!(%lease, "{text}");
        }
        self.was_holder = is_holder;
    }
}

fn annotation(lease: &Lease) -> Option<&str> {
    lease.metadata.annotations.as_ref()?.get(ANNOTATION).map(String::as_str)
}

fn silence() -> Failure {
    Failure::Other("the API server did not answer".to_owned())
}
