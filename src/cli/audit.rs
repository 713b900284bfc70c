//! `ingress-guard audit`

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::analysis_options::AnalysisOptions;
use super::cluster_source::{Loaded, Source};
use super::progress::Progress;
use super::report_output::{Format, Formats, Outputs, page, with_controllers, with_map};
use crate::analysis::{analyze, waivers_in_force};
use crate::cluster::ClusterState;
use crate::config::Config;
use crate::finding::{Level, one_line};
use crate::model::Ingress;
use crate::parallel;
use crate::policy::{Policy, Profile};
use crate::report::{Provenance, ReloadBlockEntry, Report, Text, WaiverEntry, hosts, text, waivers, what_if};
use crate::routing::ReloadBlock;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    analysis: AnalysisOptions,
    #[command(flatten)]
    outputs: Outputs,
    /// List the Ingresses that this profile would deny in every namespace if they were created now. Without a value, the configured
    /// profiles apply, for example with --rules latest. Waivers and configured check levels apply; an override does not.
    #[arg(
        long,
        env = "INGRESS_GUARD_WHAT_IF",
        value_name = "PROFILE",
        conflicts_with = "profile",
        num_args = 0..=1,
        default_missing_value = "configured"
    )]
    what_if: Option<WhatIf>,
    /// List the waivers and exceptions that are in force, with their ends and reasons.
    #[arg(long, conflicts_with = "what_if")]
    waivers: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum WhatIf {
    Configured,
    Guard,
    Strict,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.outputs.validate()?;
    let Arguments { source, analysis, outputs, .. } = arguments;
    analysis.refuse_overwriting(outputs, source.files(), source.manifests())?;
    let mut config = arguments.analysis.config()?;
    let asked = arguments.what_if.map(|profile| profile.apply_to(&mut config.policy));
    AnalysisOptions::warn_of_override(&config);
    let asked = asked.map(|what| match &analysis.rules {
        Some(rules) => format!("{what} with rules {}", rules.name()),
        None => what.to_owned(),
    });
    let Loaded { snapshot, source, .. } = arguments.source.load(&config)?;
    let mut report = analyzed(snapshot.state(), &config);
    arguments.analysis.accept(&mut report)?;
    report.reload_blocks = with_controllers(snapshot.state(), &config, |controllers| {
        ReloadBlock::of_each(controllers).into_iter().map(ReloadBlockEntry::from).collect()
    });
    report.waivers = waivers_in_force(snapshot.state(), &config.policy).iter().map(WaiverEntry::from).collect();
    if arguments.outputs.has(Format::Json) {
        report.routes = Some(with_map(snapshot.state(), &config, hosts));
    }
    let taken = arguments.source.is_snapshot().then(|| format!(", taken {}", snapshot.taken.strftime("%F %H:%M UTC")));
    let title = format!("Audit of {}{}\n\n", one_line(&source), taken.unwrap_or_default());
    let formats = Formats {
        fails: arguments.analysis.fail_on.level(),
        text: &|options| {
            title.clone()
                + &match asked.as_deref() {
                    Some(what) => what_if(&report, what, options),
                    None if arguments.waivers => waivers(&report.waivers),
                    None => text(&report, options),
                }
        },
        show: Level::Audit,
        options: Text::default(),
        html: &|| page(&report, snapshot.state(), &config, &source, asked.as_deref()),
        is_stdout_taken: false,
    };
    arguments.outputs.write(&report, formats)?;
    Ok(arguments.analysis.exit_code(&report))
}

impl WhatIf {
    /// Removes the override, and replaces every profile of the policy. Configured levels of single checks stay. Returns the profile in
    /// words.
    fn apply_to(self, policy: &mut Policy) -> &'static str {
        policy.temporary_override = None;
        let (profile, name) = match self {
            Self::Configured => return "the configured profiles",
            Self::Guard => (Profile::Guard, "profile guard"),
            Self::Strict => (Profile::Strict, "profile strict"),
        };
        policy.profile = profile;
        policy.namespaces.iter_mut().for_each(|rule| rule.profile = Some(profile));
        name
    }
}

/// The number of Ingresses from which a further thread pays off.
const SHARE: usize = 16;

/// Analyzes every stored Ingress, sorted by name.
fn analyzed(state: ClusterState<'_>, config: &Config) -> Report {
    let engine = config.engine();
    let mut ingresses: Vec<&Ingress> = state.store.ingresses().collect();
    ingresses.sort_by(|a, b| a.meta.key.cmp(&b.meta.key));
    let progress = Progress::begin(ingresses.len(), ("analyzed", "Ingresses"));
    let reports = parallel::blocks(&ingresses, SHARE, |ingresses| {
        let mut report = Report::new(engine.checks());
        for ingress in ingresses {
            report.add(analyze(ingress, state, &engine, &config.policy), Provenance::default(), |_| None);
            progress.step();
        }
        report
    });
    let mut report = Report::new(engine.checks());
    for next in reports {
        report.append(next);
    }
    report
}
