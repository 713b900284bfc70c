//! Lists of objects, and why a fact is unknown.

use std::fmt::Debug;

use kube::Api;
use kube::api::ListParams;
use serde::de::DeserializeOwned;

use crate::doctor::Fact;

/// Lists objects, at most those with these labels.
pub(super) async fn all<K>(api: &Api<K>, plural: &str, labels: Option<&str>) -> Fact<Vec<K>>
where
    K: Clone + Debug + DeserializeOwned,
{
    let params = labels.map_or_else(ListParams::default, |labels| ListParams::default().labels(labels));
    let list = api.list(&params).await.map_err(|error| reason(&format!("list {plural}"), &error))?;
    Ok(list.items)
}

/// Returns why a fact is unknown.
pub(super) fn reason(action: &str, error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == 403 => format!("you have no permission to {action}"),
        kube::Error::Api(status) => format!("cannot {action}: {}", status.message),
        error => format!("cannot {action}: {error}"),
    }
}
