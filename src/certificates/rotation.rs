//! The CAs of one installation, and the changes of them that are due.
//!
//! A CA is `next`, then `current`, then `previous`, then `retired`. Only the current one signs. Previous, current and next ones are
//! trusted. Retired ones are removed from the caBundle.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;

use super::authority::{Authority, AuthorityError};
use super::bundle::Bundle;
use super::lifetimes::Lifetimes;
use super::service::ServiceName;

/// The most certificates of a caBundle that the Secret keeps. The API server limits its size.
pub(super) const MOST_ADOPTED: usize = 16;

/// The CAs of one installation, as the Secret stores them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorities {
    /// The CA that signs. `None` only in a Secret that is empty.
    pub current: Option<Authority>,
    /// The CA that will sign.
    pub next: Option<Authority>,
    /// CAs that sign no longer, and those that were found in the caBundle.
    pub previous: Bundle,
    /// The time at which a CA was last added to `previous`.
    pub previous_since: Timestamp,
    /// CAs that nothing serves any more.
    pub retired: Bundle,
}

/// What one process has observed itself. Its waits hold even if timestamps are wrong.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// The certificates that every entry of the webhook configuration contains, and since when without a break.
    trusted: Vec<(CertificateDer<'static>, Instant)>,
    current: Option<(CertificateDer<'static>, Instant)>,
    /// The CA of the served certificate.
    pub(super) serving: Option<CertificateDer<'static>>,
}

impl Waits {
    /// Records the certificates that are trusted now.
    pub(super) fn trust(&mut self, bundle: &Bundle, at: Instant) {
        self.trusted.retain(|(certificate, _)| bundle.contains(certificate));
        for certificate in bundle.iter() {
            if self.trusted.iter().all(|(known, _)| known != certificate) {
                self.trusted.push((certificate.clone(), at));
            }
        }
    }

    /// Records the current CA.
    pub(super) fn sign(&mut self, current: &Authority, at: Instant) {
        if self.current.as_ref().is_none_or(|(known, _)| known != current.certificate()) {
            self.current = Some((current.certificate().clone(), at));
        }
    }

    /// Returns since when a CA has been trusted; `None` if it is not.
    pub(super) fn trusted_since(&self, certificate: &CertificateDer<'_>) -> Option<Instant> {
        self.trusted.iter().find(|(known, _)| known == certificate).map(|(_, since)| *since)
    }

    /// Returns how long a CA has been trusted; `None` if it is not.
    pub(super) fn trusted_for(&self, certificate: &CertificateDer<'_>, at: Instant) -> Option<Duration> {
        self.trusted_since(certificate).map(|since| at.saturating_duration_since(since))
    }

    fn signing_for(&self, at: Instant) -> Duration {
        self.current.as_ref().map_or(Duration::ZERO, |(_, since)| at.saturating_duration_since(*since))
    }
}

impl Authorities {
    /// Returns the certificates that the caBundle must contain.
    #[must_use]
    pub fn trusted(&self) -> Bundle {
        let own = self.current.iter().chain(&self.next).map(|authority| authority.certificate().clone());
        self.previous.union(&own.collect())
    }

    /// Returns the certificates of a bundle that are in none of the states.
    #[must_use]
    pub fn unknown(&self, bundle: &Bundle) -> Bundle {
        bundle.without(&self.trusted()).without(&self.retired)
    }

    /// Keeps the certificates of a caBundle trusted, because a process may still serve a certificate of theirs. If the
    /// Secret would exceed its limit, it returns false and changes nothing: they are not removed from the caBundle.
    pub fn adopt(&mut self, certificates: &Bundle, now: Timestamp) -> bool {
        let is_within_limit = self.previous.union(certificates).len() <= MOST_ADOPTED;
        if is_within_limit {
            self.trust(certificates, now);
        }
        is_within_limit
    }

    fn trust(&mut self, certificates: &Bundle, now: Timestamp) {
        self.previous = self.previous.without(certificates).union(certificates);
        self.previous_since = now;
        self.retired = self.retired.without(certificates);
    }

    /// Makes the change that is due, one at a time. Returns whether there was one. `is_called`: a webhook configuration exists, so a CA
    /// must be trusted before it signs.
    ///
    /// # Errors
    /// If a CA cannot be created.
    pub(super) fn advance(
        &mut self,
        service: &ServiceName,
        lifetimes: &Lifetimes,
        (now, at): (Timestamp, Instant),
        waits: &Waits,
        is_called: bool,
    ) -> Result<bool, AuthorityError> {
        let Some(current) = &self.current else {
            self.current = Some(Authority::generate(service, now, lifetimes.authority)?);
            return Ok(true);
        };
        // Nothing is served under an expired CA, so there is nothing to wait for.
        let wait = if now < current.not_after() { lifetimes.settle } else { Duration::ZERO };
        match &self.next {
            None if now >= current.created() + lifetimes.authority * 2 / 3 => {
                self.next = Some(Authority::generate(service, now, lifetimes.authority)?);
            }
            Some(next)
                if now >= next.created() + wait
                    && (!is_called || waits.trusted_for(next.certificate(), at) >= Some(wait)) =>
            {
                let replaced = current.certificates();
                self.current = self.next.take();
                self.trust(&replaced, now);
            }
            _ if self.is_previous_unused(lifetimes, (now, at), waits) => {
                self.retired = std::mem::take(&mut self.previous);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Every process signs with the current CA soon after it noticed the change; one life of a serving certificate later, none of the
    /// previous CAs is in use even if it did not.
    fn is_previous_unused(&self, lifetimes: &Lifetimes, (now, at): (Timestamp, Instant), waits: &Waits) -> bool {
        !self.previous.is_empty()
            && now >= self.previous_since + lifetimes.leaf
            && waits.signing_for(at) >= lifetimes.settle
            && waits.serving.as_ref().is_none_or(|authority| !self.previous.contains(authority))
    }
}
