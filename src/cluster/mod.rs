//! What is known of the cluster: the one store, what fills it, and the view of it that a check may ask.

mod api_callers;
mod facts;
mod feeds;
mod image;
mod ingresses;
mod inventory;
mod list;
mod live;
mod lookup;
mod manifests;
mod namespace_match;
mod namespaced;
mod object;
mod pages;
mod referrers;
mod watch;
mod workloads;
mod world;

pub use facts::{Fact, Facts};
pub use feeds::{Feed, Feeds, Pace, Wanted};
pub use image::{Image, ImageError};
pub use inventory::{Coverage, Inventory};
pub use list::{ListError, list};
pub use live::{Live, MOST};
pub use lookup::Lookup;
pub use manifests::{Manifest, ManifestError, ManifestFile, Manifests, Origin, ReadOptions, load, load_text};
pub use namespace_match::NamespaceMatch;
pub use object::Object;
pub use world::{Snapshot, Unknown, World};
