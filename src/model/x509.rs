//! The facts of a serving certificate that checks need: names, validity, order of its chain.

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::Host;

/// The facts about the leaf of a certificate chain. The bytes are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The DNS names that it covers: its SANs, or its common name if it has no DNS SAN.
    pub names: Box<[Host]>,
    /// Not valid before.
    pub not_before: Timestamp,
    /// Not valid after.
    pub not_after: Timestamp,
    /// Each certificate of the chain is readable and was issued by the next.
    pub chain_in_order: bool,
}

impl Certificate {
    /// Read a chain of DER certificates, leaf first; `None` if the leaf is unreadable. Go stops there as well.
    #[must_use]
    pub fn from_chain<B: AsRef<[u8]>>(chain: &[B]) -> Option<Self> {
        let leaf = &parse(chain.first()?.as_ref())?;
        let chain: Option<Vec<_>> = chain.iter().map(|der| parse(der.as_ref())).collect();
        Some(Self {
            names: names(leaf),
            not_before: Timestamp::from_second(leaf.validity().not_before.timestamp()).ok()?,
            not_after: Timestamp::from_second(leaf.validity().not_after.timestamp()).ok()?,
            chain_in_order: chain.is_some_and(|chain| {
                chain.windows(2).all(|pair| match pair {
                    [subject, issuer] => subject.issuer().as_raw() == issuer.subject().as_raw(),
                    _ => true,
                })
            }),
        })
    }

    /// Whether it covers this host. A wildcard host requires the same wildcard as SAN.
    #[must_use]
    pub fn covers(&self, host: &Host) -> bool {
        self.names.iter().any(|name| name.covers(host))
    }
}

/// Whether every one of these DER certificates can be read.
pub(super) fn all_readable<B: AsRef<[u8]>>(certificates: &[B]) -> bool {
    !certificates.is_empty() && certificates.iter().all(|der| parse(der.as_ref()).is_some())
}

fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, certificate)| certificate)
}

/// SANs first, the common name only without them: Go's `VerifyHostname` and ingress-nginx's own `verifyHostname`.
fn names(leaf: &X509Certificate<'_>) -> Box<[Host]> {
    let sans: Box<[Host]> = leaf
        .subject_alternative_name()
        .ok()
        .flatten()
        .into_iter()
        .flat_map(|extension| &extension.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) if !name.is_empty() => Some(Host::parse(name)),
            _ => None,
        })
        .collect();
    if !sans.is_empty() {
        return sans;
    }
    leaf.subject()
        .iter_common_name()
        .filter_map(|name| name.as_str().ok())
        .filter(|n| !n.is_empty())
        .map(Host::parse)
        .collect()
}
