//! The controllers that are assumed, because the files contain no IngressClass.

use super::{Report, counted};
use crate::routing::Basis;

impl Report {
    /// Adds the controller that is assumed for a number of Ingresses.
    pub fn assume(&mut self, product: &str, basis: Basis, ingresses: usize) {
        let why = match basis {
            Basis::Class => return,
            Basis::Annotations => "by its annotations (classes.fromAnnotations: false turns this off)",
            Basis::ClassName => "by the class name nginx alone, so that its rules only warn",
        };
        let ingresses = counted(ingresses, "Ingress");
        self.assumptions.push(format!("no IngressClass in the files: {ingresses} evaluated for {product} {why}"));
    }
}
