//! A right to read or write objects, and the question to the API server whether the service account has it
//! (`SelfSubjectAccessReview` and `SubjectAccessReview` of `authorization.k8s.io/v1`).

use std::fmt;
use std::time::Duration;

use kube::Client;
use kube::api::PostParams;
use kube::core::Request;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::pages::ApiError;
use crate::model::{Key, Kind};

/// A kind of question.
struct Question {
    kind: &'static str,
    path: &'static str,
}

/// The question for a right of the client itself.
const OWN: Question =
    Question { kind: "SelfSubjectAccessReview", path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" };
/// The question for a right of another user.
const OTHERS: Question =
    Question { kind: "SubjectAccessReview", path: "/apis/authorization.k8s.io/v1/subjectaccessreviews" };
/// The time limit of one question.
const PATIENCE: Duration = Duration::from_secs(5);

/// A verb of the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Reads one object by its name.
    Get,
    /// Reads all objects.
    List,
    /// Receives changes.
    Watch,
    /// Replaces an object.
    Update,
    /// Changes a part of an object.
    Patch,
}

impl Verb {
    /// What a watch needs.
    pub const OF_WATCHES: [Self; 3] = [Self::Get, Self::List, Self::Watch];

    /// Returns the name in RBAC rules.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Update => "update",
            Self::Patch => "patch",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The right to use a verb on the objects of a kind in all namespaces, or on one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The kind.
    pub kind: Kind,
    /// The only object, or with an empty name every object of a namespace; `None`: every object of the kind.
    pub only: Option<Key>,
    /// The verb.
    pub verb: Verb,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    status: AnswerStatus,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AnswerStatus {
    allowed: bool,
    evaluation_error: String,
}

impl Right {
    /// Returns whether it is a right to the controllers of one namespace. A cluster may deny it on purpose.
    #[must_use]
    pub fn is_of_controllers(&self) -> bool {
        self.is_of_namespace() && !self.is_of_references()
    }

    /// Returns whether it is a right to objects that Ingresses reference.
    fn is_of_references(&self) -> bool {
        matches!(self.kind, Kind::ConfigMap | Kind::Secret)
    }

    /// Returns whether it is a right to every object of one namespace.
    fn is_of_namespace(&self) -> bool {
        self.only.as_ref().is_some_and(|key| key.name.is_empty())
    }

    /// Returns whether checks of a kind are blind without it: it is a right to all objects that Ingresses can reference.
    pub(crate) fn is_of_kind(&self) -> bool {
        self.only.is_none() || self.is_of_namespace() && self.is_of_references()
    }

    /// Returns whether it is a right to this object.
    pub(crate) fn covers(&self, object: Option<&Key>) -> bool {
        let is_within = |only: &Key| object.is_some_and(|key| only.name.is_empty() && key.namespace == only.namespace);
        self.only.is_none() || self.only.as_ref() == object || self.only.as_ref().is_some_and(is_within)
    }

    /// Asks the API server for this right. `None`: it cannot decide, because an authorizer failed.
    ///
    /// # Errors
    /// If the question itself fails or is refused, which says nothing about the right.
    pub(crate) async fn is_granted(&self, client: &Client) -> Result<Option<bool>, ApiError> {
        self.ask(client, &OWN, json!({})).await
    }

    /// Asks the API server whether a service account has this right (`SubjectAccessReview`).
    ///
    /// # Errors
    /// If the question itself fails or is refused, which says nothing about the right.
    pub(crate) async fn is_granted_to(&self, client: &Client, account: &Key) -> Result<Option<bool>, ApiError> {
        let Key { namespace, name } = account;
        let groups = ["system:serviceaccounts", &format!("system:serviceaccounts:{namespace}"), "system:authenticated"];
        let user = json!({"user": format!("system:serviceaccount:{namespace}:{name}"), "groups": groups});
        self.ask(client, &OTHERS, user).await
    }

    async fn ask(&self, client: &Client, question: &Question, mut spec: Value) -> Result<Option<bool>, ApiError> {
        let (namespace, name) = self.only.as_ref().map_or(("", ""), |key| (&*key.namespace, &*key.name));
        spec["resourceAttributes"] = json!({
            "group": self.kind.group(), "version": self.kind.version(), "resource": self.kind.plural(),
            "verb": self.verb.name(), "namespace": namespace, "name": name,
        });
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": question.kind, "spec": spec,
        });
        let request = Request::new(question.path).create(&PostParams::default(), review.to_string().into_bytes())?;
        let text = timeout(PATIENCE, client.request_text(request)).await.map_err(|_| ApiError::Silence)??;
        let Answer { status: AnswerStatus { allowed, evaluation_error } } = serde_json::from_str(&text)?;
        Ok((allowed || evaluation_error.is_empty()).then_some(allowed))
    }

    /// Returns whether the API server denies this right. An error is not a denial.
    pub(crate) async fn is_denied(&self, client: &Client) -> bool {
        matches!(self.is_granted(client).await, Ok(Some(false)))
    }
}
