//! IG314: a location that nginx has twice.

use super::{ROUTES, of_host, of_other};
use crate::checks::context::WARN;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Ingress, Kinds};
use crate::routing::When;

pub(crate) static LOCATION_DUPLICATED: Check = Check {
    code: "IG314",
    name: "location-duplicated",
    summary: "two paths become the same location: the controller stops loading any change",
    levels: Levels::both(Level::Deny),
    applies: Applies::NginxConfiguration,
    waivable: false,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("location_duplicated.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for (_, host) in cx.ingress.hosts() {
        let Some(server) = cx.server(host, When::After).found() else { continue };
        let before = cx.server(host, When::Before).found();
        let was_broken = before.is_some_and(|before| before.duplicates().next().is_some());
        for (one, other) in server.duplicates() {
            let pair = [one, other].map(|location| location.at.zip(location.ingress));
            let [Some(one_at), Some(other_at)] = pair else { continue };
            let is_own = |(_, ingress): &(_, &Ingress)| ingress.meta.key == cx.ingress.meta.key;
            // The younger of the two is ours, or the elder, or neither.
            let ((at, _), (with, of)) = if is_own(&other_at) { (other_at, one_at) } else { (one_at, other_at) };
            let ours = is_own(&one_at) || is_own(&other_at);
            let field = if ours { at.field().field("path") } else { FieldPath::spec().field("rules") };
            let message = format!(
                "{} {} and {} {}{} both become location {}: nginx cannot load it, and no change of any Ingress takes effect",
                at.path.path_type.name(),
                Quoted(at.path.routed()),
                with.path.path_type.name(),
                Quoted(with.path.routed()),
                of_other(cx, &of.meta.key),
                one.directive()
            );
            let finding = of_host(cx, out.add(field, format!("{host} {}", one.directive()), message));
            finding.help("remove one of the two; a Prefix path takes both forms, with the slash and without");
            if was_broken || !ours {
                finding.at_most(WARN);
            }
        }
    }
}
