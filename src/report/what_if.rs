//! The preview of a profile: the stored Ingresses that it would deny.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::text::summary;
use super::{Report, Text, counted};
use crate::finding::{Level, one_line, start_of_line};

/// Lists the Ingresses that would be denied, by namespace. The report was made under `what`, such as `profile guard`.
#[must_use]
pub fn what_if(report: &Report, what: &str, options: &Text<'_>) -> String {
    let mut denied: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    let entries = report.findings.iter().filter(|entry| entry.waived.is_none() && !entry.baseline);
    for entry in entries.filter(|entry| entry.level == Level::Deny) {
        let codes = denied.entry(&entry.namespace).or_default().entry(&entry.ingress).or_default();
        if !codes.contains(&entry.code) {
            codes.push(entry.code);
        }
    }
    let mut of: BTreeMap<&str, usize> = BTreeMap::new();
    for analyzed in &report.analyzed {
        *of.entry(&analyzed.key.namespace).or_default() += 1;
    }
    let mut out = String::new();
    for (namespace, ingresses) in &denied {
        let all = of.get(*namespace).copied().unwrap_or_default();
        let namespace = start_of_line(namespace);
        let _ = writeln!(out, "{namespace}: {} of {}", ingresses.len(), counted(all, "Ingress"));
        for (ingress, codes) in ingresses {
            let _ = writeln!(out, "  {namespace}/{}  {}", one_line(ingress), codes.join(", "));
        }
    }
    let count: usize = denied.values().map(BTreeMap::len).sum();
    let _ = writeln!(
        out,
        "{count} of {} would be denied under {what} if created now; an update of a stored Ingress is denied only \
         for problems it introduces",
        counted(report.summary.ingresses, "Ingress")
    );
    out + &summary(report, options)
}
