//! The Ingresses that stop their controllers, followed from one state to the next: what is found, and how much is evaluated for it.

use std::sync::Arc;

use ingress_guard::cluster::{ClusterView, Coverage, Inventory, Object, load_text};
use ingress_guard::config::Config;
use ingress_guard::model::{Key, Kind};
use ingress_guard::routing::{Controllers, Evaluated, ReloadBlocks, ReloadIndex};
use serde_json::json;

use crate::pages::{known, now};

const CLASS: &str = "
kind: IngressClass
apiVersion: networking.k8s.io/v1
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
kind: IngressClass
apiVersion: networking.k8s.io/v1
metadata: {name: other}
spec: {controller: example.com/other}
";

/// An Ingress with annotations and one rule.
fn ingress(name: &str, annotations: &str, host: &str, http: &str) -> String {
    format!(
        "
---
kind: Ingress
apiVersion: networking.k8s.io/v1
metadata: {{name: {name}, namespace: shop, annotations: {{{annotations}}}}}
spec:
  ingressClassName: nginx
  rules: [{{host: {host}{http}}}]
"
    )
}

fn paths(paths: &str) -> String {
    let backend = "backend: {service: {name: web, port: {number: 80}}}";
    let paths: Vec<String> =
        paths.split(' ').map(|path| format!("{{path: {path}, pathType: Exact, {backend}}}")).collect();
    format!(", http: {{paths: [{}]}}", paths.join(", "))
}

fn plain(name: &str) -> String {
    ingress(name, "", &format!("{name}.example.com"), &paths("/"))
}

fn refused(name: &str) -> String {
    let annotation = "nginx.ingress.kubernetes.io/rewrite-target: /$uid";
    ingress(name, annotation, &format!("{name}.example.com"), &paths("/"))
}

/// An index and the state that it follows.
struct Followed {
    state: Inventory,
    index: ReloadIndex,
    blocks: ReloadBlocks,
}

impl Followed {
    fn new(manifests: &str) -> Self {
        let settings = Config::default().settings;
        let index = ReloadIndex::new(settings.classes, settings.dialects);
        let state = load_text("cluster", &format!("{CLASS}{manifests}")).unwrap();
        let mut followed = Self { state, index, blocks: ReloadBlocks::default() };
        followed.follow();
        followed
    }

    fn follow(&mut self) {
        let state = Arc::new(self.state.clone());
        while !self.index.is_current(&state) {
            self.blocks = self.index.update(&state, now());
        }
    }

    /// Applies manifests and returns what was evaluated for them.
    fn apply(&mut self, manifests: &str) -> (usize, usize) {
        let before = self.index.evaluated();
        for object in load_text("cluster", manifests).unwrap().objects(Kind::Ingress) {
            self.state.apply(object);
        }
        self.follow();
        let Evaluated { ingresses, hosts } = self.index.evaluated();
        (ingresses - before.ingresses, hosts - before.hosts)
    }

    fn delete(&mut self, name: &str) {
        self.state.delete(Kind::Ingress, &Key::new("shop", name));
        self.follow();
    }

    /// The names of the Ingresses that stop a controller.
    fn blocks(&self) -> Vec<&str> {
        let is_blocked = self.blocks.classes().iter().any(|(class, is_blocked)| **class == *"nginx" && *is_blocked);
        assert_eq!(is_blocked, !self.blocks.all().is_empty());
        self.blocks.all().iter().map(|block| &*block.ingress.name).collect()
    }

    /// Whether a write of a stored Ingress, as it is, has the warning.
    fn warns(&self, name: &str) -> bool {
        let settings = Config::default().settings;
        let view = ClusterView::unrestricted(known(&self.state));
        let controllers = Controllers::new(&view, &settings.classes, &settings.dialects);
        let ingress = self.state.ingress("shop", name).unwrap();
        self.blocks.of(ingress, controllers, &self.state).is_some()
    }
}

#[test]
fn one_change_among_many_ingresses_evaluates_one() {
    let mut followed = Followed::new("");
    for at in 0..20_000 {
        let name = format!("app{at}");
        let backend = json!({"service": {"name": name, "port": {"number": 80}}});
        let rule = json!({"host": format!("{name}.example.com"),
                          "http": {"paths": [{"path": "/", "pathType": "Exact", "backend": backend}]}});
        let ingress = json!({"metadata": {"name": name, "namespace": "shop"},
                             "spec": {"ingressClassName": "nginx", "rules": [rule]}});
        followed.state.apply(Object::Ingress(Box::new(serde_json::from_value(ingress).unwrap())));
    }
    followed.follow();
    assert_eq!(followed.index.evaluated(), Evaluated { ingresses: 20_000, hosts: 20_000 });
    assert_eq!(followed.blocks(), [""; 0]);
    assert_eq!(followed.apply(&refused("app7")), (2, 1), "the change, then its values");
    assert_eq!(followed.blocks(), ["app7"]);
    // That Ingress is evaluated again, because other objects decide whether its value is written.
    assert_eq!(followed.apply(&ingress("app8", "", "app8.example.com", &paths("/x"))), (2, 1));
    assert_eq!(followed.blocks(), ["app7"]);
    assert!(followed.warns("app8"));
    assert!(!followed.warns("app7"), "the write may be the fix");
    followed.apply(&plain("app7"));
    assert_eq!(followed.blocks(), [""; 0]);
    assert_eq!(followed.apply(&plain("app8")), (1, 1));
}

#[test]
fn the_same_state_is_evaluated_once() {
    let followed = Followed::new(&(plain("a") + &refused("b")));
    let state = Arc::new(followed.state.clone());
    let mut index = followed.index;
    index.update(&state, now());
    let evaluated = index.evaluated();
    assert!(index.is_current(&state));
    index.update(&state, now());
    assert_eq!(index.evaluated(), evaluated);
}

#[test]
fn values_variables_crashes_and_locations_stop_a_controller() {
    let buffer = "nginx.ingress.kubernetes.io/proxy-buffer-size: 0k";
    let canary = "nginx.ingress.kubernetes.io/canary: \"true\"";
    let regex = "nginx.ingress.kubernetes.io/use-regex: \"true\"";
    for faulty in [
        refused("b"),
        ingress("b", buffer, "b.example.com", &paths("/")),
        ingress("b", canary, "b.example.com", ""),
        ingress("b", regex, "b.example.com", &paths("\"/a(\"")),
    ] {
        let mut followed = Followed::new(&(plain("a") + &faulty + &plain("c")));
        assert_eq!(followed.blocks(), ["b"], "{faulty}");
        assert!(followed.warns("a") && followed.warns("c") && !followed.warns("b"), "{faulty}");
        followed.delete("b");
        assert_eq!(followed.blocks(), [""; 0], "{faulty}");
        followed.apply(&faulty);
        assert_eq!(followed.blocks(), ["b"], "{faulty}");
        followed.apply(&plain("b"));
        assert_eq!(followed.blocks(), [""; 0], "{faulty}");
    }
}

#[test]
fn another_ingress_of_the_host_can_cause_the_error_and_fix_it() {
    let literal = ingress("a", "", "app.example.com", &paths("\"/a(\""));
    let mut followed = Followed::new(&(literal + &plain("c")));
    assert_eq!(followed.blocks(), [""; 0], "the path is no regex");
    let regex = "nginx.ingress.kubernetes.io/use-regex: \"true\"";
    followed.apply(&ingress("b", regex, "app.example.com", &paths("/b")));
    assert_eq!(followed.blocks(), ["a"]);
    assert!(followed.warns("c"));
    assert!(!followed.warns("b"), "a write on this host may be the fix");
    followed.delete("b");
    assert_eq!(followed.blocks(), [""; 0]);
}

#[test]
fn an_ingress_of_another_controller_has_no_warning() {
    let other = plain("a").replace("ingressClassName: nginx", "ingressClassName: other");
    let mut followed = Followed::new(&(other + &refused("b")));
    assert!(!followed.warns("a"));
    // The class of the Ingress changes its controller.
    followed.apply(&refused("b").replace("ingressClassName: nginx", "ingressClassName: other"));
    assert_eq!(followed.blocks(), [""; 0]);
}

#[test]
fn a_change_of_a_class_evaluates_its_ingresses_again() {
    let mut followed = Followed::new(&refused("b"));
    assert_eq!(followed.blocks(), ["b"]);
    let text = CLASS.replace("k8s.io/ingress-nginx", "example.com/other");
    for object in load_text("cluster", &text).unwrap().objects(Kind::IngressClass) {
        followed.state.apply(object);
    }
    followed.follow();
    assert_eq!(followed.blocks.all().len(), 0);
    assert_eq!(followed.blocks.classes(), []);
}

#[test]
fn nothing_is_known_before_the_first_list_is_complete() {
    let mut followed = Followed::new(&refused("b"));
    followed.state.cover(Kind::Ingress, Coverage::NotSynced);
    followed.follow();
    assert_eq!(followed.blocks.all().len(), 0);
    followed.state.cover(Kind::Ingress, Coverage::Complete);
    followed.follow();
    assert_eq!(followed.blocks(), ["b"]);
}
