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

/// The IngressClass `nginx`, as Helm installs it in a namespace.
fn released(namespace: &str) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
           "metadata": {"name": "nginx", "annotations": {"meta.helm.sh/release-namespace": namespace}},
           "spec": {"controller": "k8s.io/ingress-nginx"}})
}

#[tokio::test]
async fn the_namespace_of_the_helm_release_is_watched_while_an_ingress_class_names_it() {
    let api = cluster().await;
    api.put("deployments", controller("edge", "v1.11.8"));
    let guarded = guarded(api).await;
    assert_eq!(guarded.version(), "");
    guarded.api.put("ingressclasses", released("edge"));
    guarded.has_version("1.11.8").await;
    let of_edge = || {
        let watches = guarded.status.watches().into_iter();
        watches.filter(|watch| watch.only.as_ref().is_some_and(|key| *key.namespace == *"edge")).count()
    };
    assert_eq!(of_edge(), 3);
    guarded.api.put("deployments", controller("edge", "v1.15.1"));
    guarded.has_version("1.15.1").await;
    // A text that is not a name is never part of a request.
    guarded.api.put("ingressclasses", released("../../pods"));
    guarded.has_version("").await;
    eventually("the objects are gone", async || guarded.inventory.load().count(Kind::Deployment) == 0).await;
    assert_eq!(of_edge(), 0);
    guarded.api.put("ingressclasses", released("edge"));
    guarded.has_version("1.15.1").await;
}

#[tokio::test]
async fn a_release_that_cannot_be_read_leaves_its_controllers_unknown() {
    let api = cluster().await;
    api.put("deployments", controller("ingress-nginx", "v1.11.8"));
    let guarded = guarded(api).await;
    guarded.has_version("1.11.8").await;
    // At most eight namespaces are followed, in the order of their names.
    for n in 0..9 {
        let mut class = released(&format!("edge-{n}"));
        class["metadata"]["name"] = json!(format!("edge-{n}"));
        guarded.api.put("ingressclasses", class);
    }
    guarded.has_version("").await;
    guarded.api.delete("ingressclasses", "", "edge-3");
    guarded.has_version("1.11.8").await;
}

#[tokio::test]
async fn controllers_are_watched_by_the_labels_of_their_charts() {
    let api = cluster().await;
    let mut rke2 = controller("kube-system", "v1.14.3-hardened1");
    rke2["metadata"]["labels"] = json!({"app.kubernetes.io/name": "rke2-ingress-nginx"});
    api.put("daemonsets", rke2.clone());
    let mut other = controller("kube-system", "v1.11.8");
    other["metadata"]["labels"] = json!({"app": "edge"});
    other["metadata"]["name"] = json!("other");
    api.put("deployments", other);
    let mut managed = controller("app-routing-system", "v1.13.9");
    managed["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "aks-app-routing-operator"});
    api.put("deployments", managed);
    let guarded = guarded(api).await;
    eventually("the DaemonSet", async || guarded.inventory.load().count(Kind::DaemonSet) == 1).await;
    assert_eq!(guarded.inventory.load().count(Kind::Deployment), 0);
    let mut class = released("");
    class["metadata"] = json!({"name": "routing"});
    class["spec"]["controller"] = json!("webapprouting.kubernetes.azure.com/nginx");
    guarded.api.put("ingressclasses", class);
    eventually("the managed controller", async || guarded.inventory.load().count(Kind::Deployment) == 1).await;

    let api = cluster().await;
    api.put("daemonsets", rke2);
    let edge = Guarded::over(api, "discovery: {selector: 'app in (edge, gate)'}");
    edge.is_ready().await;
    let mut other = controller("kube-system", "v1.11.8");
    other["metadata"]["labels"] = json!({"app": "edge"});
    edge.api.put("deployments", other);
    edge.has_version("1.11.8").await;
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
    assert_eq!(guarded.notes(), Vec::<String>::new(), "neither namespace exists");
    // A cluster may withhold these rights on purpose, and the operator sees why the version is unknown.
    let note = |namespace| {
        format!("namespace {namespace}: no permission to read its controllers; their versions and settings are unknown")
    };
    for (n, namespace) in ["ingress-nginx", "kube-system"].into_iter().enumerate() {
        guarded.api.put("namespaces", json!({"metadata": {"name": namespace}}));
        eventually("a note", async || guarded.notes().get(n) == Some(&note(namespace))).await;
    }
    assert_eq!((guarded.notes().len(), guarded.missing()), (2, Vec::new()));
    // Whether snippets are allowed is unknown.
    guarded.ask(&with_snippet()).await.assert(&[], &[]);
}
