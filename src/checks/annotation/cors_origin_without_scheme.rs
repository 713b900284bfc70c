//! IG617: an origin of `cors-allow-origin` without a scheme.

use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};

pub(crate) static CORS_ORIGIN_WITHOUT_SCHEME: Check = Check {
    code: "IG617",
    name: "cors-origin-without-scheme",
    summary: "an origin of `cors-allow-origin` has no scheme, and the controller skips it",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("cors_origin_without_scheme.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    if cx.nginx().is_canary() {
        return;
    }
    for origin in cx.nginx().skipped_origins() {
        let message = format!(
            "{} has no scheme, the controller skips it: browsers of this origin get no CORS headers",
            Quoted(origin)
        );
        let field = FieldPath::annotation(&format!("{NGINX_PREFIX}cors-allow-origin"));
        let finding = out.add(field, format!("cors-allow-origin={origin}"), message);
        finding.help(format!("use {}", Quoted(&format!("https://{origin}"))));
    }
}
