//! Lists a cluster once, for commands: every kind in pages, a few kinds concurrently, read-only.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::Client;
use thiserror::Error;

use super::pages::{ApiError, Pages, Selection};
use crate::cluster::{Coverage, Inventory, Object};
use crate::model::{Key, Kind, Kinds};

/// Objects in a page.
const PAGE: u32 = 500;
/// The time limit of one page.
const PATIENCE: Duration = Duration::from_mins(1);
/// The number of kinds that are listed concurrently.
const AT_ONCE: usize = 4;
/// The number of attempts for a list whose `continue` token expires.
const ATTEMPTS: usize = 3;

/// An error while listing a cluster.
#[derive(Debug, Error)]
#[error("cannot list {}: {source}", kind.plural())]
pub struct ListError {
    kind: Kind,
    source: ApiError,
}

impl ListError {
    /// The API server rejects the credentials (401).
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.source.code() == Some(401)
    }
}

/// The list of one kind.
struct Listed {
    kind: Kind,
    coverage: Coverage,
    objects: Vec<Object>,
    unreadable: Vec<Key>,
}

/// Lists these kinds. A kind that RBAC forbids is [`Coverage::Forbidden`], or [`Coverage::OneNamespace`] if that of a given
/// namespace may be read; a custom kind that the cluster does not have has no objects; an unreadable object is recorded as
/// existing.
///
/// # Errors
/// If the API server cannot be reached, rejects the credentials, or fails.
pub async fn list(client: &Client, kinds: Kinds, namespace: Option<&str>) -> Result<Inventory, ListError> {
    let lists = stream::iter(kinds.iter()).map(|kind| async move {
        list_kind(client, kind, namespace).await.map_err(|source| ListError { kind, source })
    });
    let mut inventory = Inventory::default();
    let mut lists = lists.buffer_unordered(AT_ONCE);
    while let Some(Listed { kind, coverage, objects, unreadable }) = lists.try_next().await? {
        inventory.cover(kind, coverage);
        for object in objects {
            inventory.apply(object);
        }
        for key in unreadable {
            inventory.apply_unreadable(kind, key);
        }
    }
    Ok(inventory)
}

async fn list_kind(client: &Client, kind: Kind, namespace: Option<&str>) -> Result<Listed, ApiError> {
    let everywhere = list_in(client, kind, None).await?;
    match namespace.filter(|_| everywhere.coverage == Coverage::Forbidden && kind.is_namespaced()) {
        Some(namespace) => list_in(client, kind, Some(namespace)).await,
        None => Ok(everywhere),
    }
}

async fn list_in(client: &Client, kind: Kind, namespace: Option<&str>) -> Result<Listed, ApiError> {
    let nothing = |coverage| Listed { kind, coverage, objects: Vec::new(), unreadable: Vec::new() };
    for attempt in 1.. {
        match all_pages(client, kind, namespace).await {
            Err(error) if error.code() == Some(403) => return Ok(nothing(Coverage::Forbidden)),
            Err(error) if error.code() == Some(404) && kind.is_custom() => return Ok(nothing(Coverage::Complete)),
            Err(error) if error.code() == Some(410) && attempt < ATTEMPTS => {}
            outcome => return outcome,
        }
    }
    Ok(nothing(Coverage::NotSynced))
}

async fn all_pages(client: &Client, kind: Kind, namespace: Option<&str>) -> Result<Listed, ApiError> {
    let coverage = if namespace.is_some() { Coverage::OneNamespace } else { Coverage::Complete };
    let mut listed = Listed { kind, coverage, objects: Vec::new(), unreadable: Vec::new() };
    let mut pages = Pages::of(client, kind, Selection::all(kind, namespace), PAGE, PATIENCE);
    while let Some(page) = pages.next().await? {
        for object in page {
            match object {
                Ok(object) => listed.objects.push(object),
                Err(unreadable) => listed.unreadable.extend(unreadable.key),
            }
        }
    }
    Ok(listed)
}
