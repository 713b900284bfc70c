//! Events of the background audit, with an API server that has Events of others.

use std::sync::Arc;
use std::time::Duration;

use ingress_guard::background::{SharedVerdicts, StoredFinding, StoredVerdict, Verdicts, follow_events};
use ingress_guard::cluster::{Inventory, SharedInventory};
use ingress_guard::finding::Level;
use ingress_guard::model::Key;
use ingress_guard::telemetry::Metrics;
use serde_json::json;

use super::api::Api;

fn broken() -> Arc<StoredVerdict> {
    let finding = StoredFinding {
        code: "IG201",
        level: Level::Deny,
        subject: "Service web".into(),
        field: "spec".into(),
        message: "Service \"web\" does not exist".into(),
        help: "".into(),
        is_readiness: false,
        service: None,
        waived: None,
    };
    Arc::new(StoredVerdict { findings: vec![finding], ..StoredVerdict::default() })
}

/// A user with the right to create Events in one namespace can choose any time that the format has.
#[tokio::test(start_paused = true)]
async fn a_forged_event_keeps_no_other_from_being_written() {
    for time in ["9999-12-30T21:59:59.000000Z", "9999-12-31T23:59:59.000000Z", "0000-01-01T00:00:00.000000Z"] {
        let api = Api::start().await;
        api.put(
            "events",
            json!({
                "metadata": {"name": "web.1", "namespace": "tenant", "labels": {"ingress-guard.io/code": "IG201"},
                             "managedFields": [{"manager": "x", "operation": "Update", "time": time.replace(".000000", "")}]},
                "eventTime": time, "type": "Warning", "reason": "ServiceNotFound",
                "reportingController": "ingress-guard.io/ingress-guard",
                "regarding": {"kind": "Ingress", "namespace": "tenant", "name": "web"},
            }),
        );
        let keys = ["tenant", "shop"].map(|namespace| Key::new(namespace, "web"));
        for key in &keys {
            let metadata = json!({"namespace": &*key.namespace, "name": "web", "uid": &*key.namespace});
            api.put(
                "ingresses",
                json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata}),
            );
        }
        let verdicts = SharedVerdicts::default();
        let by_ingress = keys.into_iter().map(|key| (key, broken())).collect();
        verdicts.publish(Verdicts { by_ingress, is_complete: true });
        let inventory = SharedInventory::new(Inventory::default());
        let events =
            follow_events(api.direct_client(), "pod".to_owned(), verdicts, inventory, Arc::new(Metrics::new()), || {
                true
            });
        // The task never ends.
        assert!(tokio::time::timeout(Duration::from_mins(2), events).await.is_err());
        let written = api.pod_events();
        assert!(written.iter().any(|event| event["regarding"]["namespace"] == "shop"), "{time}: {written:#?}");
    }
}
