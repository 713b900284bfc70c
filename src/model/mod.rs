//! Kubernetes objects, parsed once into the types that checks read. No I/O, no cluster state, no policy.
//!
//! Each kind deserialises from the API server's JSON or from a manifest as leniently as Go's decoder (unknown fields are
//! ignored, `null` is the zero value), and keeps only the fields that some check reads.

mod acme;
mod annotation;
mod api_caller;
mod cert_manager;
mod config_map;
mod controller_process;
mod defined_variables;
mod endpoint_slice;
mod field;
mod fingerprint;
mod host;
mod ingress;
mod ingress_class;
mod ingress_json;
mod key_text;
mod kind;
mod label_selector;
mod labels;
mod lax;
mod managed_fields;
mod meta;
mod namespace;
mod node;
pub mod placeholder;
mod pod;
mod pod_template;
mod raw;
mod secret;
mod service;
mod size;
pub mod suggest;
mod trust;
mod waiver;
mod workload;
mod x509;

pub use annotation::{
    Annotations, CLASS_ANNOTATION, DOCTOR_ANNOTATION, NGINX_PREFIX, PROBE_ANNOTATION, WAIVER_ANNOTATION, is_class_key,
    is_doctor_token, is_relevant,
};
pub use api_caller::{
    ApiCaller, CHART_LABEL, CalledService, IngressWebhook, REVIEW_PATH, injects_ca, is_condition_of_chart,
};
pub use cert_manager::CertManagerCertificate;
pub use config_map::ConfigMap;
pub use controller_process::{ControllerProcess, ControllerProgram, EnvironmentValue};
pub use defined_variables::snippet_without_values;
pub use endpoint_slice::{AddressType, EndpointSlice, SlicePort};
pub use field::{FieldPath, Segment};
pub use host::Host;
pub use ingress::{Backend, BackendRef, ClassRef, Ingress, Path, PathRef, PathType, Rule, RuleRef, TlsEntry, Written};
pub use ingress_class::IngressClass;
pub use kind::{Kind, Kinds};
pub use label_selector::LabelSelector;
pub use labels::Labels;
pub use meta::{Key, Meta};
pub use namespace::Namespace;
pub use node::Node;
pub use pod::{Pod, PodState};
pub use pod_template::{ContainerPort, PodTemplate};
pub use raw::{IngressHead, RawIngress};
pub use secret::{KeyFit, Secret, TlsFacts, TlsFault};
pub use service::{PortRef, Protocol, Service, ServicePort, ServiceType, TargetPort};
pub use trust::{Distrust, TrustBundle};
pub use waiver::{MOST_WAIVERS, Waiver, WaiverError, has_more_waivers, parse_waivers};
pub use workload::{Rollout, Workload};
pub use x509::Certificate;
