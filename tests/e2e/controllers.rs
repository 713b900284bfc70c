//! Controllers as Helm installs them, in a namespace of discovery or of their IngressClass: version, ConfigMap, labels of namespaces
//! and rights are followed without a restart.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{self, Cluster};
use crate::objects::{class, ingress, service};
use crate::terminal::Terminal;
use crate::webhook::Webhook;

const SYSTEM: &str = "live-controllers-system";
const CONFIG: &str = "
profile: strict
discovery: {namespaces: [live-controllers-system]}
";

/// The Deployment of the Helm chart, without its status.
pub(crate) fn deployment(name: &str, tag: &str) -> Value {
    let labels = json!({"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": name});
    let args = [
        "/nginx-ingress-controller",
        "--publish-service=$(POD_NAMESPACE)/controller",
        "--controller-class=k8s.io/ingress-nginx",
        "--ingress-class=nginx",
        "--configmap=$(POD_NAMESPACE)/controller",
    ];
    let env = json!([{"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}]);
    let image = format!("registry.k8s.io/ingress-nginx/controller:{tag}");
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "controller", "image": image, "args": args, "env": env}]},
        }},
    })
}

/// A namespace with controllers.
pub(crate) struct System<'c>(pub(crate) Terminal<'c>);

impl<'c> System<'c> {
    pub(crate) fn create(cluster: &'c Cluster, namespace: &'static str) -> Self {
        cluster.kubectl(&["create", "namespace", namespace]).ok();
        Self(Terminal { cluster, namespace })
    }

    /// Stores a Deployment and returns when its rollout is complete. No kubelet runs: its pods are made ready here.
    fn runs(&self, name: &str, tag: &str) {
        self.runs_as(&deployment(name, tag));
    }

    pub(crate) fn runs_as(&self, deployment: &Value) {
        let name = deployment["metadata"]["name"].as_str().unwrap();
        let output = self.0.apply(&deployment.to_string());
        assert_eq!(output.code, 0, "{output}");
        self.0.cluster.wait("kube-controller-manager", Duration::from_secs(30), || {
            self.make_pods_ready(name);
            let status: Value = self.get(&["deployment", name]);
            let (generation, status) = (&status["metadata"]["generation"], &status["status"]);
            status["observedGeneration"] == *generation
                && ["replicas", "updatedReplicas", "availableReplicas"].iter().all(|field| status[*field] == 1)
        });
    }

    fn make_pods_ready(&self, name: &str) {
        let selector = format!("--selector=app.kubernetes.io/component={name}");
        let pods = self.get(&["pods", &selector]);
        let status = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        let patch = format!("--patch={status}");
        for pod in pods["items"].as_array().unwrap().iter().filter(|pod| pod["status"]["phase"] != "Running") {
            let pod = pod["metadata"]["name"].as_str().unwrap();
            // It may be gone by now.
            self.0.run(&["patch", "pod", pod, "--subresource=status", "--type=merge", &patch], "");
        }
    }

    fn get(&self, what: &[&str]) -> Value {
        let output = self.0.run(&[&["get", "--output=json"], what].concat(), "").ok();
        serde_json::from_str(&output).unwrap()
    }

    fn allows_snippets(&self, allowed: &str) {
        let patch = json!({"data": {"allow-snippet-annotations": allowed}}).to_string();
        self.0.does(&["patch", "configmap", "controller", "--type=merge", "--patch", &patch]);
    }

    /// Grants what the chart grants in a namespace of discovery.
    fn grants(&self, account: &str) {
        let verbs = ["--verb=get,list,watch", "--resource=deployments.apps,daemonsets.apps,pods"];
        self.0.does(&[&["create", "role", "controllers"], &verbs[..]].concat());
        let account = format!("--serviceaccount={account}:ingress-guard");
        self.0.does(&["create", "rolebinding", "controllers", "--role=controllers", &account]);
    }
}

/// The controller of RKE2's chart in a Helm release of its own, for namespaces with a label.
fn released(tag: &str) -> Value {
    let mut controller = deployment("controller", tag);
    let labels = json!({"app.kubernetes.io/name": "rke2-ingress-nginx", "app.kubernetes.io/component": "controller"});
    controller["metadata"]["labels"] = labels.clone();
    controller["spec"]["selector"]["matchLabels"] = labels.clone();
    let template = &mut controller["spec"]["template"];
    template["metadata"]["labels"] = labels;
    let selector = "--watch-namespace-selector=edge in (yes, true)";
    template["spec"]["containers"][0]["args"] =
        json!(["/nginx-ingress-controller", "--controller-class=example.com/released", selector]);
    controller
}

fn with_snippet(name: &str) -> Value {
    let mut ingress = ingress(name, "controllers", "web", 80);
    let snippet = "more_set_headers \"X-Frame-Options: DENY\";";
    ingress["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/configuration-snippet": snippet});
    ingress
}

#[test]
fn a_running_controller_is_discovered_and_followed() {
    let Some(cluster) = cluster::shared() else { return };
    if !cluster.needs_controllers("a_running_controller_is_discovered_and_followed") {
        return;
    }
    let system = System::create(&cluster, SYSTEM);
    system.0.does(&["create", "configmap", "controller", "--from-literal=allow-snippet-annotations=false"]);
    system.runs("controller", "v1.11.8");
    system.grants("live-controllers");
    let webhook = Webhook::watching(&cluster, "live-controllers", CONFIG);
    let terminal = Terminal { cluster: &cluster, namespace: "live-controllers" };
    terminal.stores(&[class("controllers"), service("web", &[80])]);
    let shows = |version: &str| {
        let line = format!("controller=\"k8s.io/ingress-nginx\",version=\"{version}\"");
        let is_of_class = |text: &str| text.contains("class=\"controllers\"") && text.contains(&line);
        webhook.wait(Duration::from_secs(30), || webhook.metrics().lines().any(is_of_class));
    };
    let refused = ["snippets are disabled", "[IG609"];
    terminal.refuses_in_the_end(&with_snippet("a"), &refused);
    shows("1.11.8");

    // A change of the ConfigMap, then of the image.
    system.allows_snippets("true");
    terminal.stores(&[with_snippet("a")]);
    system.runs("controller", "v1.15.1");
    shows("1.15.1");
    system.allows_snippets("false");
    terminal.refuses_in_the_end(&with_snippet("b"), &["[IG609"]);

    // A look-alike in another namespace changes nothing.
    let tenant = System::create(&cluster, "live-controllers-tenant");
    tenant.runs("controller", "v1.0.0");
    // A second Deployment of the same class with another version, then the old release scaled to 0.
    system.runs("old", "v1.11.8");
    shows("");
    system.0.does(&["scale", "deployment", "old", "--replicas=0"]);
    shows("1.15.1");

    // Without the rights, the version is unknown and the process stays ready.
    system.0.does(&["delete", "rolebinding", "controllers"]);
    webhook.wait(Duration::from_secs(20), || terminal.apply(&with_snippet("c").to_string()).code == 0);
    assert!(webhook.readiness().contains(" 200 OK"), "{}", webhook.readiness());
}

#[test]
fn a_controller_of_a_helm_release_is_followed_with_its_class_and_its_namespaces() {
    let Some(cluster) = cluster::shared() else { return };
    if !cluster.needs_controllers("a_controller_of_a_helm_release_is_followed_with_its_class_and_its_namespaces") {
        return;
    }
    let system = System::create(&cluster, "live-released-system");
    system.runs_as(&released("v1.15.1"));
    system.grants("live-released");
    let webhook =
        Webhook::watching(&cluster, "live-released", "{profile: strict, discovery: {namespaces: [live-released]}}");
    let terminal = Terminal { cluster: &cluster, namespace: "live-released" };
    let mut class = class("released");
    class["metadata"]["annotations"] = json!({"meta.helm.sh/release-namespace": "live-released-system"});
    class["spec"]["controller"] = json!("example.com/released");
    terminal.stores(&[class, service("web", &[80])]);
    let shows = |version: &str| {
        let line = format!("controller=\"example.com/released\",version=\"{version}\"");
        let is_of_class = |text: &str| text.contains("class=\"released\"") && text.contains(&line);
        webhook.wait(Duration::from_secs(30), || webhook.metrics().lines().any(is_of_class));
    };
    shows("1.15.1");

    // Another controller may handle the namespace, until it has the label.
    let refused = |name: &str| {
        let mut ingress = ingress(name, "released", "web", 80);
        ingress["metadata"]["annotations"] = json!({"nginx.ingress.kubernetes.io/ssl-ciphers": "NOPE"});
        ingress
    };
    terminal.warns(&refused("a"), "IG106");
    terminal.does(&["label", "namespace", "live-released", "edge=yes"]);
    terminal.refuses_in_the_end(&refused("b"), &["[IG611"]);

    // The class no longer names the namespace.
    terminal.does(&["annotate", "ingressclass", "released", "meta.helm.sh/release-namespace-"]);
    shows("");
    terminal.does(&["annotate", "ingressclass", "released", "meta.helm.sh/release-namespace=live-released-system"]);
    shows("1.15.1");
    // Without the rights, it is unknown and the process stays ready.
    system.0.does(&["delete", "rolebinding", "controllers"]);
    webhook.wait(Duration::from_secs(100), || terminal.apply(&refused("c").to_string()).code == 0);
    assert!(webhook.readiness().contains(" 200 OK"), "{}", webhook.readiness());
}
