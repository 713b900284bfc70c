//! The interfaces through which the server answers reviews and reports readiness.

use std::sync::Arc;

use jiff::Timestamp;

use super::configuration::FollowedConfiguration;
use super::stored::Found;
use crate::admission::{Place, Rejection, Reviewed, Reviewer};
use crate::analysis::waivers_in_force;
use crate::background::Leadership;
use crate::certificates::CertificateStatus;
use crate::cluster::{
    ClusterState, ClusterView, LiveReads, RegistrationFault, RegistrationLimit, Rights, SyncStatus, WatchStatus,
    registration_fault, registration_limits,
};
use crate::model::Key;
use crate::routing::{ObservedController, ReloadBlocks, SharedReloadBlocks};
use crate::tasks::Tasks;
use crate::telemetry::StoredFigures;

/// The reviews of one path of the webhook port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/validate`: writes of Ingresses.
    Validate,
    /// `/impact`: writes of objects that Ingresses depend on.
    Impact,
}

/// Answers reviews.
pub trait ReviewHandler: Send + Sync + 'static {
    /// Answers one body. In a fast place it ends early if it exceeds its allowance, and is called again with a slow place. The future
    /// is dropped if the client disconnects, so it must not leave partial state behind.
    fn review(
        self: &Arc<Self>,
        endpoint: Endpoint,
        body: &[u8],
        place: Place,
    ) -> impl Future<Output = Result<Reviewed, Rejection>> + Send;
}

/// Reports how much of the cluster is known.
pub trait Readiness: Send + Sync + 'static {
    /// Returns why reviews cannot be evaluated fully yet, one line each; empty when ready.
    fn missing(&self) -> Vec<String>;

    /// Returns limits of the evaluation that do not affect readiness, one line each.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns the number of objects in the inventory for each kind.
    fn objects(&self) -> Vec<(&'static str, usize)>;

    /// Returns the state of the watches; empty if there are none.
    fn watches(&self) -> Vec<WatchStatus> {
        Vec::new()
    }

    /// Returns the rights of the service account; none without a cluster.
    fn rights(&self) -> Rights {
        Rights::default()
    }

    /// Returns why the API server cannot have Ingresses reviewed by a process that serves this chain (DER); `None`: it is not known
    /// whether it can.
    fn registration(&self, _chain: &[Vec<u8>]) -> Option<Result<(), RegistrationFault>> {
        None
    }

    /// Returns what excludes writes from the reviews of this process.
    fn registration_limits(&self) -> Vec<RegistrationLimit> {
        Vec::new()
    }

    /// Returns the controller of each IngressClass, as far as it is known.
    fn controllers(&self) -> Vec<ObservedController> {
        Vec::new()
    }

    /// Returns the source of each waiver in force, and whether it ends soon.
    fn waivers(&self) -> Vec<(&'static str, bool)> {
        Vec::new()
    }

    /// Returns the Ingresses that stop their controllers.
    fn reload_blocks(&self) -> Arc<ReloadBlocks> {
        Arc::default()
    }

    /// Returns the background tasks of the process.
    fn tasks(&self) -> Tasks {
        Tasks::default()
    }

    /// Returns what the background audit has found, if this process does it.
    fn stored(&self) -> Stored {
        Stored::default()
    }
}

/// The part of this process in the background audit.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// Whether this process does it; `None`: it is disabled.
    pub is_holder: Option<bool>,
    /// What it has found, once each Ingress has been evaluated.
    pub figures: Option<Arc<StoredFigures>>,
}

/// The background audit of a process.
#[derive(Debug, Clone)]
pub struct BackgroundAudit {
    /// Whether this process does it.
    pub leadership: Leadership,
    /// What it has found.
    pub found: Found,
}

/// The readiness of a process with a followed configuration.
pub struct ClusterReadiness {
    /// The state of the inventory and of its watches.
    pub status: SyncStatus,
    /// The configuration, with the dialects before discovery.
    pub configuration: Arc<FollowedConfiguration>,
    /// The Ingresses that stop their controllers.
    pub reload_blocks: SharedReloadBlocks,
    /// The state of self-managed certificates.
    pub certificates: Option<CertificateStatus>,
    /// The Service of the process, if it watches a cluster.
    pub service: Option<Key>,
    /// The background audit; `None`: it is disabled.
    pub background: Option<BackgroundAudit>,
    /// The background tasks.
    pub tasks: Tasks,
}

impl ReviewHandler for Reviewer {
    async fn review(self: &Arc<Self>, endpoint: Endpoint, body: &[u8], place: Place) -> Result<Reviewed, Rejection> {
        match endpoint {
            Endpoint::Validate => self.review_in(place, body).await,
            Endpoint::Impact => self.review_impact_in(place, body).await,
        }
    }
}

impl Readiness for SyncStatus {
    fn missing(&self) -> Vec<String> {
        Self::missing(self)
    }

    fn notes(&self) -> Vec<String> {
        Self::notes(self)
    }

    fn objects(&self) -> Vec<(&'static str, usize)> {
        Self::objects(self)
    }

    fn watches(&self) -> Vec<WatchStatus> {
        Self::watches(self)
    }

    fn rights(&self) -> Rights {
        self.rights.clone()
    }
}

impl Readiness for ClusterReadiness {
    fn missing(&self) -> Vec<String> {
        let mut missing = self.status.missing();
        if let Some(certificates) = &self.certificates {
            missing.extend(certificates.withheld());
            if missing.is_empty() {
                certificates.note_ready();
            }
        }
        missing
    }

    fn notes(&self) -> Vec<String> {
        let certificates = self.certificates.iter().flat_map(CertificateStatus::notes);
        let background = self.background.iter().filter_map(|background| background.leadership.trouble());
        self.configuration
            .notes()
            .into_iter()
            .chain(self.status.notes())
            .chain(certificates)
            .chain(background)
            .collect()
    }

    fn objects(&self) -> Vec<(&'static str, usize)> {
        self.status.objects()
    }

    fn watches(&self) -> Vec<WatchStatus> {
        self.status.watches()
    }

    fn rights(&self) -> Rights {
        self.status.rights.clone()
    }

    fn registration(&self, chain: &[Vec<u8>]) -> Option<Result<(), RegistrationFault>> {
        // Before a certificate is issued, the process serves one that is not to be trusted.
        if self.certificates.as_ref().is_some_and(|certificates| !certificates.is_issued()) {
            return None;
        }
        registration_fault(&self.status.inventory.load(), self.service.as_ref()?, chain, Timestamp::now())
    }

    fn registration_limits(&self) -> Vec<RegistrationLimit> {
        let service = self.service.as_ref();
        service.map(|service| registration_limits(&self.status.inventory.load(), service)).unwrap_or_default()
    }

    fn controllers(&self) -> Vec<ObservedController> {
        let (store, live_reads) = (self.status.inventory.load(), LiveReads::default());
        let state = ClusterState { store: &store, live_reads: &live_reads, now: Timestamp::now() };
        let rules = self.configuration.rules().load();
        rules.engine.settings().dialects.observed_controllers(&ClusterView::unrestricted(state))
    }

    fn waivers(&self) -> Vec<(&'static str, bool)> {
        let (store, live_reads) = (self.status.inventory.load(), LiveReads::default());
        let state = ClusterState { store: &store, live_reads: &live_reads, now: Timestamp::now() };
        let rules = self.configuration.rules().load();
        waivers_in_force(state, &rules.policy).iter().map(|it| (it.source.name(), it.ends_soon)).collect()
    }

    fn reload_blocks(&self) -> Arc<ReloadBlocks> {
        self.reload_blocks.load()
    }

    fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    fn stored(&self) -> Stored {
        let Some(BackgroundAudit { leadership, found }) = &self.background else { return Stored::default() };
        // Figures of a former holder are not shown, also if its task stands still.
        let is_holder = leadership.is_holder();
        Stored { is_holder: Some(is_holder), figures: found.figures.load().filter(|_| is_holder) }
    }
}
