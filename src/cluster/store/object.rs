//! An object of any kind in the inventory, and its parsers.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::{
    ApiCaller, CertManagerCertificate, ConfigMap, EndpointSlice, Ingress, IngressClass, Key, Kind, Namespace, Node,
    Pod, Secret, Service, Workload, Written,
};

/// An object of any kind in the inventory.
#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    /// A webhook configuration or APIService, of this kind.
    ApiCaller(Kind, ApiCaller),
    /// A Certificate of cert-manager.
    Certificate(CertManagerCertificate),
    /// A ConfigMap, reduced to what checks read.
    ConfigMap(ConfigMap),
    /// An EndpointSlice, reduced to counts.
    EndpointSlice(EndpointSlice),
    /// An Ingress.
    Ingress(Box<Ingress>),
    /// An IngressClass.
    IngressClass(IngressClass),
    /// A Namespace.
    Namespace(Namespace),
    /// A Node.
    Node(Node),
    /// A Pod.
    Pod(Pod),
    /// A Secret, reduced to metadata.
    Secret(Secret),
    /// A Service.
    Service(Service),
    /// A workload, of this kind.
    Workload(Kind, Workload),
}

/// A text that can be parsed as any type.
pub(crate) trait Source {
    type Error: serde::de::Error;
    fn read<T: DeserializeOwned>(self) -> Result<T, Self::Error>;
}

impl Source for Value {
    type Error = serde_json::Error;
    fn read<T: DeserializeOwned>(self) -> Result<T, Self::Error> {
        serde_json::from_value(self)
    }
}

impl Source for &RawValue {
    type Error = serde_json::Error;
    fn read<T: DeserializeOwned>(self) -> Result<T, Self::Error> {
        serde_json::from_str(self.get())
    }
}

impl Object {
    pub(crate) fn read<S: Source>(kind: Kind, source: S) -> Result<Self, S::Error> {
        Ok(match kind {
            Kind::ApiService | Kind::MutatingWebhookConfiguration | Kind::ValidatingWebhookConfiguration => {
                Self::ApiCaller(kind, source.read()?)
            }
            Kind::Certificate => Self::Certificate(source.read()?),
            Kind::ConfigMap => Self::ConfigMap(source.read()?),
            Kind::DaemonSet | Kind::Deployment | Kind::StatefulSet => Self::Workload(kind, source.read()?),
            Kind::EndpointSlice => Self::EndpointSlice(source.read()?),
            Kind::Ingress => Self::Ingress(Box::new(source.read()?)),
            Kind::IngressClass => Self::IngressClass(source.read()?),
            Kind::Namespace => Self::Namespace(source.read()?),
            Kind::Node => Self::Node(source.read()?),
            Kind::Pod => Self::Pod(source.read()?),
            Kind::Secret => Self::Secret(source.read()?),
            Kind::Service => Self::Service(source.read()?),
        })
    }

    /// Marks an Ingress as a manifest that is to be applied, and that replaces a stored one if there is one.
    pub fn set_written(&mut self, value: Option<Arc<Value>>, replaces: Option<&Ingress>) {
        if let (Self::Ingress(ingress), Some(value)) = (self, value) {
            ingress.written = Some(Arc::new(Written { value, replaces: replaces.cloned().map(Box::new) }));
        }
    }

    /// Returns the webhook configuration or APIService, if it is one.
    #[must_use]
    pub fn api_caller(&self) -> Option<&ApiCaller> {
        if let Self::ApiCaller(_, caller) = self { Some(caller) } else { None }
    }

    /// Returns the IngressClass, if it is one.
    #[must_use]
    pub fn class(&self) -> Option<&IngressClass> {
        if let Self::IngressClass(class) = self { Some(class) } else { None }
    }

    /// Returns the ConfigMap, if it is one.
    #[must_use]
    pub fn config_map(&self) -> Option<&ConfigMap> {
        if let Self::ConfigMap(config_map) = self { Some(config_map) } else { None }
    }

    /// Returns the Namespace, if it is one.
    #[must_use]
    pub fn namespace(&self) -> Option<&Namespace> {
        if let Self::Namespace(namespace) = self { Some(namespace) } else { None }
    }

    /// Returns the Secret, if it is one.
    #[must_use]
    pub fn secret(&self) -> Option<&Secret> {
        if let Self::Secret(secret) = self { Some(secret) } else { None }
    }

    /// Returns the Ingress, if it is one.
    #[must_use]
    pub fn ingress(&self) -> Option<&Ingress> {
        if let Self::Ingress(ingress) = self { Some(ingress) } else { None }
    }

    /// Returns the Service, if it is one.
    #[must_use]
    pub fn service(&self) -> Option<&Service> {
        if let Self::Service(service) = self { Some(service) } else { None }
    }

    /// Returns the workload, if it is one.
    #[must_use]
    pub fn workload(&self) -> Option<&Workload> {
        if let Self::Workload(_, workload) = self { Some(workload) } else { None }
    }

    /// Returns the pod, if it is one.
    #[must_use]
    pub fn pod(&self) -> Option<&Pod> {
        if let Self::Pod(pod) = self { Some(pod) } else { None }
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::ApiCaller(kind, _) | Self::Workload(kind, _) => *kind,
            Self::Certificate(_) => Kind::Certificate,
            Self::ConfigMap(_) => Kind::ConfigMap,
            Self::EndpointSlice(_) => Kind::EndpointSlice,
            Self::Ingress(_) => Kind::Ingress,
            Self::IngressClass(_) => Kind::IngressClass,
            Self::Namespace(_) => Kind::Namespace,
            Self::Node(_) => Kind::Node,
            Self::Pod(_) => Kind::Pod,
            Self::Secret(_) => Kind::Secret,
            Self::Service(_) => Kind::Service,
        }
    }

    /// Returns namespace and name.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::ApiCaller(_, caller) => caller.key.clone(),
            Self::Certificate(certificate) => certificate.key.clone(),
            Self::ConfigMap(config_map) => config_map.key.clone(),
            Self::EndpointSlice(slice) => slice.key.clone(),
            Self::Ingress(ingress) => ingress.meta.key.clone(),
            Self::IngressClass(class) => class.meta.key.clone(),
            Self::Namespace(namespace) => Key { namespace: Box::default(), name: namespace.name.clone() },
            Self::Node(node) => Key { namespace: Box::default(), name: node.name.clone() },
            Self::Pod(pod) => pod.key.clone(),
            Self::Secret(secret) => secret.meta.key.clone(),
            Self::Service(service) => service.meta.key.clone(),
            Self::Workload(_, workload) => workload.key.clone(),
        }
    }

    /// Names an Ingress without a name by its `metadata.generateName`: `web-*`. The API server completes it.
    pub(crate) fn default_name(&mut self, written: &Value) {
        let Self::Ingress(ingress) = self else { return };
        let generated =
            written.get("metadata").and_then(|metadata| metadata.get("generateName")).and_then(Value::as_str);
        if let Some(generated) = generated.filter(|_| ingress.meta.key.name.is_empty()) {
            ingress.meta.key.name = format!("{generated}*").into();
        }
    }

    /// Adds a number to a name that the API server completes: `web-*2`.
    pub(crate) fn number_name(&mut self, number: usize) {
        if let Self::Ingress(ingress) = self {
            ingress.meta.key.name = format!("{}{number}", ingress.meta.key.name).into();
        }
    }

    /// Sets the namespace of an object without one; returns whether it had one, or has none by its kind.
    pub(crate) fn default_namespace(&mut self, default: &str) -> bool {
        let namespace = match self {
            Self::Certificate(certificate) => &mut certificate.key.namespace,
            Self::ConfigMap(config_map) => &mut config_map.key.namespace,
            Self::EndpointSlice(slice) => &mut slice.key.namespace,
            Self::Ingress(ingress) => &mut ingress.meta.key.namespace,
            Self::Pod(pod) => &mut pod.key.namespace,
            Self::Secret(secret) => &mut secret.meta.key.namespace,
            Self::Service(service) => &mut service.meta.key.namespace,
            Self::Workload(_, workload) => &mut workload.key.namespace,
            Self::ApiCaller(..) | Self::IngressClass(_) | Self::Namespace(_) | Self::Node(_) => return true,
        };
        let has_namespace = !namespace.is_empty();
        if !has_namespace {
            *namespace = default.into();
        }
        has_namespace
    }
}
