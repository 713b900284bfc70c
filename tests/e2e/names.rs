//! Host names for kube-apiserver without DNS: a proxy on the loopback interface that resolves every name to this
//! machine.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

/// A host name for a webhook.
pub(crate) const NAME: &str = "webhook.e2e.svc";

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

/// Handles `CONNECT name:port`: connects to that port, whatever the name.
fn connect(mut client: TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    // Reads byte by byte: all bytes after the head belong to the tunnelled connection.
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.split(' ').nth(1).and_then(|target| target.rsplit_once(':')).map(|(_, port)| port.parse());
    let Some(Ok(port)) = target else { return Err(io::Error::other(head)) };
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
