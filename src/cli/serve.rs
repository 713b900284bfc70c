//! `ingress-guard serve`

use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use clap::builder::BoolishValueParser;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::cluster_source::ClusterSource;
use super::serving_certificate::CertificateArguments;
use super::stored_outputs::{Destination, PageArguments, attest};
use crate::admission::{LiveCluster, Reviewer, Rules};
use crate::background::{Exchange, Leadership};
use crate::certificates::Manager;
use crate::checks;
use crate::cluster::{
    self, ConfigMapText, Coverage, Dependents, Live, Pace, Pod, ReadableNamespaces, Rights, SharedInventory,
    SyncStatus, Watches,
};
use crate::config::{Config, Fixed, StoredSeries};
use crate::engine::Engine;
use crate::model::{Key, Kind, Kinds};
use crate::policy::Policy;
use crate::record;
use crate::routing::SharedReloadBlocks;
use crate::server::{
    self, BackgroundAudit, ClusterReadiness, Followed, FollowedConfiguration, Found, Limits, Probing, RECHECK_DELAY,
    ReadsByName, Server, Signals, Visits, follow_rechecks, follow_reload_blocks, follow_stored_ingresses,
    start_recorder,
};
use crate::tasks::Tasks;
use crate::telemetry::{self, LogFormat, Metrics};

/// The interval at which the configuration file is read again.
const CONFIGURATION_POLL: Duration = Duration::from_secs(2);

/// Two, so that a large list of one kind does not delay the others and the health port.
const CLUSTER_THREADS: usize = 2;

/// Default of `--record-bytes`: 256 MiB.
const RECORD_BYTES: u64 = 256 << 20;

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
    /// Configuration file, loaded again when it changes.
    #[arg(long, env = "INGRESS_GUARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The ConfigMap that --config is mounted from. It is read every two seconds: changes apply before the kubelet updates the volume.
    #[arg(
        long,
        env = "INGRESS_GUARD_CONFIG_MAP",
        value_name = "NAMESPACE/NAME",
        requires = "config",
        conflicts_with = "manifests",
        value_parser = config_map_key
    )]
    config_map: Option<Key>,
    /// The Lease whose holder audits the stored Ingresses. It must exist. Without this flag the process is alone.
    #[arg(
        long,
        env = "INGRESS_GUARD_BACKGROUND_LEASE",
        value_name = "NAMESPACE/NAME",
        conflicts_with = "manifests",
        value_parser = lease_key
    )]
    background_lease: Option<Key>,
    /// Become ready although permissions are missing that denying checks need. These checks then deny nothing.
    #[arg(long, env = "INGRESS_GUARD_ALLOW_MISSING_RIGHTS", value_parser = BoolishValueParser::new())]
    allow_missing_rights: bool,
    #[command(flatten)]
    record: RecordArguments,
    #[command(flatten)]
    page: PageArguments,
    #[command(flatten)]
    pod: PodArguments,
    /// Format of log lines.
    #[arg(long, env = "INGRESS_GUARD_LOG_FORMAT", value_enum, value_name = "FORMAT", default_value_t)]
    log_format: LogFormat,
}

/// Where reviews are recorded.
#[derive(Debug, Args)]
struct RecordArguments {
    /// Record evaluated reviews with the state of the cluster in this directory, for replay. Records contain no Secret.
    #[arg(long, env = "INGRESS_GUARD_RECORD", value_name = "DIR", conflicts_with = "manifests")]
    record: Option<PathBuf>,
    /// The most bytes of all records. The oldest ones are removed first.
    #[arg(long, env = "INGRESS_GUARD_RECORD_BYTES", value_name = "BYTES", default_value_t = RECORD_BYTES)]
    record_bytes: u64,
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
    let text = arguments.config.as_deref().map(Config::text).transpose()?.unwrap_or_default();
    let name = arguments.config.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
    let config = Config::parse(&name, &text)?;
    // For watches, live reads, the health port and signals. The webhook port has a runtime of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(CLUSTER_THREADS).enable_all().build();
    let runtime = runtime.context("cannot start threads")?;
    runtime.block_on(serve(arguments, config, text))
}

/// Serves with a configuration, which is followed. `text` is the content of its file.
async fn serve(mut arguments: Arguments, config: Config, text: String) -> anyhow::Result<()> {
    let signals = Signals::listen().context("cannot install signal handlers")?;
    let (metrics, tasks) = (Arc::new(Metrics::new()), Tasks::default());
    let fixed = Fixed::of(&config, &config.engine());
    let file = arguments.config.take();
    let (client, source) = if arguments.manifests.is_empty() {
        let (client, name) = arguments.cluster.named_client().await?;
        (Some(client), format!("{name}, live"))
    } else {
        (None, "manifests".to_owned())
    };
    let (background, lease, probe) = (config.background.clone(), arguments.lease(), config.probe.clone());
    let service = arguments.certificate.service().filter(|_| client.is_some());
    let (tls, manager) = arguments.certificate.tls(client.as_ref(), &metrics)?;
    let certificates = manager.as_ref().map(Manager::status);
    let _managing = manager.map(|manager| {
        AbortOnDropHandle::new(tasks.keep("self_managed_certificate", move || manager.restarted().run()))
    });
    let config_map = config_map(client.as_ref(), arguments.config_map.take(), file.as_deref());
    let on_demand = OnDemand { kinds: config.on_demand(), readable: config.readable.clone() };
    let lease = lease.filter(|_| background.enabled).zip(client.clone());
    let leadership = if lease.is_some() { Leadership::of_replica() } else { Leadership::alone() };
    let destination = lease.map(|((lease, identity), client)| {
        let exchange = Exchange::default();
        Destination { client, lease, identity, exchange }
    });
    let drained = CancellationToken::new();
    let keeping = destination.as_ref().map(|destination| {
        let kept = (leadership.clone(), Arc::clone(&metrics));
        destination.keep(kept, (signals.drain.clone(), drained.clone()), &tasks)
    });
    let live = client.clone();
    let (reviewer, status) = match client {
        Some(client) => watching(client, config, &text, arguments.pod.pod(), arguments.allow_missing_rights, &tasks),
        None => over_manifests(&arguments.manifests, config)?,
    };
    let (listen, health_listen) = (arguments.listen, arguments.health_listen);
    let options = server::Options { listen, health_listen, tls, limits: Limits::default() };
    let reload_blocks = SharedReloadBlocks::default();
    let (reviewer, rechecks) = reviewer.with_reload_blocks(reload_blocks.clone()).with_rechecks();
    let reviewer = arguments.record.recording(reviewer, &metrics)?;
    let (rules, found) = (reviewer.rules(), Found::default());
    let followed = Followed {
        inventory: status.inventory.clone(),
        rules: rules.clone(),
        blocks: reload_blocks.clone(),
        leadership: leadership.clone(),
        reads: live.map(|client| Arc::new(on_demand.reads(client, status.rights.clone()))),
        service: service.clone(),
        metrics: Arc::clone(&metrics),
        found: found.clone(),
        visits: Visits::default(),
    };
    let (reviewer, _attesting) = attest(reviewer, destination.as_ref(), &followed, &status.watches, &tasks);
    let reviewer = Arc::new(reviewer);
    let _writing = destination.map(|destination| destination.write(&background, &followed, &tasks));
    let page = arguments.page.serve(source, &followed, &signals.drain);
    let _page = page.await?;
    let probing = Probing {
        inventory: status.inventory.clone(),
        rules: rules.clone(),
        settings: probe,
        names_hosts: background.metrics == StoredSeries::Detailed,
        metrics: Arc::clone(&metrics),
    };
    let _probing = probing.start(&leadership, &tasks);
    let (is_enabled, settings) = (background.enabled, background);
    let auditing = move || follow_stored_ingresses(followed.clone(), settings.clone());
    let _auditing = is_enabled.then(|| AbortOnDropHandle::new(tasks.keep("background_audit", auditing)));
    let background = is_enabled.then(|| BackgroundAudit { leadership, found });
    let followed = (status.inventory.clone(), rules.clone(), reload_blocks.clone());
    let following = move || follow_reload_blocks(followed.0.clone(), followed.1.clone(), followed.2.clone());
    let _following = AbortOnDropHandle::new(tasks.keep("reload_blocks", following));
    let followed = (Arc::new(Mutex::new(rechecks)), Arc::clone(&reviewer), Arc::clone(&metrics));
    let following = move || {
        follow_rechecks(Arc::clone(&followed.0), RECHECK_DELAY, Arc::clone(&followed.1), Arc::clone(&followed.2))
    };
    let _rechecking = AbortOnDropHandle::new(tasks.keep("rechecks", following));
    let configuration = FollowedConfiguration::new(file, text, fixed, rules, Arc::clone(&metrics));
    let configuration = Arc::new(configuration.with_config_map(config_map).with_rights(status.rights.clone()));
    let followed = Arc::clone(&configuration);
    let following = move || Arc::clone(&followed).follow(CONFIGURATION_POLL);
    let _reloading = AbortOnDropHandle::new(tasks.keep("configuration", following));
    let app = server::webhook(reviewer, &options.limits, Arc::clone(&metrics));
    let server = Server::bind(options, metrics).await?;
    let readiness =
        Arc::new(ClusterReadiness { status, configuration, reload_blocks, certificates, service, background, tasks });
    tokio::select! {
        _drained = server.run(app, readiness, signals.drain) => {
            // The Lease is given up meanwhile.
            drained.cancel();
            if let Some(keeping) = keeping {
                let _ = keeping.await;
            }
            Ok(())
        }
        () = signals.abort.cancelled() => bail!("stopped by a second signal before the drain was complete"),
    }
}

impl RecordArguments {
    /// Makes a reviewer record its reviews, if a directory for them is given.
    fn recording(&self, reviewer: Reviewer, metrics: &Arc<Metrics>) -> anyhow::Result<Reviewer> {
        let Some(folder) = &self.record else { return Ok(reviewer) };
        let writer = record::Writer::new(folder, self.record_bytes);
        let writer = writer.with_context(|| format!("cannot record in {}", folder.display()))?;
        Ok(reviewer.with_recorder(start_recorder(writer, Arc::clone(metrics)).context("cannot start threads")?))
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
    text: &str,
    pod: Option<Pod>,
    allow_missing_rights: bool,
    tasks: &Tasks,
) -> (Reviewer, SyncStatus) {
    let engine = config.engine();
    let (inventory, wanted) = config.watched(&engine);
    let inventory = SharedInventory::new(inventory);
    let vital = if allow_missing_rights { Kinds::NONE } else { checks::vital_kinds() };
    let dependents = Dependents { checks: engine.sources(), vital, pod };
    let pace = Pace::default();
    let rights = Rights::start(&client, &wanted, dependents, &pace, tasks);
    let watches = Watches::start(&client, wanted, &inventory, &rights, &pace, tasks);
    let status = status(&inventory, watches.clone(), rights.clone(), &engine, &config.policy);
    let (live, on_demand) = (Live::with_rights(client, rights), config.on_demand());
    let cluster = LiveCluster { live, watches, on_demand, readable: config.readable };
    let rules = Rules { engine, policy: config.policy, text: text.into() };
    (Reviewer::with_rules(inventory, rules, Timestamp::now).with_cluster(cluster), status)
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

/// The objects that are read when an Ingress names them.
struct OnDemand {
    kinds: Kinds,
    readable: ReadableNamespaces,
}

impl OnDemand {
    /// Returns their reads in the background, apart from those of reviews.
    fn reads(self, client: kube::Client, rights: Rights) -> ReadsByName {
        ReadsByName { live: Live::with_rights(client, rights), on_demand: self.kinds, readable: self.readable }
    }
}

impl Arguments {
    /// Returns the Lease of the background audit, and the name of this process as its holder.
    fn lease(&mut self) -> Option<(Key, String)> {
        let lease = self.background_lease.take()?;
        // The name of the pod, so that its next container goes on at once; else one that no other process has.
        let identity = self.pod.name.clone().unwrap_or_else(|| {
            let number = RandomState::new().hash_one(std::process::id());
            format!("process-{number:016x}")
        });
        Some((lease, identity))
    }
}

/// Returns how to read the ConfigMap that the file is mounted from.
fn config_map(client: Option<&kube::Client>, name: Option<Key>, file: Option<&Path>) -> Option<ConfigMapText> {
    let key = file?.file_name()?.to_string_lossy().into_owned();
    Some(ConfigMapText::new(client?.clone(), name?, key))
}

/// Returns the key of a ConfigMap that is written as `NAMESPACE/NAME`.
fn config_map_key(text: &str) -> Result<Key, String> {
    let key = text.split_once('/').map(|(namespace, name)| Key::new(namespace, name));
    key.filter(|key| key.can_name(Kind::ConfigMap)).ok_or_else(|| {
        "expected the namespace and the name of a ConfigMap, such as ingress-guard/ingress-guard".to_owned()
    })
}

/// Returns the key of a Lease that is written as `NAMESPACE/NAME`.
fn lease_key(text: &str) -> Result<Key, String> {
    let key = text.split_once('/').map(|(namespace, name)| Key::new(namespace, name));
    // The names of ConfigMaps and Leases have the same form.
    key.filter(|key| key.can_name(Kind::ConfigMap)).ok_or_else(|| {
        "expected the namespace and the name of a Lease, such as ingress-guard/ingress-guard-background".to_owned()
    })
}
