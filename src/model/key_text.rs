//! The keys of annotations and labels. Nearly all objects use the same few keys: these are stored once, not once for each object.

use std::sync::{Arc, LazyLock};

use foldhash::HashSet;

/// The keys that many objects have. Any other key is stored with its object.
const FREQUENT: [&str; 39] = [
    "app",
    "app.kubernetes.io/component",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/name",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/version",
    "cert-manager.io/cluster-issuer",
    "cert-manager.io/issuer",
    "component",
    "helm.sh/chart",
    "k8s-app",
    "kubernetes.io/ingress.class",
    "kubernetes.io/metadata.name",
    "kubernetes.io/tls-acme",
    "name",
    "nginx.ingress.kubernetes.io/affinity",
    "nginx.ingress.kubernetes.io/auth-signin",
    "nginx.ingress.kubernetes.io/auth-url",
    "nginx.ingress.kubernetes.io/backend-protocol",
    "nginx.ingress.kubernetes.io/canary",
    "nginx.ingress.kubernetes.io/canary-weight",
    "nginx.ingress.kubernetes.io/configuration-snippet",
    "nginx.ingress.kubernetes.io/cors-allow-origin",
    "nginx.ingress.kubernetes.io/enable-cors",
    "nginx.ingress.kubernetes.io/force-ssl-redirect",
    "nginx.ingress.kubernetes.io/proxy-body-size",
    "nginx.ingress.kubernetes.io/proxy-buffer-size",
    "nginx.ingress.kubernetes.io/proxy-connect-timeout",
    "nginx.ingress.kubernetes.io/proxy-read-timeout",
    "nginx.ingress.kubernetes.io/proxy-send-timeout",
    "nginx.ingress.kubernetes.io/rewrite-target",
    "nginx.ingress.kubernetes.io/server-snippet",
    "nginx.ingress.kubernetes.io/ssl-passthrough",
    "nginx.ingress.kubernetes.io/ssl-redirect",
    "nginx.ingress.kubernetes.io/use-regex",
    "nginx.ingress.kubernetes.io/whitelist-source-range",
    "release",
    "tier",
];

/// Returns a key to store.
pub(super) fn stored(key: &str) -> Arc<str> {
    static SHARED: LazyLock<HashSet<Arc<str>>> = LazyLock::new(|| FREQUENT.into_iter().map(Arc::from).collect());
    SHARED.get(key).map_or_else(|| key.into(), Arc::clone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frequent_key_is_stored_once() {
        assert!(Arc::ptr_eq(&stored("app"), &stored("app")));
        assert!(!Arc::ptr_eq(&stored("example.com/app"), &stored("example.com/app")));
        assert_eq!((&*stored("tier"), &*stored("example.com/app")), ("tier", "example.com/app"));
    }
}
