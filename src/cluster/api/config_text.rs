//! The text of one key of a ConfigMap, read by name.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use kube::Client;
use kube::api::GetParams;
use kube::core::Request;
use serde::Deserialize;
use tokio::time::timeout;

use super::pages::{ApiError, path};
use crate::model::{Key, Kind};

/// The time limit of one read.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads one key of one ConfigMap from etcd.
pub struct ConfigMapText {
    client: Client,
    config_map: Key,
    key: String,
}

/// The part of a ConfigMap that is read.
#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    data: Option<BTreeMap<String, String>>,
}

impl fmt::Debug for ConfigMapText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigMapText({} {})", self.config_map, self.key)
    }
}

impl ConfigMapText {
    /// Reads this key of a ConfigMap.
    #[must_use]
    pub fn new(client: Client, config_map: Key, key: String) -> Self {
        Self { client, config_map, key }
    }

    /// Returns the text.
    ///
    /// # Errors
    /// If the API server does not answer within two seconds, refuses the read, or the key is absent.
    pub async fn read(&self) -> Result<String, String> {
        let Key { namespace, name } = &self.config_map;
        let request = Request::new(path(Kind::ConfigMap, Some(namespace))).get(name, &GetParams::default());
        let request = request.map_err(|error| error.to_string())?;
        let read = timeout(PATIENCE, self.client.request_text(request)).await;
        let text = read
            .map_err(|_| "the API server did not answer".to_owned())?
            .map_err(|error| ApiError::from(error).to_string())?;
        let wire: Wire = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        wire.data.and_then(|mut data| data.remove(&self.key)).ok_or_else(|| format!("it has no key {:?}", self.key))
    }
}
