//! The controller's ConfigMap keys and flags, as far as its answers depend on them, and their defaults: section 7.2,
//! "Defaults that changed".

use serde::de::{Deserializer, Error, Unexpected, Visitor};

use crate::model::ConfigMap;
use crate::routing::annotations::{Risk, go_bool};
use crate::routing::version::Version;

/// Keys of the controller's ConfigMap, and flags, that change its answers; `None`: not set.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ControllerSettings {
    /// Whether `*-snippet` annotations are allowed.
    #[serde(deserialize_with = "switch")]
    pub allow_snippet_annotations: Option<bool>,
    /// The highest risk of annotations that is accepted.
    pub annotations_risk_level: Option<Risk>,
    /// Whether annotations may reference Secrets and ConfigMaps of other namespaces.
    #[serde(deserialize_with = "switch")]
    pub allow_cross_namespace_resources: Option<bool>,
    /// `--enable-annotation-validation`
    #[serde(deserialize_with = "switch")]
    pub enable_annotation_validation: Option<bool>,
    /// Whether Exact and Prefix paths may contain only letters, digits, `-`, `.`, `_` and `/`.
    #[serde(deserialize_with = "switch")]
    pub strict_validate_path_type: Option<bool>,
    /// `--disable-svc-external-name`
    #[serde(deserialize_with = "switch")]
    pub disable_svc_external_name: Option<bool>,
    /// Whether `global-allowed-response-headers` allows any header for `custom-headers`.
    #[serde(skip)]
    pub allows_response_headers: Option<bool>,
    /// `--enable-ssl-passthrough`
    #[serde(deserialize_with = "switch")]
    pub enable_ssl_passthrough: Option<bool>,
    /// Whether HTTP redirects to HTTPS unless an annotation is set.
    #[serde(deserialize_with = "switch")]
    pub ssl_redirect: Option<bool>,
    /// Whether HTTP redirects to HTTPS without a certificate as well, unless an annotation is set.
    #[serde(deserialize_with = "switch")]
    pub force_ssl_redirect: Option<bool>,
    /// Beginnings of paths that do not redirect to HTTPS, separated by commas.
    pub no_tls_redirect_locations: Option<Box<str>>,
    /// Status of redirects to HTTPS and between a host and its `www.` name.
    pub http_redirect_code: Option<u16>,
    /// Whether redirects to HTTPS keep a slash at the end, unless an annotation is set.
    #[serde(deserialize_with = "switch")]
    pub preserve_trailing_slash: Option<bool>,
    /// Whether redirects to HTTPS name the port, unless an annotation is set.
    #[serde(deserialize_with = "switch")]
    pub use_port_in_redirects: Option<bool>,
    /// Whether connections begin with the PROXY protocol.
    #[serde(deserialize_with = "switch")]
    pub use_proxy_protocol: Option<bool>,
    /// Whether requests go to the addresses of Services, unless an annotation is set.
    #[serde(deserialize_with = "switch")]
    pub service_upstream: Option<bool>,
    /// Statuses in whose place the default backend answers, separated by commas, unless an annotation is set.
    pub custom_http_errors: Option<Box<str>>,
    /// Texts that no annotation may contain, separated by commas.
    pub annotation_value_word_blocklist: Option<Box<str>>,
    /// The URL of the external authentication of every location without `auth-url`.
    pub global_auth_url: Option<Box<str>>,
    /// Beginnings of paths that need no authentication, separated by commas.
    pub no_auth_locations: Option<Box<str>>,
    /// Size of the first buffer of a response, unless an annotation is set.
    pub proxy_buffer_size: Option<Box<str>>,
    /// Number of buffers of a response, unless an annotation is set.
    pub proxy_buffers_number: Option<Box<str>>,
    /// Size of the buffers that are being sent, unless an annotation is set.
    pub proxy_busy_buffers_size: Option<Box<str>>,
}

/// The statuses that `http-redirect-code` accepts (`validRedirectCodes`).
const REDIRECT_CODES: [u16; 4] = [301, 302, 307, 308];

impl ControllerSettings {
    /// Reads the settings from a controller's ConfigMap. An empty boolean is `false`; one that Go cannot parse counts as not
    /// set; an unknown risk counts as the lowest (`ReadConfig` with mapstructure's weak types, `StringRiskToRisk`). Flags are
    /// not among its keys.
    #[must_use]
    pub fn from_config_map(config_map: &ConfigMap) -> Self {
        let switch =
            |key| config_map.get(key).and_then(|text| if text.is_empty() { Some(false) } else { go_bool(text) });
        let text = |key| config_map.get(key).map(Box::from);
        let risk = |text: &str| {
            let others = [Risk::Critical, Risk::High, Risk::Medium];
            others.into_iter().find(|risk| text.eq_ignore_ascii_case(&risk.to_string())).unwrap_or(Risk::Low)
        };
        Self {
            allow_snippet_annotations: switch("allow-snippet-annotations"),
            annotations_risk_level: config_map.get("annotations-risk-level").map(risk),
            allow_cross_namespace_resources: switch("allow-cross-namespace-resources"),
            strict_validate_path_type: switch("strict-validate-path-type"),
            allows_response_headers: config_map
                .get("global-allowed-response-headers")
                .map(|headers| !headers.trim().is_empty()),
            ssl_redirect: switch("ssl-redirect"),
            force_ssl_redirect: switch("force-ssl-redirect"),
            no_tls_redirect_locations: text("no-tls-redirect-locations"),
            http_redirect_code: config_map
                .get("http-redirect-code")
                .and_then(|code| code.parse().ok())
                .filter(|code| REDIRECT_CODES.contains(code)),
            preserve_trailing_slash: switch("preserve-trailing-slash"),
            use_port_in_redirects: switch("use-port-in-redirects"),
            use_proxy_protocol: switch("use-proxy-protocol"),
            service_upstream: switch("service-upstream"),
            custom_http_errors: text("custom-http-errors"),
            annotation_value_word_blocklist: text("annotation-value-word-blocklist"),
            global_auth_url: text("global-auth-url"),
            no_auth_locations: text("no-auth-locations"),
            proxy_buffer_size: text("proxy-buffer-size"),
            proxy_buffers_number: text("proxy-buffers-number"),
            proxy_busy_buffers_size: text("proxy-busy-buffers-size"),
            ..Self::default()
        }
    }

    /// Returns these settings, completed with others where they are not set.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            allow_snippet_annotations: self.allow_snippet_annotations.or(others.allow_snippet_annotations),
            annotations_risk_level: self.annotations_risk_level.or(others.annotations_risk_level),
            allow_cross_namespace_resources: self
                .allow_cross_namespace_resources
                .or(others.allow_cross_namespace_resources),
            enable_annotation_validation: self.enable_annotation_validation.or(others.enable_annotation_validation),
            strict_validate_path_type: self.strict_validate_path_type.or(others.strict_validate_path_type),
            disable_svc_external_name: self.disable_svc_external_name.or(others.disable_svc_external_name),
            allows_response_headers: self.allows_response_headers.or(others.allows_response_headers),
            enable_ssl_passthrough: self.enable_ssl_passthrough.or(others.enable_ssl_passthrough),
            ssl_redirect: self.ssl_redirect.or(others.ssl_redirect),
            force_ssl_redirect: self.force_ssl_redirect.or(others.force_ssl_redirect),
            no_tls_redirect_locations: self.no_tls_redirect_locations.or(others.no_tls_redirect_locations),
            http_redirect_code: self.http_redirect_code.or(others.http_redirect_code),
            preserve_trailing_slash: self.preserve_trailing_slash.or(others.preserve_trailing_slash),
            use_port_in_redirects: self.use_port_in_redirects.or(others.use_port_in_redirects),
            use_proxy_protocol: self.use_proxy_protocol.or(others.use_proxy_protocol),
            service_upstream: self.service_upstream.or(others.service_upstream),
            custom_http_errors: self.custom_http_errors.or(others.custom_http_errors),
            annotation_value_word_blocklist: self
                .annotation_value_word_blocklist
                .or(others.annotation_value_word_blocklist),
            global_auth_url: self.global_auth_url.or(others.global_auth_url),
            no_auth_locations: self.no_auth_locations.or(others.no_auth_locations),
            proxy_buffer_size: self.proxy_buffer_size.or(others.proxy_buffer_size),
            proxy_buffers_number: self.proxy_buffers_number.or(others.proxy_buffers_number),
            proxy_busy_buffers_size: self.proxy_busy_buffers_size.or(others.proxy_busy_buffers_size),
        }
    }

    /// Returns the defaults of a version; `None`: unknown.
    #[must_use]
    pub fn defaults(version: Option<Version>) -> Self {
        let since = |major, minor, patch| version.map(|version| version >= Version::new(major, minor, patch));
        let before = |major, minor, patch| since(major, minor, patch).map(|since| !since);
        let risk = since(1, 12, 0).map(|lowered| if lowered { Risk::High } else { Risk::Critical });
        Self {
            allow_snippet_annotations: before(1, 9, 1),
            annotations_risk_level: risk,
            allow_cross_namespace_resources: before(1, 12, 0),
            enable_annotation_validation: since(1, 12, 0),
            strict_validate_path_type: since(1, 12, 0),
            disable_svc_external_name: Some(false),
            allows_response_headers: since(1, 11, 0).map(|_| false),
            // Off unless the flag is set, and the flags of a controller are mostly unknown.
            enable_ssl_passthrough: None,
            ssl_redirect: Some(true),
            ..Self::default()
        }
    }

    /// Returns only the settings that are flags: a ConfigMap does not change them.
    #[must_use]
    pub fn flags(self) -> Self {
        let Self { enable_annotation_validation, disable_svc_external_name, enable_ssl_passthrough, .. } = self;
        Self { enable_annotation_validation, disable_svc_external_name, enable_ssl_passthrough, ..Self::default() }
    }
}

/// Reads `true`, or `"true"` as in a ConfigMap.
fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    struct Switch;
    impl Visitor<'_> for Switch {
        type Value = bool;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("true or false")
        }
        fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
            Ok(value)
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
            text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
        }
    }
    deserializer.deserialize_any(Switch).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_settings_take_precedence_over_defaults_of_the_version() {
        let always = ControllerSettings {
            disable_svc_external_name: Some(false),
            ssl_redirect: Some(true),
            ..ControllerSettings::default()
        };
        assert_eq!(ControllerSettings::defaults(None), always);
        let last = ControllerSettings::defaults(Some(Version::new(1, 15, 1)));
        assert_eq!((last.allow_snippet_annotations, last.annotations_risk_level), (Some(false), Some(Risk::High)));
        assert_eq!((last.enable_annotation_validation, last.strict_validate_path_type), (Some(true), Some(true)));
        assert_eq!(last.allow_cross_namespace_resources, Some(false));
        let old = ControllerSettings::defaults(Some(Version::new(1, 9, 0)));
        assert_eq!((old.allow_snippet_annotations, old.annotations_risk_level), (Some(true), Some(Risk::Critical)));
        assert_eq!((old.enable_annotation_validation, old.strict_validate_path_type), (Some(false), Some(false)));
        assert_eq!(old.allow_cross_namespace_resources, Some(true));
        let said = ControllerSettings {
            allow_snippet_annotations: Some(true),
            ssl_redirect: Some(false),
            ..ControllerSettings::default()
        };
        assert_eq!(
            said.or(last.clone()),
            ControllerSettings { allow_snippet_annotations: Some(true), ssl_redirect: Some(false), ..last.clone() }
        );
        let flags = ControllerSettings {
            enable_annotation_validation: Some(true),
            disable_svc_external_name: Some(false),
            ..ControllerSettings::default()
        };
        assert_eq!(last.flags(), flags);
    }

    #[test]
    fn a_config_map_is_read_as_the_controller_reads_it() {
        let observed = |data: &str| {
            let text = format!(r#"{{"metadata": {{"name": "c", "namespace": "n"}}, "data": {data}}}"#);
            ControllerSettings::from_config_map(&serde_json::from_str(&text).unwrap())
        };
        let unset = ControllerSettings::default();
        for nothing in
            ["null", "{}", r#"{"ssl-redirect": "yes", "allow-snippet-annotations": " true", "hsts": "true"}"#]
        {
            assert_eq!(observed(nothing), unset, "{nothing}");
        }
        let said =
            observed(r#"{"ssl-redirect": "", "allow-snippet-annotations": "TRUE", "strict-validate-path-type": "0"}"#);
        let wanted = ControllerSettings {
            ssl_redirect: Some(false),
            allow_snippet_annotations: Some(true),
            strict_validate_path_type: Some(false),
            ..ControllerSettings::default()
        };
        assert_eq!(said, wanted);
        for (text, risk) in
            [("Critical", Risk::Critical), ("HIGH", Risk::High), ("medium", Risk::Medium), ("most", Risk::Low)]
        {
            let data = format!(r#"{{"annotations-risk-level": "{text}"}}"#);
            assert_eq!(observed(&data).annotations_risk_level, Some(risk), "{text}");
        }
        let flags = r#"{"enable-annotation-validation": "false", "disable-svc-external-name": "true"}"#;
        assert_eq!(observed(flags), unset, "the controller reads no flag from its ConfigMap");
    }

    #[test]
    fn switches_are_booleans_or_the_text_of_a_config_map() {
        let read = |text: &str| serde_json::from_str::<ControllerSettings>(text);
        let both =
            read(r#"{"ssl-redirect": "false", "allow-snippet-annotations": true, "annotations-risk-level": "High"}"#);
        let both = both.unwrap();
        assert_eq!((both.ssl_redirect, both.allow_snippet_annotations), (Some(false), Some(true)));
        assert_eq!(both.annotations_risk_level, Some(Risk::High));
        assert!(read(r#"{"ssl-redirect": "yes"}"#).is_err() && read(r#"{"ssl-redirct": true}"#).is_err());
    }
}
