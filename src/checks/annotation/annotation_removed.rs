//! IG610: an annotation that was removed from ingress-nginx.

use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};

pub(crate) static ANNOTATION_REMOVED: Check = Check {
    code: "IG610",
    name: "annotation-removed",
    summary: "the annotation was removed from ingress-nginx",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("annotation_removed.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for (row, _) in cx.nginx().known() {
        let Some(removed) = row.removed else { continue };
        let version = cx.dialect().version;
        if version.is_some_and(|version| version < removed.by) {
            continue;
        }
        let key = format!("{NGINX_PREFIX}{}", row.name);
        let message = format!("removed in ingress-nginx {}: {}", removed.by, effects::NO_EFFECT);
        let finding = out.add(FieldPath::annotation_name(&key), key, message);
        finding.help(removed.instead);
        // A controller of unknown version may be older than the removal.
        if version.is_none() && removed.by.reads_ingress_v1() {
            finding.at_most(AUDIT);
        }
    }
}
