//! Self-test of the control plane: the behaviour that the other tests rely on.

use std::time::Duration;

use crate::cluster;

#[test]
fn service_accounts_have_tokens_and_only_the_rights_they_were_given() {
    let Some(cluster) = cluster::shared() else { return };
    cluster.kubectl(&["create", "namespace", "accounts"]).ok();
    cluster.kubectl(&["create", "serviceaccount", "reader", "--namespace=accounts"]).ok();
    let reader = cluster.kubeconfig_for_service_account("accounts", "reader");
    let list = || cluster.kubectl_as(&reader, &["get", "services", "--output=name"], "");

    let refused = list();
    assert_eq!(refused.code, 1, "{refused}");
    assert_eq!(
        refused.stderr,
        "Error from server (Forbidden): services is forbidden: User \"system:serviceaccount:accounts:reader\" cannot \
         list resource \"services\" in API group \"\" in the namespace \"accounts\"\n"
    );

    let role = ["create", "role", "reader", "--verb=list", "--resource=services", "--namespace=accounts"];
    cluster.kubectl(&role).ok();
    let account = "--serviceaccount=accounts:reader";
    cluster.kubectl(&["create", "rolebinding", "reader", "--role=reader", account, "--namespace=accounts"]).ok();
    cluster.wait("kube-apiserver", Duration::from_secs(10), || list().code == 0);
}

#[test]
fn endpoint_slices_are_created_and_namespaces_terminate() {
    let Some(cluster) = cluster::shared() else { return };
    if !cluster.needs_controllers("endpoint_slices_are_created_and_namespaces_terminate") {
        return;
    }
    cluster.kubectl(&["create", "namespace", "controlled"]).ok();
    cluster.kubectl(&["create", "service", "clusterip", "web", "--tcp=80", "--namespace=controlled"]).ok();
    let slices = ["get", "endpointslices", "--namespace=controlled", "--output=name"];
    cluster.wait("kube-controller-manager", Duration::from_secs(20), || !cluster.kubectl(&slices).ok().is_empty());
    cluster.kubectl(&["delete", "namespace", "controlled", "--timeout=60s"]).ok();
    assert_eq!(cluster.kubectl(&["get", "namespace", "controlled"]).code, 1);
}

#[test]
fn the_api_server_restarts_with_its_data_and_etcd_compacts() {
    let Some(cluster) = cluster::alone() else { return };
    cluster.kubectl(&["create", "configmap", "before", "--namespace=default"]).ok();
    cluster.stop_apiserver();
    let down = cluster.kubectl(&["get", "configmap", "before", "--namespace=default"]);
    assert_eq!(down.code, 1, "{down}");
    assert!(down.stderr.contains("was refused"), "{down}");
    cluster.start_apiserver();
    cluster.kubectl(&["get", "configmap", "before", "--namespace=default"]).ok();

    let forgotten = cluster.compact_etcd();
    cluster.kubectl(&["create", "configmap", "after", "--namespace=default"]).ok();
    assert!(cluster.compact_etcd() > forgotten);
}
