//! The configuration of discovery, and the places of controllers that follow from it and from the IngressClasses.

use std::collections::BTreeSet;

use super::known::KnownController;
use super::known_values::{managed_place, may_be_ingress_nginx};
use crate::cluster::ControllerPlace;
use crate::model::{IngressClass, Key, Kind};

/// The most namespaces that count because an IngressClass names them.
const MOST_OF_CLASSES: usize = 8;

/// The sources of what is known about controllers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DiscoveryMode {
    /// The configuration only.
    Off,
    /// Also the values of `spec.controller` that are known to belong to ingress-nginx.
    Classes,
    /// Also the workloads and pods of controllers: image and flags.
    #[default]
    Workloads,
}

/// How controllers are discovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The sources.
    pub mode: DiscoveryMode,
    /// The namespaces whose workloads count. A tenant can create a workload that looks like a controller in a namespace of its own.
    pub namespaces: Vec<String>,
    /// The label selector of the workloads and pods that are watched; `None`: the labels of the known controllers.
    pub selector: Option<String>,
}

impl Default for Discovery {
    fn default() -> Self {
        let namespaces = ["ingress-nginx", "kube-system"].map(str::to_owned).into();
        Self { mode: DiscoveryMode::default(), namespaces, selector: None }
    }
}

impl Discovery {
    /// Returns the places of the configured namespaces.
    #[must_use]
    pub fn places(&self) -> Vec<ControllerPlace> {
        if self.mode != DiscoveryMode::Workloads {
            return Vec::new();
        }
        self.namespaces.iter().map(|namespace| self.place(namespace)).collect()
    }

    /// Returns the places that IngressClasses name: the namespaces of Helm releases and of managed controllers. Only administrators
    /// of the cluster write IngressClasses.
    #[must_use]
    pub fn places_of_classes<'c>(&self, classes: impl IntoIterator<Item = &'c IngressClass>) -> Vec<ControllerPlace> {
        if self.mode != DiscoveryMode::Workloads {
            return Vec::new();
        }
        let mut places = BTreeSet::new();
        for class in classes {
            places.extend(self.place_of_class(class).filter(|place| !self.namespaces.contains(&place.namespace)));
        }
        places.into_iter().take(MOST_OF_CLASSES).collect()
    }

    /// Returns the place that an IngressClass names, if its controller may read the annotations of ingress-nginx.
    pub(super) fn place_of_class(&self, class: &IngressClass) -> Option<ControllerPlace> {
        if let Some((namespace, labels)) = managed_place(&class.controller) {
            return Some(ControllerPlace { namespace: namespace.to_owned(), labels: labels.to_owned() });
        }
        let release = class.release_namespace.as_deref().filter(|name| Key::new("", name).can_name(Kind::Namespace));
        release.filter(|_| may_be_ingress_nginx(&class.controller)).map(|namespace| self.place(namespace))
    }

    fn place(&self, namespace: &str) -> ControllerPlace {
        let by_name = || {
            let names: Vec<&str> = KnownController::workload_names().collect();
            format!("app.kubernetes.io/name in ({})", names.join(","))
        };
        ControllerPlace { namespace: namespace.to_owned(), labels: self.selector.clone().unwrap_or_else(by_name) }
    }
}
