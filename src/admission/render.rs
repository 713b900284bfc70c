//! The words that reach people: warnings of one line, denials of many, as kubectl, Helm, Argo and Flux print them.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde::Serialize;

use crate::checks::{self, CHECK_NOT_EVALUATED};
use crate::finding::{Level, one_line};
use crate::model::Key;
use crate::policy::{Ceiling, Decision, Verdict};

/// At most so many warnings: past 4,096 characters in all the API server drops the rest
/// (`endpoints/filters/warning.go`).
const WARNINGS: usize = 8;
/// At most so many characters in a warning, past which the API server cuts.
const WARNING_LENGTH: usize = 256;
/// At most so many faults in a denial.
const DENIALS: usize = 50;

/// The answer as `admission.k8s.io/v1` has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    kind: &'static str,
    api_version: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_annotations: Option<AuditAnnotations>,
}

/// `metav1.Status`. The reason is `Forbidden`, never `Invalid` or `Conflict`: Flux and `kubectl apply --force` take
/// those as leave to delete the object and create it anew.
#[derive(Serialize)]
struct Status<'a> {
    code: u16,
    reason: &'static str,
    message: String,
    details: Details<'a>,
}

#[derive(Serialize)]
struct Details<'a> {
    name: &'a str,
    group: &'static str,
    kind: &'static str,
    causes: Vec<Cause<'a>>,
}

#[derive(Serialize)]
struct Cause<'a> {
    reason: &'a str,
    message: String,
    field: String,
}

/// Codes for the audit log. Keys have no `/`: the API server puts the webhook's name in front.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct AuditAnnotations {
    #[serde(skip_serializing_if = "String::is_empty")]
    denied: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    warned: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    audited: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    downgraded: String,
}

/// Allow without a word.
pub(super) fn allow(uid: &str) -> Vec<u8> {
    answer(Response { uid, allowed: true, status: None, warnings: Vec::new(), audit_annotations: None })
}

/// Allow what nobody has judged, and say so.
pub(super) fn allow_unjudged(uid: &str, why: &str) -> Vec<u8> {
    let warnings = vec![format!("{} {why}", CHECK_NOT_EVALUATED.code)];
    answer(Response { uid, allowed: true, status: None, warnings, audit_annotations: None })
}

/// Say what the verdict says.
pub(super) fn verdict(uid: &str, key: &Key, verdict: &Verdict) -> Vec<u8> {
    let denies = verdict.denies();
    answer(Response {
        uid,
        allowed: !denies,
        status: denies.then(|| denial(key, verdict)),
        warnings: warnings(verdict),
        audit_annotations: audit_annotations(verdict),
    })
}

fn answer(response: Response<'_>) -> Vec<u8> {
    let review = Review { kind: "AdmissionReview", api_version: "admission.k8s.io/v1", response };
    serde_json::to_vec(&review).expect("plain structs of text always serialise")
}

fn warnings(verdict: &Verdict) -> Vec<String> {
    let mut all = verdict.decisions.iter().filter(|decision| decision.level == Level::Warn);
    let mut warnings: Vec<String> = all.by_ref().take(WARNINGS).map(warning).collect();
    match all.count() {
        0 => {}
        1 => warnings.push("and 1 more finding".to_owned()),
        more => warnings.push(format!("and {more} more findings")),
    }
    warnings
}

/// One line, code first, cut where the API server would cut it. What would have denied and could not be read again says
/// so before anything else, since it may be wrong.
fn warning(Decision { finding, downgraded, .. }: &Decision) -> String {
    let doubt = if *downgraded == Some(Ceiling::Unconfirmed) { "not confirmed: " } else { "" };
    let text = one_line(&format!("{} {doubt}{finding}", finding.code));
    match text.char_indices().nth(WARNING_LENGTH) {
        None => text,
        Some(_) => text.chars().take(WARNING_LENGTH - 1).chain(['…']).collect(),
    }
}

/// Everything in the message, since Helm, Argo and Flux show nothing else: one line for each fault.
fn denial<'a>(key: &'a Key, verdict: &'a Verdict) -> Status<'a> {
    let mut message = format!("Ingress {key} would not serve:");
    let mut causes = Vec::new();
    for finding in verdict.at(Level::Deny).take(DENIALS) {
        let name = checks::find(finding.code).map_or("", |check| check.name);
        let _ = write!(message, "\n{} [{} {name}]", one_line(&finding.to_string()), finding.code);
        causes.push(Cause {
            reason: finding.code,
            message: one_line(&format!(
                "{}{}",
                finding.message,
                if finding.help.is_empty() { String::new() } else { format!("; {}", finding.help) }
            )),
            field: finding.field.to_string(),
        });
    }
    let more = verdict.at(Level::Deny).count().saturating_sub(DENIALS);
    if more > 0 {
        let _ = write!(message, "\nand {more} more");
    }
    let details = Details { name: &key.name, group: "networking.k8s.io", kind: "Ingress", causes };
    Status { code: 403, reason: "Forbidden", message, details }
}

fn audit_annotations(verdict: &Verdict) -> Option<AuditAnnotations> {
    if verdict.decisions.is_empty() {
        return None;
    }
    let codes = |level| {
        let mut codes: Vec<&str> = verdict.at(level).map(|finding| finding.code).collect();
        codes.dedup();
        codes.join(",")
    };
    let mut downgraded = Vec::new();
    let mut seen = HashSet::new();
    for Decision { finding, downgraded: ceiling, .. } in &verdict.decisions {
        let Some(ceiling) = ceiling.as_ref().filter(|ceiling| seen.insert((finding.code, ceiling.name()))) else {
            continue;
        };
        downgraded.push(match ceiling {
            Ceiling::Waiver(reason) => format!("{}={} ({})", finding.code, ceiling.name(), one_line(reason)),
            _ => format!("{}={}", finding.code, ceiling.name()),
        });
    }
    Some(AuditAnnotations {
        denied: codes(Level::Deny),
        warned: codes(Level::Warn),
        audited: codes(Level::Audit),
        downgraded: downgraded.join(","),
    })
}
