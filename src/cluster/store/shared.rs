//! The published state of the inventory, which many tasks read and one replaces.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Inventory;

/// The latest published inventory. Readers hold a state as long as they want: it never changes, and it delays neither other
/// readers nor the next state.
#[derive(Debug, Clone)]
pub struct SharedInventory(Arc<ArcSwap<Inventory>>);

impl SharedInventory {
    /// Publishes a first state.
    #[must_use]
    pub fn new(inventory: Inventory) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(inventory)))
    }

    /// Returns the latest state.
    #[must_use]
    pub fn load(&self) -> Arc<Inventory> {
        self.0.load_full()
    }

    /// Publishes the next state.
    pub fn publish(&self, inventory: Inventory) {
        self.0.store(Arc::new(inventory));
    }
}
