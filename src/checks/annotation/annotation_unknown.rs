//! IG601: an annotation below the prefix of ingress-nginx that ingress-nginx does not have.

use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels, Patch};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::annotations::{self, Annotation};

pub(crate) static ANNOTATION_UNKNOWN: Check = Check {
    code: "IG601",
    name: "annotation-unknown",
    summary: "unknown annotation below `nginx.ingress.kubernetes.io/`",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::NginxDialect,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("annotation_unknown.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for (key, value) in cx.ingress.meta.annotations.iter() {
        let Some(name) = key.strip_prefix(NGINX_PREFIX) else { continue };
        match annotations::find(name) {
            Some(row) => too_new(cx, row, key, out),
            None => unknown(cx, (key, name, value), out),
        }
    }
}

fn unknown(cx: &Context<'_>, (key, name, value): (&str, &str, &str), out: &mut Findings) {
    let field = FieldPath::annotation_name(key);
    let message = format!("unknown ingress-nginx annotation: {}", effects::NO_EFFECT);
    let finding = out.add(field.clone(), key, message);
    let rows = annotations::ALL.iter().filter(|row| row.removed.is_none()).map(|row| row.name);
    let Some(near) = cx.nearest(name, rows) else {
        finding.help("check the spelling or remove it");
        return;
    };
    finding.help(format!("did you mean {near:?}?"));
    let meant = format!("{NGINX_PREFIX}{near}");
    let fits = annotations::find(near).is_some_and(|row| row.accepts(value));
    if fits && cx.ingress.meta.annotations.get(&meant).is_none() {
        let meant = FieldPath::annotation(&meant);
        finding.fix(Patch::on(&field, value).remove(&field).add(&meant, value));
    }
}

fn too_new(cx: &Context<'_>, row: &Annotation, key: &str, out: &mut Findings) {
    let (Some(since), Some(version)) = (row.since, cx.dialect().version) else { return };
    if version < since {
        let message = format!("added in ingress-nginx {since}, the controller is {version}: {}", effects::NO_EFFECT);
        let finding = out.add(FieldPath::annotation_name(key), key, message);
        finding.help(format!("upgrade the controller to {since} or remove the annotation"));
    }
}
