//! What `explain` predicts for a request, as far as an answer can be compared with it.

use crate::checks::Settings;
use crate::cluster::ClusterState;
use crate::explain::{Explanation, RequestOutcome, Step};
use crate::model::{Certificate, TlsFacts};
use crate::routing::NginxAnnotations;

/// The predicted answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// A Service answers, whatever its status is.
    Backend(Protection),
    /// A redirect of the controller. `None`: the target depends on more than the request.
    Redirect(Option<String>),
    /// A status of the controller: 400, 403, 500, 502 or 503.
    Status(u16),
    /// The controller answers with an error.
    Error,
    /// 404 from the default backend.
    DefaultBackend,
    /// The controller loads no change: the previous configuration answers.
    Previous,
    /// Unknown.
    Unknown,
}

/// The authentication before a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// None that annotations define.
    None,
    /// `auth-type`: a request without credentials gets 401.
    Password,
    /// Another one: an external service, a client certificate, addresses. Any answer may come from it.
    Other,
}

/// The prediction for a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// The answer.
    pub answer: Expected,
    /// The result of the explanation in words.
    pub words: String,
    /// The first broken or unknown step that is not the certificate.
    pub broken: Option<Step>,
    /// The step of the certificate, if it is broken or unknown.
    pub certificate: Option<Step>,
    /// The Secret that contains the predicted certificate, with its facts if they are known.
    pub secret: Option<(String, Option<Certificate>)>,
    /// Ingress and field of the location that answers.
    pub location: Option<(String, String)>,
}

impl Expectation {
    /// Derives it from the explanation of a request.
    #[must_use]
    pub fn of(explanation: &Explanation, known: ClusterState<'_>, settings: &Settings) -> Self {
        let answer = match (explanation.outcome, explanation.status) {
            (RequestOutcome::Service, _) => Expected::Backend(protection(explanation, known, settings)),
            (RequestOutcome::Redirect, _) => Expected::Redirect(explanation.redirect.clone()),
            (RequestOutcome::DefaultBackend, _) => Expected::DefaultBackend,
            (RequestOutcome::NotLoaded, _) => Expected::Previous,
            (RequestOutcome::Unknown, _) => Expected::Unknown,
            (_, Some(status)) => Expected::Status(status),
            (_, None) => Expected::Error,
        };
        let is_certificate = |step: &&Step| step.what == "certificate";
        let first = explanation.broken().filter(|step| step.what != "certificate");
        let open = || explanation.steps.iter().find(|step| step.ok.is_none() && step.what != "certificate");
        let is_open = matches!(answer, Expected::Unknown);
        Self {
            words: explanation.result(),
            broken: first.or_else(|| open().filter(|_| is_open)).cloned(),
            certificate: explanation.steps.iter().filter(is_certificate).find(|step| step.ok != Some(true)).cloned(),
            secret: secret(explanation, known),
            location: explanation.ingress.clone().zip(explanation.field.clone()),
            answer,
        }
    }
}

/// Returns the authentication of the Ingress that answers.
fn protection(explanation: &Explanation, known: ClusterState<'_>, settings: &Settings) -> Protection {
    let key = explanation.ingress.as_deref().and_then(|key| key.split_once('/'));
    let ingress = key.and_then(|(namespace, name)| known.store.ingress(namespace, name));
    let Some(annotations) = ingress.map(NginxAnnotations::of) else { return Protection::Other };
    // Only ingress-nginx is certain to read these annotations.
    let is_nginx = explanation.location.is_some();
    let is_set = |name: &&str| annotations.value(name).is_some();
    let by_address = ["whitelist-source-range", "allowlist-source-range", "denylist-source-range"];
    let others = ["auth-url", "auth-tls-secret", "auth-signin", "modsecurity-snippet", "enable-modsecurity"];
    let has_global = settings.dialects.any(|dialect| dialect.settings.global_auth_url.is_some());
    let is_loose = annotations.value("satisfy").is_some() || annotations.may_answer_by_snippet();
    match () {
        () if by_address.iter().chain(&others).any(is_set) || has_global || is_loose => Protection::Other,
        () if annotations.value("auth-type").is_none() => Protection::None,
        () if is_nginx && annotations.accepted("auth-type") == Some("basic") && is_set(&"auth-secret") => {
            Protection::Password
        }
        () => Protection::Other,
    }
}

/// Returns the Secret of the predicted certificate.
fn secret(explanation: &Explanation, known: ClusterState<'_>) -> Option<(String, Option<Certificate>)> {
    let certificate = explanation.certificate.as_ref().filter(|certificate| certificate.state == "ok")?;
    let name = certificate.secret.clone()?;
    let (namespace, of) = name.split_once('/')?;
    let view = crate::cluster::ClusterView::unrestricted(known);
    let facts = view.secret(namespace, of).found().and_then(|secret| match &secret.tls {
        TlsFacts::Pair { certificate, .. } => Some(certificate.clone()),
        TlsFacts::Unusable(_) => None,
    });
    Some((name, facts))
}
