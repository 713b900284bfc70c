//! The cluster state that a command evaluates: a live cluster listed once, manifests, or a snapshot file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;
use clap::builder::BoolishValueParser;
use jiff::Timestamp;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tokio::runtime::Runtime;

use crate::cluster::{self, Coverage, Inventory, Live, LiveReads, Object, Snapshot};
use crate::config::Config;
use crate::file;
use crate::model::{Backend, Ingress, Key, Kind, Kinds};
use crate::routing::referenced_by;

/// The limit for connecting to the API server.
const CONNECT: Duration = Duration::from_secs(10);

/// The most bytes of a kubeconfig: one of a hundred clusters has one MB.
const LARGEST_KUBECONFIG: u64 = 16 << 20;

/// The namespace of objects that name none, where no kubeconfig context sets another.
const DEFAULT_NAMESPACE: &str = "default";

/// A live cluster.
#[derive(Debug, Default, Args)]
pub(super) struct ClusterSource {
    /// Kubeconfig of the cluster. Without it: $KUBECONFIG, ~/.kube/config, or inside a cluster the service account.
    #[arg(long, env = "INGRESS_GUARD_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig. Without it: the current context.
    #[arg(long, env = "INGRESS_GUARD_CONTEXT", value_name = "NAME")]
    context: Option<String>,
}

/// The cluster state that files are overlaid on, if any.
#[derive(Debug, Args)]
pub(super) struct Base {
    /// Evaluate the files as if they were applied to the live cluster; other objects are read from it.
    #[arg(long, env = "INGRESS_GUARD_CLUSTER", value_parser = BoolishValueParser::new())]
    cluster: bool,
    /// Evaluate the files as if they were applied to the cluster of this snapshot (see ingress-guard snapshot).
    #[arg(long, env = "INGRESS_GUARD_SNAPSHOT", value_name = "FILE", conflicts_with = "cluster")]
    snapshot: Option<PathBuf>,
    #[command(flatten)]
    live: ClusterSource,
}

/// Manifests, a snapshot or a live cluster.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// Read the cluster state from these files and directories instead of a live cluster (YAML or JSON). IngressClasses and
    /// Secrets are not evaluated if the files contain none.
    #[arg(long, env = "INGRESS_GUARD_MANIFESTS", value_name = "PATH", num_args = 1.., value_delimiter = ',')]
    manifests: Vec<PathBuf>,
    /// Read the cluster state from a file that ingress-guard snapshot wrote instead of a live cluster.
    #[arg(long, env = "INGRESS_GUARD_SNAPSHOT", value_name = "FILE", conflicts_with = "manifests")]
    snapshot: Option<PathBuf>,
    #[command(flatten)]
    live: ClusterSource,
}

/// The part of a live cluster that a command needs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scope<'n> {
    /// All of it.
    Cluster,
    /// At least one namespace; `None`: that of the kubeconfig context.
    NamespaceAtLeast(Option<&'n str>),
}

/// Cluster state, and where it comes from.
pub(super) struct Loaded {
    pub(super) snapshot: Snapshot,
    /// The source as reports name it, e.g. `cluster https://10.0.0.1:6443, context prod`.
    pub(super) source: String,
    /// The namespace of an Ingress that is given without one.
    pub(super) namespace: String,
}

/// Cluster state before the objects that its Ingresses reference are fetched by name.
pub(super) struct Listed {
    loaded: Loaded,
    /// `None`: nothing is left to fetch, as for a snapshot.
    fetch: Option<Fetch>,
}

/// The connection that fetches referenced objects.
struct Fetch {
    /// The client works as long as this runs.
    runtime: Runtime,
    live: Live,
    kinds: Kinds,
    /// The ConfigMaps of the controllers.
    config_maps: Vec<Key>,
}

impl Source {
    /// Reads the cluster state.
    pub(super) fn load(&self, config: &Config) -> anyhow::Result<Loaded> {
        self.load_for(config, Scope::Cluster)
    }

    /// Reads the cluster state, or what RBAC allows of it in one namespace.
    pub(super) fn load_for(&self, config: &Config, scope: Scope<'_>) -> anyhow::Result<Loaded> {
        let is_live = self.manifests.is_empty() && self.snapshot.is_none();
        ensure!(
            is_live || !self.live.is_given(),
            "--kubeconfig and --context select a live cluster, --manifests and --snapshot replace it: remove one of them"
        );
        if !self.manifests.is_empty() {
            return manifests(&self.manifests, config);
        }
        match &self.snapshot {
            Some(path) => snapshot(path, config),
            None => self.live.list(config, scope)?.fetch_referenced(),
        }
    }

    /// The files that are read besides manifests.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.snapshot.as_deref().into_iter().chain(self.live.kubeconfig())
    }

    pub(super) fn manifests(&self) -> &[PathBuf] {
        &self.manifests
    }

    /// Whether the state is from an earlier time than this run.
    pub(super) fn is_snapshot(&self) -> bool {
        self.snapshot.is_some()
    }
}

impl Base {
    /// The files that are read.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.snapshot.as_deref().into_iter().chain(self.live.kubeconfig())
    }

    /// Lists the cluster; `None` if the files stand alone.
    pub(super) fn list(&self, config: &Config) -> anyhow::Result<Option<Listed>> {
        match &self.snapshot {
            Some(path) => Ok(Some(Listed { loaded: snapshot(path, config)?, fetch: None })),
            None if self.cluster => self.live.list(config, Scope::Cluster).map(Some),
            None => {
                ensure!(!self.live.is_given(), "--kubeconfig and --context need --cluster");
                Ok(None)
            }
        }
    }
}

impl Listed {
    /// The state of an earlier [`Listed::fetch_referenced`], for another overlay.
    pub(super) fn again(loaded: Loaded) -> Self {
        Self { loaded, fetch: None }
    }

    /// The objects without Secrets and ConfigMaps that are fetched by name.
    pub(super) fn inventory(&self) -> &Inventory {
        &self.loaded.snapshot.inventory
    }

    /// Overlays objects as if they were applied at `now`.
    pub(super) fn overlay(&mut self, objects: impl IntoIterator<Item = Object>, now: Timestamp) {
        self.loaded.snapshot.inventory.overlay(objects, now);
    }

    /// Fetches the Secrets and ConfigMaps that Ingresses and the configuration reference.
    pub(super) fn fetch_referenced(self) -> anyhow::Result<Loaded> {
        let Self { mut loaded, fetch } = self;
        if let Some(Fetch { runtime, live, kinds, config_maps }) = fetch {
            let mut keys: BTreeSet<(Kind, Key)> = loaded.snapshot.inventory.ingresses().flat_map(referenced).collect();
            keys.retain(|(kind, _)| kinds.contains(*kind));
            keys.extend(config_maps.into_iter().map(|key| (Kind::ConfigMap, key)));
            loaded.snapshot.live_reads = runtime.block_on(live.read_all(keys));
            warn_about_missing_rights(&loaded.snapshot)?;
        }
        Ok(loaded)
    }
}

/// Reads manifests, which together are the cluster.
fn manifests(paths: &[PathBuf], config: &Config) -> anyhow::Result<Loaded> {
    let mut inventory = cluster::load(paths)?;
    // Charts seldom contain them, so their absence from the files proves nothing.
    for kind in [Kind::IngressClass, Kind::Secret] {
        if inventory.count(kind) == 0 {
            inventory.cover(kind, Coverage::Partial);
        }
    }
    config.restrict(&mut inventory);
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    Ok(Loaded {
        snapshot: Snapshot { inventory, live_reads: LiveReads::default(), taken: Timestamp::now() },
        source: format!("manifests {}", paths.join(", ")),
        namespace: DEFAULT_NAMESPACE.to_owned(),
    })
}

/// Reads a snapshot.
fn snapshot(path: &Path, config: &Config) -> anyhow::Result<Loaded> {
    let mut snapshot = Snapshot::read(path)?;
    config.restrict(&mut snapshot.inventory);
    // Live reads take precedence over the inventory.
    for kind in Kind::ALL.into_iter().filter(|kind| snapshot.inventory.coverage(*kind) == Coverage::Disabled) {
        snapshot.live_reads.forget(kind);
    }
    warn_about_missing_rights(&snapshot)?;
    let source = format!("snapshot {}", path.display());
    Ok(Loaded { snapshot, source, namespace: DEFAULT_NAMESPACE.to_owned() })
}

impl ClusterSource {
    pub(super) fn kubeconfig(&self) -> Option<&Path> {
        self.kubeconfig.as_deref()
    }

    /// Whether a flag selects a cluster. The environment may do so for other commands.
    fn is_given(&self) -> bool {
        let is_flag = |given: bool, variable| given && std::env::var_os(variable).is_none();
        is_flag(self.kubeconfig.is_some(), "INGRESS_GUARD_KUBECONFIG")
            || is_flag(self.context.is_some(), "INGRESS_GUARD_CONTEXT")
    }

    /// Returns a client for the lifetime of the process, whose callers retry: retries of the client would hide for minutes that a
    /// watch fails.
    pub(super) async fn client(&self) -> anyhow::Result<kube::Client> {
        Ok(self.named_client().await?.0)
    }

    /// Returns the same with the name of the cluster: its address.
    pub(super) async fn named_client(&self) -> anyhow::Result<(kube::Client, String)> {
        let mut connection = self.connection().await?;
        connection.default_retry = false;
        let name = format!("cluster {}", connection.cluster_url.to_string().trim_end_matches('/'));
        Ok((kube::Client::try_from(connection).context("cannot create a Kubernetes client")?, name))
    }

    /// Lists every kind that is not fetched by name.
    pub(super) fn list(&self, config: &Config, scope: Scope<'_>) -> anyhow::Result<Listed> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
        let (loaded, live) = runtime.block_on(self.listed(config, scope))?;
        let config_maps = config.config_maps(&loaded.snapshot.inventory);
        let fetch = Fetch { runtime, live, kinds: config.on_demand(), config_maps };
        Ok(Listed { loaded, fetch: Some(fetch) })
    }

    async fn listed(&self, config: &Config, scope: Scope<'_>) -> anyhow::Result<(Loaded, Live)> {
        let mut connection = self.connection().await?;
        connection.connect_timeout = Some(CONNECT);
        let server = connection.cluster_url.to_string();
        let source = self.source(&server);
        let namespace = connection.default_namespace.clone();
        let client = kube::Client::try_from(connection).context("cannot create a Kubernetes client")?;
        let on_demand = config.on_demand();
        let mut nothing = Inventory::default();
        config.restrict(&mut nothing);
        let is_listed = |kind: &Kind| !on_demand.contains(*kind) && nothing.coverage(*kind) != Coverage::Disabled;
        let kinds: Kinds = Kind::ALL.into_iter().filter(is_listed).collect();
        let taken = Timestamp::now();
        let only = match scope {
            Scope::Cluster => None,
            Scope::NamespaceAtLeast(only) => Some(only.unwrap_or(&namespace)),
        };
        let mut inventory = cluster::list(&client, kinds, only).await.map_err(|error| {
            if error.is_unauthorized() {
                anyhow!(
                    "{server} rejects the credentials of the kubeconfig (401): check whether the token or certificate has expired"
                )
            } else {
                anyhow::Error::new(error).context(format!("cannot read the cluster at {server}"))
            }
        })?;
        cover_referenced(&mut inventory);
        config.restrict(&mut inventory);
        on_demand.iter().for_each(|kind| inventory.cover(kind, Coverage::FetchedByName));
        let snapshot = Snapshot { inventory, live_reads: LiveReads::default(), taken };
        Ok((Loaded { snapshot, source, namespace }, Live::new(client)))
    }

    /// Names the cluster and its context, which differ between people; the address does not.
    fn source(&self, server: &str) -> String {
        let context = self.context.clone().or_else(|| {
            let kubeconfig = match &self.kubeconfig {
                Some(path) => Kubeconfig::read_from(path),
                None => Kubeconfig::read(),
            };
            kubeconfig.ok()?.current_context
        });
        let context = context.map_or_else(String::new, |context| format!(", context {context}"));
        format!("cluster {}{context}", server.trim_end_matches('/'))
    }

    async fn connection(&self) -> anyhow::Result<kube::Config> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        match self.kubeconfig.as_deref() {
            Some(path) => {
                let name = || format!("cannot read {}", path.display());
                file::check(path, LARGEST_KUBECONFIG).with_context(name)?;
                let read = Kubeconfig::read_from(path).with_context(name)?;
                kube::Config::from_custom_kubeconfig(read, &options).await.with_context(|| path.display().to_string())
            }
            None if options.context.is_some() => Ok(kube::Config::from_kubeconfig(&options).await?),
            None => kube::Config::infer().await.map_err(|_| {
                anyhow!("no cluster found: no usable kubeconfig, and not in a cluster; use --kubeconfig, or see --help for other inputs")
            }),
        }
    }
}

/// Records that the Services of listed Ingresses are known where one namespace was listed: an absent one does not exist.
fn cover_referenced(inventory: &mut Inventory) {
    let of = |ingress: &Ingress| {
        let names = ingress.backends().filter_map(|at| match at.backend {
            Backend::Service { name, .. } => Some(name.to_string()),
            Backend::Resource => None,
        });
        names.map(|name| Key::new(&ingress.meta.key.namespace, &name)).collect::<Vec<_>>()
    };
    let services: BTreeSet<Key> = inventory.ingresses().flat_map(of).collect();
    for kind in [Kind::Service, Kind::EndpointSlice] {
        if inventory.coverage(kind) == Coverage::OneNamespace {
            for key in &services {
                inventory.cover_one(kind, key, Coverage::Complete);
            }
        }
    }
}

/// The Secrets and ConfigMaps that an Ingress references.
fn referenced(ingress: &Ingress) -> impl Iterator<Item = (Kind, Key)> {
    referenced_by(ingress).map(|(kind, name)| (kind, Key::new(&ingress.meta.key.namespace, name)))
}

/// Warns about kinds that RBAC hides. Fails without the Ingresses, because nothing can be evaluated then.
fn warn_about_missing_rights(snapshot: &Snapshot) -> anyhow::Result<()> {
    if snapshot.inventory.coverage(Kind::Ingress) == Coverage::OneNamespace {
        super::warn("RBAC allows listing the Ingresses of one namespace only: those of others are unknown");
    }
    let is_forbidden = |kind: &Kind| snapshot.inventory.coverage(*kind) == Coverage::Forbidden;
    if is_forbidden(&Kind::Ingress) {
        bail!(
            "RBAC does not allow listing the Ingresses of all namespaces, any of which can define a host; \
             an administrator can grant it with the ClusterRole NAME-reader of the chart (rbac.readers); \
             explain --namespace needs those of one namespace"
        );
    }
    for kind in Kind::ALL.iter().filter(|kind| is_forbidden(kind)) {
        let effect = if kind.is_watched() {
            "checks that depend on them are not evaluated"
        } else {
            "they may be the cause of missing endpoints, and the versions of controllers may be unknown"
        };
        super::warn(&format!("RBAC does not allow listing {kind} objects: {effect}"));
    }
    let forbidden =
        snapshot.live_reads.iter().filter(|(_, _, read)| matches!(read, cluster::LiveRead::Forbidden)).count();
    if forbidden > 0 {
        super::warn(&format!("RBAC does not allow reading {forbidden} of the referenced Secrets and ConfigMaps"));
    }
    Ok(())
}
