//! `ingress-guard explain URL | [NAMESPACE/]NAME | CHECK`

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{bail, ensure};
use clap::Args;
use serde::Serialize;

use super::TextOrJson;
use super::assumed_controller::AssumedController;
use super::checks::Entry;
use super::cluster_source::{Loaded, Scope, Source};
use crate::analysis::analyze;
use crate::checks::{self, Check};
use crate::cluster::Inventory;
use crate::config::{Config, nearest_check, unknown_check};
use crate::explain::{RequestUrl, Style, add_findings, explain_check, explain_ingress, explain_url};
use crate::model::{Key, suggest};

/// The most Ingresses that an error suggests.
const MAX_SUGGESTIONS: usize = 5;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// URL, Ingress, or code or name of a check.
    ///
    /// A word with a scheme or a dot is a URL; without a scheme, HTTPS is assumed. NAMESPACE/NAME is an Ingress if NAMESPACE has no
    /// dot. Another single word is a check, or else the name of an Ingress.
    #[arg(value_name = "URL | [NAMESPACE/]NAME | CHECK")]
    what: String,
    /// Namespace of the Ingress; the argument is then its name alone, or a URL with scheme. Without it: the namespace of the
    /// kubeconfig context, or "default" with --manifests and --snapshot. If RBAC does not allow listing the cluster, only this
    /// namespace is read.
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Print the whole documentation of a check, with the examples that it reports and does not report.
    #[arg(long)]
    examples: bool,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    assumed: AssumedController,
    /// Trace the request through the controller of this IngressClass only.
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
    /// Output format.
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value_t)]
    output: TextOrJson,
    /// Configuration file.
    #[arg(long, env = "INGRESS_GUARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The target of the argument.
enum Target {
    Page(&'static Check),
    /// An Ingress, in the default namespace if none is given.
    Ingress {
        namespace: Option<String>,
        name: String,
    },
    Url(RequestUrl),
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let target = target(&arguments.what, arguments.namespace.as_deref())?;
    ensure!(
        !arguments.examples || matches!(target, Target::Page(_)),
        "--examples needs the code or name of a check, not {:?}",
        arguments.what
    );
    let config = || {
        let mut config = super::config(arguments.config.as_deref())?;
        arguments.assumed.apply_to(&mut config);
        anyhow::Ok(config)
    };
    let (text, code) = match target {
        Target::Page(check) => (page(arguments, check)?, 0),
        Target::Ingress { namespace, name } => ingress(arguments, namespace, &name, &config()?)?,
        Target::Url(request) => url(arguments, &request, &config()?)?,
    };
    super::print(&text)?;
    Ok(ExitCode::from(code))
}

/// Finds out what the argument refers to. Codes and names of checks contain no dot, slash or colon; namespaces contain no dot.
fn target(what: &str, namespace: Option<&str>) -> anyhow::Result<Target> {
    if let Some(namespace) = namespace.filter(|_| !what.contains("://")) {
        ensure!(is_name(what), "--namespace needs the name of an Ingress, not {what:?}");
        return Ok(Target::Ingress { namespace: Some(namespace.to_owned()), name: what.to_owned() });
    }
    if let Some(check) = checks::find(what) {
        return Ok(Target::Page(check));
    }
    if !what.contains(['.', '/', ':']) {
        let is_code = what.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("ig"))
            && what[2..].bytes().all(|byte| byte.is_ascii_digit());
        if is_name(what) && !is_code && nearest_check(what).is_none() {
            return Ok(Target::Ingress { namespace: None, name: what.to_owned() });
        }
        bail!("{}", unknown_check(what));
    }
    if let Some((namespace, name)) = what.split_once('/')
        && is_name(namespace)
        && is_name(name)
        && !namespace.contains('.')
    {
        return Ok(Target::Ingress { namespace: Some(namespace.to_owned()), name: name.to_owned() });
    }
    Ok(Target::Url(RequestUrl::read(what)?))
}

/// Whether Kubernetes allows this as the name of an Ingress.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
}

/// The documentation of a check in the JSON output.
#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    entry: Entry,
    /// The whole page, in Markdown.
    documentation: &'static str,
}

fn page(arguments: &Arguments, check: &'static Check) -> anyhow::Result<String> {
    match arguments.output {
        TextOrJson::Text => Ok(explain_check(check, arguments.examples, style(), super::width())),
        TextOrJson::Json => {
            let policy = super::config(arguments.config.as_deref())?.policy;
            super::json(&Page { entry: Entry::of(check, &policy), documentation: check.page })
        }
    }
}

fn url(arguments: &Arguments, request: &RequestUrl, config: &Config) -> anyhow::Result<(String, u8)> {
    let scope = Scope::NamespaceAtLeast(arguments.namespace.as_deref());
    let Loaded { snapshot, .. } = arguments.source.load_for(config, scope)?;
    let class = arguments.class.as_deref();
    let mut explanation = explain_url(request, snapshot.state(), &config.settings, class)?;
    add_findings(&mut explanation, snapshot.state(), &config.engine(), &config.policy);
    let text = match arguments.output {
        TextOrJson::Text => explanation.text(style()),
        TextOrJson::Json => super::json(&explanation)?,
    };
    Ok((text, explanation.exit_code()))
}

fn ingress(
    arguments: &Arguments,
    namespace: Option<String>,
    name: &str,
    config: &Config,
) -> anyhow::Result<(String, u8)> {
    let scope = Scope::NamespaceAtLeast(namespace.as_deref());
    let Loaded { snapshot, namespace: default, .. } = arguments.source.load_for(config, scope)?;
    let is_bare = namespace.is_none();
    let key = Key::new(&namespace.unwrap_or(default), name);
    let Some(ingress) = snapshot.inventory.ingress(&key.namespace, &key.name) else {
        let hint = similar(&key, &snapshot.inventory).unwrap_or_else(|| {
            let or_check = if is_bare { "; \"ingress-guard checks\" lists the checks" } else { "" };
            format!("a URL begins with https://{or_check}")
        });
        bail!("Ingress {key} not found; {hint}");
    };
    let analysis = analyze(ingress, snapshot.state(), &config.engine(), &config.policy);
    let explanation = explain_ingress(&analysis, snapshot.state(), &config.settings);
    let text = match arguments.output {
        TextOrJson::Text => explanation.text(style()),
        TextOrJson::Json => super::json(&explanation)?,
    };
    Ok((text, explanation.exit_code()))
}

/// Suggests Ingresses of the same name in other namespaces, else one with a similar name.
fn similar(key: &Key, inventory: &Inventory) -> Option<String> {
    let keys: Vec<String> = inventory.ingresses().map(|ingress| ingress.meta.key.to_string()).collect();
    let mut same_name: Vec<String> = keys
        .iter()
        .filter(|other| other.rsplit('/').next() == Some(&*key.name))
        .map(|key| format!("{key:?}"))
        .collect();
    same_name.sort();
    same_name.truncate(MAX_SUGGESTIONS);
    if same_name.is_empty() {
        return suggest::did_you_mean(&key.to_string(), keys.iter().map(String::as_str));
    }
    Some(format!("did you mean {}?", same_name.join(" or ")))
}

fn style() -> Style {
    if super::is_colour_wanted() { Style::Terminal } else { Style::Plain }
}
