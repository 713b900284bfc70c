//! The flags of every command that analyzes Ingresses: configuration, selection of checks, baseline and exit code.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use wildmatch::WildMatch;

use super::assumed_controller::AssumedController;
use super::overwriting::refuse_overwriting;
use super::report_output::Outputs;
use crate::checks::{self, Check, Release, UnknownRelease};
use crate::config::{Config, unknown_check};
use crate::file::{self, Access};
use crate::finding::Level;
use crate::policy::Profile;
use crate::report::{Baseline, Report};

/// The name of the configuration file that is searched from the working directory upwards.
const CONFIG: &str = ".ingress-guard.yaml";

/// The most bytes of a baseline: a hundred thousand findings take ten MB.
const LARGEST: u64 = 64 << 20;

#[derive(Debug, Args)]
pub(super) struct AnalysisOptions {
    /// Configuration file. Without it: .ingress-guard.yaml in the working directory or a parent, up to the root of the Git
    /// repository.
    #[arg(long, env = "INGRESS_GUARD_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Override the profile of the configuration file.
    #[arg(long, env = "INGRESS_GUARD_PROFILE", value_name = "NAME")]
    pub(super) profile: Option<ProfileName>,
    /// Override the rules of the configuration file: the release whose checks and levels deny, such as 0.1, or latest.
    #[arg(long, env = "INGRESS_GUARD_RULES", value_name = "RELEASE")]
    pub(super) rules: Option<Rules>,
    #[command(flatten)]
    assumed: AssumedController,
    /// Run only these checks: codes or names, or patterns with * and ? (quote them).
    #[arg(long, env = "INGRESS_GUARD_SELECT", value_name = "CHECK", value_delimiter = ',')]
    pub(super) select: Vec<String>,
    /// Skip these checks: codes or names, or patterns with * and ? (quote them).
    #[arg(long, env = "INGRESS_GUARD_IGNORE", value_name = "CHECK", value_delimiter = ',')]
    pub(super) ignore: Vec<String>,
    /// Exit with code 1 if a finding has this level or higher.
    #[arg(long, env = "INGRESS_GUARD_FAIL_ON", value_name = "LEVEL", default_value = "deny")]
    pub(super) fail_on: FailOn,
    /// Baseline file. Its findings are counted, but not listed, and do not affect the exit code.
    #[arg(long, env = "INGRESS_GUARD_BASELINE", value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write the current findings to the baseline file.
    #[arg(long, requires = "baseline")]
    pub(super) write_baseline: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ProfileName {
    Observe,
    Guard,
    Strict,
}

/// The release whose checks and levels deny; `None`: the latest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules(Option<Release>);

impl FromStr for Rules {
    type Err = UnknownRelease;

    fn from_str(text: &str) -> Result<Self, UnknownRelease> {
        if text == "latest" { Ok(Self(None)) } else { text.parse().map(|release| Self(Some(release))) }
    }
}

impl Rules {
    /// The name that selects it.
    pub(super) fn name(self) -> String {
        self.0.map_or_else(|| "latest".to_owned(), |release| release.to_string())
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum FailOn {
    Deny,
    Warn,
}

impl ProfileName {
    pub(super) fn profile(self) -> Profile {
        match self {
            Self::Observe => Profile::Observe,
            Self::Guard => Profile::Guard,
            Self::Strict => Profile::Strict,
        }
    }
}

impl FailOn {
    pub(super) fn level(self) -> Level {
        match self {
            Self::Deny => Level::Deny,
            Self::Warn => Level::Warn,
        }
    }
}

impl AnalysisOptions {
    /// Reads the configuration and applies the flags to it.
    pub(super) fn config(&self) -> anyhow::Result<Config> {
        let mut config = crate::cli::config(self.config_file().as_deref())?;
        self.assumed.apply_to(&mut config);
        if let Some(profile) = self.profile {
            config.policy.profile = profile.profile();
        }
        if let Some(rules) = self.rules {
            config.policy.rules = rules.0;
        }
        let (select, ignore) = (patterns("--select", &self.select)?, patterns("--ignore", &self.ignore)?);
        let is_among = |patterns: &[Pattern], check: &Check| patterns.iter().any(|pattern| pattern.is_for(check));
        config.policy.keep(|check| (select.is_empty() || is_among(&select, check)) && !is_among(&ignore, check));
        Ok(config)
    }

    /// Warns of an override in force: it lowers levels for a limited time only.
    pub(super) fn warn_of_override(config: &Config) {
        if let Some(in_force) = config.policy.override_at(Timestamp::now()) {
            super::warn(&format!("an override of the configuration is in force: {in_force}"));
        }
    }

    /// The configuration file, given or found.
    fn config_file(&self) -> Option<PathBuf> {
        self.config.clone().or_else(|| above(&std::env::current_dir().ok()?))
    }

    /// Refuses outputs that are inputs: configuration, baseline, `files`, or files below `manifests`.
    pub(super) fn refuse_overwriting<'a>(
        &'a self,
        outputs: &'a Outputs,
        files: impl Iterator<Item = &'a Path>,
        manifests: &[PathBuf],
    ) -> anyhow::Result<()> {
        let config = self.config_file();
        let baseline = self.baseline.as_deref();
        let (written, read) = if self.write_baseline { (baseline, None) } else { (None, baseline) };
        let mut inputs: Vec<&Path> = files.chain(read).collect();
        inputs.extend(config.as_deref());
        refuse_overwriting(&outputs.files().chain(written).collect::<Vec<_>>(), &inputs, manifests)
    }

    /// Applies the baseline to the report, and writes it first if asked to. Then merges findings that read the same.
    pub(super) fn accept(&self, report: &mut Report) -> anyhow::Result<()> {
        if let Some(path) = &self.baseline {
            let name = || path.display().to_string();
            let baseline = if self.write_baseline {
                let baseline = Baseline::of(report);
                file::replace(path, Access::Usual, |out| out.write_all(baseline.to_json().as_bytes()))
                    .with_context(name)?;
                baseline
            } else {
                Baseline::parse(&file::read_text(path, LARGEST).with_context(name)?).with_context(name)?
            };
            report.accept(|entry| baseline.accepts(entry));
        }
        report.merge_repeated();
        Ok(())
    }

    /// The exit code of the process.
    pub(super) fn exit_code(&self, report: &Report) -> ExitCode {
        match () {
            () if report.is_partial() => ExitCode::from(2),
            () if report.has(self.fail_on.level()) => ExitCode::from(1),
            () => ExitCode::SUCCESS,
        }
    }
}

/// Finds the configuration file in a folder or its parents, up to the root of the Git repository.
fn above(folder: &Path) -> Option<PathBuf> {
    for folder in folder.ancestors() {
        let file = folder.join(CONFIG);
        if file.is_file() {
            return Some(file);
        }
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}

/// A pattern of codes or names.
struct Pattern(WildMatch);

impl Pattern {
    fn is_for(&self, check: &Check) -> bool {
        self.0.matches(check.code) || self.0.matches(check.name)
    }
}

fn patterns(flag: &str, texts: &[String]) -> anyhow::Result<Vec<Pattern>> {
    texts
        .iter()
        .map(|text| {
            let is_code = text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("ig"))
                && text[2..].chars().all(|c| c.is_ascii_digit() || "*?".contains(c));
            let pattern = Pattern(WildMatch::new(&if is_code { text.to_uppercase() } else { text.clone() }));
            if !checks::ALL.iter().any(|check| pattern.is_for(check)) {
                if text.contains(['*', '?']) {
                    bail!("{flag}: no check matches {text:?}; run \"ingress-guard checks\" for the list");
                }
                if is_code && checks::ALL.iter().any(|check| check.code.starts_with(&text.to_uppercase())) {
                    bail!("{flag}: unknown check {text:?}; did you mean \"{}*\"?", text.to_uppercase());
                }
                bail!("{flag}: {}", unknown_check(text));
            }
            Ok(pattern)
        })
        .collect()
}
