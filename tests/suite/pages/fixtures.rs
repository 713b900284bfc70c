//! Generates certificates, so that pages and tests declare only relevant fields and contain no PEM.

use std::collections::HashMap;
use std::fmt::Write as _;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// Replaces `certificate(…)`, `chain(…)`, `issued(…)`, `leaf(…)`, `authority(…)` and `key(…)` by PEM text, indented as a YAML block.
pub(crate) fn expand(yaml: &str) -> String {
    let mut keys = HashMap::new();
    yaml.lines().fold(String::new(), |mut out, line| {
        match replacement(line, &mut keys) {
            Some((field, pem)) => {
                let indent = " ".repeat(field.len() - field.trim_start().len() + 2);
                let _ = writeln!(out, "{field}|");
                pem.lines().for_each(|row| {
                    let _ = writeln!(out, "{indent}{row}");
                });
            }
            None => {
                let _ = writeln!(out, "{line}");
            }
        }
        out
    })
}

fn replacement<'a>(line: &'a str, keys: &mut HashMap<String, KeyPair>) -> Option<(&'a str, String)> {
    for form in ["certificate(", "chain(", "issued(", "leaf(", "authority(", "key("] {
        let Some(start) = line.find(form) else { continue };
        let arguments = line[start + form.len()..].strip_suffix(')')?;
        let parts: Vec<&str> = arguments.split(';').map(str::trim).collect();
        let name = if form == "key(" { parts[0] } else { parts.get(2).copied().unwrap_or("own") };
        let key = keys.entry(name.to_owned()).or_insert_with(|| KeyPair::generate().unwrap());
        let pem = match form {
            "key(" => key.serialize_pem(),
            "chain(" => certificate(&parts, key) + &certificate(&["other.example.com"], &KeyPair::generate().unwrap()),
            "issued(" => issued(&parts, key).concat(),
            "leaf(" => issued(&parts, key).swap_remove(0),
            "authority(" => authority(&parts).self_signed(key).unwrap().pem(),
            _ => certificate(&parts, key),
        };
        return Some((&line[..start], pem));
    }
    None
}

/// `HOSTS; FROM..UNTIL`, self-signed. `CN=name` instead of hosts: no SAN, that common name.
pub(crate) fn certificate(parts: &[&str], key: &KeyPair) -> String {
    params(parts).self_signed(key).unwrap().pem()
}

/// `HOSTS; FROM..UNTIL; KEY; FROM..UNTIL of the issuer`: a certificate and its issuer.
fn issued(parts: &[&str], key: &KeyPair) -> Vec<String> {
    let issuing_key = KeyPair::generate().unwrap();
    let issuer = authority(&["CN=Example Intermediate", parts.get(3).unwrap_or(&"")]);
    let issuer_pem = issuer.self_signed(&issuing_key).unwrap().pem();
    let leaf = params(parts).signed_by(key, &Issuer::new(issuer, issuing_key)).unwrap();
    vec![leaf.pem(), issuer_pem]
}

/// The parameters of a certificate authority.
fn authority(parts: &[&str]) -> CertificateParams {
    let mut params = params(parts);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn params(parts: &[&str]) -> CertificateParams {
    let hosts = parts[0];
    let (sans, name) = match hosts.strip_prefix("CN=") {
        Some(name) => (Vec::new(), name),
        None => (hosts.split(',').map(|host| host.trim().to_owned()).collect(), "ingress-guard test"),
    };
    let mut params = CertificateParams::new(sans).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let (from, until) = parts.get(1).and_then(|dates| dates.split_once("..")).unwrap_or(("2026-01-01", "2036-01-01"));
    params.not_before = day(from);
    params.not_after = day(until);
    params
}

fn day(text: &str) -> time::OffsetDateTime {
    let parts: Vec<i32> = text.split('-').map(|part| part.parse().unwrap()).collect();
    date_time_ymd(parts[0], u8::try_from(parts[1]).unwrap(), u8::try_from(parts[2]).unwrap())
}
