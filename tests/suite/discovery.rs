//! Controllers that run in the cluster: version, flags and ConfigMap from workloads and pods, what they do not agree on, and
//! namespaces that do not count.

use std::fmt::Write as _;
use std::time::Duration;

use ingress_guard::analysis::analyze;
use ingress_guard::budget::Allowance;
use ingress_guard::cluster::{ClusterState, ClusterView, Inventory, LiveRead, LiveReads, Object, Snapshot, load_text};
use ingress_guard::config::Config;
use ingress_guard::explain::{RequestUrl, explain_url};
use ingress_guard::model::{Ingress, Key, Kind, Pod};
use ingress_guard::report::ControllersReport;
use ingress_guard::routing::annotations::Risk;
use ingress_guard::routing::{AnnotationClass, Dialect, Version};

use crate::pages::{self, known};
use crate::work::took;

const CLASS: &str = "
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx, labels: {app.kubernetes.io/version: 1.15.1}}
spec: {controller: k8s.io/ingress-nginx}
";

const COMPLETE: &str = "{observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1}";
const HALF_WAY: &str = "{observedGeneration: 1, replicas: 2, updatedReplicas: 1, availableReplicas: 2}";

/// A Deployment as Helm renders it: `namespace/name`, the tag of the image, further flags, and the status.
fn deployment(key: &str, tag: &str, flags: &[&str], status: &str) -> String {
    let (namespace, name) = key.split_once('/').unwrap();
    let mut args = "/nginx-ingress-controller, --controller-class=k8s.io/ingress-nginx".to_owned();
    for flag in flags {
        write!(args, ", {flag:?}").unwrap();
    }
    format!(
        "
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}, generation: 1}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
      - name: controller
        image: registry.k8s.io/ingress-nginx/controller:{tag}
        args: [{args}]
        env:
        - {{name: POD_NAMESPACE, valueFrom: {{fieldRef: {{fieldPath: metadata.namespace}}}}}}
status: {status}
"
    )
}

/// A ready pod of a Deployment with this tag.
fn pod(deployment: &str, name: &str, tag: &str) -> String {
    let (namespace, app) = deployment.split_once('/').unwrap();
    format!(
        "
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {{app: {app}}}}}
spec:
  containers: [{{name: controller, image: 'registry.k8s.io/ingress-nginx/controller:{tag}', args: [/nginx-ingress-controller]}}]
status: {{phase: Running, conditions: [{{type: Ready, status: 'True'}}]}}
"
    )
}

fn inventory(text: &str) -> Inventory {
    load_text("cluster.yaml", text).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns what is known of the controller of class `nginx`.
fn dialect(config: &str, text: &str) -> Dialect {
    let config = Config::parse("guard.yaml", config).unwrap_or_else(|error| panic!("{error}"));
    let inventory = inventory(text);
    let view = ClusterView::unrestricted(known(&inventory));
    let dialects = config.settings.dialects.with_observed_settings(&view);
    dialects.of_class("nginx", "k8s.io/ingress-nginx", "shop").clone()
}

const KEY: &str = "ingress-nginx/controller";

#[test]
fn version_flags_and_config_map_of_a_deployment_are_known() {
    let flags = ["--configmap=$(POD_NAMESPACE)/settings", "--ingress-class=public", "--enable-ssl-passthrough"];
    let settings = "
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: ingress-nginx}
data: {allow-snippet-annotations: 'true', annotations-risk-level: Critical}
";
    let text = CLASS.to_owned() + &deployment(KEY, "v1.11.2@sha256:0123", &flags, COMPLETE) + settings;
    let found = dialect("", &text);
    // The label of the IngressClass names another version. The image counts.
    assert_eq!(found.version, Some(Version::new(1, 11, 2)));
    assert_eq!(found.annotation_class, AnnotationClass::Set(vec!["public".to_owned()]));
    assert_eq!((found.allows_snippets(), found.risk_level()), (Some(true), Some(Risk::Critical)));
    // The default of this version.
    assert_eq!(found.validates_annotations(), Some(false));
    assert_eq!(found.flags.enable_ssl_passthrough, Some(true));
    assert_eq!(found.flags.disable_catch_all, Some(false));
    assert_eq!(found.workloads.len(), 1);

    let without_config_map = CLASS.to_owned() + &deployment(KEY, "v1.11.2", &flags, COMPLETE);
    assert_eq!(dialect("", &without_config_map).allows_snippets(), None, "settings that cannot be read are unknown");
    let by_digest = CLASS.to_owned() + &deployment(KEY, "@sha256:0123", &[], COMPLETE).replace(":@", "@");
    assert_eq!(dialect("", &by_digest).version, None);
    let configured = "dialects: [{match: {controller: k8s.io/ingress-nginx}, engine: nginx, version: 1.14.0}]";
    let found = dialect(configured, &text);
    assert_eq!((found.version, found.allows_snippets()), (Some(Version::new(1, 14, 0)), Some(true)));
    for mode in ["off", "classes"] {
        let found = dialect(&format!("discovery: {{mode: {mode}}}"), &text);
        assert_eq!((found.version, found.workloads.len()), (None, 0), "{mode}");
    }
}

#[test]
fn only_the_namespaces_of_discovery_count() {
    let look_alike = CLASS.to_owned() + &deployment("tenant/controller", "v1.9.0", &[], COMPLETE);
    assert_eq!(dialect("", &look_alike).workloads, []);
    let found = dialect("discovery: {namespaces: [tenant]}", &look_alike);
    assert_eq!(found.version, Some(Version::new(1, 9, 0)));
    let release = look_alike.replace(
        "metadata: {name: nginx,",
        "metadata: {name: nginx, annotations: {meta.helm.sh/release-namespace: tenant},",
    );
    assert_eq!(dialect("", &release).version, Some(Version::new(1, 9, 0)));
    let both = look_alike + &deployment(KEY, "v1.15.1", &[], COMPLETE);
    assert_eq!(dialect("", &both).version, Some(Version::new(1, 15, 1)), "a look-alike changes nothing");

    let inventory = inventory(&both);
    let view = ClusterView::unrestricted(known(&inventory));
    let settings = Config::default().settings;
    let report = ControllersReport::of(&view, &settings.classes, &settings.dialects);
    assert_eq!(report.ignored, ["Deployment tenant/controller"]);
    let text = report.text();
    assert!(text.contains("IngressClass nginx: k8s.io/ingress-nginx (nginx, 1.15.1)"), "{text}");
    assert!(
        text.contains("Deployment ingress-nginx/controller") && text.contains("tenant/controller is not in"),
        "{text}"
    );
}

#[test]
fn controllers_that_differ_leave_a_setting_unknown() {
    let one = deployment(KEY, "v1.15.1", &["--configmap=$(POD_NAMESPACE)/a"], COMPLETE);
    let with = |other: &str| dialect("", &(CLASS.to_owned() + &one + other));
    let found = with(&deployment("kube-system/other", "v1.15.1", &["--enable-annotation-validation=false"], COMPLETE));
    assert_eq!(found.version, Some(Version::new(1, 15, 1)));
    assert!(found.settings_unknown());
    assert_eq!((found.validates_annotations(), found.allows_snippets()), (None, None));
    let found = with(&deployment("kube-system/other", "v1.11.2", &["--configmap=ingress-nginx/a"], COMPLETE));
    assert_eq!((found.version, found.workloads.len()), (None, 2));
    // One that has no available pod does not count.
    let idle = "{observedGeneration: 1, replicas: 1, updatedReplicas: 1}";
    for (replicas, status) in [("replicas: 0", COMPLETE), ("replicas: 1", idle)] {
        let old =
            deployment("kube-system/other", "v1.11.2", &[], status).replace("replicas: 1\n", &format!("{replicas}\n"));
        assert_eq!(with(&old).version, Some(Version::new(1, 15, 1)), "{status}");
    }
    // Controllers that watch different namespaces do not handle the same Ingresses.
    let of = |key: &str, tag: &str, namespace: &str| {
        deployment(key, tag, &[&format!("--watch-namespace={namespace}")], COMPLETE)
    };
    let split = CLASS.to_owned() + &of(KEY, "v1.15.1", "shop") + &of("kube-system/other", "v1.11.2", "blog");
    assert_eq!(dialect("", &split).version, Some(Version::new(1, 15, 1)));
}

#[test]
fn a_rollout_has_the_versions_of_its_ready_pods() {
    let text = |tag: &str, status: &str, pods: &[(&str, &str)]| {
        let pods: String = pods.iter().map(|(name, tag)| pod(KEY, name, tag)).collect();
        CLASS.to_owned() + &deployment(KEY, tag, &[], status) + &pods
    };
    let version = |text: String| dialect("", &text).version.map(|version| version.to_string());
    let new = Some("1.15.1".to_owned());
    assert_eq!(version(text("v1.15.1", HALF_WAY, &[("a", "v1.15.1"), ("b", "v1.11.2")])), None);
    assert_eq!(version(text("v1.15.1", HALF_WAY, &[("a", "v1.15.1")])), new);
    assert_eq!(version(text("v1.15.1", HALF_WAY, &[])), None, "the pods may have the old image");
    assert_eq!(version(text("v1.15.1", COMPLETE, &[("a", "v1.15.1")])), new);
    assert_eq!(version(text("v1.15.1", "{}", &[])), new, "a file has no status");
}

#[test]
fn a_snapshot_keeps_the_controllers() {
    let flags = ["--configmap=$(POD_NAMESPACE)/settings", "--watch-ingress-without-class"];
    let traefik = "
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: traefik, namespace: kube-system}
spec:
  template:
    spec:
      containers: [{image: 'traefik:v3.6', args: [--providers.kubernetesIngressNGINX=true, --providers.kubernetesIngressNGINX.controllerClass=a/b]}]
";
    let text = CLASS.to_owned()
        + &deployment(KEY, "v1.15.1-hardened1", &flags, HALF_WAY)
        + &pod(KEY, "a", "v1.15.1-hardened1")
        + traefik;
    let snapshot = Snapshot { inventory: inventory(&text), live_reads: LiveReads::default(), taken: pages::now() };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot");
    snapshot.write(std::fs::File::create(&path).unwrap()).unwrap();
    let again = Snapshot::read(&path).unwrap_or_else(|error| panic!("{error}"));
    let discovered = |inventory: &Inventory| {
        let view = ClusterView::unrestricted(known(inventory));
        Config::default().settings.dialects.discovery.find(&view).instances
    };
    let instances = discovered(&snapshot.inventory);
    assert_eq!(instances.len(), 2);
    assert_eq!(discovered(&again.inventory), instances);
    assert!(instances.iter().any(|it| it.source.0 == Kind::DaemonSet && it.controller_class.as_deref() == Some("a/b")));
}

const INGRESS: &str = "
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop, ANNOTATIONS}
spec:
  CLASS
  rules:
  - host: app.example.com
    http: {paths: [{path: /api, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
";

/// Returns the codes of the findings with their messages, and the outcome and text of a request.
fn findings(config: &str, text: &str) -> (String, String) {
    let config = Config::parse("guard.yaml", config).unwrap_or_else(|error| panic!("{error}"));
    let inventory = inventory(text);
    let ingress = inventory.ingress("shop", "web").unwrap();
    let analysis = analyze(ingress, known(&inventory), &config.engine(), &config.policy);
    let findings = analysis.verdict.distinct().map(|decision| {
        format!(
            "{:?} {}: {}; {}\n",
            decision.level, decision.finding.code, decision.finding.message, decision.finding.help
        )
    });
    let request = RequestUrl::read("http://app.example.com/api").unwrap();
    let explained = explain_url(&request, known(&inventory), &config.settings, None).unwrap();
    (findings.collect(), format!("{:?}", explained.outcome))
}

fn of_class(annotations: &str, class: &str) -> String {
    INGRESS.replace("ANNOTATIONS", annotations).replace("CLASS", class)
}

#[test]
fn an_annotation_that_the_controller_ignores_returns_404() {
    let internal = CLASS.replace("name: nginx", "name: internal");
    let ingress = of_class("annotations: {kubernetes.io/ingress.class: internal}", "");
    let (found, outcome) = findings("", &(internal.clone() + &deployment(KEY, "v1.15.1", &[], COMPLETE) + &ingress));
    assert!(
        found.contains("Warn IG105: the controller of class \"internal\" handles annotation value nginx only"),
        "{found}"
    );
    assert_eq!(outcome, "DefaultBackend");
    let public = deployment(KEY, "v1.15.1", &["--ingress-class=internal"], COMPLETE);
    let (found, outcome) = findings("", &(internal.clone() + &public + &ingress));
    assert!(!found.contains("IG105"), "{found}");
    assert_ne!(outcome, "DefaultBackend");
    // Without the flag, nothing is known.
    assert!(!findings("", &(internal + &ingress)).0.contains("IG105"));
}

#[test]
fn the_flag_for_ingresses_without_a_class_settles_it() {
    let ingress = of_class("", "");
    let with =
        |flags: &[&str]| findings("", &(CLASS.to_owned() + &deployment(KEY, "v1.15.1", flags, COMPLETE) + &ingress));
    assert!(with(&[]).0.contains("IG102"));
    let (found, outcome) = with(&["--watch-ingress-without-class=true"]);
    assert!(!found.contains("IG102"), "{found}");
    assert_ne!(outcome, "Unknown");
}

#[test]
fn a_controller_that_may_be_ingress_nginx_is_not_evaluated_and_reported_as_such() {
    let class = CLASS.replace("k8s.io/ingress-nginx", "example.com/edge");
    let regex = of_class("annotations: {nginx.ingress.kubernetes.io/use-regex: 'true'}", "ingressClassName: nginx");
    let (found, outcome) = findings("", &(class.clone() + &regex));
    assert!(found.contains("IG301") && found.contains("not evaluated"), "{found}");
    assert!(found.contains("dialects: [{match: {controller: example.com/edge}, engine: nginx}]"), "{found}");
    assert!(found.contains("Audit IG902"), "{found}");
    assert_eq!(outcome, "Unknown");
    for engine in ["nginx", "neutral"] {
        let config = format!("dialects: [{{match: {{controller: example.com/edge}}, engine: {engine}}}]");
        let (found, outcome) = findings(&config, &(class.clone() + &regex));
        assert!(!found.contains("IG902"), "{engine}: {found}");
        assert_ne!(outcome, "Unknown", "{engine}");
    }
    // Without annotations of ingress-nginx, the rules of Kubernetes apply.
    let plain = of_class("", "ingressClassName: nginx");
    assert!(!findings("", &(class.clone() + &plain)).0.contains("IG902"));
    // Values that certainly belong to another controller, and to a managed ingress-nginx.
    for known in ["traefik.io/ingress-controller", "webapprouting.kubernetes.azure.com/nginx/default"] {
        let class = CLASS.replace("k8s.io/ingress-nginx", known);
        let (found, outcome) = findings("", &(class + &regex));
        assert!(!found.contains("IG902"), "{known}: {found}");
        assert_ne!(outcome, "Unknown", "{known}");
    }
    // A workload settles it.
    let edge = deployment(KEY, "v1.15.1", &[], COMPLETE).replace("k8s.io/ingress-nginx", "example.com/edge");
    assert!(!findings("", &(class + &edge + &regex)).0.contains("IG902"));
}

#[test]
fn the_default_annotation_of_a_controller_with_other_classes_is_unknown() {
    let public = CLASS.replace("name: nginx", "name: public");
    let ingress = of_class("annotations: {kubernetes.io/ingress.class: nginx}", "");
    let (found, outcome) = findings("", &(public.clone() + &ingress));
    assert!(found.contains("--ingress-class"), "{found}");
    assert_eq!(outcome, "Unknown");
    assert_ne!(findings("", &(public + &deployment(KEY, "v1.15.1", &[], COMPLETE) + &ingress)).1, "Unknown");
}

#[test]
fn a_class_in_a_wrong_place_is_named() {
    for place in [
        "annotations: {kubernetes.io/ingress-class: nginx}",
        "annotations: {nginx.ingress.kubernetes.io/ingressClassName: nginx}",
        "labels: {kubernetes.io/ingress.class: nginx}",
    ] {
        let (found, _) = findings("", &(CLASS.to_owned() + &of_class(place, "")));
        let (of, rest) = place.split_once("s: {").unwrap();
        let key = rest.split_once(':').unwrap().0;
        assert!(found.contains(&format!("no class is set ({of} {key} is not read)")), "{found}");
    }
    let (found, _) = findings("", &(CLASS.to_owned() + &of_class("labels: {ingress: web}", "")));
    assert!(found.contains("no class is set and"), "{found}");
}

/// A cluster with a controller of that many pods, as a DaemonSet has on that many Nodes, and an Ingress.
fn with_pods(pods: usize) -> Inventory {
    let text = CLASS.to_owned() + &deployment(KEY, "v1.14.3", &[], COMPLETE) + &pod(KEY, "controller", "v1.14.3");
    let mut inventory = inventory(&text);
    let Object::Pod(one) = inventory.objects(Kind::Pod).remove(0) else { panic!("it is a pod") };
    for n in 0..pods {
        let key = Key::new("ingress-nginx", &format!("controller-{n}"));
        inventory.apply(Object::Pod(Pod { key, ..one.clone() }));
    }
    inventory
}

#[test]
fn the_work_of_an_evaluation_does_not_grow_with_the_pods_of_a_controller() {
    let config = Config::default();
    let engine = config.engine();
    let evaluate = |inventory: &Inventory| {
        let ingress = serde_json::from_str(
            r#"{"metadata": {"namespace": "shop", "name": "web"}, "spec": {"ingressClassName": "nginx"}}"#,
        );
        let ingress: Ingress = ingress.unwrap();
        engine.run(&ingress, known(inventory), &Allowance::fast())
    };
    let (few, many) = (with_pods(1), with_pods(5_000));
    let (of_few, of_many) = (evaluate(&few), evaluate(&many));
    assert_eq!((of_many.spent, of_many.exhausted), (of_few.spent, false));
    assert_eq!(of_many.findings, of_few.findings);
    // Only the first evaluation of a state reads the pods.
    let first = took(|| evaluate(&few)).0.max(Duration::from_millis(1));
    let next = (0..20).map(|_| took(|| evaluate(&many)).0).min().unwrap();
    assert!(next < 20 * first, "{next:?} beside {first:?}");
}

#[test]
fn observed_settings_follow_each_change_and_each_configuration() {
    let version = |config: &str, inventory: &Inventory| {
        let config = Config::parse("guard.yaml", config).unwrap();
        let view = ClusterView::unrestricted(known(inventory));
        let dialects = config.settings.dialects.with_observed_settings(&view);
        dialects.of_class("nginx", "k8s.io/ingress-nginx", "shop").version.map(|version| version.to_string())
    };
    let mut now = inventory(&(CLASS.to_owned() + &deployment(KEY, "v1.14.3", &[], COMPLETE)));
    let before = now.clone();
    assert_eq!(version("", &now).as_deref(), Some("1.14.3"));
    let configured = "dialects: [{match: {controller: k8s.io/ingress-nginx}, engine: nginx, version: 1.11.8}]";
    assert_eq!(version(configured, &now).as_deref(), Some("1.11.8"));
    assert_eq!(version("discovery: {mode: off}", &now), None);
    for object in inventory(&deployment(KEY, "v1.15.1", &[], COMPLETE)).objects(Kind::Deployment) {
        now.apply(object);
    }
    assert_eq!((version("", &now).as_deref(), version("", &before).as_deref()), (Some("1.15.1"), Some("1.14.3")));
    now.delete(Kind::Deployment, &Key::new("ingress-nginx", "controller"));
    assert_eq!(version("", &now), None);
    // An object that was fetched for one review takes precedence.
    let mut live_reads = LiveReads::default();
    live_reads.insert(Kind::Deployment, Key::new("ingress-nginx", "controller"), LiveRead::Absent);
    let state = ClusterState { live_reads: &live_reads, ..known(&before) };
    let view = ClusterView::unrestricted(state);
    let config = Config::default();
    let dialects = config.settings.dialects.with_observed_settings(&view);
    assert_eq!(dialects.of_class("nginx", "k8s.io/ingress-nginx", "shop").version, None);
}
