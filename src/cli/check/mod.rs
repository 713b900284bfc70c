//! `ingress-guard check`: manifest files, evaluated together before they are applied.

mod alternatives;
mod beside;
mod duplicates;
mod fix;
mod input;
mod materials;
mod options;
mod output;
mod places;
mod program;
mod render;
mod repository_options;
mod world;

use std::collections::BTreeMap;
use std::process::ExitCode;

use input::Input;
pub(super) use options::Arguments;
use world::World;

use super::analysis_options::AnalysisOptions;
use super::cluster_source::Listed;
use super::progress::Progress;
use crate::analysis::{Applied, analyze_applied};
use crate::checks::Settings;
use crate::cluster::{ClusterState, ClusterView};
use crate::config::Config;
use crate::model::{Ingress, Key};
use crate::parallel;
use crate::report::Report;
use crate::routing::{Basis, Controllers, RouteChanges};

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.validate()?;
    arguments.analysis.refuse_overwriting(&arguments.outputs, arguments.inputs(), &arguments.paths)?;
    let mut config = arguments.analysis.config()?;
    config.settings.kube_version = arguments.kube_version;
    AnalysisOptions::warn_of_override(&config);
    let mut input = Input::load(arguments, &config, arguments.base.list(&config)?)?;
    let mut report = analyzed(&input, &config);
    arguments.analysis.accept(&mut report)?;
    if arguments.diff {
        fix::print_diff(&input, &report, arguments)?;
    } else if arguments.fix && fix::write(&input, &report)? {
        // The remaining findings are reported at their new places.
        let base = input.worlds.first_mut().and_then(|world| world.before.take()).map(Listed::again);
        input = Input::load(arguments, &config, base)?;
        report = analyzed(&input, &config);
        arguments.analysis.accept(&mut report)?;
    }
    output::write(&report, &input, arguments, &config)?;
    // The process ends now. Freeing the objects of a large repository one by one would only delay it.
    std::mem::forget(input);
    let is_incomplete = arguments.repository.requires_all() && report.lacks_roots();
    Ok(if is_incomplete { ExitCode::from(2) } else { arguments.analysis.exit_code(&report) })
}

/// The number of Ingresses from which a further thread pays off.
const SHARE: usize = 16;

fn analyzed(input: &Input, config: &Config) -> Report {
    let engine = config.engine();
    let mut report =
        Report { diagnostics: input.diagnostics.clone(), roots: input.roots.clone(), ..Report::new(engine.checks()) };
    let lines = input.lines();
    let ingresses = input.worlds.iter().flat_map(|world| world.ingresses().map(move |ingress| (world, ingress)));
    let ingresses: Vec<(&World, &Ingress)> = ingresses.collect();
    let progress = Progress::begin(ingresses.len(), ("analyzed", "Ingresses"));
    let reports = parallel::blocks(&ingresses, SHARE, |ingresses| {
        let (mut report, mut places) = (Report::new(engine.checks()), None);
        for &(world, ingress) in ingresses {
            let key = &ingress.meta.key;
            places = input.places(world, key, &lines, places.as_ref());
            let provenance = world.origin(key).map(|origin| world.provenance(origin, &input.manifests.files));
            let provenance = provenance.unwrap_or_default();
            let applied = Applied {
                stored: stored(world, ingress),
                is_sample: world.is_sample,
                has_placeholders: world.is_unsubstituted(key),
            };
            let analysis = analyze_applied(ingress, world.state(), applied, &engine, &config.policy);
            let places = places.as_ref().filter(|_| !provenance.is_rendered);
            report.add(analysis, provenance, |finding| Some(places?.locate(ingress, finding)));
            progress.step();
        }
        report
    });
    for next in reports {
        report.append(next);
    }
    drop(progress);
    assume_controllers(&mut report, &input.worlds, config);
    report.unsubstituted = input.unsubstituted();
    report.route_changes = input.worlds.iter().find_map(|world| route_changes(world, config));
    report
}

/// Adds the controllers that are assumed where the files contain no IngressClass.
fn assume_controllers(report: &mut Report, worlds: &[World], config: &Config) {
    let Settings { classes, dialects, .. } = &config.settings;
    let mut assumed: BTreeMap<(&str, Basis), usize> = BTreeMap::new();
    for world in worlds {
        let view = ClusterView::unrestricted(world.state());
        let controllers = Controllers::new(&view, classes, dialects);
        for controller in world.ingresses().map(|ingress| controllers.of(ingress)) {
            if let Some(known) = controller.known.filter(|_| controller.basis != Basis::Class) {
                *assumed.entry((known.product, controller.basis)).or_default() += 1;
            }
        }
    }
    for ((product, basis), ingresses) in assumed {
        report.assume(product, basis, ingresses);
    }
}

/// Returns the requests whose outcome changes when the files are applied to the cluster.
fn route_changes(world: &World, config: &Config) -> Option<RouteChanges> {
    let before = &world.before.as_ref()?.snapshot;
    let Settings { classes, dialects, .. } = &config.settings;
    let views = [before.state(), world.state()].map(ClusterView::unrestricted);
    let dialects = views.each_ref().map(|view| dialects.with_observed_settings(view));
    let of = |at: usize| Controllers::new(&views[at], classes, &dialects[at]);
    let substituted = world.ingresses().filter(|after| !world.is_unsubstituted(&after.meta.key));
    let changed = substituted.flat_map(|after| {
        let Key { namespace, name } = &after.meta.key;
        before.inventory.ingress(namespace, name).into_iter().chain([after])
    });
    Some(RouteChanges::between(changed, of(0), of(1)))
}

/// The Ingress that the cluster stores, with the cluster.
fn stored<'a>(world: &'a World, ingress: &Ingress) -> Option<(&'a Ingress, ClusterState<'a>)> {
    let before = &world.before.as_ref()?.snapshot;
    let Key { namespace, name } = &ingress.meta.key;
    Some((before.inventory.ingress(namespace, name)?, before.state()))
}
