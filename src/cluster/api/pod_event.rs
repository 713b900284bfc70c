//! Events on the pod of this process (`events.k8s.io/v1`), which `kubectl describe pod` shows.

use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use kube::api::PostParams;
use kube::core::Request;
use serde_json::json;
use tokio::time::timeout;

use super::pages::ApiError;

/// The name of this program in Events.
pub(crate) const REPORTING_CONTROLLER: &str = "ingress-guard.io/ingress-guard";
/// The time limit of one request.
const PATIENCE: Duration = Duration::from_secs(5);
/// The maximum length of a note in bytes (`pkg/apis/core/validation`).
const NOTE: usize = 1024;

/// The pod in which the process runs.
#[derive(Debug, Clone)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid, by which `kubectl describe pod` finds the Events of a pod.
    pub uid: String,
}

/// A change that an Event reports.
pub(crate) struct PodEvent<'a> {
    /// The reason, in CamelCase.
    pub(crate) reason: &'static str,
    /// Whether the change is a malfunction.
    pub(crate) is_warning: bool,
    /// The text.
    pub(crate) note: &'a str,
}

impl Pod {
    /// Creates an Event. It is a convenience: without the permission for it, nothing happens.
    pub(crate) async fn report(&self, client: &Client, event: &PodEvent<'_>) {
        let Self { namespace, name, uid } = self;
        let PodEvent { reason, is_warning, note } = event;
        let event = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event",
            "metadata": {"generateName": format!("{name}-"), "namespace": namespace},
            "eventTime": format!("{:.6}", Timestamp::now()),
            "type": if *is_warning { "Warning" } else { "Normal" },
            "reason": reason, "action": "EvaluateIngresses", "note": cut(note, NOTE),
            "reportingController": REPORTING_CONTROLLER, "reportingInstance": name,
            "regarding": {"apiVersion": "v1", "kind": "Pod", "namespace": namespace, "name": name, "uid": uid},
        });
        let path = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events");
        let created = async {
            let request = Request::new(path).create(&PostParams::default(), event.to_string().into_bytes());
            client.request_text(request.map_err(kube::Error::BuildRequest)?).await
        };
        match timeout(PATIENCE, created).await {
            Ok(Ok(_)) => {}
            Ok(Err(kube::Error::Api(status))) if status.code == 403 => {
                tracing::debug!("no permission to create Events");
            }
            Ok(Err(error)) => tracing::warn!(error = %ApiError::from(error), "cannot create an Event"),
            Err(_) => tracing::warn!(error = %ApiError::Silence, "cannot create an Event"),
        }
    }
}

/// Returns the first bytes of a text, at most `length`, without a part of a character.
fn cut(text: &str, length: usize) -> &str {
    &text[..text.floor_char_boundary(length)]
}
