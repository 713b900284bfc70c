//! Dialects: a controller family with its version and settings. The controller of an Ingress' class selects the dialect, or
//! a configured class name does.

use std::borrow::Cow;

use super::settings::ControllerSettings;
use crate::cluster::ClusterView;
use crate::model::Key;
use crate::routing::annotations::NginxAnnotations;
use crate::routing::annotations::Risk;
use crate::routing::version::Version;

/// The `spec.controller` of ingress-nginx without `--controller-class`.
const INGRESS_NGINX: &str = "k8s.io/ingress-nginx";

/// The family of controllers whose rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ControllerFamily {
    /// ingress-nginx and its forks: nginx annotations, and a rendered configuration that one Ingress can make invalid.
    Nginx,
    /// Traefik's ingress-nginx provider: the same annotations, without a rendered configuration.
    Traefik,
    /// Kubernetes' own rules.
    Neutral,
}

impl ControllerFamily {
    /// Returns whether the controller reads `nginx.ingress.kubernetes.io/` annotations.
    #[must_use]
    pub const fn reads_nginx_annotations(self) -> bool {
        matches!(self, Self::Nginx | Self::Traefik)
    }
}

/// The settings of one controller, as far as its answers depend on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// The family of controllers whose rules apply.
    pub family: ControllerFamily,
    /// The controller's version; `None`: unknown, and what depends on it does not deny.
    pub version: Option<Version>,
    /// `--ingress-class`: the value of the class annotation that it handles.
    pub annotation_class: String,
    /// `--watch-namespace`; empty: all.
    pub watch_namespaces: Vec<String>,
    /// `--default-ssl-certificate` is set, so hosts without a certificate get that one.
    pub default_certificate: bool,
    /// nginx variables beyond those of nginx and the controller's template.
    pub extra_variables: Vec<String>,
    /// The configured flags and ConfigMap keys. [`Dialect::validates_annotations`] and the like complete them with the
    /// observed settings and the defaults.
    pub settings: ControllerSettings,
    /// The ConfigMap, if it is read.
    pub config_map: Option<Key>,
    /// The settings observed in its ConfigMap; `None`: it has not been read.
    pub observed: Option<ControllerSettings>,
}

impl Dialect {
    /// Creates a dialect with every default of a family.
    #[must_use]
    pub fn new(family: ControllerFamily) -> Self {
        Self {
            family,
            version: None,
            annotation_class: "nginx".to_owned(),
            watch_namespaces: Vec::new(),
            default_certificate: false,
            extra_variables: Vec::new(),
            settings: ControllerSettings::default(),
            config_map: None,
            observed: None,
        }
    }

    /// Returns whether annotation values are validated; `None`: unknown.
    #[must_use]
    pub fn validates_annotations(&self) -> Option<bool> {
        self.settings().enable_annotation_validation
    }

    /// Returns whether snippets are allowed; `None`: unknown.
    #[must_use]
    pub fn allows_snippets(&self) -> Option<bool> {
        self.settings().allow_snippet_annotations
    }

    /// Returns the highest risk of annotations that is accepted; `None`: unknown.
    #[must_use]
    pub fn risk_level(&self) -> Option<Risk> {
        self.settings().annotations_risk_level
    }

    /// Returns whether annotations may reference objects of other namespaces; `None`: unknown.
    #[must_use]
    pub fn crosses_namespaces(&self) -> Option<bool> {
        self.settings().allow_cross_namespace_resources
    }

    /// Returns whether `global-allowed-response-headers` allows any header (section 7.2); `None`: unknown.
    #[must_use]
    pub fn allows_response_headers(&self) -> Option<bool> {
        self.settings().allows_response_headers
    }

    /// Returns whether ExternalName Services are disabled: they have no endpoints then (section 4.4).
    #[must_use]
    pub fn refuses_external_names(&self) -> bool {
        self.settings().disable_svc_external_name == Some(true)
    }

    /// Returns whether `ssl-passthrough` is enabled (section 5.6); `None`: unknown.
    #[must_use]
    pub fn passes_tls_through(&self) -> Option<bool> {
        self.settings().enable_ssl_passthrough
    }

    /// Returns whether Exact and Prefix paths with special characters are rejected (section 2.9); `None`: unknown.
    #[must_use]
    pub fn is_strict_about_path_types(&self) -> Option<bool> {
        self.settings().strict_validate_path_type
    }

    /// Returns whether strict validation allows a character in an Exact or Prefix path (section 2.9). It allows a dot since
    /// 1.12.6 and 1.13.2.
    #[must_use]
    pub fn takes_in_strict_paths(&self, character: char) -> bool {
        let takes_dots = self.version.is_none_or(|version| {
            let since = if version < Version::new(1, 13, 0) { Version::new(1, 12, 6) } else { Version::new(1, 13, 2) };
            version >= since
        });
        character.is_ascii_alphanumeric() || "/-_".contains(character) || (character == '.' && takes_dots)
    }

    /// Returns whether HTTP redirects to HTTPS if the host has a certificate: the annotation takes precedence over the
    /// ConfigMap (section 5.5).
    #[must_use]
    pub fn redirects_to_https(&self, annotations: NginxAnnotations<'_>) -> bool {
        let by_default = self.settings().ssl_redirect == Some(true);
        annotations.redirects_to_https() && (by_default || annotations.asks_for_https())
    }

    /// Returns the effective settings: the configured ones, then those of the ConfigMap, then the defaults of the version.
    /// While the ConfigMap has not been read, the defaults of its keys are unknown.
    fn settings(&self) -> ControllerSettings {
        let defaults = ControllerSettings::defaults(self.version);
        match (&self.config_map, self.observed) {
            (None, _) => self.settings.or(defaults),
            (Some(_), Some(observed)) => self.settings.or(observed).or(defaults),
            (Some(_), None) => self.settings.or(defaults.flags()),
        }
    }

    /// Returns whether settings are unknown because the ConfigMap has not been read.
    #[must_use]
    pub fn settings_unknown(&self) -> bool {
        self.config_map.is_some() && self.observed.is_none()
    }

    /// Returns the ConfigMap in which settings were observed.
    #[must_use]
    pub fn observed_from(&self) -> Option<&Key> {
        self.config_map.as_ref().filter(|_| self.observed.is_some())
    }

    /// Returns whether the controller watches a namespace.
    #[must_use]
    pub fn watches(&self, namespace: &str) -> bool {
        self.watch_namespaces.is_empty() || self.watch_namespaces.iter().any(|watched| watched == namespace)
    }
}

/// The Ingresses to which a dialect applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialectMatch {
    /// Ingresses whose IngressClass has this `spec.controller`.
    Controller(String),
    /// Ingresses whose class has this name, with or without an IngressClass.
    Class(String),
}

/// One entry of `dialects`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialectRule {
    /// The Ingresses to which it applies.
    pub matches: DialectMatch,
    /// The settings of the controller.
    pub dialect: Dialect,
}

/// The dialects in order. The first one applies that matches and watches the Ingress' namespace: several controllers of one
/// name may each watch their own namespaces. If none watches it, the first one that matches applies.
#[derive(Debug, Clone)]
pub struct Dialects {
    rules: Vec<DialectRule>,
    /// The dialect of ingress-nginx, if no rule matches.
    built_in: Dialect,
    neutral: Dialect,
}

impl Dialects {
    /// Creates the dialects of the configured rules, then the built-in one for ingress-nginx.
    #[must_use]
    pub fn new(rules: Vec<DialectRule>) -> Self {
        Self {
            rules,
            built_in: Dialect::new(ControllerFamily::Nginx),
            neutral: Dialect::new(ControllerFamily::Neutral),
        }
    }

    /// Returns the dialect of a class, for Ingresses of a namespace.
    #[must_use]
    pub fn of_class(&self, name: &str, controller: &str, namespace: &str) -> &Dialect {
        let configured = self.find(namespace, |rule| match &rule.matches {
            DialectMatch::Controller(wanted) => wanted == controller,
            DialectMatch::Class(wanted) => wanted == name,
        });
        let otherwise = if controller == INGRESS_NGINX { &self.built_in } else { &self.neutral };
        configured.unwrap_or(otherwise)
    }

    /// Returns the dialect that is configured for a class name without an IngressClass (`--ingress-class-by-name`), for
    /// Ingresses of a namespace.
    #[must_use]
    pub fn of_name(&self, name: &str, namespace: &str) -> Option<&Dialect> {
        self.find(namespace, |rule| matches!(&rule.matches, DialectMatch::Class(wanted) if wanted == name))
    }

    /// Returns the dialect of a controller that handles this value of the class annotation without an IngressClass, for
    /// Ingresses of a namespace.
    #[must_use]
    pub fn of_annotation(&self, value: &str, namespace: &str) -> Option<&Dialect> {
        let takes = |dialect: &Dialect| dialect.family.reads_nginx_annotations() && dialect.annotation_class == value;
        let built_in = || Some(&self.built_in).filter(|dialect| takes(dialect));
        self.find(namespace, |rule| takes(&rule.dialect)).or_else(built_in)
    }

    /// Returns whether any dialect satisfies a condition.
    #[must_use]
    pub fn any(&self, is_so: impl Fn(&Dialect) -> bool) -> bool {
        self.rules.iter().any(|rule| is_so(&rule.dialect)) || is_so(&self.built_in)
    }

    /// Returns the ConfigMaps of the controllers, each once.
    #[must_use]
    pub fn config_maps(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.rules.iter().filter_map(|rule| rule.dialect.config_map.clone()).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// Returns the dialects with the settings currently observed in the controllers' ConfigMaps. If a ConfigMap does not
    /// exist, its controller keeps the last settings, which are unknown. Reads ConfigMaps.
    #[must_use]
    pub fn with_observed_settings(&self, view: &ClusterView<'_>) -> Cow<'_, Self> {
        let mut observed = Cow::Borrowed(self);
        for (index, rule) in self.rules.iter().enumerate() {
            let Some(key) = &rule.dialect.config_map else { continue };
            if let Some(config_map) = view.config_map(key).found() {
                observed.to_mut().rules[index].dialect.observed = Some(ControllerSettings::from_config_map(config_map));
            }
        }
        observed
    }

    /// Returns the dialect of Kubernetes' own rules.
    #[must_use]
    pub fn neutral(&self) -> &Dialect {
        &self.neutral
    }

    fn find(&self, namespace: &str, matches: impl Fn(&DialectRule) -> bool) -> Option<&Dialect> {
        let matching = || self.rules.iter().filter(|rule| matches(rule)).map(|rule| &rule.dialect);
        matching().find(|dialect| dialect.watches(namespace)).or_else(|| matching().next())
    }
}

impl Default for Dialects {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}
