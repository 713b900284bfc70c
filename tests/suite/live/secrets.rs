//! `secrets: watch`: Secrets are listed and watched. Without rights to read them nothing is reported as missing. `secretNamespaces`
//! limits the namespaces in which they are read.

use ingress_guard::cluster::Coverage;
use ingress_guard::model::Kind;
use serde_json::json;

use super::confirm::{Guarded, cluster, pair, with_tls};
use crate::server::client::eventually;

impl Guarded {
    /// Until a review of an Ingress with this Secret gets these warnings.
    async fn warns_of(&self, secret: &str, codes: &[&str]) {
        eventually(&format!("{secret} {codes:?}"), async || self.ask(&with_tls(secret)).await.codes().0 == codes).await;
    }

    fn secrets_are(&self) -> Coverage {
        self.inventory.load().coverage(Kind::Secret)
    }
}

#[tokio::test]
async fn watched_secrets_are_evaluated_as_they_change() {
    let api = cluster().await;
    api.put("secrets", pair("app", "app.example.com"));
    api.put("secrets", json!({"metadata": {"name": "token", "namespace": "shop"}, "data": {"token": "eA=="}}));
    let guarded = Guarded::over(api, "secrets: watch");
    guarded.is_ready().await;
    assert_eq!(guarded.inventory.load().count(Kind::Secret), 2);
    guarded.ask(&with_tls("app")).await.assert(&[], &[]);
    guarded.ask(&with_tls("absent")).await.assert(&["IG401"], &[]);
    guarded.ask(&with_tls("token")).await.assert(&["IG402"], &[]);

    guarded.api.put("secrets", pair("app", "other.example.com"));
    guarded.warns_of("app", &["IG403"]).await;
    guarded.api.put("secrets", pair("app", "app.example.com; 2020-01-01..2021-01-01"));
    guarded.warns_of("app", &["IG404"]).await;
    guarded.api.put("secrets", pair("app", "app.example.com"));
    guarded.warns_of("app", &[]).await;
    guarded.api.delete("secrets", "shop", "app");
    guarded.warns_of("app", &["IG401"]).await;
    let gets = guarded.api.asked().into_iter().filter(|asked| asked.starts_with("get secrets")).count();
    assert_eq!(gets, 0, "what is watched is not read one by one");
}

#[tokio::test]
async fn a_denial_for_a_watched_secret_is_confirmed_as_any_other() {
    let guarded = Guarded::over(cluster().await, "secrets: watch\nprofile: strict");
    guarded.is_ready().await;
    guarded.ask(&with_tls("app")).await.assert(&[], &["IG401"]);
    guarded.api.silence(true);
    guarded.api.put("secrets", pair("app", "app.example.com"));
    guarded.ask(&with_tls("app")).await.assert(&[], &[]);
}

#[tokio::test]
async fn secrets_are_not_evaluated_while_their_rights_are_withdrawn() {
    let api = cluster().await;
    api.put("secrets", pair("app", "other.example.com"));
    let guarded = Guarded::over(api, "secrets: watch");
    guarded.is_ready().await;
    guarded.ask(&with_tls("app")).await.assert(&["IG403"], &[]);

    guarded.api.forbid("secrets", true);
    guarded.api.end_watches();
    eventually("forbidden", async || guarded.secrets_are() == Coverage::Forbidden).await;
    let answer = guarded.ask(&with_tls("app")).await;
    answer.assert(&["IG902"], &[]);
    assert!(answer.body["response"]["auditAnnotations"]["warned"].as_str().unwrap().contains("IG902"));
    let note = "Secret: no permission to get, list, watch; blind: IG401";
    eventually("a note", async || guarded.notes().iter().any(|line| line.starts_with(note))).await;
    guarded.is_ready().await;

    // What changed meanwhile is known once the rights are back.
    guarded.api.put("secrets", pair("app", "app.example.com"));
    guarded.api.forbid("secrets", false);
    eventually("complete", async || guarded.secrets_are() == Coverage::Complete).await;
    guarded.warns_of("app", &[]).await;
    eventually("nothing to note", async || guarded.notes().is_empty()).await;
}

#[tokio::test]
async fn secrets_of_other_namespaces_are_not_read() {
    let guarded = Guarded::over(cluster().await, "profile: strict\nsecretNamespaces: [docs]");
    guarded.is_ready().await;
    guarded.ask(&with_tls("absent")).await.assert(&[], &[]);
    assert!(!guarded.gets().iter().any(|get| get.starts_with("get secrets")), "{:?}", guarded.gets());

    let guarded = Guarded::over(cluster().await, "profile: strict\nsecretNamespaces: [docs, shop]");
    guarded.is_ready().await;
    guarded.ask(&with_tls("absent")).await.assert(&[], &["IG401"]);
    assert!(guarded.gets().contains(&"get secrets shop/absent".to_owned()), "{:?}", guarded.gets());
}

#[tokio::test]
async fn the_right_to_secrets_is_needed_in_the_configured_namespaces() {
    let api = cluster().await;
    api.deny("get", "secrets", true);
    let guarded = Guarded::over(api, "secretNamespaces: [docs, shop]");
    let lines = ["docs", "shop"].map(|namespace| format!("Secret of namespace {namespace}: no permission to get"));
    eventually("unready", async || lines.iter().all(|line| guarded.missing().contains(line))).await;
    let note = format!("{}; blind: IG401", lines[0]);
    eventually("a note", async || guarded.notes().iter().any(|line| line.starts_with(&note))).await;
    guarded.api.deny("get", "secrets", false);
    guarded.is_ready().await;
}

#[tokio::test]
async fn one_namespace_without_the_right_keeps_no_process_from_reviews() {
    let api = cluster().await;
    // A namespace that was deleted has no RoleBinding.
    api.deny("get", "secrets in docs", true);
    let guarded = Guarded::over(api, "profile: strict\nsecretNamespaces: [docs, shop]");
    guarded.is_ready().await;
    let note = "Secret of namespace docs: no permission to get; blind: IG401";
    eventually("a note", async || guarded.notes().iter().any(|line| line.starts_with(note))).await;
    guarded.ask(&with_tls("absent")).await.assert(&[], &["IG401"]);
}
