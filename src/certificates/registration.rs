//! The `ValidatingWebhookConfiguration`: its entries that call the Service, and their caBundle.

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde_json::{Value, json};

use super::bundle::Bundle;
use super::service::ServiceName;
use crate::model::injects_ca;

/// The field manager of the caBundle and of the data of the Secret.
pub const FIELD_MANAGER: &str = "ingress-guard-certificates";

/// The path of webhook configurations.
pub(super) const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

/// The part of a webhook configuration that concerns certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    version: Option<String>,
    entries: Vec<Entry>,
    /// The annotation that gives the caBundle to another program.
    pub claim: Option<String>,
    /// The other program that wrote last, preferably the caBundle.
    pub other_manager: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: String,
    bundle: Bundle,
}

impl Registration {
    /// Reads the entries whose `clientConfig` is this Service.
    #[must_use]
    pub fn read(object: &ValidatingWebhookConfiguration, service: &ServiceName) -> Self {
        let webhooks = object.webhooks.iter().flatten().filter(|webhook| {
            let called = webhook.client_config.service.as_ref();
            called.is_some_and(|called| called.name == service.name && called.namespace == service.namespace)
        });
        let entries = webhooks.map(|webhook| Entry {
            name: webhook.name.clone(),
            bundle: webhook.client_config.ca_bundle.as_ref().map(|pem| Bundle::parse(&pem.0)).unwrap_or_default(),
        });
        let mut annotations = object.metadata.annotations.iter().flatten().map(|(key, _)| key);
        Self {
            version: object.metadata.resource_version.clone(),
            entries: entries.collect(),
            claim: annotations.find(|key| injects_ca(key)).cloned(),
            other_manager: other_manager(object.metadata.managed_fields.as_deref().unwrap_or_default()),
        }
    }

    /// Returns the caBundle of each entry.
    #[must_use]
    pub fn bundles(&self) -> Vec<Bundle> {
        self.entries.iter().map(|entry| entry.bundle.clone()).collect()
    }

    /// Returns the configuration for a server-side apply of this caBundle, and of nothing else. The API server refuses it if the
    /// object has changed since it was read.
    #[must_use]
    pub fn with_bundle(&self, name: &str, bundle: &Bundle) -> Value {
        let pem = k8s_openapi::ByteString(bundle.pem().into_bytes());
        let entry = |entry: &Entry| json!({"name": entry.name, "clientConfig": {"caBundle": pem}});
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name, "resourceVersion": self.version},
            "webhooks": self.entries.iter().map(entry).collect::<Vec<_>>(),
        })
    }
}

/// The manager of a caBundle; if none has one, the manager of the last write.
fn other_manager(managed: &[ManagedFieldsEntry]) -> Option<String> {
    let owns_bundle = |entry: &ManagedFieldsEntry| {
        let webhooks = entry.fields_v1.as_ref().and_then(|fields| fields.0["f:webhooks"].as_object());
        webhooks
            .is_some_and(|webhooks| webhooks.values().any(|fields| !fields["f:clientConfig"]["f:caBundle"].is_null()))
    };
    let time = |entry: &ManagedFieldsEntry| entry.time.as_ref().map(|time| time.0);
    let others = managed.iter().filter(|entry| entry.manager.as_deref() != Some(FIELD_MANAGER));
    others.max_by_key(|entry| (owns_bundle(entry), time(entry)))?.manager.clone()
}
