//! Host names for kube-apiserver without DNS and kube-proxy: a proxy on the loopback interface that resolves every name to
//! this machine, and the names of Services to the ports that stand for them.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use parking_lot::Mutex;

/// A host name for a webhook.
pub(crate) const NAME: &str = "webhook.e2e.svc";

/// The local ports that stand for Services, by `name.namespace.svc:port`.
static SERVICES: Mutex<BTreeMap<String, u16>> = Mutex::new(BTreeMap::new());

/// Connects this port of a Service to a local port, as kube-proxy does. kube-apiserver calls `name.namespace.svc:port`.
pub(crate) fn publish(service: &str, namespace: &str, port: u64, local: u16) {
    SERVICES.lock().insert(format!("{service}.{namespace}.svc:{port}"), local);
}

/// Starts the proxy, which runs until the tests end; returns its port.
pub(crate) fn proxy() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || connect(client));
        }
    });
    port
}

/// Handles `CONNECT name:port`: connects to the published port of a Service, and otherwise to that port, whatever the name.
fn connect(mut client: TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    // Reads byte by byte: all bytes after the head belong to the tunnelled connection.
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.split(' ').nth(1).unwrap_or_default();
    let service = SERVICES.lock().get(target).copied();
    let port = service.or_else(|| target.rsplit_once(':')?.1.parse().ok());
    let Some(port) = port else { return Err(io::Error::other(head)) };
    let mut server = TcpStream::connect(("127.0.0.1", port))?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        to_server.shutdown(Shutdown::Write)
    });
    let _ = io::copy(&mut server, &mut client);
    client.shutdown(Shutdown::Write)
}
