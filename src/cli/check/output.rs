//! The report in the formats that were asked for.

use std::io::IsTerminal as _;

use anyhow::Context as _;

use super::options::{Arguments, Format};
use super::world::World;
use crate::document::Lines;
use crate::report::{Report, Text, github, junit, sarif, text};

pub(super) fn write(report: &Report, world: &World, arguments: &Arguments) -> anyhow::Result<()> {
    for output in &arguments.output {
        let to_terminal = output.file.is_none() && std::io::stdout().is_terminal();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let rendered = match output.format {
            Format::Text => text(report, &options(world, arguments, to_terminal && !no_colour)),
            Format::Json => serde_json::to_string_pretty(report)? + "\n",
            Format::Sarif => serde_json::to_string_pretty(&sarif(report))? + "\n",
            Format::Junit => junit(report, arguments.fail_on.level()),
            Format::Github => github(report),
        };
        match &output.file {
            Some(file) => std::fs::write(file, rendered).with_context(|| file.display().to_string())?,
            // The patch is what goes there.
            None if arguments.diff => {}
            None => crate::cli::print(&rendered)?,
        }
    }
    Ok(())
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
