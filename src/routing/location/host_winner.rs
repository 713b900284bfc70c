//! The Ingress that gets a host on a controller that gives each host to one Ingress: docs/controllers.md, "F5 NGINX Ingress
//! Controller".

use super::dropped::DroppedBecause;
use super::rules::Claim;
use crate::model::Ingress;

/// Marks the Ingresses that share a host by intent.
const MERGEABLE: &str = "nginx.org/mergeable-ingress-type";

/// The Ingress that gets a host.
#[derive(Debug, Clone, Copy)]
pub enum HostWinner<'a> {
    /// The oldest one. If it is a master, its minions add their paths.
    Ingress(&'a Ingress),
    /// One of two of the same age.
    Undecided(&'a Ingress, &'a Ingress),
    /// None: all of them are minions.
    NoMaster,
}

impl<'a> HostWinner<'a> {
    /// Returns the winner among the rules for a host, the oldest first; `None`: no rules.
    #[must_use]
    pub fn of(claims: &[Claim<'a>]) -> Option<Self> {
        let mut rivals = claims.iter().map(|claim| claim.ingress).filter(|ingress| !is_minion(ingress));
        let Some(first) = rivals.next() else { return (!claims.is_empty()).then_some(Self::NoMaster) };
        let second = rivals.find(|other| other.meta.key != first.meta.key);
        let age = |ingress: &Ingress| ingress.meta.created.map(jiff::Timestamp::as_second);
        Some(match second.filter(|second| age(second) == age(first)) {
            Some(second) => Self::Undecided(first, second),
            None => Self::Ingress(first),
        })
    }

    /// Returns why an Ingress does not serve the host; `None`: it does, or it is unknown.
    #[must_use]
    pub fn refuses(self, ingress: &Ingress) -> Option<DroppedBecause<'a>> {
        match self {
            Self::NoMaster => Some(DroppedBecause::NoMaster),
            Self::Ingress(winner) if winner.meta.key == ingress.meta.key => None,
            Self::Ingress(winner) if is_minion(ingress) && kind(winner) == Some("master") => None,
            Self::Ingress(winner) => Some(DroppedBecause::HostOf(winner)),
            Self::Undecided(..) => None,
        }
    }
}

fn is_minion(ingress: &Ingress) -> bool {
    kind(ingress) == Some("minion")
}

fn kind(ingress: &Ingress) -> Option<&str> {
    ingress.meta.annotations.get(MERGEABLE)
}
