//! `ingress-guard controllers`

use std::path::PathBuf;

use clap::Args;

use super::TextOrJson;
use super::cluster_source::{Loaded, Source};
use crate::cluster::ClusterView;
use crate::report::ControllersReport;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Output format.
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value_t)]
    output: TextOrJson,
    /// Configuration file.
    #[arg(long, env = "INGRESS_GUARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let config = super::config(arguments.config.as_deref())?;
    let Loaded { snapshot, .. } = arguments.source.load(&config)?;
    let view = ClusterView::unrestricted(snapshot.state());
    let report = ControllersReport::of(&view, &config.settings.classes, &config.settings.dialects);
    super::print(&match arguments.output {
        TextOrJson::Text => report.text(),
        TextOrJson::Json => super::json(&report)?,
    })
}
