//! Questions to servers that the tests play. TLS is tried on a real listener by the tests of the
//! images (`deploy/images/test/run.sh`).

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use super::*;

/// Answers one connection with this text, and returns where.
fn mk_server(answer: &'static str) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 512];
        let read = stream.read(&mut request).unwrap();
        assert!(request[..read].starts_with(b"GET /livez HTTP/1.1\r\n"));
        stream.write_all(answer.as_bytes()).unwrap();
    });
    format!("http://127.0.0.1:{port}/livez").parse().unwrap()
}

#[test]
fn only_a_200_is_health() {
    ask(&mk_server("HTTP/1.1 200 OK\r\n\r\n"), TIMEOUT).unwrap();
    ask(&mk_server("HTTP/1.0 200\r\n\r\n"), TIMEOUT).unwrap();
    for (answer, said) in [
        (
            "HTTP/1.1 503 Service Unavailable\r\n\r\n",
            "answers 503, not 200",
        ),
        ("HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n", "answers 301"),
        ("SSH-2.0-something\r\n", "no HTTP answer"),
        ("", "no HTTP answer"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "no HTTP answer"),
    ] {
        let error = ask(&mk_server(answer), TIMEOUT).unwrap_err().to_string();
        assert!(error.contains(said), "{answer:?}: {error}");
    }
}

#[test]
fn who_does_not_answer_in_time_does_not_live() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for scheme in ["http", "https"] {
        let url = format!("{scheme}://{}/livez", silent.local_addr().unwrap());
        let url = url.parse().unwrap();
        let began = Instant::now();
        let error = ask(&url, Duration::from_millis(200)).unwrap_err();
        assert!(error.to_string().contains("does not answer"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn nobody_but_this_machine_is_asked() {
    for (given, whole) in [
        (
            "https://localhost:8080/livez",
            "https://127.0.0.1:8080/livez",
        ),
        (
            "https://127.0.0.1:30443/livez/filter",
            "https://127.0.0.1:30443/livez/filter",
        ),
        ("http://[::1]:9901/ready", "http://[::1]:9901/ready"),
        ("http://127.0.0.2", "http://127.0.0.2:80/"),
        ("https://[::1]", "https://[::1]:443/"),
    ] {
        assert_eq!(given.parse::<Url>().unwrap().to_string(), whole);
    }
    for given in [
        "",
        "localhost:8080",
        "ftp://localhost/",
        "http://10.0.0.1/",
        "http://example.org/",
        "http://localhost.example.org/",
        "http://user@localhost/",
        "http://localhost:99999/",
        "http://localhost/a b",
        "http://localhost/\r\nX: y",
    ] {
        assert!(given.parse::<Url>().is_err(), "{given}");
    }
}
