//! Values of `spec.controller` that are known to be ingress-nginx, and those that are known to be another controller.

/// The value of the example of ingress-nginx for a second controller (docs/user-guide/multiple-ingress.md).
const INTERNAL_EXAMPLE: &str = "k8s.io/internal-ingress-nginx";
/// The beginning of the values of AKS application routing, a managed ingress-nginx (Azure/aks-app-routing-operator,
/// `pkg/controller/nginxingress`).
const AKS_APP_ROUTING: &str = "webapprouting.kubernetes.azure.com/nginx";

/// Parts of the values of controllers that do not read the annotations of ingress-nginx, from the documentation of each.
const OTHERS: [&str; 22] = [
    "ako.vmware.com/",
    "alb",
    "apisix",
    "azure/application-gateway",
    "cilium.io/",
    "citrix.com/",
    "f5.com/",
    "gce",
    "getambassador.io/",
    "gke.io/",
    "haproxy",
    "istio.io/",
    "konghq",
    "ngrok",
    "nginx.org/",
    "openshift.io/",
    "pomerium.io/",
    "projectcontour.io/",
    "skipper",
    "tailscale.com/",
    "traefik",
    "voyagermesh.com/",
];

/// Returns whether a value of `spec.controller` certainly belongs to an ingress-nginx, beside `k8s.io/ingress-nginx`.
pub(super) fn is_ingress_nginx(controller: &str) -> bool {
    controller == INTERNAL_EXAMPLE || controller.starts_with(AKS_APP_ROUTING)
}

/// Returns whether a value of `spec.controller` certainly belongs to a controller that does not read the annotations of
/// ingress-nginx.
pub(super) fn is_another_controller(controller: &str) -> bool {
    OTHERS.iter().any(|part| controller.contains(part))
}
