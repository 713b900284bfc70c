//! The output of a report about files: text with the lines of the findings, HTML with the route map.

use std::path::PathBuf;

use super::input::Input;
use super::options::{Arguments, is_stdin};
use crate::cli::report_output::{Formats, page};
use crate::config::Config;
use crate::document::Lines;
use crate::finding::Level;
use crate::model::{Kind, Kinds};
use crate::report::{Report, Text, text};

pub(super) fn write(report: &Report, input: &Input, arguments: &Arguments, config: &Config) -> anyhow::Result<()> {
    let source = source(input, arguments);
    let formats = Formats {
        fails: arguments.analysis.fail_on.level(),
        text: &|options| text(report, options),
        show: Level::Warn,
        options: options(report, input, arguments),
        html: &|| page(report, input.state(), config, &source, None),
        is_stdout_taken: arguments.diff,
    };
    arguments.outputs.write(report, formats)
}

/// The files, and the cluster that they are overlaid on.
fn source(input: &Input, arguments: &Arguments) -> String {
    let name = |path: &PathBuf| if is_stdin(path) { "standard input".to_owned() } else { path.display().to_string() };
    let paths = arguments.paths.iter().map(name).collect::<Vec<_>>().join(", ");
    let base = input.worlds.iter().find_map(|world| world.before.as_ref());
    let base = base.map_or_else(String::new, |base| format!(" on {}", base.source));
    format!("manifests {paths}{base}")
}

/// Advice for objects that are unknown.
type Advice = (Kinds, &'static str);

const CLASSES: Advice = (
    Kinds::of(&[Kind::IngressClass]),
    "to evaluate the rules of a controller, add its IngressClass to the files, or set its dialect in .ingress-guard.yaml, such as: dialects: [{match: {class: nginx}, engine: nginx}]",
);

/// Flags and settings with which more checks are evaluated.
const ADVICE: &[Advice] = &[
    CLASSES,
    (
        Kinds::of(&[Kind::Service, Kind::Ingress]),
        "use --complete if the files contain all Services and Ingresses, or --assume-exists for single objects outside the files",
    ),
];

/// The same with `--complete`.
const ADVICE_IF_COMPLETE: &[Advice] = &[
    CLASSES,
    (
        Kinds::of(&[Kind::Service]),
        "--complete reports no missing object here: a part of the input was not read or not rendered, or another root defines it",
    ),
];

fn options<'a>(report: &Report, input: &'a Input, arguments: &Arguments) -> Text<'a> {
    let sources = input.manifests.files.iter();
    let sources = sources.map(|file| (file.path.to_str().unwrap_or_default(), Lines::of(&file.text))).collect();
    let advice = if arguments.complete { ADVICE_IF_COMPLETE } else { ADVICE };
    // The rules of an assumed controller are evaluated.
    let advice = if report.assumptions.is_empty() { advice } else { &advice[1..] };
    Text { sources, advice, ..Text::default() }
}
