//! Runs a program on files that others may have written: without environment, input and network credentials, and bounded in time and
//! output.

use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process_group};

/// The longest time that a program may run.
const TIME: Duration = Duration::from_secs(30);

/// The longest time that all programs of a command may run.
const TIME_OF_ALL: Duration = Duration::from_mins(5);

/// The most bytes that a program may write to standard output.
const OUTPUT: u64 = 64 << 20;

/// The most bytes of messages that are read.
const MESSAGES: u64 = 64 << 10;

/// The longest message that is shown, in characters.
const MESSAGE: usize = 300;

/// The time that programs may run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    /// One of them.
    one: Duration,
    /// All of them.
    all: Duration,
    /// The end of the time for all.
    end: Instant,
}

impl Time {
    pub(super) fn from_now() -> Self {
        Self::limited(TIME, TIME_OF_ALL)
    }

    fn limited(one: Duration, all: Duration) -> Self {
        Self { one, all, end: Instant::now() + all }
    }

    /// The end of the time for a program that starts now; the reason, if it must not start.
    fn of_next(self) -> Result<Instant, String> {
        let now = Instant::now();
        if now >= self.end {
            return Err(format!("the time for all roots, {} s, is used up", self.all.as_secs()));
        }
        Ok(self.end.min(now + self.one))
    }
}

/// A program on the search path.
#[derive(Debug, Clone)]
pub(super) struct Program {
    path: PathBuf,
    /// The search path for programs that it starts itself.
    search_path: String,
}

impl Program {
    /// Finds a program on `PATH`, outside of the given directories.
    pub(super) fn find(name: &str, not_below: &[PathBuf]) -> Option<Self> {
        let folders = std::env::split_paths(&std::env::var_os("PATH")?).collect::<Vec<_>>();
        let is_trusted = |folder: &&PathBuf| {
            let real = folder.canonicalize().unwrap_or_default();
            folder.is_absolute() && real.is_dir() && !not_below.iter().any(|tree| real.starts_with(tree))
        };
        let folders: Vec<&PathBuf> = folders.iter().filter(is_trusted).collect();
        let path = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file())?;
        let search_path = folders.iter().filter_map(|folder| folder.to_str()).collect::<Vec<_>>().join(":");
        Some(Self { path, search_path })
    }

    /// Runs the program and returns its output.
    ///
    /// # Errors
    /// The reason, in one line.
    pub(super) fn run(&self, arguments: &[String], home: &Path, time: Time) -> Result<String, String> {
        let end = time.of_next()?;
        self.started(arguments, home, end).map_err(|error| format!("{error:#}"))?
    }

    fn started(&self, arguments: &[String], home: &Path, end: Instant) -> anyhow::Result<Result<String, String>> {
        let begin = Instant::now();
        let mut command = Command::new(&self.path);
        command.args(arguments).env_clear().env("PATH", &self.search_path).env("HOME", home).current_dir(home);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().with_context(|| format!("cannot run {}", self.path.display()))?;
        let output = child.stdout.take().map(|stream| read(stream, OUTPUT + 1));
        let messages = child.stderr.take().map(|stream| read(stream, MESSAGES));
        let received = |from: Option<Receiver<Vec<u8>>>| {
            from.and_then(|from| from.recv_timeout(end.saturating_duration_since(Instant::now())).ok())
        };
        let output = received(output);
        let is_too_large = output.as_ref().is_some_and(|output| output.len() as u64 > OUTPUT);
        let status = if is_too_large { None } else { wait(&mut child, end)? };
        // Also what the program has started, and what still holds its output open.
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        child.wait()?;
        let messages = received(messages).unwrap_or_default();
        Ok(match (output, status) {
            _ if is_too_large => Err(format!("more than {} MiB of output", OUTPUT >> 20)),
            (Some(output), Some(status)) if status.success() => {
                String::from_utf8(output).map_err(|_| "the output is not UTF-8 text".to_owned())
            }
            (_, Some(status)) if !status.success() => Err(reason(&messages, status)),
            _ => Err(format!("no result after {} s", begin.elapsed().as_secs())),
        })
    }
}

/// Reads a stream to its end, or as much of it as is allowed. The rest is not read: the program waits until it is ended.
fn read(stream: impl Read + Send + 'static, most: u64) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.take(most).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

fn wait(child: &mut Child, end: Instant) -> anyhow::Result<Option<ExitStatus>> {
    loop {
        match child.try_wait()? {
            None if Instant::now() < end => thread::sleep(Duration::from_millis(5)),
            ended => return Ok(ended),
        }
    }
}

/// The line of the messages that names the error.
fn reason(messages: &[u8], status: ExitStatus) -> String {
    let text = String::from_utf8_lossy(messages);
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines().find_map(|line| line.strip_prefix("Error: ").or_else(|| line.strip_prefix("error: ")));
    match error.or_else(|| lines().next_back()) {
        // The next lines then have the reason.
        Some(line) if line.ends_with(':') => {
            let rest = lines().skip_while(|next| !next.ends_with(line)).skip(1);
            std::iter::once(line).chain(rest).collect::<Vec<_>>().join(" ").chars().take(MESSAGE).collect()
        }
        Some(line) => line.chars().take(MESSAGE).collect(),
        None => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, time: Time) -> Result<String, String> {
        let program = Program { path: "/bin/sh".into(), search_path: "/usr/bin:/bin".to_owned() };
        program.run(&["-c".to_owned(), script.to_owned()], Path::new("/"), time)
    }

    #[test]
    fn a_program_that_does_not_end_is_killed() {
        let begin = Instant::now();
        for script in ["sleep 60", "sleep 60 & exit 0", "exec >&-; sleep 60", "trap '' TERM; sleep 60; sleep 60"] {
            let time = Time::limited(Duration::from_millis(1100), Duration::from_mins(1));
            assert_eq!(shell(script, time), Err("no result after 1 s".to_owned()), "{script}");
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?}", begin.elapsed());
    }

    #[test]
    fn the_time_of_all_programs_is_bounded() {
        let time = Time::limited(Duration::from_mins(1), Duration::from_millis(1100));
        assert_eq!(shell("echo a", time), Ok("a\n".to_owned()));
        assert_eq!(shell("sleep 60", time), Err("no result after 1 s".to_owned()), "the rest of the time");
        assert_eq!(shell("echo a", time), Err("the time for all roots, 1 s, is used up".to_owned()));
    }

    #[test]
    fn the_reason_of_a_failure_is_one_line() {
        for (messages, reason) in [
            ("Warning: old\nError: no matches for Id\nmore\n", "no matches for Id"),
            (
                "Error: values do not fit the schema:\napp:\n- replicas is missing\n",
                "values do not fit the schema: app: - replicas is missing",
            ),
            ("panic:\n", "panic:"),
            ("", "exit status: 3"),
        ] {
            let script = format!("printf '%s' '{messages}' >&2; exit 3");
            let time = Time::from_now();
            assert_eq!(shell(&script, time), Err(reason.to_owned()), "{messages}");
        }
    }
}
