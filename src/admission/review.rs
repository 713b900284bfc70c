//! Parsing of an `AdmissionReview` in two steps: first its shell with the objects as raw slices, then the object itself. Most
//! updates pass after the first step.

use std::borrow::Cow;

use serde::Deserialize;

use super::Rejection;
use crate::model::{Ingress, RawIngress};

/// Text that is borrowed from the body unless it contains an escape.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shell<'a> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    api_version: Option<Text<'a>>,
    #[serde(borrow)]
    request: Option<Request<'a>>,
}

/// The fields of `request` that a review reads.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    #[serde(borrow, default)]
    pub(super) uid: Text<'a>,
    #[serde(borrow)]
    kind: Option<GroupVersionKind<'a>>,
    #[serde(borrow)]
    sub_resource: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) namespace: Option<Text<'a>>,
    #[serde(borrow, default)]
    operation: Text<'a>,
    #[serde(borrow)]
    user_info: Option<UserInfo<'a>>,
    #[serde(borrow)]
    object: Option<RawIngress<'a>>,
    #[serde(borrow)]
    old_object: Option<RawIngress<'a>>,
    dry_run: Option<bool>,
    #[serde(borrow)]
    pub(super) options: Option<Options<'a>>,
}

#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
struct GroupVersionKind<'a> {
    #[serde(borrow)]
    group: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct UserInfo<'a> {
    #[serde(borrow, default)]
    username: Text<'a>,
    groups: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Options<'a> {
    #[serde(borrow)]
    pub(super) field_manager: Option<Text<'a>>,
}

/// The operation that the API server asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Stores a new object.
    Create,
    /// Replaces a stored object.
    Update,
    /// Deletes one or more objects; passes.
    Delete,
    /// Opens a connection to a subresource; passes.
    Connect,
}

impl Operation {
    /// Returns the operation with this value of `request.operation`.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "CREATE" => Self::Create,
            "UPDATE" => Self::Update,
            "DELETE" => Self::Delete,
            _ => Self::Connect,
        }
    }

    /// Returns the value of `request.operation`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

impl<'a> Request<'a> {
    /// Parses the shell of a review.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Rejection> {
        let malformed = |error: &dyn std::fmt::Display| {
            Rejection::new("MalformedReview", format!("the body is not an AdmissionReview: {error}"))
        };
        // UTF-8 is validated once for the whole body, not string by string.
        let text = std::str::from_utf8(body).map_err(|error| malformed(&error))?;
        let shell: Shell<'a> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
        let text = |text: &Option<Text<'_>>| text.as_ref().map(|text| text.0.to_string()).unwrap_or_default();
        if text(&shell.kind) != "AdmissionReview" {
            let message = format!("kind is {:?}, not \"AdmissionReview\"", text(&shell.kind));
            return Err(Rejection::new("WrongKind", message));
        }
        if text(&shell.api_version) != "admission.k8s.io/v1" {
            let message = format!("apiVersion is {:?}, not \"admission.k8s.io/v1\"", text(&shell.api_version));
            return Err(Rejection::new("WrongVersion", message));
        }
        let request = shell.request.ok_or_else(|| Rejection::new("MissingRequest", "the review has no request"))?;
        if request.uid.0.is_empty() {
            return Err(Rejection::new(
                "MissingUid",
                "request.uid is empty: the response cannot be matched to the request",
            ));
        }
        let kind = request.kind.as_ref();
        let is_ingress = kind
            .is_some_and(|kind| (&*kind.group, &*kind.version, &*kind.kind) == ("networking.k8s.io", "v1", "Ingress"));
        if !is_ingress {
            let message = "request.kind is not networking.k8s.io/v1 Ingress: the rules of the webhook configuration are too broad";
            return Err(Rejection::new("WrongObject", message));
        }
        Ok(request)
    }

    pub(super) fn operation(&self) -> Operation {
        Operation::named(&self.operation.0)
    }

    pub(super) fn is_dry_run(&self) -> bool {
        self.dry_run.unwrap_or_default()
    }

    /// Returns the field manager. A client that names none is known by what the API server recorded; empty if that is not certain.
    pub(super) fn field_manager(&self) -> Cow<'_, str> {
        let named = self.options.as_ref().and_then(|options| options.field_manager.as_ref());
        match named.map(|text| &*text.0).filter(|name| !name.is_empty()) {
            Some(name) => Cow::Borrowed(name),
            None => {
                self.object.as_ref().and_then(RawIngress::last_manager).map(String::from).unwrap_or_default().into()
            }
        }
    }

    pub(super) fn user(&self) -> &str {
        self.user_info.as_ref().map(|user| &*user.username.0).unwrap_or_default()
    }

    pub(super) fn groups(&self) -> &[String] {
        self.user_info.as_ref().and_then(|user| user.groups.as_deref()).unwrap_or_default()
    }

    /// Returns the Ingress to evaluate, or `None` if the write passes: it does not write an Ingress, it removes the last finalizer
    /// of an object that is being deleted, or neither the spec nor relevant annotations change. Until it is removed, an Ingress
    /// that is being deleted is served (docs/ingress-nginx.md, section 1.6).
    pub(super) fn to_review(&self) -> Result<Option<Ingress>, Rejection> {
        if matches!(self.operation(), Operation::Delete | Operation::Connect) || !self.writes_ingress() {
            return Ok(None);
        }
        let new = present("request.object", self.object.as_ref())?;
        if self.operation() == Operation::Update {
            let old = present("request.oldObject", self.old_object.as_ref())?;
            if new.has_spec_of(old) && new.has_annotations_of(old) {
                return Ok(None);
            }
        }
        let head = new.head().map_err(|error| malformed("request.object.metadata", &error))?;
        if head.is_removed {
            return Ok(None);
        }
        new.read(head).map(Some).map_err(|error| malformed("request.object", &error))
    }

    /// Whether the request is for the Ingress itself or for its status. A write of the status can also change annotations; the API
    /// server keeps the stored spec.
    fn writes_ingress(&self) -> bool {
        self.sub_resource.as_ref().is_none_or(|sub_resource| matches!(&*sub_resource.0, "" | "status"))
    }

    /// Parses the stored Ingress, which an update replaces.
    pub(super) fn stored(&self) -> Result<Ingress, Rejection> {
        let old = present("request.oldObject", self.old_object.as_ref())?;
        old.head().and_then(|head| old.read(head)).map_err(|error| malformed("request.oldObject", &error))
    }
}

fn present<'o, 'a>(field: &str, object: Option<&'o RawIngress<'a>>) -> Result<&'o RawIngress<'a>, Rejection> {
    object.ok_or_else(|| Rejection::new("MissingObject", format!("{field} is absent")))
}

fn malformed(field: &str, error: &serde_json::Error) -> Rejection {
    Rejection::new("MalformedObject", format!("{field} is not an Ingress: {error}"))
}
