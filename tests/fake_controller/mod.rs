//! A controller of Ingresses on the loopback interface: it answers for the hosts that it has loaded, and for others with its default
//! backend.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Status with reason, further header lines, and body.
type Answer = (&'static str, String, &'static str);

#[derive(Default)]
struct State {
    /// By host.
    loaded: HashMap<String, Answer>,
    /// The heads of the requests, in lower case.
    received: Vec<String>,
}

/// It runs until the tests end.
pub(crate) struct FakeController {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl FakeController {
    /// Starts it for HTTP, or for HTTPS with this configuration.
    pub(crate) fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client may close the connection.
                let _ = serve(stream, tls.as_ref(), &shared);
            }
        });
        Self { address, state }
    }

    /// Answers requests for a host with 200.
    pub(crate) fn loads(&self, host: &str) {
        self.answers(host, ("200 OK", String::new(), "served"));
    }

    /// Answers requests for a host with this.
    pub(crate) fn answers(&self, host: &str, answer: Answer) {
        self.state.lock().loaded.insert(host.to_owned(), answer);
    }

    /// The number of requests whose head contains a text (in lower case).
    pub(crate) fn received(&self, text: &str) -> usize {
        self.state.lock().received.iter().filter(|head| head.contains(text)).count()
    }
}

fn serve(tcp: TcpStream, tls: Option<&Arc<ServerConfig>>, state: &Mutex<State>) -> io::Result<()> {
    tcp.set_read_timeout(Some(Duration::from_secs(5)))?;
    let Some(config) = tls else { return answer(tcp, state) };
    let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, tcp);
    answer(&mut stream, state)?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn answer(mut stream: impl Read + Write, state: &Mutex<State>) -> io::Result<()> {
    let (mut head, mut part) = (Vec::new(), [0; 1024]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut part)? {
            0 => return Ok(()),
            length => head.extend_from_slice(&part[..length]),
        }
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let (is_head, host) =
        (head.starts_with("head "), head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default());
    let absent = || ("404 Not Found", String::new(), "default backend - 404");
    let (status, headers, body) = state.lock().loaded.get(host).cloned().unwrap_or_else(absent);
    let length = body.len();
    let sent = if is_head { "" } else { body };
    state.lock().received.push(head);
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}Content-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{sent}"
    )?;
    stream.flush()
}
