//! IG309: a path on a host that somebody else made match patterns.

use foldhash::{HashMap, HashMapExt as _};

use crate::checks::routed_paths::{ROUTES, Request, gets, is_more_exact, of_host, of_other, routed, stands_in};
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels};
use crate::model::{Ingress, Kinds, PathType};
use crate::routing::{Server, is_plainly_regex, plain_samples};

pub(crate) static REGEX_HOST_INHERITED: Check = Check {
    code: "IG309",
    name: "regex-host-inherited",
    summary: "another Ingress turns on regex for the host, and this path does not answer what it is meant for",
    levels: Levels::both(Level::Warn),
    applies: Applies::NginxDialect,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("regex_host_inherited.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    let mut enables_regex = HashMap::new();
    for path in routed(cx).iter().filter(|path| path.server.is_regex) {
        let (text, path_type) = (path.text(), path.at.path.path_type);
        // IG304 has words of its own for Exact `/`; who writes a regex here counts on the other Ingress.
        if is_plainly_regex(text) || text.contains('|') || (text == "/" && path_type == PathType::Exact) {
            continue;
        }
        let switch = enables_regex.entry(&path.server.host).or_insert_with(|| switch(cx, &path.server));
        let Some(whose) = switch.filter(|of| of.meta.key != cx.ingress.meta.key) else { continue };
        for sample in plain_samples(text, path_type) {
            let Some(answer) = path.answer(cx, &sample) else { return };
            // Without a location it is something else that answers, `app-root` for example.
            let Some(location) = &answer.location else { continue };
            if stands_in(location, cx.ingress, path.at) || is_more_exact(location, &sample, text) {
                continue;
            }
            let message = format!(
                "a rewrite or use-regex{} makes this a regex: {} gets {}",
                of_other(cx, &whose.meta.key),
                Request(&sample),
                gets(cx, &answer)
            );
            let finding = of_host(cx, out.add(path.field(), path.at.subject(), message));
            finding.help("use another host");
            break;
        }
    }
}

/// Who turns on regex for a host; this Ingress itself, where it is among them.
fn switch<'a>(cx: &Context<'_>, server: &Server<'a>) -> Option<&'a Ingress> {
    let switching = || server.locations.iter().filter(|location| location.enables_regex).filter_map(|it| it.ingress);
    switching().find(|of| of.meta.key == cx.ingress.meta.key).or_else(|| switching().next())
}
