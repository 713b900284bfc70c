//! The result of a request: whether the answer is as predicted, and the first broken link if it is not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::certificate::SeenCertificate;
use crate::explain::Step;

/// The version of the JSON format.
const SCHEMA_VERSION: u32 = 1;

/// What an answer shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResultKind {
    /// The cluster defines that it serves, and the controller answers with its default backend.
    ControllerDisagrees,
    /// The default backend answers.
    DefaultBackend,
    /// The controller answers with an error, e.g. 503.
    ControllerError,
    /// A certificate that the controller has created itself.
    FakeCertificate,
    /// A certificate for other hosts, or one that is not valid now.
    WrongCertificate,
    /// A redirect to another target than the predicted one.
    OtherRedirect,
    /// Annotations require a password, and the answer does not ask for one.
    Unprotected,
    /// Another answer than the predicted one.
    OtherAnswer,
    /// No answer: time-out, refused or closed connection.
    NoAnswer,
    /// Whether the answer is the predicted one is unknown.
    #[default]
    Unknown,
    /// The answer is as predicted.
    AsPredicted,
}

impl ResultKind {
    /// Every result, the worst first.
    pub const ALL: [Self; 11] = [
        Self::ControllerDisagrees,
        Self::DefaultBackend,
        Self::ControllerError,
        Self::FakeCertificate,
        Self::WrongCertificate,
        Self::OtherRedirect,
        Self::Unprotected,
        Self::OtherAnswer,
        Self::NoAnswer,
        Self::Unknown,
        Self::AsPredicted,
    ];

    /// The name as in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ControllerDisagrees => "controller-disagrees",
            Self::DefaultBackend => "default-backend",
            Self::ControllerError => "controller-error",
            Self::FakeCertificate => "fake-certificate",
            Self::WrongCertificate => "wrong-certificate",
            Self::OtherRedirect => "other-redirect",
            Self::Unprotected => "unprotected",
            Self::OtherAnswer => "other-answer",
            Self::NoAnswer => "no-answer",
            Self::Unknown => "unknown",
            Self::AsPredicted => "as-predicted",
        }
    }

    /// Returns whether requests fail, or are answered otherwise than the cluster defines.
    #[must_use]
    pub const fn is_broken(self) -> bool {
        !matches!(self, Self::AsPredicted | Self::Unknown)
    }
}

impl fmt::Display for ResultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The result of one request.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeResult {
    /// The result.
    pub result: ResultKind,
    /// The URL.
    pub url: String,
    /// The host of the rule.
    pub host: String,
    /// `namespace/name` of the Ingress.
    pub ingress: String,
    /// The path of the Ingress.
    pub field: String,
    /// The controller.
    pub controller: String,
    /// The address to which the request was sent.
    pub address: Option<String>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The header `Location`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The certificate, for HTTPS.
    #[serde(serialize_with = "entry", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Arc<SeenCertificate>>,
    /// The answer, and what is wrong with it.
    pub detail: String,
    /// What `explain` predicts.
    pub predicted: String,
    /// The first broken link that `explain` finds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<Step>,
}

#[expect(clippy::ref_option, reason = "serde passes the field")]
fn entry<S: Serializer>(certificate: &Option<Arc<SeenCertificate>>, serializer: S) -> Result<S::Ok, S::Error> {
    certificate.as_ref().map(|certificate| certificate.entry()).serialize(serializer)
}

/// The results of all requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeReport {
    /// The version of this format.
    pub schema_version: u32,
    /// One result for each request, in the order of hosts and paths.
    pub results: Vec<ProbeResult>,
    /// What was left out, in words.
    pub left_out: Vec<String>,
}

impl ProbeReport {
    /// Creates a report.
    #[must_use]
    pub fn new(results: Vec<ProbeResult>, left_out: Vec<String>) -> Self {
        Self { schema_version: SCHEMA_VERSION, results, left_out }
    }

    /// 0 if every answer is as predicted, 1 if any is broken, 2 if it is unknown of any, or there is none.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let mut kinds = self.results.iter().map(|result| result.result);
        match () {
            () if kinds.clone().any(ResultKind::is_broken) => 1,
            () if self.results.is_empty() || kinds.any(|kind| kind == ResultKind::Unknown) => 2,
            () => 0,
        }
    }

    /// Returns the number of results of each kind, the worst kind first.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<ResultKind, usize> {
        let mut counts = BTreeMap::new();
        for result in &self.results {
            *counts.entry(result.result).or_default() += 1;
        }
        counts
    }
}
