//! DNS names of Services: Kubernetes, "DNS for Services and Pods".

/// Returns namespace and name of the Service that a DNS name of the cluster belongs to: `web.shop.svc`, with or without
/// `.cluster.local`. Other cluster domains are not known, and shorter names depend on the namespace of the client.
#[must_use]
pub fn service_of_name(name: &str) -> Option<(&str, &str)> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let of_cluster = name.strip_suffix(".cluster.local").unwrap_or(name);
    let (service, namespace) = of_cluster.strip_suffix(".svc")?.split_once('.')?;
    (!service.is_empty() && !namespace.is_empty() && !namespace.contains('.')).then_some((namespace, service))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_name_has_a_service_and_a_namespace() {
        for name in ["web.shop.svc", "web.shop.svc.cluster.local", "web.shop.svc.cluster.local."] {
            assert_eq!(service_of_name(name), Some(("shop", "web")), "{name}");
        }
        for name in ["web", "web.shop", "web-0.web.shop.svc", ".shop.svc", "web..svc", "shop.svc", "web.shop.svc.test"]
        {
            assert_eq!(service_of_name(name), None, "{name}");
        }
    }
}
