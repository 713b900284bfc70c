//! `dialects[].configMap`: the settings of the controller are read and watched. While they are unknown, no finding that depends on
//! them denies.

use ingress_guard::cluster::Coverage;
use ingress_guard::model::{Key, Kind};
use ingress_guard::telemetry::Metrics;
use serde_json::{Value, json};

use super::api::Api;
use super::confirm::{Guarded, cluster, in_shop};
use crate::admission::{create, spec};
use crate::server::client::eventually;

/// Snippets are off by default in this version.
const CONFIG: &str = "
profile: strict
dialects:
  - match: {controller: k8s.io/ingress-nginx}
    engine: nginx
    version: 1.11.8
    configMap: ingress/controller
";

fn settings(data: &Value) -> Value {
    json!({"metadata": {"name": "controller", "namespace": "ingress"}, "data": data})
}

fn snippets(allowed: &str) -> Value {
    settings(&json!({"allow-snippet-annotations": allowed}))
}

fn with_snippet() -> Value {
    let annotations = json!({"nginx.ingress.kubernetes.io/configuration-snippet": "more_set_headers \"X: y\";"});
    in_shop(create(annotations, spec(&[("/", "web", 80)])))
}

async fn guarded(api: Api) -> Guarded {
    let guarded = Guarded::over(api, CONFIG);
    guarded.is_ready().await;
    guarded
}

impl Guarded {
    async fn denies(&self, codes: &[&str]) {
        eventually(&format!("{codes:?}"), async || self.ask(&with_snippet()).await.codes().1 == codes).await;
    }

    fn config_map_coverage(&self) -> Coverage {
        self.inventory.load().coverage_of(Kind::ConfigMap, "ingress", "controller")
    }
}

#[tokio::test]
async fn settings_follow_the_config_map() {
    let api = cluster().await;
    api.put("configmaps", snippets("true"));
    let mut other = snippets("false");
    other["metadata"]["name"] = json!("other");
    api.put("configmaps", other);
    let guarded = guarded(api).await;
    assert_eq!(guarded.inventory.load().count(Kind::ConfigMap), 1, "only that one is followed");
    assert!(guarded.api.asked().contains(&"list configmaps ingress/controller".to_owned()));
    guarded.ask(&with_snippet()).await.assert(&[], &[]);
    guarded.api.put("configmaps", snippets("false"));
    guarded.denies(&["IG609"]).await;
    guarded.api.put("configmaps", snippets("true"));
    guarded.denies(&[]).await;
    // What is not said is as by default.
    guarded.api.put("configmaps", settings(&json!({})));
    guarded.denies(&["IG609"]).await;
}

#[tokio::test]
async fn configured_settings_override_the_config_map() {
    let api = cluster().await;
    api.put("configmaps", snippets("false"));
    let guarded = Guarded::over(api, &format!("{CONFIG}    settings: {{allow-snippet-annotations: true}}\n"));
    guarded.is_ready().await;
    guarded.ask(&with_snippet()).await.assert(&[], &[]);
}

#[tokio::test]
async fn a_denial_by_settings_is_confirmed_as_any_other() {
    let api = cluster().await;
    api.put("configmaps", snippets("false"));
    let guarded = guarded(api).await;
    guarded.ask(&with_snippet()).await.assert(&[], &["IG609"]);
    assert!(guarded.api.asked().contains(&"get configmaps ingress/controller".to_owned()));
    guarded.api.silence(true);
    guarded.api.put("configmaps", snippets("true"));
    guarded.ask(&with_snippet()).await.assert(&[], &[]);
    // The watch has not received the change, and the read fails.
    guarded.api.break_gets("configmaps", 500);
    guarded.ask(&with_snippet()).await.assert(&["IG609"], &[]);
}

#[tokio::test]
async fn an_absent_config_map_leaves_settings_unknown() {
    let guarded = guarded(cluster().await).await;
    guarded.ask(&with_snippet()).await.assert(&[], &[]);
    assert_eq!(guarded.notes(), ["ConfigMap ingress/controller: does not exist; its settings are unknown"]);
    guarded.api.put("configmaps", snippets("false"));
    guarded.denies(&["IG609"]).await;
    assert_eq!(guarded.notes(), Vec::<String>::new());
    guarded.api.delete("configmaps", "ingress", "controller");
    guarded.denies(&[]).await;
}

#[tokio::test]
async fn a_forbidden_config_map_leaves_settings_unknown() {
    let api = cluster().await;
    api.put("configmaps", snippets("false"));
    api.forbid("configmaps", true);
    let guarded = guarded(api).await;
    assert_eq!(guarded.config_map_coverage(), Coverage::Forbidden);
    guarded.ask(&with_snippet()).await.assert(&[], &[]);
    let note = "ConfigMap ingress/controller: no permission to get, list, watch; its settings are unknown";
    eventually("a note", async || guarded.notes().contains(&note.to_owned())).await;
    guarded.api.forbid("configmaps", false);
    guarded.denies(&["IG609"]).await;

    guarded.api.forbid("configmaps", true);
    guarded.api.end_watches();
    eventually("forbidden", async || guarded.config_map_coverage() == Coverage::Forbidden).await;
    guarded.ask(&with_snippet()).await.assert(&[], &[]);
    guarded.is_ready().await;
}

#[tokio::test]
async fn readiness_waits_for_the_config_map() {
    let api = cluster().await;
    api.throttle(1_000_000);
    let guarded = Guarded::over(api, CONFIG);
    let line = "ConfigMap ingress/controller: ";
    eventually("a reason", async || {
        guarded.missing().iter().any(|missing| missing.starts_with(line) && missing.contains("slow down"))
    })
    .await;
    assert_eq!(guarded.config_map_coverage(), Coverage::NotSynced);
    guarded.api.throttle(0);
    guarded.is_ready().await;
}

#[tokio::test]
async fn several_config_maps_are_one_series_without_a_name() {
    let guarded = guarded(cluster().await).await;
    let mut watches =
        vec![guarded.watch(Kind::Service), guarded.watch(Kind::ConfigMap), guarded.watch(Kind::ConfigMap)];
    watches[1].trouble = Some("slow down".to_owned());
    (watches[1].restarts, watches[2].restarts) = (2, 3);
    watches[2].only = Some(Key::new("ingress", "other"));
    let text = Metrics::new().encode(&[], &watches);
    let of_config_maps: Vec<&str> = text.lines().filter(|line| line.contains("kind=\"ConfigMap\"")).collect();
    let value = |name: &str| {
        let of_name: Vec<_> =
            of_config_maps.iter().filter_map(|line| line.strip_prefix(name)?.rsplit(' ').next()).collect();
        assert_eq!(of_name.len(), 1, "{name}: {text}");
        of_name[0].to_owned()
    };
    assert_eq!(value("ingress_guard_watch_failing{"), "1", "one of them is");
    assert_eq!(value("ingress_guard_watch_restarts_total{"), "5");
    assert!(!text.contains("controller") && !text.contains("other"), "{text}");
}

fn with_headers(name: &str) -> Value {
    let annotations = json!({"nginx.ingress.kubernetes.io/custom-headers": name});
    in_shop(create(annotations, spec(&[("/", "web", 80)])))
}

#[tokio::test]
async fn config_maps_referenced_by_annotations_are_read_by_name() {
    let api = cluster().await;
    api.put("configmaps", json!({"metadata": {"name": "headers", "namespace": "shop"}, "data": {"X-Frame": "DENY"}}));
    let guarded = guarded(api).await;
    let gets = || guarded.api.asked().into_iter().filter(|asked| asked == "get configmaps shop/headers").count();
    guarded.ask(&with_headers("shop/headers")).await.assert(&[], &[]);
    guarded.ask(&with_headers("shop/headers")).await.assert(&[], &[]);
    assert_eq!(gets(), 1, "what is there is believed for a while");
    // The controller looks it up as it stands.
    guarded.ask(&with_headers("headers")).await.assert(&[], &["IG604"]);
    guarded.ask(&with_headers("shop/absent")).await.assert(&[], &["IG604"]);
    // Those of other namespaces are not asked for.
    guarded.ask(&with_headers("other/absent")).await.assert(&[], &[]);
    assert!(!guarded.api.asked().iter().any(|asked| asked.contains("other/absent")));
    assert_eq!(guarded.inventory.load().count(Kind::ConfigMap), 0, "nothing is kept of them");
}

#[tokio::test]
async fn unreadable_config_maps_are_not_missing() {
    let guarded = guarded(cluster().await).await;
    guarded.api.break_gets("configmaps", 500);
    guarded.ask(&with_headers("shop/absent")).await.assert(&["IG902"], &[]);
    guarded.api.forbid("configmaps", true);
    guarded.ask(&with_headers("shop/absent")).await.assert(&["IG902"], &[]);
}
