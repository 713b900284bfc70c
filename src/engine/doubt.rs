//! Findings on absent objects that may exist outside the files: they warn at most, and name the reason.

use crate::cluster::{ClusterState, Doubt, LiveRead};
use crate::finding::{Evidence, Finding, Level, Levels};
use crate::model::{Key, Kind};

/// Lowers findings to warnings if an object that they miss may exist outside the files.
pub(super) fn limited(mut found: Vec<Finding>, ingress: &Key, known: ClusterState<'_>) -> Vec<Finding> {
    if !known.store.has_doubts() {
        return found;
    }
    for finding in &mut found {
        limit(finding, ingress, known);
    }
    found
}

fn limit(finding: &mut Finding, ingress: &Key, known: ClusterState<'_>) {
    let doubt = finding.rests_on.iter().find_map(|evidence| match evidence {
        Evidence::Object(kind, key) => doubt(ingress, *kind, key, known),
        Evidence::Index(..) => None,
    });
    let Some(doubt) = doubt else { return };
    let help = match doubt {
        Doubt::Maker(maker) if finding.help.is_empty() => format!("{maker} may create it"),
        Doubt::Maker(maker) => format!("{}; {maker} may create it", finding.help),
        // The namespaces that other advice names may be the wrong ones.
        Doubt::Namespace(namespace) => format!("set the namespace of objects without one: -n {namespace}"),
    };
    finding.help(help).at_most(Levels::both(Level::Warn));
}

fn doubt<'a>(ingress: &Key, kind: Kind, key: &Key, known: ClusterState<'a>) -> Option<Doubt<'a>> {
    if !matches!(kind, Kind::ConfigMap | Kind::Secret | Kind::Service) {
        return None;
    }
    let is_found = matches!(known.live_reads.get(kind, &key.namespace, &key.name), Some(LiveRead::Found(_)));
    if is_found || known.store.contains(kind, key) {
        return None;
    }
    known.store.doubt(ingress, kind, key)
}
