//! What is known of the cluster: the one store, what fills it, and the view of it that a check may ask.

mod inventory;
mod lookup;
mod manifests;
mod world;

pub use inventory::{Coverage, Inventory, Object};
pub use lookup::Lookup;
pub use manifests::{ManifestError, load, load_text};
pub use world::{Unknown, World};
