//! Renders kustomizations and charts with the programs that people have.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Context as _;
use tempfile::TempDir;

use super::options::Arguments;
use super::program::{Program, Time};
use super::repository_options::Render;
use crate::repository::{Content, Release, Root};

/// The result for one root.
pub(super) enum Rendering {
    /// Its files are applied as they are.
    NotNeeded,
    /// The manifests.
    Done(String),
    /// The reason.
    Failed(String),
}

/// The programs and the options for them.
pub(super) struct Renderer<'a> {
    arguments: &'a Arguments,
    kustomize: Option<(Program, &'static [&'static str])>,
    helm: Option<Program>,
    time: Time,
}

impl<'a> Renderer<'a> {
    pub(super) fn new(arguments: &'a Arguments) -> Self {
        let trees: Vec<PathBuf> = arguments.paths.iter().filter_map(|path| tree_of(path)).collect();
        let find = |name| Program::find(name, &trees);
        let kustomize = find("kustomize").map(|program| (program, &["build"][..]));
        Self {
            arguments,
            kustomize: kustomize.or_else(|| Some((find("kubectl")?, &["kustomize"][..]))),
            helm: find("helm"),
            time: Time::from_now(),
        }
    }

    /// Renders roots in parallel. The results are in order.
    pub(super) fn render_all(&self, roots: &[Root]) -> anyhow::Result<Vec<Rendering>> {
        let home = tempfile::tempdir().context("cannot create a temporary directory")?;
        // If kustomize took a name for the address of a repository, git would not fetch it.
        fs::write(home.path().join(".gitconfig"), "[protocol]\n\tallow = never\n")?;
        let threads = thread::available_parallelism().map_or(1, usize::from).min(roots.len());
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<Option<Rendering>>> = Mutex::new(roots.iter().map(|_| None).collect());
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some((at, root)) = nth(roots, next.fetch_add(1, Ordering::Relaxed)) {
                        let rendering = self.render(root, &home);
                        if let Ok(mut done) = done.lock() {
                            done[at] = Some(rendering);
                        }
                    }
                });
            }
        });
        let done = done.into_inner().unwrap_or_default();
        Ok(done.into_iter().map(|done| done.unwrap_or_else(|| Rendering::Failed("not rendered".to_owned()))).collect())
    }

    fn render(&self, root: &Root, home: &TempDir) -> Rendering {
        let outcome = match &root.content {
            Content::Files(_) => return Rendering::NotNeeded,
            Content::Refused(reason) => Err(reason.clone()),
            _ if self.arguments.repository.render == Render::Never => Err("--render never".to_owned()),
            Content::Kustomization(_) => match &self.kustomize {
                Some((program, command)) => {
                    let command = command.iter().map(|word| (*word).to_owned());
                    program.run(&command.chain([text(&root.real)]).collect::<Vec<_>>(), home.path(), self.time)
                }
                None => Err("neither kustomize nor kubectl is on PATH".to_owned()),
            },
            Content::Chart(release) => match &self.helm {
                Some(program) => self.chart(program, root, release, home.path()),
                None => Err("helm is not on PATH".to_owned()),
            },
        };
        outcome.map_or_else(Rendering::Failed, Rendering::Done)
    }

    fn chart(&self, helm: &Program, root: &Root, release: &Release, home: &Path) -> Result<String, String> {
        let namespace = root.namespace.as_deref().unwrap_or(self.arguments.namespace());
        let mut arguments: Vec<String> =
            ["template", &release_name(&release.name), &text(&root.real), "--skip-tests", "--namespace", namespace]
                .map(str::to_owned)
                .to_vec();
        // A schema can refer to another one in the network, which helm would load.
        arguments.push("--skip-schema-validation".to_owned());
        for file in &release.files {
            arguments.extend(["--values".to_owned(), csv(file)]);
        }
        let inline = release.inline.as_ref().map(|values| written(home, values)).transpose()?;
        if let Some(file) = &inline {
            arguments.extend(["--values".to_owned(), csv(file.path())]);
        }
        // Without it, a helm that was built from source assumes the version of its libraries, which can be 1.20.
        arguments.extend(["--kube-version".to_owned(), format!("{}.0", self.arguments.kube_version)]);
        for version in &self.arguments.repository.api_versions {
            arguments.extend(["--api-versions".to_owned(), version.clone()]);
        }
        helm.run(&arguments, home, self.time)
    }
}

fn written(home: &Path, values: &str) -> Result<tempfile::NamedTempFile, String> {
    let file = tempfile::NamedTempFile::new_in(home).map_err(|error| error.to_string())?;
    fs::write(file.path(), values).map_err(|error| error.to_string())?;
    Ok(file)
}

fn nth(roots: &[Root], at: usize) -> Option<(usize, &Root)> {
    Some((at, roots.get(at)?))
}

/// The root of the repository of a path, or its directory: a program in it may be part of the change that is checked.
fn tree_of(path: &Path) -> Option<PathBuf> {
    let real = path.canonicalize().ok()?;
    let folder = if real.is_dir() { real } else { real.parent()?.to_owned() };
    let repository = folder.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned);
    Some(repository.unwrap_or(folder))
}

/// A name that helm accepts for a release: as a DNS name, with at most 53 characters.
fn release_name(name: &str) -> String {
    let lower = name.to_lowercase();
    let plain: String = lower.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(53).collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() { "release".to_owned() } else { plain.to_owned() }
}

/// A path as the only field of a line of comma-separated values, as which helm reads `--values` (RFC 4180).
fn csv(path: &Path) -> String {
    format!("\"{}\"", text(path).replace('"', "\"\""))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
