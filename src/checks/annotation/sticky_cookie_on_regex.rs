//! IG616: an affinity cookie whose path is the text of a regex.

use crate::checks::routed_paths::{ROUTES, of_host, routed};
use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};

pub(crate) static STICKY_COOKIE_ON_REGEX: Check = Check {
    code: "IG616",
    name: "sticky-cookie-on-regex",
    summary: "the path of the affinity cookie is a regex, and `session-cookie-path` is not set",
    levels: Levels::new(Level::Audit, Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: ROUTES,
    hints: Kinds::NONE,
    page: include_str!("sticky_cookie_on_regex.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    if !cx.nginx().is_sticky() || cx.nginx().accepted("session-cookie-path").is_some() {
        return;
    }
    for path in routed(cx).iter().filter(|path| path.server.is_regex) {
        let text = path.text();
        if !text.contains(|c| "\\^$|?*+()[]{}".contains(c)) {
            continue;
        }
        let message = format!(
            "session-cookie-path is not set, the cookie has the path {}: browsers do not send it back",
            Quoted(text)
        );
        let field = FieldPath::annotation(&format!("{NGINX_PREFIX}affinity"));
        of_host(cx, out.add(field, path.at.subject(), message)).help("set session-cookie-path, such as /");
    }
}
