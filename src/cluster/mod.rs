//! The state of the cluster: the object store, its sources (API server, files, snapshots), and the view that checks read.

mod api;
mod controllers;
mod live_reads;
mod lookup;
mod manifests;
mod others;
mod registration;
mod snapshot;
mod store;
mod view;

pub(crate) use api::{Answer, ApiError, Failure, REPORTING_CONTROLLER, send};
pub use api::{
    Author, ConfigMapText, ControllerPlace, Dependents, FindIn, ListError, Live, Pace, Pod, ReadableNamespaces,
    Referenced, Right, Rights, SyncStatus, Verb, Wanted, WatchStatus, Watches, list, missing,
};
pub use controllers::ControllerPods;
pub use live_reads::{ANSWER_TIME, LiveRead, LiveReads, READ_TIME, ReadFailure};
pub use lookup::Lookup;
pub use manifests::{
    CustomResource, Elsewhere, Encoding, Files, Known, LeftOut, Listed, MadeSecret, MadeServices, Manifest,
    ManifestError, ManifestFile, ManifestSource, Manifests, Named, Origin, ReadOptions, RepeatedKey, Shown, Variables,
    load, load_text, manifest_files,
};
pub use registration::{
    RegistrationFault, RegistrationLimit, is_reviewed, own_webhooks, registration_fault, registration_limits,
};
pub use snapshot::{Snapshot, SnapshotError};
pub(crate) use store::{Change, OF_CONTROLLERS};
pub use store::{Changes, Coverage, Doubt, Inventory, Maker, Object, SharedInventory};
pub use view::{ClusterState, ClusterView, Unavailable};
