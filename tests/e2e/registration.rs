//! Telling kube-apiserver whom to ask: what `deploy/webhook.yaml` says, at other addresses and for one namespace.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::cluster::Cluster;

/// What is said of the webhook of one namespace.
pub(crate) struct Registration<'c> {
    cluster: &'c Cluster,
    namespace: &'static str,
    /// Change it and [`Self::replace`] the one that is stored.
    pub(crate) object: Value,
}

impl<'c> Registration<'c> {
    /// Of a webhook at these URLs, asked at each of them; `authorities` (PEM) sign for all of them.
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

    /// Whoever is signed for by one of these (PEM) may answer.
    pub(crate) fn trust(&mut self, authorities: &str) {
        self.each("/clientConfig/caBundle", &json!(BASE64_STANDARD.encode(authorities)));
    }

    /// Nothing is stored that was not judged.
    pub(crate) fn fail_closed(&mut self) {
        self.each("/failurePolicy", &json!("Fail"));
    }

    /// Say the same of every webhook in it.
    pub(crate) fn each(&mut self, at: &str, value: &Value) {
        let (parent, field) = at.rsplit_once('/').unwrap();
        for webhook in self.object["webhooks"].as_array_mut().unwrap() {
            webhook.pointer_mut(parent).unwrap()[field] = value.clone();
        }
    }

    /// Store it; returns when `is_asked` says that the webhook was asked about an Ingress called probe.
    pub(crate) fn create(&self, is_asked: impl Fn() -> bool) {
        self.cluster.kubectl_with_stdin(&["create", "--filename=-"], &self.object.to_string()).ok();
        // kube-apiserver learns of it by a watch of its own, some time after it was stored.
        let namespace = format!("--namespace={}", self.namespace);
        let probe = ["create", "ingress", "probe", "--rule=probe/*=probe:80", "--dry-run=server", &namespace];
        self.cluster.wait("kube-apiserver", Duration::from_secs(20), || {
            self.cluster.kubectl(&probe).ok();
            is_asked()
        });
    }

    /// Store what it is now; kube-apiserver learns of it some time after.
    pub(crate) fn replace(&self) {
        self.cluster.kubectl_with_stdin(&["replace", "--filename=-"], &self.object.to_string()).ok();
    }
}
