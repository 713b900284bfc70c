//! The findings of the checks for the same worlds. What nginx does is the reference for them too: whether it loads the
//! configuration, and whether it answers a request by the Service of the path.

use std::sync::LazyLock;

use ingress_guard::analysis::analyze;
use ingress_guard::cluster::{ClusterState, Inventory, LiveReads};
use ingress_guard::config::Config;
use ingress_guard::engine::Engine;
use ingress_guard::finding::Level;

use crate::compare::Case;
use crate::controller::{Configuration, Source};
use crate::explained::Explained;
use crate::model;
use crate::process::Response;

/// Words of messages that say that no change is loaded.
const STOPS: [&str; 2] = ["nginx cannot reload", "the controller crashes"];
const FORBIDDEN: &str = "requests for the host return 403";
/// Words of messages that say that all requests for a field fail.
const FAILURES: [&str; 6] = [
    "requests return 404",
    "requests return 500",
    "requests return 502",
    "requests return 503",
    FORBIDDEN,
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

/// Compares the findings with whether nginx loads the configuration. Reviews do not read the paths of canaries in the server `_`,
/// so a finding is wrong, or missing, only if nginx does the same without them.
pub(crate) fn agree_on_loading(
    case: &Case,
    is_loaded: bool,
    loads_without_strays: impl Fn() -> bool,
) -> Result<(), String> {
    let Case { found, configuration, .. } = case;
    let mut stops =
        found.iter().filter(|found| found.says(&STOPS) && !(is_loaded && found.is_conditional(configuration)));
    let is_same = || !configuration.has_strays || loads_without_strays() == is_loaded;
    match (stops.next(), is_loaded) {
        (Some(found), true) if is_same() => Err(format!("nginx loads it, but {} has {}", found.ingress, found.text)),
        (None, false) if is_same() => Err(format!("nginx rejects it, and no finding says so: {found:#?}")),
        _ => Ok(()),
    }
}

/// Compares the findings with the response to a request, which the explanation describes correctly.
pub(crate) fn agree(case: &Case, explained: &Explained, source: Source, response: &Response) -> Result<(), String> {
    let found = &case.found;
    let Explained { explanation, number } = explained;
    let host = &case.requests[*number].host;
    let key = explanation.ingress.as_deref().unwrap_or_default();
    let field = explanation.field.as_deref().unwrap_or_default();
    let about = || found.iter().filter(|found| found.ingress == key && found.is_about(field));
    let is_served = response.status == 200 && source == Source::Own && !field.is_empty();
    // The request for authentication does not leave nginx here: explain and IG615 must agree on it.
    let (of_auth, fails_auth) = (about().find(|found| found.is_of_authentication()), explained.fails_authentication());
    if is_served && of_auth.is_some() != fails_auth {
        return Err(format!(
            "explain says that authentication fails: {fails_auth}, the findings of {key} say {of_auth:?}"
        ));
    }
    let wrong = |found: &&Found| !found.is_of_authentication() && found.says_it_fails_for(host);
    if let Some(found) = about().find(|found| is_served && wrong(found)) {
        return Err(format!("nginx answers {}, but {key} has {}", response.status, found.text));
    }
    // 500 depends on what the request makes of `rewrite-target`, and requests may not depend on a default backend.
    let needs_finding = response.status == 503 && field != "spec.defaultBackend";
    // Of a fault that answers 403 on the host, the `/` of a rule without paths has 503.
    if needs_finding && !about().any(|found| found.says(&["503", FORBIDDEN])) {
        return Err(format!("nginx answers 503, and no finding of {key} says so: {found:#?}"));
    }
    let culprit = response.server.and_then(|server| case.configuration.servers[server].forbidden_by);
    let culprit = culprit.map(|number| case.world.ingresses[number].key());
    let says_403 = |found: &Found| Some(&found.ingress) == culprit.as_ref() && found.says(&[FORBIDDEN]);
    if response.status == 403 && !found.iter().any(says_403) {
        return Err(format!("nginx answers 403 because of {culprit:?}, and no finding says so: {found:#?}"));
    }
    Ok(())
}

impl Found {
    fn says(&self, words: &[&str]) -> bool {
        words.iter().any(|words| self.text.contains(words))
    }

    /// Whether it says that requests to a host fail for its field, not only others.
    fn says_it_fails_for(&self, host: &str) -> bool {
        let is_of_others = match self.code {
            // The only path is `/`.
            "IG305" => true,
            // Ignored aliases.
            "IG504" => !self.text.contains(&format!(" 404 for {host};")),
            // The path of another Ingress, in the finding of the canary.
            "IG607" => self.text.contains(" 404 for the path"),
            _ => false,
        };
        !is_of_others && self.says(&FAILURES)
    }

    /// Whether it is about the authentication that cannot answer.
    fn is_of_authentication(&self) -> bool {
        self.code == "IG615" && self.says(&["requests return 500"])
    }

    /// Whether it names a condition on which nginx does not load the configuration, and which is not satisfied. Reviews do not read
    /// all other Ingresses.
    fn is_conditional(&self, configuration: &Configuration) -> bool {
        if self.code == "IG612" {
            // A main Ingress that is created later makes the controller crash, and nothing reviews the canary again then.
            return !configuration.has_main;
        }
        if self.text.contains("beside another host") {
            return configuration.servers.len() == 1 && configuration.redirects.is_empty();
        }
        let variable = self.text.split_once(": $").and_then(|(_, rest)| rest.split_once(" needs "));
        let variable = variable.filter(|_| self.text.contains(": without it nginx cannot reload"));
        variable.is_some_and(|(name, _)| configuration.defines(name))
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
