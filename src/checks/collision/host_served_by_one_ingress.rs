//! IG506: the controller gives a host to one Ingress, and another one has it.

use crate::checks::findings::{AUDIT, older};
use crate::checks::{Applies, Check, Context, Findings, ROUTES, Release, effects};
use crate::finding::{Level, Levels};
use crate::model::{Host, Ingress, Kind, Kinds};
use crate::routing::{DroppedBecause, HostWinner, When};

pub(crate) static HOST_SERVED_BY_ONE_INGRESS: Check = Check {
    code: "IG506",
    name: "host-served-by-one-ingress",
    summary: "F5 NGINX Ingress Controller gives a host to one Ingress: an older one has it, or a minion has no master",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("host_served_by_one_ingress.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let is_contested = cx.controller.known.is_some_and(|known| known.one_ingress_per_host);
    if !is_contested || cx.is_unowned() || cx.dialect().family.reads_nginx_annotations() {
        return;
    }
    for rule in cx.ingress.rules().filter(|rule| rule.rule.host != Host::Any) {
        let host = &rule.rule.host;
        let Some(claims) = cx.claims(host, When::After).found() else { return };
        let Some(winner) = HostWinner::of(&claims) else { continue };
        let rival = match winner {
            HostWinner::Undecided(first, second) => rival(cx.ingress, first, second),
            HostWinner::Ingress(_) | HostWinner::NoMaster => None,
        };
        let (message, help) = match winner.refuses(cx.ingress) {
            Some(DroppedBecause::HostOf(other)) => {
                let other = older(cx, &other.meta.key);
                (format!("{host} belongs to {other} alone: {}", effects::NOT_FOUND), MERGE)
            }
            // The master may be outside the files.
            Some(DroppedBecause::NoMaster) if cx.view.knows(Kind::Ingress) => {
                (format!("a minion, and no Ingress is the master of {host}: {}", effects::NOT_FOUND), ADD_MASTER)
            }
            _ => match rival {
                Some(other) if cx.may_name(&other.meta.key.namespace) => {
                    let other = &other.meta.key;
                    (
                        format!(
                            "{host} belongs to one Ingress, and Ingress {other} has it as well: the oldest serves it"
                        ),
                        MERGE,
                    )
                }
                _ => continue,
            },
        };
        let finding = out.add(rule.field().field("host"), host.to_string(), message);
        finding.rests_on_index("hosts").help(help);
        if rival.is_some() {
            finding.at_most(AUDIT);
        }
    }
}

const MERGE: &str = "merge the paths or use nginx.org/mergeable-ingress-type";
const ADD_MASTER: &str = "add an Ingress of type master with this host";

/// Returns the other one of two Ingresses, if this is one of them.
fn rival<'a>(own: &Ingress, first: &'a Ingress, second: &'a Ingress) -> Option<&'a Ingress> {
    match () {
        () if first.meta.key == own.meta.key => Some(second),
        () if second.meta.key == own.meta.key => Some(first),
        () => None,
    }
}
