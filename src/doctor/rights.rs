//! The rights of the webhook's service account, verb by verb.

use std::collections::{BTreeMap, BTreeSet};

use super::command::{breaks, holds, reinstall, unknown};
use super::facts::Facts;
use crate::cluster::Right;
use crate::explain::Step;
use crate::model::Kind;

const WHAT: &str = "rights";

pub(super) fn links(facts: &Facts) -> Vec<Step> {
    let rights = match &facts.rights {
        Err(reason) => return vec![unknown(WHAT, reason)],
        Ok(rights) => rights,
    };
    let account = &facts.account;
    let of =
        |answer: Option<bool>| rights.iter().filter(move |(_, granted)| *granted == answer).map(|(right, _)| right);
    // Roles in single namespaces may grant what is read by name: no question about all namespaces shows them.
    let (by_name, missing): (Vec<&Right>, Vec<&Right>) =
        of(Some(false)).partition(|right| right.only.is_none() && matches!(right.kind, Kind::Secret | Kind::ConfigMap));
    let mut links = Vec::new();
    if !missing.is_empty() {
        let service = facts.service.as_ref().ok().and_then(Option::as_ref);
        links.push(breaks(WHAT, format!("{account} may not {}", listed(missing)), reinstall(service)));
    }
    if !by_name.is_empty() {
        let detail =
            format!("{account} may not {} in all namespaces; Roles of single namespaces may allow it", listed(by_name));
        links.push(unknown(WHAT, detail));
    }
    let undecided: Vec<&Right> = of(None).collect();
    if !undecided.is_empty() {
        links.push(unknown(WHAT, format!("the API server cannot decide whether {account} may {}", listed(undecided))));
    }
    if links.is_empty() {
        let optional = match &*facts.declined {
            [] => String::new(),
            declined => format!("; optional and not granted: {}", listed(declined)),
        };
        links.push(holds(WHAT, format!("{account} has all {} required permissions{optional}", rights.len())));
    }
    links
}

/// Formats rights by kind: `get, list services; get secrets`.
fn listed<'a>(rights: impl IntoIterator<Item = &'a Right>) -> String {
    let mut verbs: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for right in rights {
        let place = right.only.as_ref().map_or_else(String::new, |key| match &*key.name {
            "" => format!(" in namespace {}", key.namespace),
            _ => format!(" {key}"),
        });
        verbs.entry(format!("{}{place}", right.kind.plural())).or_default().insert(right.verb.name());
    }
    let parts = verbs.into_iter().map(|(of, verbs)| {
        let verbs: Vec<&str> = verbs.into_iter().collect();
        format!("{} {of}", verbs.join(", "))
    });
    parts.collect::<Vec<_>>().join("; ")
}
