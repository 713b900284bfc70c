//! `explain` agrees with the findings of the checks, in every world of the tests: no answer is said to be good where a finding says
//! that it is not, an answer that fails by an Ingress has a finding, and an answer is unknown only for a reason.

use ingress_guard::analysis::{Analysis, analyze};
use ingress_guard::checks;
use ingress_guard::cluster::Inventory;
use ingress_guard::config::Config;
use ingress_guard::explain::{Explanation, PathExplanation, RequestOutcome, explain_ingress, explain_url};
use ingress_guard::finding::{Finding, Level};
use ingress_guard::model::{Host, Ingress};
use ingress_guard::routing::Scheme;

use super::agreement::visits;
use crate::pages;

/// What the findings of a check say about requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// Nothing about the answer: what a backend receives, who has access, policies, spelling.
    Nothing,
    /// Requests for the path, or for all paths of the Ingress, do not reach their backend.
    Fails,
    /// What the message says of the value.
    ByEffect,
    /// HTTPS clients do not get a valid certificate.
    Certificate,
    /// Other requests than those for the paths of the Ingress fail: those that no path matches, or those of other Ingresses.
    OthersFail,
}

/// What each check says. Each new check has a line here.
#[rustfmt::skip]
const SAYS: &[(Says, &[&str])] = &[
    (Says::Fails, &["IG101", "IG102", "IG103", "IG105", "IG106", "IG108", "IG201", "IG202", "IG204", "IG205", "IG206", "IG207", "IG208", "IG210",
                    "IG301", "IG302", "IG304", "IG306", "IG309", "IG312", "IG314", "IG319", "IG501", "IG506", "IG605", "IG606", "IG611", "IG612", "IG615"]),
    (Says::ByEffect, &["IG313", "IG315", "IG413", "IG603", "IG604", "IG607", "IG609"]),
    (Says::Certificate, &["IG401", "IG402", "IG403", "IG404", "IG406", "IG408", "IG415", "IG416", "IG417"]),
    (Says::OthersFail, &["IG209", "IG214", "IG305", "IG307", "IG308", "IG407", "IG503", "IG504", "IG904"]),
    (Says::Nothing, &["IG104", "IG107", "IG203", "IG211", "IG212", "IG213", "IG215", "IG303", "IG310", "IG311", "IG316", "IG317", "IG318", "IG320",
                      "IG405", "IG409", "IG410", "IG411", "IG412", "IG502", "IG505", "IG601", "IG602", "IG608", "IG610", "IG613", "IG614", "IG616",
                      "IG617", "IG618", "IG901", "IG902", "IG903"]),
];

/// Words in messages that say that requests for the Ingress fail.
const EFFECTS: [&str; 7] = [
    "requests return 404",
    "requests return 503",
    "requests for the host return 403",
    "the Ingress is not loaded",
    "nginx cannot reload",
    "is matched literally",
    "HTTPS requests go to",
];

fn says(code: &str) -> Says {
    let (says, _) =
        SAYS.iter().find(|(_, codes)| codes.contains(&code)).unwrap_or_else(|| panic!("{code} is not in SAYS"));
    *says
}

#[test]
fn every_check_has_one_line() {
    let listed = SAYS.iter().flat_map(|(_, codes)| codes.iter().copied());
    let mut listed: Vec<&str> = listed.collect();
    listed.sort_unstable();
    assert_eq!(listed, checks::ALL.iter().map(|check| check.code).collect::<Vec<_>>());
}

/// Whether a finding says that requests for a path of its Ingress fail, by `scheme`.
fn fails(finding: &Finding, scheme: Scheme, ingress: &Ingress, path: &str, host: &Host) -> bool {
    let field = finding.field.to_string();
    let is_below = |field: &str, whole: &str| {
        field.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let rule = path.split(".http").next().unwrap();
    let covers = if field.starts_with("spec.rules[") {
        is_below(&field, path) || (is_below(&field, rule) && !field.contains(".http.paths["))
    } else {
        !field.starts_with("spec.tls") && !field.starts_with("spec.defaultBackend")
    };
    match says(finding.code) {
        Says::Nothing | Says::OthersFail => false,
        Says::Fails => covers,
        Says::ByEffect => covers && EFFECTS.iter().any(|effect| finding.message.contains(effect)),
        Says::Certificate => {
            let named = ingress.rules.iter().map(|rule| rule.host.to_string()).filter(|name| {
                finding.message.contains(&format!(" {name}:")) || finding.message.contains(&format!(" {name} "))
            });
            let named: Vec<String> = named.collect();
            let entry = field.strip_prefix("spec.tls[").and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
            let is_of_host = match entry.and_then(|at| ingress.tls.get(at)) {
                _ if !named.is_empty() => named.contains(&host.to_string()),
                Some(entry) => {
                    entry.hosts.is_empty() || entry.hosts.iter().any(|of| of.to_string() == host.to_string())
                }
                None => covers,
            };
            scheme == Scheme::Https && is_of_host
        }
    }
}

/// Whether requests for a path are served, certainly fail (`Some(false)`), or neither is known.
fn served(path: &PathExplanation) -> Option<bool> {
    let explanation = path.explanation.as_ref()?;
    if path.broken_by.is_some() {
        return Some(false);
    }
    match explanation.exit_code() {
        0 => Some(path.own),
        1 => Some(false),
        _ => None,
    }
}

fn decisions<'a>(analysis: &'a Analysis<'_>) -> impl Iterator<Item = (Level, &'a Finding)> {
    analysis.verdict.distinct().map(|decision| (decision.level, &decision.finding))
}

fn words(explanation: &Explanation) -> String {
    let steps: Vec<String> = explanation
        .steps
        .iter()
        .filter(|step| step.ok != Some(true))
        .map(|step| format!("{} {}: {}", if step.ok.is_some() { "✗" } else { "?" }, step.what, step.detail))
        .collect();
    format!("{:?} {:?} [{}]", explanation.outcome, explanation.status, steps.join(" | "))
}

/// Returns the differences between the explanations and the findings of a world.
pub(crate) fn differences(config: &Config, inventory: &Inventory) -> Vec<String> {
    let mut wrong = Vec::new();
    let engine = config.engine();
    let known = pages::known(inventory);
    for ingress in inventory.ingresses() {
        let analysis = analyze(ingress, known, &engine, &config.policy);
        let scheme = if ingress.tls.is_empty() { Scheme::Http } else { Scheme::Https };
        let explained = explain_ingress(&analysis, known, &config.settings);
        for path in &explained.paths {
            let Some(explanation) = &path.explanation else { continue };
            let host = Host::parse(path.host.trim_start_matches("*\0"));
            let host = if path.host == "*" { Host::Any } else { host };
            let failing: Vec<_> = decisions(&analysis)
                .filter(|(_, finding)| fails(finding, scheme, ingress, &path.field, &host))
                .collect();
            let key = &ingress.meta.key;
            match served(path) {
                Some(true) => {
                    for (level, finding) in failing.iter().filter(|(level, _)| *level >= Level::Warn) {
                        wrong.push(format!("1 {key} {} ✓ but {level} {} {finding}", path.field, finding.code));
                    }
                }
                Some(false) => {
                    let by_other = explanation.blocked_by.as_ref().is_some_and(|by| *by != key.to_string());
                    if failing.is_empty() && !by_other {
                        let all: Vec<_> =
                            decisions(&analysis).map(|(level, finding)| format!("{level} {}", finding.code)).collect();
                        wrong.push(format!(
                            "2 {key} {} {} ✗ own {} without a finding: {} {all:?}",
                            path.field,
                            path.path,
                            path.own,
                            words(explanation)
                        ));
                    }
                }
                None => wrong.push(format!(
                    "3 {key} {} {} ?: {} {:?}",
                    path.field,
                    path.path,
                    words(explanation),
                    explained.not_evaluated
                )),
            }
        }
    }
    for request in visits(inventory).into_iter().take(60) {
        let Ok(explanation) = explain_url(&request, known, &config.settings, None) else { continue };
        let Some(key) = explanation.ingress.as_deref() else { continue };
        let (namespace, name) = key.split_once('/').unwrap();
        let Some(ingress) = inventory.ingress(namespace, name) else { continue };
        let analysis = analyze(ingress, known, &engine, &config.policy);
        let field = explanation.field.clone().unwrap_or_default();
        let is_there = |finding: &Finding| {
            // The certificate is that of the host.
            !field.is_empty() && fails(finding, request.scheme, ingress, &field, &Host::parse(&request.host))
        };
        match explanation.exit_code() {
            0 => {
                for (level, finding) in
                    decisions(&analysis).filter(|(level, finding)| *level >= Level::Warn && is_there(finding))
                {
                    wrong.push(format!(
                        "4 {} ✓ {} but {level} {} {finding}",
                        request.url(),
                        words(&explanation),
                        finding.code
                    ));
                }
            }
            1 if explanation.outcome != RequestOutcome::DefaultBackend => {
                let by_other = explanation.blocked_by.as_ref().is_some_and(|by| *by != key);
                if !by_other && !decisions(&analysis).any(|(_, finding)| is_there(finding)) {
                    let all: Vec<_> =
                        decisions(&analysis).map(|(level, finding)| format!("{level} {}", finding.code)).collect();
                    wrong.push(format!(
                        "5 {} ✗ without a finding {key}: {} {all:?}",
                        request.url(),
                        words(&explanation)
                    ));
                }
            }
            _ => {}
        }
    }
    wrong
}

#[test]
fn in_every_example() {
    let mut wrong = Vec::new();
    for check in checks::ALL {
        for (config, inventory, _) in pages::examples(check.page) {
            wrong.extend(differences(&config, &inventory).into_iter().map(|it| format!("{}: {it}", check.code)));
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}
