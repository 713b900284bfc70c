//! The steps from a URL to its endpoints, in order, and the result.

use serde::Serialize;

use super::near::NearMiss;
use crate::finding::Level;

/// The version of the JSON format.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// The result of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestOutcome {
    /// A Service answers.
    Service,
    /// A redirect.
    Redirect,
    /// 403
    Forbidden,
    /// 404 from the controller.
    DefaultBackend,
    /// 503; without a status another error: the controller is not ingress-nginx, or connects to the address of the Service.
    Unavailable,
    /// nginx cannot reload, or the controller crashes: the previous configuration answers, and none after a restart.
    NotLoaded,
    /// 400
    BadRequest,
    /// 500
    Broken,
    /// Unknown.
    Unknown,
}

/// A step from the URL to the endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Whether it succeeds; `None` if that is unknown.
    pub ok: Option<bool>,
    /// The name of the step, e.g. `class`, `host`, `path`, `service`.
    pub what: &'static str,
    /// The deciding object, and its effect.
    pub detail: String,
    /// A shell command that shows or fixes the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// The backend of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadyBackend {
    /// Namespace of the Service.
    pub namespace: String,
    /// The name.
    pub service: String,
    /// The port as the Ingress references it.
    pub port: Option<String>,
    /// The number of ready endpoints; `None` if it is unknown.
    pub ready_endpoints: Option<u32>,
}

/// The certificate that HTTPS clients get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedCertificate {
    /// `namespace/name` of the Secret; `None` for the controller's default certificate.
    pub secret: Option<String>,
    /// `ok`, `default` (the controller's default certificate), `missing`, `pending` (not issued yet), `unusable`, `mismatch`,
    /// `common-name-only` (no subject alternative name), `expired`, `issuer-expired`, `not-yet-valid` or `unknown`.
    pub state: &'static str,
}

/// A finding of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// The check's code.
    pub code: &'static str,
    /// The level when the Ingress is written.
    pub level: Level,
    /// The field of the Ingress.
    pub field: String,
    /// The problem and its effect on requests.
    pub message: String,
    /// The fix in words; empty if there is no short one.
    pub help: String,
}

/// A traced URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The version of this format.
    pub schema_version: u32,
    /// The URL without the parts that have no effect.
    pub url: String,
    /// Assumptions about the URL, and parts of it without effect.
    pub notes: Vec<String>,
    /// `spec.controller` of the IngressClass, if it is known.
    pub controller: Option<String>,
    /// The result of the request.
    pub outcome: RequestOutcome,
    /// The HTTP status of the response, if the controller sends it.
    pub status: Option<u16>,
    /// `namespace/name` of the Ingress for which the controller loads no change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<String>,
    /// The answer once that Ingress is fixed, if the request does not depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub once_fixed: Option<String>,
    /// The target of a redirect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
    /// `namespace/name` of the Ingress whose path or default backend matches.
    pub ingress: Option<String>,
    /// The matching field of the Ingress.
    pub field: Option<String>,
    /// The nginx location.
    pub location: Option<String>,
    /// The path that the backend receives, if it is known.
    pub upstream_path: Option<String>,
    /// The backend.
    pub backend: Option<ReadyBackend>,
    /// The certificate, for HTTPS.
    pub certificate: Option<ServedCertificate>,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// The findings that concern the answer, highest level first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Found>,
    /// Hosts or paths that almost match.
    pub near_misses: Vec<NearMiss>,
    /// The results of other controllers that serve the host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Self>,
}

impl Explanation {
    pub(super) fn of(url: String, notes: Vec<String>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            url,
            notes,
            controller: None,
            outcome: RequestOutcome::Unknown,
            status: None,
            blocked_by: None,
            once_fixed: None,
            redirect: None,
            ingress: None,
            field: None,
            location: None,
            upstream_path: None,
            backend: None,
            certificate: None,
            steps: Vec::new(),
            findings: Vec::new(),
            near_misses: Vec::new(),
            others: Vec::new(),
        }
    }

    pub(super) fn holds(&mut self, what: &'static str, detail: impl Into<String>) {
        self.steps.push(Step { ok: Some(true), what, detail: detail.into(), command: None });
    }

    pub(super) fn breaks(&mut self, what: &'static str, detail: impl Into<String>, command: Option<String>) {
        self.steps.push(Step { ok: Some(false), what, detail: detail.into(), command });
    }

    pub(super) fn unknown(&mut self, what: &'static str, detail: impl Into<String>) {
        self.steps.push(Step { ok: None, what, detail: detail.into(), command: None });
    }

    pub(super) fn ends(&mut self, outcome: RequestOutcome, status: impl Into<Option<u16>>) {
        self.outcome = outcome;
        self.status = status.into();
    }

    /// Turns the result that no Ingress serves the request into an unknown one, for this reason.
    pub(super) fn leaves_open(&mut self, why: &str) {
        self.notes.push(why.to_owned());
        if self.outcome == RequestOutcome::DefaultBackend {
            for step in self.steps.iter_mut().filter(|step| step.ok == Some(false)) {
                step.ok = None;
                step.command = None;
            }
            self.ends(RequestOutcome::Unknown, None);
        }
        self.others.iter_mut().for_each(|other| other.leaves_open(why));
    }

    /// The first failed step. Failed steps before a fallback Service that answers do not count.
    #[must_use]
    pub fn broken(&self) -> Option<&Step> {
        let answers = |step: &Step| step.what == "fallback" && step.ok == Some(true);
        let since = self.steps.iter().position(answers).unwrap_or_default();
        self.steps[since..].iter().find(|step| step.ok == Some(false))
    }

    /// 0 if the request is served or redirected, 1 if it fails, 2 if the result is unknown.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        exit_code(self.is_served(), self.is_broken())
    }

    /// Whether the request certainly fails.
    pub(super) fn is_broken(&self) -> bool {
        self.broken().is_some()
            || !matches!(self.outcome, RequestOutcome::Service | RequestOutcome::Redirect | RequestOutcome::Unknown)
            || self.others.iter().any(Self::is_broken)
    }

    /// Whether the request is served or redirected, as far as is known.
    pub(super) fn is_served(&self) -> bool {
        matches!(self.outcome, RequestOutcome::Service | RequestOutcome::Redirect)
            && self.broken().is_none()
            && self.others.iter().all(Self::is_served)
    }
}

/// The exit code for a result.
pub(super) const fn exit_code(is_served: bool, is_broken: bool) -> u8 {
    match (is_served, is_broken) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }
}

/// Returns a command of kubectl; `None` if a word has characters that are special in a shell.
#[must_use]
pub fn kubectl(words: &[&str]) -> Option<String> {
    let is_plain = |word: &&str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/=".contains(&byte))
    };
    words.iter().all(is_plain).then(|| format!("kubectl {}", words.join(" ")))
}
