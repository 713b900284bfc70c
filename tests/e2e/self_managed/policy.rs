//! The policy that limits the account of the pods: RBAC grants `patch` for the whole webhook configuration.

use serde_json::{Value, json};

use super::{Installation, LIMIT};
use crate::cluster;

/// Changes of the webhook configuration that a stolen token would be used for.
fn hostile(service: &Value) -> Vec<(&'static str, Value)> {
    let set = |path: &str, value: Value| json!([{"op": "add", "path": path, "value": value}]);
    let sink = json!({
        "name": "sink.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Ignore",
        "clientConfig": {"url": "https://127.0.0.1:9/"},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"]}],
    });
    let mut elsewhere = service.clone();
    elsewhere["name"] = json!("sink");
    let url = json!([
        {"op": "remove", "path": "/webhooks/0/clientConfig/service"},
        {"op": "add", "path": "/webhooks/0/clientConfig/url", "value": "https://127.0.0.1:9/"},
    ]);
    let never = json!([{"name": "never", "expression": "false"}]);
    let owner = json!([{"apiVersion": "v1", "kind": "Namespace", "name": "absent", "uid": "0"}]);
    vec![
        ("another webhook, which is sent every Secret", set("/webhooks/-", sink)),
        ("all resources", set("/webhooks/0/rules/0/resources", json!(["*"]))),
        ("all groups", set("/webhooks/0/rules/0/apiGroups", json!(["*"]))),
        ("another URL", url),
        ("another Service", set("/webhooks/0/clientConfig/service", elsewhere)),
        ("another name", set("/webhooks/0/name", json!("other.example.com"))),
        ("fewer namespaces", set("/webhooks/0/namespaceSelector", json!({"matchLabels": {"absent": "everywhere"}}))),
        ("fewer objects", set("/webhooks/0/objectSelector", json!({"matchLabels": {"absent": "everywhere"}}))),
        ("no object", set("/webhooks/0/matchConditions", never)),
        ("another failurePolicy", set("/webhooks/0/failurePolicy", json!("Ignore"))),
        ("another timeout", set("/webhooks/0/timeoutSeconds", json!(30))),
        ("another matchPolicy", set("/webhooks/0/matchPolicy", json!("Exact"))),
        ("no webhook", json!([{"op": "remove", "path": "/webhooks/0"}])),
        ("a label", set("/metadata/labels", json!({"a": "b"}))),
        ("an annotation", set("/metadata/annotations", json!({"cert-manager.io/inject-ca-from": "a/b"}))),
        ("a finalizer", set("/metadata/finalizers", json!(["example.com/never"]))),
        ("an owner", set("/metadata/ownerReferences", owner)),
    ]
}

#[test]
fn a_token_of_the_pods_changes_only_the_ca_bundle() {
    let Some(cluster) = cluster::shared() else { return };
    let installation = Installation::new(&cluster, "managed-policy");
    let webhook = installation.run("a");
    installation.serve(webhook.ports().0);
    installation.prepare();
    let stolen = cluster.kubeconfig_for_service_account("managed-policy", "ingress-guard");
    let configuration = || installation.get(&["validatingwebhookconfiguration", &installation.registration]);
    let object = ["patch", "validatingwebhookconfiguration", &installation.registration, "--type=json", "--patch"];
    let patch =
        |operations: &Value| cluster.kubectl_as(&stolen, &[&object[..], &[&operations.to_string()]].concat(), "");

    let before = configuration()["webhooks"].clone();
    let hostile = hostile(&before[0]["clientConfig"]["service"]);
    // The API server applies new policies after a short delay.
    let unchanged = json!([{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Fail"}]);
    assert_eq!(patch(&unchanged).code, 0, "a patch without a change");
    let first = hostile[0].1.to_string();
    cluster.wait("kube-apiserver", LIMIT, || {
        let dry_run = [&object[..], &[&first, "--dry-run=server"]].concat();
        cluster.kubectl_as(&stolen, &dry_run, "").code != 0
    });
    for (change, operations) in &hostile {
        let refused = patch(operations);
        let words = "denied request: the ServiceAccount of ingress-guard may only change caBundle";
        assert!(refused.code != 0 && refused.stderr.contains(words), "{change}: {refused}");
    }
    assert_eq!(configuration()["webhooks"], before);

    // The pods still write what others have removed, and administrators what they like.
    let bundle = installation.bundle();
    let emptied = json!([{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]);
    assert_eq!(patch(&emptied).code, 0, "the caBundle belongs to the pods");
    cluster.wait("webhook-managed-policy-a", LIMIT, || installation.bundle() == bundle);
    let slower = json!([{"op": "add", "path": "/webhooks/0/timeoutSeconds", "value": 5}]).to_string();
    cluster.kubectl(&[&object[..], &[&slower]].concat()).ok();
    assert_eq!(configuration()["webhooks"][0]["timeoutSeconds"], 5);
    installation.prepare();
}
