//! Ingresses that were stored while no replica ran.

use ingress_guard::background::{Outage, Unreviewed, misdated, unreviewed};
use ingress_guard::cluster::{Coverage, Inventory, Object, load_text};
use ingress_guard::config::Config;
use ingress_guard::model::{Key, Kind};

use super::Followed;

/// Ingresses by the time of their last write; the manager `status` has written the status only.
fn state(webhook: &str) -> Inventory {
    let ingress = |name: &str, namespace: &str, created: &str, fields: &str| {
        format!(
            "---
kind: Ingress
apiVersion: networking.k8s.io/v1
metadata: {{name: {name}, namespace: {namespace}, creationTimestamp: {created}, managedFields: [{fields}]}}
spec: {{ingressClassName: nginx, rules: [{{host: {name}.example.com, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]}}
"
        )
    };
    let written = |time: &str| format!("{{manager: kubectl, operation: Update, time: {time}}}");
    let text = [
        "kind: IngressClass\napiVersion: networking.k8s.io/v1\nmetadata: {name: nginx}\nspec: {controller: k8s.io/ingress-nginx}\n".to_owned(),
        ingress("new", "shop", "2026-11-22T11:30:00Z", ""),
        ingress("changed", "shop", "2026-01-01T00:00:00Z", &written("2026-11-22T11:30:00Z")),
        ingress("old", "shop", "2026-01-01T00:00:00Z", "{manager: status, subresource: status, time: 2026-11-22T11:30:00Z}"),
        ingress("reviewed", "shop", "2026-11-22T11:00:10Z", ""),
        ingress("later", "shop", "2026-11-22T11:59:59Z", ""),
        ingress("system", "kube-system", "2026-11-22T11:30:00Z", ""),
        "---\nkind: Namespace\napiVersion: v1\nmetadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}\n".to_owned(),
        "---\nkind: Namespace\napiVersion: v1\nmetadata: {name: kube-system, labels: {kubernetes.io/metadata.name: kube-system}}\n".to_owned(),
        format!(
            "---
kind: ValidatingWebhookConfiguration
apiVersion: admissionregistration.k8s.io/v1
metadata: {{name: ingress-guard}}
webhooks:
  - name: validate.ingress-guard.io
    clientConfig: {{service: {{name: guard, namespace: ingress-guard}}}}
    rules: [{{apiGroups: [networking.k8s.io], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [ingresses]}}]
    namespaceSelector: {{matchExpressions: [{{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}}]}}
    {webhook}
"
        ),
    ];
    load_text("cluster", &text.concat()).unwrap()
}

fn found(webhook: &str, service: &Key) -> Vec<(String, bool)> {
    let followed = Followed::new(Config::default(), state(webhook));
    let outage = Outage::between("2026-11-22T11:00:00Z".parse().unwrap(), "2026-11-22T12:00:00Z".parse().unwrap());
    let found = unreviewed(followed.audit.state(), &followed.audit.verdicts(), outage.unwrap(), service);
    found
        .unwrap()
        .into_iter()
        .map(|Unreviewed { ingress, would_deny }| (ingress.name.to_string(), would_deny))
        .collect()
}

#[test]
fn new_and_changed_ingresses_of_selected_namespaces_are_counted() {
    let service = Key::new("ingress-guard", "guard");
    let expected = [("changed".to_owned(), true), ("new".to_owned(), true)];
    let conditions = "matchConditions: [{name: not-removed, expression: 'object.metadata.?deletionTimestamp.orValue(null) == null || object.metadata.?finalizers.orValue([]).size() > 0'}]";
    for webhook in ["", conditions] {
        assert_eq!(found(webhook, &service), expected, "{webhook}");
    }
    // It is not known which Ingresses these select.
    for webhook in
        ["matchConditions: [{name: mine, expression: 'true'}]", "objectSelector: {matchLabels: {guard: 'yes'}}"]
    {
        assert_eq!(found(webhook, &service), [], "{webhook}");
    }
    assert_eq!(found("", &Key::new("ingress-guard", "other")), [], "another installation");
}

#[test]
fn nothing_is_decided_before_registrations_and_namespaces_are_known() {
    let service = Key::new("ingress-guard", "guard");
    let outage = Outage::between("2026-11-22T11:00:00Z".parse().unwrap(), "2026-11-22T12:00:00Z".parse().unwrap());
    for kind in [Kind::Namespace, Kind::ValidatingWebhookConfiguration] {
        let mut followed = Followed::new(Config::default(), state(""));
        let count = |followed: &Followed| {
            let verdicts = followed.audit.verdicts();
            unreviewed(followed.audit.state(), &verdicts, outage.unwrap(), &service).map(|all| all.len())
        };
        assert_eq!(count(&followed), Some(2));
        followed.change(|state| state.cover(kind, Coverage::NotSynced));
        assert_eq!(count(&followed), None, "{kind:?}");
    }
}

#[test]
fn an_ingress_with_a_time_of_the_future_is_unknown() {
    let outage = Outage::between("2026-11-22T11:00:00Z".parse().unwrap(), "2026-11-22T12:00:00Z".parse().unwrap());
    let mut state = state("");
    let misdated = |state: &Inventory| misdated(state, outage.unwrap(), &Key::new("ingress-guard", "guard"));
    assert_eq!(misdated(&state), 0);
    for (namespace, name) in [("shop", "old"), ("kube-system", "system")] {
        let mut forged = state.ingress(namespace, name).unwrap().clone();
        forged.last_write = Some("2099-01-01T00:00:00Z".parse().unwrap());
        state.apply(Object::Ingress(Box::new(forged)));
    }
    assert_eq!(misdated(&state), 1, "that of a namespace that is selected");
}

#[test]
fn a_short_outage_counts_nothing() {
    let between = |from: &str, until: &str| Outage::between(from.parse().unwrap(), until.parse().unwrap());
    assert_eq!(between("2026-11-22T12:00:00Z", "2026-11-22T12:00:17Z"), None);
    assert_eq!(between("2026-11-22T12:00:00Z", "2026-11-22T11:00:00Z"), None, "clocks of API servers");
    let outage = between("2026-11-22T12:00:00Z", "2026-11-22T12:01:00Z").unwrap();
    assert_eq!(
        (outage.from, outage.until),
        ("2026-11-22T12:00:15Z".parse().unwrap(), "2026-11-22T12:00:58Z".parse().unwrap())
    );
    assert!(!outage.contains(outage.from) && !outage.contains(outage.until));
}

#[test]
fn the_last_write_is_that_of_the_object() {
    let state = state("");
    let last = |name: &str| state.ingress("shop", name).unwrap().last_write.unwrap().to_string();
    assert_eq!(last("new"), "2026-11-22T11:30:00Z");
    assert_eq!(last("changed"), "2026-11-22T11:30:00Z");
    assert_eq!(last("old"), "2026-01-01T00:00:00Z");
    assert_eq!(state.count(Kind::Ingress), 6);
}
