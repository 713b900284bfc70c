//! `--fix` and `--diff`: apply every safe fix to the text of the files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use similar::TextDiff;

use super::input::Input;
use super::options::Arguments;
use crate::cli::note;
use crate::cluster::{ManifestFile, Origin};
use crate::document::{Document, Object, Unfixable};
use crate::finding::{Patch, one_line};
use crate::model::Key;
use crate::report::{Entry, Report};

/// A file with its fixes applied.
#[derive(Default)]
struct Fixed {
    text: String,
    count: usize,
}

/// A finding with its fix.
type Fix<'a> = (&'a Entry, &'a Patch);

/// The objects of a document that have fixes, by their position in it.
type Objects<'a> = BTreeMap<&'a [usize], (&'a Origin, Vec<Fix<'a>>)>;

/// Writes the fixed files. Returns whether there were any.
pub(super) fn write(input: &Input, report: &Report) -> anyhow::Result<bool> {
    let files = fixed(input, report)?;
    for (file, fixed) in &files {
        let ManifestFile { path, has_mark, .. } = &input.manifests.files[*file];
        let mark = if *has_mark { "\u{feff}" } else { "" };
        let written = fs::write(path, format!("{mark}{}", fixed.text));
        written.with_context(|| format!("cannot write {}", path.display()))?;
        note(&format!("{}: {} fixed", path.display(), fixed.count));
    }
    Ok(!files.is_empty())
}

/// Prints the changes of [`write()`] as a patch.
pub(super) fn print_diff(input: &Input, report: &Report, arguments: &Arguments) -> anyhow::Result<()> {
    let mut out = String::new();
    for (file, fixed) in fixed(input, report)? {
        let ManifestFile { path, text, .. } = &input.manifests.files[file];
        let name = name_in_patch(path);
        let diff = TextDiff::from_lines(text, &fixed.text);
        let _ = write!(out, "{}", diff.unified_diff().header(&format!("a/{name}"), &format!("b/{name}")));
    }
    if arguments.outputs.is_text() || !out.is_empty() { crate::cli::print(&out) } else { Ok(()) }
}

/// The name of a file in a patch: relative to the working directory, as `git apply` and `patch` expect it, and with a tab at the end
/// of a name that contains spaces.
fn name_in_patch(path: &Path) -> String {
    let here = || path.canonicalize().ok()?.strip_prefix(Path::new(".").canonicalize().ok()?).ok().map(Path::to_owned);
    let name = one_line(&here().unwrap_or_else(|| path.to_owned()).to_string_lossy());
    if name.contains(' ') { name + "\t" } else { name }
}

/// Applies all fixes. Returns the changed files by their index.
fn fixed(input: &Input, report: &Report) -> anyhow::Result<BTreeMap<usize, Fixed>> {
    let mut files: BTreeMap<usize, Fixed> = BTreeMap::new();
    // From the end of each file, so that an edit does not move the objects before it.
    for ((file, _), objects) in by_document(input, report).into_iter().rev() {
        let text = &input.manifests.files[file].text;
        let mut document = None;
        for (_, (origin, fixes)) in objects.into_iter().rev() {
            let document = &*document.get_or_insert_with(|| Document::parse(text, origin.document.clone()));
            let document = document.as_ref().ok_or(Unfixable::Mismatch);
            let mut object = document.and_then(|document| document.object(text, &origin.items));
            let count = apply(&mut object, &fixes)?;
            if let Ok(object) = object
                && count > 0
            {
                let fixed = files.entry(file).or_insert_with(|| Fixed { text: text.clone(), count: 0 });
                fixed.text.replace_range(object.bytes(), object.text());
                fixed.count += count;
            }
        }
    }
    Ok(files)
}

/// The fixes of a report by file and document.
fn by_document<'a>(input: &'a Input, report: &'a Report) -> BTreeMap<(usize, usize), Objects<'a>> {
    let mut documents: BTreeMap<(usize, usize), Objects<'_>> = BTreeMap::new();
    for entry in report.findings.iter().filter(|entry| entry.waived.is_none() && !entry.baseline) {
        let origin = input.origin(&Key::new(&entry.namespace, &entry.ingress));
        if let (Some(fix), Some(origin)) = (&entry.fix, origin) {
            let objects = documents.entry((origin.file, origin.document.start)).or_default();
            objects.entry(&origin.items).or_insert_with(|| (origin, Vec::new())).1.push((entry, fix));
        }
    }
    documents
}

/// Applies fixes to an object and returns their number. A fix that cannot be applied is printed as a JSON patch.
fn apply(object: &mut Result<Object<'_>, Unfixable>, fixes: &[Fix<'_>]) -> anyhow::Result<usize> {
    let mut applied: Vec<&Patch> = Vec::new();
    for (entry, fix) in fixes {
        if applied.contains(fix) {
            continue;
        }
        let outcome = match object {
            Ok(object) => object.fix(fix).map(|_| ()),
            Err(reason) => Err(*reason),
        };
        match outcome {
            Ok(()) => applied.push(fix),
            Err(reason) => note(&not_fixed(entry, fix, reason)?),
        }
    }
    Ok(applied.len())
}

fn not_fixed(entry: &Entry, fix: &Patch, reason: Unfixable) -> anyhow::Result<String> {
    let place = entry.place.as_ref().map_or(String::new(), |at| format!("{}:{}:{}: ", at.file, at.line, at.column));
    let patch = serde_json::to_string(fix)?;
    Ok(format!(
        "{place}{} not fixed: {reason}; JSON patch for Ingress {}/{}: {patch}",
        entry.code, entry.namespace, entry.ingress
    ))
}
