//! `ingress-guard serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use clap::builder::BoolishValueParser;
use jiff::Timestamp;
use tokio_util::task::AbortOnDropHandle;

use super::cluster_source::ClusterSource;
use super::serving_certificate::CertificateArguments;
use crate::admission::{LiveCluster, Reviewer};
use crate::certificates::Manager;
use crate::checks;
use crate::cluster::{self, Coverage, Dependents, Live, Pace, Pod, Rights, SharedInventory, SyncStatus, Watches};
use crate::config::Config;
use crate::engine::Engine;
use crate::model::{Key, Kind, Kinds};
use crate::policy::Policy;
use crate::routing::{ReloadIndex, SharedReloadBlocks};
use crate::server::{self, ClusterReadiness, Limits, Server, Signals, follow_reload_blocks};
use crate::telemetry::{self, LogFormat, Metrics};

/// Two, so that a large list of one kind does not delay the others and the health port.
const CLUSTER_THREADS: usize = 2;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Read the cluster state from these files and directories instead of a live cluster (YAML or JSON).
    #[arg(long, env = "INGRESS_GUARD_MANIFESTS", value_name = "PATH", num_args = 1.., value_delimiter = ',')]
    manifests: Vec<PathBuf>,
    #[command(flatten)]
    cluster: ClusterSource,
    /// Address of the webhook (HTTPS).
    #[arg(long, env = "INGRESS_GUARD_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Address of /livez, /readyz and /metrics (plain HTTP).
    #[arg(long, env = "INGRESS_GUARD_HEALTH_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    health_listen: SocketAddr,
    #[command(flatten)]
    certificate: CertificateArguments,
    /// Configuration file.
    #[arg(long, env = "INGRESS_GUARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Become ready although permissions are missing that denying checks need. These checks then deny nothing.
    #[arg(long, env = "INGRESS_GUARD_ALLOW_MISSING_RIGHTS", value_parser = BoolishValueParser::new())]
    allow_missing_rights: bool,
    #[command(flatten)]
    pod: PodArguments,
    /// Format of log lines.
    #[arg(long, env = "INGRESS_GUARD_LOG_FORMAT", value_enum, value_name = "FORMAT", default_value_t)]
    log_format: LogFormat,
}

/// The pod of this process, which gets an Event when permissions go missing.
#[derive(Debug, Args)]
struct PodArguments {
    /// Namespace of the pod that gets an Event when permissions are missing.
    #[arg(long = "pod-namespace", env = "INGRESS_GUARD_POD_NAMESPACE", value_name = "NAMESPACE", requires_all = ["name", "uid"])]
    namespace: Option<String>,
    /// Name of that pod.
    #[arg(long = "pod-name", env = "INGRESS_GUARD_POD_NAME", value_name = "NAME", requires = "namespace")]
    name: Option<String>,
    /// Uid of that pod.
    #[arg(long = "pod-uid", env = "INGRESS_GUARD_POD_UID", value_name = "UID", requires = "namespace")]
    uid: Option<String>,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    telemetry::start_log(arguments.log_format)?;
    let config = super::config(arguments.config.as_deref())?;
    // For watches, live reads, the health port and signals. The webhook port has a runtime of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(CLUSTER_THREADS).enable_all().build();
    let runtime = runtime.context("cannot start threads")?;
    runtime.block_on(serve(arguments, config))
}

async fn serve(arguments: Arguments, config: Config) -> anyhow::Result<()> {
    let signals = Signals::listen().context("cannot install signal handlers")?;
    let metrics = Arc::new(Metrics::new());
    let (classes, dialects) = (config.settings.classes.clone(), config.settings.dialects.clone());
    let client = if arguments.manifests.is_empty() { Some(arguments.cluster.client().await?) } else { None };
    let (tls, manager) = arguments.certificate.tls(client.as_ref(), &metrics)?;
    let certificates = manager.as_ref().map(Manager::status);
    let _managing = manager.map(|manager| AbortOnDropHandle::new(tokio::spawn(manager.run())));
    let (reviewer, status) = match client {
        Some(client) => watching(client, config, arguments.pod.pod(), arguments.allow_missing_rights),
        None => over_manifests(&arguments.manifests, config)?,
    };
    let service = tls.dns_name.as_deref().filter(|_| arguments.manifests.is_empty()).and_then(service_key);
    let (listen, health_listen) = (arguments.listen, arguments.health_listen);
    let options = server::Options { listen, health_listen, tls, limits: Limits::default() };
    let reload_blocks = SharedReloadBlocks::default();
    let reviewer = reviewer.with_reload_blocks(reload_blocks.clone());
    let configured = dialects.clone();
    let new_index = move || ReloadIndex::new(classes.clone(), configured.clone());
    let following = follow_reload_blocks(status.inventory.clone(), new_index, reload_blocks.clone());
    let _following = AbortOnDropHandle::new(tokio::spawn(following));
    let app = server::webhook(Arc::new(reviewer), &options.limits, Arc::clone(&metrics));
    let server = Server::bind(options, metrics).await?;
    let readiness = Arc::new(ClusterReadiness { status, dialects, reload_blocks, certificates, service });
    tokio::select! {
        _drained = server.run(app, readiness, signals.drain) => Ok(()),
        () = signals.abort.cancelled() => bail!("stopped by a second signal before the drain was complete"),
    }
}

/// Creates a reviewer over an inventory of manifests, which are the whole cluster.
fn over_manifests(paths: &[PathBuf], config: Config) -> anyhow::Result<(Reviewer, SyncStatus)> {
    let mut inventory = cluster::load(paths)?;
    config.restrict(&mut inventory);
    // Of the kinds that are not watched, only the controllers are read.
    for (kind, key) in inventory.controllers().clone() {
        let coverage = inventory.coverage(kind);
        inventory.cover_one(kind, &Key::new(&key.namespace, ""), coverage);
    }
    for kind in Kind::ALL {
        if !kind.is_watched() {
            inventory.cover(kind, Coverage::NotWatched);
            continue;
        }
        tracing::info!(kind = kind.name(), objects = inventory.count(kind), "loaded");
    }
    let engine = config.engine();
    let inventory = SharedInventory::new(inventory);
    let status = status(&inventory, Watches::default(), Rights::default(), &engine, &config.policy);
    Ok((Reviewer::new(inventory, engine, config.policy, Timestamp::now), status))
}

/// Creates a reviewer over an inventory that watches fill. Its denials are confirmed by live reads.
fn watching(
    client: kube::Client,
    config: Config,
    pod: Option<Pod>,
    allow_missing_rights: bool,
) -> (Reviewer, SyncStatus) {
    let engine = config.engine();
    let (inventory, wanted) = config.watched(&engine);
    let inventory = SharedInventory::new(inventory);
    let vital = if allow_missing_rights { Kinds::NONE } else { checks::vital_kinds() };
    let dependents = Dependents { checks: engine.sources(), vital, pod };
    let pace = Pace::default();
    let rights = Rights::start(&client, &wanted, dependents, &pace);
    let watches = Watches::start(&client, wanted, &inventory, &rights, &pace);
    let status = status(&inventory, watches.clone(), rights.clone(), &engine, &config.policy);
    let (live, on_demand) = (Live::with_rights(client, rights), config.on_demand());
    let cluster = LiveCluster { live, watches, on_demand, readable: config.readable };
    (Reviewer::new(inventory, engine, config.policy, Timestamp::now).with_cluster(cluster), status)
}

impl PodArguments {
    fn pod(&self) -> Option<Pod> {
        let Self { namespace, name, uid } = self;
        Some(Pod { namespace: namespace.clone()?, name: name.clone()?, uid: uid.clone()? })
    }
}

fn status(
    inventory: &SharedInventory,
    watches: Watches,
    rights: Rights,
    engine: &Engine,
    policy: &Policy,
) -> SyncStatus {
    let inventory = inventory.clone();
    SyncStatus { inventory, watches, rights, required: engine.needs() | policy.needs(), optional: engine.hints() }
}

/// Returns the Service with a DNS name `NAME.NAMESPACE.svc`.
fn service_key(name: &str) -> Option<Key> {
    let (service, namespace) = name.strip_suffix(".svc")?.split_once('.')?;
    Some(Key::new(namespace, service))
}
