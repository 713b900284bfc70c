//! What each world is made of: the plain files, divided where they are alternatives, and the roots.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::ensure;

use super::alternatives::{self, Part};
use super::beside::Sources;
use super::duplicates::Duplicates;
use super::world::Material;
use crate::cluster::{Manifest, ManifestFile, ManifestSource, Manifests};
use crate::model::Kind;
use crate::report::Diagnostic;
use crate::repository::Root;

/// A root with the indexes of its files, or the reason why there are none.
pub(super) struct Loaded {
    pub(super) root: Root,
    pub(super) files: Result<Vec<usize>, String>,
    /// The indexes of the errors in them.
    pub(super) faults: Range<usize>,
}

impl Loaded {
    /// The text, if a program has rendered it.
    pub(super) fn rendered<'a>(&self, files: &'a [ManifestFile]) -> Option<&'a str> {
        let [file] = self.files.as_deref().ok()? else { return None };
        let file = &files[*file];
        (file.source == ManifestSource::Rendered).then_some(&file.text)
    }
}

/// The plain files, split where folders or files are alternatives.
pub(super) fn parts(files: &[ManifestFile], objects: &[Vec<Manifest>]) -> Vec<Part> {
    let files = files.iter().zip(objects).enumerate().map(|(index, (file, objects))| alternatives::File {
        index,
        path: &file.path,
        is_given: file.is_given,
        objects,
    });
    alternatives::split(&files.collect::<Vec<_>>())
}

/// The Ingresses of which several files of a folder are evaluated.
pub(super) fn of_alternatives(parts: &[Part], objects: &[Vec<Manifest>], files: &[ManifestFile]) -> Vec<Diagnostic> {
    let is_file = |part: &&Part| matches!(*part.own, [file] if part.path.as_ref() == Some(&files[file].path));
    let own = parts.iter().filter(is_file).flat_map(|part| &part.own).flat_map(|file| &objects[*file]);
    Duplicates::of_alternatives(&own.collect::<Vec<_>>(), files).diagnostics(files)
}

/// A world before it is made, with what the report says about it.
pub(super) struct Named<'a> {
    pub(super) material: Material<'a>,
    pub(super) not_rendered: Option<String>,
    /// Whether it is all given files as they are.
    pub(super) is_whole_plain: bool,
}

impl Named<'_> {
    pub(super) fn name(&self) -> &str {
        self.material.name.as_deref().unwrap_or(".")
    }
}

pub(super) fn materials<'a>(
    parts: &[Part],
    loaded: &'a [Loaded],
    objects: &'a [Vec<Manifest>],
    Manifests { files, elsewhere, .. }: &'a Manifests,
    given: &[PathBuf],
) -> Vec<Named<'a>> {
    let of = |files: &[usize]| Sources {
        objects: files.iter().flat_map(|file| &objects[*file]).collect(),
        elsewhere: files.iter().map(|file| &elsewhere[*file]).collect(),
    };
    let mut all = Vec::new();
    for part in parts {
        let (own, mut context, mut beside) = (of(&part.own), of(&part.context), of(&part.beside));
        let unclear = Duplicates::of(&context.objects, files).unclear().collect();
        // Every cluster has its IngressClasses. Other Ingresses may not be in the same one.
        let (namespaced, shared): (Vec<&Manifest>, Vec<&Manifest>) =
            beside.objects.into_iter().partition(|manifest| manifest.object.kind().is_namespaced());
        context.objects.extend(shared);
        beside.objects = namespaced.into_iter().filter(|manifest| manifest.object.kind() != Kind::Ingress).collect();
        // Beside roots, files without objects are no root.
        if own.objects.is_empty() && (!loaded.is_empty() || parts.len() > 1) {
            continue;
        }
        let name = part.path.as_ref().map(|path| below_given(path, given).into());
        let is_whole_plain = name.is_none() && loaded.is_empty() && parts.len() == 1;
        all.push(Named {
            material: Material { name, root: None, own, context, unclear, beside },
            not_rendered: None,
            is_whole_plain,
        });
    }
    for Loaded { root, files, .. } in loaded {
        let own = files.as_ref().map_or_else(|_| Sources::default(), |files| of(files));
        let name = Some(root.name.clone().into());
        let material = Material { name, root: Some(root), own, ..Material::default() };
        all.push(Named { material, not_rendered: files.as_ref().err().cloned(), is_whole_plain: false });
    }
    all
}

/// The name of a folder or file: its path below the given directory.
fn below_given(path: &Path, given: &[PathBuf]) -> String {
    let below = given.iter().filter_map(|given| path.strip_prefix(given.strip_prefix(".").unwrap_or(given)).ok());
    let name = below.into_iter().find(|below| !below.as_os_str().is_empty()).unwrap_or(path);
    name.display().to_string()
}

pub(super) fn is_named(name: &str, wanted: &str) -> bool {
    let wanted = wanted.strip_prefix("./").unwrap_or(wanted).trim_end_matches('/');
    name == wanted
}

/// Keeps the root that `--root` names.
pub(super) fn select(materials: &mut Vec<Named<'_>>, wanted: &str) -> anyhow::Result<()> {
    let names = materials.iter().map(|named| named.name().to_owned()).collect::<Vec<_>>().join(", ");
    materials.retain(|named| is_named(named.name(), wanted));
    ensure!(!materials.is_empty(), "--root {wanted}: no such root: {names}");
    Ok(())
}
