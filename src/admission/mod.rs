//! From the bytes of an `AdmissionReview` to the bytes of its answer. Pure: no socket, no log line, no metric; the
//! caller gets a [`Record`] of what happened and does those.

use std::sync::Arc;

/// Judges reviews against one inventory with one policy.
#[derive(Debug, Default)]
pub struct Reviewer {
    _private: (),
}

/// What one review came to: the answer for the API server and the record for log and metrics.
#[derive(Debug)]
pub struct Reviewed {
    /// The `AdmissionReview` answer as JSON.
    pub body: Vec<u8>,
    /// What happened.
    pub record: Record,
}

/// One line about one review.
#[derive(Debug, Default)]
pub struct Record {
    /// `request.uid`.
    pub uid: String,
    /// Namespace of the Ingress.
    pub namespace: String,
    /// Name of the Ingress; empty for a `deletecollection`.
    pub name: String,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: &'static str,
    /// Whether nothing will be stored.
    pub dry_run: bool,
    /// `userInfo.username`.
    pub user: String,
    /// `options.fieldManager`.
    pub field_manager: String,
    /// `pass`, `allow`, `warn` or `deny`.
    pub verdict: &'static str,
    /// Code and effective level (`audit`, `warn`, `deny`) of each finding.
    pub findings: Vec<(&'static str, &'static str)>,
    /// Codes that a ceiling or the profile kept from denying.
    pub would_deny: Vec<&'static str>,
}

/// Why a body is no review that can be judged. The HTTP status says it to the API server, which then follows its
/// `failurePolicy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status: 400.
    pub status: u16,
    /// One word for metrics and clients, e.g. `MalformedJson`, `WrongKind`, `WrongVersion`, `MissingUid`.
    pub reason: &'static str,
    /// What is wrong, for a human.
    pub message: String,
}

impl Reviewer {
    /// Judge one body.
    ///
    /// # Errors
    /// When the bytes are no `admission.k8s.io/v1` `AdmissionReview` of an Ingress.
    pub fn review(self: &Arc<Self>, body: &[u8]) -> Result<Reviewed, Rejection> {
        let _ = body;
        Ok(Reviewed { body: b"{}".to_vec(), record: Record::default() })
    }

    /// Why reviews cannot be judged fully yet, one line each; empty when ready.
    pub fn missing(&self) -> Vec<String> {
        Vec::new()
    }

    /// Objects in the inventory by kind, for the metric.
    pub fn objects(&self) -> Vec<(&'static str, usize)> {
        Vec::new()
    }
}
