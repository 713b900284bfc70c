//! IG618: an annotation among the labels.

use crate::checks::{Applies, Check, Context, Findings, Release, effects};
use crate::finding::{Level, Levels};
use crate::model::{FieldPath, Kinds};

pub(crate) static ANNOTATION_MISPLACED: Check = Check {
    code: "IG618",
    name: "annotation-misplaced",
    summary: "a label has the key of an annotation, which controllers do not read there",
    levels: Levels::both(Level::Warn),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: true,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("annotation_misplaced.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for key in &cx.ingress.annotation_labels {
        let message = format!("a label, not an annotation: {}", effects::NO_EFFECT);
        let finding = out.add(FieldPath::label(key), &**key, message);
        finding.help("move it to metadata.annotations");
    }
}
