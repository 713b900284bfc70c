//! The flags of `check`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, ensure};
use clap::Args;
use clap::builder::BoolishValueParser;

use super::repository_options::RepositoryOptions;
use crate::cli::analysis_options::AnalysisOptions;
use crate::cli::cluster_source::Base;
use crate::cli::report_output::Outputs;
use crate::cluster::Variables;
use crate::file;
use crate::model::{Key, Kind};
use crate::validation::KubeVersion;

/// The most bytes of a file with variables: the most that a ConfigMap has.
const LARGEST_VARIABLES: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Files and directories with manifests (.yaml, .yml, .json); - is standard input. In a directory, each kustomization and each
    /// chart is evaluated on its own.
    #[arg(value_name = "PATH", required = true)]
    pub(super) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) outputs: Outputs,
    /// Treat the files as complete: report references to Services and Ingresses that are not in them. Also applies to
    /// IngressClasses, Secrets and workloads if the files contain any.
    #[arg(long, env = "INGRESS_GUARD_COMPLETE", value_parser = BoolishValueParser::new(), conflicts_with_all = ["cluster", "snapshot"])]
    pub(super) complete: bool,
    /// Assume that this object exists. Format: KIND/NAMESPACE/NAME for service, configmap and secret; ingressclass/NAME.
    #[arg(long, env = "INGRESS_GUARD_ASSUME_EXISTS", value_name = "OBJECT", value_delimiter = ',')]
    pub(super) assume_exists: Vec<Assumed>,
    /// The version of Kubernetes that the files are applied to: it decides which API versions and values are refused. Helm
    /// renders for it.
    #[arg(long, env = "INGRESS_GUARD_KUBE_VERSION", value_name = "VERSION", default_value_t)]
    pub(super) kube_version: KubeVersion,
    #[command(flatten)]
    pub(super) repository: RepositoryOptions,
    #[command(flatten)]
    pub(super) base: Base,
    /// Namespace of objects without metadata.namespace (default: default).
    #[arg(short, long, env = "INGRESS_GUARD_NAMESPACE", value_name = "NAME")]
    namespace: Option<String>,
    /// Substitute ${NAME} in the files by a value, as Flux does; can be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    set_var: Vec<(String, String)>,
    /// Substitute the variables of a file: ConfigMaps (.yaml, .yml, .json), or lines NAME=VALUE; can be repeated. --set-var
    /// takes precedence.
    #[arg(long, env = "INGRESS_GUARD_VARS_FROM", value_name = "FILE", value_delimiter = ',')]
    vars_from: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) analysis: AnalysisOptions,
    /// Apply safe fixes to the files, then report the remaining findings.
    #[arg(long, conflicts_with = "diff")]
    pub(super) fix: bool,
    /// Print the changes of --fix as a patch, without writing files.
    #[arg(long)]
    pub(super) diff: bool,
}

/// An object of `--assume-exists`.
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
            return Err("the kind, namespace or name is empty".to_owned());
        }
        match *parts {
            ["service", namespace, name] => Ok(Self { kind: Kind::Service, key: Key::new(namespace, name) }),
            ["configmap", namespace, name] => Ok(Self { kind: Kind::ConfigMap, key: Key::new(namespace, name) }),
            ["secret", namespace, name] => Ok(Self { kind: Kind::Secret, key: Key::new(namespace, name) }),
            ["ingressclass", name] => Ok(Self { kind: Kind::IngressClass, key: Key::new("", name) }),
            _ => Err("expected service/NAMESPACE/NAME (or configmap, secret) or ingressclass/NAME".to_owned()),
        }
    }
}

impl Arguments {
    /// The namespace of objects without one.
    pub(super) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    /// Whether it is only assumed.
    pub(super) fn is_namespace_assumed(&self) -> bool {
        self.namespace.is_none()
    }

    /// The variables that are substituted.
    pub(super) fn variables(&self) -> anyhow::Result<Variables> {
        let mut variables = Variables::default();
        for path in &self.vars_from {
            let name = || path.display().to_string();
            let text = file::read_text(path, LARGEST_VARIABLES).with_context(name)?;
            let is_manifest = path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json");
            let set = if is_manifest { variables.set_config_maps(&text) } else { variables.set_lines(&text) };
            set.map_err(anyhow::Error::msg).with_context(name)?;
        }
        for (name, value) in &self.set_var {
            variables.set(name, value).map_err(anyhow::Error::msg).context("--set-var")?;
        }
        Ok(variables)
    }

    /// Validates the flags together.
    pub(super) fn validate(&self) -> anyhow::Result<()> {
        self.outputs.validate()?;
        let stdin = self.paths.iter().filter(|path| is_stdin(path)).count();
        ensure!(stdin < 2, "- (standard input) can be given only once");
        ensure!(!(self.fix && stdin > 0), "--fix cannot change standard input; use --diff to print the changes");
        Ok(())
    }

    /// The files that are read besides manifests, configuration and baseline.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &Path> {
        // It may be a file: `check - < ingress.yaml`.
        let stdin = self.paths.iter().any(|path| is_stdin(path)).then_some(Path::new("/dev/stdin"));
        self.base.files().chain(stdin).chain(self.vars_from.iter().map(|path| &**path))
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}
