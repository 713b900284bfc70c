//! The findings of the checks for the same worlds. What nginx does is the reference for them too: whether it loads the
//! configuration, and whether it answers a request by the Service of the path.

use std::sync::LazyLock;

use ingress_guard::analysis::analyze;
use ingress_guard::cluster::{ClusterState, Inventory, LiveReads};
use ingress_guard::config::Config;
use ingress_guard::engine::Engine;
use ingress_guard::finding::Level;

use crate::controller::{Configuration, Source};
use crate::explained::Explained;
use crate::model;
use crate::process::Response;

/// Words of messages that say that no change is loaded.
const STOPS: [&str; 2] = ["nginx cannot reload", "the controller crashes"];
/// Words of messages that say when no change is loaded.
const CONDITIONS: [&str; 2] = [": without it nginx cannot reload", "beside another host"];
/// Words of messages that say that all requests for a field fail.
const FAILURES: [&str; 6] = [
    "requests return 404",
    "requests return 500",
    "requests return 502",
    "requests return 503",
    "requests for the host return 403",
    "the Ingress is not loaded",
];

/// A finding that warns or denies.
#[derive(Debug)]
pub(crate) struct Found {
    code: &'static str,
    ingress: String,
    field: String,
    text: String,
}

/// Returns the findings for every Ingress of a world.
pub(crate) fn all(inventory: &Inventory) -> Vec<Found> {
    static DEFAULTS: LazyLock<(Engine, Config)> = LazyLock::new(|| {
        let mut config = Config::default();
        config.settings.dialects = model::dialects();
        (config.engine(), config)
    });
    let (engine, config) = &*DEFAULTS;
    let live_reads = LiveReads::default();
    let known = ClusterState { store: inventory, live_reads: &live_reads, now: jiff::Timestamp::UNIX_EPOCH };
    let mut found = Vec::new();
    for ingress in inventory.ingresses() {
        let analysis = analyze(ingress, known, engine, &config.policy);
        let decisions = analysis.verdict.distinct().filter(|decision| decision.level >= Level::Warn);
        found.extend(decisions.map(|decision| Found {
            code: decision.finding.code,
            ingress: ingress.meta.key.to_string(),
            field: decision.finding.field.to_string(),
            text: format!("{} {}: {}", decision.finding.code, decision.finding.field, decision.finding.message),
        }));
    }
    found
}

/// Compares the findings with whether nginx loads the configuration.
pub(crate) fn agree_on_loading(found: &[Found], configuration: &Configuration, is_loaded: bool) -> Result<(), String> {
    // A review of a canary assumes that there is another Ingress. Reviews do not read all others, so that some warn on a condition.
    let is_stop = |found: &&Found| {
        found.says(&STOPS)
            && (found.code != "IG612" || configuration.has_main)
            && !(is_loaded && CONDITIONS.iter().any(|words| found.text.contains(words)))
    };
    let mut stops = found.iter().filter(is_stop);
    match (stops.next(), is_loaded) {
        // Reviews do without the paths of canaries in the server `_`, and the 403 of their hosts.
        _ if configuration.has_strays => Ok(()),
        (Some(found), true) => Err(format!("nginx loads it, but {} has {}", found.ingress, found.text)),
        (None, false) => Err(format!("nginx rejects it, and no finding says so: {found:#?}")),
        _ => Ok(()),
    }
}

/// Compares the findings with the response to a request, which the explanation describes correctly.
pub(crate) fn agree(found: &[Found], explained: &Explained, source: Source, response: &Response) -> Result<(), String> {
    let explanation = &explained.explanation;
    let key = explanation.ingress.as_deref().unwrap_or_default();
    let field = explanation.field.as_deref().unwrap_or_default();
    // The request for authentication that IG615 is about does not leave nginx here.
    let mut about = found.iter().filter(|found| found.ingress == key && found.is_about(field) && found.code != "IG615");
    let is_served = response.status == 200 && source == Source::Own && !field.is_empty();
    if let Some(found) = about.clone().find(|found| is_served && found.says(&FAILURES)) {
        return Err(format!("nginx answers {}, but {key} has {}", response.status, found.text));
    }
    // 500 depends on what the request makes of `rewrite-target`, and requests may not depend on a default backend.
    if response.status == 503 && field != "spec.defaultBackend" && about.next().is_none() {
        return Err(format!("nginx answers 503, and {key} has no finding: {found:#?}"));
    }
    // Known gap: no check reads the references of a canary, whose `auth-tls-secret` counts all the same.
    let by_canary = found.iter().any(|found| ["IG605", "IG606", "IG607"].contains(&found.code));
    if response.status == 403 && !by_canary && !found.iter().any(|found| found.says(&FAILURES)) {
        return Err(format!("nginx answers 403, and no finding says so: {found:#?}"));
    }
    Ok(())
}

impl Found {
    fn says(&self, words: &[&str]) -> bool {
        // Some other requests fail.
        let text = self.text.replace(" 404 for ", " for ");
        words.iter().any(|words| text.contains(words))
    }

    /// Whether it is about a path, its rule, or the Ingress as a whole.
    fn is_about(&self, path: &str) -> bool {
        let is_below = |whole: &str| {
            self.field.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let rule = path.split_once(".http").map(|(rule, _)| rule);
        match &*self.field {
            of_rule if of_rule.starts_with("spec.rules[") => {
                is_below(path) || (rule.is_some_and(is_below) && !of_rule.contains(".http.paths["))
            }
            of_default if of_default.starts_with("spec.defaultBackend") => path == "spec.defaultBackend",
            of_spec => !of_spec.starts_with("spec.tls"),
        }
    }
}
