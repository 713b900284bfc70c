//! The flags of `check` about directories: which files are read, and how manifests are rendered.

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(super) struct RepositoryOptions {
    /// Leave out files and directories that match this pattern, as in .gitignore. The file .ingress-guardignore has more.
    #[arg(long, env = "INGRESS_GUARD_EXCLUDE", value_name = "GLOB", value_delimiter = ',')]
    pub(super) exclude: Vec<String>,
    /// Check only this root of the given directories, by the name in the report.
    #[arg(long, env = "INGRESS_GUARD_ROOT", value_name = "DIR")]
    pub(super) root: Option<String>,
    /// Render kustomizations and charts with kustomize or kubectl, and helm. auto: if they are installed; require: as auto, with exit
    /// code 2 if a root could not be rendered.
    #[arg(long, env = "INGRESS_GUARD_RENDER", value_name = "WHEN", default_value = "auto")]
    pub(super) render: Render,
    /// Values file for charts: a pattern below the chart's directory, such as ci/*.yaml, or a file. Each match is a root.
    #[arg(long, env = "INGRESS_GUARD_VALUES", value_name = "FILE", value_delimiter = ',')]
    pub(super) values: Vec<String>,
    /// API version that charts may use, such as monitoring.coreos.com/v1.
    #[arg(long, env = "INGRESS_GUARD_API_VERSIONS", value_name = "VERSION", value_delimiter = ',')]
    pub(super) api_versions: Vec<String>,
    /// Exit with code 2 if a root could not be rendered.
    #[arg(long, env = "INGRESS_GUARD_REQUIRE_COMPLETE", value_parser = BoolishValueParser::new())]
    pub(super) require_complete: bool,
    /// Exit with code 2 if there is no Ingress.
    #[arg(long, env = "INGRESS_GUARD_FAIL_ON_EMPTY", value_parser = BoolishValueParser::new())]
    pub(super) fail_on_empty: bool,
}

impl RepositoryOptions {
    /// Whether a root that could not be rendered is an error.
    pub(super) fn requires_all(&self) -> bool {
        self.require_complete || self.render == Render::Require
    }
}

/// Whether manifests are rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Render {
    Auto,
    Never,
    Require,
}
