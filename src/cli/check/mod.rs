//! `ingress-guard check`: manifest files as one world, judged before anybody applies them.

mod mending;
mod options;
mod output;
mod world;

use std::process::ExitCode;

use anyhow::Context as _;
use jiff::Timestamp;

pub(super) use options::Arguments;
use world::World;

use crate::cluster::Snapshot;
use crate::config::Config;
use crate::judgement::judge;
use crate::report::{Baseline, Report};

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.refuse_what_cannot_be()?;
    let config = arguments.config()?;
    let mut world = World::read(arguments, &config)?;
    let mut report = judged(&world, &config);
    accept(&mut report, arguments)?;
    if arguments.diff {
        mending::print_diff(&world, &report, arguments)?;
    } else if arguments.fix && mending::write(&world, &report)? {
        // What is left is reported, at the places where it is now.
        world = World::read(arguments, &config)?;
        report = judged(&world, &config);
        accept(&mut report, arguments)?;
    }
    output::write(&report, &world, arguments)?;
    Ok(match () {
        () if report.is_partial() => ExitCode::from(2),
        () if report.has(arguments.fail_on.level()) => ExitCode::from(1),
        () => ExitCode::SUCCESS,
    })
}

fn judged(world: &World, config: &Config) -> Report {
    let engine = config.engine();
    let known = Snapshot { store: &world.inventory, facts: &world.facts, now: Timestamp::now() };
    let mut report = Report { diagnostics: world.diagnostics.clone(), ..Report::default() };
    let lines = world.lines();
    for ingress in world.ingresses() {
        let places = world.places(&ingress.meta.key, &lines);
        report.add(judge(ingress, known, &engine, &config.policy), |field| places.as_ref()?.place(field));
        let added = report.findings.iter_mut().rev();
        let added = added.take_while(|entry| {
            entry.namespace == ingress.meta.key.namespace && entry.ingress == ingress.meta.key.name
        });
        for entry in added {
            if let (Some(places), Some(fix)) = (&places, &entry.fix) {
                entry.changes = places.changes(fix);
            }
        }
    }
    report
}

fn accept(report: &mut Report, arguments: &Arguments) -> anyhow::Result<()> {
    let Some(path) = &arguments.baseline else { return Ok(()) };
    let name = || path.display().to_string();
    if arguments.write_baseline {
        let baseline = Baseline::of(report);
        std::fs::write(path, baseline.to_json()).with_context(name)?;
        report.accept(|entry| baseline.accepts(entry));
        return Ok(());
    }
    let text = std::fs::read_to_string(path).with_context(name)?;
    let baseline = Baseline::parse(&text).with_context(name)?;
    report.accept(|entry| baseline.accepts(entry));
    Ok(())
}
