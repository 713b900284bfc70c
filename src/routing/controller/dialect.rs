//! Whose rules hold for an Ingress: a dialect is chosen by the class's controller or, where configured, by its name.

use std::borrow::Cow;

use super::settings::ControllerSettings;
use crate::cluster::ClusterView;
use crate::model::Key;
use crate::routing::annotations::NginxAnnotations;
use crate::routing::annotations::Risk;
use crate::routing::version::Version;

/// The `spec.controller` of ingress-nginx where its `--controller-class` says nothing else.
const INGRESS_NGINX: &str = "k8s.io/ingress-nginx";

/// The family of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ControllerFamily {
    /// ingress-nginx and its forks: nginx annotations, and a rendered configuration that one Ingress can break.
    Nginx,
    /// Traefik's ingress-nginx provider: the same annotations, no configuration to break.
    Traefik,
    /// Kubernetes' own rules.
    Neutral,
}

impl ControllerFamily {
    /// Whether `nginx.ingress.kubernetes.io/` annotations mean anything.
    #[must_use]
    pub const fn reads_nginx_annotations(self) -> bool {
        matches!(self, Self::Nginx | Self::Traefik)
    }
}

/// How one controller is set up, as far as its answers depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// The family of rules.
    pub family: ControllerFamily,
    /// The controller's version; `None`: unknown, and what depends on it does not deny.
    pub version: Option<Version>,
    /// `--ingress-class`: the annotation value that it takes.
    pub annotation_class: String,
    /// `--watch-namespace`; empty: all.
    pub watch_namespaces: Vec<String>,
    /// `--default-ssl-certificate` is set: there is no "fake certificate".
    pub default_certificate: bool,
    /// nginx variables beyond those of nginx and the controller's template.
    pub extra_variables: Vec<String>,
    /// What configuration says of its flags and its ConfigMap; ask [`Dialect::validates_annotations`] and the like, which
    /// know the rest.
    pub settings: ControllerSettings,
    /// Its ConfigMap, where that is read.
    pub config_map: Option<Key>,
    /// What that says; `None`: it has not been read.
    pub observed: Option<ControllerSettings>,
}

impl Dialect {
    /// Every default of a family.
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

    /// Whether values of annotations are validated; `None`: nobody can know.
    #[must_use]
    pub fn validates_annotations(&self) -> Option<bool> {
        self.settings().enable_annotation_validation
    }

    /// Whether snippets are taken; `None`: nobody can know.
    #[must_use]
    pub fn allows_snippets(&self) -> Option<bool> {
        self.settings().allow_snippet_annotations
    }

    /// The most dangerous annotations that are taken; `None`: nobody can know.
    #[must_use]
    pub fn risk_level(&self) -> Option<Risk> {
        self.settings().annotations_risk_level
    }

    /// Whether annotations may name objects of other namespaces; `None`: nobody can know.
    #[must_use]
    pub fn crosses_namespaces(&self) -> Option<bool> {
        self.settings().allow_cross_namespace_resources
    }

    /// Whether Services of type ExternalName have no endpoints (section 4.4).
    #[must_use]
    pub fn refuses_external_names(&self) -> bool {
        self.settings().disable_svc_external_name == Some(true)
    }

    /// Whether Exact and Prefix paths with special characters are refused (section 2.9); `None`: nobody can know.
    #[must_use]
    pub fn is_strict_about_path_types(&self) -> Option<bool> {
        self.settings().strict_validate_path_type
    }

    /// Whether a character may stand in an Exact or Prefix path where that is looked at (section 2.9). A dot may since
    /// 1.12.6 and 1.13.2.
    #[must_use]
    pub fn takes_in_strict_paths(&self, character: char) -> bool {
        let takes_dots = self.version.is_none_or(|version| {
            let since = if version < Version::new(1, 13, 0) { Version::new(1, 12, 6) } else { Version::new(1, 13, 2) };
            version >= since
        });
        character.is_ascii_alphanumeric() || "/-_".contains(character) || (character == '.' && takes_dots)
    }

    /// Whether HTTP is redirected to HTTPS where the host has a certificate: the annotation goes before the ConfigMap
    /// (section 5.5).
    #[must_use]
    pub fn redirects_to_https(&self, annotations: NginxAnnotations<'_>) -> bool {
        let by_default = self.settings().ssl_redirect == Some(true);
        annotations.redirects_to_https() && (by_default || annotations.asks_for_https())
    }

    /// What configuration says goes before the ConfigMap, and that before the version's defaults. While a ConfigMap
    /// that has not been read may say otherwise, they are not known.
    fn settings(&self) -> ControllerSettings {
        let defaults = ControllerSettings::defaults(self.version);
        match (&self.config_map, self.observed) {
            (None, _) => self.settings.or(defaults),
            (Some(_), Some(observed)) => self.settings.or(observed).or(defaults),
            (Some(_), None) => self.settings.or(defaults.flags()),
        }
    }

    /// A ConfigMap that has not been read may say otherwise than the defaults: what is not known then is nobody's fault.
    #[must_use]
    pub fn settings_unknown(&self) -> bool {
        self.config_map.is_some() && self.observed.is_none()
    }

    /// The ConfigMap that settings were read from.
    #[must_use]
    pub fn observed_from(&self) -> Option<&Key> {
        self.config_map.as_ref().filter(|_| self.observed.is_some())
    }

    /// Whether the controller looks at a namespace.
    #[must_use]
    pub fn watches(&self, namespace: &str) -> bool {
        self.watch_namespaces.is_empty() || self.watch_namespaces.iter().any(|watched| watched == namespace)
    }
}

/// Which Ingresses a dialect is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialectMatch {
    /// Those whose IngressClass has this `spec.controller`.
    Controller(String),
    /// Those whose class has this name, IngressClass object or not.
    Class(String),
}

/// One entry of `dialects`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialectRule {
    /// Which Ingresses it is for.
    pub matches: DialectMatch,
    /// How the controller is set up.
    pub dialect: Dialect,
}

/// Every dialect in order. The first that matches and watches the Ingress' namespace holds: of several controllers of one
/// name each may look at its own namespaces. Where none watches it, the first that matches does.
#[derive(Debug, Clone)]
pub struct Dialects {
    rules: Vec<DialectRule>,
    /// Of ingress-nginx, where no rule matches.
    built_in: Dialect,
    neutral: Dialect,
}

impl Dialects {
    /// The configured rules, then the built-in one for ingress-nginx.
    #[must_use]
    pub fn new(rules: Vec<DialectRule>) -> Self {
        Self {
            rules,
            built_in: Dialect::new(ControllerFamily::Nginx),
            neutral: Dialect::new(ControllerFamily::Neutral),
        }
    }

    /// The dialect of a class, for Ingresses of a namespace.
    #[must_use]
    pub fn of_class(&self, name: &str, controller: &str, namespace: &str) -> &Dialect {
        let configured = self.find(namespace, |rule| match &rule.matches {
            DialectMatch::Controller(wanted) => wanted == controller,
            DialectMatch::Class(wanted) => wanted == name,
        });
        let otherwise = if controller == INGRESS_NGINX { &self.built_in } else { &self.neutral };
        configured.unwrap_or(otherwise)
    }

    /// The dialect configured for a class name that has no IngressClass object (`--ingress-class-by-name`), for Ingresses
    /// of a namespace.
    #[must_use]
    pub fn of_name(&self, name: &str, namespace: &str) -> Option<&Dialect> {
        self.find(namespace, |rule| matches!(&rule.matches, DialectMatch::Class(wanted) if wanted == name))
    }

    /// The dialect that takes this value of the class annotation without any IngressClass object, for Ingresses of a
    /// namespace.
    #[must_use]
    pub fn of_annotation(&self, value: &str, namespace: &str) -> Option<&Dialect> {
        let takes = |dialect: &Dialect| dialect.family.reads_nginx_annotations() && dialect.annotation_class == value;
        let built_in = || Some(&self.built_in).filter(|dialect| takes(dialect));
        self.find(namespace, |rule| takes(&rule.dialect)).or_else(built_in)
    }

    /// Whether some dialect is so.
    #[must_use]
    pub fn any(&self, is_so: impl Fn(&Dialect) -> bool) -> bool {
        self.rules.iter().any(|rule| is_so(&rule.dialect)) || is_so(&self.built_in)
    }

    /// The ConfigMaps that say how controllers are set up, each once.
    #[must_use]
    pub fn config_maps(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.rules.iter().filter_map(|rule| rule.dialect.config_map.clone()).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// These, with what the controllers' ConfigMaps say now. A ConfigMap that is not there says nothing: its controller
    /// goes on with what it was last told. Reads ConfigMaps.
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

    /// Kubernetes' own rules.
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
