//! `ingress-guard snapshot`

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use tempfile::NamedTempFile;

use super::cluster_source::ClusterSource;
use crate::cluster::Snapshot;

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
    let config = super::config(arguments.config.as_deref())?;
    let snapshot = arguments.cluster.list(&config)?.fetch_referenced()?.snapshot;
    match &arguments.output {
        Some(path) => write(&snapshot, path).with_context(|| format!("cannot write {}", path.display())),
        None => Ok(snapshot.write(BufWriter::new(std::io::stdout().lock()))?),
    }
}

fn write(snapshot: &Snapshot, path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    snapshot.write(BufWriter::new(&mut file))?;
    file.flush()?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
