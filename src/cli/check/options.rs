//! The flags of `check`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::ensure;
use clap::Args;

use crate::cli::analysis_options::AnalysisOptions;
use crate::cli::cluster_source::Beneath;
use crate::cli::report_output::Outputs;
use crate::model::{Key, Kind};

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Files and folders (.yaml, .yml, .json); - is standard input. Together they are one world.
    #[arg(value_name = "PATH", required = true)]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) outputs: Outputs,
    /// No other Service or Ingress exists than those in the files; nor another IngressClass, Secret or workload, where they
    /// hold any.
    #[arg(long, env = "INGRESS_GUARD_COMPLETE", conflicts_with_all = ["cluster", "snapshot"])]
    pub(super) complete: bool,
    /// An object that exists although the files do not hold it: service/NAMESPACE/NAME, likewise configmap and secret, or
    /// ingressclass/NAME.
    #[arg(long, env = "INGRESS_GUARD_ASSUME_EXISTS", value_name = "KIND/NAME", value_delimiter = ',')]
    pub(super) assume_exists: Vec<Assumed>,
    #[command(flatten)]
    pub(super) beneath: Beneath,
    /// The namespace of objects that name none.
    #[arg(short, long, env = "INGRESS_GUARD_NAMESPACE", value_name = "NAME", default_value = "default")]
    pub(super) namespace: String,
    #[command(flatten)]
    pub(super) analysis: AnalysisOptions,
    /// Do the safe fixes in the files, then report what is left.
    #[arg(long, conflicts_with = "diff")]
    pub(super) fix: bool,
    /// Show what --fix would do, as a patch, and write nothing.
    #[arg(long)]
    pub(super) diff: bool,
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
            ["configmap", namespace, name] => Ok(Self { kind: Kind::ConfigMap, key: Key::new(namespace, name) }),
            ["secret", namespace, name] => Ok(Self { kind: Kind::Secret, key: Key::new(namespace, name) }),
            ["ingressclass", name] => Ok(Self { kind: Kind::IngressClass, key: Key::new("", name) }),
            _ => Err("write service/NAMESPACE/NAME (or configmap, secret) or ingressclass/NAME".to_owned()),
        }
    }
}

impl Arguments {
    /// What each flag alone cannot see.
    pub(super) fn validate(&self) -> anyhow::Result<()> {
        self.outputs.validate()?;
        let stdin = self.paths.iter().filter(|path| is_stdin(path)).count();
        ensure!(stdin < 2, "standard input can be read only once: give - once");
        ensure!(!(self.fix && stdin > 0), "--fix cannot write into standard input; --diff shows what it would do");
        Ok(())
    }
}

pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}
