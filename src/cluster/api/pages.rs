//! Paginated lists, and objects in the JSON of the API server: shared by watches and single lists.

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
    #[error(transparent)]
    Api(kube::Error),
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
}

impl From<kube::Error> for ApiError {
    fn from(error: kube::Error) -> Self {
        match error {
            // In the API server's own words: the client would add the whole Status to them.
            kube::Error::Api(status) => Self::Status(status.code, status.message),
            error => Self::Api(error),
        }
    }
}

impl ApiError {
    /// The HTTP status that it came with.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Status(code, _) => Some(*code),
            _ => None,
        }
    }
}

/// An object that exists and cannot be read; of one without a name not even the name is known.
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
    /// How long one page may take.
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
    /// The objects of a kind at a URL path that some fields select, so many in a page.
    pub(crate) fn of(
        client: &Client,
        kind: Kind,
        (path, fields): (String, Option<String>),
        size: u32,
        patience: Duration,
    ) -> Self {
        let params = ListParams { field_selector: fields, ..ListParams::default() }.limit(size);
        Self { client: client.clone(), kind, path, patience, params: Some(params), version: None }
    }

    /// The next page; nothing after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Result<Object, Unreadable>>>, ApiError> {
        let Some(params) = self.params.take() else { return Ok(None) };
        let request = Request::new(self.path.as_str()).list(&params)?;
        // As text: the client would log an answer that it cannot read, Secrets and all.
        let text = timeout(self.patience, self.client.request_text(request)).await;
        let text = text.map_err(|_| ApiError::Silence)??;
        let page: Page<'_> = serde_json::from_str(&text)?;
        self.version = page.metadata.resource_version;
        let next = page.metadata.next.filter(|next| !next.is_empty());
        self.params = next.map(|next| params.continue_token(&next));
        Ok(Some(page.items.iter().flatten().map(|item| read(self.kind, item)).collect()))
    }

    /// The version of the whole list, once it has ended.
    pub(crate) fn version(self) -> Result<String, ApiError> {
        self.version.filter(|version| !version.is_empty()).ok_or(ApiError::NoVersion)
    }
}

/// Read an object; one that cannot be read is known to exist and nothing else.
pub(crate) fn read(kind: Kind, item: &RawValue) -> Result<Object, Unreadable> {
    Object::read(kind, item).map_err(|error| {
        let head = serde_json::from_str::<Head>(item.get()).ok();
        let key = head.map(|head| Key { namespace: head.metadata.namespace, name: head.metadata.name });
        Unreadable { key, error }
    })
}

/// Returns the field selector of a kind. Helm releases are Secrets of up to a megabyte each, and no controller reads one as a
/// certificate (section 5.2).
pub(crate) fn fields(kind: Kind) -> Option<String> {
    (kind == Kind::Secret).then(|| "type!=helm.sh/release.v1".to_owned())
}

/// The URL path of a kind, in one namespace or in all.
pub(crate) fn path(kind: Kind, namespace: Option<&str>) -> String {
    let root = match kind.group() {
        "" => format!("/api/{}", kind.version()),
        group => format!("/apis/{group}/{}", kind.version()),
    };
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{}", kind.plural()),
        None => format!("{root}/{}", kind.plural()),
    }
}
