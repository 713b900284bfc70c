//! IG605: a canary of nothing.

use foldhash::{HashMap, HashMapExt as _};

use crate::checks::{Applies, Check, Context, Findings, ROUTES, effects};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{Backend, Host, Kind, Kinds, PathRef, PathType};
use crate::routing::{Claim, When};

pub(crate) static CANARY_WITHOUT_MAIN: Check = Check {
    code: "IG605",
    name: "canary-without-main",
    summary: "a canary whose main Ingress, with the same host, path and type, is not there",
    levels: Levels::new(Level::Warn, Level::Deny),
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("canary_without_main.md"),
    run,
};

/// What a canary path is merged into: the same text and type (section 7.1).
type Place<'a> = (&'a str, bool);

fn run(cx: &Context<'_>, out: &mut Findings) {
    if !cx.nginx().is_canary() {
        return;
    }
    let mut mains: HashMap<&Host, Option<HashMap<Place<'_>, Vec<&Backend>>>> = HashMap::new();
    for at in cx.ingress.paths().filter(|at| matches!(at.path.backend, Backend::Service { .. })) {
        let host = &at.rule.host;
        let main = mains.entry(host).or_insert_with(|| Some(places(&cx.claims(host, When::Before).found()?)));
        let Some(main) = main else { return };
        let mut help = "apply the main Ingress first, with the same host, path and pathType";
        let problem = match main.get(&place(at)) {
            None if main.is_empty() => {
                format!("no other Ingress has host {host}: {} from the default backend", effects::NOT_FOUND)
            }
            None => format!(
                "no other Ingress has {} {} on {host}: the canary gets no traffic",
                if at.path.path_type == PathType::Exact { "Exact" } else { "Prefix" },
                Quoted(at.path.routed())
            ),
            Some(backends) if backends.iter().all(|backend| **backend == at.path.backend) => {
                help = "give the canary a Service of its own";
                "its main Ingress has the same Service and port: there is nothing to choose between".to_owned()
            }
            Some(_) => continue,
        };
        if !cx.view.knows(Kind::Ingress) {
            return;
        }
        let finding = out.add(at.field(), at.subject(), problem);
        finding.rests_on_index("hosts");
        finding.help(help);
    }
}

/// The paths of Ingresses that are no canaries, with what stands behind each.
fn places<'a>(claims: &[Claim<'a>]) -> HashMap<Place<'a>, Vec<&'a Backend>> {
    let mut places: HashMap<Place<'a>, Vec<&Backend>> = HashMap::new();
    for claim in claims.iter().filter(|claim| !claim.is_canary) {
        for at in claim.rule.iter().flat_map(|rule| rule.paths()) {
            places.entry(place(at)).or_default().push(&at.path.backend);
        }
    }
    places
}

fn place(at: PathRef<'_>) -> Place<'_> {
    (at.path.routed(), at.path.path_type == PathType::Exact)
}
