//! `ingress-guard audit`

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::analysis_options::AnalysisOptions;
use super::cluster_source::Source;
use super::progress::Progress;
use super::report_output::{Format, Formats, Outputs};
use crate::analysis::analyze;
use crate::cluster::{ClusterState, ClusterView};
use crate::config::Config;
use crate::model::Ingress;
use crate::policy::{Policy, Profile};
use crate::report::{Page, Report, Text, hosts, html, text, what_if};
use crate::routing::{Controllers, RouteMap};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    analysis: AnalysisOptions,
    #[command(flatten)]
    outputs: Outputs,
    /// List the Ingresses that would be denied if this profile held everywhere and they were applied anew.
    #[arg(long, env = "INGRESS_GUARD_WHAT_IF", value_name = "PROFILE", conflicts_with = "profile")]
    what_if: Option<WhatIf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum WhatIf {
    Guard,
    Strict,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.outputs.validate()?;
    let mut config = arguments.analysis.config()?;
    let asked = arguments.what_if.map(|profile| profile.suppose(&mut config.policy));
    let snapshot = arguments.source.load(&config, |_| ())?;
    let mut report = analyzed(snapshot.state(), &config);
    arguments.analysis.accept(&mut report)?;
    if arguments.outputs.has(Format::Json) {
        report.routes = Some(with_map(snapshot.state(), &config, hosts));
    }
    let source = arguments.source.name();
    let forms = Formats {
        fails: arguments.analysis.fail_on.level(),
        text: &|colour| match asked {
            Some(profile) => what_if(&report, profile),
            None => text(&report, &Text { colour, ..Text::default() }),
        },
        html: &|| page(&report, snapshot.state(), &config, &source, asked),
        is_taken: false,
    };
    arguments.outputs.write(&report, &forms)?;
    Ok(arguments.analysis.exit_code(&report))
}

impl WhatIf {
    /// Put the profile in the place of every other; levels of single checks stay.
    fn suppose(self, policy: &mut Policy) -> &'static str {
        let (profile, name) = match self {
            Self::Guard => (Profile::Guard, "guard"),
            Self::Strict => (Profile::Strict, "strict"),
        };
        policy.profile = profile;
        policy.namespaces.iter_mut().for_each(|rule| rule.profile = Some(profile));
        name
    }
}

/// Every Ingress as it stands, in the order of their names.
fn analyzed(known: ClusterState<'_>, config: &Config) -> Report {
    let engine = config.engine();
    let mut ingresses: Vec<&Ingress> = known.store.ingresses().collect();
    ingresses.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
    let mut progress = Progress::begin(ingresses.len());
    let mut report = Report::default();
    for ingress in ingresses {
        report.add(analyze(ingress, known, &engine, &config.policy), None, |_| None);
        progress.step();
    }
    report
}

/// The page about everything that is known.
pub(super) fn page(
    report: &Report,
    known: ClusterState<'_>,
    config: &Config,
    source: &str,
    what_if: Option<&str>,
) -> String {
    let expiry_warning_days = config.settings.expiry_warning_days;
    with_map(known, config, |map| html(report, &Page { map, made: known.now, source, what_if, expiry_warning_days }))
}

/// Calls `show` with the route map of everything that is known.
fn with_map<T>(known: ClusterState<'_>, config: &Config, show: impl FnOnce(&RouteMap<'_>) -> T) -> T {
    let view = ClusterView::unrestricted(known);
    let dialects = config.settings.dialects.with_observed_settings(&view);
    show(&RouteMap::of(Controllers::new(&view, &config.settings.classes, &dialects)))
}
