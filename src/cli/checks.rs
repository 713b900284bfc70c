//! `ingress-guard checks`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::TextOrJson;
use crate::checks::{self, Check};
use crate::finding::Level;
use crate::policy::Policy;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Configuration file. The listed levels are those under this configuration.
    #[arg(long, env = "INGRESS_GUARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Output format.
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value_t)]
    output: TextOrJson,
}

/// A check in the JSON output.
#[derive(Serialize)]
pub(super) struct Entry {
    code: &'static str,
    name: &'static str,
    level: Level,
    summary: &'static str,
    waivable: bool,
    since: String,
}

impl Entry {
    /// Returns the entry of a check with its level under a policy.
    pub(super) fn of(check: &Check, policy: &Policy) -> Self {
        let Check { code, name, summary, since, .. } = *check;
        let (level, waivable) = (policy.level(check), policy.can_be_waived(check));
        Self { code, name, level, summary, waivable, since: since.to_string() }
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let policy = super::config(arguments.config.as_deref())?.policy;
    let entries = checks::ALL.iter().map(|check| Entry::of(check, &policy));
    super::print(&match arguments.output {
        TextOrJson::Text => text(entries)?,
        TextOrJson::Json => super::json(&entries.collect::<Vec<_>>())?,
    })
}

fn text(entries: impl Iterator<Item = Entry>) -> anyhow::Result<String> {
    let width = checks::ALL.iter().map(|check| check.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for Entry { code, name, level, summary, .. } in entries {
        writeln!(text, "{code}  {:<5}  {name:<width$}  {summary}", level.name())?;
    }
    Ok(text)
}
