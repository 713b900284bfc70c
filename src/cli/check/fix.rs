//! `--fix` and `--diff`: every safe fix done to the text of the files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use similar::TextDiff;

use super::input::Input;
use super::options::Arguments;
use crate::cluster::{ManifestFile, Origin};
use crate::document::{Document, Unfixable};
use crate::finding::{Patch, one_line};
use crate::model::Key;
use crate::report::{Entry, Report};

/// The fixes of a file.
#[derive(Default)]
struct Mended {
    text: String,
    done: usize,
}

/// Do the fixes in the files; whether there were any.
pub(super) fn write(input: &Input, report: &Report) -> anyhow::Result<bool> {
    let mut any = false;
    for (file, fixed) in fixed(input, report)? {
        let ManifestFile { path, has_mark, .. } = &input.manifests.files[file];
        let mark = if *has_mark { "\u{feff}" } else { "" };
        fs::write(path, format!("{mark}{}", fixed.text)).with_context(|| path.display().to_string())?;
        say(&format!("{}: {} mended", path.display(), fixed.done));
        any = true;
    }
    Ok(any)
}

/// Print what [`write()`] would do.
pub(super) fn print_diff(input: &Input, report: &Report, arguments: &Arguments) -> anyhow::Result<()> {
    let mut out = String::new();
    for (file, fixed) in fixed(input, report)? {
        let ManifestFile { path, text, .. } = &input.manifests.files[file];
        let name = named(path);
        let diff = TextDiff::from_lines(text, &fixed.text);
        let _ = write!(out, "{}", diff.unified_diff().header(&format!("a/{name}"), &format!("b/{name}")));
    }
    if arguments.outputs.is_text() || !out.is_empty() { crate::cli::print(&out) } else { Ok(()) }
}

/// The name of a file in a patch: from this folder, which is where `git apply` and `patch` look for it, and with the tab that
/// ends a name in which there are blanks.
fn named(path: &Path) -> String {
    let here = || path.canonicalize().ok()?.strip_prefix(Path::new(".").canonicalize().ok()?).ok().map(Path::to_owned);
    let name = one_line(&here().unwrap_or_else(|| path.to_owned()).to_string_lossy());
    if name.contains(' ') { name + "\t" } else { name }
}

/// A finding, and how it is mended.
type Fix<'a> = (&'a Entry, &'a Patch);

/// The objects of a document that have fixes, by their places in it.
type Objects<'a> = BTreeMap<&'a [usize], (&'a Origin, Vec<Fix<'a>>)>;

/// The files that have fixes, by their numbers, with their new text.
fn fixed(input: &Input, report: &Report) -> anyhow::Result<BTreeMap<usize, Mended>> {
    let mut documents: BTreeMap<(usize, usize), Objects<'_>> = BTreeMap::new();
    for entry in report.findings.iter().filter(|entry| entry.waived.is_none() && !entry.baseline) {
        let origin = input.origin(&Key::new(&entry.namespace, &entry.ingress));
        if let (Some(fix), Some(origin)) = (&entry.fix, origin) {
            let objects = documents.entry((origin.file, origin.document.start)).or_default();
            objects.entry(&origin.items).or_insert_with(|| (origin, Vec::new())).1.push((entry, fix));
        }
    }
    let mut files: BTreeMap<usize, Mended> = BTreeMap::new();
    // From the end of each file: what has changed behind an object does not move it.
    for ((file, _), objects) in documents.into_iter().rev() {
        let text = &input.manifests.files[file].text;
        let mut document = None;
        for (_, (origin, fixes)) in objects.into_iter().rev() {
            let parsed = &*document.get_or_insert_with(|| Document::parse(text, origin.document.clone()));
            let parsed = parsed.as_ref().ok_or(Unfixable::Mismatch);
            let mut object = parsed.and_then(|document| document.object(text, &origin.items));
            let mut done: Vec<&Patch> = Vec::new();
            for (entry, fix) in fixes {
                if done.contains(&fix) {
                    continue;
                }
                let outcome = match &mut object {
                    Ok(object) => object.fix(fix).map(|_| ()),
                    Err(refusal) => Err(*refusal),
                };
                match outcome {
                    Ok(()) => done.push(fix),
                    Err(refusal) => say(&refused(entry, fix, &refusal.to_string())?),
                }
            }
            if let Ok(object) = object
                && !done.is_empty()
            {
                let fixed = files.entry(file).or_insert_with(|| Mended { text: text.clone(), done: 0 });
                fixed.text.replace_range(object.bytes(), object.text());
                fixed.done += done.len();
            }
        }
    }
    Ok(files)
}

/// Why a fix is left to people, and what it is.
fn refused(entry: &Entry, fix: &Patch, why: &str) -> anyhow::Result<String> {
    let place = entry.place.as_ref().map_or(String::new(), |at| format!("{}:{}:{}: ", at.file, at.line, at.column));
    let patch = serde_json::to_string(fix)?;
    Ok(format!(
        "{place}{} not mended: {why}; the JSON patch of {}/{}: {patch}",
        entry.code, entry.namespace, entry.ingress
    ))
}

/// A line beside the report.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", one_line(line));
}
