//! Discovery: whether the cluster has a kind at all.

use std::time::Duration;

use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::pages::{ApiError, root};
use crate::model::Kind;

/// The time limit of one question.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Named>,
}

#[derive(Deserialize)]
struct Resources {
    resources: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Returns whether discovery says that the cluster does not have a kind: it lists groups without that of the kind, or the group
/// without the kind. An error says nothing, and neither does a 404 for everything.
pub(crate) async fn is_gone(client: &Client, kind: Kind) -> bool {
    let Ok(Groups { groups }) = get(client, "/apis").await else { return false };
    if groups.iter().all(|group| group.name != kind.group()) {
        return true;
    }
    match get::<Resources>(client, &root(kind)).await {
        Ok(Resources { resources }) => resources.iter().all(|resource| resource.name != kind.plural()),
        Err(error) => error.code() == Some(404),
    }
}

async fn get<T: DeserializeOwned>(client: &Client, path: &str) -> Result<T, ApiError> {
    let request = Request::new(path).list(&ListParams::default())?;
    let text = timeout(PATIENCE, client.request_text(request)).await.map_err(|_| ApiError::Silence)??;
    Ok(serde_json::from_str(&text)?)
}
