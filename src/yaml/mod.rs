//! YAML and JSON as kubectl decodes them: text to a tree of nodes with their places.
//!
//! The reference is `sigs.k8s.io/yaml`, which kubectl, Helm and Flux use: go-yaml v2, whose result is converted to JSON. The
//! parser emits events of YAML 1.2; the differences of scalars, keys and merge keys are here.

mod json;
mod lines;
mod parse;
mod read;
mod scalar;
mod stream;
mod tree;

pub use granit_parser::ScalarStyle;
pub use lines::Lines;
pub use read::Invalid;
pub use scalar::Scalar;
pub use stream::{directive, documents};
pub use tree::{Entry, Node, RepeatedKey, Shape, Step, Tree};

/// A place in a text that is not valid, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The byte offset in the text.
    pub at: usize,
    /// The reason, without the place.
    pub reason: String,
}
