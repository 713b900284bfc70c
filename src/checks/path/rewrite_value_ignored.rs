//! IG313: `rewrite-target` or `use-regex` has a value that ingress-nginx drops.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::checks::findings::WARN;
use crate::checks::{Applies, Check, Context, Findings};
use crate::finding::{Level, Levels, Patch, Quoted};
use crate::model::{FieldPath, Host, Ingress, Kind, Kinds, NGINX_PREFIX, PathRef};
use crate::routing::annotation::{self, Annotation, Fault};
use crate::routing::{NginxAnnotations, is_plainly_regex};

pub(crate) static REWRITE_VALUE_IGNORED: Check = Check {
    code: "IG313",
    name: "rewrite-value-ignored",
    summary: "`rewrite-target` or `use-regex` has a value that ingress-nginx drops in silence",
    levels: Levels::both(Level::Deny),
    applies: Applies::NginxConfiguration,
    waivable: true,
    needs: Kinds::of(&[Kind::Ingress]),
    hints: Kinds::NONE,
    page: include_str!("rewrite_value_ignored.md"),
    run,
};

fn run(cx: &Context<'_>, out: &mut Findings) {
    // A canary's are not read at all (section 7.1).
    if cx.nginx().is_canary() {
        return;
    }
    for name in ["rewrite-target", "use-regex"] {
        let Some((row, value)) = annotation::find(name).zip(cx.nginx().value(name)) else { continue };
        // IG315 says what a control character does.
        let is_said_elsewhere = value.contains(|c: char| c.is_ascii_control());
        if let Some(fault) = row.fault(value, cx.dialect().validates_annotations()).filter(|_| !is_said_elsewhere) {
            report(cx, row, value, fault, out);
        }
    }
}

fn report(cx: &Context<'_>, row: &Annotation, value: &str, fault: Fault, out: &mut Findings) {
    let name = row.name;
    let key = format!("{NGINX_PREFIX}{name}");
    let field = FieldPath::annotation(&key);
    let flaw = fault.flaw.map(|flaw| flaw.to_string()).unwrap_or_default();
    let since = if fault.certain { "" } else { "from 1.12 on " };
    let patterns = || cx.ingress.paths().filter(|at| is_plainly_regex(at.path.routed()));
    let own = cx.nginx().use_regex() || is_rewritten(cx.ingress);
    let neighbours = RefCell::new(HashMap::new());
    let is_regex_host =
        |host| own || *neighbours.borrow_mut().entry(host).or_insert_with(|| has_regex_neighbour(cx, host));
    // Whatever else makes the host's paths patterns, a path that is to be rewritten is not.
    let lost =
        if name == "use-regex" { patterns().find(|at| !is_regex_host(&at.rule.host)) } else { patterns().next() };
    let consequence = match lost {
        Some(at) if is_regex_host(&at.rule.host) => {
            format!("{} is passed on as it is", path(at))
        }
        Some(at) => format!("{} is taken literally", path(at)),
        None if name == "use-regex" => "it counts as false".to_owned(),
        None => "nothing is rewritten".to_owned(),
    };
    let finding = out.add(field.clone(), key, format!("{} {flaw}: {since}{consequence}", Quoted(value)));
    finding.help(row.form.wanted());
    if let Some(mended) = row.form.mended(value) {
        finding.fix(Patch::on(&field, value).replace(&field, mended));
    }
    if lost.is_none() || !fault.certain {
        finding.at_most(WARN);
    }
    if name == "use-regex" {
        finding.rests_on_index("hosts");
    }
}

fn path(at: PathRef<'_>) -> String {
    format!("path {}", Quoted(at.path.routed()))
}

/// Its own target makes the host's paths patterns (section 2.6).
fn is_rewritten(ingress: &Ingress) -> bool {
    let annotations = NginxAnnotations::of(ingress);
    let rewrites = |target: &str| ingress.paths().any(|at| at.path.routed() != target);
    !annotations.is_canary() && annotations.rewrite_target().is_some_and(rewrites)
}

/// Another Ingress does, or may do.
fn has_regex_neighbour(cx: &Context<'_>, host: &Host) -> bool {
    let is_regex = |other: &Ingress| NginxAnnotations::of(other).use_regex() || is_rewritten(other);
    !cx.world.other_on(host, is_regex).is_absent()
}
