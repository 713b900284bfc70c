//! Parsing of an `AdmissionReview` in two steps: first its shell with the objects as raw slices, then the object itself. Most
//! updates pass after the first step.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Rejection;
use crate::model::{Ingress, Kind, RawIngress};

/// Text that is borrowed from the body unless it contains an escape.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shell<'a, O> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    api_version: Option<Text<'a>>,
    #[serde(borrow)]
    request: Option<Request<'a, O>>,
}

/// The fields of `request` that a review reads. `O` is the form of its objects.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a, O = RawIngress<'a>> {
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
    pub(super) object: Option<O>,
    pub(super) old_object: Option<O>,
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

impl<'a, O: Deserialize<'a>> Request<'a, O> {
    /// Parses the shell of a review of an object of one of these kinds.
    fn of_kinds(body: &'a [u8], kinds: &[Kind]) -> Result<(Kind, Self), Rejection> {
        let malformed = |error: &dyn std::fmt::Display| {
            Rejection::new("MalformedReview", format!("the body is not an AdmissionReview: {error}"))
        };
        // UTF-8 is validated once for the whole body, not string by string.
        let text = std::str::from_utf8(body).map_err(|error| malformed(&error))?;
        let shell: Shell<'a, O> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
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
        let is = |kind: &&Kind| {
            let of = |named: &GroupVersionKind<'_>| {
                (&*named.group, &*named.version, &*named.kind) == (kind.group(), "v1", kind.name())
            };
            request.kind.as_ref().is_some_and(of)
        };
        let Some(kind) = kinds.iter().find(is).copied() else {
            let kinds: Vec<String> = kinds.iter().map(|kind| format!("{}/v1 {kind}", kind.group())).collect();
            let kinds = kinds.join(" or ");
            let kinds = kinds.trim_start_matches('/');
            let message = format!("request.kind is not {kinds}: the rules of the webhook configuration are too broad");
            return Err(Rejection::new("WrongObject", message));
        };
        Ok((kind, request))
    }
}

impl<O> Request<'_, O> {
    pub(super) fn operation(&self) -> Operation {
        Operation::named(&self.operation.0)
    }

    pub(super) fn is_dry_run(&self) -> bool {
        self.dry_run.unwrap_or_default()
    }

    pub(super) fn user(&self) -> &str {
        self.user_info.as_ref().map(|user| &*user.username.0).unwrap_or_default()
    }

    pub(super) fn groups(&self) -> &[String] {
        self.user_info.as_ref().and_then(|user| user.groups.as_deref()).unwrap_or_default()
    }
}

impl<'a> Request<'a, &'a RawValue> {
    /// Parses the review of an object of one of these kinds.
    pub(super) fn of_other(body: &'a [u8], kinds: &[Kind]) -> Result<(Kind, Self), Rejection> {
        Self::of_kinds(body, kinds)
    }
}

impl<'a> Request<'a> {
    /// Parses the review of an Ingress.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Rejection> {
        Self::of_kinds(body, &[Kind::Ingress]).map(|(_, request)| request)
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
        let mut ingress = new.read(head).map_err(|error| malformed("request.object", &error))?;
        // In a dry run with `generateName` only the request has the namespace.
        if ingress.meta.key.namespace.is_empty() {
            ingress.meta.key.namespace = self.namespace.as_ref().map(|text| &*text.0).unwrap_or_default().into();
        }
        Ok(Some(ingress))
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

pub(super) fn present<'o, O>(field: &str, object: Option<&'o O>) -> Result<&'o O, Rejection> {
    object.ok_or_else(|| Rejection::new("MissingObject", format!("{field} is absent")))
}

pub(super) fn malformed(field: &str, error: &serde_json::Error) -> Rejection {
    Rejection::new("MalformedObject", format!("{field} cannot be read: {error}"))
}
