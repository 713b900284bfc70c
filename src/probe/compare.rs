//! The answers of two controllers to the same requests: whether DNS may be switched from one to the other.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::observation::{CUT, NoAnswer, Observation, Response};
use super::plan::Planned;
use crate::finding::one_line;
use crate::model::Host;
use crate::report::aligned;
use crate::routing::host_name;

/// Whether DNS may be switched for a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Safety {
    /// Every answer is the same.
    Safe,
    /// Some answer is not known.
    Unknown,
    /// Some answer differs.
    Differs,
}

/// The comparison of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HostComparison {
    /// The host of the rules.
    pub host: String,
    /// Whether DNS may be switched.
    pub result: Safety,
    /// The number of requests.
    pub requests: usize,
    /// Each difference, and each answer that is not known: URL and reason.
    pub differences: Vec<(String, String)>,
}

/// The comparison of two controllers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The version of this format.
    pub schema_version: u32,
    /// The class from which DNS is switched.
    pub from: String,
    /// The class to which DNS is switched.
    pub to: String,
    /// One entry for each host.
    pub hosts: Vec<HostComparison>,
    /// What was left out, in words.
    pub left_out: Vec<String>,
}

/// Compares the answers of two controllers. The third observation of a request is a second one of the first controller: where its two
/// bodies differ, bodies are not compared.
#[must_use]
pub fn compare(
    (from, to): (&str, &str),
    requests: &[Planned],
    observations: &[[Observation; 3]],
    now: Timestamp,
) -> Comparison {
    let mut hosts: BTreeMap<String, HostComparison> = BTreeMap::new();
    for (planned, [one, other, again]) in requests.iter().zip(observations) {
        let host = planned.host.to_string();
        let entry = hosts.entry(host.clone()).or_insert_with(|| HostComparison {
            host,
            result: Safety::Safe,
            requests: 0,
            differences: Vec::new(),
        });
        entry.requests += 1;
        let name = Host::parse(&host_name(&planned.request.host));
        for (safety, reason) in differences((from, one, again), (to, other), &name, now) {
            entry.result = entry.result.max(safety);
            entry.differences.push((planned.request.url(), reason));
        }
    }
    Comparison {
        schema_version: 1,
        from: from.to_owned(),
        to: to.to_owned(),
        hosts: hosts.into_values().collect(),
        left_out: Vec::new(),
    }
}

fn differences(
    (from, one, again): (&str, &Observation, &Observation),
    (to, other): (&str, &Observation),
    host: &Host,
    now: Timestamp,
) -> Vec<(Safety, String)> {
    let mut found = Vec::new();
    let (first, second) = match (&one.answer, &other.answer) {
        (Ok(first), Ok(second)) => (first, second),
        (Ok(_), Err(failure)) => {
            let safety = if matches!(failure, NoAnswer::NotSent(_)) { Safety::Unknown } else { Safety::Differs };
            return vec![(safety, format!("{to}: {failure}"))];
        }
        // Without the answer that counts now, there is nothing to compare.
        (Err(failure), _) => return vec![(Safety::Unknown, format!("{from}: {failure}"))],
    };
    let mut differs = |what: &str, a: String, b: String| {
        if a != b {
            found.push((Safety::Differs, format!("{what}: {from} {a}, {to} {b}")));
        }
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    differs("status", first.status.to_string(), second.status.to_string());
    if first.is_redirect() || second.is_redirect() {
        differs("Location", text(&first.location), text(&second.location));
    }
    differs("challenge", text(&first.challenge), text(&second.challenge));
    if first.status == second.status && !first.is_redirect() {
        differs("Content-Type", media_type(first), media_type(second));
        let is_stable = again.answer.as_ref().is_ok_and(|again| again.body == first.body && first.body.is_some());
        if is_stable && first.body != second.body {
            let (a, b) = (first.body.as_ref().map_or(0, Vec::len), second.body.as_ref().map_or(0, Vec::len));
            found
                .push((Safety::Differs, format!("body: {from} sends other content ({a} bytes) than {to} ({b} bytes)")));
        }
    }
    let long = [&first.location, &first.challenge].into_iter().flatten().any(|value| value.ends_with(CUT));
    if found.is_empty() && long {
        found.push((Safety::Unknown, "only the beginning of a long header is compared".to_owned()));
    }
    match (&one.certificate, &other.certificate) {
        (Some(first), Some(second)) if first.leaf != second.leaf => {
            let (before, after) = (first.problem(host, now), second.problem(host, now));
            // Clients accept another valid certificate.
            if let Some(problem) = after.filter(|_| *host != Host::Any) {
                let before = before.unwrap_or_else(|| "is valid".to_owned());
                found.push((Safety::Differs, format!("certificate: that of {to} {problem}; that of {from} {before}")));
            }
        }
        _ => {}
    }
    found
}

/// `Content-Type` without parameters.
fn media_type(response: &Response) -> String {
    let of = response.content_type.as_deref().unwrap_or("none");
    of.split(';').next().unwrap_or(of).trim().to_ascii_lowercase()
}

impl Comparison {
    /// 0 if DNS may be switched for every host, 1 if not for some, 2 if that is unknown for some, or there is no host.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.hosts.iter().map(|host| host.result).max() {
            Some(Safety::Safe) => 0,
            Some(Safety::Differs) => 1,
            Some(Safety::Unknown) | None => 2,
        }
    }

    /// Renders the comparison as a table of hosts, then the differences.
    #[must_use]
    pub fn table(&self) -> String {
        let mut rows = vec![["SWITCH DNS", "HOST", "REQUESTS", "DIFFERENCES"].map(str::to_owned)];
        rows.extend(self.hosts.iter().map(|host| {
            let result = match host.result {
                Safety::Safe => "safe",
                Safety::Unknown => "unknown",
                Safety::Differs => "no",
            };
            [result.to_owned(), host.host.clone(), host.requests.to_string(), host.differences.len().to_string()]
        }));
        let mut out = if rows.len() > 1 { aligned(&rows) + "\n" } else { String::new() };
        for host in self.hosts.iter().filter(|host| !host.differences.is_empty()) {
            let _ = writeln!(out, "{}", one_line(&host.host));
            for (url, reason) in &host.differences {
                let _ = writeln!(out, "  {}: {}", one_line(url), one_line(reason));
            }
            out.push('\n');
        }
        for line in &self.left_out {
            let _ = writeln!(out, "not requested: {}", one_line(line));
        }
        let count = |safety: Safety| self.hosts.iter().filter(|host| host.result == safety).count();
        let (safe, unsafe_, unknown) = (count(Safety::Safe), count(Safety::Differs), count(Safety::Unknown));
        let _ = writeln!(
            out,
            "From {} to {}: safe for {safe} of {} hosts, not safe for {unsafe_}, unknown for {unknown}",
            one_line(&self.from),
            one_line(&self.to),
            self.hosts.len()
        );
        out
    }
}
