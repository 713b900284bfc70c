//! Locations that nginx may not have, because the version or a setting of the controller is unknown. Section 7.0.

use crate::model::Ingress;
use crate::routing::annotations::Effect;
use crate::routing::location::{Location, Server};
use crate::routing::routes::{Routes, When};

impl<'a> Routes<'a> {
    /// Returns whether nginx may not have these locations of a server as they are: another Ingress that defines one of them or makes
    /// the host regex may not be loaded, or the host may return 403. `own` is the Ingress that is evaluated: one that is not
    /// loaded is faulty in any case.
    #[must_use]
    pub fn may_lack(&self, server: &Server<'a>, locations: &[&Location<'a>], own: &Ingress, when: When) -> bool {
        let steps = u32::try_from(server.locations.len() / 4).unwrap_or(u32::MAX);
        if self.budget().spend(steps).is_err() || self.may_forbid(server, when) {
            return true;
        }
        let is_doubtful = |location: &Location<'a>| {
            let other = location.ingress.filter(|of| of.meta.key != own.meta.key);
            other.is_some_and(|other| self.may_be(Effect::NotLoaded, other))
        };
        let is_surely_regex = || server.locations.iter().any(|it| it.enables_regex && !is_doubtful(it));
        locations.iter().any(|it| is_doubtful(it)) || (server.is_regex && !is_surely_regex())
    }

    /// Returns whether a host may return 403 for every request. It has no locations then.
    pub(super) fn may_forbid(&self, server: &Server<'a>, when: When) -> bool {
        let claims = self.claims(&server.host, when).found();
        claims.is_none_or(|claims| claims.iter().any(|claim| self.may_be(Effect::Forbidden, claim.ingress)))
    }

    fn may_be(&self, effect: Effect, ingress: &'a Ingress) -> bool {
        self.loading(ingress).doubt.is_some_and(|(_, doubted)| doubted == effect)
    }
}
