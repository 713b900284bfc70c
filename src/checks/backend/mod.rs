//! IG2xx: backends, from the Service to its endpoints.

mod backend_exposes_admission_webhook;
mod backend_protocol_missing;
mod default_backend_ignored;
mod default_backend_without_host;
mod endpoint_slice_unseen;
mod external_name_unusable;
mod pods_without_readiness_probe;
mod resource_backend_unserved;
mod rule_without_paths;
mod service_backend;
mod service_not_found;
mod service_port_not_found;
mod service_port_not_tcp;
mod service_target_port_used;
mod service_without_node_port;
mod service_without_ready_endpoints;

pub(super) use backend_exposes_admission_webhook::BACKEND_EXPOSES_ADMISSION_WEBHOOK;
pub(super) use backend_protocol_missing::BACKEND_PROTOCOL_MISSING;
pub(super) use default_backend_ignored::DEFAULT_BACKEND_IGNORED;
pub(super) use default_backend_without_host::DEFAULT_BACKEND_WITHOUT_HOST;
pub(super) use endpoint_slice_unseen::ENDPOINT_SLICE_UNSEEN;
pub(super) use external_name_unusable::EXTERNAL_NAME_UNUSABLE;
pub(super) use pods_without_readiness_probe::PODS_WITHOUT_READINESS_PROBE;
pub(super) use resource_backend_unserved::RESOURCE_BACKEND_UNSERVED;
pub(super) use rule_without_paths::RULE_WITHOUT_PATHS;
pub(super) use service_not_found::SERVICE_NOT_FOUND;
pub(super) use service_port_not_found::SERVICE_PORT_NOT_FOUND;
pub(super) use service_port_not_tcp::SERVICE_PORT_NOT_TCP;
pub(super) use service_target_port_used::SERVICE_TARGET_PORT_USED;
pub(super) use service_without_node_port::SERVICE_WITHOUT_NODE_PORT;
pub(crate) use service_without_ready_endpoints::{SERVICE_IS_YOUNG, SERVICE_WITHOUT_READY_ENDPOINTS};

use service_backend::{Fallback, ServiceBackend, resolved, service, service_backends};
