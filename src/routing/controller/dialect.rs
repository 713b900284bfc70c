//! Dialects: a controller family with its version and settings. The controller of an Ingress' class selects the dialect, or
//! a configured class name does.

use super::annotation_class::AnnotationClass;
use super::discovery::Discovery;
use super::flags::ControllerFlags;
use super::instance::INGRESS_NGINX;
use super::settings::ControllerSettings;
use super::watched::WatchedNamespaces;
use crate::model::{Key, Kind};
use crate::routing::annotations::Risk;
use crate::routing::version::Version;

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
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Dialect {
    /// The family of controllers whose rules apply.
    pub family: ControllerFamily,
    /// The controller's version; `None`: unknown, and what depends on it does not deny.
    pub version: Option<Version>,
    /// The suffix that a fork adds to its version, e.g. `hardened1`; `None`: upstream, or unknown.
    pub fork: Option<Box<str>>,
    /// `--ingress-class`: the values of the class annotation that it handles.
    pub annotation_class: AnnotationClass,
    /// The namespaces whose Ingresses it handles.
    pub watched: WatchedNamespaces,
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
    /// The flags of the running controller that no configuration key sets.
    pub flags: ControllerFlags,
    /// The running controllers of the class have different settings, or some that are not known: defaults do not apply.
    pub settings_disagree: bool,
    /// `--annotations-prefix` is not known: it may read other annotations.
    pub reads_unknown_prefix: bool,
    /// An imitation of ingress-nginx handles the Ingresses, alone or beside it.
    pub is_imitated: bool,
    /// The workloads and pods that the version and the settings were read from.
    pub workloads: Vec<(Kind, Key)>,
    /// How the family is known.
    pub family_source: FamilySource,
}

/// How the family of a controller is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilySource {
    /// By the configuration or the value of `spec.controller`.
    Value,
    /// By the workloads that have this value as `--controller-class`.
    Workloads,
}

impl Dialect {
    /// Creates a dialect with every default of a family.
    #[must_use]
    pub fn new(family: ControllerFamily) -> Self {
        Self {
            family,
            version: None,
            fork: None,
            annotation_class: AnnotationClass::Assumed,
            watched: WatchedNamespaces::All,
            default_certificate: false,
            extra_variables: Vec::new(),
            settings: ControllerSettings::default(),
            config_map: None,
            observed: None,
            flags: ControllerFlags::default(),
            settings_disagree: false,
            reads_unknown_prefix: false,
            is_imitated: family == ControllerFamily::Traefik,
            workloads: Vec::new(),
            family_source: FamilySource::Value,
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

    /// Returns whether the controller escapes backslashes and quotes in paths; `None`: unknown. Before 1.13.7 and 1.14.3 it does
    /// not, and nginx reads `\\` in a path as `\` (section 2.8).
    #[must_use]
    pub fn escapes_paths(&self) -> Option<bool> {
        let last = Version::new(1, 14, 3);
        let since = |version: Version| if version < Version::new(1, 14, 0) { Version::new(1, 13, 7) } else { last };
        self.version.map(|version| version >= since(version))
    }

    /// Returns the effective settings: the configured ones, then those of the ConfigMap, then the defaults of the version.
    /// While the ConfigMap has not been read, the defaults of its keys are unknown.
    pub(super) fn settings(&self) -> ControllerSettings {
        let defaults = ControllerSettings::defaults(self.version);
        let configured = self.settings.clone();
        match (&self.config_map, &self.observed) {
            (_, observed) if self.settings_disagree => configured.or(observed.clone().unwrap_or_default()),
            (None, _) => configured.or(defaults),
            (Some(_), Some(observed)) => configured.or(observed.clone()).or(defaults),
            (Some(_), None) => configured.or(defaults.flags()),
        }
    }

    /// Returns whether settings are unknown because the ConfigMap has not been read.
    #[must_use]
    pub fn settings_unknown(&self) -> bool {
        self.settings_disagree || (self.config_map.is_some() && self.observed.is_none())
    }

    /// Returns the ConfigMap in which settings were observed.
    #[must_use]
    pub fn observed_from(&self) -> Option<&Key> {
        self.config_map.as_ref().filter(|_| self.observed.is_some())
    }

    /// Returns whether the controller watches a namespace; `None`: unknown.
    #[must_use]
    pub fn watches(&self, namespace: &str) -> Option<bool> {
        self.watched.contain(namespace)
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

impl DialectMatch {
    /// Returns whether it selects the Ingresses of this `spec.controller`.
    #[must_use]
    pub fn is_controller(&self, controller: &str) -> bool {
        matches!(self, Self::Controller(wanted) if wanted == controller)
    }
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
/// name may each watch their own namespaces. If none certainly watches it, the first one that may watch it applies, then the
/// first one that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialects {
    pub(super) rules: Vec<DialectRule>,
    /// How running controllers are discovered.
    pub discovery: Discovery,
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
            discovery: Discovery::default(),
            built_in: Dialect::new(ControllerFamily::Nginx),
            neutral: Dialect::new(ControllerFamily::Neutral),
        }
    }

    /// Sets how running controllers are discovered.
    #[must_use]
    pub fn with_discovery(self, discovery: Discovery) -> Self {
        Self { discovery, ..self }
    }

    /// Assumes that an ingress-nginx runs, of this version if it is known. Configured entries keep their versions.
    pub fn assume_ingress_nginx(&mut self, version: Option<Version>) {
        let is_it = |rule: &DialectRule| rule.matches.is_controller(INGRESS_NGINX);
        if !self.rules.iter().any(is_it) {
            let matches = DialectMatch::Controller(INGRESS_NGINX.to_owned());
            let dialect =
                Dialect { annotation_class: AnnotationClass::Default, ..Dialect::new(ControllerFamily::Nginx) };
            self.rules.push(DialectRule { matches, dialect });
        }
        for rule in self.rules.iter_mut().filter(|rule| is_it(rule)) {
            rule.dialect.version = rule.dialect.version.or(version);
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
        let by_flag = |dialect: &Dialect| {
            dialect.flags.ingress_class_by_name == Some(true) && dialect.annotation_class.includes(name)
        };
        self.find(namespace, |rule| match &rule.matches {
            DialectMatch::Class(wanted) => wanted == name,
            DialectMatch::Controller(_) => by_flag(&rule.dialect),
        })
    }

    /// Returns the dialect of a controller that certainly handles the Ingresses of a namespace without a class.
    #[must_use]
    pub fn of_classless(&self, namespace: &str) -> Option<&Dialect> {
        let serves = |dialect: &Dialect| dialect.flags.watch_ingress_without_class == Some(true);
        self.find(namespace, |rule| serves(&rule.dialect)).filter(|dialect| dialect.watches(namespace) == Some(true))
    }

    /// Returns the dialect of a controller that handles this value of the class annotation without an IngressClass, for
    /// Ingresses of a namespace.
    #[must_use]
    pub fn of_annotation(&self, value: &str, namespace: &str) -> Option<&Dialect> {
        let takes =
            |dialect: &Dialect| dialect.family.reads_nginx_annotations() && dialect.annotation_class.includes(value);
        let is_replaced = || self.rules.iter().any(|rule| rule.matches.is_controller(INGRESS_NGINX));
        let built_in = || Some(&self.built_in).filter(|dialect| takes(dialect) && !is_replaced());
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

    /// Returns the dialect of Kubernetes' own rules.
    #[must_use]
    pub fn neutral(&self) -> &Dialect {
        &self.neutral
    }

    fn find(&self, namespace: &str, matches: impl Fn(&DialectRule) -> bool) -> Option<&Dialect> {
        let matching = || self.rules.iter().filter(|rule| matches(rule)).map(|rule| &rule.dialect);
        let with = |watches| matching().find(|dialect| dialect.watches(namespace) == watches);
        with(Some(true)).or_else(|| with(None)).or_else(|| with(Some(false)))
    }
}

impl Default for Dialects {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}
