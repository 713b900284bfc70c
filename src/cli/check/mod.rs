//! `ingress-guard check`: manifest files as one world, judged before anybody applies them.

mod fix;
mod input;
mod options;
mod output;

use std::process::ExitCode;

use input::World;
pub(super) use options::Arguments;

use super::progress::Progress;
use crate::analysis::judge_applied;
use crate::cluster::Snapshot;
use crate::config::Config;
use crate::explain::route_changes;
use crate::model::{Ingress, Key};
use crate::report::Report;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.refuse_what_cannot_be()?;
    let config = arguments.judging.config()?;
    let mut world = World::read(arguments, &config, None)?;
    let mut report = judged(&world, &config);
    arguments.judging.accept(&mut report)?;
    if arguments.diff {
        fix::print_diff(&world, &report, arguments)?;
    } else if arguments.fix && fix::write(&world, &report)? {
        // What is left is reported, at the places where it is now.
        let known = world.before.take();
        world = World::read(arguments, &config, known)?;
        report = judged(&world, &config);
        arguments.judging.accept(&mut report)?;
    }
    output::write(&report, &world, arguments, &config)?;
    Ok(arguments.judging.exit_code(&report))
}

fn judged(world: &World, config: &Config) -> Report {
    let engine = config.engine();
    let mut report = Report { diagnostics: world.diagnostics.clone(), ..Report::default() };
    let lines = world.lines();
    let mut progress = Progress::begin(world.ingresses().count());
    let mut places = None;
    for ingress in world.ingresses() {
        places = world.places(&ingress.meta.key, &lines, places.as_ref());
        let judgement = judge_applied(ingress, world.snapshot(), stored(world, ingress), &engine, &config.policy);
        let file = places.as_ref().map(|places| places.file().to_owned());
        report.add(judgement, file, |field| Some(places.as_ref()?.place(field)));
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
    report.route_changes = world.before.as_ref().map(|before| {
        let keys: Vec<Key> = world.ingresses().map(|ingress| ingress.meta.key.clone()).collect();
        route_changes(&keys, before.snapshot(), world.snapshot(), &config.settings)
    });
    report
}

/// The Ingress as the cluster has it, and the cluster.
fn stored<'a>(world: &'a World, ingress: &Ingress) -> Option<(&'a Ingress, Snapshot<'a>)> {
    let before = world.before.as_ref()?;
    let Key { namespace, name } = &ingress.meta.key;
    Some((before.inventory.ingress(namespace, name)?, before.snapshot()))
}
