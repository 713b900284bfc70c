//! `explain` agrees with the findings of the checks, in every world of the tests: no answer is good where a finding says that it is
//! not, an answer that fails by an Ingress has a finding, and an answer is unknown only for a listed reason.

use std::path::Path;

use ingress_guard::analysis::{Analysis, analyze};
use ingress_guard::checks;
use ingress_guard::cluster::{Inventory, load};
use ingress_guard::config::Config;
use ingress_guard::explain::{Explanation, RequestOutcome, Step, explain_ingress, explain_url};
use ingress_guard::finding::{Finding, Level};
use ingress_guard::model::{Host, Ingress, PathRef, PathType};
use ingress_guard::routing::{NginxAnnotations, Scheme};

use super::agreement::visits;
use crate::pages;

/// What the findings of a check say about requests for the paths of the Ingress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// Nothing about the answer: what a backend receives, who has access, policies, spelling.
    Nothing,
    /// They do not reach their backend.
    Fails,
    /// Some of them do not, although others may.
    Loses,
    /// What the message says.
    ByMessage,
    /// What the message says, for every path of the controller.
    Reload,
    /// HTTPS clients do not get a valid certificate.
    Certificate,
    /// Other requests fail: those that no path matches, or those of other Ingresses.
    OthersFail,
}

/// What each check says. Each new check has a line here.
#[rustfmt::skip]
const SAYS: &[(Says, &[&str])] = &[
    (Says::Fails, &["IG101", "IG102", "IG103", "IG105", "IG106", "IG108", "IG201", "IG202", "IG204", "IG205", "IG206", "IG208", "IG210",
                    "IG304", "IG306", "IG506"]),
    (Says::Loses, &["IG301", "IG309", "IG319"]),
    (Says::ByMessage, &["IG203", "IG207", "IG311", "IG313", "IG315", "IG413", "IG501", "IG603", "IG604", "IG605", "IG606", "IG607", "IG609", "IG615"]),
    (Says::Reload, &["IG302", "IG312", "IG314", "IG611", "IG612"]),
    (Says::Certificate, &["IG401", "IG402", "IG403", "IG404", "IG406", "IG408", "IG409", "IG415", "IG416", "IG417"]),
    (Says::OthersFail, &["IG209", "IG214", "IG305", "IG307", "IG308", "IG407", "IG503", "IG504", "IG904"]),
    (Says::Nothing, &["IG104", "IG107", "IG211", "IG212", "IG213", "IG215", "IG303", "IG310", "IG316", "IG317", "IG318", "IG320",
                      "IG405", "IG410", "IG411", "IG412", "IG502", "IG505", "IG601", "IG602", "IG608", "IG610", "IG613", "IG614",
                      "IG616", "IG617", "IG618", "IG701", "IG702", "IG703", "IG801", "IG802", "IG804", "IG805", "IG901", "IG902", "IG903"]),
];

/// Words of messages that say that requests fail.
const FAILURES: [&str; 12] = [
    "requests return 404",
    "requests return 500",
    "requests return 502",
    "requests return 503",
    "requests for the host return 403",
    "returns 404 from the default backend",
    "nginx returns 500",
    "the Ingress is not loaded",
    "is matched literally",
    "that older Ingress receives all requests",
    "the canary receives no requests",
    "HTTPS requests go to",
];
/// The words of IG607 on a canary that takes the Service of another Ingress.
const OF_OTHERS: &str = "this older canary and path";
/// Words of messages that say that the controller loads no change.
const STOPS: [&str; 2] = ["nginx cannot reload", "the controller crashes"];

fn says(code: &str) -> Says {
    let line = SAYS.iter().find(|(_, codes)| codes.contains(&code));
    line.unwrap_or_else(|| panic!("{code} is not in SAYS")).0
}

#[test]
fn every_check_has_one_line() {
    let mut listed: Vec<&str> = SAYS.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
    listed.sort_unstable();
    assert_eq!(listed, checks::ALL.iter().map(|check| check.code).collect::<Vec<_>>());
}

/// A request that is explained, and the field of the Ingress that answers.
struct Asked<'a> {
    scheme: Scheme,
    host: &'a str,
    field: &'a str,
    /// The question is whether the path serves all requests that it is meant for.
    is_whole_path: bool,
    explanation: &'a Explanation,
}

impl Asked<'_> {
    /// Whether a finding is about the field that answers, or about the Ingress as a whole.
    fn is_covered_by(&self, finding: &Finding) -> bool {
        let field = finding.field.to_string();
        let is_below =
            |whole: &str| field.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        let rule = self.field.split_once(".http").map(|(rule, _)| rule);
        match &*field {
            of_rule if of_rule.starts_with("spec.rules[") => {
                is_below(self.field) || (rule.is_some_and(is_below) && !of_rule.contains(".http.paths["))
            }
            of_tls if of_tls.starts_with("spec.tls") => self.scheme == Scheme::Https,
            of_default if of_default.starts_with("spec.defaultBackend") => self.field == "spec.defaultBackend",
            _ => true,
        }
    }

    fn has_bad_certificate(&self) -> bool {
        self.step("certificate").is_some_and(|step| step.ok == Some(false))
    }

    fn step(&self, what: &str) -> Option<&Step> {
        self.explanation.steps.iter().find(|step| step.what == what)
    }

    /// Whether a finding says that this request fails although its answer is good.
    fn is_contradicted_by(&self, finding: &Finding) -> bool {
        // The redirect of one request is sent before the backend and the authentication service are asked.
        let field = finding.field.to_string();
        let is_asked_later = ["ackend", "auth-url"].iter().any(|name| field.contains(name));
        if self.explanation.outcome == RequestOutcome::Redirect && !self.is_whole_path && is_asked_later {
            return false;
        }
        // The request is not the one of the path, which has a slash.
        let adds_slash =
            self.explanation.redirect.as_ref().is_some_and(|to| *to == format!("{}/", self.explanation.url));
        if adds_slash && !self.is_whole_path {
            return false;
        }
        // `app-root` redirects the only request that an Exact `/` is meant for.
        if self.explanation.outcome == RequestOutcome::Redirect && self.explanation.ingress.is_none() {
            return false;
        }
        // The finding names what answers instead.
        let is_served_by_fallback = self.step("fallback").is_some_and(|step| step.ok == Some(true));
        if is_served_by_fallback && finding.message.contains(" unless Service ") {
            return false;
        }
        let has = |words: &[&str]| words.iter().any(|words| finding.message.contains(words));
        match says(finding.code) {
            Says::Nothing | Says::OthersFail => false,
            Says::Fails => self.is_covered_by(finding),
            Says::Loses => self.is_whole_path && self.is_covered_by(finding),
            Says::ByMessage => {
                let is_of_scheme = finding.code != "IG413" || self.scheme == Scheme::Https;
                // A regex of the same Ingress may stand before both paths.
                let is_of_path = finding.code != "IG501" || self.explanation.field.as_deref() == Some(self.field);
                is_of_scheme && is_of_path && self.is_covered_by(finding) && has(&FAILURES) && !has(&[OF_OTHERS])
            }
            // A review sees no Ingress of another host.
            Says::Reload => has(&STOPS) && !has(&["beside another host"]),
            Says::Certificate => {
                // The Secret that is served, or the host whose certificate is the default one.
                let served = self.explanation.certificate.as_ref().and_then(|served| served.secret.as_deref());
                let name = served.and_then(|served| served.split('/').nth(1));
                let is_of_secret = name.is_some_and(|name| finding.message.contains(&format!("Secret {name:?}")));
                let is_good = self.step("certificate").is_some_and(|step| step.ok == Some(true));
                let is_of_host = finding.code != "IG403" || finding.message.contains(&format!(" {}:", self.host));
                self.is_covered_by(finding) && is_of_secret && is_of_host && is_good
            }
        }
    }

    /// Whether a finding may be the reason for a bad answer.
    fn is_explained_by(&self, finding: &Finding) -> bool {
        match says(finding.code) {
            Says::Nothing | Says::OthersFail => false,
            Says::Reload => self.explanation.outcome == RequestOutcome::NotLoaded,
            Says::Certificate => self.has_bad_certificate() && self.is_covered_by(finding),
            Says::Fails | Says::Loses | Says::ByMessage => self.is_covered_by(finding),
        }
    }
}

fn in_words(explanation: &Explanation) -> String {
    let open = explanation.steps.iter().filter(|step| step.ok != Some(true));
    let sign = |step: &Step| if step.ok.is_some() { '✗' } else { '?' };
    let steps: Vec<String> = open.map(|step| format!("{} {}: {}", sign(step), step.what, step.detail)).collect();
    let Explanation { url, outcome, status, ingress, field, .. } = explanation;
    let of = ingress.as_deref().zip(field.as_deref());
    format!("{url} {outcome:?} {status:?} {of:?} [{}]", steps.join(" | "))
}

fn codes(analysis: &Analysis<'_>) -> Vec<String> {
    analysis.verdict.distinct().map(|decision| format!("{} {}", decision.level, decision.finding.code)).collect()
}

/// Reasons for an unknown answer: what the cluster does not contain, whatever its checks know.
const OPEN: [&str; 9] = [
    // The controller is not known, or its rules are not.
    "the controller of Ingress",
    "the rules of",
    "resource backend",
    "handles this backend itself",
    // The version or a setting of the controller is not known.
    "in some versions or with some settings",
    "nginx may reject",
    // It is not in the cluster.
    "answers if it has endpoints",
    "exceeded its time budget",
    "the Ingresses of the cluster are unknown",
];

/// A world with the analysis of each of its Ingresses.
struct Analysed<'a> {
    config: &'a Config,
    inventory: &'a Inventory,
    analyses: Vec<Analysis<'a>>,
    differences: Differences,
}

/// The differences between the explanations and the findings of worlds.
#[derive(Default)]
pub(crate) struct Differences {
    pub(crate) wrong: Vec<String>,
    /// The numbers of answers that were compared: good ones and bad ones.
    good: usize,
    bad: usize,
}

impl Differences {
    /// Adds the answers of another world that were compared.
    pub(crate) fn count(&mut self, other: &Self) {
        self.good += other.good;
        self.bad += other.bad;
    }

    /// Asserts that there are none, and that many answers of both kinds were compared.
    #[track_caller]
    pub(crate) fn assert_none_of(&self, many: usize) {
        let Self { wrong, good, bad } = self;
        assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
        assert!(*good > many && *bad > many, "{good} good answers and {bad} bad ones");
    }
}

/// Compares the explanations and the findings of a world.
pub(crate) fn differences(config: &Config, inventory: &Inventory) -> Differences {
    let analysed = |ingress| analyze(ingress, pages::known(inventory), &config.engine(), &config.policy);
    // Those that are being deleted do not count for `explain`.
    let stored = inventory.ingresses().filter(|ingress| !ingress.meta.deleting);
    let mut world =
        Analysed { config, inventory, analyses: stored.map(analysed).collect(), differences: Differences::default() };
    world.compare_paths();
    world.compare_urls();
    world.differences
}

impl Analysed<'_> {
    /// Compares the explanation of each path of each Ingress.
    fn compare_paths(&mut self) {
        let mut found = Differences::default();
        for analysis in &self.analyses {
            let scheme = if analysis.ingress.tls.is_empty() { Scheme::Http } else { Scheme::Https };
            let explained = explain_ingress(analysis, pages::known(self.inventory), &self.config.settings);
            for path in &explained.paths {
                let Some(explanation) = &path.explanation else { continue };
                // The API server rejects a path without a slash, and a master of F5 NGINX Ingress Controller has no paths.
                if !path.path.is_empty() && !path.path.starts_with('/') || is_master(analysis.ingress) {
                    continue;
                }
                let asked = Asked { scheme, host: &path.host, field: &path.field, is_whole_path: true, explanation };
                let what = format!("{} {} {:?}", explained.ingress, path.field, path.path);
                let in_words = in_words(explanation);
                match explanation.exit_code() {
                    0 => found.good += 1,
                    1 => found.bad += 1,
                    _ => {}
                }
                match explanation.exit_code() {
                    0 if path.own && path.broken_by.is_none() => {
                        found.wrong.extend(
                            contradicting(analysis, &asked)
                                .map(|finding| format!("{what} is served, but {finding}: {in_words}")),
                        );
                    }
                    2 if path.broken_by.is_none() => {
                        if !OPEN.iter().any(|reason| in_words.contains(reason)) {
                            found.wrong.push(format!("{what} is unknown: {in_words}"));
                        }
                    }
                    _ if is_repetition(analysis.ingress, &path.field) || self.is_explained(analysis, &asked) => {}
                    _ => found.wrong.push(format!("{what} fails without a finding: {in_words} {:?}", codes(analysis))),
                }
            }
        }
        self.add(found);
    }

    fn add(&mut self, found: Differences) {
        self.differences.count(&found);
        self.differences.wrong.extend(found.wrong);
    }

    /// Compares the explanations of sample requests.
    fn compare_urls(&mut self) {
        for request in visits(self.inventory).into_iter().take(80) {
            let known = pages::known(self.inventory);
            let Ok(explanation) = explain_url(&request, known, &self.config.settings, None) else { continue };
            let of = |analysis: &&Analysis<'_>| Some(analysis.ingress.meta.key.to_string()) == explanation.ingress;
            let Some(analysis) = self.analyses.iter().find(of) else { continue };
            let (scheme, host, field) =
                (request.scheme, &*request.host, explanation.field.as_deref().unwrap_or_default());
            let asked = Asked { scheme, host, field, is_whole_path: false, explanation: &explanation };
            let what = format!("{} to {} {field}", request.url(), analysis.ingress.meta.key);
            let fails = explanation.outcome != RequestOutcome::DefaultBackend;
            let wrong: Vec<String> = match explanation.exit_code() {
                0 => {
                    contradicting(analysis, &asked).map(|finding| format!("{what} is served, but {finding}")).collect()
                }
                1 if fails && !self.is_explained(analysis, &asked) => {
                    vec![format!("{what} fails without a finding: {} {:?}", in_words(&explanation), codes(analysis))]
                }
                _ => Vec::new(),
            };
            let (good, bad) = match explanation.exit_code() {
                0 => (1, 0),
                1 => (0, 1),
                _ => (0, 0),
            };
            self.add(Differences { wrong, good, bad });
        }
    }

    /// Whether a finding is the reason for a bad answer of an Ingress, or of another one that decides for the host or the controller.
    fn is_explained(&self, analysis: &Analysis<'_>, asked: &Asked<'_>) -> bool {
        let Explanation { blocked_by, status, field, outcome, ingress, .. } = asked.explanation;
        let by_other = |finding: &Finding| {
            (asked.has_bad_certificate() && says(finding.code) == Says::Certificate)
                || (*outcome == RequestOutcome::NotLoaded && STOPS.iter().any(|words| finding.message.contains(words)))
                || (*status == Some(403) && finding.message.contains("requests for the host return 403"))
        };
        let of_any = |is_it: &dyn Fn(&Finding) -> bool| {
            self.analyses.iter().any(|of| of.verdict.distinct().any(|decision| is_it(&decision.finding)))
        };
        let is_own = |finding: &Finding| asked.is_explained_by(finding);
        // The Service of a challenge may be younger than what is known, and the solver exists for seconds.
        let is_of_challenge = asked.explanation.url.contains("/.well-known/acme-challenge/");
        // Two Ingresses name the same Service.
        let is_by_fallback = *outcome == RequestOutcome::Service && field.as_deref() == Some("spec.defaultBackend");
        // A canary fails with the path of the main Ingress that it shares.
        let answering = || self.analyses.iter().find(|of| Some(of.ingress.meta.key.to_string()) == *ingress);
        let is_canary = |ingress: &Ingress| NginxAnnotations::of(ingress).is_canary();
        let is_of_main = is_canary(analysis.ingress)
            && answering().is_some_and(|main| main.verdict.distinct().any(|it| says(it.finding.code) != Says::Nothing));
        // Known gap: reviews do not see what the server of all other hosts gets from canaries of hosts without a server.
        let of_main = || self.analyses.iter().map(|of| of.ingress).filter(|ingress| !is_canary(ingress));
        let has_server =
            |host: &Host| *host == Host::Any || of_main().any(|main| main.hosts().iter().any(|(_, of)| *of == host));
        let is_stray =
            |ingress: &Ingress| is_canary(ingress) && ingress.rules.iter().any(|rule| !has_server(&rule.host));
        let is_of_gap = asked.host == "*" && self.analyses.iter().any(|of| is_stray(of.ingress));
        // Known gap: no check compares the host of a rule with an alias that begins with a dot, which another server may have before it.
        let has_dot =
            |ingress: &Ingress| NginxAnnotations::of(ingress).server_aliases().any(|alias| alias.starts_with('.'));
        let is_of_other = *ingress != Some(analysis.ingress.meta.key.to_string());
        let is_of_dot = is_of_other && self.analyses.iter().any(|of| has_dot(of.ingress));
        blocked_by.is_some()
            || is_of_dot
            || is_of_main
            || is_of_gap
            || is_by_fallback
            || is_of_challenge
            || analysis.verdict.distinct().any(|decision| is_own(&decision.finding))
            || of_any(&by_other)
    }
}

/// Whether a path with the text and type of this one stands before it in the Ingress: the findings are on that one.
fn is_repetition(ingress: &Ingress, field: &str) -> bool {
    let Some(own) = ingress.paths().find(|at| at.field().to_string() == field) else { return false };
    let is_exact = |at: PathRef<'_>| at.path.path_type == PathType::Exact;
    let is_alike = |at: PathRef<'_>| {
        at.rule.host == own.rule.host && at.path.routed() == own.path.routed() && is_exact(at) == is_exact(own)
    };
    ingress.paths().take_while(|at| !at.is_same(own)).any(is_alike)
}

fn is_master(ingress: &Ingress) -> bool {
    ingress.meta.annotations.get("nginx.org/mergeable-ingress-type").is_some()
}

/// The findings by which a good answer is wrong.
fn contradicting<'a>(analysis: &'a Analysis<'_>, asked: &'a Asked<'_>) -> impl Iterator<Item = String> + use<'a> {
    let bad = analysis.verdict.distinct().filter(|decision| decision.level >= Level::Warn);
    let contradicting = bad.filter(|decision| asked.is_contradicted_by(&decision.finding));
    contradicting.map(|decision| format!("{} {}", decision.finding.code, decision.finding))
}

/// Asserts that the explanations and the findings of a world agree.
pub(crate) fn assert_agrees(config: &Config, inventory: &Inventory) {
    // Some worlds measure times. No cluster stores an Exact or Prefix path with two slashes.
    let is_stored =
        |at: PathRef<'_>| at.path.path_type == PathType::ImplementationSpecific || !at.path.path.contains("//");
    let is_long = inventory.ingresses().map(|ingress| 1 + ingress.paths().count()).sum::<usize>() > 200;
    if is_long || !inventory.ingresses().flat_map(Ingress::paths).all(is_stored) {
        return;
    }
    let Differences { wrong, .. } = differences(config, inventory);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Asserts that they agree over manifests, with this version of ingress-nginx.
pub(crate) fn assert_manifests_agree(file: &Path, version: Option<&str>) {
    let version = version.map_or_else(String::new, |version| format!(", version: {version}"));
    let dialect = format!("dialects: [{{match: {{controller: k8s.io/ingress-nginx}}, engine: nginx{version}}}]");
    assert_agrees(&Config::parse("test", &dialect).unwrap(), &load(&[file.to_owned()]).unwrap());
}

#[test]
fn in_every_example() {
    let mut all = Differences::default();
    // No cluster stores the Ingresses on the pages of manifests.
    for check in checks::ALL.iter().filter(|check| check.applies != checks::Applies::Manifests) {
        for (config, inventory, _) in pages::examples(check.page) {
            let found = differences(&config, &inventory);
            all.count(&found);
            all.wrong.extend(found.wrong.into_iter().map(|it| format!("{}: {it}", check.code)));
        }
    }
    all.assert_none_of(200);
}

#[test]
fn in_the_clusters_of_examples_and_data() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cluster = ["examples/cluster", "examples/ingress.yaml", "examples/audit.yaml", "tests/data/audit"];
    let mut ingresses = 0;
    for part in cluster {
        let inventory = load(&[root.join(part)]).unwrap_or_else(|error| panic!("{part}: {error}"));
        ingresses += inventory.ingresses().count();
        assert_agrees(&Config::default(), &inventory);
    }
    assert!(ingresses > 8, "{ingresses} Ingresses are too few");
}
