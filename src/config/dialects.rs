//! Controller dialects and discovery.

use super::error::ConfigFault;
use super::raw::{RawDialect, RawDiscovery};
use crate::model::{Key, Kind, LabelSelector};
use crate::routing::{AnnotationClass, Dialect, DialectMatch, DialectRule, Discovery, WatchedNamespaces};

pub(super) fn discovery(raw: RawDiscovery) -> Result<Discovery, ConfigFault> {
    let RawDiscovery { mode, namespaces, selector } = raw;
    if selector.as_deref().is_some_and(|text| text.trim().is_empty() || LabelSelector::parse(text).is_none()) {
        let message = "not a label selector; use the form \"app.kubernetes.io/name=ingress-nginx\"".to_owned();
        return Err(ConfigFault { key: "discovery.selector".to_owned(), message });
    }
    Ok(Discovery { mode, namespaces, selector })
}

pub(super) fn dialect(index: usize, raw: RawDialect) -> Result<DialectRule, ConfigFault> {
    let fault = |field: &str, message: &str| ConfigFault {
        key: format!("dialects[{index}].{field}"),
        message: message.to_owned(),
    };
    let matches = match (raw.matches.controller, raw.matches.class) {
        (Some(controller), None) => DialectMatch::Controller(controller),
        (None, Some(class)) => DialectMatch::Class(class),
        _ => return Err(fault("match", "set either controller or class")),
    };
    let version = match raw.version.as_str() {
        "unknown" => None,
        version => {
            let wrong = |_| fault("version", "not a version; use the form \"1.15.1\", or \"unknown\"");
            Some(version.parse().map_err(wrong)?)
        }
    };
    let config_map = raw.config_map.map(|text| {
        let key = text.split_once('/').map(|(namespace, name)| Key::new(namespace, name));
        key.filter(|key| key.can_name(Kind::ConfigMap))
            .ok_or_else(|| fault("configMap", "not the name of a ConfigMap; use the form \"namespace/name\""))
    });
    let annotation_class = match (raw.annotation_class, &matches) {
        (Some(class), _) => AnnotationClass::Set(vec![class]),
        (None, DialectMatch::Controller(_)) => AnnotationClass::Default,
        // A class that is matched by name probably has its own annotation value.
        (None, DialectMatch::Class(_)) => AnnotationClass::Assumed,
    };
    let dialect = Dialect {
        version,
        config_map: config_map.transpose()?,
        annotation_class,
        watched: WatchedNamespaces::of_names(raw.watch_namespaces),
        default_certificate: raw.default_certificate,
        extra_variables: raw.extra_variables,
        settings: raw.settings,
        ..Dialect::new(raw.engine)
    };
    Ok(DialectRule { matches, dialect })
}
