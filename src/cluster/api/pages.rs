//! Paginated lists, and objects in the JSON of the API server: shared by watches and single lists.

use std::error::Error;
use std::time::Duration;

use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::timeout;

use crate::cluster::Object;
use crate::model::{Key, Kind};

/// An error of the API server, or an unusable response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("{}", with_causes(.0))]
    Client(kube::Error),
    #[error("the response cannot be parsed: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("the connection failed: {0}")]
    Broken(#[from] std::io::Error),
    #[error("{1} ({0})")]
    Status(u16, String),
    #[error("the request cannot be created: {0}")]
    Request(#[from] kube::core::request::Error),
    #[error("the API server does not respond")]
    Silence,
    #[error("the watch was closed immediately")]
    Cut,
    #[error("the list has no resourceVersion")]
    NoVersion,
    #[error("the inventory accepts no changes any more")]
    Stopped,
}

impl From<kube::Error> for ApiError {
    fn from(error: kube::Error) -> Self {
        match error {
            // Only the message of the API server: the client would add the whole Status.
            kube::Error::Api(status) => Self::Status(status.code, status.message),
            error => Self::Client(error),
        }
    }
}

impl ApiError {
    /// Returns the HTTP status of the error.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Status(code, _) => Some(*code),
            _ => None,
        }
    }

    /// Returns whether an object cannot be created because its namespace is being deleted (the admission plugin `NamespaceLifecycle`).
    pub(crate) fn is_of_terminating_namespace(&self) -> bool {
        matches!(self, Self::Status(403, message) if message.ends_with("because it is being terminated"))
    }

    /// Returns whether the API server was not reached, or its connection broke.
    pub(crate) fn is_of_connection(&self) -> bool {
        matches!(self, Self::Client(_) | Self::Broken(_) | Self::Silence)
    }
}

/// An object that exists and cannot be parsed; its name may be unknown too.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) key: Option<Key>,
    pub(crate) error: serde_json::Error,
}

/// The list of one kind, page by page.
pub(crate) struct Pages {
    client: Client,
    kind: Kind,
    path: String,
    /// The time limit of one page.
    patience: Duration,
    /// The `continue` token of the next page; `None` after the last one.
    params: Option<ListParams>,
    version: Option<String>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    metadata: PageMeta,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PageMeta {
    resource_version: Option<String>,
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// The part of an object that is read even if the rest is invalid.
#[derive(Deserialize)]
pub(crate) struct Head {
    pub(crate) metadata: HeadMeta,
}

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
pub(crate) struct HeadMeta {
    name: Box<str>,
    namespace: Box<str>,
    pub(crate) resource_version: Option<String>,
}

impl Pages {
    /// Creates the paginated list of the selected objects of a kind, with `size` objects per page.
    pub(crate) fn of(client: &Client, kind: Kind, selection: Selection, size: u32, patience: Duration) -> Self {
        let Selection { path, fields, labels } = selection;
        let params = ListParams { field_selector: fields, label_selector: labels, ..ListParams::default() }.limit(size);
        Self { client: client.clone(), kind, path, patience, params: Some(params), version: None }
    }

    /// Returns the next page; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Result<Object, Unreadable>>>, ApiError> {
        let Some(params) = self.params.take() else { return Ok(None) };
        let request = Request::new(self.path.as_str()).list(&params)?;
        // As text: the client would log a response that it cannot parse, including Secrets.
        let text = timeout(self.patience, self.client.request_text(request)).await;
        let text = text.map_err(|_| ApiError::Silence)??;
        let page: Page<'_> = serde_json::from_str(&text)?;
        self.version = page.metadata.resource_version;
        let next = page.metadata.next.filter(|next| !next.is_empty());
        self.params = next.map(|next| params.continue_token(&next));
        Ok(Some(page.items.iter().flatten().map(|item| read(self.kind, item)).collect()))
    }

    /// Returns whether the last page was read.
    pub(crate) fn is_complete(&self) -> bool {
        self.params.is_none()
    }

    /// Returns the resourceVersion of the list after its last page.
    pub(crate) fn version(self) -> Result<String, ApiError> {
        self.version.filter(|version| !version.is_empty()).ok_or(ApiError::NoVersion)
    }
}

/// Parses an object. Only the existence of an unreadable object is known.
pub(crate) fn read(kind: Kind, item: &RawValue) -> Result<Object, Unreadable> {
    Object::read(kind, item).map_err(|error| {
        let head = serde_json::from_str::<Head>(item.get()).ok();
        let key = head.map(|head| Key { namespace: head.metadata.namespace, name: head.metadata.name });
        Unreadable { key, error }
    })
}

/// The objects of one kind that a list or a watch returns.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    /// The URL path.
    pub(crate) path: String,
    /// The field selector.
    pub(crate) fields: Option<String>,
    /// The label selector.
    pub(crate) labels: Option<String>,
}

impl Selection {
    /// Every object of a kind, in one namespace or in all.
    pub(crate) fn all(kind: Kind, namespace: Option<&str>) -> Self {
        Self { path: path(kind, namespace), fields: fields(kind), labels: None }
    }

    /// One object; with an empty name, every object of the namespace.
    pub(crate) fn only(kind: Kind, key: &Key) -> Self {
        let fields = (!key.name.is_empty()).then(|| format!("metadata.name={}", key.name));
        Self { path: path(kind, Some(&key.namespace)), fields, labels: None }
    }
}

/// Returns the field selector of a kind. Helm releases are Secrets of up to a megabyte each, and no controller reads one as a
/// certificate (section 5.2).
fn fields(kind: Kind) -> Option<String> {
    (kind == Kind::Secret).then(|| "type!=helm.sh/release.v1".to_owned())
}

/// Returns the URL path of a kind, in one namespace or in all.
pub(crate) fn path(kind: Kind, namespace: Option<&str>) -> String {
    let root = root(kind);
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{}", kind.plural()),
        None => format!("{root}/{}", kind.plural()),
    }
}

/// Returns the URL path of the group and version of a kind.
pub(crate) fn root(kind: Kind) -> String {
    match kind.group() {
        "" => format!("/api/{}", kind.version()),
        group => format!("/apis/{group}/{}", kind.version()),
    }
}

/// Returns an error with its causes, outermost first. Causes that the text already contains are left out.
fn with_causes(error: &kube::Error) -> String {
    let error: &(dyn Error + 'static) = match error {
        // The type of the client's own wrapper says nothing.
        kube::Error::Service(error) => &**error,
        error => error,
    };
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
