//! The facts of a serving certificate that checks need: names, validity, and its chain.

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::Host;

/// The facts about the leaf of a certificate chain. The bytes are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Certificate {
    /// The DNS names that it covers: its SANs, or its common name if it has no DNS SAN.
    pub names: Box<[Host]>,
    /// The names are common names: it has no DNS SAN. Browsers ignore common names (RFC 9525).
    pub by_common_name: bool,
    /// Not valid before.
    pub not_before: Timestamp,
    /// Not valid after.
    pub not_after: Timestamp,
    /// Each certificate of the chain is readable and was issued by the next.
    pub chain_in_order: bool,
    /// It is the certificate of a certificate authority.
    pub is_authority: bool,
    /// It is alone in the chain, and another certificate has issued it.
    pub lacks_issuer: bool,
    /// The end of the validity of its issuer, if the chain contains it.
    pub issuer_not_after: Option<Timestamp>,
}

impl Certificate {
    /// Read a chain of DER certificates, leaf first; `None` if the leaf is unreadable. Go stops there as well.
    #[must_use]
    pub fn from_chain<B: AsRef<[u8]>>(chain: &[B]) -> Option<Self> {
        let leaf = &parse(chain.first()?.as_ref())?;
        let chain: Option<Vec<_>> = chain.iter().map(|der| parse(der.as_ref())).collect();
        let is_issued_by = |subject: &X509Certificate<'_>, issuer: &X509Certificate<'_>| {
            subject.issuer().as_raw() == issuer.subject().as_raw()
        };
        let next = chain.as_ref().and_then(|chain| chain.get(1)).filter(|next| is_issued_by(leaf, next));
        let is_alone = chain.as_ref().is_some_and(|chain| chain.len() == 1);
        let (names, by_common_name) = names(leaf);
        Some(Self {
            names,
            by_common_name,
            not_before: Timestamp::from_second(leaf.validity().not_before.timestamp()).ok()?,
            not_after: Timestamp::from_second(leaf.validity().not_after.timestamp()).ok()?,
            is_authority: leaf.is_ca(),
            lacks_issuer: is_alone && !is_issued_by(leaf, leaf),
            issuer_not_after: next.and_then(|next| Timestamp::from_second(next.validity().not_after.timestamp()).ok()),
            chain_in_order: chain.is_some_and(|chain| {
                chain.windows(2).all(|pair| match pair {
                    [subject, issuer] => is_issued_by(subject, issuer),
                    _ => true,
                })
            }),
        })
    }

    /// Returns the first common name of a DER certificate, e.g. that of a controller's self-signed certificate.
    #[must_use]
    pub fn common_name(der: &[u8]) -> Option<String> {
        let certificate = parse(der)?;
        certificate.subject().iter_common_name().find_map(|name| name.as_str().ok().map(str::to_owned))
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

/// Whether a DER certificate is valid at a time; `None`: it cannot be read.
pub(super) fn is_valid_at(der: &[u8], time: Timestamp) -> Option<bool> {
    let validity = parse(der)?.validity().clone();
    let seconds = time.as_second();
    Some((validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&seconds))
}

fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, certificate)| certificate)
}

/// The DNS SANs, or the common names if there are none (ingress-nginx's own `verifyHostname`). Returns whether they are common names.
fn names(leaf: &X509Certificate<'_>) -> (Box<[Host]>, bool) {
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
        return (sans, false);
    }
    let common = leaf
        .subject()
        .iter_common_name()
        .filter_map(|name| name.as_str().ok())
        .filter(|n| !n.is_empty())
        .map(Host::parse)
        .collect();
    (common, true)
}
