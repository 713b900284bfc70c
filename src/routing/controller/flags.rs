//! The flags of a running controller that no configuration key sets.

/// The flags of a running controller; `None`: unknown. An empty text: not set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControllerFlags {
    /// `--watch-ingress-without-class`: it handles Ingresses without a class.
    pub watch_ingress_without_class: Option<bool>,
    /// `--ingress-class-by-name`: it handles `spec.ingressClassName` with the value of `--ingress-class`, without an IngressClass.
    pub ingress_class_by_name: Option<bool>,
    /// `--enable-ssl-passthrough`
    pub enable_ssl_passthrough: Option<bool>,
    /// `--disable-catch-all`: it ignores Ingresses with a `defaultBackend` and no rule.
    pub disable_catch_all: Option<bool>,
    /// `--default-backend-service`
    pub default_backend_service: Option<String>,
    /// `--publish-service`
    pub publish_service: Option<String>,
    /// `--default-ssl-certificate`
    pub default_ssl_certificate: Option<String>,
}

impl ControllerFlags {
    /// Returns the flags whose values are the same in both; the others are unknown.
    #[must_use]
    pub fn agreed(self, other: &Self) -> Self {
        fn same<T: PartialEq>(one: Option<T>, other: Option<&T>) -> Option<T> {
            one.filter(|value| other == Some(value))
        }
        Self {
            watch_ingress_without_class: same(
                self.watch_ingress_without_class,
                other.watch_ingress_without_class.as_ref(),
            ),
            ingress_class_by_name: same(self.ingress_class_by_name, other.ingress_class_by_name.as_ref()),
            enable_ssl_passthrough: same(self.enable_ssl_passthrough, other.enable_ssl_passthrough.as_ref()),
            disable_catch_all: same(self.disable_catch_all, other.disable_catch_all.as_ref()),
            default_backend_service: same(self.default_backend_service, other.default_backend_service.as_ref()),
            publish_service: same(self.publish_service, other.publish_service.as_ref()),
            default_ssl_certificate: same(self.default_ssl_certificate, other.default_ssl_certificate.as_ref()),
        }
    }
}
