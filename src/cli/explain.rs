//! `ingress-guard explain URL | NAMESPACE/NAME | CODE`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::cluster_source::Source;
use crate::analysis::analyze;
use crate::checks::{self, Check};
use crate::config::Config;
use crate::explain::{RequestUrl, Style, explain_check, explain_ingress, explain_url};
use crate::model::{Key, suggest};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What to explain: a URL (`https://app.example.com/api`), an Ingress (`shop/web`), or a check (`IG202`).
    #[arg(value_name = "URL | NAMESPACE/NAME | CODE")]
    what: String,
    /// Print the whole page of a check, with the examples that it does and does not report.
    #[arg(long)]
    examples: bool,
    #[command(flatten)]
    source: Source,
    /// The controller of this IngressClass only.
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// For people or for programs.
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
    /// Configuration file.
    #[arg(long, env = "INGRESS_GUARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Output {
    #[default]
    Text,
    Json,
}

/// What the argument names.
enum Target {
    Page(&'static Check),
    Ingress(Key),
    Url(RequestUrl),
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let target = target(&arguments.what)?;
    ensure!(
        !arguments.examples || matches!(target, Target::Page(_)),
        "--examples needs the code or name of a check, not {:?}",
        arguments.what
    );
    let (text, code) = match target {
        Target::Page(check) => (explain_check(check, arguments.examples, style(), super::width()), 0),
        Target::Ingress(key) => ingress(arguments, &key, &super::config(arguments.config.as_deref())?)?,
        Target::Url(request) => url(arguments, &request, &super::config(arguments.config.as_deref())?)?,
    };
    super::print(&text)?;
    Ok(ExitCode::from(code))
}

/// A code or name of a check has no dot, slash or colon; an Ingress has one slash and no dot before it, since namespaces have
/// none; everything else is a URL.
fn target(what: &str) -> anyhow::Result<Target> {
    if let Some(check) = checks::find(what) {
        return Ok(Target::Page(check));
    }
    if !what.contains(['.', '/', ':']) {
        let names = checks::ALL.iter().flat_map(|check| [check.code, check.name]);
        let hint = suggest::did_you_mean(what, names).unwrap_or_else(|| {
            "ingress-guard checks lists them (a URL begins with https://, an Ingress is NAMESPACE/NAME)".to_owned()
        });
        bail!("there is no check {what:?}; {hint}");
    }
    if let Some((namespace, name)) = what.split_once('/') {
        let is_name = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
        };
        if is_name(namespace) && is_name(name) && !namespace.contains('.') {
            return Ok(Target::Ingress(Key::new(namespace, name)));
        }
    }
    Ok(Target::Url(RequestUrl::read(what)?))
}

fn url(arguments: &Arguments, request: &RequestUrl, config: &Config) -> anyhow::Result<(String, u8)> {
    let snapshot = arguments.source.load(config, |_| ())?;
    let class = arguments.class.as_deref();
    let explanation = explain_url(request, snapshot.state(), &config.settings, class)?;
    let text = match arguments.output {
        Output::Text => explanation.text(style()),
        Output::Json => json(&explanation)?,
    };
    Ok((text, explanation.exit_code()))
}

fn ingress(arguments: &Arguments, key: &Key, config: &Config) -> anyhow::Result<(String, u8)> {
    let snapshot = arguments.source.load(config, |_| ())?;
    let Some(ingress) = snapshot.inventory.ingress(&key.namespace, &key.name) else {
        let same_name = snapshot.inventory.ingresses().map(|it| &it.meta.key).filter(|other| other.name == key.name);
        let mut others: Vec<String> = same_name.map(ToString::to_string).collect();
        others.sort();
        match others.as_slice() {
            [] => bail!("there is no Ingress {key}; a URL begins with https://"),
            others => bail!("there is no Ingress {key}; there is {}", others.join(", ")),
        }
    };
    let analysis = analyze(ingress, snapshot.state(), &config.engine(), &config.policy);
    let explanation = explain_ingress(&analysis, snapshot.state(), &config.settings);
    let text = match arguments.output {
        Output::Text => explanation.text(style()),
        Output::Json => json(&explanation)?,
    };
    Ok((text, explanation.exit_code()))
}

fn json(explanation: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(explanation)? + "\n")
}

fn style() -> Style {
    if super::is_colour_wanted() { Style::Terminal } else { Style::Plain }
}
