//! Finds, starts, queries and ends a real nginx.

use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::requests::Request;
use crate::skipped::skipped;

/// Far longer than any step takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The path of nginx. `None` if it is not installed: the test is recorded as skipped, which fails in CI.
pub(crate) fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Users other than root have no sbin directory in `PATH`.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/usr/local/sbin")]);
    let found = folders.map(|folder| folder.join("nginx")).find(|program| program.is_file());
    if found.is_none() {
        skipped("the comparison of the location model with nginx: nginx not found (Debian: apt-get install nginx)");
    }
    found
}

/// Tests the configuration in this folder; returns the error of nginx if it rejects it.
pub(crate) fn loads(program: &Path, folder: &Path) -> Result<(), String> {
    let tested = command(program, folder).arg("-t").stdin(Stdio::null()).output().unwrap();
    if tested.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&tested.stderr).into_owned()) }
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("-c").arg(folder.join("nginx.conf")).arg("-p").arg(folder);
    command
}

/// A running nginx, ended on drop.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Running {
    /// Starts nginx in a folder with an `nginx.conf`; returns the error of nginx if it rejects the configuration.
    pub(crate) fn start(program: &Path, folder: &Path) -> Result<Self, String> {
        let log = folder.join("log");
        let stderr = Stdio::from(File::create(&log).unwrap());
        let child = command(program, folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn();
        let mut running = Self(child.unwrap());
        let begun = Instant::now();
        while UnixStream::connect(folder.join("echo")).is_err() {
            if running.0.try_wait().unwrap().is_some() {
                return Err(fs::read_to_string(&log).unwrap());
            }
            assert!(begun.elapsed() < PATIENCE, "nginx does not listen: {}", fs::read_to_string(&log).unwrap());
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A response of nginx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The index of the server block.
    pub(crate) server: Option<usize>,
    /// The index of the location in it.
    pub(crate) location: Option<usize>,
    pub(crate) redirect: Option<String>,
    /// The request URI that the backend received, if the status is 200.
    pub(crate) body: Vec<u8>,
    closes: bool,
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} server {:?} location {:?}", self.status, self.server, self.location)?;
        match &self.redirect {
            Some(to) => write!(f, " to {to}"),
            None => write!(f, " {:?}", String::from_utf8_lossy(&self.body[..self.body.len().min(80)])),
        }
    }
}

/// Pipelines requests and reads the responses. nginx closes the connection after each 400; the remaining requests then
/// use a new connection.
pub(crate) fn ask(socket: &Path, requests: &[Request]) -> Vec<Response> {
    let mut responses = Vec::with_capacity(requests.len());
    while responses.len() < requests.len() {
        let left = &requests[responses.len()..];
        let mut stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut sent = Vec::new();
        for Request { host, target } in left {
            write!(sent, "GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        }
        // nginx may close the connection before it has read everything.
        let _ = stream.write_all(&sent);
        let mut reader = Reader { stream, buffer: Vec::new() };
        let before = responses.len();
        while responses.len() < requests.len() {
            let Some(response) = reader.response() else { break };
            let closes = response.closes;
            responses.push(response);
            if closes {
                break;
            }
        }
        assert!(responses.len() > before, "nginx does not answer {:?}", left[0]);
    }
    responses
}

struct Reader {
    stream: UnixStream,
    buffer: Vec<u8>,
}

impl Reader {
    fn more(&mut self) -> Option<()> {
        let mut part = [0; 16 * 1024];
        let length = self.stream.read(&mut part).ok().filter(|length| *length > 0)?;
        self.buffer.extend_from_slice(&part[..length]);
        Some(())
    }

    fn response(&mut self) -> Option<Response> {
        let end = loop {
            match self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(end) => break end,
                None => self.more()?,
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let header = |name: &str| {
            let mut headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
            headers.find(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        let number = |name: &str| header(name).and_then(|value| value.parse::<usize>().ok());
        let length = number("Content-Length")?;
        let whole = end + 4 + length;
        while self.buffer.len() < whole {
            self.more()?;
        }
        let body = self.buffer[end + 4..whole].to_vec();
        self.buffer.drain(..whole);
        Some(Response {
            status: head.split(' ').nth(1)?.parse().ok()?,
            server: number("X-Server"),
            location: number("X-Location"),
            redirect: header("Location"),
            body,
            closes: header("Connection").is_some_and(|value| value == "close"),
        })
    }
}
