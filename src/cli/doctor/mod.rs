//! `ingress-guard doctor`

mod account;
mod collect;
mod connection;
mod dry_run;
mod read;
mod replicas;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::TextOrJson;
use super::cluster_source::ClusterSource;
use crate::doctor::diagnose;
use crate::explain::Style;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    cluster: ClusterSource,
    /// Namespace in which ingress-guard is installed. Without it, every namespace is searched.
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Name of the webhook configuration. Without it, the one with the labels of the chart, or the one that calls the Service.
    #[arg(long, value_name = "NAME")]
    webhook_configuration: Option<String>,
    /// Create no Ingress, not even as a dry run. Whether the API server reaches the webhook is then unknown (exit code 2).
    #[arg(long)]
    no_write: bool,
    /// Namespace of the two dry runs. Without it: the namespace of the kubeconfig context if its Ingresses are reviewed, or
    /// else the first one whose Ingresses are.
    #[arg(long, value_name = "NAMESPACE", conflicts_with = "no_write")]
    dry_run_namespace: Option<String>,
    /// Output format.
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value_t)]
    output: TextOrJson,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
    let facts = runtime.block_on(async {
        let client = arguments.cluster.client().await?;
        collect::collect(&client, arguments).await
    })?;
    let diagnosis = diagnose(&facts);
    let style = if super::is_colour_wanted() { Style::Terminal } else { Style::Plain };
    super::print(&match arguments.output {
        TextOrJson::Text => diagnosis.text(style),
        TextOrJson::Json => super::json(&diagnosis)?,
    })?;
    Ok(ExitCode::from(diagnosis.exit_code()))
}
