//! Values of `spec.controller` that are known to be ingress-nginx, and those that are known to be another controller.

use super::known::KnownController;

/// The value of the example of ingress-nginx for a second controller (docs/user-guide/multiple-ingress.md).
const INTERNAL_EXAMPLE: &str = "k8s.io/internal-ingress-nginx";
/// The beginning of the values of AKS application routing, a managed ingress-nginx (Azure/aks-app-routing-operator,
/// `pkg/controller/nginxingress`).
const AKS_APP_ROUTING: &str = "webapprouting.kubernetes.azure.com/nginx";

/// The namespace in which AKS runs them, and their label there (`pkg/config`, `pkg/manifests`).
const AKS_NAMESPACE: &str = "app-routing-system";
const AKS_LABEL: &str = "app.kubernetes.io/managed-by=aks-app-routing-operator";

/// The domains in the values of further controllers that do not read the annotations of ingress-nginx, from the documentation of
/// each: those beside the rows of [`KnownController`].
const OTHERS: [&str; 9] = [
    "citrix.com",
    "f5.com",
    "getambassador.io",
    "gke.io",
    "ngrok.com",
    "openshift.io",
    "pomerium.io",
    "tailscale.com",
    "vmware.com",
];

/// Returns whether a value of `spec.controller` certainly belongs to an ingress-nginx, beside `k8s.io/ingress-nginx`.
pub(super) fn is_ingress_nginx(controller: &str) -> bool {
    controller == INTERNAL_EXAMPLE || controller.starts_with(AKS_APP_ROUTING)
}

/// Returns the namespace of the workloads of a managed ingress-nginx with this value of `spec.controller`, and the selector of
/// their labels.
pub(super) fn managed_place(controller: &str) -> Option<(&'static str, &'static str)> {
    controller.starts_with(AKS_APP_ROUTING).then_some((AKS_NAMESPACE, AKS_LABEL))
}

/// Returns whether workloads of a value of `spec.controller` may read the annotations of ingress-nginx.
pub(super) fn may_be_ingress_nginx(controller: &str) -> bool {
    let is_reader = KnownController::named(controller).is_some_and(KnownController::may_read_nginx_annotations);
    is_reader || !is_another_controller(controller)
}

/// Returns whether a value of `spec.controller` certainly belongs to a controller that does not read the annotations of
/// ingress-nginx.
pub(super) fn is_another_controller(controller: &str) -> bool {
    let domain = controller.split('/').next().unwrap_or_default();
    let is_of = |other: &str| domain.strip_suffix(other).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    KnownController::is_of_another(controller) || OTHERS.iter().any(|other| is_of(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_recognised_by_their_domain() {
        for known in [
            "traefik.io/ingress-controller",
            "ingress.k8s.aws/alb",
            "azure/application-gateway",
            "k8s.io/ingress-gce",
            "haproxy.org/another",
            "ingress.citrix.com/x",
        ] {
            assert!(is_another_controller(known) && !is_ingress_nginx(known), "{known}");
        }
        for unknown in
            ["example.com/traefik.io", "nottraefik.io/x", "k8s.io/external-nginx", "k8s.io/ingress-nginx", ""]
        {
            assert!(!is_another_controller(unknown) && !is_ingress_nginx(unknown), "{unknown}");
        }
        assert!(is_ingress_nginx("webapprouting.kubernetes.azure.com/nginx/default"));
    }
}
