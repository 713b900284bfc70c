//! The flags of `check`, and the configuration that they come to.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};
use wildmatch::WildMatch;

use crate::checks::{self, Check};
use crate::config::Config;
use crate::finding::Level;
use crate::model::{Key, Kind};
use crate::policy::Profile;

/// The configuration file that is looked for in this folder and those around it.
const CONFIG: &str = ".ingress-guard.yaml";

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Files and folders (.yaml, .yml, .json); - is standard input. Together they are one world.
    #[arg(value_name = "PATH", required = true)]
    pub(super) paths: Vec<PathBuf>,
    /// How to report, and into which file: text, json, sarif, junit or github; may be given several times.
    #[arg(
        short,
        long = "output",
        value_name = "FORMAT[=FILE]",
        env = "INGRESS_GUARD_OUTPUT",
        default_value = "text",
        value_delimiter = ','
    )]
    pub(super) output: Vec<Output>,
    /// No other Service or Ingress exists than those in the files; nor another IngressClass or Secret, where they hold any.
    #[arg(long, env = "INGRESS_GUARD_COMPLETE")]
    pub(super) complete: bool,
    /// An object that exists although the files do not hold it: service/NAMESPACE/NAME, secret/NAMESPACE/NAME or
    /// ingressclass/NAME.
    #[arg(long, env = "INGRESS_GUARD_ASSUME_EXISTS", value_name = "KIND/NAME", value_delimiter = ',')]
    pub(super) assume_exists: Vec<Assumed>,
    /// The namespace of objects that name none.
    #[arg(short, long, env = "INGRESS_GUARD_NAMESPACE", value_name = "NAME", default_value = "default")]
    pub(super) namespace: String,
    /// Configuration file; without it: .ingress-guard.yaml of this folder or one around it, up to that of the repository.
    #[arg(long, env = "INGRESS_GUARD_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// How stern to be, whatever the configuration says.
    #[arg(long, env = "INGRESS_GUARD_PROFILE", value_name = "NAME")]
    pub(super) profile: Option<ProfileName>,
    /// Only these checks: codes or names, with * and ?.
    #[arg(long, env = "INGRESS_GUARD_SELECT", value_name = "CHECK", value_delimiter = ',')]
    pub(super) select: Vec<String>,
    /// Not these checks: codes or names, with * and ?.
    #[arg(long, env = "INGRESS_GUARD_IGNORE", value_name = "CHECK", value_delimiter = ',')]
    pub(super) ignore: Vec<String>,
    /// From which level on findings end in exit code 1.
    #[arg(long, env = "INGRESS_GUARD_FAIL_ON", value_name = "LEVEL", default_value = "deny")]
    pub(super) fail_on: FailOn,
    /// Accept the findings that this file names.
    #[arg(long, env = "INGRESS_GUARD_BASELINE", value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Write today's findings into the baseline.
    #[arg(long, requires = "baseline")]
    pub(super) write_baseline: bool,
    /// Do the safe fixes in the files, then report what is left.
    #[arg(long, conflicts_with = "diff")]
    pub(super) fix: bool,
    /// Show what --fix would do, as a patch, and write nothing.
    #[arg(long)]
    pub(super) diff: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ProfileName {
    Observe,
    Guard,
    Strict,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum FailOn {
    Deny,
    Warn,
}

impl FailOn {
    pub(super) fn level(self) -> Level {
        match self {
            Self::Deny => Level::Deny,
            Self::Warn => Level::Warn,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Sarif,
    Junit,
    Github,
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
            Format::from_str(format, true).map_err(|_| "write text, json, sarif, junit or github".to_owned())?;
        Ok(Self { format, file: file.map(PathBuf::from) })
    }
}

/// An object that is taken to exist.
#[derive(Debug, Clone)]
pub(super) struct Assumed {
    pub(super) kind: Kind,
    pub(super) key: Key,
}

impl FromStr for Assumed {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err("a part is empty".to_owned());
        }
        match *parts {
            ["service", namespace, name] => Ok(Self { kind: Kind::Service, key: Key::new(namespace, name) }),
            ["secret", namespace, name] => Ok(Self { kind: Kind::Secret, key: Key::new(namespace, name) }),
            ["ingressclass", name] => Ok(Self { kind: Kind::IngressClass, key: Key::new("", name) }),
            _ => Err("write service/NAMESPACE/NAME, secret/NAMESPACE/NAME or ingressclass/NAME".to_owned()),
        }
    }
}

impl Arguments {
    /// What each flag alone cannot see.
    pub(super) fn refuse_what_cannot_be(&self) -> anyhow::Result<()> {
        let to_stdout = self.output.iter().filter(|output| output.file.is_none()).count();
        ensure!(to_stdout < 2, "only one format can go to standard output; give the others a file: -o sarif=out.sarif");
        let stdin = self.paths.iter().filter(|path| is_stdin(path)).count();
        ensure!(stdin < 2, "standard input can be read only once: give - once");
        ensure!(!(self.fix && stdin > 0), "--fix cannot write into standard input; --diff shows what it would do");
        Ok(())
    }

    /// The configuration that holds, with what flags say more.
    pub(super) fn config(&self) -> anyhow::Result<Config> {
        let found = self.config.clone().or_else(|| above(&std::env::current_dir().ok()?));
        let mut config = crate::cli::config(found.as_deref())?;
        if let Some(profile) = self.profile {
            config.policy.profile = match profile {
                ProfileName::Observe => Profile::Observe,
                ProfileName::Guard => Profile::Guard,
                ProfileName::Strict => Profile::Strict,
            };
        }
        let (select, ignore) = (patterns("--select", &self.select)?, patterns("--ignore", &self.ignore)?);
        let is_among = |patterns: &[Pattern], check: &Check| patterns.iter().any(|pattern| pattern.is_for(check));
        config.policy.keep(|check| (select.is_empty() || is_among(&select, check)) && !is_among(&ignore, check));
        Ok(config)
    }
}

pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The configuration of a folder or of those around it; not beyond the repository.
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
                bail!("{flag} {text:?} is no check; ingress-guard checks lists them");
            }
            Ok(pattern)
        })
        .collect()
}
