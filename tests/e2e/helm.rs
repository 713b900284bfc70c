//! The chart in a real API server: install, upgrade, rollback and uninstall. kube-apiserver reaches the webhook by the name of its
//! Service, so that the Service, the certificate and `caBundle` have to fit.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::cluster::{self, Cluster, Output};
use crate::explain;
use crate::kubelet;
use crate::objects::{class, ingress, secret, service};
use crate::skipped::skipped;
use crate::terminal::Terminal;

/// Enough time for a change to arrive, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// The path of Helm; `None`: the test is skipped.
pub(crate) fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join("go/bin"));
    let found = std::env::split_paths(&path).chain(home).map(|folder| folder.join("helm")).find(|path| path.is_file());
    if found.is_none() {
        skipped("the chart in a cluster: helm not found");
    }
    found
}

/// A release of the chart with the name `ingress-guard`.
pub(crate) struct Release<'c> {
    helm: PathBuf,
    cluster: &'c Cluster,
    namespace: &'static str,
    /// The values of the next install or upgrade.
    pub(crate) values: Value,
}

impl<'c> Release<'c> {
    /// A release that is not installed yet. Its webhook evaluates the namespace `target`; its certificate is signed by the authority of
    /// the cluster.
    pub(crate) fn new(helm: PathBuf, cluster: &'c Cluster, namespace: &'static str, target: &'static str) -> Self {
        for namespace in [namespace, target] {
            cluster.kubectl(&["create", "namespace", namespace]).ok();
        }
        let pair = cluster.authority().server_for(&[&format!("ingress-guard.{namespace}.svc")]);
        Terminal { cluster, namespace }.stores(&[secret("serving", &pair)]);
        let values = json!({
            "certificate": {
                "mode": "existingSecret",
                "existingSecret": "serving",
                "caBundle": BASE64_STANDARD.encode(cluster.authority().certificate()),
            },
            "webhook": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": target}}},
        });
        Self { helm, cluster, namespace, values }
    }

    /// Runs `helm`, as a cluster administrator.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let folder = self.cluster.supervisor().folder();
        let output = Command::new(&self.helm)
            .args(arguments)
            .arg(format!("--namespace={}", self.namespace))
            .current_dir(folder)
            .env_clear()
            .env("HOME", folder.join("helm"))
            .env("KUBECONFIG", self.cluster.admin())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Output { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs `helm install` or `helm upgrade` with the values; returns the notes.
    #[track_caller]
    pub(crate) fn apply(&self, command: &str) -> String {
        let values =
            self.cluster.supervisor().write(&format!("{}/values.json", self.namespace), self.values.to_string());
        let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/chart");
        let output = self.run(&[command, "ingress-guard", chart, &format!("--values={}", values.display())]);
        // The API server warns about fields that it does not know, and about pods that violate the Pod Security Standard.
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output}");
        output.stdout
    }

    /// The objects of the release, with their kinds; cluster-scoped ones as well.
    pub(crate) fn objects(&self) -> Vec<String> {
        let namespaced = "serviceaccounts,configmaps,services,deployments.apps,poddisruptionbudgets.policy,\
                          roles.rbac.authorization.k8s.io,rolebindings.rbac.authorization.k8s.io";
        let wide = "clusterroles.rbac.authorization.k8s.io,clusterrolebindings.rbac.authorization.k8s.io,\
                    validatingadmissionpolicies.admissionregistration.k8s.io,\
                    validatingadmissionpolicybindings.admissionregistration.k8s.io,\
                    validatingwebhookconfigurations.admissionregistration.k8s.io";
        let kinds = format!("{namespaced},{wide}");
        let found = self.cluster.kubectl(&["get", &kinds, "--all-namespaces", "--output=json"]).ok();
        let found: Value = serde_json::from_str(&found).unwrap();
        let is_own =
            |object: &&Value| object["metadata"]["annotations"]["meta.helm.sh/release-namespace"] == self.namespace;
        let name = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]);
        found["items"].as_array().unwrap().iter().filter(is_own).map(name).collect()
    }
}

#[test]
fn a_release_is_installed_upgraded_rolled_back_and_uninstalled() {
    let Some(cluster) = cluster::shared() else { return };
    let Some(helm) = find() else { return };
    let mut release = Release::new(helm, &cluster, "helm-release", "helm-target");
    release.values["config"] = json!({"profile": "guard"});
    release.values["webhook"]["failurePolicy"] = json!("Fail");
    release.apply("install");
    let mut first = kubelet::run(&cluster, "helm-release", "ingress-guard", "a");

    // The API server verifies the name of the Service. It keeps its connections, so that this comes first.
    let serve = |name: &str| {
        let pair = cluster.authority().server_for(&[name]);
        let loaded = first.log("certificate loaded").len();
        first.put_certificate(&pair);
        first.wait(LIMIT, || first.log("certificate loaded").len() > loaded);
    };
    serve("ingress-guard.elsewhere.svc");
    let terminal = Terminal { cluster: &cluster, namespace: "helm-target" };
    terminal.stores(&[class("helm"), service("web", &[80])]);
    let bad = ingress("bad", "helm", "wbe", 80);
    let mismatch = "not ingress-guard.helm-release.svc";
    cluster.wait("kube-apiserver", LIMIT, || {
        terminal.run(&["apply", "--dry-run=server", "--filename=-"], &bad.to_string()).stderr.contains(mismatch)
    });
    serve("ingress-guard.helm-release.svc");
    terminal.refuses_in_the_end(&bad, &["did you mean \"web\"?", "[IG201 service-not-found]"]);
    terminal.stores(&[ingress("good", "helm", "web", 80)]);

    // Pods follow their configuration. Keys that they read only at start change the template, which restarts them.
    let checksum = || {
        let path = "jsonpath={.spec.template.metadata.annotations.checksum/config}";
        let namespace = "--namespace=helm-release";
        cluster.kubectl(&["get", "deployment", "ingress-guard", namespace, "--output", path]).ok()
    };
    let guard = checksum();
    release.values["config"] = json!({"profile": "observe"});
    release.apply("upgrade");
    assert_eq!(checksum(), guard);
    release.values["config"] = json!({"profile": "observe", "secrets": "off"});
    release.apply("upgrade");
    assert_ne!(checksum(), guard);
    let mut second = kubelet::run(&cluster, "helm-release", "ingress-guard", "b");
    assert_eq!(first.stop(), 0);
    terminal.warns(&bad, "IG201");
    terminal.does(&["delete", "ingress", "bad"]);

    release.run(&["rollback", "ingress-guard", "1"]).ok();
    assert_eq!(checksum(), guard);
    let third = kubelet::run(&cluster, "helm-release", "ingress-guard", "c");
    assert_eq!(second.stop(), 0);
    terminal.refuses(&bad, &["[IG201 service-not-found]"]);

    release.run(&["uninstall", "ingress-guard"]).ok();
    assert_eq!(release.objects(), Vec::<String>::new());
    drop(third);
    cluster.wait("kube-apiserver", LIMIT, || terminal.apply(&bad.to_string()).code == 0);
}

#[test]
fn two_releases_with_the_same_name_in_two_namespaces_do_not_clash() {
    let Some(cluster) = cluster::shared() else { return };
    let Some(helm) = find() else { return };
    let first = Release::new(helm.clone(), &cluster, "helm-one", "helm-one-target");
    let second = Release::new(helm, &cluster, "helm-two", "helm-two-target");
    first.apply("install");
    second.apply("install");
    assert_eq!(first.objects().len(), second.objects().len());
    assert!(first.objects().len() >= 12, "{:?}", first.objects());

    let _pods = ["helm-one", "helm-two"].map(|namespace| kubelet::run(&cluster, namespace, "ingress-guard", "a"));
    for target in ["helm-one-target", "helm-two-target"] {
        let terminal = Terminal { cluster: &cluster, namespace: target };
        terminal.stores(&[class(target), service("web", &[80])]);
        terminal.refuses_in_the_end(&ingress("bad", target, "wbe", 80), &["[IG201 service-not-found]"]);
    }
    first.run(&["uninstall", "ingress-guard"]).ok();
    assert!(second.objects().len() >= 12, "{:?}", second.objects());
    let terminal = Terminal { cluster: &cluster, namespace: "helm-two-target" };
    terminal.refuses(&ingress("bad", "helm-two-target", "wbe", 80), &["[IG201 service-not-found]"]);
    second.run(&["uninstall", "ingress-guard"]).ok();
}

#[test]
fn every_optional_part_is_accepted_and_secrets_are_read_in_some_namespaces_only() {
    let Some(cluster) = cluster::shared() else { return };
    let Some(helm) = find() else { return };
    let mut release = Release::new(helm, &cluster, "helm-full", "helm-full-read");
    cluster.kubectl(&["create", "namespace", "helm-full-other"]).ok();
    let container = |name: &str| json!([{"name": name, "image": "more"}]);
    let optional = json!({
        "autoscaling": {"enabled": true, "targetMemoryUtilizationPercentage": 80,
                        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}},
        "podDisruptionBudget": {"minAvailable": 1},
        "networkPolicy": {"enabled": true, "reviewsFrom": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]},
        "flowSchema": {"enabled": true},
        "grafanaDashboard": {"enabled": true},
        "serviceAccount": {"automountToken": false},
        "startupProbe": {"periodSeconds": 1, "failureThreshold": 30},
        "initContainers": container("first"), "extraContainers": container("beside"),
        "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-more"}}],
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"]}],
        "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
        "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
        "minReadySeconds": 1, "revisionHistoryLimit": 2,
        "commonLabels": {"team": "platform"}, "deploymentAnnotations": {"a": "b"},
        "service": {"type": "NodePort", "labels": {"a": "b"}, "trafficDistribution": "PreferSameZone"},
        "rbac": {"secretNamespaces": ["helm-full-read"],
                 "readers": [{"kind": "ServiceAccount", "name": "ci", "namespace": "helm-full"}],
                 "classReaders": [{"kind": "ServiceAccount", "name": "user", "namespace": "helm-full-read"}]},
    });
    for (name, value) in optional.as_object().unwrap() {
        release.values[name] = value.clone();
    }
    let targets = json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["helm-full-read", "helm-full-other"]});
    release.values["webhook"] = json!({"namespaceSelector": {"matchExpressions": [targets]}});
    release.apply("install");

    // Ready: no right to Secrets of other namespaces is missing.
    let _pod = kubelet::run(&cluster, "helm-full", "ingress-guard", "a");
    let [read, other] =
        ["helm-full-read", "helm-full-other"].map(|namespace| Terminal { cluster: &cluster, namespace });
    let with_tls = |name: &str| {
        let mut ingress = ingress(name, "helm-full", "web", 80);
        ingress["spec"]["tls"] = json!([{"hosts": [crate::objects::host(name, "helm-full")], "secretName": "absent"}]);
        ingress
    };
    read.stores(&[class("helm-full"), service("web", &[80])]);
    other.stores(&[service("web", &[80])]);
    cluster.wait("kube-apiserver", LIMIT, || {
        let output = read.run(&["apply", "--dry-run=server", "--filename=-"], &with_tls("read").to_string());
        output.stderr.contains("IG401")
    });
    read.warns(&with_tls("read"), "IG401");
    other.stores(&[with_tls("other")]);

    readers_have_the_rights_of_their_commands(&cluster, &read);
    release.run(&["uninstall", "ingress-guard"]).ok();
    assert_eq!(release.objects(), Vec::<String>::new());
}

/// A pipeline audits the cluster, and a user with `view` in one namespace explains an Ingress there.
fn readers_have_the_rights_of_their_commands(cluster: &Cluster, terminal: &Terminal<'_>) {
    for (name, namespace) in [("ci", "helm-full"), ("user", terminal.namespace)] {
        cluster.kubectl(&["create", "serviceaccount", name, &format!("--namespace={namespace}")]).ok();
    }
    let audit = explain::run(&cluster.kubeconfig_for_service_account("helm-full", "ci"), &["audit", "--output=json"]);
    // Code 2 would be an error.
    assert!(audit.code < 2 && !audit.stderr.contains("RBAC does not allow listing"), "{audit}");
    if !cluster.needs_controllers("the aggregation of ClusterRoles") {
        return;
    }
    let account = format!("--serviceaccount={}:user", terminal.namespace);
    terminal.does(&["create", "rolebinding", "user", "--clusterrole=view", &account]);
    let kubeconfig = cluster.kubeconfig_for_service_account(terminal.namespace, "user");
    let is_aggregated =
        || cluster.kubectl(&["get", "clusterrole", "view", "--output=json"]).ok().contains("\"certificates\"");
    cluster.wait("kube-controller-manager", LIMIT, is_aggregated);
    let arguments = ["explain", "--namespace", terminal.namespace, "read"];
    let explained = explain::run(&kubeconfig, &arguments);
    let is_known = !explained.stdout.contains("the controller of Ingress helm-full-read/read is unknown");
    assert!(is_known && explained.stdout.contains("Ingress helm-full-read/read"), "{explained}");
}
