//! IG315: a line break or another control character where it is a mistake or an attack.

use crate::checks::{Applies, Check, Context, Findings, Release};
use crate::finding::{Level, Levels, Quoted};
use crate::model::{FieldPath, Kinds, NGINX_PREFIX};
use crate::routing::annotations;

pub(crate) static PATH_CONTROL_CHARACTER: Check = Check {
    code: "IG315",
    name: "path-control-character",
    summary: "a path or a one-line annotation contains a control character",
    levels: Levels::both(Level::Deny),
    since: Release(0, 1),
    raised: &[],
    applies: Applies::Everywhere,
    waivable: false,
    needs: Kinds::NONE,
    hints: Kinds::NONE,
    page: include_str!("path_control_character.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    for at in cx.ingress.paths() {
        if let Some(character) = control_character(&at.path.path) {
            let path = Quoted(&at.path.path);
            let message = format!(
                "path {path} contains the control character {character:?}: \
                 requests do not match it, and it can break the configuration of the controller"
            );
            out.add(at.field().field("path"), at.subject(), message).help("check the YAML for a block after | or >");
        }
    }
    if cx.dialect().family.reads_nginx_annotations() {
        annotations(cx, out);
    }
}

fn annotations(cx: &Context<'_>, out: &mut Findings) {
    for (key, value) in cx.ingress.meta.annotations.iter() {
        let row = key.strip_prefix(NGINX_PREFIX).and_then(annotations::find);
        let is_one_line = row.is_some_and(|row| row.form.is_one_line());
        if let Some(character) = control_character(value).filter(|_| is_one_line) {
            let message = format!(
                "{} contains the control character {character:?}: \
                 ingress-nginx ignores this annotation or drops the whole Ingress",
                Quoted(value)
            );
            let finding = out.add(FieldPath::annotation(key), key, message);
            finding.at_most(Levels::new(Level::Warn, Level::Deny)).help("write it on one line");
        }
    }
}

fn control_character(text: &str) -> Option<char> {
    // Beyond ASCII a control character is an ordinary byte to a server.
    text.chars().find(char::is_ascii_control)
}
