//! Confirmation: a denial depends only on objects that were just read from the API server.

use std::sync::Arc;

use ingress_guard::admission::{LiveCluster, Reviewer};
use ingress_guard::checks;
use ingress_guard::cluster::{Dependents, Live, Pod, Rights, SharedInventory, SyncStatus, WatchStatus, Watches};
use ingress_guard::config::Config;
use ingress_guard::model::{Kind, Kinds};
use ingress_guard::routing::SharedReloadBlocks;
use ingress_guard::tasks::Tasks;
use serde_json::{Value, json};

use super::api::Api;
use super::watch::{pace, service};
use crate::admission::{Answer, answer, create, spec};
use crate::pages::{fixtures, now};
use crate::server::client::eventually;

pub(super) struct Guarded {
    pub(super) api: Api,
    pub(super) reviewer: Arc<Reviewer>,
    pub(super) status: SyncStatus,
    pub(super) inventory: SharedInventory,
    /// Empty unless a test follows the inventory.
    pub(super) reload_blocks: SharedReloadBlocks,
}

impl Guarded {
    /// A cluster with a class and a Service `web` on port 80, watched.
    pub(super) async fn start() -> Self {
        let guarded = Self::over(cluster().await, "");
        guarded.is_ready().await;
        guarded
    }

    /// As [`Guarded::start`], without sockets: for tests under the paused clock of tokio.
    pub(super) async fn start_paused() -> Self {
        let api = cluster().await;
        let client = api.direct_client();
        let guarded = Self::with_client(api, &client, checks::vital_kinds(), "");
        guarded.is_ready().await;
        guarded
    }

    /// Reviews over the objects of this API server, under a configuration.
    pub(super) fn over(api: Api, config: &str) -> Self {
        Self::requiring(checks::vital_kinds(), api, config)
    }

    /// The same for a process that is not ready without the rights to these kinds.
    pub(super) fn requiring(vital: Kinds, api: Api, config: &str) -> Self {
        let client = api.client();
        Self::with_client(api, &client, vital, config)
    }

    fn with_client(api: Api, client: &kube::Client, vital: Kinds, config: &str) -> Self {
        let config = Config::parse("config", config).unwrap();
        let engine = config.engine();
        let (inventory, wanted) = config.watched(&engine);
        let inventory = SharedInventory::new(inventory);
        let pod = Pod { namespace: "guard".to_owned(), name: "guard-1".to_owned(), uid: "7f0f3c2b".to_owned() };
        let dependents = Dependents { checks: engine.sources(), vital, pod: Some(pod) };
        let rights = Rights::start(client, &wanted, dependents, &pace(), &Tasks::default());
        let watches = Watches::start(client, wanted, &inventory, &rights, &pace(), &Tasks::default());
        let status = SyncStatus {
            inventory: inventory.clone(),
            watches: watches.clone(),
            rights: rights.clone(),
            required: engine.needs() | config.policy.needs(),
            optional: engine.hints(),
        };
        let live = Live::with_rights(client.clone(), rights);
        let cluster = LiveCluster { live, watches, on_demand: config.on_demand(), readable: config.readable.clone() };
        let reload_blocks = SharedReloadBlocks::default();
        let reviewer = Reviewer::new(inventory.clone(), engine, config.policy, now).with_cluster(cluster);
        let reviewer = Arc::new(reviewer.with_reload_blocks(reload_blocks.clone()));
        Self { api, reviewer, status, inventory, reload_blocks }
    }

    pub(super) async fn ask(&self, review: &Value) -> Answer {
        let reviewed = self.reviewer.review(review.to_string().as_bytes()).await.unwrap();
        answer(review, reviewed)
    }

    pub(super) async fn apply(&self, paths: &[(&str, &str, u16)]) -> Answer {
        self.ask(&in_shop(create(json!({}), spec(paths)))).await
    }

    pub(super) async fn is_ready(&self) {
        eventually("ready", async || self.status.missing().is_empty()).await;
    }

    pub(super) fn watch(&self, kind: Kind) -> WatchStatus {
        self.status.watches().into_iter().find(|watch| watch.kind == kind).unwrap()
    }

    pub(super) fn missing(&self) -> Vec<String> {
        self.status.missing()
    }

    pub(super) fn rights(&self) -> &Rights {
        &self.status.rights
    }

    pub(super) fn notes(&self) -> Vec<String> {
        self.status.notes()
    }

    pub(super) fn gets(&self) -> Vec<String> {
        self.api.asked().into_iter().filter(|asked| asked.starts_with("get ")).collect()
    }
}

/// A class and a Service `web` on port 80.
pub(crate) async fn cluster() -> Api {
    let api = Api::start().await;
    let class = json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"},
                       "spec": {"controller": "k8s.io/ingress-nginx"}});
    api.put("ingressclasses", class);
    api.put("services", service("web", 80));
    api
}

pub(crate) fn in_shop(mut review: Value) -> Value {
    review["request"]["namespace"] = json!("shop");
    review["request"]["object"]["metadata"]["namespace"] = json!("shop");
    review
}

#[tokio::test]
async fn a_finding_that_the_api_server_confirms_is_denied() {
    let guarded = Guarded::start().await;
    guarded.apply(&[("/", "web", 80)]).await.assert(&[], &[]);
    assert_eq!(guarded.gets(), Vec::<String>::new(), "what is right needs no confirmation");
    guarded.apply(&[("/", "wbe", 80)]).await.assert(&[], &["IG201"]);
    guarded.apply(&[("/", "web", 81)]).await.assert(&[], &["IG202"]);
    assert_eq!(guarded.gets(), ["get services shop/wbe", "get services shop/web"]);
}

#[tokio::test]
async fn readiness_distinguishes_missing_from_forbidden_kinds() {
    let api = Api::start().await;
    api.forbid("services", true);
    api.throttle(20);
    let guarded = Guarded::requiring(Kinds::NONE, api, "");
    let status = &guarded.status;
    assert!(!status.missing().is_empty());
    eventually("a reason", async || status.missing().iter().any(|line| line.contains("slow down"))).await;
    guarded.is_ready().await;
    let note =
        "Service: no permission to get, list, watch; blind: IG201 to IG206, IG210, IG211, IG213, IG215, IG604, IG615";
    assert_eq!(status.notes(), [note]);
    let watch = guarded.watch(Kind::Service);
    assert!(watch.restarts > 0 && watch.trouble.is_some());
    guarded.api.forbid("services", false);
    eventually("nothing to note", async || status.notes().is_empty()).await;
}

#[tokio::test]
async fn objects_created_or_changed_just_before_are_not_reported() {
    let guarded = Guarded::start().await;
    guarded.api.silence(true);
    guarded.api.put("services", service("new", 80));
    guarded.apply(&[("/", "new", 80)]).await.assert(&[], &[]);
    guarded.api.put("services", service("web", 8080));
    guarded.apply(&[("/", "web", 8080)]).await.assert(&[], &[]);
    let class = json!({"metadata": {"name": "new"}, "spec": {"controller": "k8s.io/ingress-nginx"}});
    guarded.api.put("ingressclasses", class);
    let mut named = spec(&[("/", "new", 80)]);
    named["ingressClassName"] = json!("new");
    guarded.ask(&in_shop(create(json!({}), named))).await.assert(&[], &[]);
}

#[tokio::test]
async fn a_live_read_can_result_in_another_finding() {
    let guarded = Guarded::start().await;
    guarded.api.silence(true);
    guarded.api.put("services", service("new", 80));
    guarded.apply(&[("/", "new", 81)]).await.assert(&[], &["IG202"]);
    guarded.api.delete("services", "shop", "web");
    guarded.apply(&[("/", "web", 81)]).await.assert(&[], &["IG201"]);
}

#[tokio::test]
async fn unconfirmed_denials_become_warnings_with_the_reason() {
    let guarded = Guarded::start().await;
    for (status, reason) in [
        (500, "the API server returned an error"),
        (0, "the API server did not answer within 300 ms"),
        // The rights are granted: an API server that has just started answers so.
        (403, "the API server returned an error"),
    ] {
        guarded.api.break_gets("services", status);
        let answer = guarded.apply(&[("/", "wbe", 80), ("/api", "web", 81)]).await;
        answer.assert(&["IG201", "IG202"], &[]);
        let end = format!("(not confirmed: {reason})");
        assert!(answer.warnings.iter().all(|warning| warning.ends_with(&end)), "{:?}", answer.warnings);
        assert_eq!(answer.would_deny, ["IG201", "IG202"]);
        assert_eq!(answer.body["response"]["auditAnnotations"]["downgraded"], "IG201=unconfirmed,IG202=unconfirmed");
    }
    guarded.api.break_gets("services", 0);
    let long = "a".repeat(200);
    let answer = guarded.apply(&[("/", &long, 80)]).await;
    let warning = &answer.warnings[0];
    assert!(warning.ends_with("… (not confirmed: the API server did not answer within 300 ms)"), "{warning}");
    assert_eq!(warning.chars().count(), 256);
}

#[tokio::test]
async fn denials_without_evidence_are_not_lowered_by_unconfirmed_ones() {
    // IG106 depends on the class, which also determines the controller and so the checks that apply.
    let dialect = "{match: {controller: k8s.io/ingress-nginx}, engine: nginx, watchNamespaces: [other]}";
    let guarded = Guarded::over(cluster().await, &format!("checks: {{IG106: deny}}\ndialects: [{dialect}]"));
    guarded.is_ready().await;
    let annotations = json!({"nginx.ingress.kubernetes.io/auth-secret": "users"});
    let review = in_shop(create(annotations, spec(&[("/", "wbe", 80)])));
    guarded.ask(&review).await.assert(&[], &["IG106", "IG201", "IG608"]);
    for status in [500, 0, 403] {
        for resource in ["services", "ingressclasses", "secrets"] {
            guarded.api.break_gets(resource, status);
        }
        let (warned, denied) = guarded.ask(&review).await.codes();
        assert_eq!(denied, ["IG608"], "{status}");
        assert!(warned.starts_with(&["IG106".to_owned(), "IG201".to_owned()]), "{status}: {warned:?}");
    }
}

#[tokio::test]
async fn invalid_names_are_never_part_of_a_request() {
    let guarded = Guarded::start().await;
    for name in ["../../../../api/v1/secrets", "web?watch=1", "a%2fb", "..", "Web"] {
        let answer = guarded.apply(&[("/", name, 80)]).await;
        assert!(answer.allowed, "it cannot be confirmed: {:#}", answer.body);
    }
    assert_eq!(guarded.gets(), Vec::<String>::new());
}

#[tokio::test]
async fn a_class_is_reported_missing_only_while_the_watches_work() {
    let guarded = Guarded::start().await;
    let mut named = spec(&[("/", "web", 80)]);
    named["ingressClassName"] = json!("ngnix");
    let review = in_shop(create(json!({}), named));
    guarded.ask(&review).await.assert(&[], &["IG101"]);

    // An Ingress of that class has an address by now, and the watch brings it while the denial waits.
    let served = json!({"metadata": {"name": "other", "namespace": "shop"}, "spec": {"ingressClassName": "ngnix"},
                        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}});
    let before = guarded.gets().len();
    let (asked, ()) = tokio::join!(guarded.ask(&review), async {
        eventually("the denial waits", async || guarded.gets().len() > before).await;
        guarded.api.put("ingresses", served);
    });
    asked.assert(&[], &[]);
}

#[tokio::test]
async fn no_class_is_reported_missing_while_the_watch_of_ingresses_fails() {
    let guarded = Guarded::start().await;
    guarded.api.throttle(1000);
    guarded.api.end_watches();
    let mut named = spec(&[("/", "web", 80)]);
    named["ingressClassName"] = json!("ngnix");
    let review = in_shop(create(json!({}), named));
    eventually("only a warning", async || guarded.ask(&review).await.allowed).await;
}

pub(super) fn with_tls(secret: &str) -> Value {
    let mut with_tls = spec(&[("/", "web", 80)]);
    with_tls["tls"] = json!([{"hosts": ["app.example.com"], "secretName": secret}]);
    in_shop(create(json!({}), with_tls))
}

/// A Secret with a certificate for a host.
pub(super) fn pair(name: &str, host: &str) -> Value {
    let pair = fixtures::expand(&format!("stringData:\n  tls.crt: certificate({host})\n  tls.key: key(own)\n"));
    let mut secret: Value = serde_saphyr::from_str(&pair).unwrap();
    secret["metadata"] = json!({"name": name, "namespace": "shop"});
    secret
}

#[tokio::test]
async fn referenced_secrets_are_read_by_name() {
    let guarded = Guarded::start().await;
    guarded.api.put("secrets", json!({"metadata": {"name": "half", "namespace": "shop"}, "data": {"tls.crt": ""}}));
    guarded.ask(&with_tls("absent")).await.assert(&["IG401"], &[]);
    guarded.ask(&with_tls("half")).await.assert(&["IG402"], &[]);
    assert!(
        guarded
            .api
            .asked()
            .iter()
            .all(|asked| !asked.starts_with("list secrets") && !asked.starts_with("watch secrets"))
    );
    // What is wrong is asked for each time; what is usable is kept for a moment.
    let half = "get secrets shop/half".to_owned();
    guarded.ask(&with_tls("half")).await.assert(&["IG402"], &[]);
    assert_eq!(guarded.gets().iter().filter(|asked| **asked == half).count(), 2);
    guarded.api.put("secrets", pair("good", "app.example.com"));
    for _ in 0..2 {
        guarded.ask(&with_tls("good")).await.assert(&[], &[]);
    }
    assert_eq!(guarded.gets().iter().filter(|asked| asked.ends_with("/good")).count(), 1);
}

#[tokio::test]
async fn a_fixed_secret_is_not_reported_again() {
    let guarded = Guarded::start().await;
    guarded.api.put("secrets", pair("app", "other.example.com"));
    guarded.ask(&with_tls("app")).await.assert(&["IG403"], &[]);
    guarded.api.put("secrets", pair("app", "app.example.com; 2020-01-01..2021-01-01"));
    guarded.ask(&with_tls("app")).await.assert(&["IG404"], &[]);
    guarded.api.put("secrets", pair("app", "app.example.com"));
    guarded.ask(&with_tls("app")).await.assert(&[], &[]);
}

#[tokio::test]
async fn forbidden_secrets_are_not_evaluated() {
    let guarded = Guarded::start().await;
    guarded.api.forbid("secrets", true);
    let answer = guarded.ask(&with_tls("absent")).await;
    answer.assert(&["IG902"], &[]);
    guarded.api.forbid("secrets", false);
    guarded.api.break_gets("secrets", 500);
    guarded.ask(&with_tls("absent")).await.assert(&["IG902"], &[]);
    guarded.api.break_gets("secrets", 0);
    guarded.ask(&with_tls("absent")).await.assert(&["IG902"], &[]);
}

#[tokio::test]
async fn an_unreadable_service_is_not_missing() {
    let guarded = Guarded::start().await;
    let mut broken = service("broken", 80);
    broken["spec"]["ports"] = json!("none");
    guarded.api.put("services", broken);
    eventually("it is unreadable", async || guarded.inventory.load().is_unreadable(Kind::Service, "shop", "broken"))
        .await;
    guarded.apply(&[("/", "broken", 80)]).await.assert(&["IG902"], &[]);
}

#[tokio::test]
async fn secrets_referenced_by_annotations_are_read_as_well() {
    let guarded = Guarded::start().await;
    let annotated = |secret: &str| {
        let annotations = json!({
            "nginx.ingress.kubernetes.io/auth-type": "basic", "nginx.ingress.kubernetes.io/auth-secret": secret,
        });
        in_shop(create(annotations, spec(&[("/", "web", 80)])))
    };
    guarded.ask(&annotated("users")).await.assert(&["IG604"], &[]);
    guarded
        .api
        .put("secrets", json!({"metadata": {"name": "users", "namespace": "shop"}, "data": {"htpasswd": "eA=="}}));
    guarded.ask(&annotated("users")).await.assert(&["IG604"], &[]);
    guarded.api.put("secrets", json!({"metadata": {"name": "users", "namespace": "shop"}, "data": {"auth": "eA=="}}));
    guarded.ask(&annotated("users")).await.assert(&[], &[]);
    assert_eq!(guarded.gets(), ["get secrets shop/users"; 3]);
    // Those of other namespaces are not ours to look for.
    guarded.ask(&annotated("login/users")).await.assert(&["IG604"], &[]);
    assert_eq!(guarded.gets().len(), 3);
}
