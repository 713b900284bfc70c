//! `--fix` and `--diff`: apply every safe fix to the text of the files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal as _, stdout};
use std::path::Path;

use anyhow::{Context as _, ensure};
use similar::TextDiff;

use super::input::{Input, LARGEST};
use super::options::Arguments;
use crate::cli::note;
use crate::cluster::{Encoding, ManifestFile, ManifestSource, Origin};
use crate::document::{Document, Object, Unfixable};
use crate::file::{self, Access};
use crate::finding::{Patch, is_invisible, one_line};
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
///
/// A file that a symbolic link adds to the given directory from outside is not written: the link may come from a repository that
/// others write, and lead to any file of this user.
pub(super) fn write(input: &Input, report: &Report) -> anyhow::Result<bool> {
    let mut is_any_written = false;
    for (file, fixed) in fixed(input, report)? {
        let file = &input.manifests.files[file];
        let name = file.path.display();
        let real = match &file.source {
            ManifestSource::Within(_) if file.encoding == Encoding::Utf16 => {
                note(&format!("{name}: not fixed: UTF-16; convert the file to UTF-8"));
                continue;
            }
            ManifestSource::Within(real) => real,
            ManifestSource::Outside(real) => {
                note(&format!("{name}: not fixed: a symbolic link leads out of the directory, to {}", real.display()));
                continue;
            }
            ManifestSource::Rendered => continue,
            ManifestSource::Stream => {
                note(&format!("{name}: not fixed: a pipe, not a file"));
                continue;
            }
        };
        replace(real, file, &fixed.text).with_context(|| format!("cannot write {name}"))?;
        is_any_written = true;
        note(&format!("{name}: {} fixed", fixed.count));
    }
    Ok(is_any_written)
}

/// Replaces the content of a file, unless another program has changed it since it was read.
fn replace(real: &Path, ManifestFile { text, encoding, .. }: &ManifestFile, fixed: &str) -> anyhow::Result<()> {
    let mark = if *encoding == Encoding::Utf8WithMark { "\u{feff}" } else { "" };
    let now = file::read_text(real, LARGEST)?;
    ensure!(now.strip_prefix(mark) == Some(text), "it has changed since it was read; run the command again");
    file::replace(real, Access::Usual, |out| write!(out, "{mark}{fixed}"))?;
    Ok(())
}

/// Prints the changes of [`write()`] as a patch.
pub(super) fn print_diff(input: &Input, report: &Report, arguments: &Arguments) -> anyhow::Result<()> {
    let mut out = String::new();
    for (file, fixed) in fixed(input, report)? {
        let ManifestFile { path, text, .. } = &input.manifests.files[file];
        let [before, after] = ["a", "b"].map(|side| name_in_patch(side, path));
        let diff = TextDiff::from_lines(text, &fixed.text);
        out += &diff.unified_diff().header(&before, &after).to_string();
    }
    // A program gets the patch byte for byte, a terminal nothing that it could execute.
    if stdout().is_terminal() {
        out = out.split('\n').map(one_line).collect::<Vec<_>>().join("\n");
    }
    if arguments.outputs.is_text() || !out.is_empty() { crate::cli::print(&out) } else { Ok(()) }
}

/// The name of a file in a patch, after `a/` or `b/`: relative to the working directory, as `git apply` and `patch` expect it. A name
/// that contains spaces has a tab at its end; one that could not be shown is in quotes, with its bytes in octal, as `git diff` does.
fn name_in_patch(side: &str, path: &Path) -> String {
    let here = || path.canonicalize().ok()?.strip_prefix(Path::new(".").canonicalize().ok()?).ok().map(Path::to_owned);
    let name = here().unwrap_or_else(|| path.to_owned());
    let name = format!("{side}/{}", name.to_string_lossy());
    if name.contains(|c| is_invisible(c) || c == '"' || c == '\\') {
        let quoted = name.bytes().map(|byte| match byte {
            b'"' | b'\\' => format!("\\{}", char::from(byte)),
            b' '..=b'~' => char::from(byte).to_string(),
            _ => format!("\\{byte:03o}"),
        });
        format!("\"{}\"", quoted.collect::<String>())
    } else if name.contains(' ') {
        name + "\t"
    } else {
        name
    }
}

/// Notes the roots whose findings have fixes that their files cannot get: other files or values make the objects.
fn note_roots_that_stay(input: &Input, report: &Report) {
    let fixable =
        report.findings.iter().filter(|entry| entry.fix.is_some() && entry.waived.is_none() && !entry.baseline);
    let roots: BTreeSet<&str> = fixable.filter_map(|entry| entry.root.as_deref()).collect();
    for root in roots {
        if input.world(Some(root)).is_some_and(|world| !world.is_fixable) {
            note(&format!("{root}: not fixed: a kustomization or chart, whose objects several files make"));
        }
    }
}

/// Applies all fixes. Returns the changed files by their index.
fn fixed(input: &Input, report: &Report) -> anyhow::Result<BTreeMap<usize, Fixed>> {
    note_roots_that_stay(input, report);
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
        let world = input.world(entry.root.as_deref()).filter(|world| world.is_fixable);
        let origin = world.and_then(|world| world.origin(&Key::new(&entry.namespace, &entry.ingress)));
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
