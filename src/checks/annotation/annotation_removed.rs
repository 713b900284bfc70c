//! IG610: an annotation that ingress-nginx once had.

use crate::checks::findings::AUDIT;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};

pub(crate) static ANNOTATION_REMOVED: Check = Check {
    code: "IG610",
    name: "annotation-removed",
    summary: "an annotation that the controller's version no longer knows",
    levels: Levels::both(Level::Warn),
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
        let message = format!("ingress-nginx {} removed it: it has no effect", removed.by);
        let finding = out.add(FieldPath::annotation_name(&key), key, message);
        finding.help(removed.instead);
        // A controller that reads Ingresses of today may be older than this.
        if version.is_none() && removed.by.reads_ingress_v1() {
            finding.at_most(AUDIT);
        }
    }
}
