//! How to correct `rewrite-target` and the paths of its Ingress. The annotation applies to every path of the Ingress, so
//! all findings on it suggest the same target.

use crate::checks::Context;
use crate::finding::Quoted;
use crate::model::{PathRef, PathType};
use crate::routing::{Piece, is_plainly_regex, literal_prefix, pieces};

/// Endings of a path that match everything below it.
const TAILS: [&str; 9] = ["(/|$)(.*)", "/?(.*)", "(/.*)?", "(/.*)", "/(.*)", "(.*)", "/.*", ".*", "/*"];

/// A target that suits every path of an Ingress, and the paths that it needs.
pub(super) struct RewriteAdvice {
    target: String,
    changes_target: bool,
    /// The number of capture groups that each path needs.
    groups: usize,
    /// Whether the last group alone holds the subpath, so that a path can be derived.
    keeps_subpath: bool,
}

impl RewriteAdvice {
    pub(super) fn new(cx: &Context<'_>, target: &str) -> Self {
        let paths = || cx.ingress.paths().map(|at| at.path.routed());
        let needed = captures(target).max().unwrap_or(0);
        let is_rooted = target.starts_with('/') || target.contains("://");
        let uses_one = captures(target).all(|group| group == needed);
        let suits_a_path = needed > 0 && paths().any(|path| groups(cx, path) >= needed);
        if !uses_one || suits_a_path {
            let keeps_subpath = uses_one && is_rooted;
            return Self { target: target.to_owned(), changes_target: false, groups: needed, keeps_subpath };
        }
        let groups = match paths().map(|path| usable_groups(cx, path)).max().unwrap_or(0) {
            0 if paths().all(|path| path == "/") => 1,
            0 => 2,
            most => most.min(9),
        };
        let suited = if needed == 0 {
            format!("{}/${groups}", target.trim_end_matches('/'))
        } else {
            target.replace(&format!("${needed}"), &format!("${groups}"))
        };
        let suited = if is_rooted { suited } else { format!("/{suited}") };
        Self { changes_target: suited != target, target: suited, groups, keeps_subpath: true }
    }

    /// Describes the advice for one path.
    pub(super) fn help(&self, cx: &Context<'_>, at: PathRef<'_>) -> String {
        let path = at.path.routed();
        // Since 1.12 the controller rejects a regex with another type (section 2.9).
        let (what, kind) = match at.path.path_type {
            PathType::ImplementationSpecific => ("path", ""),
            PathType::Exact | PathType::Prefix => ("ImplementationSpecific", " and pathType: ImplementationSpecific"),
        };
        let target = Quoted(&self.target);
        let Some(missing) = self.groups.checked_sub(usable_groups(cx, path)).filter(|missing| *missing > 0) else {
            return format!("use target {target}");
        };
        let change = match self.path(cx, path) {
            Some(instead) if self.changes_target => {
                return format!("use {what} {}, target {target}", Quoted(&instead));
            }
            Some(instead) => format!("use {what} {}", Quoted(&instead)),
            None if self.groups > 2 && stem(cx, path).is_some() => "move the path to a separate Ingress".to_owned(),
            None if missing == 1 => format!("add a capture group{kind} to the path"),
            None => format!("add {missing} capture groups{kind} to the path"),
        };
        if self.changes_target { format!("{change} and use target {target}") } else { change }
    }

    /// Returns a path that captures the subpath in its last group.
    fn path(&self, cx: &Context<'_>, path: &str) -> Option<String> {
        let stem = stem(cx, path).filter(|_| self.keeps_subpath)?;
        match (self.groups, &*stem) {
            (1, "") => Some("/(.*)".to_owned()),
            (2, "") => Some("/()(.*)".to_owned()),
            (1, stem) => Some(format!("{stem}(?:/|$)(.*)")),
            (2, stem) => Some(format!("{stem}(/|$)(.*)")),
            _ => None,
        }
    }
}

/// Returns the numbers of the capture groups that a target uses.
pub(super) fn captures(target: &str) -> impl Iterator<Item = usize> {
    pieces(target).filter_map(|piece| if let Piece::Capture(group) = piece { Some(group) } else { None })
}

fn groups(cx: &Context<'_>, path: &str) -> usize {
    if path.contains('(') { cx.pattern(path).map_or(0, |pattern| pattern.groups()) } else { 0 }
}

/// Counts the groups of a path. `/api(.*)` counts as none: its group holds a slash that the target has already.
fn usable_groups(cx: &Context<'_>, path: &str) -> usize {
    let is_glued = path.strip_suffix("(.*)").is_some_and(|stem| !stem.ends_with('/') && is_literal(stem));
    if is_glued { 0 } else { groups(cx, path) }
}

/// Returns the regex of the literal part before the end of a path: `/api` for `/api/`, `/api/*` and `/api/(.*)`.
fn stem(cx: &Context<'_>, path: &str) -> Option<String> {
    let stem = TAILS.iter().find_map(|tail| path.strip_suffix(tail)).unwrap_or(path).trim_end_matches('/');
    if is_literal(stem) {
        return Some(stem.to_owned());
    }
    let is_regex = is_plainly_regex(stem) || groups(cx, stem) > 0;
    (!is_regex).then(|| escaped(stem))
}

/// Whether a text is the same as a regex, apart from dots.
fn is_literal(text: &str) -> bool {
    text.split('.').all(|part| literal_prefix(part).len() == part.len())
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, character| {
        if r"\^$|?*+()[]{}".contains(character) {
            out.push('\\');
        }
        out.push(character);
        out
    })
}
