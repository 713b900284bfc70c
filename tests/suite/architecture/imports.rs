//! The import graph of the source files, read from their text: `use` declarations and inline `crate::` and `super::` paths.
//! An import of a name that a `mod.rs` re-exports is an import of the file that defines it.

use std::collections::{BTreeMap, BTreeSet};

/// A module path, e.g. `routing::location`.
type ModulePath = Vec<String>;

/// One source file.
struct File {
    module: ModulePath,
    /// The text without comments, tests and `use` declarations.
    body: String,
    /// The paths of `use` declarations; true: `pub use`.
    uses: Vec<(ModulePath, bool)>,
}

/// The files by their paths below `src`, and the files that each one imports.
pub(super) struct Imports {
    pub(super) of: BTreeMap<String, BTreeSet<String>>,
}

impl Imports {
    /// Reads the graph of these files, given as path below the repository and text.
    pub(super) fn read<'a>(sources: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let files: BTreeMap<String, File> = sources
            .filter(|(path, _)| !["src/main.rs", "src/lib.rs"].contains(path) && !path.ends_with("/tests.rs"))
            .map(|(path, text)| (path.to_owned(), File::read(path, text)))
            .collect();
        let modules: BTreeMap<&ModulePath, &str> = files.iter().map(|(path, file)| (&file.module, &**path)).collect();
        let graph = Graph { files: &files, modules };
        let of = files.iter().map(|(path, file)| (path.clone(), graph.imports(path, file))).collect();
        Self { of }
    }

    /// Returns the files that lie on a cycle, or between two, among those that `is_wanted` accepts; each with the files of
    /// them that it imports.
    pub(super) fn cycles(&self, is_wanted: impl Fn(&str) -> bool) -> BTreeMap<String, BTreeSet<String>> {
        let mut left: BTreeMap<String, BTreeSet<String>> =
            self.of.iter().filter(|(path, _)| is_wanted(path)).map(|(path, of)| (path.clone(), of.clone())).collect();
        loop {
            let names: BTreeSet<String> = left.keys().cloned().collect();
            for imports in left.values_mut() {
                imports.retain(|import| names.contains(import));
            }
            let imported: BTreeSet<String> = left.values().flatten().cloned().collect();
            let before = left.len();
            left.retain(|path, imports| !imports.is_empty() && imported.contains(path));
            if left.len() == before {
                return left;
            }
        }
    }
}

struct Graph<'a> {
    files: &'a BTreeMap<String, File>,
    modules: BTreeMap<&'a ModulePath, &'a str>,
}

impl Graph<'_> {
    fn imports(&self, path: &str, file: &File) -> BTreeSet<String> {
        // A re-export alone is not an import: the facade of a module does not depend on its parts.
        let is_import = |(of, is_public): &&(ModulePath, bool)| {
            !is_public || of.last().is_some_and(|name| words(&file.body).any(|word| word == name))
        };
        let inline = inline_paths(&file.body);
        let paths = file.uses.iter().filter(is_import).map(|(of, _)| of.clone()).chain(inline);
        let found = paths.filter_map(|of| self.resolve(&file.module, &of));
        found.filter(|found| found != path).collect()
    }

    /// Returns the file that defines what a path names, seen from a module; `None`: it is outside the crate.
    fn resolve(&self, from: &ModulePath, path: &[String]) -> Option<String> {
        let mut module = from.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => (module, rest) = (Vec::new(), &path[1..]),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    module.pop();
                    rest = &rest[1..];
                }
            }
            child => {
                let own = [&module[..], &[child.to_owned()]].concat();
                self.modules.get(&own)?;
            }
        }
        while let Some(child) = rest.first() {
            let inner = [&module[..], std::slice::from_ref(child)].concat();
            if !self.modules.contains_key(&inner) {
                break;
            }
            (module, rest) = (inner, &rest[1..]);
        }
        let file = *self.modules.get(&module)?;
        let name = rest.first();
        let exported = self.files[file].uses.iter().filter(|(_, is_public)| *is_public);
        let mut exported = exported.filter(|(of, _)| of.last() == name);
        match exported.next() {
            Some((of, _)) => self.resolve(&module, of).or_else(|| Some(file.to_owned())),
            None => Some(file.to_owned()),
        }
    }
}

impl File {
    fn read(path: &str, text: &str) -> Self {
        let path = path.trim_start_matches("src/").trim_end_matches(".rs");
        let module = path.split('/').filter(|part| *part != "mod").map(str::to_owned).collect();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let (mut body, mut uses) = (String::new(), Vec::new());
        let mut rest = code.join("\n");
        while let Some((at, is_public)) = next_use(&rest) {
            body.push_str(&rest[..at]);
            let end = at + rest[at..].find(';').expect("a use declaration ends");
            let declaration = rest[at..end].split_once("use ").expect("it is one").1;
            uses.extend(expanded(declaration).into_iter().map(|path| (path, is_public)));
            rest.replace_range(..=end, "");
        }
        body.push_str(&rest);
        Self { module, body, uses }
    }
}

/// Returns where the next `use` declaration starts, and whether it is public.
fn next_use(code: &str) -> Option<(usize, bool)> {
    let starts = ["use ", "pub use ", "pub(crate) use ", "pub(super) use "];
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        let bare = line.trim_start();
        if let Some(start) = starts.iter().position(|start| bare.starts_with(start)) {
            return Some((at + line.len() - bare.len(), start > 0));
        }
        at += line.len();
    }
    None
}

/// `a::{b, c::{d, e}}` → `a::b`, `a::c::d`, `a::c::e`; an alias counts by its original name.
fn expanded(declaration: &str) -> Vec<ModulePath> {
    let declaration = declaration.trim();
    let Some((before, inner)) = declaration.split_once('{') else {
        let path = declaration.split(" as ").next().unwrap_or_default();
        return vec![path.split("::").map(|segment| segment.trim().to_owned()).collect()];
    };
    let inner = inner.trim_end().strip_suffix('}').expect("braces are balanced");
    let prefix: ModulePath =
        before.split("::").map(str::trim).filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
    let mut depth = 0;
    let parts = inner.split(|character: char| {
        depth += i32::from(character == '{') - i32::from(character == '}');
        character == ',' && depth == 0
    });
    let parts = parts.map(str::trim).filter(|part| !part.is_empty());
    parts.flat_map(expanded).map(|path| [&prefix[..], &path[..]].concat()).collect()
}

/// Returns the paths of code that begin with `crate::` or `super::`.
fn inline_paths(body: &str) -> Vec<ModulePath> {
    let starts = body.match_indices("crate::").chain(body.match_indices("super::"));
    let starts = starts.map(|(at, _)| at).filter(|at| !body[..*at].ends_with("::"));
    let is_path = |character: char| character.is_alphanumeric() || "_:".contains(character);
    let paths = starts.map(|at| body[at..].split(|character| !is_path(character)).next().unwrap_or_default());
    paths.map(|path| path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_')
}

#[test]
fn imports_are_found_through_re_exports_and_in_every_form() {
    let sources = [
        ("src/a/mod.rs", "mod b;\nmod c;\npub use b::B;\npub use c::C;\nfn f(_: C) {}"),
        ("src/a/b.rs", "use super::C;\n// use crate::d::D;\npub struct B;"),
        ("src/a/c.rs", "pub struct C;\n#[cfg(test)]\nuse crate::d::D;"),
        ("src/d.rs", "use crate::{a::{B, C as Other}, e};\nfn f() { crate::a::c::g() }"),
        ("src/e.rs", "use std::fmt;\nfn f(_: &super::d::D) {}"),
    ];
    let imports = Imports::read(sources.into_iter());
    let of = |path: &str| imports.of[path].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(of("src/a/mod.rs"), ["src/a/c.rs"]);
    assert_eq!(of("src/a/b.rs"), ["src/a/c.rs"]);
    assert_eq!(of("src/a/c.rs"), [""; 0]);
    assert_eq!(of("src/d.rs"), ["src/a/b.rs", "src/a/c.rs", "src/e.rs"]);
    assert_eq!(of("src/e.rs"), ["src/d.rs"]);
    assert_eq!(imports.cycles(|_| true).into_keys().collect::<Vec<_>>(), ["src/d.rs", "src/e.rs"]);
}
