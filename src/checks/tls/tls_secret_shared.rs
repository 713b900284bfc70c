//! IG412: one Secret for unrelated domains.

use std::collections::BTreeMap;

use super::secret_field;
use crate::checks::findings::list;
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Host, Kinds};

pub(crate) static TLS_SECRET_SHARED: Check = Check {
    code: "IG412",
    name: "tls-secret-shared",
    summary: "policy: one Secret for hosts of unrelated domains",
    levels: Levels::both(Level::Off),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("tls_secret_shared.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // Secret → the first entry that names it, and one host of each domain.
    let mut shared: BTreeMap<&str, (usize, BTreeMap<&str, &Host>)> = BTreeMap::new();
    for (index, entry) in cx.ingress.tls.iter().enumerate() {
        let Some(secret) = entry.secret_name.as_deref() else { continue };
        let (_, domains) = shared.entry(secret).or_insert_with(|| (index, BTreeMap::new()));
        for host in &entry.hosts {
            if let Some(domain) = domain(host) {
                domains.entry(domain).or_insert(host);
            }
        }
    }
    for (secret, (index, domains)) in shared.into_iter().filter(|(_, (_, domains))| domains.len() > 1) {
        let message = format!(
            "Secret {} is used for several domains, forbidden by check tls-secret-shared: a leaked key affects {}",
            Quoted(secret),
            list(domains.values())
        );
        let finding = out.add(secret_field(index), format!("secret={secret}"), message);
        finding.help("use a separate Secret for each domain");
    }
}

/// Returns the last two labels. Hosts that share them count as related.
fn domain(host: &Host) -> Option<&str> {
    let (Host::Exact(name) | Host::Wildcard(name)) = host else { return None };
    let mut dots = name.rmatch_indices('.').map(|(dot, _)| dot + 1);
    Some(dots.nth(1).map_or(&**name, |start| &name[start..]))
}
