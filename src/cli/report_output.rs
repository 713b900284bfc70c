//! A report in the formats that were asked for.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};

use crate::finding::Level;
use crate::report::{Report, github, junit, sarif};

/// Where a report goes.
#[derive(Debug, Args)]
pub(super) struct Outputs {
    /// How to report, and into which file: text, json, sarif, junit, github or html; may be given several times.
    #[arg(
        short,
        long = "output",
        value_name = "FORMAT[=FILE]",
        env = "INGRESS_GUARD_OUTPUT",
        default_value = "text",
        value_delimiter = ','
    )]
    pub(super) output: Vec<Output>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Sarif,
    Junit,
    Github,
    Html,
}

/// A format, and the file that it goes to in the place of standard output.
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
            return Err(format!("{text:?} names no file"));
        }
        let format =
            Format::from_str(format, true).map_err(|_| "write text, json, sarif, junit, github or html".to_owned())?;
        Ok(Self { format, file: file.map(PathBuf::from) })
    }
}

/// The forms that depend on more than the report.
pub(super) struct Formats<'a> {
    /// From which level on something has failed.
    pub(super) fails: Level,
    /// The form for people; whether in colour.
    pub(super) text: &'a dyn Fn(bool) -> String,
    /// The page.
    pub(super) html: &'a dyn Fn() -> String,
    /// Something else goes to standard output.
    pub(super) is_taken: bool,
}

impl Outputs {
    /// What each flag alone cannot see.
    pub(super) fn validate(&self) -> anyhow::Result<()> {
        let to_stdout = self.output.iter().filter(|output| output.file.is_none()).count();
        ensure!(to_stdout < 2, "only one format can go to standard output; give the others a file: -o sarif=out.sarif");
        Ok(())
    }

    pub(super) fn has(&self, format: Format) -> bool {
        self.output.iter().any(|output| output.format == format)
    }

    pub(super) fn is_text(&self) -> bool {
        self.output.iter().any(|output| output.file.is_none() && output.format == Format::Text)
    }

    pub(super) fn write(&self, report: &Report, forms: &Formats<'_>) -> anyhow::Result<()> {
        for Output { format, file } in &self.output {
            if file.is_none() && forms.is_taken {
                continue;
            }
            let rendered = match format {
                Format::Text => (forms.text)(file.is_none() && super::is_colour_wanted()),
                Format::Json => serde_json::to_string_pretty(report)? + "\n",
                Format::Sarif => serde_json::to_string_pretty(&sarif(report))? + "\n",
                Format::Junit => junit(report, forms.fails),
                Format::Github => github(report),
                Format::Html => (forms.html)(),
            };
            match file {
                Some(file) => std::fs::write(file, rendered).with_context(|| file.display().to_string())?,
                None => super::print(&rendered)?,
            }
        }
        Ok(())
    }
}
