//! The `ValidatingWebhookConfiguration` of a test: `deploy/webhook.yaml` with other URLs, for one namespace.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::cluster::Cluster;

/// The webhook configuration of one namespace.
pub(crate) struct Registration<'c> {
    cluster: &'c Cluster,
    namespace: &'static str,
    /// Change it, then call [`Self::replace`] to store it.
    pub(crate) object: Value,
}

impl<'c> Registration<'c> {
    /// Registers a webhook at each of these URLs; `authorities` (PEM) sign the certificates of all of them.
    pub(crate) fn new(cluster: &'c Cluster, namespace: &'static str, urls: &[String], authorities: &str) -> Self {
        let mut object: Value = serde_saphyr::from_str(include_str!("../../deploy/webhook.yaml")).unwrap();
        object["metadata"] = json!({"name": format!("ingress-guard-{namespace}")});
        let webhook = &mut object["webhooks"][0];
        let namespaces = webhook["namespaceSelector"]["matchExpressions"].as_array_mut().unwrap();
        namespaces.push(json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": [namespace]}));
        let webhook = webhook.clone();
        let webhooks = urls.iter().enumerate().map(|(number, url)| {
            let mut webhook = webhook.clone();
            webhook["clientConfig"] = json!({"url": url});
            if number > 0 {
                webhook["name"] = json!(format!("validate-{number}.ingress-guard.io"));
            }
            webhook
        });
        object["webhooks"] = webhooks.collect();
        let mut registration = Self { cluster, namespace, object };
        registration.trust(authorities);
        registration
    }

    /// Accepts servers with a certificate of one of these authorities (PEM).
    pub(crate) fn trust(&mut self, authorities: &str) {
        self.each("/clientConfig/caBundle", &json!(BASE64_STANDARD.encode(authorities)));
    }

    /// Fails closed: no Ingress is stored without a review.
    pub(crate) fn fail_closed(&mut self) {
        self.each("/failurePolicy", &json!("Fail"));
    }

    /// Sets a field of every webhook in the configuration.
    pub(crate) fn each(&mut self, at: &str, value: &Value) {
        let (parent, field) = at.rsplit_once('/').unwrap();
        for webhook in self.object["webhooks"].as_array_mut().unwrap() {
            webhook.pointer_mut(parent).unwrap()[field] = value.clone();
        }
    }

    /// Stores the configuration and returns when `is_called` reports a review of an Ingress with the name probe.
    pub(crate) fn create(&self, is_called: impl Fn() -> bool) {
        self.cluster.kubectl_with_stdin(&["create", "--filename=-"], &self.object.to_string()).ok();
        // kube-apiserver notices the new configuration through a watch, some time after it was stored.
        let namespace = format!("--namespace={}", self.namespace);
        let probe = ["create", "ingress", "probe", "--rule=probe/*=probe:80", "--dry-run=server", &namespace];
        self.cluster.wait("kube-apiserver", Duration::from_secs(20), || {
            self.cluster.kubectl(&probe).ok();
            is_called()
        });
    }

    /// Stores the current configuration; kube-apiserver notices it some time later.
    pub(crate) fn replace(&self) {
        self.cluster.kubectl_with_stdin(&["replace", "--filename=-"], &self.object.to_string()).ok();
    }
}
