//! Reviews of writes of Services, IngressClasses and ConfigMaps: what stored Ingresses lose by them.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures::executor::block_on;
use ingress_guard::admission::{Outcome, Place, Rejection, Reviewed, Reviewer};
use ingress_guard::cluster::{Coverage, Inventory, Object, load_text};
use ingress_guard::model::Kind;
use ingress_guard::telemetry::Metrics;
use serde_json::{Value, json};

use super::{reviewer, reviewer_over};

const CLUSTER: &str = "\
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  ingressClassName: nginx
  rules:
    - host: app.example.com
      http: {paths: [{path: /api, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}
";

const LOST: &str = "IG801 Service shop/web: Ingress shop/web sends app.example.com/api here: requests return 503; \
                    point them to another Service first";

fn service(ports: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
           "spec": {"ports": ports}})
}

fn web() -> Value {
    service(&json!([{"name": "http", "port": 80}]))
}

/// A review of an operation on an object of this group and kind. `object` is null on DELETE.
fn review(operation: &str, [group, kind]: [&str; 2], old: &Value, new: &Value) -> Value {
    let metadata = if old.is_null() { &new["metadata"] } else { &old["metadata"] };
    json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
        "uid": "u", "kind": {"group": group, "version": "v1", "kind": kind},
        "name": metadata["name"], "namespace": metadata["namespace"], "operation": operation,
        "userInfo": {"username": "jane"}, "object": new, "oldObject": old, "dryRun": false,
    }})
}

fn deleted(service: &Value) -> Value {
    review("DELETE", ["", "Service"], service, &Value::Null)
}

fn updated(old: &Value, new: &Value) -> Value {
    review("UPDATE", ["", "Service"], old, new)
}

fn slow() -> Place {
    Place::Slow(Arc::new(AtomicBool::new(false)))
}

fn ask_in(place: Place, reviewer: &Arc<Reviewer>, review: &Value) -> Result<Reviewed, Rejection> {
    block_on(reviewer.review_impact_in(place, review.to_string().as_bytes()))
}

/// Returns the warnings; the write is allowed.
#[track_caller]
fn warnings(reviewer: &Arc<Reviewer>, review: &Value) -> Vec<String> {
    let answer = ask_in(slow(), reviewer, review).unwrap();
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((&body["response"]["allowed"], &body["response"]["uid"]), (&json!(true), &json!("u")), "{body:#}");
    serde_json::from_value(body["response"]["warnings"].clone()).unwrap_or_default()
}

#[test]
fn the_deletion_of_a_service_in_use_warns() {
    let reviewer = reviewer("", CLUSTER);
    let answer = ask_in(slow(), &reviewer, &deleted(&web())).unwrap();
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    let response = json!({"uid": "u", "allowed": true, "warnings": [LOST], "auditAnnotations": {"warned": "IG801"}});
    assert_eq!(body["response"], response);
    let record = &answer.record;
    assert_eq!((record.kind, record.outcome, record.user.as_str()), (Kind::Service, Outcome::Warn, "jane"));
    // Nothing is changed: the same question has the same answer.
    assert_eq!(warnings(&reviewer, &deleted(&web())), [LOST]);
}

#[test]
fn a_change_of_nothing_that_ingresses_need_is_silent() {
    let reviewer = reviewer("", CLUSTER);
    let more = service(&json!([{"name": "http", "port": 8080}, {"name": "more", "port": 81}]));
    assert_eq!(warnings(&reviewer, &updated(&web(), &more)), [""; 0], "the Ingress names the port");
    let mut labelled = web();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    let answer = ask_in(slow(), &reviewer, &updated(&web(), &labelled)).unwrap();
    assert_eq!(answer.record.outcome, Outcome::Pass);
    let mut other = web();
    other["metadata"]["name"] = json!("other");
    assert_eq!(warnings(&reviewer, &deleted(&other)), [""; 0]);
    let renamed = updated(&web(), &service(&json!([{"name": "web", "port": 80}])));
    assert!(warnings(&reviewer, &renamed)[0].starts_with("IG802 Service shop/web: "));
}

#[test]
fn an_ingress_that_is_being_deleted_loses_nothing() {
    let leaving = "name: web, namespace: shop, deletionTimestamp: \"2026-11-22T11:59:00Z\", finalizers: [example.com/wait]}\nspec:\n  ingressClassName";
    let cluster = CLUSTER.replace("name: web, namespace: shop}\nspec:\n  ingressClassName", leaving);
    assert_ne!(cluster, CLUSTER);
    assert_eq!(warnings(&reviewer("", &cluster), &deleted(&web())), [""; 0]);
}

/// Its watch event may be late.
#[test]
fn a_service_that_is_not_in_the_cache_yet_is_known_from_the_review() {
    let cluster =
        CLUSTER.replace("name: web, namespace: shop}\nspec: {ports", "name: later, namespace: shop}\nspec: {ports");
    assert_eq!(warnings(&reviewer("", &cluster), &deleted(&web())), [LOST]);
}

#[test]
fn levels_of_the_configuration_apply_up_to_a_warning() {
    let level = |config: &str| warnings(&reviewer(config, CLUSTER), &deleted(&web())).len();
    for config in ["checks: {IG801: deny}", "profile: strict", "profile: observe"] {
        assert_eq!(level(config), 1, "{config}");
    }
    for config in [
        "checks: {IG801: off}",
        "checks: {service-in-use: audit}",
        "checks: {IG201: off}",
        "namespaces: [{match: shop, checks: {IG801: off}}]",
    ] {
        assert_eq!(level(config), 0, "{config}");
    }
    assert_eq!(level("namespaces: [{match: other, checks: {IG801: off}}]"), 1);
}

#[test]
fn only_the_registered_kinds_are_read() {
    let reviewer = reviewer("", CLUSTER);
    let reason = |review: &Value| ask_in(slow(), &reviewer, review).unwrap_err().reason;
    let secret = json!({"metadata": {"name": "tls", "namespace": "shop"}, "data": {}});
    assert_eq!(reason(&review("DELETE", ["", "Secret"], &secret, &Value::Null)), "WrongObject");
    assert_eq!(reason(&review("DELETE", ["networking.k8s.io", "Ingress"], &json!({}), &Value::Null)), "WrongObject");
    assert_eq!(reason(&review("DELETE", ["", "Service"], &Value::Null, &Value::Null)), "MissingObject");
    assert_eq!(reason(&deleted(&json!({"spec": {"ports": 1}}))), "MalformedObject");
    let not_asked = block_on(reviewer.review(deleted(&web()).to_string().as_bytes())).unwrap_err();
    assert_eq!(not_asked.reason, "WrongObject");
}

#[test]
fn unknown_ingresses_are_not_evaluated() {
    let mut inventory = load_text("cluster", CLUSTER).unwrap();
    inventory.cover(Kind::Ingress, Coverage::Forbidden);
    let told = warnings(&reviewer_over("", inventory), &deleted(&web()));
    let unknown =
        "IG902 the impact on Ingresses was not evaluated: RBAC does not allow ingress-guard to read Ingress objects";
    assert_eq!(told, [unknown]);
}

/// A Service with this many Ingresses, each with one path.
fn crowded(ingresses: usize) -> Inventory {
    let mut inventory = load_text("cluster", CLUSTER).unwrap();
    let ingress = inventory.ingress("shop", "web").unwrap().clone();
    for number in 1..ingresses {
        let mut another = ingress.clone();
        another.meta.key.name = format!("web-{number:05}").into();
        inventory.apply(Object::Ingress(Box::new(another)));
    }
    inventory
}

#[test]
fn the_work_for_a_service_with_many_ingresses_is_bounded() {
    let [hundred, many, more] = [100, 10_000, 20_000].map(|count| reviewer_over("", crowded(count)));
    let [of_hundred, of_many, of_more] =
        [&hundred, &many, &more].map(|reviewer| ask_in(slow(), reviewer, &deleted(&web())).unwrap());
    let told = |answer: &Reviewed| {
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        serde_json::from_value::<Vec<String>>(body["response"]["warnings"].clone()).unwrap()
    };
    assert_eq!(told(&of_hundred), [LOST.replace("web sends", "web and 99 more send")]);
    assert_eq!(
        told(&of_many),
        [
            LOST.replace("web sends", "web and 999 more send"),
            "IG902 Service shop/web: 9000 Ingresses not evaluated".to_owned()
        ]
    );
    assert_eq!(of_many.steps, of_more.steps, "the work does not grow with the cluster");
    assert!(!of_many.exceeded_allowance && of_many.steps < 4_000_000, "{}", of_many.steps);
    // A thread that serves sockets gives up earlier, and the review is repeated.
    assert!(ask_in(Place::Fast, &many, &deleted(&web())).unwrap().exceeded_allowance);
    let fast = ask_in(Place::Fast, &reviewer("", CLUSTER), &deleted(&web())).unwrap();
    assert_eq!((fast.exceeded_allowance, told(&fast)), (false, vec![LOST.to_owned()]));
}

#[test]
fn at_most_eight_warnings_are_returned() {
    let mut cluster = CLUSTER.replace("{name: http, port: 80}", &ports());
    for number in 1..12 {
        let _ = write!(
            cluster,
            "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: web-{number}, namespace: shop}}\n\
             spec:\n  ingressClassName: nginx\n  rules:\n    - host: h{number}.example.com\n      \
             http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{name: p{number}}}}}}}}}]}}\n"
        );
    }
    let old = service(&serde_saphyr::from_str(&format!("[{}]", ports())).unwrap());
    let told = warnings(&reviewer("", &cluster), &updated(&old, &service(&json!([{"name": "new", "port": 1}]))));
    assert_eq!(told.len(), 7, "{told:#?}");
    assert!(told[6].ends_with("; and 5 other effects"), "{told:#?}");
    assert!(told.iter().all(|line| line.chars().count() <= 256), "{told:#?}");
}

fn ports() -> String {
    let more = (1..12).map(|number| format!("{{name: p{number}, port: {}}}", 8000 + number));
    std::iter::once("{name: http, port: 80}".to_owned()).chain(more).collect::<Vec<_>>().join(", ")
}

#[test]
fn writes_of_other_objects_are_counted_apart() {
    let reviewer = reviewer("", CLUSTER);
    let class = json!({"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}});
    let of_class = review("DELETE", ["networking.k8s.io", "IngressClass"], &class, &Value::Null);
    assert_eq!(
        warnings(&reviewer, &of_class),
        [
            "IG804 IngressClass \"nginx\": 1 Ingress has this class: requests for it return 404, at the latest when the controller \
          restarts; give the Ingresses another class first"
        ]
    );
    let metrics = Metrics::new();
    for review in [deleted(&web()), of_class] {
        let answer = ask_in(slow(), &reviewer, &review).unwrap();
        metrics.reviewed(&answer.record, Duration::from_millis(1), None);
    }
    let text = metrics.encode(&[], &[]);
    for line in [
        r#"ingress_guard_impact_reviews_total{kind="Service",operation="DELETE",verdict="warn"} 1"#,
        r#"ingress_guard_impact_reviews_total{kind="IngressClass",operation="DELETE",verdict="warn"} 1"#,
        r#"ingress_guard_impact_reviews_total{kind="ConfigMap",operation="UPDATE",verdict="allow"} 0"#,
        r#"ingress_guard_findings_total{code="IG801",level="warn"} 1"#,
        // An alert rests on the reviews of Ingresses.
        "ingress_guard_last_review_timestamp_seconds 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains(r#"ingress_guard_reviews_total{operation="DELETE""#), "{text}");
}
