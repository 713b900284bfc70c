//! What is known of a controller, setting by setting, with the source of each value.

use super::annotation_class::AnnotationClass;
use super::dialect::Dialect;
use super::settings::ControllerSettings;
use super::watched::WatchedNamespaces;

/// One setting of a controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedSetting {
    /// The name of the flag or of the key of the ConfigMap.
    pub name: &'static str,
    /// The value; `None`: unknown.
    pub value: Option<String>,
    /// The source of the value.
    pub source: String,
}

/// The number of settings whose defaults depend on the version. Of the others, those that are set are described.
const WITH_DEFAULTS: usize = 7;
/// The source of a value that the configuration file sets.
const CONFIGURATION: &str = "configuration";

impl Dialect {
    /// Describes the version and every setting. `configured` is the same dialect before anything was observed in the cluster.
    #[must_use]
    pub fn described(&self, configured: &Self) -> Vec<DescribedSetting> {
        let sources: Vec<String> = self.workloads.iter().map(|(kind, key)| format!("{kind} {key}")).collect();
        let workloads = sources.join(", ");
        let running = || if workloads.is_empty() { "not discovered".to_owned() } else { workloads.clone() };
        let either = |is_configured: bool| if is_configured { CONFIGURATION.to_owned() } else { running() };
        let version = self.version.map(|version| {
            let fork = self.fork.as_ref().map_or_else(String::new, |fork| format!("-{fork}"));
            format!("{version}{fork}")
        });
        let row = |name, value: Option<String>, source| DescribedSetting { name, value, source };
        let classes = self.annotation_class.values().join(", ");
        let is_observed = !self.workloads.is_empty();
        let is_watch_known = is_observed || self.watched != WatchedNamespaces::All;
        let watched = Some(&self.watched).filter(|watched| is_watch_known && **watched != WatchedNamespaces::Unknown);
        let mut rows = vec![
            row("version", version, either(configured.version.is_some())),
            row(
                "ingress-class",
                Some(classes).filter(|classes| !classes.is_empty()),
                match &self.annotation_class {
                    AnnotationClass::Set(_) if self.annotation_class == configured.annotation_class => {
                        CONFIGURATION.to_owned()
                    }
                    AnnotationClass::Default => "default".to_owned(),
                    _ => running(),
                },
            ),
            row(
                "watch-namespace",
                watched.map(ToString::to_string),
                either(configured.watched != WatchedNamespaces::All),
            ),
            row(
                "configmap",
                self.config_map.as_ref().map(ToString::to_string),
                either(configured.config_map.is_some()),
            ),
        ];
        let effective = self.settings().entries();
        let observed = self.observed.clone().unwrap_or_default();
        let layers = (configured.settings.entries(), self.settings.entries(), observed.entries());
        for (at, (name, value)) in effective.into_iter().enumerate() {
            if at >= WITH_DEFAULTS && value.is_none() {
                continue;
            }
            let source = match () {
                () if layers.0[at].1.is_some() => CONFIGURATION.to_owned(),
                () if layers.1[at].1.is_some() => running(),
                () if layers.2[at].1.is_some() => {
                    self.config_map.as_ref().map_or_else(String::new, |key| format!("ConfigMap {key}"))
                }
                () if value.is_some() => "default".to_owned(),
                () if self.settings_disagree => "the running controllers differ, or a flag cannot be read".to_owned(),
                () if self.settings_unknown() => "the ConfigMap is not known".to_owned(),
                () => "the version is not known".to_owned(),
            };
            rows.push(row(name, value, source));
        }
        let flags = &self.flags;
        let switches = [
            ("watch-ingress-without-class", flags.watch_ingress_without_class),
            ("ingress-class-by-name", flags.ingress_class_by_name),
            ("enable-ssl-passthrough", flags.enable_ssl_passthrough),
            ("disable-catch-all", flags.disable_catch_all),
        ];
        let texts = [
            ("default-backend-service", &flags.default_backend_service),
            ("default-ssl-certificate", &flags.default_ssl_certificate),
            ("publish-service", &flags.publish_service),
        ];
        rows.extend(switches.map(|(name, value)| row(name, value.map(|on| on.to_string()), running())));
        let or_none = |text: &String| if text.is_empty() { "not set".to_owned() } else { text.clone() };
        rows.extend(texts.map(|(name, value)| row(name, value.as_ref().map(or_none), running())));
        rows
    }
}

impl ControllerSettings {
    /// Returns each setting with its value; `None`: not set, or unknown.
    fn entries(&self) -> [(&'static str, Option<String>); 20] {
        let switch = |on: Option<bool>| on.map(|on| on.to_string());
        let text = |value: &Option<Box<str>>| value.as_ref().map(ToString::to_string);
        [
            ("allow-snippet-annotations", switch(self.allow_snippet_annotations)),
            ("annotations-risk-level", self.annotations_risk_level.map(|risk| risk.to_string())),
            ("allow-cross-namespace-resources", switch(self.allow_cross_namespace_resources)),
            ("enable-annotation-validation", switch(self.enable_annotation_validation)),
            ("strict-validate-path-type", switch(self.strict_validate_path_type)),
            ("disable-svc-external-name", switch(self.disable_svc_external_name)),
            ("ssl-redirect", switch(self.ssl_redirect)),
            ("force-ssl-redirect", switch(self.force_ssl_redirect)),
            ("no-tls-redirect-locations", text(&self.no_tls_redirect_locations)),
            ("http-redirect-code", self.http_redirect_code.map(|code| code.to_string())),
            ("preserve-trailing-slash", switch(self.preserve_trailing_slash)),
            ("use-port-in-redirects", switch(self.use_port_in_redirects)),
            ("service-upstream", switch(self.service_upstream)),
            ("custom-http-errors", text(&self.custom_http_errors)),
            ("annotation-value-word-blocklist", text(&self.annotation_value_word_blocklist)),
            ("global-auth-url", text(&self.global_auth_url)),
            ("no-auth-locations", text(&self.no_auth_locations)),
            ("proxy-buffer-size", text(&self.proxy_buffer_size)),
            ("proxy-buffers-number", text(&self.proxy_buffers_number)),
            ("proxy-busy-buffers-size", text(&self.proxy_busy_buffers_size)),
        ]
    }
}
