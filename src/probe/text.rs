//! The report as a table: one line for each request, then the broken links with the commands that show them, then the summary.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::result::{ProbeReport, ProbeResult, ResultKind};
use crate::explain::{Style, write_step};
use crate::finding::one_line;
use crate::report::aligned;

/// The most URLs that are listed under a broken link.
const MAX_URLS: usize = 3;

/// Renders the report as a table.
#[must_use]
pub fn table(report: &ProbeReport, style: Style) -> String {
    let mut rows = vec![["RESULT", "URL", "INGRESS", "ANSWER"].map(str::to_owned)];
    rows.extend(report.results.iter().map(|result| {
        let ProbeResult { result, url, ingress, detail, .. } = result;
        [result.to_string(), url.clone(), ingress.clone(), detail.clone()]
    }));
    let mut out = if rows.len() > 1 { aligned(&rows) + "\n" } else { String::new() };
    let links = links(report, style);
    if !links.is_empty() {
        let _ = writeln!(out, "Broken links:\n{links}");
    }
    for line in &report.left_out {
        let _ = writeln!(out, "not requested: {}", one_line(line));
    }
    out + &summary(report) + "\n"
}

/// Each broken link once, with the first URLs that depend on it.
fn links(report: &ProbeReport, style: Style) -> String {
    let mut by_link: BTreeMap<(&str, &str), Vec<&ProbeResult>> = BTreeMap::new();
    for result in report.results.iter().filter(|result| result.result.is_broken()) {
        if let Some(step) = &result.broken {
            by_link.entry((step.what, &step.detail)).or_default().push(result);
        }
    }
    let mut out = String::new();
    for results in by_link.into_values() {
        let Some(step) = results.first().and_then(|result| result.broken.as_ref()) else { continue };
        let _ = write_step(&mut out, step, true, style);
        let urls: Vec<&str> = results.iter().map(|result| &*result.url).take(MAX_URLS).collect();
        let more = results.len().saturating_sub(MAX_URLS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(out, "{:17}{}{more}", "", one_line(&urls.join(", ")));
    }
    out
}

/// The number of requests and hosts, and of the results of each kind.
pub(super) fn summary(report: &ProbeReport) -> String {
    let hosts: BTreeSet<&str> = report.results.iter().map(|result| &*result.host).collect();
    let counts: Vec<String> = report.counts().into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let requests = report.results.len();
    match requests {
        0 => "No host or path to request".to_owned(),
        _ => format!("{requests} requests to {} hosts: {}", hosts.len(), counts.join(", ")),
    }
}

impl ProbeResult {
    /// The result in one line: the answer, and the broken link.
    pub(super) fn line(&self) -> String {
        let link = self.broken.as_ref().filter(|_| self.result != ResultKind::AsPredicted);
        let link = link.map_or_else(String::new, |step| format!("; {}: {}", step.what, step.detail));
        format!("{}{link}", self.detail)
    }
}
