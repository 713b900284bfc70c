//! Writes Events (`events.k8s.io/v1`) and reads those of earlier holders.

use std::collections::HashMap;
use std::hash::Hasher as _;
use std::time::Duration;

use fnv::FnvHasher;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{ObjectReference, Service};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, ListParams, ObjectList, Patch, PatchParams, PostParams};
use kube::core::Request;
use kube::{Client, Resource};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::announcement::{Announcement, Change, Earlier, Outcome, Regarding};
use crate::background::output::Output;
use crate::checks;
use crate::cluster::{ApiError, REPORTING_CONTROLLER};
use crate::model::Key;

/// The time limit of one request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Events in a page, and the most pages.
const PAGE: u32 = 500;
const PAGES: usize = 20;
/// The life of an Event after its last change (kube-apiserver's flag `--event-ttl`).
const LIFE: SignedDuration = SignedDuration::from_hours(1);
/// The namespace of Events on objects without one (`pkg/apis/core/validation/events.go`).
const DEFAULT_NAMESPACE: &str = "default";
/// The label with the check's code.
const CODE: &str = "ingress-guard.io/code";

/// Writes the Events of one holder of the Lease.
pub(super) struct Writer {
    client: Client,
    /// The name of the pod.
    instance: String,
    output: Output,
    /// The Events that exist, by namespace and name: their counts, and when they were written last.
    written: HashMap<Key, (i32, Timestamp)>,
}

impl Writer {
    pub(super) fn new(client: Client, instance: String, output: Output) -> Self {
        Self { client, instance, output, written: HashMap::new() }
    }

    /// Reads the Events of earlier holders, in pages. Users with rights in one namespace can create some that look like them:
    /// one that cannot be read is left out, and none is from the future.
    pub(super) async fn earlier(&mut self, now: Timestamp) -> Result<Vec<Earlier>, ApiError> {
        let mut params =
            ListParams::default().fields(&format!("reportingController={REPORTING_CONTROLLER}")).limit(PAGE);
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let request = Request::new(Event::url_path(&(), None)).list(&params)?;
            let page = within(self.client.request::<ObjectList<Value>>(request)).await?;
            let events = page.items.into_iter().filter_map(|event| serde_json::from_value(event).ok());
            found.extend(events.filter_map(|event| self.read(&event, now)));
            match page.metadata.continue_.filter(|next| !next.is_empty()) {
                Some(next) => params = params.continue_token(&next),
                None => return Ok(found),
            }
        }
        tracing::warn!(events = found.len(), "there are more Events than are read: some may be repeated");
        Ok(found)
    }

    /// Counts a failed list.
    pub(super) fn failed(&mut self, error: &ApiError) {
        self.output.failed(error);
    }

    /// Writes an Event, or continues its series if it exists.
    pub(super) async fn write(&mut self, announcement: &Announcement, now: Timestamp) -> Outcome {
        self.written.retain(|_, (_, at)| now.duration_since(*at) < LIFE);
        match self.try_write(announcement, now).await {
            Ok(outcome) => {
                if outcome == Outcome::Written {
                    self.output.written();
                }
                outcome
            }
            Err(error) if error.is_of_terminating_namespace() => Outcome::Unwanted,
            Err(error) => {
                self.output.failed(&error);
                Outcome::Failed
            }
        }
    }

    async fn try_write(&mut self, announcement: &Announcement, now: Timestamp) -> Result<Outcome, ApiError> {
        let uid = match self.uid(&announcement.regarding).await? {
            Some(Some(uid)) => uid,
            Some(None) => return Ok(Outcome::Unwanted),
            // The object that many problems share may be absent: that is the cause.
            None if matches!(announcement.regarding, Regarding::Ingress(_)) => return Ok(Outcome::Unwanted),
            None => String::new(),
        };
        let event = self.event(announcement, uid, now);
        let key = key_of(&event.metadata);
        let api = Api::<Event>::namespaced(self.client.clone(), &key.namespace);
        if let Some((count, _)) = self.written.get(&key) {
            let count = count.saturating_add(1);
            let series = json!({"series": {"count": count, "lastObservedTime": MicroTime(now)}});
            match within(api.patch(&key.name, &PatchParams::default(), &Patch::Merge(series))).await {
                Ok(_) => {
                    self.written.insert(key, (count, now));
                    return Ok(Outcome::Written);
                }
                // It has expired.
                Err(error) if error.code() == Some(404) => {}
                Err(error) => return Err(error),
            }
        }
        match within(api.create(&PostParams::default(), &event)).await {
            Ok(_) => {}
            // The response to an earlier attempt was lost, or another holder wrote it meanwhile.
            Err(error) if error.code() == Some(409) => {}
            Err(error) => return Err(error),
        }
        self.written.insert(key, (1, now));
        Ok(Outcome::Written)
    }

    /// Returns the uid of an object, by which `kubectl describe` selects Events. `None`: it does not exist; `Some(None)`: it is being
    /// deleted.
    async fn uid(&self, regarding: &Regarding) -> Result<Option<Option<String>>, ApiError> {
        let client = self.client.clone();
        let metadata = match regarding {
            Regarding::Ingress(key) => metadata(&Api::<Ingress>::namespaced(client, &key.namespace), &key.name).await,
            Regarding::Service(key) => metadata(&Api::<Service>::namespaced(client, &key.namespace), &key.name).await,
            Regarding::IngressClass(name) => metadata(&Api::<IngressClass>::all(client), name).await,
        };
        match metadata {
            Ok(metadata) if metadata.deletion_timestamp.is_some() => Ok(Some(None)),
            Ok(metadata) => Ok(Some(metadata.uid)),
            Err(error) if error.code() == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn event(&self, announcement: &Announcement, uid: String, now: Timestamp) -> Event {
        let regarding = reference(&announcement.regarding, uid);
        let namespace = regarding.namespace.clone().unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        let metadata = ObjectMeta {
            name: Some(name(&regarding, announcement)),
            namespace: Some(namespace),
            labels: Some([(CODE.to_owned(), announcement.code.to_owned())].into()),
            ..ObjectMeta::default()
        };
        Event {
            metadata,
            event_time: Some(MicroTime(now)),
            type_: Some(type_of(announcement.change).to_owned()),
            reason: Some(announcement.reason()),
            action: Some("EvaluateIngresses".to_owned()),
            note: Some(announcement.note.clone()),
            reporting_controller: Some(REPORTING_CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            regarding: Some(regarding),
            ..Event::default()
        }
    }

    /// Reads an Event of an earlier holder; `None`: it is not one about a check.
    fn read(&mut self, event: &Event, now: Timestamp) -> Option<Earlier> {
        let code = checks::find(event.metadata.labels.as_ref()?.get(CODE)?)?.code;
        let object = event.regarding.as_ref()?;
        let name = object.name.as_deref()?;
        let namespace = object.namespace.as_deref().unwrap_or_default();
        let regarding = match object.kind.as_deref()? {
            "Ingress" => Regarding::Ingress(Key::new(namespace, name)),
            "Service" => Regarding::Service(Key::new(namespace, name)),
            "IngressClass" => Regarding::IngressClass(name.into()),
            _ => return None,
        };
        let change = match event.type_.as_deref()? {
            "Warning" => Change::Broken,
            _ => Change::Healed,
        };
        let (count, at) = match &event.series {
            Some(series) => (series.count, series.last_observed_time.0),
            None => (1, event.event_time.as_ref()?.0),
        };
        let at = at.min(now);
        self.written.insert(key_of(&event.metadata), (count, at));
        Some(Earlier { regarding, code, change, at })
    }
}

async fn within<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, ApiError> {
    Ok(timeout(PATIENCE, request).await.map_err(|_| ApiError::Silence)??)
}

async fn metadata<K>(api: &Api<K>, name: &str) -> Result<ObjectMeta, ApiError>
where
    K: Resource + Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    Ok(within(api.get_metadata(name)).await?.metadata)
}

fn key_of(metadata: &ObjectMeta) -> Key {
    Key::new(metadata.namespace.as_deref().unwrap_or_default(), metadata.name.as_deref().unwrap_or_default())
}

fn type_of(change: Change) -> &'static str {
    match change {
        Change::Broken => "Warning",
        Change::Healed => "Normal",
    }
}

fn reference(regarding: &Regarding, uid: String) -> ObjectReference {
    let (api_version, kind, namespace, name) = match regarding {
        Regarding::Ingress(key) => ("networking.k8s.io/v1", "Ingress", Some(&key.namespace), &key.name),
        Regarding::Service(key) => ("v1", "Service", Some(&key.namespace), &key.name),
        Regarding::IngressClass(name) => ("networking.k8s.io/v1", "IngressClass", None, name),
    };
    ObjectReference {
        api_version: Some(api_version.to_owned()),
        kind: Some(kind.to_owned()),
        namespace: namespace.map(ToString::to_string),
        name: Some(name.to_string()),
        uid: Some(uid).filter(|uid| !uid.is_empty()),
        ..ObjectReference::default()
    }
}

/// Returns the name of an Event. It follows from the content, so that two holders cannot write the same Event twice.
fn name(regarding: &ObjectReference, announcement: &Announcement) -> String {
    let mut hasher = FnvHasher::default();
    let object = [regarding.kind.as_deref(), regarding.uid.as_deref()].map(Option::unwrap_or_default);
    for part in object.into_iter().chain([announcement.code, type_of(announcement.change), &announcement.note]) {
        hasher.write(part.as_bytes());
        hasher.write_u8(0);
    }
    // A name has at most 253 characters, and its parts end with a letter or a digit.
    let object = regarding.name.as_deref().unwrap_or_default();
    let object = object[..object.floor_char_boundary(230)].trim_end_matches(['-', '.']);
    format!("{object}.{:016x}", hasher.finish())
}
