//! `ingress-guard probe [HOST…]`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::assumed_controller::AssumedController;
use super::cluster_source::{Loaded, Scope, Source};
use super::progress::Progress;
use crate::cluster::{Coverage, Snapshot};
use crate::config::{Config, Via};
use crate::explain::Style;
use crate::model::Kind;
use crate::probe::{ClusterAddresses, Plan, ProbeReport, Selection, compare, judge, junit, table};
use crate::prober::{AddressSource, Addresses, Pace, Prober};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Hosts to request; all without one. A wildcard rule may cover a host.
    #[arg(value_name = "HOST")]
    hosts: Vec<String>,
    /// Request only the paths of Ingresses in this namespace. If RBAC does not allow listing the cluster, only this namespace is
    /// read.
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Send every request to this address, instead of those in the status of the Ingresses: HOST, HOST:PORT, http://HOST:PORT or
    /// https://HOST:PORT. Can be repeated, for HTTP and HTTPS.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    via: Vec<Via>,
    /// The most requests per second.
    #[arg(long, value_name = "NUMBER", default_value_t = 10.0, value_parser = rate)]
    rate: f64,
    /// The time limit of a request in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
    /// The most sample requests to a path.
    #[arg(long, value_name = "NUMBER", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=5))]
    samples: u8,
    /// Whether connections begin with the PROXY protocol (version 1). With auto, those to addresses of --via do if the ConfigMap of
    /// the controller has use-proxy-protocol.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    proxy_protocol: ProxyProtocol,
    /// Compare the answers of the controllers of two IngressClasses: whether DNS can be switched from the first to the second.
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"], conflicts_with_all = ["via"])]
    compare: Vec<String>,
    /// With --compare, the address of the first controller; without it, the addresses of Ingresses of its class.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', requires = "compare")]
    via_a: Vec<Via>,
    /// With --compare, the address of the second controller.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', requires = "compare")]
    via_b: Vec<Via>,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    assumed: AssumedController,
    /// Output format.
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value_t)]
    output: Format,
    /// Configuration file.
    #[arg(long, env = "INGRESS_GUARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
    Junit,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum ProxyProtocol {
    #[default]
    Auto,
    Always,
    Never,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut config = super::config(arguments.config.as_deref())?;
    arguments.assumed.apply_to(&mut config);
    if let [from, to] = &*arguments.compare {
        ensure!(arguments.output != Format::Junit, "--compare has the formats table and json, not junit");
        return compared(arguments, &config, (from, to));
    }
    let Loaded { snapshot, .. } =
        arguments.source.load_for(&config, Scope::NamespaceAtLeast(arguments.namespace.as_deref()))?;
    let plan = Plan::of(snapshot.state(), &config.settings, &arguments.selection());
    arguments.refuse_unknown_hosts(&plan)?;
    let addresses =
        arguments.addresses(&arguments.via, || AddressSource::Ingress(ClusterAddresses::of(&snapshot.inventory)));
    let progress = Progress::begin(plan.requests.len(), ("sent", "requests"));
    let (observations, backends) = runtime()?.block_on(arguments.prober().run(&plan, &addresses, || progress.step()));
    drop(progress);
    let results = judge(&plan.requests, &observations, &backends, Timestamp::now(), false);
    let report = ProbeReport::new(results, plan.left_out);
    let style = if super::is_colour_wanted() { Style::Terminal } else { Style::Plain };
    super::print(&match arguments.output {
        Format::Table => table(&report, style),
        Format::Json => super::json(&report)?,
        Format::Junit => junit(&report),
    })?;
    Ok(ExitCode::from(report.exit_code()))
}

/// Compares two controllers.
fn compared(arguments: &Arguments, config: &Config, (from, to): (&str, &str)) -> anyhow::Result<ExitCode> {
    let Loaded { snapshot, .. } =
        arguments.source.load_for(config, Scope::NamespaceAtLeast(arguments.namespace.as_deref()))?;
    for (class, via, flag) in [(from, &arguments.via_a, "--via-a"), (to, &arguments.via_b, "--via-b")] {
        let is_used = || snapshot.inventory.ingresses().any(|ingress| ingress.class_ref().name() == Some(class));
        let is_known = snapshot.inventory.coverage(Kind::IngressClass) == Coverage::Complete;
        let is_missing = is_known && snapshot.inventory.class(class).is_none();
        ensure!(
            !via.is_empty() || !is_missing || is_used(),
            "there is no IngressClass {class:?}, and no Ingress names it: give the address of its controller with {flag}"
        );
    }
    let selection = Selection { classes: Some([from, to].map(str::to_owned).into()), ..arguments.selection() };
    let mut plan = Plan::of(snapshot.state(), &config.settings, &selection);
    arguments.refuse_unknown_hosts(&plan)?;
    let mut seen = std::collections::HashSet::new();
    plan.requests.retain(|planned| seen.insert(planned.request.url()));
    let side = |class: &str, via: &[Via]| {
        let cluster = || ClusterAddresses::of(&snapshot.inventory);
        arguments.addresses(via, || AddressSource::Class(class_addresses(&snapshot, class), cluster()))
    };
    let (one, other) = (side(from, &arguments.via_a), side(to, &arguments.via_b));
    let progress = Progress::begin(plan.requests.len(), ("sent", "requests"));
    let asked = arguments.prober();
    let observations = runtime()?.block_on(asked.compare(&plan.requests, (&one, &other), || progress.step()));
    drop(progress);
    let mut comparison = compare((from, to), &plan.requests, &observations, Timestamp::now());
    comparison.left_out = plan.left_out;
    super::print(&match arguments.output {
        Format::Json => super::json(&comparison)?,
        Format::Table | Format::Junit => comparison.table(),
    })?;
    Ok(ExitCode::from(comparison.exit_code()))
}

/// The addresses that the controller of a class has set on Ingresses, those of most Ingresses first.
fn class_addresses(snapshot: &Snapshot, class: &str) -> Vec<String> {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for ingress in snapshot.inventory.ingresses().filter(|ingress| ingress.class_ref().name() == Some(class)) {
        for address in ingress.addresses.iter().filter(|text| !text.is_empty()) {
            *counts.entry(address).or_default() += 1;
        }
    }
    let mut addresses: Vec<(&str, usize)> = counts.into_iter().collect();
    addresses.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    addresses.into_iter().map(|(address, _)| address.to_owned()).collect()
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")
}

/// Parses `--rate`.
fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "expected a number".to_owned())?;
    if (0.01..=1000.0).contains(&rate) { Ok(rate) } else { Err("expected a number from 0.01 to 1000".to_owned()) }
}

impl Arguments {
    fn selection(&self) -> Selection {
        Selection {
            hosts: self.hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            namespaces: self.namespace.clone().map(|namespace| [namespace].into()),
            samples: self.samples.into(),
            ..Selection::default()
        }
    }

    /// Refuses a host of the command line that no Ingress has: a misspelt one would look like a success.
    fn refuse_unknown_hosts(&self, plan: &Plan) -> anyhow::Result<()> {
        for host in &self.hosts {
            let host = host.to_ascii_lowercase();
            let is_planned =
                plan.requests.iter().any(|planned| planned.request.host == host || planned.host.to_string() == host);
            ensure!(is_planned || !plan.left_out.is_empty(), "no Ingress rule has a path for host {host:?}");
        }
        Ok(())
    }

    fn addresses(&self, via: &[Via], unnamed: impl FnOnce() -> AddressSource) -> Addresses {
        let proxy_protocol = match self.proxy_protocol {
            ProxyProtocol::Auto => None,
            ProxyProtocol::Always => Some(true),
            ProxyProtocol::Never => Some(false),
        };
        Addresses::new(Via::merged(via).map_or_else(unnamed, AddressSource::Named), proxy_protocol)
    }

    fn prober(&self) -> Prober {
        Prober::new(Duration::from_secs(self.timeout), Pace::new(self.rate, self.rate))
    }
}
