//! Controllers in the namespaces of discovery: their version, flags and ConfigMap are followed. All of it is optional.

use std::sync::LazyLock;

use ingress_guard::cluster::{ClusterState, ClusterView, LiveReads};
use ingress_guard::config::Config;
use ingress_guard::model::Kind;
use serde_json::{Value, json};

use super::api::Api;
use super::confirm::{Guarded, cluster, in_shop};
use crate::admission::{create, spec};
use crate::pages::now;
use crate::server::client::eventually;

/// A Deployment as Helm renders it, with a complete rollout.
fn controller(namespace: &str, tag: &str) -> Value {
    let labels = json!({"app.kubernetes.io/name": "ingress-nginx"});
    let args = ["/nginx-ingress-controller", "--configmap=$(POD_NAMESPACE)/controller"];
    let env = json!([{"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}]);
    let image = format!("registry.k8s.io/ingress-nginx/controller:{tag}");
    json!({
        "metadata": {"name": "controller", "namespace": namespace, "labels": labels, "generation": 1},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "controller", "image": image, "args": args, "env": env}]},
        }},
        "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1},
    })
}

fn snippets(allowed: &str) -> Value {
    let metadata = json!({"name": "controller", "namespace": "ingress-nginx"});
    json!({"metadata": metadata, "data": {"allow-snippet-annotations": allowed}})
}

fn with_snippet() -> Value {
    let annotations = json!({"nginx.ingress.kubernetes.io/configuration-snippet": "more_set_headers \"X: y\";"});
    in_shop(create(annotations, spec(&[("/", "web", 80)])))
}

impl Guarded {
    /// Returns the version of the controller of class `nginx`; empty: unknown.
    fn version(&self) -> String {
        static NOTHING: LazyLock<LiveReads> = LazyLock::new(LiveReads::default);
        let store = self.inventory.load();
        let view = ClusterView::unrestricted(ClusterState { store: &store, live_reads: &NOTHING, now: now() });
        let known = Config::default().settings.dialects.observed_controllers(&view);
        known[0].version.map(|version| version.to_string()).unwrap_or_default()
    }

    /// Returns whether the controller of class `nginx` allows snippets; `None`: unknown.
    fn allows_snippets(&self) -> Option<bool> {
        let (store, live_reads) = (self.inventory.load(), LiveReads::default());
        let view = ClusterView::unrestricted(ClusterState { store: &store, live_reads: &live_reads, now: now() });
        let dialects = Config::default().settings.dialects.with_observed_settings(&view);
        dialects.of_class("nginx", "k8s.io/ingress-nginx", "").allows_snippets()
    }

    async fn has_version(&self, version: &str) {
        eventually(&format!("version {version:?}"), async || self.version() == version).await;
    }

    async fn refuses_snippets(&self, codes: &[&str]) {
        eventually(&format!("{codes:?}"), async || self.ask(&with_snippet()).await.codes().1 == codes).await;
    }
}

async fn guarded(api: Api) -> Guarded {
    let guarded = Guarded::over(api, "profile: strict");
    guarded.is_ready().await;
    guarded
}

#[tokio::test]
async fn version_and_settings_of_the_running_controller_are_followed() {
    let api = cluster().await;
    api.put("deployments", controller("ingress-nginx", "v1.11.8"));
    api.put("configmaps", snippets("false"));
    let guarded = guarded(api).await;
    guarded.has_version("1.11.8").await;
    guarded.refuses_snippets(&["IG609"]).await;
    assert!(
        guarded.gets().contains(&"get deployments ingress-nginx/controller".to_owned()),
        "a denial reads its evidence"
    );
    guarded.api.put("configmaps", snippets("true"));
    guarded.refuses_snippets(&[]).await;
    guarded.api.put("deployments", controller("ingress-nginx", "v1.15.1"));
    guarded.has_version("1.15.1").await;
    // A second controller of the same class with another version.
    guarded.api.put("deployments", controller("kube-system", "v1.11.8"));
    guarded.has_version("").await;
    let mut idle = controller("kube-system", "v1.11.8");
    idle["spec"]["replicas"] = json!(0);
    guarded.api.put("deployments", idle);
    guarded.has_version("1.15.1").await;
    guarded.api.delete("deployments", "ingress-nginx", "controller");
    guarded.has_version("").await;
}

#[tokio::test]
async fn settings_are_kept_while_the_api_server_fails() {
    let api = cluster().await;
    api.put("deployments", controller("ingress-nginx", "v1.15.1"));
    api.put("configmaps", snippets("true"));
    let guarded = guarded(api).await;
    eventually("settings", async || guarded.allows_snippets() == Some(true)).await;
    guarded.api.break_gets("configmaps", 500);
    let reads = || guarded.gets().iter().filter(|get| get.contains("configmaps ingress-nginx/controller")).count();
    let before = reads();
    eventually("failed reads", async || reads() > before + 3).await;
    assert_eq!(guarded.allows_snippets(), Some(true));
}

#[tokio::test]
async fn a_look_alike_of_a_tenant_is_not_read() {
    let api = cluster().await;
    api.put("deployments", controller("tenant", "v1.0.0"));
    api.put("deployments", controller("ingress-nginx", "v1.15.1"));
    let guarded = guarded(api).await;
    guarded.has_version("1.15.1").await;
    assert_eq!(guarded.inventory.load().count(Kind::Deployment), 1);
    guarded.api.delete("deployments", "ingress-nginx", "controller");
    guarded.has_version("").await;
}

#[tokio::test]
async fn without_rights_the_controller_is_unknown_and_the_process_ready() {
    let api = cluster().await;
    for resource in ["deployments", "daemonsets", "pods"] {
        api.forbid(resource, true);
    }
    api.put("deployments", controller("ingress-nginx", "v1.15.1"));
    let guarded = guarded(api).await;
    assert_eq!(guarded.version(), "");
    assert_eq!(guarded.notes(), Vec::<String>::new(), "a cluster may withhold these rights on purpose");
    // Whether snippets are allowed is unknown.
    guarded.ask(&with_snippet()).await.assert(&[], &[]);
}
