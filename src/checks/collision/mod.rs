//! `IG5xx`: conflicts with other Ingresses, and rules about hosts.

mod catch_all_host;
mod host_not_owned;
mod host_path_duplicated;
mod host_served_by_one_ingress;
mod server_alias_dropped;
mod wildcard_gap;

pub(super) use catch_all_host::CATCH_ALL_HOST;
pub(super) use host_not_owned::HOST_NOT_OWNED;
pub(super) use host_path_duplicated::HOST_PATH_DUPLICATED;
pub(super) use host_served_by_one_ingress::HOST_SERVED_BY_ONE_INGRESS;
pub(super) use server_alias_dropped::SERVER_ALIAS_DROPPED;
pub(super) use wildcard_gap::WILDCARD_GAP;
