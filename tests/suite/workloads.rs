//! What runs behind Services: pods in every state, what is said where they are known, and that admission reads none of it.

use std::fmt::Write as _;

use ingress_guard::budget::Allowance;
use ingress_guard::cluster::{ClusterView, Coverage, Inventory, load_text};
use ingress_guard::config::Config;
use ingress_guard::engine::NotEvaluatedReason;
use ingress_guard::model::{Key, Kind, Kinds, Pod, PodState, Protocol, Workload};
use ingress_guard::routing::{BackendReadiness, pod_templates};
use serde_json::{Value, json};

use crate::pages::known;

fn state(metadata: &Value, status: &Value) -> PodState {
    let pod: Pod = serde_json::from_value(json!({"metadata": metadata, "status": status})).unwrap();
    pod.state
}

#[test]
fn a_pod_has_a_cause_for_not_being_ready() {
    let waiting = |reason: &str| json!([{"ready": true}, {"state": {"waiting": {"reason": reason}}}]);
    let running = |started: Value| json!([{"ready": false, "started": started, "state": {"running": {}}}]);
    for (status, why) in [
        (json!({"phase": "Pending", "containerStatuses": waiting("ImagePullBackOff")}), "ImagePullBackOff"),
        (json!({"phase": "Running", "containerStatuses": waiting("CrashLoopBackOff")}), "CrashLoopBackOff"),
        (
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}),
            "Unschedulable",
        ),
        (
            json!({"phase": "Pending", "initContainerStatuses": waiting("ErrImagePull"), "containerStatuses": waiting("PodInitializing")}),
            "Init:ErrImagePull",
        ),
        (
            json!({"phase": "Running", "containerStatuses": [{"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}]}),
            "OOMKilled",
        ),
        (json!({"phase": "Running", "containerStatuses": running(json!(true))}), "its readiness probe fails"),
        (
            json!({"phase": "Running", "containerStatuses": running(json!(false))}),
            "its startup probe has not succeeded",
        ),
        (
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady"}],
                   "containerStatuses": [{"ready": true}]}),
            "ReadinessGatesNotReady",
        ),
        (json!({"phase": "Running", "reason": "NodeLost"}), "NodeLost"),
        (json!({"phase": "Pending"}), "Pending"),
    ] {
        assert_eq!(state(&json!({}), &status), PodState::NotReady(why.into()), "{status}");
    }
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    assert_eq!(state(&json!({}), &ready), PodState::Ready);
    let deleted = json!({"deletionTimestamp": "2026-11-22T12:00:00Z"});
    assert_eq!(state(&deleted, &ready), PodState::NotReady("Terminating".into()));
    assert_eq!(state(&json!({}), &json!({"phase": "Failed", "reason": "Evicted"})), PodState::Over("Evicted".into()));
    assert_eq!(state(&json!({}), &json!({"phase": "Succeeded"})), PodState::Over("Succeeded".into()));
    assert_eq!(state(&json!({}), &json!(null)), PodState::Unknown, "it is from a file");
}

#[test]
fn a_template_has_the_ports_of_its_long_running_containers() {
    let workload: Workload = serde_json::from_value(json!({"spec": {"template": {
        "metadata": {"labels": {"app": "web"}},
        "spec": {
            "containers": [{"ports": [{"name": "http", "containerPort": 80}, {"name": "dns", "protocol": "UDP"}]}, {"ports": null}],
            "initContainers": [{"ports": [{"name": "once"}]}, {"restartPolicy": "Always", "ports": [{"name": "side"}]}],
        },
    }}}))
    .unwrap();
    let names: Vec<_> = workload.template.ports.iter().map(|port| &*port.name).collect();
    assert_eq!(names, ["http", "dns", "side"]);
    assert!(workload.template.has_port("http", Protocol::Tcp) && !workload.template.has_port("dns", Protocol::Tcp));
    assert_eq!((workload.replicas, workload.template.has_probe), (None, false));
}

const SERVICE: &str = "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}}\n";
const SLICE: &str = "---\n{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-x, namespace: shop, labels: {kubernetes.io/service-name: web}}}\n";

fn pod(name: &str, status: &str) -> String {
    format!(
        "---\n{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: shop, labels: {{app: web}}}}, \
         spec: {{containers: [{{name: web}}]}}, status: {{{status}}}}}\n"
    )
}

fn deployment(name: &str, replicas: i32, ports: &str) -> String {
    format!(
        "---\n{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}, namespace: shop}}, spec: {{replicas: {replicas}, \
         template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: web, ports: [{ports}]}}]}}}}}}}}\n"
    )
}

/// The readiness of the Service's port as text.
fn backing_in(inventory: &Inventory) -> String {
    let candidate = Key::new("shop", "web");
    let view = ClusterView::new(known(inventory), &candidate, Kinds::of(&Kind::ALL), Kinds::NONE);
    let service = inventory.service("shop", "web").unwrap();
    let ports: Vec<_> = service.ports.iter().collect();
    BackendReadiness::of(&view, service, &ports, |_| true).to_string()
}

fn backing(objects: &[&str]) -> String {
    backing_in(&load_text("cluster", &objects.concat()).unwrap())
}

#[test]
fn readiness_of_a_port_states_the_cause() {
    let other = pod("other", "phase: Running").replace("app: web", "app: other");
    let pending = "phase: Pending, containerStatuses: [{state: {waiting: {reason: ErrImagePull}}}]";
    let many = (0..5).fold(String::new(), |mut all, at| {
        let _ = write!(all, "{}", pod(&format!("web-{at}"), pending));
        all
    });
    let ready = SLICE.replace(
        "}}}",
        "}}, endpoints: [{conditions: {ready: true}}, {conditions: {ready: false}}], ports: [{name: http, port: 80}]}",
    );
    let ended = pod("old", "phase: Failed, reason: Evicted");
    let running = pod("web-1", "phase: Running, conditions: [{type: Ready, status: 'True'}]");
    for (objects, words) in [
        (vec![SERVICE, &ready], "1 ready, 1 not ready"),
        (vec![SERVICE], "unknown"),
        (vec![SERVICE, SLICE], "the Service has no endpoints; check that its selector matches running pods"),
        (
            vec![SERVICE, SLICE, &other],
            "the Service has no endpoints; fix its selector \"app=web\", which matches no pod",
        ),
        (vec![SERVICE, SLICE, &ended], "the Service has no endpoints; check pod \"old\" (Evicted)"),
        (
            vec![SERVICE, SLICE, &many, &ended],
            "the Service has no endpoints; check pods \"web-0\" (ErrImagePull), \"web-1\" (ErrImagePull), \"web-2\" (ErrImagePull) and 2 more",
        ),
        (vec![SERVICE, SLICE, &running], "the Service has no endpoints; check that its selector matches running pods"),
        (
            vec![SERVICE, SLICE, &other, &deployment("web", 0, "")],
            "the Service has no endpoints; scale up Deployment \"web\", which has 0 replicas",
        ),
        (
            vec![SERVICE, SLICE, &other, &deployment("a", 0, ""), &deployment("b", 2, "")],
            "the Service has no endpoints; check why Deployment \"b\" creates no pods",
        ),
        // Files without pods.
        (
            vec![SERVICE, SLICE, &deployment("web", 0, "")],
            "the Service has no endpoints; scale up Deployment \"web\", which has 0 replicas",
        ),
        (
            vec![SERVICE, SLICE, &deployment("web", 0, ""), &deployment("b", 1, "")],
            "the Service has no endpoints; check that its selector matches running pods",
        ),
        (
            vec![SERVICE, &deployment("web", 1, "")],
            "the Service maps port 80 (http) to container port \"http\", which its pods do not have; add this container port to Deployment \"web\"",
        ),
        (vec![SERVICE, &deployment("web", 1, "{name: http, containerPort: 1}")], "unknown"),
        (
            vec![SERVICE, &deployment("web", 1, "{name: http, containerPort: 1, protocol: UDP}")],
            "the Service maps port 80 (http) to container port \"http\", which its pods do not have; add this container port to Deployment \"web\"",
        ),
    ] {
        assert_eq!(backing(&objects), words, "{objects:#?}");
    }
}

#[test]
fn unreadable_objects_are_not_missing() {
    let pending = pod("web-1", "phase: Pending, reason: X").replace("app: web", "app: other");
    let unexplained = "the Service has no endpoints; check that its selector matches running pods";
    let mut inventory = load_text("cluster", &[SERVICE, SLICE, &pending].concat()).unwrap();
    inventory.apply_unreadable(Kind::Pod, Key::new("shop", "web-2"));
    assert_eq!(backing_in(&inventory), unexplained);
    inventory.delete(Kind::Pod, &Key::new("shop", "web-2"));
    assert_ne!(backing_in(&inventory), unexplained);
    for coverage in [Coverage::Forbidden, Coverage::NotWatched, Coverage::Partial] {
        inventory.cover(Kind::Pod, coverage);
        assert_eq!(backing_in(&inventory), unexplained, "{coverage:?}");
    }
    assert_eq!(inventory.count(Kind::Pod), 1);
}

#[test]
fn pods_without_a_workload_are_checked_directly() {
    let names = |objects: &[&str]| -> Vec<String> {
        let inventory = load_text("cluster", &objects.concat()).unwrap();
        let candidate = Key::new("shop", "web");
        let view = ClusterView::new(known(&inventory), &candidate, Kinds::of(&Kind::ALL), Kinds::NONE);
        let templates = pod_templates(&view, inventory.service("shop", "web").unwrap());
        templates.iter().map(|template| format!("{} {}", template.kind, template.name)).collect()
    };
    let pods = [pod("web-1", "phase: Running"), pod("web-0", ""), pod("web-2", "phase: Succeeded")].concat();
    assert_eq!(names(&[SERVICE, &pods]), ["Pod web-0", "Pod web-1"]);
    assert_eq!(names(&[SERVICE, &pods, &deployment("web", 1, "")]), ["Deployment web"]);
    let by_hand = SERVICE.replace("selector: {app: web}, ", "");
    assert_eq!(names(&[&by_hand, &pods]), [""; 0], "a Service without a selector takes no pods");
}

const INGRESS: &str = "---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  ingressClassName: nginx
  rules: [{host: app.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
";

/// What is said of the Ingress where these kinds are so: codes, and the reasons of what was not evaluated.
fn said(objects: &[&str], cover: impl Fn(Kind) -> Option<Coverage>) -> (Vec<&'static str>, Vec<String>) {
    let mut inventory = load_text("cluster", &[objects, &[INGRESS]].concat().concat()).unwrap();
    for kind in Kind::ALL {
        if let Some(coverage) = cover(kind) {
            inventory.cover(kind, coverage);
        }
    }
    let ingress = inventory.ingress("shop", "web").unwrap();
    let evaluation = Config::default().engine().run(ingress, known(&inventory), &Allowance::full());
    let codes = evaluation.findings.iter().map(|finding| finding.code).filter(|code| *code != "IG902").collect();
    let why = |why: NotEvaluatedReason| why.text();
    let of = evaluation.not_evaluated.iter().filter(|not| not.check.code == "IG211");
    (codes, of.map(|not| why(not.why)).collect())
}

#[test]
fn admission_reads_no_pods_and_does_not_miss_them() {
    let engine = Config::default().engine();
    assert!((engine.needs() | engine.hints()).iter().all(Kind::is_watched));
    let fresh = Inventory::default();
    assert!(Kind::ALL.into_iter().all(|kind| kind.is_watched() == (fresh.coverage(kind) == Coverage::NotSynced)));
    let view = [SERVICE, &deployment("web", 1, "")];
    assert_eq!(said(&view, |_| None).0, ["IG204", "IG211"], "a command that looks at files");
    let at_admission = said(&view, |kind| (!kind.is_watched()).then_some(Coverage::NotWatched));
    assert_eq!(at_admission, (vec![], vec![]));
}

#[test]
fn files_are_evaluated_with_the_workloads_that_they_contain() {
    let partial = |_| Some(Coverage::Partial);
    let view = [SERVICE, &deployment("web", 1, "")];
    assert_eq!(said(&view, partial), (vec!["IG211"], vec![]), "another Deployment may name the port");
    let closed = |kind| Some(if Kind::WORKLOADS.contains(&kind) { Coverage::Complete } else { Coverage::Partial });
    assert_eq!(said(&view, closed), (vec!["IG204", "IG211"], vec![]));
    let elsewhere = deployment("web", 1, "").replace("app: web", "app: api");
    let unknown = "Deployment objects that are not in the files are unknown".to_owned();
    assert_eq!(said(&[SERVICE, &elsewhere], partial), (vec![], vec![unknown]));
    let forbidden = |kind| (kind == Kind::Deployment).then_some(Coverage::Forbidden);
    let (codes, why) = said(&[SERVICE], forbidden);
    assert_eq!((codes, why), (vec![], vec!["RBAC does not allow ingress-guard to read Deployment objects".to_owned()]));
}
