//! A release of the chart in a running cluster: Helm and the pods write to the same two objects.

use std::time::Duration;

use serde_json::json;

use super::{Installation, LIMIT, SERVICE, measured};
use crate::cluster;
use crate::helm::{self, Release};
use crate::kubelet;

#[test]
fn helm_leaves_the_certificates_of_a_release_alone() {
    const NAMESPACE: &str = "managed-helm";
    const TARGET: &str = "managed-helm-target";
    let Some(cluster) = cluster::shared() else { return };
    let Some(program) = helm::find() else { return };
    let mut release = Release::new(program, &cluster, NAMESPACE, TARGET);
    release.values["certificate"] = json!({"mode": "selfManaged"});
    release.values["webhook"]["failurePolicy"] = json!("Fail");
    release.apply("install");
    let _pod = kubelet::run(&cluster, NAMESPACE, SERVICE, "a");
    let installation = Installation {
        cluster: &cluster,
        namespace: NAMESPACE,
        writes: TARGET,
        name: SERVICE,
        registration: format!("{SERVICE}.{NAMESPACE}"),
        source: String::new(),
    };
    installation.prepare();

    let (bundle, key) = (installation.bundle(), installation.stored("current.key"));
    release.values["webhook"]["timeoutSeconds"] = json!(4);
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/chart");
    let forced = ["upgrade", SERVICE, chart, "--reuse-values", "--force"];
    let changes: [(&str, &dyn Fn(), Duration); 3] = [
        ("upgrade", &|| drop(release.apply("upgrade")), Duration::ZERO),
        ("rollback", &|| drop(release.run(&["rollback", SERVICE, "1"]).ok()), Duration::ZERO),
        ("upgrade --force", &|| drop(release.run(&forced).ok()), Duration::from_secs(5)),
    ];
    for (name, change, longest) in changes {
        let interruption = installation.interruption(change);
        measured(&format!("helm {name}: {interruption:?} without reviews"));
        assert!(interruption <= longest, "{name}: {interruption:?}");
        assert_eq!(installation.bundle(), bundle, "{name}");
        cluster.wait("webhook-managed-helm-a", LIMIT, || installation.stored("current.key") == key);
    }
    release.run(&["uninstall", SERVICE]).ok();
}
