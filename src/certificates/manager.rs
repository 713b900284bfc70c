//! The loop of one process: it reads Secret and webhook configuration, makes one write at a time, and publishes the certificate.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{GetParams, Patch, PatchParams, PostParams};
use kube::core::Request;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::authority::Pair;
use super::lifetimes::Lifetimes;
use super::registration::{CONFIGURATIONS, FIELD_MANAGER, Registration};
use super::repairs::Repairs;
use super::replica::{Observed, Read, Replica, Write};
use super::rotation::{Authorities, MOST_ADOPTED};
use super::service::ServiceName;
use super::status::{CertificateStatus, State, Trust};
use super::watch;
use crate::cluster::{Failure, send};
use crate::telemetry::Metrics;

/// The pause after a write, before its result is read.
const READ_BACK: Duration = Duration::from_millis(50);
/// The first pause after an error.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The difference between the clocks of this machine and of the API server from which it is reported.
const SKEW: SignedDuration = SignedDuration::from_mins(1);

/// The objects of self-managed certificates.
#[derive(Debug, Clone)]
pub struct Options {
    /// The Service under which the API server calls the webhook.
    pub service: ServiceName,
    /// The name of the Secret with the CAs, in the namespace of the Service.
    pub secret: String,
    /// The name of the `ValidatingWebhookConfiguration`.
    pub registration: String,
    /// The durations.
    pub lifetimes: Lifetimes,
    /// The clock of this machine.
    pub clock: fn() -> Timestamp,
}

/// The certificate that a server reads again and again.
pub type ServingCertificate = Arc<ArcSwap<Pair>>;

/// Issues the serving certificate and maintains the CAs.
pub struct Manager {
    client: Client,
    options: Options,
    replica: Replica,
    repairs: Repairs,
    /// The time of the first certificate. The server reads it a little later.
    issued: Option<std::time::Instant>,
    /// Why the last write to the Secret was refused.
    refusal: Option<String>,
    /// The field manager that last changed the caBundle.
    rival: String,
    /// The field manager in the metric.
    contested: Option<String>,
    serving: ServingCertificate,
    status: CertificateStatus,
    metrics: Arc<Metrics>,
    /// The clock of the API server minus the clock of this machine. The API server verifies certificates, so its clock decides.
    skew: SignedDuration,
    is_skew_logged: bool,
    logged: Vec<String>,
}

/// The result of a round.
struct Round {
    state: State,
    pause: Duration,
}

impl Manager {
    /// Creates the manager of a certificate; until it has issued one, `serving` keeps its value.
    #[must_use]
    pub fn new(client: Client, options: Options, serving: ServingCertificate, metrics: Arc<Metrics>) -> Self {
        let replica = Replica::new(options.service.clone(), options.lifetimes.clone());
        let status = CertificateStatus::new(options.lifetimes.propagation);
        Self {
            client,
            options,
            replica,
            repairs: Repairs::default(),
            issued: None,
            refusal: None,
            rival: String::new(),
            contested: None,
            serving,
            status,
            metrics,
            skew: SignedDuration::ZERO,
            is_skew_logged: false,
            logged: Vec::new(),
        }
    }

    /// Returns a manager of the same certificate that has read nothing yet.
    #[must_use]
    pub fn restarted(&self) -> Self {
        let serving = Arc::clone(&self.serving);
        let new = Self::new(self.client.clone(), self.options.clone(), serving, Arc::clone(&self.metrics));
        Self { status: self.status.clone(), ..new }
    }

    /// Returns the state for `/readyz`.
    #[must_use]
    pub fn status(&self) -> CertificateStatus {
        self.status.clone()
    }

    /// Works without end.
    pub async fn run(mut self) {
        let changed = Notify::new();
        let (client, name) = (self.client.clone(), self.options.registration.clone());
        let watch = watch::follow(&client, &name, &changed);
        let work = async {
            let mut pause = FIRST_PAUSE;
            loop {
                let Round { state, pause: wanted } = self.round().await;
                let failed = wanted.is_zero();
                self.log(&state.troubles);
                self.status.set(state);
                pause = if failed { (pause * 2).min(self.options.lifetimes.poll) } else { FIRST_PAUSE };
                tokio::select! {
                    () = sleep(if failed { pause } else { wanted }) => {}
                    () = changed.notified() => sleep(READ_BACK).await,
                }
            }
        };
        tokio::join!(watch, work);
    }

    /// Reads both objects, the webhook configuration first, and makes the next write.
    async fn round(&mut self) -> Round {
        let mut troubles = Vec::new();
        let registration = self.registration().await;
        let stored = self.stored().await;
        let name = &self.options.registration;
        let bundles = match &registration {
            Ok(registration) => Read::Found(registration.bundles()),
            Err(Failure::Absent) => Read::Absent,
            Err(failure) => {
                troubles.push(format!("certificate: cannot read ValidatingWebhookConfiguration {name}: {failure}"));
                Read::Unknown
            }
        };
        let secret = stored.as_ref().ok().map(|(secret, _)| secret.clone());
        let stored = match stored {
            Ok((_, authorities)) => Read::Found(authorities),
            Err(Failure::Absent) => {
                troubles.push(self.deleted());
                Read::Absent
            }
            Err(failure) => {
                troubles.push(format!("certificate: cannot read {}: {failure}", self.secret_name()));
                Read::Unknown
            }
        };
        self.metrics.ca_secret_missing.set((stored == Read::Absent).into());
        let is_failed = stored == Read::Unknown || bundles == Read::Unknown;
        let now = (self.options.clock)() + self.skew;
        // Without this, a missing permission would also prevent the renewal of the certificate and repairs of the caBundle.
        let refusal = self.refusal.take();
        let may_store = refusal.is_none();
        troubles.extend(refusal);
        let observed = Observed { bundles, stored, may_store, now, at: Instant::now().into_std() };
        let mut pause = if is_failed { Duration::ZERO } else { self.options.lifetimes.poll };
        match self.replica.decide(&observed) {
            Ok(Some(write)) => pause = self.write(write, registration.as_ref().ok(), secret, &mut troubles).await,
            Ok(None) => {}
            Err(error) => troubles.push(format!("certificate: {error}")),
        }
        troubles.extend(self.surplus());
        troubles.extend(self.conflict());
        troubles.extend(registration.ok().and_then(|registration| self.claimed(&registration)));
        self.publish();
        Round { state: self.state(&observed, troubles), pause }
    }

    async fn registration(&mut self) -> Result<Registration, Failure> {
        let request = Request::new(CONFIGURATIONS).get(&self.options.registration, &GetParams::default());
        let answer = send::<ValidatingWebhookConfiguration>(&self.client, request).await?;
        self.note_clock(answer.server_time);
        Ok(Registration::read(&answer.object, &self.options.service))
    }

    async fn stored(&mut self) -> Result<(Secret, Authorities), Failure> {
        let request = Request::new(self.secrets()).get(&self.options.secret, &GetParams::default());
        let answer = send::<Secret>(&self.client, request).await?;
        self.note_clock(answer.server_time);
        let authorities = Authorities::from_secret(&answer.object).map_err(|error| {
            Failure::Other(format!("{error}; remove the data of the Secret, so that a new CA is created"))
        })?;
        Ok((answer.object, authorities))
    }

    /// Makes a write and returns the pause until the next round.
    async fn write(
        &mut self,
        write: Write,
        registration: Option<&Registration>,
        secret: Option<Secret>,
        troubles: &mut Vec<String>,
    ) -> Duration {
        let (result, what) = match write {
            Write::Secret(authorities) => {
                let Some(secret) = secret else { return Duration::ZERO };
                let result = self.store(&authorities, &secret).await;
                let what = self.secret_name();
                let refused = result.as_ref().err().filter(|failure| **failure != Failure::Conflict);
                self.refusal = refused.map(|failure| cannot_write(&what, failure));
                (result, what)
            }
            Write::Bundle { bundle, is_repair } => {
                let Some(registration) = registration else { return Duration::ZERO };
                if registration.claim.is_some() {
                    return self.options.lifetimes.poll;
                }
                if is_repair {
                    self.rival = registration.other_manager.clone().unwrap_or_else(|| "unknown".to_owned());
                    let pause = self.repairs.pause(&self.options.lifetimes, Instant::now().into_std());
                    if !pause.is_zero() {
                        return pause.min(self.options.lifetimes.poll);
                    }
                }
                let name = self.options.registration.clone();
                let body = Patch::Apply(registration.with_bundle(&name, &bundle));
                let request =
                    Request::new(CONFIGURATIONS).patch(&name, &PatchParams::apply(FIELD_MANAGER).force(), &body);
                let result = send::<ValidatingWebhookConfiguration>(&self.client, request).await.map(drop);
                if result.is_ok() {
                    self.note_bundle(is_repair, bundle.len());
                }
                (result, format!("ValidatingWebhookConfiguration {name}"))
            }
        };
        match result {
            Ok(()) | Err(Failure::Conflict) => READ_BACK,
            Err(failure) => {
                troubles.push(cannot_write(&what, &failure));
                Duration::ZERO
            }
        }
    }

    async fn store(&self, authorities: &Authorities, secret: &Secret) -> Result<(), Failure> {
        let unreadable = |_| Failure::Other("the Secret cannot be encoded".to_owned());
        let body = serde_json::to_vec(&authorities.to_secret(secret)).map_err(unreadable)?;
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let request = Request::new(self.secrets()).replace(&self.options.secret, &params, body);
        send::<Secret>(&self.client, request).await?;
        tracing::info!(
            secret = self.secret_name(),
            next = authorities.next.is_some(),
            previous = authorities.previous.len(),
            retired = authorities.retired.len(),
            "certificate authorities stored"
        );
        Ok(())
    }

    fn note_bundle(&mut self, is_repair: bool, certificates: usize) {
        let name = &self.options.registration;
        if is_repair {
            self.repairs.note(Instant::now().into_std());
            self.metrics.ca_bundle_repairs.inc();
            let manager = &self.rival;
            tracing::warn!(registration = name, manager, certificates, "the caBundle was changed; it is repaired");
        } else {
            tracing::info!(registration = name, certificates, "caBundle written");
        }
    }

    /// Reports a program that changes the caBundle again and again.
    fn conflict(&mut self) -> Option<String> {
        // Forgets repairs that are long ago.
        self.repairs.pause(&self.options.lifetimes, Instant::now().into_std());
        let rival = self.repairs.is_conflict().then(|| self.rival.clone());
        if rival != self.contested {
            self.metrics.contest_ca_bundle(rival.as_deref());
            self.contested.clone_from(&rival);
        }
        let name = &self.options.registration;
        Some(format!(
            "certificate: {} changes the caBundle of ValidatingWebhookConfiguration {name} again and again: exclude this field there; \
             it is repaired once a minute only",
            rival?
        ))
    }

    /// Reports more CAs of others than the Secret keeps.
    fn surplus(&self) -> Option<String> {
        let count = self.replica.surplus();
        (count > 0).then(|| {
            format!(
                "certificate: the caBundle of ValidatingWebhookConfiguration {} has {count} CAs that are not in {}, which keeps at most \
                 {MOST_ADOPTED}: they stay trusted; remove those that nothing uses",
                self.options.registration,
                self.secret_name()
            )
        })
    }

    fn note_clock(&mut self, server_time: Option<Timestamp>) {
        let Some(server_time) = server_time else { return };
        let skew = server_time.duration_since((self.options.clock)());
        // The header has whole seconds.
        if (skew - self.skew).abs() > SignedDuration::from_secs(2) {
            self.skew = skew;
        }
        let is_wrong = skew.abs() > SKEW;
        if is_wrong && !self.is_skew_logged {
            let seconds = skew.as_secs();
            tracing::warn!(
                seconds,
                "the clock of this machine differs from the clock of the API server, which is used for certificates"
            );
        }
        self.is_skew_logged = is_wrong;
    }

    fn publish(&mut self) {
        if let Some(current) = self.replica.held().and_then(|held| held.current.as_ref()) {
            self.metrics.ca_expiry.set(current.not_after().as_second());
        }
        if let Some(leaf) = self.replica.leaf()
            && **self.serving.load() != leaf.pair
        {
            tracing::info!(expires = %leaf.not_after, "certificate issued");
            self.serving.store(Arc::new(leaf.pair.clone()));
            self.issued.get_or_insert_with(std::time::Instant::now);
        }
    }

    fn state(&self, observed: &Observed, troubles: Vec<String>) -> State {
        let trust = match &observed.bundles {
            Read::Unknown => Trust::Unknown,
            Read::Absent => Trust::NotCalled,
            Read::Found(bundles) if bundles.is_empty() => Trust::NotCalled,
            // The CA can be in the caBundle for long before this process has a certificate of it.
            Read::Found(_) => self
                .replica
                .trusted_since()
                .map_or(Trust::Missing, |since| Trust::Since(self.issued.map_or(since, |it| it.max(since)))),
        };
        self.metrics.ca_bundle_missing.set((trust == Trust::Missing && self.replica.leaf().is_some()).into());
        State { is_issued: self.replica.leaf().is_some(), troubles, trust }
    }

    fn deleted(&self) -> String {
        let secret = self.secret_name();
        if self.replica.held().is_some() {
            format!(
                "certificate: {secret} was deleted: the CA is in memory only; create the Secret again without data (helm upgrade)"
            )
        } else {
            format!("certificate: {secret} does not exist: create it without data (helm upgrade)")
        }
    }

    fn claimed(&self, registration: &Registration) -> Option<String> {
        let claim = registration.claim.as_ref()?;
        Some(format!(
            "certificate: the annotation {claim} of ValidatingWebhookConfiguration {} gives its caBundle to another program, so \
             the CA of this process is not added: remove the annotation, or use a certificate of that program",
            self.options.registration
        ))
    }

    fn log(&mut self, troubles: &[String]) {
        for trouble in troubles.iter().filter(|trouble| !self.logged.contains(trouble)) {
            tracing::warn!("{trouble}");
        }
        self.logged = troubles.to_vec();
    }

    fn secrets(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets", self.options.service.namespace)
    }

    fn secret_name(&self) -> String {
        format!("Secret {}/{}", self.options.service.namespace, self.options.secret)
    }
}

fn cannot_write(object: &str, failure: &Failure) -> String {
    format!("certificate: cannot write {object}: {failure}")
}
