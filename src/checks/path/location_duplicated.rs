//! IG314: two paths that generate the same nginx location.

use foldhash::{HashSet, HashSetExt as _};

use crate::checks::findings::WARN;
use crate::checks::routed_paths::{ROUTES, may_match_otherwise, of_host, of_other, reload_fails};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Ingress, Kinds, PathType};
use crate::routing::When;

pub(crate) static LOCATION_DUPLICATED: Check = Check {
    code: "IG314",
    name: "location-duplicated",
    summary: "two paths generate the same nginx location: nginx cannot reload",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: false,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("location_duplicated.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let is_own = |ingress: &Ingress| ingress.meta.key == cx.ingress.meta.key;
    for (_, host) in cx.ingress.hosts() {
        let Some(server) = cx.server(host, When::After).found() else { continue };
        let mut pairs = server.duplicates().peekable();
        if pairs.peek().is_none() {
            continue;
        }
        // A location that is duplicated without this Ingress only warns.
        let before = cx.server(host, When::Before).found();
        let before: HashSet<String> =
            before.iter().flat_map(|before| before.duplicates()).map(|(one, _)| one.directive()).collect();
        let is_doubtful = may_match_otherwise(cx, &server);
        let mut reported = HashSet::new();
        for (one, other) in pairs {
            let pair = [one, other].map(|location| location.at.zip(location.ingress));
            let [Some(one_of), Some(other_of)] = pair else { continue };
            let directive = one.directive();
            if !reported.insert(directive.clone()) {
                continue;
            }
            // This Ingress defines the younger location, the older one, or neither.
            let (first, second) = if is_own(other_of.1) { (other_of, one_of) } else { (one_of, other_of) };
            let (at, ours) = (first.0, is_own(first.1));
            let field = if ours { at.field().field("path") } else { FieldPath::spec().field("rules") };
            let twice = match at.path.routed() {
                path if path == second.0.path.routed() => {
                    // An Exact and a Prefix path generate different locations.
                    let path_type = if at.path.path_type == PathType::Exact { "Exact" } else { "Prefix" };
                    format!("{} is defined twice as {path_type}{}", Quoted(path), of_other(cx, &second.1.meta.key))
                }
                path => {
                    let (one, other) = (of_other(cx, &first.1.meta.key), of_other(cx, &second.1.meta.key));
                    let second = Quoted(second.0.path.routed());
                    format!("{}{one} and {second}{other} generate the same nginx location", Quoted(path))
                }
            };
            let effect = reload_fails(&server);
            let message = format!("{twice}: {effect}");
            let is_old = before.contains(&directive);
            let finding = of_host(cx, out.add(field, format!("{host} {directive}"), message));
            finding.help(if at.path.routed() == second.0.path.routed() {
                "remove one of the two paths"
            } else {
                "remove the path with the trailing slash"
            });
            let may_lack = || cx.routes().may_lack(&server, &[one, other], cx.ingress, When::After);
            if is_old || !ours || is_doubtful || server.forbidden.is_some() || may_lack() {
                finding.at_most(WARN);
            }
        }
    }
}
