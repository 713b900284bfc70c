//! The replicas as they describe themselves: readiness and watches, controllers, versions.

use std::collections::{BTreeMap, BTreeSet};

use super::command::{breaks, holds, unknown};
use super::facts::{Facts, Replica};
use crate::explain::{Step, kubectl};
use crate::version::VERSION;

/// The beginning of the note of `/readyz` about a configuration with an error.
const NOT_LOADED: &str = "configuration not loaded";

pub(super) fn links(facts: &Facts) -> Vec<Step> {
    let replicas = match &facts.replicas {
        Err(reason) => return vec![unknown("replicas", reason)],
        Ok(replicas) => replicas,
    };
    if replicas.is_empty() {
        return vec![unknown("replicas", "no replica is known")];
    }
    let namespace = facts.endpoint.as_ref().and_then(|endpoint| endpoint.service()).map(|key| &*key.namespace);
    let metrics: Vec<&str> = replicas.iter().filter_map(|replica| replica.metrics.as_deref().ok()).collect();
    vec![
        readiness(replicas, namespace),
        watches(replicas, namespace),
        controllers(&metrics),
        versions(replicas, namespace),
    ]
}

fn readiness(replicas: &[Replica], namespace: Option<&str>) -> Step {
    const WHAT: &str = "replicas";
    let command = |name: &str| kubectl(&["describe", "pod", name, "--namespace", namespace?]);
    let mut notes = Vec::new();
    for Replica { name, readiness, .. } in replicas {
        match readiness {
            Err(reason) => return unknown(WHAT, format!("{name}: {reason}")),
            Ok((status, body)) => {
                let lines: Vec<&str> = body.lines().skip(1).collect();
                if *status != 200 {
                    return breaks(WHAT, format!("{name} is not ready: {}", lines.join("; ")), command(name));
                }
                notes.extend(lines.iter().map(|line| format!("{name}: {line}")));
            }
        }
    }
    let ready = format!("{0} of {0} ready", replicas.len());
    if notes.is_empty() {
        return holds(WHAT, ready);
    }
    let detail = format!("{ready}; {}", notes.join("; "));
    // A replica that restarts does not come back.
    if notes.iter().any(|note| note.contains(NOT_LOADED)) {
        let command = namespace
            .and_then(|namespace| kubectl(&["get", "configmaps", "--output", "yaml", "--namespace", namespace]));
        return breaks(WHAT, detail, command);
    }
    unknown(WHAT, detail)
}

/// Whether every replica is known, and certainly receives changes of the cluster.
pub(super) fn are_current(facts: &Facts) -> bool {
    let replicas = facts.replicas.as_deref().unwrap_or_default();
    !replicas.is_empty() && watches(replicas, None).ok == Some(true)
}

/// The changes of the cluster that a replica does not receive.
fn watches(replicas: &[Replica], namespace: Option<&str>) -> Step {
    const WHAT: &str = "watches";
    for Replica { name, metrics, .. } in replicas {
        let metrics = match metrics {
            Err(reason) => return unknown(WHAT, format!("{name}: {reason}")),
            Ok(metrics) => metrics,
        };
        let failing = samples(metrics, "ingress_guard_watch_failing").filter(|(_, value)| *value != "0");
        let failing: Vec<&str> = failing.filter_map(|(labels, _)| labels.get("kind").copied()).collect();
        if !failing.is_empty() {
            let command = namespace.and_then(|namespace| kubectl(&["logs", name, "--namespace", namespace]));
            return breaks(WHAT, format!("{name} receives no changes of {}", failing.join(", ")), command);
        }
    }
    holds(WHAT, "every replica receives the changes of the cluster")
}

/// One line of metrics: labels and value.
fn samples<'m>(metrics: &'m str, name: &str) -> impl Iterator<Item = (BTreeMap<&'m str, &'m str>, &'m str)> {
    let start = format!("{name}{{");
    metrics.lines().filter_map(move |line| {
        let (labels, value) = line.strip_prefix(&*start)?.rsplit_once("} ")?;
        let pairs = labels.split("\",").filter_map(|pair| pair.split_once("=\""));
        Some((pairs.map(|(key, value)| (key, value.trim_end_matches('"'))).collect(), value))
    })
}

fn controllers(metrics: &[&str]) -> Step {
    const WHAT: &str = "controllers";
    let Some(first) = metrics.first() else { return unknown(WHAT, "the metrics of no replica can be read") };
    let of = |labels: &BTreeMap<&str, &str>, key: &str| labels.get(key).copied().unwrap_or_default().to_owned();
    let found: Vec<_> = samples(first, "ingress_guard_controller_info").map(|(labels, _)| labels).collect();
    let list: Vec<String> = found
        .iter()
        .map(|labels| {
            let version = of(labels, "version");
            let version = if version.is_empty() { "version unknown".to_owned() } else { version };
            format!("{} ({}, {version})", of(labels, "class"), of(labels, "controller"))
        })
        .collect();
    if list.is_empty() {
        return unknown(WHAT, "no IngressClass is known to the webhook");
    }
    holds(WHAT, format!("IngressClass {}; \"ingress-guard controllers\" shows their settings", list.join(", ")))
}

fn versions(replicas: &[Replica], namespace: Option<&str>) -> Step {
    const WHAT: &str = "versions";
    let mut versions = BTreeSet::new();
    for Replica { name, metrics, .. } in replicas {
        let read = metrics.as_deref().ok().and_then(|metrics| {
            let (labels, _) = samples(metrics, "ingress_guard_build_info").next()?;
            labels.get("version").map(|version| (*version).to_owned())
        });
        match read {
            Some(version) => versions.insert(version),
            None => return unknown(WHAT, format!("the version of {name} cannot be read")),
        };
    }
    let list: Vec<String> = versions.into_iter().collect();
    match list.as_slice() {
        [version] if version == VERSION => holds(WHAT, format!("every replica runs {version}")),
        [version] => holds(WHAT, format!("every replica runs {version}; this command is {VERSION}")),
        several => {
            let command =
                namespace.and_then(|namespace| kubectl(&["rollout", "status", "deployment", "--namespace", namespace]));
            breaks(WHAT, format!("replicas of one Service run different versions: {}", several.join(", ")), command)
        }
    }
}
