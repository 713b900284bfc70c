//! The content of a report: one result for each problem of each Ingress of a namespace.

use std::collections::BTreeMap;
use std::hash::Hasher as _;

use fnv::FnvHasher;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::background::problem::Problem;
use crate::background::verdicts::StoredVerdict;
use crate::checks;
use crate::finding::Level;

/// The most bytes of the results. An object of etcd has at most 1.5 MiB by default.
const LARGEST: usize = 900 * 1024;
/// The source of reports and results.
pub(super) const SOURCE: &str = "ingress-guard";
/// The annotation with the digest of the content.
pub(super) const DIGEST: &str = "ingress-guard.io/digest";

/// Since when each problem is known, by Ingress and code.
pub type Since = BTreeMap<(Box<str>, Box<str>), Timestamp>;

/// The report on one namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    results: Vec<ReportResult>,
    summary: Summary,
    /// The digest of everything except the times.
    pub digest: String,
}

/// `results` (`openreports.io/v1alpha1` and `wgpolicyk8s.io/v1alpha2`, which have the same fields).
#[derive(Debug, Clone, PartialEq, Serialize)]
struct ReportResult {
    source: &'static str,
    policy: &'static str,
    rule: &'static str,
    category: &'static str,
    severity: &'static str,
    result: &'static str,
    scored: bool,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Resource>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Time>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    api_version: &'static str,
    kind: &'static str,
    namespace: String,
    name: String,
}

/// Kubernetes requires both fields.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Time {
    seconds: i64,
    nanos: i32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
struct Summary {
    pass: usize,
    fail: usize,
    warn: usize,
    error: usize,
    skip: usize,
}

impl Content {
    /// Creates the report on a namespace from the verdicts on its Ingresses, by name. Returns `None` without a problem. `since` loses
    /// the problems that are gone, and new ones begin now.
    #[must_use]
    pub fn new(
        namespace: &str,
        ingresses: &BTreeMap<&str, &StoredVerdict>,
        since: &mut Since,
        now: Timestamp,
    ) -> Option<Self> {
        let (mut results, mut summary, mut later) = (Vec::new(), Summary::default(), Summary::default());
        let (mut size, mut digest, mut known) = (0, FnvHasher::default(), Since::new());
        for (name, verdict) in ingresses {
            for problem in Problem::all(verdict) {
                let key = (Box::from(*name), Box::from(problem.code));
                let time = since.remove(&key).unwrap_or(now);
                known.insert(key, time);
                let result = ReportResult::of(namespace, name, &problem, time);
                summary.count(result.result);
                let text = serde_json::to_vec(&result.without_time()).unwrap_or_default();
                size += text.len() + 64;
                if size > LARGEST {
                    later.count(result.result);
                    continue;
                }
                digest.write(&text);
                results.push(result);
            }
        }
        *since = known;
        if later != Summary::default() {
            let result = ReportResult::of_more(later);
            digest.write(result.message.as_bytes());
            results.push(result);
        }
        let digest = format!("{:016x}", digest.finish());
        (!results.is_empty()).then_some(Self { results, summary, digest })
    }

    /// Returns the object. Only those of `openreports.io` have a field for the source.
    #[must_use]
    pub fn object(&self, api_version: &str, kind: &str, namespace: &str, has_source: bool) -> Value {
        let mut object = json!({
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {
                "name": SOURCE,
                "namespace": namespace,
                "labels": {"app.kubernetes.io/managed-by": SOURCE},
                "annotations": {DIGEST: self.digest},
            },
            "summary": self.summary,
            "results": self.results,
        });
        if has_source {
            object["source"] = json!(SOURCE);
        }
        object
    }
}

impl ReportResult {
    fn of(namespace: &str, ingress: &str, problem: &Problem<'_>, since: Timestamp) -> Self {
        let is_deny = problem.level() == Level::Deny;
        let check = checks::find(problem.code);
        Self {
            source: SOURCE,
            policy: check.map_or("", |check| check.name),
            rule: problem.code,
            category: "Ingress",
            severity: if is_deny { "high" } else { "medium" },
            result: if is_deny { "fail" } else { "warn" },
            scored: true,
            message: problem.findings.first().map_or_else(String::new, |finding| problem.described(finding)),
            resources: vec![Resource {
                api_version: "networking.k8s.io/v1",
                kind: "Ingress",
                namespace: namespace.to_owned(),
                name: ingress.to_owned(),
            }],
            properties: [("documentation", format!("ingress-guard explain {}", problem.code))].into(),
            timestamp: Some(Time { seconds: since.as_second(), nanos: 0 }),
        }
    }

    /// The result for the problems that do not fit.
    fn of_more(later: Summary) -> Self {
        let is_deny = later.fail > 0;
        Self {
            source: SOURCE,
            policy: "not-listed",
            rule: "",
            category: "Ingress",
            severity: if is_deny { "high" } else { "medium" },
            result: if is_deny { "fail" } else { "warn" },
            scored: false,
            message: format!(
                "{} more problems are not listed, because the report would be too large; run \"ingress-guard audit\"",
                later.fail + later.warn
            ),
            resources: Vec::new(),
            properties: BTreeMap::new(),
            timestamp: None,
        }
    }

    fn without_time(&self) -> Self {
        Self { timestamp: None, ..self.clone() }
    }
}

impl Summary {
    fn count(&mut self, result: &str) {
        match result {
            "fail" => self.fail += 1,
            _ => self.warn += 1,
        }
    }
}
