//! Missing rights: a new process waits for them, a running one reports them and stays ready.

use std::time::Duration;

use ingress_guard::checks;
use ingress_guard::model::{Kind, Kinds};
use ingress_guard::telemetry::Metrics;
use serde_json::{Value, json};

use super::api::Api;
use super::confirm::{Guarded, cluster, in_shop};
use crate::admission::{create, spec};
use crate::server::client::eventually;

/// An Ingress whose Service does not exist, and whose regex is not valid.
fn bad() -> Value {
    let regex = json!({"nginx.ingress.kubernetes.io/use-regex": "true"});
    in_shop(create(regex, spec(&[("/a(", "wbe", 80)])))
}

impl Guarded {
    async fn is_unready_with(&self, line: &str) {
        eventually(line, async || self.missing().iter().any(|missing| missing == line)).await;
    }

    async fn notes_become(&self, start: &str) {
        eventually(start, async || self.notes().iter().any(|note| note.starts_with(start))).await;
    }

    fn blind(&self) -> Vec<&'static str> {
        self.rights().blind().into_iter().filter(|(_, is_blind)| *is_blind).map(|(code, _)| code).collect()
    }

    /// The reason, type and note of each Event on the pod.
    fn events(&self) -> Vec<(String, String, String)> {
        let text = |event: &Value, field: &str| event[field].as_str().unwrap().to_owned();
        let events = self.api.pod_events();
        events.iter().map(|event| (text(event, "reason"), text(event, "type"), text(event, "note"))).collect()
    }
}

#[tokio::test]
async fn a_new_process_waits_for_each_right_that_denying_checks_need() {
    for (resource, kind, config) in [
        ("services", Kind::Service, ""),
        ("ingresses", Kind::Ingress, ""),
        ("ingressclasses", Kind::IngressClass, ""),
        ("secrets", Kind::Secret, "secrets: watch"),
    ] {
        for verb in ["get", "list", "watch"] {
            let api = cluster().await;
            api.deny(verb, resource, true);
            let guarded = Guarded::over(api, config);
            guarded.is_unready_with(&format!("{kind}: no permission to {verb}")).await;
            guarded.api.deny(verb, resource, false);
            guarded.is_ready().await;
        }
    }
}

#[tokio::test]
async fn the_rights_that_a_new_process_waits_for_are_fixed() {
    let kinds = Kinds::of(&[Kind::Ingress, Kind::IngressClass, Kind::Secret, Kind::Service]);
    assert_eq!(checks::vital_kinds(), kinds);
    let documented = include_str!("../../../docs/install.md").split_once("| vital objects | verbs |").unwrap().1;
    for objects in ["Ingresses", "IngressClasses", "Services", "Secrets"] {
        assert!(documented.contains(objects), "{objects}");
    }
    // A kind that only warning checks need, kinds that the configuration disables, and optional kinds are not among them.
    let api = cluster().await;
    for resource in ["endpointslices", "secrets", "certificates", "configmaps", "apiservices"] {
        api.forbid(resource, true);
    }
    let guarded = Guarded::over(api, "secrets: off");
    guarded.is_ready().await;
    guarded.notes_become("EndpointSlice: no permission to get, list, watch; blind: ").await;
    assert!(guarded.notes().iter().all(|note| !note.contains("Secret") && !note.contains("Certificate")));
}

#[tokio::test]
async fn without_any_right_a_new_process_waits_unless_it_may_start_without() {
    let forbidden = async || {
        let api = cluster().await;
        for resource in ["services", "ingresses", "ingressclasses", "secrets", "configmaps", "endpointslices"] {
            api.forbid(resource, true);
        }
        api
    };
    let guarded = Guarded::over(forbidden().await, "");
    for line in ["Service: no permission to get, list, watch", "Secret: no permission to get"] {
        guarded.is_unready_with(line).await;
    }
    eventually("an Event", async || guarded.events().len() == 1).await;
    let guarded = Guarded::requiring(Kinds::NONE, forbidden().await, "");
    guarded.is_ready().await;
    guarded.notes_become("Service: no permission to get, list, watch; blind: IG201").await;
}

#[tokio::test]
async fn rights_that_are_not_known_yet_keep_a_new_process_unready_for_a_while() {
    let api = cluster().await;
    api.fail_evaluations(Some("the webhook authorizer does not respond"));
    api.deny("get", "services", true);
    let guarded = Guarded::over(api, "");
    guarded.is_unready_with("the permissions of the service account are not known yet").await;
    guarded.is_ready().await;
}

#[tokio::test]
async fn a_withdrawn_right_makes_checks_blind_and_the_process_stays_ready() {
    let guarded = Guarded::over(cluster().await, "");
    guarded.is_ready().await;
    guarded.ask(&bad()).await.assert(&[], &["IG201", "IG302"]);
    assert_eq!((guarded.blind(), guarded.events()), (Vec::new(), Vec::new()));

    guarded.api.deny("get", "services", true);
    // Other checks still deny.
    guarded.ask(&bad()).await.assert(&["IG201"], &["IG302"]);
    guarded.notes_become("Service: no permission to get; blind: IG201 to IG206, ").await;
    let answer = guarded.ask(&bad()).await;
    answer.assert(&["IG201"], &["IG302"]);
    let reason = "not confirmed: RBAC does not allow ingress-guard to get Service objects";
    assert!(answer.warnings[0].contains(reason), "{:?}", answer.warnings);
    assert!(guarded.blind().contains(&"IG201") && !guarded.blind().contains(&"IG302"), "{:?}", guarded.blind());
    assert_eq!(guarded.missing(), Vec::<String>::new());
    let text = guarded.metrics();
    for line in [
        "ingress_guard_check_blind{code=\"IG201\"} 1",
        "ingress_guard_check_blind{code=\"IG302\"} 0",
        "ingress_guard_right_missing{kind=\"Service\",verb=\"get\"} 1",
        "ingress_guard_right_missing{kind=\"Service\",verb=\"list\"} 0",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in {text}");
    }
    eventually("one Event", async || guarded.events().len() == 1).await;
    let (reason, severity, note) = guarded.events().remove(0);
    assert_eq!((reason.as_str(), severity.as_str()), ("ChecksBlind", "Warning"));
    assert!(note.starts_with("Service: no permission to get; blind: IG201"), "{note}");
    let regarding = &guarded.api.pod_events()[0]["regarding"];
    assert_eq!((&regarding["name"], &regarding["uid"]), (&json!("guard-1"), &json!("7f0f3c2b")));

    guarded.api.deny("get", "services", false);
    eventually("nothing to note", async || guarded.notes().is_empty()).await;
    guarded.ask(&bad()).await.assert(&[], &["IG201", "IG302"]);
    assert_eq!(guarded.blind(), Vec::<&str>::new());
    eventually("a second Event", async || guarded.events().len() == 2).await;
    assert_eq!(guarded.events()[1].0, "ChecksEvaluated");
}

#[tokio::test]
async fn a_withdrawn_kind_is_reported_and_known_again_afterwards() {
    let guarded = Guarded::over(cluster().await, "");
    guarded.is_ready().await;
    guarded.api.forbid("services", true);
    guarded.api.end_watches();
    guarded.notes_become("Service: no permission to get, list, watch; blind: IG201").await;
    let is_ready = async || assert_eq!(guarded.missing(), Vec::<String>::new());
    eventually("forbidden", async || {
        is_ready().await;
        guarded.inventory.load().coverage(Kind::Service) == ingress_guard::cluster::Coverage::Forbidden
    })
    .await;
    let answer = guarded.ask(&bad()).await;
    answer.assert(&["IG902"], &["IG302"]);
    let shared = "IG902 checks not evaluated: RBAC does not allow ingress-guard to read Service objects";
    assert_eq!(answer.warnings, [shared], "the line is the same for all Ingresses");
    guarded.api.forbid("services", false);
    eventually("denied again", async || guarded.ask(&bad()).await.codes().1 == ["IG201", "IG302"]).await;
    eventually("nothing to note", async || guarded.notes().is_empty()).await;
    is_ready().await;
}

#[tokio::test]
async fn a_refused_read_is_not_a_missing_right_while_the_api_server_starts() {
    let guarded = Guarded::over(cluster().await, "");
    guarded.is_ready().await;
    guarded.api.starts_with(Some(403));
    guarded.api.end_watches();
    for _ in 0..20 {
        // A denial that cannot be confirmed is a warning. It is never silent.
        let answer = guarded.ask(&bad()).await;
        assert!(!answer.warnings.is_empty() && !answer.warnings[0].contains("RBAC"), "{:?}", answer.warnings);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        (guarded.notes().iter().filter(|note| note.contains("permission")).count(), guarded.events().len()),
        (0, 0)
    );
    guarded.api.starts_with(None);
    eventually("denied again", async || guarded.ask(&bad()).await.codes().1 == ["IG201", "IG302"]).await;
}

#[tokio::test]
async fn an_optional_kind_with_a_part_of_its_rights_is_reported() {
    let api = cluster().await;
    api.deny("get", "validatingwebhookconfigurations", true);
    let guarded = Guarded::over(api, "");
    guarded.is_ready().await;
    guarded.notes_become("ValidatingWebhookConfiguration: no permission to get").await;
    guarded.api.forbid("validatingwebhookconfigurations", true);
    eventually("a decision of the cluster", async || guarded.notes().is_empty()).await;
}

#[tokio::test]
async fn rights_are_asked_for_while_one_is_missing_and_not_afterwards() {
    let api = cluster().await;
    api.deny("get", "secrets", true);
    let guarded = Guarded::over(api, "");
    let asked = |api: &Api| api.asked().iter().filter(|asked| *asked == "may get secrets").count();
    eventually("several questions", async || asked(&guarded.api) > 3).await;
    guarded.api.deny("get", "secrets", false);
    guarded.is_ready().await;
    let before = asked(&guarded.api);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(asked(&guarded.api), before);
}

#[tokio::test]
async fn without_the_right_to_create_events_nothing_else_changes() {
    let api = cluster().await;
    api.deny("create", "events", true);
    api.deny("get", "services", true);
    let guarded = Guarded::over(api, "");
    guarded.is_unready_with("Service: no permission to get").await;
    guarded.api.deny("get", "services", false);
    guarded.is_ready().await;
    assert_eq!(guarded.events(), Vec::new());
}

impl Guarded {
    fn metrics(&self) -> String {
        let metrics = Metrics::new();
        metrics.show_rights(self.rights());
        metrics.encode(&[], &[])
    }
}
