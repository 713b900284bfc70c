//! What is known of the cluster: the one store, what fills it, and the view of it that a check may ask.

mod api;
mod live_reads;
mod lookup;
mod manifests;
mod namespace_match;
mod snapshot;
mod store;
mod view;

pub use api::{Feed, Feeds, ListError, Live, MOST, Pace, SyncStatus, Wanted, list};
pub use live_reads::{LiveRead, LiveReads};
pub use lookup::Lookup;
pub use manifests::{Manifest, ManifestError, ManifestFile, Manifests, Origin, ReadOptions, load, load_text};
pub use namespace_match::NamespaceMatch;
pub use snapshot::{Snapshot, SnapshotError};
pub use store::{Coverage, Inventory, Object};
pub use view::{ClusterState, ClusterView, Unavailable};
