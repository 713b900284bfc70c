//! The links from a URL to its endpoints, in the order in which they hold, and what they come to.

use serde::Serialize;

use super::near::NearMiss;

/// The version of the JSON form.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// What becomes of a request.
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
    /// 503; without a status another error: the controller is not ingress-nginx, or has dialled the Service's own address.
    Unavailable,
    /// The controller cannot load its configuration: what it had loaded before goes on.
    NotLoaded,
    /// 400
    BadRequest,
    /// 500
    Broken,
    /// Nobody can tell.
    Unknown,
}

/// One link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Whether it holds; `None`: nobody can tell.
    pub ok: Option<bool>,
    /// Which link, e.g. `class`, `host`, `path`, `service`.
    pub what: &'static str,
    /// The object that decides and how.
    pub detail: String,
    /// What shows or mends it in a shell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// What stands behind a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadyBackend {
    /// Namespace of the Service.
    pub namespace: String,
    /// Its name.
    pub service: String,
    /// The port as the Ingress names it.
    pub port: Option<String>,
    /// Endpoints that take requests; `None`: nobody can tell.
    pub ready_endpoints: Option<u32>,
}

/// Which certificate a visitor is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedCertificate {
    /// `namespace/name` of the Secret; `None`: the controller's own.
    pub secret: Option<String>,
    /// `ok`, `default` (the controller's own), `missing`, `pending` (it is being issued), `unusable`, `mismatch`, `expired`,
    /// `not-yet-valid` or `unknown`.
    pub state: &'static str,
}

/// One URL explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The version of this form.
    pub schema_version: u32,
    /// The URL as far as it has an effect.
    pub url: String,
    /// What was understood that was not written, and what has no effect.
    pub notes: Vec<String>,
    /// `spec.controller` of the IngressClass, where that is known.
    pub controller: Option<String>,
    /// What becomes of the request.
    pub outcome: RequestOutcome,
    /// The HTTP status that the visitor gets, where the controller gives it.
    pub status: Option<u16>,
    /// Where a redirect leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
    /// `namespace/name` of the Ingress whose path or default backend takes it.
    pub ingress: Option<String>,
    /// Where in it.
    pub field: Option<String>,
    /// The location as nginx has it.
    pub location: Option<String>,
    /// What the backend is asked for, where that can be said.
    pub upstream_path: Option<String>,
    /// What stands behind it.
    pub backend: Option<ReadyBackend>,
    /// The certificate, over HTTPS.
    pub certificate: Option<ServedCertificate>,
    /// The links, in the order in which they hold.
    pub steps: Vec<Step>,
    /// What does not take it, but nearly would.
    pub near_misses: Vec<NearMiss>,
    /// What other controllers that have the host do with it.
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
            redirect: None,
            ingress: None,
            field: None,
            location: None,
            upstream_path: None,
            backend: None,
            certificate: None,
            steps: Vec::new(),
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

    /// The first link that does not hold.
    #[must_use]
    pub fn broken(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.ok == Some(false))
    }

    /// 0: a visitor is served; 1: it is certain that none is; 2: nobody can tell.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        exit_code(self.is_served(), self.is_broken())
    }

    /// Whether it is certain that a visitor is not served.
    pub(super) fn is_broken(&self) -> bool {
        self.broken().is_some()
            || !matches!(self.outcome, RequestOutcome::Service | RequestOutcome::Redirect | RequestOutcome::Unknown)
            || self.others.iter().any(Self::is_broken)
    }

    /// Whether a visitor is served or sent on, as far as anybody can tell.
    pub(super) fn is_served(&self) -> bool {
        matches!(self.outcome, RequestOutcome::Service | RequestOutcome::Redirect)
            && self.broken().is_none()
            && self.others.iter().all(Self::is_served)
    }
}

/// What a command ends with that has found this out.
pub(super) const fn exit_code(is_served: bool, is_broken: bool) -> u8 {
    match (is_served, is_broken) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }
}

/// A command for a shell. None where a word could mean something to the shell: names in files may be anything.
pub(super) fn kubectl(words: &[&str]) -> Option<String> {
    let is_plain = |word: &&str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/=".contains(&byte))
    };
    words.iter().all(is_plain).then(|| format!("kubectl {}", words.join(" ")))
}
