//! The format of Secrets in a snapshot: certificate metadata.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{Certificate, Host, Key, KeyFit, Meta, Secret, TlsFacts, TlsFault};

/// The metadata of a Secret, without its data or a digest of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SecretFacts {
    namespace: Box<str>,
    name: Box<str>,
    created: Option<Timestamp>,
    is_of_tls_type: bool,
    has_auth: bool,
    has_ca: bool,
    tls: TlsForm,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum TlsForm {
    #[serde(rename_all = "camelCase")]
    Pair {
        names: Vec<String>,
        #[serde(default)]
        by_common_name: bool,
        not_before: Timestamp,
        not_after: Timestamp,
        chain_in_order: bool,
        #[serde(default)]
        is_authority: bool,
        #[serde(default)]
        lacks_issuer: bool,
        #[serde(default)]
        issuer_not_after: Option<Timestamp>,
        key_is_known_to_fit: bool,
        ca_readable: bool,
    },
    Unusable(String),
}

/// Every fault with its name in a file.
const FAULTS: [(&str, TlsFault); 9] = [
    ("keysMissing", TlsFault::KeysMissing("tls.crt and tls.key")),
    ("certificateMissing", TlsFault::KeysMissing("tls.crt")),
    ("keyMissing", TlsFault::KeysMissing("tls.key")),
    ("certificateEmpty", TlsFault::Empty("tls.crt")),
    ("keyEmpty", TlsFault::Empty("tls.key")),
    ("badCertificate", TlsFault::BadCertificate),
    ("badKey", TlsFault::BadKey),
    ("keyMismatch", TlsFault::KeyMismatch),
    ("leafNotFirst", TlsFault::LeafNotFirst),
];

impl From<&Secret> for SecretFacts {
    fn from(secret: &Secret) -> Self {
        let tls = match &secret.tls {
            TlsFacts::Pair { certificate, key, ca_readable } => TlsForm::Pair {
                names: certificate.names.iter().map(Host::to_string).collect(),
                by_common_name: certificate.by_common_name,
                not_before: certificate.not_before,
                not_after: certificate.not_after,
                chain_in_order: certificate.chain_in_order,
                is_authority: certificate.is_authority,
                lacks_issuer: certificate.lacks_issuer,
                issuer_not_after: certificate.issuer_not_after,
                key_is_known_to_fit: *key == KeyFit::Fits,
                ca_readable: *ca_readable,
            },
            TlsFacts::Unusable(fault) => {
                let named = FAULTS.iter().find(|(_, known)| known == fault);
                TlsForm::Unusable(named.map_or("keysMissing", |(name, _)| name).to_owned())
            }
        };
        let Key { namespace, name } = secret.meta.key.clone();
        let Secret { is_of_tls_type, has_auth, has_ca, .. } = *secret;
        Self { namespace, name, created: secret.meta.created, is_of_tls_type, has_auth, has_ca, tls }
    }
}

impl TryFrom<SecretFacts> for Secret {
    type Error = serde_json::Error;

    fn try_from(live_reads: SecretFacts) -> Result<Self, Self::Error> {
        let tls = match live_reads.tls {
            TlsForm::Pair {
                names,
                by_common_name,
                not_before,
                not_after,
                chain_in_order,
                is_authority,
                lacks_issuer,
                issuer_not_after,
                key_is_known_to_fit,
                ca_readable,
            } => {
                let key = if key_is_known_to_fit { KeyFit::Fits } else { KeyFit::Unknown };
                let certificate = Certificate {
                    names: names.iter().map(|name| Host::parse(name)).collect(),
                    by_common_name,
                    not_before,
                    not_after,
                    chain_in_order,
                    is_authority,
                    lacks_issuer,
                    issuer_not_after,
                };
                TlsFacts::Pair { certificate, key, ca_readable }
            }
            TlsForm::Unusable(named) => {
                let fault = FAULTS.iter().find(|(name, _)| *name == named);
                let unknown = || serde::de::Error::custom(format!("unknown fault {named:?} of a Secret"));
                TlsFacts::Unusable(fault.ok_or_else(unknown)?.1)
            }
        };
        let SecretFacts { namespace, name, created, is_of_tls_type, has_auth, has_ca, .. } = live_reads;
        let meta = Meta { key: Key { namespace, name }, created, ..Meta::default() };
        Ok(Self { meta, tls, is_of_tls_type, has_auth, has_ca })
    }
}
