//! The forms of a report about files: text shows their lines, and the page the route map of what they hold.

use jiff::Timestamp;

use super::options::Arguments;
use super::world::World;
use crate::cli::audit::page;
use crate::cli::output::Forms;
use crate::cluster::Snapshot;
use crate::config::Config;
use crate::document::Lines;
use crate::report::{Report, Text, text};

pub(super) fn write(report: &Report, world: &World, arguments: &Arguments, config: &Config) -> anyhow::Result<()> {
    let known = Snapshot { store: &world.inventory, facts: &world.facts, now: Timestamp::now() };
    let forms = Forms {
        fails: arguments.judging.fail_on.level(),
        text: &|colour| text(report, &options(world, arguments, colour)),
        html: &|| page(report, known, config, "", None),
        // The patch is what goes there.
        is_taken: arguments.diff,
    };
    arguments.outputs.write(report, &forms)
}

fn options<'a>(world: &'a World, arguments: &Arguments, colour: bool) -> Text<'a> {
    let files = world.manifests.files.iter();
    let advice =
        if arguments.complete { "" } else { "--complete judges these as if no other Service and Ingress existed" };
    Text {
        colour,
        sources: files.map(|file| (file.path.to_str().unwrap_or_default(), Lines::of(&file.text))).collect(),
        advice,
    }
}
