//! `ingress-guard replay`

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use serde::Serialize;

use super::TextOrJson;
use crate::config::Config;
use crate::finding::{Level, one_line};
use crate::record::{self, Repeated};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Directory that serve --record writes to, or a file with the output of records; - is standard input.
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Configuration file whose verdicts are compared with the recorded ones. Without it: the recorded configuration.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Output format.
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value_t)]
    output: TextOrJson,
}

/// The verdict of one review.
#[derive(Debug, Serialize)]
struct Side {
    verdict: &'static str,
    findings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Changed {
    time: String,
    operation: String,
    ingress: String,
    recorded: Side,
    replayed: Side,
}

#[derive(Debug, Default, Serialize)]
struct Comparison {
    reviews: usize,
    changed: Vec<Changed>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let configuration = arguments.config.as_deref().map(Config::text).transpose()?;
    if let (Some(text), Some(path)) = (&configuration, &arguments.config) {
        Config::parse(&path.display().to_string(), text)?;
    }
    let mut comparison = Comparison::default();
    for path in &arguments.paths {
        for input in inputs(path).with_context(|| format!("cannot read {}", path.display()))? {
            let added = record::repeat(input, configuration.as_deref(), |repeated| comparison.add(repeated));
            if !added.with_context(|| path.display().to_string())? {
                super::warn(&format!("{}: the last line is not whole and is left out", path.display()));
            }
        }
    }
    ensure!(comparison.reviews > 0, "no review is recorded in these paths");
    comparison.write(arguments.output)?;
    Ok(if comparison.changed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn inputs(path: &Path) -> io::Result<Vec<Box<dyn BufRead>>> {
    if path == Path::new("-") {
        return Ok(vec![Box::new(io::stdin().lock())]);
    }
    let files = if path.is_dir() { record::segments(path)? } else { vec![path.to_owned()] };
    let open = |file: PathBuf| Ok(Box::new(BufReader::new(File::open(file)?)) as Box<dyn BufRead>);
    files.into_iter().map(open).collect()
}

impl Comparison {
    fn add(&mut self, repeated: Repeated) {
        self.reviews += 1;
        let Repeated { time, operation, ingress, recorded, repeated } = repeated;
        if recorded != repeated {
            let (time, recorded, replayed) = (time.to_string(), Side::of(&recorded), Side::of(&repeated));
            self.changed.push(Changed { time, operation, ingress, recorded, replayed });
        }
    }

    fn write(&self, output: TextOrJson) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if matches!(output, TextOrJson::Json) {
            serde_json::to_writer_pretty(&mut out, self)?;
            return writeln!(out);
        }
        for Changed { time, operation, ingress, recorded, replayed } in &self.changed {
            let verdicts = if recorded.verdict == replayed.verdict {
                format!("{} as before", recorded.verdict)
            } else {
                format!("{} becomes {}", recorded.verdict, replayed.verdict)
            };
            writeln!(out, "{time} {operation} {}: {verdicts}", one_line(ingress))?;
            for gone in recorded.findings.iter().filter(|finding| !replayed.findings.contains(finding)) {
                writeln!(out, "  - {}", one_line(gone))?;
            }
            for new in replayed.findings.iter().filter(|finding| !recorded.findings.contains(finding)) {
                writeln!(out, "  + {}", one_line(new))?;
            }
        }
        writeln!(out, "{} reviews replayed, {} changed", self.reviews, self.changed.len())
    }
}

impl Side {
    fn of(findings: &[(String, Level)]) -> Self {
        let highest = findings.iter().map(|(_, level)| *level).max();
        let verdict = match highest {
            Some(Level::Deny) => "deny",
            Some(Level::Warn) => "warn",
            _ => "allow",
        };
        Self { verdict, findings: findings.iter().map(|(finding, level)| format!("{level} {finding}")).collect() }
    }
}
