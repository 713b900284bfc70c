//! The one process that starts the others: it outlives the tests just long enough to end all of them.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use parking_lot::Mutex;

/// RequestOutcome what it runs, and removes its folder, when it is dropped or when this process ends.
pub(crate) struct Supervisor {
    folder: PathBuf,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    /// Not waited for: it ends after this process.
    _child: Child,
}

impl Supervisor {
    /// One over a new folder.
    pub(crate) fn start() -> Self {
        // No guard that removes it: statics are never dropped, so the supervisor does.
        let folder = tempfile::Builder::new().prefix("ingress-guard-e2e-").tempdir().unwrap().keep();
        let mut child = Command::new("sh")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/supervise.sh"))
            .arg(&folder)
            // Each of the programs takes settings from variables of its own.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C and `timeout --signal=KILL` end a group: not the one that has to clean up.
            .process_group(0)
            .spawn()
            .unwrap();
        let pipes = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { folder, pipes: Mutex::new(pipes), _child: child }
    }

    /// Where everything of this run lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Write a file into the folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Run a program; `name` must not be running.
    pub(crate) fn run(&self, name: &str, program: &Path, arguments: &[String]) {
        let words = [&[program.to_str().unwrap().to_owned()], arguments].concat();
        let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
        self.write(&format!("{name}.sh"), format!("exec {}\n", quoted.join(" ")));
        self.order(&format!("start {name}"));
    }

    /// End it as a crash would.
    pub(crate) fn kill(&self, name: &str) {
        self.order(&format!("kill {name}"));
    }

    /// Ask it to end, as a kubelet would.
    pub(crate) fn stop(&self, name: &str) {
        self.order(&format!("stop {name}"));
    }

    /// Its exit code. Everybody else has to wait as well: for one that is about to end.
    pub(crate) fn wait(&self, name: &str) -> i32 {
        self.ask(&format!("wait {name}")).parse().unwrap()
    }

    /// What it has written to standard error.
    pub(crate) fn log(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join(format!("{name}.err"))).unwrap_or_default()).into_owned()
    }

    fn order(&self, line: &str) {
        assert_eq!(self.ask(line), "done", "{line}");
    }

    fn ask(&self, line: &str) -> String {
        let (orders, answers) = &mut *self.pipes.lock();
        writeln!(orders, "{line}").unwrap();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        assert!(answer.ends_with('\n'), "the supervisor has ended");
        answer.trim_end().to_owned()
    }
}
