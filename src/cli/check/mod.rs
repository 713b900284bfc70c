//! `ingress-guard check`: manifest files, evaluated together before they are applied.

mod fix;
mod input;
mod options;
mod output;
mod places;

use std::collections::BTreeMap;
use std::process::ExitCode;

use input::Input;
pub(super) use options::Arguments;

use super::cluster_source::Listed;
use super::progress::Progress;
use crate::analysis::analyze_applied;
use crate::checks::Settings;
use crate::cluster::{ClusterState, ClusterView, Snapshot};
use crate::config::Config;
use crate::model::{Ingress, Key};
use crate::report::Report;
use crate::routing::{Basis, Controllers, RouteChanges};

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.validate()?;
    arguments.analysis.refuse_overwriting(&arguments.outputs, arguments.inputs(), &arguments.paths)?;
    let config = arguments.analysis.config()?;
    let mut input = Input::load(arguments, &config, arguments.base.list(&config)?)?;
    let mut report = analyzed(&input, &config);
    arguments.analysis.accept(&mut report)?;
    if arguments.diff {
        fix::print_diff(&input, &report, arguments)?;
    } else if arguments.fix && fix::write(&input, &report)? {
        // The remaining findings are reported at their new places.
        let base = input.before.take().map(Listed::again);
        input = Input::load(arguments, &config, base)?;
        report = analyzed(&input, &config);
        arguments.analysis.accept(&mut report)?;
    }
    output::write(&report, &input, arguments, &config)?;
    Ok(arguments.analysis.exit_code(&report))
}

fn analyzed(input: &Input, config: &Config) -> Report {
    let engine = config.engine();
    let mut report = Report { diagnostics: input.diagnostics.clone(), ..Report::new(engine.checks()) };
    let lines = input.lines();
    let mut progress = Progress::begin(input.ingresses().count());
    let mut places = None;
    for ingress in input.ingresses() {
        places = input.places(&ingress.meta.key, &lines, places.as_ref());
        let analysis = analyze_applied(ingress, input.state(), stored(input, ingress), &engine, &config.policy);
        let file = places.as_ref().map(|places| places.file().to_owned());
        report.add(analysis, file, |finding| Some(places.as_ref()?.locate(finding)));
        progress.step();
    }
    drop(progress);
    assume_controllers(&mut report, input, config);
    report.route_changes = input.before.as_ref().map(|before| route_changes(input, &before.snapshot, config));
    report
}

/// Adds the controllers that are assumed where the files contain no IngressClass.
fn assume_controllers(report: &mut Report, input: &Input, config: &Config) {
    let Settings { classes, dialects, .. } = &config.settings;
    let view = ClusterView::unrestricted(input.state());
    let controllers = Controllers::new(&view, classes, dialects);
    let mut assumed: BTreeMap<(&str, Basis), usize> = BTreeMap::new();
    for controller in input.ingresses().map(|ingress| controllers.of(ingress)) {
        if let Some(known) = controller.known.filter(|_| controller.basis != Basis::Class) {
            *assumed.entry((known.product, controller.basis)).or_default() += 1;
        }
    }
    for ((product, basis), ingresses) in assumed {
        report.assume(product, basis, ingresses);
    }
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

/// The Ingress that the cluster stores, with the cluster.
fn stored<'a>(input: &'a Input, ingress: &Ingress) -> Option<(&'a Ingress, ClusterState<'a>)> {
    let before = &input.before.as_ref()?.snapshot;
    let Key { namespace, name } = &ingress.meta.key;
    Some((before.inventory.ingress(namespace, name)?, before.state()))
}
