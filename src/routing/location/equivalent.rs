//! Whether two paths answer a request alike. Sections 3.2 and 7.2.

use super::rewrite::redirects_alike;
use super::server::Location;
use crate::model::{Ingress, PathRef};
use crate::routing::annotations::NginxAnnotations;

impl Location<'_> {
    /// Returns whether the location answers a request as this path of an Ingress would: with the same Service, rewrite and
    /// authentication, or with the redirect that all locations of the Ingress have.
    #[must_use]
    pub fn is_equivalent(&self, ingress: &Ingress, at: PathRef<'_>) -> bool {
        let is_own = |of: &Ingress| of.meta.key == ingress.meta.key;
        let is_alike = |of: &Ingress| {
            let [theirs, ours] = [of, ingress].map(NginxAnnotations::of);
            let is_same = |name: &str| theirs.value(name) == ours.value(name);
            let is_answered = self.refusal.is_some() || theirs.redirects_everything();
            let in_namespace = of.meta.key.namespace == ingress.meta.key.namespace;
            is_own(of) || (in_namespace && !is_answered && is_same("rewrite-target") && is_same("auth-url"))
        };
        self.at.is_some_and(|own| own.is_same(at))
            || (self.backend == Some(&*at.path.backend) && self.ingress.is_some_and(is_alike))
            || (self.ingress.is_some_and(is_own) && self.annotations().is_some_and(redirects_alike))
    }
}
