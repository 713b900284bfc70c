//! Settings of the controller that apply to every Ingress, and the annotations that take precedence over them: section 7.4. A setting that is not known counts as its default.

use super::dialect::{ControllerFamily, Dialect};
use super::settings::ControllerSettings;
use crate::routing::annotations::{NginxAnnotations, SharedBuffers};

/// `no-tls-redirect-locations` and `no-auth-locations` if they are not set.
const CHALLENGES: &str = "/.well-known/acme-challenge";
/// `http-redirect-code` if it is not set.
const REDIRECT_CODE: u16 = 308;

impl Dialect {
    /// Returns whether HTTP redirects to HTTPS if the host has a certificate: the annotation takes precedence over the
    /// ConfigMap (section 5.5).
    #[must_use]
    pub fn redirects_to_https(&self, annotations: NginxAnnotations<'_>) -> bool {
        let by_default = self.shared(|settings| settings.ssl_redirect).unwrap_or(true);
        annotations.switch("ssl-redirect").unwrap_or(by_default) || self.forces_https(annotations)
    }

    /// Returns whether HTTP redirects to HTTPS even if the host has no certificate (section 5.5).
    #[must_use]
    pub fn forces_https(&self, annotations: NginxAnnotations<'_>) -> bool {
        self.is_on("force-ssl-redirect", annotations, |settings| settings.force_ssl_redirect)
    }

    /// Returns whether it is unknown how requests over HTTP are redirected: no annotation decides, and the ConfigMap is not known.
    #[must_use]
    pub fn redirects_unknown(&self, annotations: NginxAnnotations<'_>) -> bool {
        let is_set = ["ssl-redirect", "force-ssl-redirect"].iter().any(|name| annotations.switch(name).is_some());
        self.settings_unknown() && self.shared(|settings| settings.ssl_redirect).is_none() && !is_set
    }

    /// Returns whether a location with this path never redirects to HTTPS (section 5.5).
    #[must_use]
    pub fn exempts_from_https(&self, path: &str) -> bool {
        is_in_list(path, self.shared(|settings| settings.no_tls_redirect_locations.as_deref()))
    }

    /// Returns whether a location with this path needs no external and no basic authentication (`no-auth-locations`).
    #[must_use]
    pub fn exempts_from_authentication(&self, path: &str) -> bool {
        is_in_list(path, self.shared(|settings| settings.no_auth_locations.as_deref()))
    }

    /// Returns the status of redirects to HTTPS, and between a host and its `www.` name (sections 5.5 and 7.2).
    #[must_use]
    pub fn redirect_code(&self) -> u16 {
        self.shared(|settings| settings.http_redirect_code).unwrap_or(REDIRECT_CODE)
    }

    /// Returns whether the redirect to HTTPS keeps a slash at the end (section 5.5).
    #[must_use]
    pub fn preserves_trailing_slash(&self, annotations: NginxAnnotations<'_>) -> bool {
        self.is_on("preserve-trailing-slash", annotations, |settings| settings.preserve_trailing_slash)
    }

    /// Returns whether the redirect to HTTPS names the port (section 5.5).
    #[must_use]
    pub fn uses_port_in_redirects(&self, annotations: NginxAnnotations<'_>) -> bool {
        self.is_on("use-port-in-redirects", annotations, |settings| settings.use_port_in_redirects)
    }

    /// Returns whether requests go to the Service's own address and not to its endpoints (section 4.5).
    #[must_use]
    pub fn uses_service_address(&self, annotations: NginxAnnotations<'_>) -> bool {
        let is_set = annotations.value("service-upstream").is_some();
        let shared = || self.shared(|settings| settings.service_upstream).unwrap_or(false);
        annotations.enables("service-upstream") || (!is_set && shared())
    }

    /// Returns whether the default backend answers in place of this status (section 7.2, `custom-http-errors`).
    #[must_use]
    pub fn intercepts(&self, status: u16, annotations: NginxAnnotations<'_>) -> bool {
        let shared = || self.shared(|settings| settings.custom_http_errors.as_deref());
        let is_in = |codes: &str| codes.split(',').any(|code| code.parse() == Ok(status));
        self.family == ControllerFamily::Nginx
            && annotations.intercepts(status).unwrap_or_else(|| shared().is_some_and(is_in))
    }

    /// Returns whether the ConfigMap has external authentication for every location (`global-auth-url`).
    #[must_use]
    pub fn has_global_authentication(&self) -> bool {
        self.global_auth_url().is_some()
    }

    /// Returns `global-auth-url`, unless `enable-global-auth` of the Ingress is false. It applies to locations without `auth-url`.
    #[must_use]
    pub fn global_authentication(&self, annotations: NginxAnnotations<'_>) -> Option<&str> {
        self.global_auth_url().filter(|_| annotations.switch("enable-global-auth").unwrap_or(true))
    }

    /// Returns `global-auth-url`, which applies to every location unless its Ingress disables it.
    #[must_use]
    pub fn global_auth_url(&self) -> Option<&str> {
        self.shared(|settings| settings.global_auth_url.as_deref()).filter(|url| !url.is_empty())
    }

    /// Returns the texts that no annotation may contain, separated by commas (`annotation-value-word-blocklist`, section 6.2).
    #[must_use]
    pub fn blocked_words(&self) -> Option<&str> {
        self.shared(|settings| settings.annotation_value_word_blocklist.as_deref()).filter(|list| !list.is_empty())
    }

    /// Returns whether connections to the controller begin with the PROXY protocol (`use-proxy-protocol`).
    #[must_use]
    pub fn uses_proxy_protocol(&self) -> bool {
        self.shared(|settings| settings.use_proxy_protocol).unwrap_or(false)
    }

    /// Returns the sizes of buffers that apply unless an annotation is set.
    #[must_use]
    pub fn shared_buffers(&self) -> SharedBuffers<'_> {
        SharedBuffers {
            size: self.shared(|settings| settings.proxy_buffer_size.as_deref()),
            number: self.shared(|settings| settings.proxy_buffers_number.as_deref()),
            busy: self.shared(|settings| settings.proxy_busy_buffers_size.as_deref()),
        }
    }

    fn is_on<'s>(
        &'s self,
        name: &str,
        annotations: NginxAnnotations<'_>,
        setting: impl Fn(&'s ControllerSettings) -> Option<bool>,
    ) -> bool {
        annotations.switch(name).unwrap_or_else(|| self.shared(setting).unwrap_or(false))
    }

    /// Returns a setting of an ingress-nginx; `None`: not set, or not known.
    fn shared<'s, T>(&'s self, setting: impl Fn(&'s ControllerSettings) -> Option<T>) -> Option<T> {
        if self.family != ControllerFamily::Nginx {
            return None;
        }
        setting(&self.settings).or_else(|| setting(self.observed.as_ref()?))
    }
}

/// Returns whether the path of a location begins with an item of a list, separated by commas; `None`: the default
/// (`isLocationInLocationList`).
fn is_in_list(path: &str, list: Option<&str>) -> bool {
    let mut items = list.unwrap_or(CHALLENGES).split(',').map(|item| item.trim_matches(' '));
    items.any(|item| !item.is_empty() && path.starts_with(item))
}
