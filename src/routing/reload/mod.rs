//! Faults of one Ingress that stop the controller for all: nginx refuses the whole configuration, or the controller crashes.
//! Sections 2.8 and 6.4.

mod annotations;
mod block;
mod doubt;
mod index;
mod variables;
mod written;

pub use annotations::ReloadFault;
pub use block::ReloadBlock;
pub use index::{Evaluated, ReloadBlocks, ReloadIndex, SharedReloadBlocks};
pub use variables::VariableFault;
pub use written::Certainty;
