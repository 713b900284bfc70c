//! The decisions of one process: what it writes next, and the certificate that it serves.
//!
//! All processes decide alike and without a leader. Every write depends on the version that was read, so of two writers one fails
//! and reads again.

use std::time::Instant;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;

use super::authority::{Authority, AuthorityError, Leaf};
use super::bundle::Bundle;
use super::lifetimes::Lifetimes;
use super::rotation::{Authorities, Waits};
use super::service::ServiceName;

/// What a process has read of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read<T> {
    /// The object exists.
    Found(T),
    /// The object does not exist.
    Absent,
    /// The object cannot be read.
    Unknown,
}

/// The state that a decision is based on. The webhook configuration was read before the Secret, so that a CA which it contains is in
/// the Secret.
#[derive(Debug)]
pub struct Observed {
    /// The caBundle of each entry that calls the Service. An empty list: no entry calls it.
    pub bundles: Read<Vec<Bundle>>,
    /// The CAs in the Secret.
    pub stored: Read<Authorities>,
    /// `false`: a write to the Secret was refused, so everything else comes first.
    pub may_store: bool,
    /// The time of the API server.
    pub now: Timestamp,
    /// The same moment on a clock that only goes forward.
    pub at: Instant,
}

/// The next write of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// These CAs belong into the Secret.
    Secret(Box<Authorities>),
    /// This bundle belongs into the webhook configuration.
    Bundle {
        /// Its certificates.
        bundle: Bundle,
        /// Whether a CA was removed that was there before.
        is_repair: bool,
    },
}

/// The state of one process.
#[derive(Debug)]
pub struct Replica {
    service: ServiceName,
    lifetimes: Lifetimes,
    /// The CAs that were read last, for a Secret that is emptied or deleted.
    held: Option<Authorities>,
    leaf: Option<Leaf>,
    waits: Waits,
    /// Whether the CA of the served certificate was removed from the caBundle and is not back yet.
    is_lost: bool,
    /// The number of CAs in the caBundle that exceed the limit of the Secret.
    surplus: usize,
}

impl Replica {
    /// Creates a process that has read nothing yet.
    #[must_use]
    pub fn new(service: ServiceName, lifetimes: Lifetimes) -> Self {
        Self { service, lifetimes, held: None, leaf: None, waits: Waits::default(), is_lost: false, surplus: 0 }
    }

    /// Decides what is written next and renews the served certificate. Without a write there is nothing to do until something
    /// changes.
    ///
    /// # Errors
    /// If a certificate cannot be created.
    pub fn decide(&mut self, observed: &Observed) -> Result<Option<Write>, AuthorityError> {
        self.observe(observed);
        let (stored, is_writable) = match &observed.stored {
            Read::Found(stored) if stored.current.is_some() => (Some(stored), observed.may_store),
            // Emptied, for example by `kubectl replace`: the CAs return without a rotation.
            Read::Found(_) => (self.held.as_ref(), observed.may_store),
            Read::Absent | Read::Unknown => (self.held.as_ref(), false),
        };
        let Some(mut authorities) = stored.cloned().or_else(|| is_writable.then(Authorities::default)) else {
            return Ok(None);
        };
        let foreign = authorities.unknown(&self.in_use(observed));
        let is_adopted = foreign.is_empty() || authorities.adopt(&foreign, observed.now);
        self.surplus = if is_adopted { 0 } else { foreign.len() };
        // Without the Secret, no other process would learn of a new CA.
        let is_advanced = is_writable && {
            let (moment, is_called) = ((observed.now, observed.at), observed.bundles != Read::Absent);
            authorities.advance(&self.service, &self.lifetimes, moment, &self.waits, is_called)?
        };
        if let Read::Found(stored) = &observed.stored
            && is_writable
            && (is_advanced || *stored != authorities)
        {
            return Ok(Some(Write::Secret(Box::new(authorities))));
        }
        self.hold(&authorities, observed)?;
        Ok(Self::missing(&authorities, observed).map(|bundle| Write::Bundle { bundle, is_repair: self.is_lost }))
    }

    /// Returns the served certificate.
    #[must_use]
    pub fn leaf(&self) -> Option<&Leaf> {
        self.leaf.as_ref()
    }

    /// Returns the CAs that were read last.
    #[must_use]
    pub fn held(&self) -> Option<&Authorities> {
        self.held.as_ref()
    }

    /// Returns the number of CAs in the caBundle that are not in the Secret, because it would exceed its limit. They stay in the
    /// caBundle.
    #[must_use]
    pub fn surplus(&self) -> usize {
        self.surplus
    }

    /// Returns since when every entry of the webhook configuration has contained the CA of the served certificate.
    #[must_use]
    pub fn trusted_since(&self) -> Option<Instant> {
        self.waits.trusted_since(&self.leaf.as_ref()?.authority)
    }

    /// Records what is trusted.
    fn observe(&mut self, observed: &Observed) {
        let bundles = match &observed.bundles {
            Read::Unknown => return,
            Read::Absent => {
                self.waits.trust(&Bundle::default(), observed.at);
                self.is_lost = false;
                return;
            }
            Read::Found(bundles) => bundles,
        };
        let in_all = bundles.split_first().map_or_else(Bundle::default, |(first, others)| {
            let is_in_others =
                |certificate: &&CertificateDer<'_>| others.iter().all(|bundle| bundle.contains(certificate));
            first.iter().filter(is_in_others).cloned().collect()
        });
        let was_trusted = self.trusted_since().is_some();
        self.waits.trust(&in_all, observed.at);
        let is_trusted = self.trusted_since().is_some();
        self.is_lost = !is_trusted && (was_trusted || self.is_lost);
    }

    /// The certificates of the caBundle, and the CA of the own certificate: a process never works towards its own rejection.
    fn in_use(&self, observed: &Observed) -> Bundle {
        let bundles: &[Bundle] = if let Read::Found(bundles) = &observed.bundles { bundles } else { &[] };
        let found = bundles.iter().fold(Bundle::default(), |all, bundle| all.union(bundle));
        found.union(&self.leaf.iter().map(|leaf| leaf.authority.clone()).collect())
    }

    fn missing(authorities: &Authorities, observed: &Observed) -> Option<Bundle> {
        let Read::Found(bundles) = &observed.bundles else { return None };
        let all = bundles.iter().fold(Bundle::default(), |all, bundle| all.union(bundle));
        // Only what the Secret says now removes a certificate, not what it said before.
        let is_read = matches!(observed.stored, Read::Found(_));
        let retired = if is_read { authorities.retired.clone() } else { Bundle::default() };
        let wanted = all.union(&authorities.trusted()).without(&retired);
        bundles.iter().any(|bundle| !bundle.is_same_set(&wanted)).then_some(wanted)
    }

    /// Keeps CAs that were read, and renews the served certificate.
    fn hold(&mut self, authorities: &Authorities, observed: &Observed) -> Result<(), AuthorityError> {
        if let Some(current) = &authorities.current {
            self.waits.sign(current, observed.at);
            if self.is_renewal_due(current, observed) {
                self.leaf = Some(current.sign(&self.service, observed.now, self.lifetimes.leaf)?);
                self.waits.serving = Some(current.certificate().clone());
            }
        }
        self.held = Some(authorities.clone());
        Ok(())
    }

    fn is_renewal_due(&self, current: &Authority, observed: &Observed) -> bool {
        let Some(leaf) = &self.leaf else { return true };
        let is_old = observed.now >= leaf.created + self.lifetimes.leaf / 2;
        if leaf.authority == *current.certificate() {
            // A certificate that ends with its CA cannot be renewed before the CA is replaced.
            return is_old && leaf.not_after < current.not_after();
        }
        let trusted_for = |certificate: &CertificateDer<'_>| self.waits.trusted_for(certificate, observed.at);
        let is_rejected = matches!(observed.bundles, Read::Found(_)) && trusted_for(&leaf.authority).is_none();
        trusted_for(current.certificate()) >= Some(self.lifetimes.settle)
            || is_rejected
            || observed.bundles == Read::Absent
            || observed.now >= leaf.not_after
    }
}
