//! A stand-in for an API server, which answers as a test says.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Serves plain HTTP on a free port of this machine, and returns the server's URL.
///
/// `answer` gets the head of each connection's first request and returns a status and a
/// body. The server lives as long as the process.
///
/// # Panics
/// When no port is free.
pub fn serve(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> String {
    let port = accept(move |stream| talk(stream, &answer));
    format!("http://127.0.0.1:{port}")
}

/// Does the same with TLS, with a certificate for this name; returns its CA (PEM), too.
///
/// # Panics
/// When no port is free.
pub fn serve_tls(
    name: &str,
    answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static,
) -> (String, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let port = accept(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        talk(StreamOwned::new(connection, stream), &answer);
    });
    (format!("https://127.0.0.1:{port}"), cert.pem())
}

/// Returns what a request with this head asks for: its path and query.
pub fn path_of(head: &str) -> &str {
    head.split(' ').nth(1).unwrap_or_default()
}

fn accept(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let handle = Arc::new(handle);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = Arc::clone(&handle);
            thread::spawn(move || handle(stream));
        }
    });
    port
}

fn talk(mut stream: impl Read + Write, answer: &impl Fn(&str) -> (u16, String)) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_exact(&mut byte).is_err() {
            return;
        }
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    // Closed with bytes unread, a socket is reset, and the client may lose the answer.
    if stream.read_exact(&mut vec![0; body_bytes(&head)]).is_err() {
        return;
    }
    let (status, body) = answer(&head);
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.flush();
}

fn body_bytes(head: &str) -> usize {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.map_or(0, |(_, value)| value.trim().parse().unwrap())
}
