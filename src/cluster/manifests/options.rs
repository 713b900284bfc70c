//! How manifests are read.

use super::substitution::Variables;

/// How manifests are read.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions<'a> {
    /// The namespace of objects without one.
    pub namespace: &'a str,
    /// The variables that are substituted.
    pub variables: &'a Variables,
    /// The size limit of a single file, in bytes.
    pub largest: u64,
}
