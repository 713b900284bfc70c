//! Responses in words: warnings of one line each, denials of several, in the form that kubectl, Helm, Argo CD and Flux print.

use std::collections::HashSet;
use std::fmt::Write as _;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Status, StatusCause, StatusDetails};
use serde::Serialize;

use crate::checks;
use crate::finding::{Finding, Level, one_line};
use crate::model::{DOCTOR_ANNOTATION, Key, WAIVER_ANNOTATION};
use crate::policy::{Decision, Verdict};

/// The maximum number of warnings about findings. With the line that counts the others they stay below 4,096 characters together,
/// after which the API server cuts warnings and drops the rest (`endpoints/filters/warning.go`).
const WARNINGS: usize = 8;
/// The maximum number of characters of a warning, to which the API server cuts.
const WARNING_LENGTH: usize = 256;
/// The number of characters that the name of the Ingress keeps, however long the message is.
const NAME_LENGTH: usize = 40;
/// The maximum number of findings in a denial.
const DENIALS: usize = 50;

/// The `AdmissionReview` response of `admission.k8s.io/v1`.
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
    status: Option<Status>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_annotations: Option<AuditAnnotations>,
}

/// Codes for the audit log. Keys have no `/`: the API server prefixes them with the name of the webhook.
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

/// Allows a write that was not evaluated, with a code and the reason as a warning.
pub(super) fn allow_not_evaluated(uid: &str, key: &Key, code: &str, reason: &str) -> Vec<u8> {
    let warnings = vec![named(key, &format!("{code} {reason}"))];
    answer(Response { uid, allowed: true, status: None, warnings, audit_annotations: None })
}

/// Allows or denies as the verdict says. `closing` has the lines of a denial after its findings. The token of a dry run of `doctor`
/// is repeated in a warning, so that its sender knows which webhook has answered. Returns the response and the message of the
/// denial.
pub(super) fn verdict(
    uid: &str,
    key: &Key,
    verdict: &Verdict,
    closing: &[String],
    doctor: Option<&str>,
) -> (Vec<u8>, Option<String>) {
    let status = verdict.denies().then(|| denial(key, verdict, closing));
    let message = status.as_ref().and_then(|status| status.message.clone());
    let doctor = doctor.map(|token| format!("{DOCTOR_ANNOTATION}: {token}"));
    let body = answer(Response {
        uid,
        allowed: status.is_none(),
        status,
        warnings: doctor.into_iter().chain(warnings(key, verdict)).collect(),
        audit_annotations: audit_annotations(verdict),
    });
    (body, message)
}

fn answer(response: Response<'_>) -> Vec<u8> {
    let review = Review { kind: "AdmissionReview", api_version: "admission.k8s.io/v1", response };
    serde_json::to_vec(&review).expect("plain structs of text always serialise")
}

/// Findings that were downgraded from deny come first: the API server may cut what comes last.
fn warnings(key: &Key, verdict: &Verdict) -> Vec<String> {
    let mut all: Vec<&Decision> = verdict.distinct().filter(|decision| decision.level == Level::Warn).collect();
    all.sort_by_key(|decision| decision.downgraded.is_none());
    let mut warnings: Vec<String> = all.iter().take(WARNINGS).map(|decision| warning(key, decision)).collect();
    match all.len().saturating_sub(WARNINGS) {
        0 => {}
        1 => warnings.push(named(key, "and 1 more finding")),
        more => warnings.push(named(key, &format!("and {more} more findings"))),
    }
    warnings
}

/// Formats a finding as a warning of at most 256 characters: `namespace/name CODE field: message; help`. kubectl prints equal
/// lines once, so a warning names its Ingress, unless the cause is the platform and one line is enough for all Ingresses.
#[must_use]
pub fn warning(key: &Key, decision: &Decision) -> String {
    let finding = &decision.finding;
    if let Some(shared) = &finding.shared_warning {
        return cut(&one_line(&format!("{} {shared}", finding.code)), WARNING_LENGTH);
    }
    let text = format!("{} {finding}", finding.code);
    match decision.unconfirmed() {
        Some(reason) => named_with_end(key, &text, &format!(" (not confirmed: {reason})")),
        None => named(key, &text),
    }
}

/// Puts the name of the Ingress before a text. If both exceed the length of a warning, the name is cut first.
fn named(key: &Key, text: &str) -> String {
    named_with_end(key, text, "")
}

/// Puts the name of the Ingress before a text and `end` after it, which is never cut.
fn named_with_end(key: &Key, text: &str, end: &str) -> String {
    let (name, text) = (one_line(&key.to_string()), one_line(text));
    let length = WARNING_LENGTH.saturating_sub(end.chars().count());
    let limit = length.saturating_sub(text.chars().count() + 1).max(NAME_LENGTH);
    cut(&format!("{} {text}", cut(&name, limit)), length) + end
}

fn cut(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        None => text.to_owned(),
        Some(_) => text.chars().take(length - 1).chain(['…']).collect(),
    }
}

/// A denial. Helm, Argo CD and Flux show only its message, which therefore contains everything, one line for each finding. The
/// reason is `Forbidden`, never `Invalid` or `Conflict`: Flux and `kubectl apply --force` react to those by deleting and
/// recreating the object.
fn denial(key: &Key, verdict: &Verdict, closing: &[String]) -> Status {
    let denying = verdict.distinct().filter(|decision| decision.level == Level::Deny);
    let findings: Vec<&Finding> = denying.map(|decision| &decision.finding).collect();
    let plural = if findings.len() == 1 { "" } else { "s" };
    let mut message = format!("Ingress {} is denied: {} finding{plural}", one_line(&key.to_string()), findings.len());
    for finding in findings.iter().take(DENIALS) {
        let name = checks::find(finding.code).map_or("", |check| check.name);
        let _ = write!(message, "\n{} [{} {name}]", one_line(&finding.to_string()), finding.code);
    }
    if findings.len() > DENIALS {
        let _ = write!(message, "\nand {} more", findings.len() - DENIALS);
    }
    for line in closing {
        let _ = write!(message, "\n{}", one_line(line));
    }
    if let Some(first) = findings.first() {
        let _ = write!(message, "\nrun \"ingress-guard explain {}\" for details", first.code);
    }
    if !verdict.waivable.is_empty() {
        let end = if verdict.waivers_end { "until=… " } else { "" };
        let waivers: Vec<String> = verdict.waivable.iter().map(|code| format!("{code} {end}reason=…")).collect();
        let _ = write!(message, "\nor waive with annotation {WAIVER_ANNOTATION}: \"{}\"", waivers.join("; "));
    }
    let details = StatusDetails {
        causes: Some(findings.into_iter().take(DENIALS).map(cause).collect()),
        group: Some("networking.k8s.io".to_owned()),
        kind: Some("Ingress".to_owned()),
        name: Some(key.name.to_string()),
        ..StatusDetails::default()
    };
    Status {
        code: Some(403),
        reason: Some("Forbidden".to_owned()),
        message: Some(message),
        details: Some(details),
        ..Status::default()
    }
}

fn cause(finding: &Finding) -> StatusCause {
    let separator = if finding.help.is_empty() { "" } else { "; " };
    StatusCause {
        reason: Some(finding.code.to_owned()),
        message: Some(one_line(&format!("{}{separator}{}", finding.message, finding.help))),
        field: Some(finding.field.to_string()),
    }
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
        downgraded.push(match ceiling.reason() {
            Some(reason) => format!("{}={} ({})", finding.code, ceiling.name(), one_line(reason)),
            None => format!("{}={}", finding.code, ceiling.name()),
        });
    }
    Some(AuditAnnotations {
        denied: codes(Level::Deny),
        warned: codes(Level::Warn),
        audited: codes(Level::Audit),
        downgraded: downgraded.join(","),
    })
}
