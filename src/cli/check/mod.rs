//! `ingress-guard check`: manifest files as one world, judged before anybody applies them.

mod fix;
mod input;
mod options;
mod output;

use std::process::ExitCode;

use input::Input;
pub(super) use options::Arguments;

use super::progress::Progress;
use crate::analysis::analyze_applied;
use crate::checks::Settings;
use crate::cluster::{ClusterState, ClusterView, Snapshot};
use crate::config::Config;
use crate::model::{Ingress, Key};
use crate::report::Report;
use crate::routing::{Controllers, RouteChanges};

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.validate()?;
    let config = arguments.analysis.config()?;
    let mut input = Input::read(arguments, &config, None)?;
    let mut report = analyzed(&input, &config);
    arguments.analysis.accept(&mut report)?;
    if arguments.diff {
        fix::print_diff(&input, &report, arguments)?;
    } else if arguments.fix && fix::write(&input, &report)? {
        // What is left is reported, at the places where it is now.
        let known = input.before.take();
        input = Input::read(arguments, &config, known)?;
        report = analyzed(&input, &config);
        arguments.analysis.accept(&mut report)?;
    }
    output::write(&report, &input, arguments, &config)?;
    Ok(arguments.analysis.exit_code(&report))
}

fn analyzed(input: &Input, config: &Config) -> Report {
    let engine = config.engine();
    let mut report = Report { diagnostics: input.diagnostics.clone(), ..Report::default() };
    let lines = input.lines();
    let mut progress = Progress::begin(input.ingresses().count());
    let mut places = None;
    for ingress in input.ingresses() {
        places = input.places(&ingress.meta.key, &lines, places.as_ref());
        let analysis = analyze_applied(ingress, input.state(), stored(input, ingress), &engine, &config.policy);
        let file = places.as_ref().map(|places| places.file().to_owned());
        report.add(analysis, file, |field| Some(places.as_ref()?.place(field)));
        let added = report.findings.iter_mut().rev();
        let added = added.take_while(|entry| {
            entry.namespace == ingress.meta.key.namespace && entry.ingress == ingress.meta.key.name
        });
        for entry in added {
            if let (Some(places), Some(fix)) = (&places, &entry.fix) {
                entry.changes = places.changes(fix);
            }
        }
        progress.step();
    }
    drop(progress);
    report.route_changes = input.before.as_ref().map(|before| route_changes(input, before, config));
    report
}

/// Returns the requests whose outcome changes when the files are applied to the cluster.
fn route_changes(input: &Input, before: &Snapshot, config: &Config) -> RouteChanges {
    let Settings { classes, dialects, .. } = &config.settings;
    let views = [before.state(), input.state()].map(ClusterView::unrestricted);
    let dialects = views.each_ref().map(|view| dialects.with_observed_settings(view));
    let of = |at: usize| Controllers::new(&views[at], classes, &dialects[at]);
    let changed = input.ingresses().flat_map(|after| {
        let Key { namespace, name } = &after.meta.key;
        before.inventory.ingress(namespace, name).into_iter().chain([after])
    });
    RouteChanges::between(changed, of(0), of(1))
}

/// The Ingress as the cluster has it, and the cluster.
fn stored<'a>(input: &'a Input, ingress: &Ingress) -> Option<(&'a Ingress, ClusterState<'a>)> {
    let before = input.before.as_ref()?;
    let Key { namespace, name } = &ingress.meta.key;
    Some((before.inventory.ingress(namespace, name)?, before.state()))
}
