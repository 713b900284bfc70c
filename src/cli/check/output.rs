//! The forms of a report about files: text shows their lines, and the page the route map of what they hold.

use super::input::Input;
use super::options::Arguments;
use crate::cli::audit::page;
use crate::cli::report_output::Formats;
use crate::config::Config;
use crate::document::Lines;
use crate::model::{Kind, Kinds};
use crate::report::{Report, Text, text};

pub(super) fn write(report: &Report, input: &Input, arguments: &Arguments, config: &Config) -> anyhow::Result<()> {
    let forms = Formats {
        fails: arguments.analysis.fail_on.level(),
        text: &|colour| text(report, &options(input, colour)),
        html: &|| page(report, input.state(), config, "", None),
        // The patch is what goes there.
        is_taken: arguments.diff,
    };
    arguments.outputs.write(report, &forms)
}

/// What somebody can do to have more judged.
const ADVICE: &[(Kinds, &str)] = &[
    (
        Kinds::of(&[Kind::IngressClass]),
        "to have it judged by its controller's rules, add the IngressClass to the files, or write into .ingress-guard.yaml, for a class \"nginx\" of ingress-nginx: dialects: [{match: {class: nginx}, engine: nginx}]",
    ),
    (
        Kinds::of(&[Kind::Service, Kind::Ingress]),
        "--complete judges as if no other Service and Ingress existed; --assume-exists names single ones that do",
    ),
];

fn options(input: &Input, colour: bool) -> Text<'_> {
    let sources = input.manifests.files.iter();
    let sources = sources.map(|file| (file.path.to_str().unwrap_or_default(), Lines::of(&file.text))).collect();
    Text { colour, sources, advice: ADVICE }
}
