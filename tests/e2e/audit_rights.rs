//! What replicas need for the background audit: a Lease, and the rights to write Events and reports.

use serde_json::json;

use crate::cluster::Cluster;
use crate::webhook::role_named;

/// Creates the Lease of the chart.
pub(crate) fn lease(cluster: &Cluster, namespace: &str) {
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                       "metadata": {"name": "background", "namespace": namespace}});
    cluster.kubectl_with_stdin(&["create", "--filename=-"], &lease.to_string()).ok();
}

/// Grants the account `ingress-guard` of the namespace the right to keep the Lease.
pub(crate) fn grant_lease(cluster: &Cluster, namespace: &str) {
    let scope = format!("--namespace={namespace}");
    let role = [
        "create",
        "role",
        "background",
        "--verb=get,update",
        "--resource=leases.coordination.k8s.io",
        "--resource-name=background",
        &scope,
    ];
    cluster.kubectl(&role).ok();
    let account = format!("--serviceaccount={namespace}:ingress-guard");
    cluster.kubectl(&["create", "rolebinding", "background", "--role=background", &account, &scope]).ok();
}

/// Grants it the right to watch Secrets, and to write Events and reports.
pub(crate) fn grant_outputs(cluster: &Cluster, namespace: &str) {
    let bound = format!("--serviceaccount={namespace}:ingress-guard");
    let bind = |name: &str| {
        cluster.kubectl(&["create", "clusterrolebinding", name, &format!("--clusterrole={name}"), &bound]).ok();
    };
    let secrets = format!("{namespace}-secrets");
    cluster.kubectl(&["create", "clusterrole", &secrets, "--verb=get,list,watch", "--resource=secrets"]).ok();
    bind(&secrets);
    let mut writes = role_named("ingress-guard-background");
    let name = format!("{namespace}-background");
    writes["metadata"] = json!({"name": name});
    cluster.kubectl_with_stdin(&["create", "--filename=-"], &writes.to_string()).ok();
    bind(&name);
}
