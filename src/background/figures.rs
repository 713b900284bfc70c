//! The verdicts in numbers, for metrics. Their series are bounded.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::audit::Audit;
use super::verdicts::Verdicts;
use crate::config::StoredSeries;
use crate::finding::Level;
use crate::model::{Ingress, Key, TlsFacts};
use crate::telemetry::{CertificateEnd, FindingCount, StoredFigures};

/// The namespaces with series of their own: those with the most findings.
const NAMESPACES: usize = 50;
/// The namespace of the sum of all others. No namespace can have this name.
pub const OTHERS: &str = "_others";
/// The certificates with series of their own: those that end first.
const CERTIFICATES: usize = 500;

/// What findings are counted by, besides the namespace.
type Group = (&'static str, Level, bool);

/// Returns the figures of an audit. Series by namespace and Secret are left out unless they are configured.
#[must_use]
pub fn figures(audit: &Audit, verdicts: &Verdicts, series: StoredSeries) -> StoredFigures {
    let (mut serving, mut broken, mut unknown) = (0, 0, 0);
    let mut by_namespace: BTreeMap<&str, BTreeMap<Group, u64>> = BTreeMap::new();
    let mut verdicts: Vec<_> = verdicts.by_ingress.iter().collect();
    verdicts.sort_unstable_by_key(|(key, _)| *key);
    for (key, verdict) in verdicts {
        serving += u64::from(verdict.routes.serving);
        broken += u64::from(verdict.routes.broken);
        unknown += u64::from(verdict.routes.unknown);
        let namespace = if series == StoredSeries::Detailed { &*key.namespace } else { "" };
        for finding in &verdict.findings {
            let group = (finding.code, finding.level, finding.is_readiness);
            *by_namespace.entry(namespace).or_default().entry(group).or_default() += 1;
        }
    }
    let pass = audit.pass();
    StoredFigures {
        findings: bounded(by_namespace),
        serving,
        broken,
        unknown,
        certificates: certificates(audit, series),
        pass_ended: pass.ended,
        pass_took: pass.took,
        waiting: audit.waiting(),
        unread: audit.unread(),
    }
}

/// Sums all namespaces but those with the most findings.
fn bounded(by_namespace: BTreeMap<&str, BTreeMap<Group, u64>>) -> Vec<FindingCount> {
    let mut namespaces: Vec<_> = by_namespace.into_iter().collect();
    namespaces.sort_by_key(|(_, groups)| Reverse(groups.values().sum::<u64>()));
    let mut counts: BTreeMap<(&str, Group), u64> = BTreeMap::new();
    for (at, (namespace, groups)) in namespaces.into_iter().enumerate() {
        let namespace = if at < NAMESPACES { namespace } else { OTHERS };
        for (group, count) in groups {
            *counts.entry((namespace, group)).or_default() += count;
        }
    }
    let count = |((namespace, (code, level, is_readiness)), count): ((&str, Group), u64)| FindingCount {
        code,
        level,
        is_readiness,
        namespace: namespace.into(),
        count,
    };
    counts.into_iter().map(count).collect()
}

/// Returns the ends of the certificates that Ingresses name, or the first of them.
fn certificates(audit: &Audit, series: StoredSeries) -> Vec<CertificateEnd> {
    let mut seen: BTreeSet<(Timestamp, Key)> = BTreeSet::new();
    for ingress in audit.state().ingresses() {
        for key in secrets(ingress) {
            if let Some(TlsFacts::Pair { certificate, .. }) = audit.secret(&key).map(|secret| &secret.tls) {
                seen.insert((certificate.not_after, key));
            }
            // The largest ones would be dropped in the end.
            if seen.len() > CERTIFICATES {
                seen.pop_last();
            }
        }
    }
    let all = seen.into_iter().map(|(not_after, Key { namespace, name })| CertificateEnd {
        namespace,
        secret: name,
        not_after,
    });
    match series {
        StoredSeries::Detailed => all.collect(),
        StoredSeries::Summary => {
            let first =
                all.take(1).map(|end| CertificateEnd { namespace: Box::default(), secret: Box::default(), ..end });
            first.collect()
        }
    }
}

fn secrets(ingress: &Ingress) -> impl Iterator<Item = Key> {
    let names = ingress.tls.iter().filter_map(|entry| entry.secret_name.as_deref());
    names.map(|name| Key::new(&ingress.meta.key.namespace, name))
}
