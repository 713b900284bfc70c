//! Where a command's knowledge of the cluster comes from: files, a snapshot, or the cluster itself, listed once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;
use jiff::Timestamp;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::cluster::{self, Coverage, Inventory, Live, LiveReads, Snapshot};
use crate::config::Config;
use crate::model::{Ingress, Key, Kind, Kinds};
use crate::routing::referenced_by;

/// How long somebody who has asked for one answer waits for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// A live cluster.
#[derive(Debug, Default, Args)]
pub(super) struct ClusterSource {
    /// The kubeconfig of the cluster; without it: the cluster that this runs in, else the default kubeconfig.
    #[arg(long, env = "INGRESS_GUARD_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig other than its current one.
    #[arg(long, env = "INGRESS_GUARD_CONTEXT", value_name = "NAME")]
    context: Option<String>,
}

/// The cluster that files are laid over, if any is.
#[derive(Debug, Args)]
pub(super) struct Beneath {
    /// Lay the files over the live cluster, as if they were applied: what they do not hold is known from it.
    #[arg(long, env = "INGRESS_GUARD_CLUSTER")]
    cluster: bool,
    /// Lay the files over what ingress-guard snapshot has written.
    #[arg(long, env = "INGRESS_GUARD_SNAPSHOT", value_name = "FILE", conflicts_with = "cluster")]
    snapshot: Option<PathBuf>,
    #[command(flatten)]
    of: ClusterSource,
}

/// Files, a snapshot or a live cluster.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// Files and folders that are the whole cluster (YAML or JSON). Without an IngressClass or Secret among them nothing is
    /// known of those.
    #[arg(long, env = "INGRESS_GUARD_MANIFESTS", value_name = "PATH", num_args = 1.., value_delimiter = ',')]
    manifests: Vec<PathBuf>,
    /// A file that `ingress-guard snapshot` has written.
    #[arg(long, env = "INGRESS_GUARD_SNAPSHOT", value_name = "FILE", conflicts_with = "manifests")]
    snapshot: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterSource,
}

impl Source {
    /// Everything that is known there, with what `overlay` puts on top of it.
    pub(super) fn load(&self, config: &Config, overlay: impl FnOnce(&mut Inventory)) -> anyhow::Result<Snapshot> {
        let is_live = self.manifests.is_empty() && self.snapshot.is_none();
        ensure!(
            is_live || !self.cluster.is_named(),
            "--kubeconfig and --context name a cluster, --manifests and --snapshot stand for one: give either"
        );
        if !self.manifests.is_empty() {
            let mut inventory = cluster::load(&self.manifests)?;
            // They seldom stand beside Ingresses: files that hold none say nothing of them.
            for kind in [Kind::IngressClass, Kind::Secret] {
                if inventory.count(kind) == 0 {
                    inventory.cover(kind, Coverage::Partial);
                }
            }
            overlay(&mut inventory);
            config.restrict(&mut inventory);
            return Ok(Snapshot { inventory, live_reads: LiveReads::default(), taken: Timestamp::now() });
        }
        let snapshot = match &self.snapshot {
            Some(path) => kept(path, config, overlay)?,
            None => self.cluster.load(config, overlay)?,
        };
        warn_of_what_is_forbidden(&snapshot)?;
        Ok(snapshot)
    }
}

impl Source {
    /// What to call it where somebody reads the outcome later.
    pub(super) fn name(&self) -> String {
        let paths = self.snapshot.iter().chain(&self.manifests).map(|path| path.display().to_string());
        let context = self.cluster.context.iter().map(|context| format!("context {context}"));
        paths.chain(context).collect::<Vec<_>>().join(", ")
    }
}

impl Beneath {
    /// Everything that is known there, with what `overlay` puts on top of it; `None` where nobody has asked for a cluster.
    pub(super) fn load(
        &self,
        config: &Config,
        overlay: impl FnOnce(&mut Inventory),
    ) -> anyhow::Result<Option<Snapshot>> {
        let snapshot = match &self.snapshot {
            Some(path) => kept(path, config, overlay)?,
            None if self.cluster => self.of.load(config, overlay)?,
            None => {
                ensure!(
                    !self.of.is_named(),
                    "--kubeconfig and --context say which cluster the files are laid over: give --cluster too"
                );
                return Ok(None);
            }
        };
        warn_of_what_is_forbidden(&snapshot)?;
        Ok(Some(snapshot))
    }
}

/// A snapshot.
fn kept(path: &Path, config: &Config, overlay: impl FnOnce(&mut Inventory)) -> anyhow::Result<Snapshot> {
    let mut snapshot = Snapshot::read(path)?;
    config.restrict(&mut snapshot.inventory);
    // What was read by name goes before the inventory.
    for kind in Kind::ALL.into_iter().filter(|kind| snapshot.inventory.coverage(*kind) == Coverage::Disabled) {
        snapshot.live_reads.forget(kind);
    }
    overlay(&mut snapshot.inventory);
    Ok(snapshot)
}

impl ClusterSource {
    /// Whether a flag says which one: the environment may say so for other commands.
    fn is_named(&self) -> bool {
        let is_flag = |given: bool, variable| given && std::env::var_os(variable).is_none();
        is_flag(self.kubeconfig.is_some(), "INGRESS_GUARD_KUBECONFIG")
            || is_flag(self.context.is_some(), "INGRESS_GUARD_CONTEXT")
    }

    /// A client of it, for as long as the process lives.
    pub(super) async fn client(&self) -> anyhow::Result<kube::Client> {
        kube::Client::try_from(self.config().await?).context("cannot make a client")
    }

    /// Everything once, and the Secrets and ConfigMaps that its Ingresses name.
    pub(super) fn load(&self, config: &Config, overlay: impl FnOnce(&mut Inventory)) -> anyhow::Result<Snapshot> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
        runtime.block_on(self.listed(config, overlay))
    }

    async fn listed(&self, config: &Config, overlay: impl FnOnce(&mut Inventory)) -> anyhow::Result<Snapshot> {
        let mut of = self.config().await?;
        of.connect_timeout = Some(CONNECT);
        let server = of.cluster_url.to_string();
        let client = kube::Client::try_from(of).context("cannot make a client")?;
        let on_demand = config.on_demand();
        let mut nothing = Inventory::default();
        config.restrict(&mut nothing);
        let is_listed = |kind: &Kind| !on_demand.contains(*kind) && nothing.coverage(*kind) != Coverage::Disabled;
        let kinds: Kinds = Kind::ALL.into_iter().filter(is_listed).collect();
        let taken = Timestamp::now();
        let mut inventory = cluster::list(&client, kinds).await.map_err(|error| {
            if error.is_unknown_to_it() {
                anyhow!(
                    "{server} does not know who you are (401): has the token or certificate of the kubeconfig expired?"
                )
            } else {
                anyhow::Error::new(error).context(format!("cannot read the cluster at {server}"))
            }
        })?;
        config.restrict(&mut inventory);
        on_demand.iter().for_each(|kind| inventory.cover(kind, Coverage::FetchedByName));
        overlay(&mut inventory);
        let mut named: BTreeSet<(Kind, Key)> = inventory.ingresses().flat_map(named).collect();
        named.retain(|(kind, _)| on_demand.contains(*kind));
        // What controllers are told.
        named.extend(config.settings.dialects.config_maps().into_iter().map(|key| (Kind::ConfigMap, key)));
        let live_reads = Live::new(client).read_all(named).await;
        Ok(Snapshot { inventory, live_reads, taken })
    }

    async fn config(&self) -> anyhow::Result<kube::Config> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        match self.kubeconfig.as_deref() {
            Some(path) => {
                let read = Kubeconfig::read_from(path).with_context(|| format!("cannot read {}", path.display()))?;
                kube::Config::from_custom_kubeconfig(read, &options).await.with_context(|| path.display().to_string())
            }
            None if options.context.is_some() => Ok(kube::Config::from_kubeconfig(&options).await?),
            None => kube::Config::infer().await.map_err(|_| {
                anyhow!(
                    "there is no cluster to look at: no kubeconfig, and not in a cluster; give --kubeconfig or --manifests"
                )
            }),
        }
    }
}

/// The Secrets and ConfigMaps that an Ingress names.
fn named(ingress: &Ingress) -> impl Iterator<Item = (Kind, Key)> {
    referenced_by(ingress).map(|(kind, name)| (kind, Key::new(&ingress.meta.key.namespace, name)))
}

/// Without the Ingresses there is nothing to say; what else cannot be seen is not evaluated.
pub(super) fn warn_of_what_is_forbidden(snapshot: &Snapshot) -> anyhow::Result<()> {
    let is_forbidden = |kind: &Kind| snapshot.inventory.coverage(*kind) == Coverage::Forbidden;
    if is_forbidden(&Kind::Ingress) {
        bail!(
            "RBAC does not let you list the Ingresses of all namespaces, and any of them may have the host; \
             chart/files/rules.yaml has the rules that are needed"
        );
    }
    for kind in Kind::ALL.iter().filter(|kind| is_forbidden(kind)) {
        let lost = if kind.is_watched() {
            "what rests on them is not evaluated"
        } else {
            "they may be why endpoints are missing"
        };
        super::warn(&format!("RBAC does not let you list {kind} objects: {lost}"));
    }
    let forbidden =
        snapshot.live_reads.iter().filter(|(_, _, fact)| matches!(fact, cluster::LiveRead::Forbidden)).count();
    if forbidden > 0 {
        super::warn(&format!(
            "RBAC does not let you read {forbidden} of the Secrets and ConfigMaps that Ingresses name"
        ));
    }
    Ok(())
}
