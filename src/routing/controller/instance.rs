//! One running controller: the release of its image, and its flags with the defaults of ingress-nginx.

use super::flags::ControllerFlags;
use super::release::Release;
use super::settings::ControllerSettings;
use super::watched::WatchedNamespaces;
use crate::model::{ControllerProcess, ControllerProgram, Key, Kind};
use crate::routing::annotations::go_bool;

/// `--controller-class` of ingress-nginx if it is not set, and of Traefik's provider.
pub(super) const INGRESS_NGINX: &str = "k8s.io/ingress-nginx";
/// `--ingress-class` if it is not set.
pub(super) const DEFAULT_CLASS: &str = "nginx";
/// `--annotations-prefix` if it is not set.
const DEFAULT_PREFIX: &str = "nginx.ingress.kubernetes.io";

/// One running controller, as a workload or a pod describes it. `None` in a field: its value is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The workload or pod.
    pub source: (Kind, Key),
    /// The program.
    pub program: ControllerProgram,
    /// The image.
    pub image: Box<str>,
    /// The release of ingress-nginx; also `None` for Traefik, whose versions are its own.
    pub release: Option<Release>,
    /// `--controller-class`
    pub controller_class: Option<String>,
    /// `--ingress-class`
    pub annotation_class: Option<String>,
    /// The namespaces whose Ingresses it handles.
    pub watched: WatchedNamespaces,
    /// `--configmap`; `Some(None)`: the controller reads none.
    pub config_map: Option<Option<Key>>,
    /// The settings that are flags; a field that is not set has the default of the version.
    pub settings: ControllerSettings,
    /// The other flags.
    pub flags: ControllerFlags,
    /// `--annotations-prefix` is that of ingress-nginx.
    pub reads_own_prefix: Option<bool>,
    /// Some flag has a value that is not known.
    pub is_unclear: bool,
}

impl Instance {
    /// Creates a controller of which only `--controller-class` is known. What decides whether it handles an Ingress has its default.
    pub(super) fn hidden(controller_class: &str, source: (Kind, Key)) -> Self {
        Self {
            source,
            program: ControllerProgram::Nginx,
            image: Box::default(),
            release: None,
            controller_class: Some(controller_class.to_owned()),
            annotation_class: None,
            watched: WatchedNamespaces::All,
            config_map: None,
            settings: ControllerSettings::default(),
            flags: ControllerFlags::default(),
            reads_own_prefix: Some(true),
            is_unclear: true,
        }
    }

    /// Reads the process of a container in this workload or pod.
    #[must_use]
    pub fn of(process: &ControllerProcess, source: (Kind, Key)) -> Self {
        let mut is_unclear = false;
        let mut read = |name: &str| {
            let value = process.flag(name, &source.1.namespace);
            is_unclear |= value.is_none();
            value.map(|value| value.filter(|value| !value.is_empty()))
        };
        let is_nginx = process.program == ControllerProgram::Nginx;
        let or = |value: Option<Option<String>>, default: &str| value.map(|set| set.unwrap_or_else(|| default.into()));
        let controller_class = or(read("controller-class"), INGRESS_NGINX);
        let annotation_class = or(read("ingress-class"), DEFAULT_CLASS);
        let watch_namespace = read("watch-namespace").map(Option::unwrap_or_default);
        let config_map = match read("configmap") {
            None => None,
            Some(None) => Some(None),
            Some(Some(text)) => text.split_once('/').map(|(namespace, name)| Some(Key::new(namespace, name))),
        };
        let prefix = or(read("annotations-prefix"), DEFAULT_PREFIX);
        let service = |value: Option<Option<String>>| value.map(Option::unwrap_or_default);
        let default_backend_service = service(read("default-backend-service"));
        let publish_service = service(read("publish-service"));
        let default_ssl_certificate = service(read("default-ssl-certificate"));
        let watch_namespace_selector = service(read("watch-namespace-selector"));
        // A switch that Go cannot parse keeps the program from starting.
        let mut switch = |name: &str| read(name).map(|value| value.and_then(|value| go_bool(&value)));
        let is_on = |value: Option<Option<bool>>| value.map(Option::unwrap_or_default);
        let settings = ControllerSettings {
            enable_annotation_validation: switch("enable-annotation-validation").flatten(),
            disable_svc_external_name: switch("disable-svc-external-name").flatten(),
            ..ControllerSettings::default()
        };
        let flags = ControllerFlags {
            watch_ingress_without_class: is_on(switch("watch-ingress-without-class")),
            ingress_class_by_name: is_on(switch("ingress-class-by-name")),
            enable_ssl_passthrough: is_on(switch("enable-ssl-passthrough")),
            disable_catch_all: is_on(switch("disable-catch-all")),
            default_backend_service,
            publish_service,
            default_ssl_certificate,
        };
        Self {
            source,
            program: process.program,
            release: Release::of_image(&process.image).filter(|_| is_nginx),
            image: process.image.clone(),
            controller_class,
            annotation_class,
            watched: WatchedNamespaces::of_flags(watch_namespace.as_deref(), watch_namespace_selector.as_deref()),
            config_map,
            settings,
            flags,
            reads_own_prefix: prefix.map(|prefix| prefix == DEFAULT_PREFIX),
            is_unclear,
        }
    }
}
