//! The dialects with what is known of the running controllers: discovered workloads, then the settings of their ConfigMaps.

use std::borrow::Cow;
use std::sync::Arc;

use super::annotation_class::AnnotationClass;
use super::dialect::{ControllerFamily, Dialect, DialectMatch, DialectRule, Dialects, FamilySource};
use super::discovery::DiscoveryMode;
use super::instance::INGRESS_NGINX;
use super::known_values::is_ingress_nginx;
use super::settings::ControllerSettings;
use super::watched::WatchedNamespaces;
use crate::cluster::ClusterView;
use crate::model::{IngressClass, Kind};
use crate::routing::version::Version;

/// The controller of an IngressClass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedController {
    /// The IngressClass.
    pub class: String,
    /// Its `spec.controller`.
    pub controller: String,
    /// The version; `None`: unknown.
    pub version: Option<Version>,
}

/// The dialects of a configuration, and what is observed in one state of a cluster.
struct Observed {
    configured: Dialects,
    dialects: Arc<Dialects>,
}

impl Dialects {
    /// Returns the controller of each IngressClass. Reads what [`Dialects::with_observed_settings`] reads.
    #[must_use]
    pub fn observed_controllers(&self, view: &ClusterView<'_>) -> Vec<ObservedController> {
        let dialects = self.with_observed_settings(view);
        let known = |class: &IngressClass| {
            let (class, controller) = (class.meta.key.name.to_string(), class.controller.to_string());
            // No namespace in particular: the first controller of the class.
            let version = dialects.of_class(&class, &controller, "").version;
            ObservedController { class, controller, version }
        };
        view.classes().map(known).collect()
    }

    /// Returns the dialects with the versions, flags and settings currently observed in the cluster. Configured values take
    /// precedence. If a ConfigMap does not exist, its controller keeps the last settings, which are unknown. Reads ConfigMaps,
    /// IngressClasses, and the workloads and pods of controllers.
    #[must_use]
    pub fn with_observed_settings(&self, view: &ClusterView<'_>) -> Arc<Self> {
        // Without IngressClasses the controller of an Ingress is unknown. The view records that they are unavailable.
        let _ = view.sees(Kind::IngressClass);
        let derive =
            |view: &ClusterView<'_>| Observed { configured: self.clone(), dialects: Arc::new(self.observe(view)) };
        let is_current = |observed: &Arc<Observed>| {
            observed.configured == *self
                && !observed.dialects.config_maps().iter().any(|key| view.is_fetched(Kind::ConfigMap, key))
        };
        match view.of_controllers(derive).filter(is_current) {
            Some(observed) => Arc::clone(&observed.dialects),
            None => Arc::new(self.observe(view)),
        }
    }

    fn observe(&self, view: &ClusterView<'_>) -> Self {
        let mut observed = self.with_discovered(view).into_owned();
        for DialectRule { dialect, .. } in &mut observed.rules {
            dialect.watched.evaluate(view);
            if let Some(config_map) = dialect.config_map.as_ref().and_then(|key| view.config_map(key).found()) {
                dialect.observed = Some(ControllerSettings::from_config_map(config_map));
                dialect.extra_variables.extend(config_map.variables().map(str::to_owned));
            }
        }
        observed
    }

    /// Returns the dialects with those of the controllers that run in the cluster, and of the values of `spec.controller` that
    /// are known to be ingress-nginx.
    #[must_use]
    pub fn with_discovered(&self, view: &ClusterView<'_>) -> Cow<'_, Self> {
        let mut dialects = Cow::Borrowed(self);
        if self.discovery.mode == DiscoveryMode::Off {
            return dialects;
        }
        let found = self.discovery.find(view);
        let groups = found.groups();
        for group in &groups {
            let controller = group.controller_class;
            let configured = |rule: &DialectRule| match &rule.matches {
                DialectMatch::Controller(wanted) => wanted == controller,
                DialectMatch::Class(name) => view.class(name).found().is_some_and(|it| *it.controller == *controller),
            };
            let of_controller: Vec<usize> =
                (0..self.rules.len()).filter(|index| configured(&self.rules[*index])).collect();
            let is_only_group = groups.iter().filter(|it| it.controller_class == controller).count() == 1;
            match *of_controller {
                [] => {
                    let matches = DialectMatch::Controller(controller.to_owned());
                    let is_known = controller == INGRESS_NGINX || is_ingress_nginx(controller);
                    let family_source = if is_known { FamilySource::Value } else { FamilySource::Workloads };
                    let dialect = Dialect { family_source, ..group.dialect() };
                    dialects.to_mut().rules.push(DialectRule { matches, dialect });
                }
                [index] if is_only_group => dialects.to_mut().rules[index].dialect.complete(group.dialect()),
                // Several entries of the configuration describe the controllers of one name. They are not matched with those
                // that run.
                _ => {}
            }
        }
        for class in view.classes().filter(|class| is_ingress_nginx(&class.controller)) {
            let is_known = |rule: &DialectRule| rule.matches.is_controller(&class.controller);
            if !dialects.rules.iter().any(is_known) {
                let dialect =
                    Dialect { annotation_class: AnnotationClass::Unknown, ..Dialect::new(ControllerFamily::Nginx) };
                let matches = DialectMatch::Controller(class.controller.to_string());
                dialects.to_mut().rules.push(DialectRule { matches, dialect });
            }
        }
        dialects
    }
}

impl Dialect {
    /// Completes the configured values with those of the running controllers.
    fn complete(&mut self, running: Self) {
        if self.version.is_none() {
            (self.version, self.fork) = (running.version, running.fork);
        }
        if matches!(self.annotation_class, AnnotationClass::Default | AnnotationClass::Assumed) {
            self.annotation_class = running.annotation_class;
        }
        if self.watched == WatchedNamespaces::All {
            self.watched = running.watched;
        }
        if self.config_map.is_none() {
            self.config_map = running.config_map;
        }
        self.settings = std::mem::take(&mut self.settings).or(running.settings);
        self.default_certificate |= running.default_certificate;
        self.flags = running.flags;
        self.is_imitated |= running.is_imitated;
        self.reads_unknown_prefix = running.reads_unknown_prefix;
        self.settings_disagree = running.settings_disagree;
        self.workloads = running.workloads;
    }
}
