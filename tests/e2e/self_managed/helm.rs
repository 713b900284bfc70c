//! A release of the chart in a running cluster: Helm and the pods write to the same two objects.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Installation, LIMIT, SERVICE, certificates, measured};
use crate::cluster::{self, Cluster};
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
    let installation = released(&cluster, NAMESPACE, TARGET);
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
    let window = without_service(&cluster, &installation, || drop(release.run(&["uninstall", SERVICE]).ok()));
    measured(&format!("helm uninstall: {window:?} between the end of the Service and of the webhook configuration"));
    assert!(window < Duration::from_secs(20), "{window:?}");
    assert_eq!(release.objects(), Vec::<String>::new());
}

fn released<'c>(cluster: &'c Cluster, namespace: &'static str, writes: &'static str) -> Installation<'c> {
    Installation {
        cluster,
        namespace,
        writes,
        name: SERVICE,
        registration: format!("{SERVICE}.{namespace}"),
        source: String::new(),
    }
}

/// Returns for how long the webhook configuration exists without its Service: in a cluster, writes fail then.
fn without_service(cluster: &Cluster, installation: &Installation<'_>, uninstall: impl FnOnce() + Send) -> Duration {
    let service = format!("/api/v1/namespaces/{}/services/{SERVICE}", installation.namespace);
    let kind = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    let configuration = format!("{kind}/{}", installation.registration);
    thread::scope(|scope| {
        let api = cluster.api();
        let is_gone = |path: &str| api.send("GET", path, "application/json", "").is_ok_and(|(status, _)| status == 404);
        assert!(!is_gone(&service) && !is_gone(&configuration));
        scope.spawn(uninstall);
        let gone = |path: &str| {
            let started = Instant::now();
            while !is_gone(path) {
                assert!(started.elapsed() < LIMIT, "{path} still exists");
                thread::sleep(Duration::from_millis(2));
            }
            Instant::now()
        };
        let first = gone(&service);
        gone(&configuration) - first
    })
}

#[test]
fn from_a_ca_bundle_of_the_values_to_self_managed_certificates_in_two_upgrades() {
    const NAMESPACE: &str = "managed-static";
    const TARGET: &str = "managed-static-target";
    let Some(cluster) = cluster::shared() else { return };
    let Some(program) = helm::find() else { return };
    let mut release = Release::new(program, &cluster, NAMESPACE, TARGET);
    let selector = release.values["webhook"]["namespaceSelector"].clone();
    release.values["webhook"]["failurePolicy"] = json!("Fail");
    release.apply("install");
    let mut old = kubelet::run(&cluster, NAMESPACE, SERVICE, "old");
    let installation = released(&cluster, NAMESPACE, TARGET);
    installation.prepare();
    let annotate = |annotation: &str| {
        let object = ["annotate", "validatingwebhookconfiguration", &installation.registration, annotation];
        cluster.kubectl(&object).ok();
    };
    let mut pods = Vec::new();
    let interruption = installation.interruption(|| {
        // Helm forgets the webhook configuration, and with it the caBundle. The object stays.
        annotate("helm.sh/resource-policy=keep");
        release.values["certificate"] = json!({"mode": "selfManaged"});
        release.values["webhook"] = json!({"enabled": false});
        release.apply("upgrade");
        pods.push(kubelet::run(&cluster, NAMESPACE, SERVICE, "new"));
        thread::sleep(Duration::from_secs(1));
        assert_eq!(old.stop(), 0);
        // Helm takes it over again, with what is in it.
        release.values["webhook"] = json!({"failurePolicy": "Fail", "namespaceSelector": selector});
        release.apply("upgrade");
    });
    assert_eq!(interruption, Duration::ZERO);
    assert_eq!(certificates(&installation.bundle()), 2, "the old CA stays for seven days");
    annotate("helm.sh/resource-policy-");
    release.run(&["uninstall", SERVICE]).ok();
    let left = cluster.kubectl(&["get", "validatingwebhookconfiguration", &installation.registration]);
    assert!(left.stderr.contains("NotFound"), "{left}");
}
