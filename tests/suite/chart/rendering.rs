//! Values and the fields that they set.

use std::collections::BTreeSet;

use ingress_guard::config::Config;
use serde_json::{Value, json};

use super::{Helm, set, values};

const POD: &str = "/spec/template/spec";
const CONTAINER: &str = "/spec/template/spec/containers/0";

/// A value, and the field of a rendered object that it sets: `Kind` or `Kind/name`, and a pointer.
struct Row {
    value: &'static str,
    to: Value,
    object: &'static str,
    at: String,
    expected: Value,
}

fn row(value: &'static str, to: Value, object: &'static str, at: impl Into<String>, expected: Value) -> Row {
    Row { value, to, object, at: at.into(), expected }
}

/// A value that stands in the field as it is.
fn same(value: &'static str, to: Value, object: &'static str, at: impl Into<String>) -> Row {
    row(value, to.clone(), object, at, to)
}

fn pod(field: &str) -> String {
    format!("{POD}/{field}")
}

fn container(field: &str) -> String {
    format!("{CONTAINER}/{field}")
}

/// The volume with the files that Kubernetes would mount.
fn token(seconds: u32, audience: &str) -> Value {
    json!({"name": "token", "projected": {"defaultMode": 288, "sources": [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": seconds, "audience": audience}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
    ]}})
}

/// The rows of the workload and its pods.
fn workload() -> Vec<Row> {
    let deployment = "Deployment";
    let named = json!([{"name": "more"}]);
    vec![
        same("deploymentAnnotations", json!({"a": "b"}), deployment, "/metadata/annotations"),
        same("replicas", json!(4), deployment, "/spec/replicas"),
        same("revisionHistoryLimit", json!(3), deployment, "/spec/revisionHistoryLimit"),
        same("minReadySeconds", json!(7), deployment, "/spec/minReadySeconds"),
        row(
            "updateStrategy.rollingUpdate.maxSurge",
            json!(2),
            deployment,
            "/spec/strategy/rollingUpdate/maxSurge",
            json!(2),
        ),
        row(
            "podAnnotations",
            json!({"pod": "yes"}),
            deployment,
            "/spec/template/metadata/annotations/pod",
            json!("yes"),
        ),
        row("podLabels", json!({"tier": "web"}), deployment, "/spec/template/metadata/labels/tier", json!("web")),
        row(
            "image.registry",
            json!("registry.example.com"),
            deployment,
            container("image"),
            json!("registry.example.com/guard:9.9"),
        ),
        row(
            "image.repository",
            json!("guard"),
            deployment,
            container("image"),
            json!("registry.example.com/guard:9.9"),
        ),
        row("image.tag", json!("9.9"), deployment, container("image"), json!("registry.example.com/guard:9.9")),
        same("image.pullPolicy", json!("Always"), deployment, container("imagePullPolicy")),
        same("imagePullSecrets", json!([{"name": "registry"}]), deployment, pod("imagePullSecrets")),
        row("log.format", json!("text"), deployment, container("args"), json!("--log-format=text")),
        row("log.level", json!("debug"), deployment, container("env/0/value"), json!("debug")),
        row(
            "extraArgs",
            json!(["--allow-missing-rights"]),
            deployment,
            container("args"),
            json!("--allow-missing-rights"),
        ),
        row(
            "extraEnv",
            json!([{"name": "A", "value": "b"}]),
            deployment,
            container("env"),
            json!({"name": "A", "value": "b"}),
        ),
        same("extraEnvFrom", json!([{"configMapRef": {"name": "more"}}]), deployment, container("envFrom")),
        row(
            "extraVolumes",
            json!([{"name": "more", "emptyDir": {}}]),
            deployment,
            pod("volumes"),
            json!({"name": "more", "emptyDir": {}}),
        ),
        row(
            "extraVolumeMounts",
            json!([{"name": "more", "mountPath": "/more"}]),
            deployment,
            container("volumeMounts"),
            json!({"name": "more", "mountPath": "/more"}),
        ),
        same("initContainers", named.clone(), deployment, pod("initContainers")),
        row("extraContainers", named, deployment, pod("containers"), json!({"name": "more"})),
        same("lifecycle", json!({"preStop": {"sleep": {"seconds": 1}}}), deployment, container("lifecycle")),
        row("readinessProbe.periodSeconds", json!(9), deployment, container("readinessProbe/periodSeconds"), json!(9)),
        row(
            "livenessProbe.failureThreshold",
            json!(9),
            deployment,
            container("livenessProbe/failureThreshold"),
            json!(9),
        ),
        row(
            "startupProbe",
            json!({"periodSeconds": 1}),
            deployment,
            container("startupProbe"),
            json!({"httpGet": {"path": "/livez", "port": "health"}, "periodSeconds": 1}),
        ),
        row("resources.limits.memory", json!("1Gi"), deployment, container("resources/limits/memory"), json!("1Gi")),
        row("podSecurityContext.fsGroup", json!(1), deployment, pod("securityContext/fsGroup"), json!(1)),
        row("securityContext.runAsUser", json!(1), deployment, container("securityContext/runAsUser"), json!(1)),
    ]
}

/// The rows of scheduling, the network and the account of the pods.
fn placement() -> Vec<Row> {
    let deployment = "Deployment";
    vec![
        same("hostNetwork", json!(true), deployment, pod("hostNetwork")),
        same("dnsPolicy", json!("None"), deployment, pod("dnsPolicy")),
        same("dnsConfig", json!({"nameservers": ["10.0.0.10"]}), deployment, pod("dnsConfig")),
        same("hostAliases", json!([{"ip": "10.0.0.1", "hostnames": ["a"]}]), deployment, pod("hostAliases")),
        same("terminationGracePeriodSeconds", json!(40), deployment, pod("terminationGracePeriodSeconds")),
        row(
            "topologySpreadConstraints",
            json!([{"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}]),
            deployment,
            pod("topologySpreadConstraints/0/labelSelector/matchLabels/app.kubernetes.io~1name"),
            json!("ingress-guard"),
        ),
        same("nodeSelector", json!({"disk": "fast"}), deployment, pod("nodeSelector")),
        same("tolerations", json!([{"operator": "Exists"}]), deployment, pod("tolerations")),
        same("affinity", json!({"podAntiAffinity": {}}), deployment, pod("affinity")),
        same("priorityClassName", json!("system-cluster-critical"), deployment, pod("priorityClassName")),
        same("runtimeClassName", json!("kata"), deployment, pod("runtimeClassName")),
        row("listenAddress", json!("[::]"), deployment, container("args"), json!("--listen=[::]:10250")),
        row("ports.webhook", json!(10250), deployment, container("ports/0/containerPort"), json!(10250)),
        row("ports.page", json!(8081), deployment, container("args"), json!("--page-listen=127.0.0.1:8081")),
        row("ports.health", json!(9080), deployment, container("args"), json!("--health-listen=[::]:9080")),
        row(
            "serviceAccount.automountToken",
            json!(false),
            deployment,
            pod("automountServiceAccountToken"),
            json!(false),
        ),
        row("serviceAccount.token.expirationSeconds", json!(900), deployment, pod("volumes"), token(900, "api")),
        row("serviceAccount.token.audience", json!("api"), deployment, pod("volumes"), token(900, "api")),
    ]
}

/// The rows of the Service, the webhook and hooks.
fn surroundings() -> Vec<Row> {
    let (service, webhook) = ("Service", "ValidatingWebhookConfiguration");
    let selector = json!({"matchLabels": {"team": "a"}});
    let hooks = json!("post-install,post-upgrade");
    vec![
        row("startupCheck.enabled", json!(true), "Job", "/metadata/annotations/helm.sh~1hook", hooks),
        same("startupCheck.backoffLimit", json!(2), "Job", "/spec/backoffLimit"),
        same("startupCheck.activeDeadlineSeconds", json!(60), "Job", "/spec/activeDeadlineSeconds"),
        same("serviceAccount.annotations", json!({"a": "b"}), "ServiceAccount/guard", "/metadata/annotations"),
        row("serviceAccount.name", json!("guard"), "ServiceAccount/guard", "/metadata/name", json!("guard")),
        row(
            "doctor.dryRunNamespace",
            json!("shop"),
            "Pod",
            "/spec/containers/0/args",
            json!("--dry-run-namespace=shop"),
        ),
        same("service.type", json!("LoadBalancer"), service, "/spec/type"),
        row("service.labels", json!({"expose": "no"}), service, "/metadata/labels/expose", json!("no")),
        same("service.annotations", json!({"a": "b"}), service, "/metadata/annotations"),
        same("service.trafficDistribution", json!("PreferSameZone"), service, "/spec/trafficDistribution"),
        same("service.ipFamilyPolicy", json!("PreferDualStack"), service, "/spec/ipFamilyPolicy"),
        same("service.ipFamilies", json!(["IPv6", "IPv4"]), service, "/spec/ipFamilies"),
        same("webhook.failurePolicy", json!("Fail"), webhook, "/webhooks/0/failurePolicy"),
        same("webhook.timeoutSeconds", json!(5), webhook, "/webhooks/0/timeoutSeconds"),
        row(
            "webhook.excludeNamespaces",
            json!(["infra"]),
            webhook,
            "/webhooks/0/namespaceSelector/matchExpressions/0/values",
            json!(["infra", "ingress-guard"]),
        ),
        row(
            "webhook.namespaceSelector",
            selector.clone(),
            webhook,
            "/webhooks/0/namespaceSelector/matchLabels/team",
            json!("a"),
        ),
        same("webhook.objectSelector", selector, webhook, "/webhooks/0/objectSelector"),
        row(
            "webhook.matchConditions",
            json!([{"name": "more", "expression": "true"}]),
            webhook,
            "/webhooks/0/matchConditions/2/name",
            json!("more"),
        ),
        row("webhook.labels", json!({"a": "b"}), webhook, "/metadata/labels/a", json!("b")),
        row("webhook.annotations", json!({"c": "d"}), webhook, "/metadata/annotations/c", json!("d")),
    ]
}

/// The rows of autoscaling, disruptions, network policies and priority.
fn availability() -> Vec<Row> {
    let peers = json!([{"ipBlock": {"cidr": "10.0.0.0/8"}}]);
    vec![
        row(
            "autoscaling.enabled",
            json!(true),
            "HorizontalPodAutoscaler",
            "/spec/scaleTargetRef/kind",
            json!("Deployment"),
        ),
        same("autoscaling.minReplicas", json!(3), "HorizontalPodAutoscaler", "/spec/minReplicas"),
        same("autoscaling.maxReplicas", json!(6), "HorizontalPodAutoscaler", "/spec/maxReplicas"),
        row(
            "autoscaling.targetCPUUtilizationPercentage",
            json!(55),
            "HorizontalPodAutoscaler",
            "/spec/metrics/0/resource/target/averageUtilization",
            json!(55),
        ),
        row(
            "autoscaling.targetMemoryUtilizationPercentage",
            json!(66),
            "HorizontalPodAutoscaler",
            "/spec/metrics/1/resource/target/averageUtilization",
            json!(66),
        ),
        same(
            "autoscaling.behavior",
            json!({"scaleDown": {"selectPolicy": "Disabled"}}),
            "HorizontalPodAutoscaler",
            "/spec/behavior",
        ),
        same("podDisruptionBudget.minAvailable", json!("50%"), "PodDisruptionBudget", "/spec/minAvailable"),
        same(
            "podDisruptionBudget.unhealthyPodEvictionPolicy",
            json!("IfHealthyBudget"),
            "PodDisruptionBudget",
            "/spec/unhealthyPodEvictionPolicy",
        ),
        row("networkPolicy.enabled", json!(true), "NetworkPolicy", "/spec/policyTypes/1", json!("Egress")),
        row("networkPolicy.reviewsFrom", peers.clone(), "NetworkPolicy", "/spec/ingress/0/from/0", peers[0].clone()),
        same("networkPolicy.metricsFrom", peers.clone(), "NetworkPolicy", "/spec/ingress/1/from"),
        same("networkPolicy.probeTo", peers.clone(), "NetworkPolicy", "/spec/egress/1/to"),
        same("networkPolicy.apiServerTo", peers, "NetworkPolicy", "/spec/egress/0/to"),
        row("networkPolicy.apiServerPorts", json!([8443]), "NetworkPolicy", "/spec/egress/0/ports/0/port", json!(8443)),
        row(
            "flowSchema.enabled",
            json!(true),
            "FlowSchema",
            "/spec/rules/0/subjects/0/serviceAccount",
            json!({"name": "guard", "namespace": "ingress-guard"}),
        ),
        same(
            "flowSchema.priorityLevel",
            json!("leader-election"),
            "FlowSchema",
            "/spec/priorityLevelConfiguration/name",
        ),
        same("flowSchema.matchingPrecedence", json!(500), "FlowSchema", "/spec/matchingPrecedence"),
        row(
            "extraObjects",
            json!([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-more"}}]),
            "ConfigMap/ingress-guard-more",
            "/metadata/name",
            json!("ingress-guard-more"),
        ),
    ]
}

fn rows() -> impl Iterator<Item = Row> {
    workload().into_iter().chain(placement()).chain(surroundings()).chain(availability())
}

#[test]
fn each_value_sets_its_field() {
    let Some(helm) = Helm::find() else { return };
    let rows: Vec<Row> = rows().collect();
    let mut values = json!({});
    for row in &rows {
        set(&mut values, row.value, row.to.clone());
    }
    let objects = helm.template(&values);
    for Row { value, object, at, expected, .. } in &rows {
        // An HPA sets the number of pods.
        if *value == "replicas" {
            assert_eq!(objects.one(object).pointer(at), None);
            continue;
        }
        let found = objects.one(object).pointer(at).unwrap_or(&Value::Null);
        // A field of a list is one of its items.
        let is_item = || found.as_array().is_some_and(|items| items.contains(expected));
        assert!(found == expected || is_item(), "{value}: {object} {at} is {found}, not {expected}");
    }
    let fixed = helm.template(&json!({"replicas": 4}));
    assert_eq!(fixed.one("Deployment")["spec"]["replicas"], 4);
}

/// The values that other tests of this folder set.
const ELSEWHERE: [&str; 27] = [
    "certificate",
    "commonLabels",
    "config",
    "fullnameOverride",
    "global",
    "grafanaDashboard",
    "impact.enabled",
    "image.digest",
    "nameOverride",
    "namespaceOverride",
    "podDisruptionBudget.enabled",
    "podDisruptionBudget.maxUnavailable",
    "podMonitor",
    "prometheusRule",
    "rbac.aggregateToView",
    "rbac.classReaders",
    "rbac.controllerNamespaces",
    "rbac.create",
    "rbac.readerRole",
    "rbac.readers",
    "rbac.secretNamespaces",
    "record",
    "serviceAccount.create",
    "serviceMonitor",
    "updateStrategy.type",
    "webhook.enabled",
    "webhook.url",
];

#[test]
fn each_value_has_a_test() {
    let tested: BTreeSet<&str> = rows().map(|row| row.value).chain(ELSEWHERE).collect();
    let covers = |path: &str| {
        tested.iter().any(|known| {
            let (long, short) = if known.len() > path.len() { (*known, path) } else { (path, *known) };
            long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    for (name, value) in values().as_object().unwrap() {
        let documented_whole =
            ["resources", "podSecurityContext", "securityContext", "readinessProbe", "livenessProbe"];
        match value {
            Value::Object(fields) if !fields.is_empty() && !documented_whole.contains(&name.as_str()) => {
                for field in fields.keys() {
                    let path = format!("{name}.{field}");
                    assert!(covers(&path), "{path} has no test");
                }
            }
            _ => assert!(covers(name), "{name} has no test"),
        }
    }
}

#[test]
fn the_image_has_the_registry_of_the_umbrella_chart_and_a_digest_replaces_the_tag() {
    let Some(helm) = Helm::find() else { return };
    let digest = format!("sha256:{}", "0".repeat(64));
    let image = json!({"registry": "one.example.com", "tag": "9.9", "digest": digest});
    let objects = helm.template(&json!({"global": {"imageRegistry": "two.example.com"}, "image": image}));
    let expected = format!("two.example.com/ingress-guard@{digest}");
    assert_eq!(objects.one("Deployment").pointer(&container("image")), Some(&json!(expected)));
    // The image of `helm test` is the same.
    assert_eq!(objects.one("Pod")["spec"]["containers"][0]["image"], expected);
}

#[test]
fn no_label_of_a_value_changes_a_selector() {
    let Some(helm) = Helm::find() else { return };
    let hostile = json!({"app.kubernetes.io/name": "other", "app.kubernetes.io/instance": "other", "team": "a"});
    let objects = helm.template(&json!({
        "commonLabels": hostile, "podLabels": hostile, "service": {"labels": hostile}, "webhook": {"labels": hostile},
        "networkPolicy": {"enabled": true}, "serviceMonitor": {"enabled": true, "labels": hostile},
    }));
    let selected = json!({"app.kubernetes.io/name": "ingress-guard", "app.kubernetes.io/instance": "ingress-guard"});
    let deployment = objects.one("Deployment");
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], selected);
    for (object, at) in [
        ("Service", "/spec/selector"),
        ("PodDisruptionBudget", "/spec/selector/matchLabels"),
        ("NetworkPolicy", "/spec/podSelector/matchLabels"),
        ("ServiceMonitor", "/spec/selector/matchLabels"),
    ] {
        assert_eq!(objects.one(object).pointer(at), Some(&selected), "{object}");
    }
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    for (name, value) in selected.as_object().unwrap() {
        assert_eq!(labels[name], *value);
        assert_eq!(objects.one("Service")["metadata"]["labels"][name], *value);
    }
    for object in objects.0.iter().filter(|object| object["kind"] != "Pod") {
        assert_eq!(object["metadata"]["labels"]["team"], "a", "{object}");
    }
    // The Service does not select the pod of `helm test`.
    assert_ne!(objects.one("Pod")["metadata"]["labels"]["app.kubernetes.io/name"], "ingress-guard");
}

#[test]
fn names_and_namespaces_follow_their_overrides() {
    let Some(helm) = Helm::find() else { return };
    let overrides = json!({"namespaceOverride": "elsewhere", "fullnameOverride": "guard", "nameOverride": "product",
                           "networkPolicy": {"enabled": true}, "serviceMonitor": {"enabled": true}, "autoscaling": {"enabled": true},
                           "prometheusRule": {"enabled": true}, "grafanaDashboard": {"enabled": true}, "flowSchema": {"enabled": true},
                           "config": {"discovery": {"namespaces": ["controllers"]}}});
    let objects = helm.template(&overrides);
    for object in &objects.0 {
        let (kind, metadata) = (object["kind"].as_str().unwrap(), &object["metadata"]);
        let is_wide = metadata["namespace"].is_null();
        let name = metadata["name"].as_str().unwrap();
        assert_eq!(
            is_wide,
            [
                "ClusterRole",
                "ClusterRoleBinding",
                "FlowSchema",
                "ValidatingAdmissionPolicy",
                "ValidatingAdmissionPolicyBinding",
                "ValidatingWebhookConfiguration"
            ]
            .contains(&kind),
            "{kind}"
        );
        // The last one is that of the dry runs.
        if is_wide || metadata["namespace"] == "controllers" || metadata["namespace"] == "default" {
            assert!(name.starts_with("guard.elsewhere"), "{kind} {name}");
        } else {
            assert_eq!(metadata["namespace"], "elsewhere", "{kind} {name}");
            assert!(name.starts_with("guard"), "{kind} {name}");
        }
        for subject in object["subjects"].as_array().into_iter().flatten() {
            let account = if name.ends_with("-doctor") { "guard-doctor" } else { "guard" };
            assert_eq!(*subject, json!({"kind": "ServiceAccount", "name": account, "namespace": "elsewhere"}));
        }
    }
    let webhook = &objects.one("ValidatingWebhookConfiguration")["webhooks"][0];
    assert_eq!(webhook["clientConfig"]["service"]["namespace"], "elsewhere");
    assert!(
        webhook["namespaceSelector"]["matchExpressions"][0]["values"].as_array().unwrap().contains(&json!("elsewhere"))
    );
    let arguments = objects.one("Deployment").pointer(&container("args")).unwrap();
    assert!(arguments.as_array().unwrap().contains(&json!("--service=guard.elsewhere")));
    let labels = &objects.one("Deployment")["metadata"]["labels"];
    assert_eq!(labels["app.kubernetes.io/name"], "product");
}

#[test]
fn parts_can_be_left_out() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.template(&json!({
        "webhook": {"enabled": false}, "rbac": {"create": false}, "serviceAccount": {"create": false},
        "podDisruptionBudget": {"enabled": false},
    }));
    let mut kinds: Vec<&str> = objects.0.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    let policy = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"];
    assert_eq!(kinds, [&["ConfigMap", "Deployment", "Lease", "Secret", "Service"], &policy[..]].concat());
    assert_eq!(objects.one("Deployment").pointer(&pod("serviceAccountName")), Some(&json!("default")));
    let recreated = helm.template(&json!({"updateStrategy": {"type": "Recreate", "rollingUpdate": null}}));
    assert_eq!(recreated.one("Deployment")["spec"]["strategy"], json!({"type": "Recreate"}));
    for (values, field, expected) in [
        (json!({"maxUnavailable": 2}), "maxUnavailable", 2),
        (json!({"minAvailable": null}), "maxUnavailable", 1),
        (json!({"minAvailable": 0, "maxUnavailable": null}), "minAvailable", 0),
    ] {
        let budget = helm.template(&json!({"podDisruptionBudget": values}));
        let spec = &budget.one("PodDisruptionBudget")["spec"];
        assert_eq!(spec[field], expected, "{values}");
        assert!(spec["maxUnavailable"].is_null() || spec["minAvailable"].is_null(), "{spec}");
    }
}

#[test]
fn a_label_selector_of_a_topology_spread_constraint_stays_as_it_is() {
    let Some(helm) = Helm::find() else { return };
    let own = json!({"matchLabels": {"tier": "web"}});
    let constraint =
        json!({"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": own});
    let objects = helm.template(&json!({"topologySpreadConstraints": [constraint]}));
    assert_eq!(objects.one("Deployment").pointer(&pod("topologySpreadConstraints/0")), Some(&constraint));
}

#[test]
fn addresses_and_ports_that_the_process_cannot_use_are_refused() {
    let Some(helm) = Helm::find() else { return };
    let equal = helm.refusal(&json!({"ports": {"webhook": 8080}}));
    assert!(equal.contains("ports: webhook and health must differ"), "{equal}");
    for address in ["::", "localhost", "0.0.0.0:8443"] {
        let refusal = helm.refusal(&json!({"listenAddress": address}));
        assert!(refusal.contains("/listenAddress"), "{refusal}");
    }
}

#[test]
fn no_value_and_zero_are_different_for_a_disruption_budget() {
    let Some(helm) = Helm::find() else { return };
    let budget = |least: Value| {
        let objects = helm.template(&json!({"podDisruptionBudget": {"minAvailable": least}}));
        let spec = &objects.one("PodDisruptionBudget")["spec"];
        (spec["minAvailable"].clone(), spec["maxUnavailable"].clone())
    };
    for none in [Value::Null, json!("")] {
        assert_eq!(budget(none), (Value::Null, json!(1)));
    }
    assert_eq!(budget(json!(0)), (json!(0), Value::Null));
}

#[test]
fn a_selector_of_a_spread_constraint_stays_as_it_is() {
    let Some(helm) = Helm::find() else { return };
    let own = json!({"matchLabels": {"team": "edge"}});
    let constraint =
        json!({"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": own});
    let objects = helm.template(&json!({"topologySpreadConstraints": [constraint]}));
    let rendered = &objects.one("Deployment")["spec"]["template"]["spec"]["topologySpreadConstraints"];
    assert_eq!(*rendered, json!([constraint]));
}

#[test]
fn a_url_replaces_the_service() {
    let Some(helm) = Helm::find() else { return };
    let url = "https://guard.example.com/validate";
    let certificate = json!({"mode": "existingSecret", "existingSecret": "serving", "caBundle": "QQ=="});
    let objects = helm.template(&json!({"webhook": {"url": url}, "certificate": certificate}));
    let client = &objects.one("ValidatingWebhookConfiguration")["webhooks"][0]["clientConfig"];
    assert_eq!(*client, json!({"url": url, "caBundle": "QQ=="}));
    let arguments = objects.one("Deployment").pointer(&container("args")).unwrap().to_string();
    assert!(!arguments.contains("--service"), "the certificate is for another name: {arguments}");
}

/// The second webhook only warns: it can neither deny nor delay a write for long, and no Secret is sent.
#[test]
fn the_webhook_for_other_writes_is_added_on_request() {
    let Some(helm) = Helm::find() else { return };
    let webhooks = |values: &Value| helm.template(values).one("ValidatingWebhookConfiguration")["webhooks"].clone();
    assert_eq!(webhooks(&json!({})).as_array().unwrap().len(), 1);
    let selector = json!({"matchLabels": {"team": "a"}});
    let both = webhooks(
        &json!({"impact": {"enabled": true}, "webhook": {"failurePolicy": "Fail", "namespaceSelector": selector}}),
    );
    let [validate, impact] = &both.as_array().unwrap()[..] else { panic!("{both}") };
    assert_eq!(validate["clientConfig"]["service"]["path"], "/validate");
    assert_eq!(impact["clientConfig"]["service"]["path"], "/impact");
    assert_eq!((&impact["failurePolicy"], &impact["timeoutSeconds"]), (&json!("Ignore"), &json!(1)));
    assert_eq!((&impact["sideEffects"], &impact["namespaceSelector"]), (&json!("None"), &selector));
    let resources: BTreeSet<&str> = impact["rules"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|rule| rule["resources"].as_array().unwrap())
        .map(|resource| resource.as_str().unwrap())
        .collect();
    assert_eq!(resources, BTreeSet::from(["configmaps", "ingressclasses", "services"]));
    let certificate = json!({"mode": "existingSecret", "existingSecret": "serving", "caBundle": "QQ=="});
    let url = json!({"url": "https://guard.example.com/validate"});
    let outside = webhooks(&json!({"impact": {"enabled": true}, "webhook": url, "certificate": certificate}));
    let client = json!({"url": "https://guard.example.com/impact", "caBundle": "QQ=="});
    assert_eq!(outside[1]["clientConfig"], client);
}

#[test]
fn records_have_a_volume_of_their_own() {
    let Some(helm) = Helm::find() else { return };
    let rendered = |values: &Value| helm.template(values).one("Deployment").clone();
    let plain = rendered(&json!({})).to_string();
    assert!(!plain.contains("--record") && !plain.contains("records"), "{plain}");
    let claim = json!({"persistentVolumeClaim": {"claimName": "records"}});
    for volume in [json!({"emptyDir": {"sizeLimit": "320Mi"}}), claim] {
        let mut values = json!({"record": {"enabled": true}});
        if volume.get("emptyDir").is_none() {
            values["record"]["volume"] =
                json!({"emptyDir": null, "persistentVolumeClaim": volume["persistentVolumeClaim"]});
        }
        let deployment = rendered(&values);
        let has = |at: &str, item: Value| deployment.pointer(at).unwrap().as_array().unwrap().contains(&item);
        assert!(
            has(&container("args"), json!("--record=/records"))
                && has(&container("args"), json!("--record-bytes=268435456"))
        );
        assert!(has(&container("volumeMounts"), json!({"name": "records", "mountPath": "/records"})));
        let mut named = volume;
        named["name"] = json!("records");
        assert!(has(&pod("volumes"), named), "{deployment}");
    }
}

#[test]
fn users_of_openshift_can_leave_the_ids_to_the_platform() {
    let Some(helm) = Helm::find() else { return };
    let objects =
        helm.template(&json!({"podSecurityContext": {"runAsUser": null, "runAsGroup": null, "fsGroup": null}}));
    let expected = json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
    assert_eq!(objects.one("Deployment").pointer(&pod("securityContext")), Some(&expected));
    assert_eq!(objects.one("Pod")["spec"]["securityContext"], expected);
}

#[test]
fn two_renderings_are_equal_and_their_configuration_is_valid() {
    let Some(helm) = Helm::find() else { return };
    let objects = helm.template(&json!({}));
    assert_eq!(objects.0, helm.template(&json!({})).0);
    let config = Config::parse("config.yaml", &objects.config()).unwrap();
    assert_eq!(config.policy.profile, ingress_guard::policy::Profile::Guard);
}
