//! `ingress-guard snapshot`

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::cluster_source::{ClusterSource, Scope};
use super::overwriting::refuse_overwriting;
use crate::file::{self, Access};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    cluster: ClusterSource,
    /// File to write, replaced only once the snapshot is complete. Without it: standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Configuration file. With "secrets: off" in it, Secrets are not read.
    #[arg(long, env = "INGRESS_GUARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let inputs: Vec<&Path> = arguments.config.as_deref().into_iter().chain(arguments.cluster.kubeconfig()).collect();
    refuse_overwriting(&arguments.output.iter().map(PathBuf::as_path).collect::<Vec<_>>(), &inputs, &[])?;
    let config = super::config(arguments.config.as_deref())?;
    let snapshot = arguments.cluster.list(&config, Scope::Cluster)?.fetch_referenced()?.snapshot;
    match &arguments.output {
        Some(path) => {
            let written = file::replace(path, Access::Private, |out| snapshot.write(out));
            written.with_context(|| format!("cannot write {}", path.display()))
        }
        None => Ok(snapshot.write(BufWriter::new(std::io::stdout().lock()))?),
    }
}
