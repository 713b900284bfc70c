//! The output of a report, in one or more formats.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};

use super::listing_options::ListingOptions;
use crate::cluster::{ClusterState, ClusterView};
use crate::config::Config;
use crate::file::{self, Access};
use crate::finding::Level;
use crate::report::{Page, Report, Text, github, github_summary, gitlab, headline, html, junit, sarif, table};
use crate::routing::{Controllers, RouteMap};

/// The formats and files of a report.
#[derive(Debug, Args)]
pub(super) struct Outputs {
    /// Output format: text, table, json, sarif, junit, github, gitlab or html. With =FILE the output goes to a file. Can be
    /// repeated.
    #[arg(
        short,
        long = "output",
        value_name = "FORMAT[=FILE]",
        env = "INGRESS_GUARD_OUTPUT",
        default_value = "text",
        value_delimiter = ','
    )]
    pub(super) output: Vec<Output>,
    #[command(flatten)]
    listing: ListingOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Table,
    Json,
    Sarif,
    Junit,
    Github,
    Gitlab,
    Html,
}

/// A format, and its file if it does not go to standard output.
#[derive(Debug, Clone)]
pub(super) struct Output {
    pub(super) format: Format,
    pub(super) file: Option<PathBuf>,
}

impl FromStr for Output {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = text.split_once('=').map_or((text, None), |(format, file)| (format, Some(file)));
        if file.is_some_and(str::is_empty) {
            return Err("the file name after = is empty".to_owned());
        }
        let format = Format::from_str(format, true)
            .map_err(|_| "expected text, table, json, sarif, junit, github, gitlab or html".to_owned())?;
        Ok(Self { format, file: file.map(PathBuf::from) })
    }
}

/// The input of formats besides the report.
pub(super) struct Formats<'a> {
    /// The lowest level that counts as a failure.
    pub(super) fails: Level,
    /// Renders the text format.
    pub(super) text: &'a dyn Fn(&Text<'_>) -> String,
    /// The lowest level that is listed without `--show`.
    pub(super) show: Level,
    /// The sources and the advice of the text format.
    pub(super) options: Text<'a>,
    /// Renders the HTML report.
    pub(super) html: &'a dyn Fn() -> String,
    /// Standard output has other content.
    pub(super) is_stdout_taken: bool,
}

impl Outputs {
    /// Validates the flags together.
    pub(super) fn validate(&self) -> anyhow::Result<()> {
        let to_stdout = self.output.iter().filter(|output| output.file.is_none()).count();
        ensure!(to_stdout < 2, "only one format can go to standard output; give the others a file: -o sarif=out.sarif");
        Ok(())
    }

    /// The files that the outputs go to.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.output.iter().filter_map(|output| output.file.as_deref())
    }

    pub(super) fn has(&self, format: Format) -> bool {
        self.output.iter().any(|output| output.format == format)
    }

    pub(super) fn is_text(&self) -> bool {
        self.output.iter().any(|output| output.file.is_none() && output.format == Format::Text)
    }

    /// Sets the options of the text format for a terminal or a file.
    fn prepare(text: &mut Text<'_>, is_stdout: bool) {
        text.colour = is_stdout && super::is_colour_wanted();
        text.width = if is_stdout { super::terminal_width() } else { None };
    }

    pub(super) fn write(&self, report: &Report, mut formats: Formats<'_>) -> anyhow::Result<()> {
        formats.options.listing = self.listing.listing(formats.show);
        for Output { format, file } in &self.output {
            if file.is_none() && formats.is_stdout_taken {
                continue;
            }
            Self::prepare(&mut formats.options, file.is_none());
            let rendered = match format {
                Format::Text => (formats.text)(&formats.options),
                Format::Table => table(report, &formats.options),
                Format::Json => super::json(report)?,
                Format::Sarif => super::json(&sarif(report))?,
                Format::Junit => junit(report, formats.fails),
                Format::Github => github(report, &formats.options.listing),
                Format::Gitlab => super::json(&gitlab(report, &formats.options.listing))?,
                Format::Html => (formats.html)(),
            };
            let Some(file) = file else {
                super::print(&rendered)?;
                if *format == Format::Github {
                    add_to_job_summary(&github_summary(report, &formats.options.listing))?;
                }
                continue;
            };
            let written = file::replace(file, Access::Usual, |out| out.write_all(rendered.as_bytes()));
            written.with_context(|| format!("cannot write {}", file.display()))?;
            if *format == Format::Html {
                super::note(&format!("HTML report written to {}", file.display()));
            }
        }
        // A person or a CI log then still gets the counts.
        if !formats.is_stdout_taken && self.output.iter().all(|output| output.file.is_some()) {
            Self::prepare(&mut formats.options, false);
            for line in headline(report, &formats.options) {
                super::note(&line);
            }
        }
        Ok(())
    }
}

/// Appends to the summary of a GitHub job. GitHub sets the variable to the path of a file.
fn add_to_job_summary(markdown: &str) -> anyhow::Result<()> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return Ok(()) };
    let file = OpenOptions::new().append(true).create(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(markdown.as_bytes()));
    written.with_context(|| format!("GITHUB_STEP_SUMMARY: cannot write {}", Path::new(&path).display()))
}

/// Renders the HTML report with the route map of the whole cluster state.
pub(super) fn page(
    report: &Report,
    state: ClusterState<'_>,
    config: &Config,
    source: &str,
    what_if: Option<&str>,
) -> String {
    let expiry_warning_days = config.settings.expiry_warning_days;
    let of_map = |map: &RouteMap<'_>| {
        html(report, &Page { map, made: state.now, source, what_if, expiry_warning_days, refresh: None })
    };
    with_map(state, config, of_map)
}

/// Calls `render` with the route map of the whole cluster state.
pub(super) fn with_map<T>(state: ClusterState<'_>, config: &Config, render: impl FnOnce(&RouteMap<'_>) -> T) -> T {
    with_controllers(state, config, |controllers| render(&RouteMap::of(controllers)))
}

/// Calls `answer` with the controllers of the whole cluster state.
pub(super) fn with_controllers<T>(
    state: ClusterState<'_>,
    config: &Config,
    answer: impl FnOnce(Controllers<'_>) -> T,
) -> T {
    let view = ClusterView::unrestricted(state);
    let dialects = config.settings.dialects.with_observed_settings(&view);
    answer(Controllers::new(&view, &config.settings.classes, &dialects))
}
