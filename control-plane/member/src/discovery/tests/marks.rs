//! Asking only whether something has changed.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use cubegate_testing::{cluster, path_of, serve};

use super::{ALL, Discoverer, old_server, resource, resources};
use crate::ProbeError;

/// What is answered, and what was asked.
#[derive(Default)]
struct Server {
    /// The ETag that each document has at present.
    tag: Mutex<String>,
    heads: Mutex<Vec<String>>,
}

// === impl Server ===

impl Server {
    fn start(
        answer: fn(&str) -> (u16, String),
        tagged: &'static [&'static str],
    ) -> (String, Arc<Self>) {
        let server = Arc::new(Self::default());
        server.retag("\"1\"");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::clone(&server);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let told = Arc::clone(&told);
                thread::spawn(move || told.talk(stream, answer, tagged));
            }
        });
        (url, server)
    }

    /// One request after the other, as long as the client likes.
    fn talk(
        &self,
        mut stream: std::net::TcpStream,
        answer: fn(&str) -> (u16, String),
        tagged: &[&str],
    ) {
        let mut head = Vec::new();
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() {
            head.extend(byte);
            if !head.ends_with(b"\r\n\r\n") {
                continue;
            }
            let text = String::from_utf8(std::mem::take(&mut head)).unwrap();
            let (status, body, tag) = self.answer(&text, answer, tagged);
            let answer = format!(
                "HTTP/1.1 {status} X\r\n{tag}content-length: {}\r\n\r\n{body}",
                body.len()
            );
            self.heads.lock().unwrap().push(text);
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn answer(
        &self,
        head: &str,
        answer: fn(&str) -> (u16, String),
        tagged: &[&str],
    ) -> (u16, String, String) {
        let path = path_of(head);
        let (status, body) = match path {
            "/openapi/v2" if tagged.contains(&path) => (206, "{".to_owned()),
            "/version" => (200, r#"{"gitVersion":"v1.30.1"}"#.to_owned()),
            _ => answer(head),
        };
        if !tagged.contains(&path) {
            return (status, body, String::new());
        }
        let tag = self.tag.lock().unwrap().clone();
        let line = format!("ETag: {tag}\r\n");
        match head.contains(&format!("if-none-match: {tag}\r\n")) {
            true => (304, String::new(), line),
            false => (status, body, line),
        }
    }

    fn retag(&self, tag: &str) {
        *self.tag.lock().unwrap() = tag.to_owned();
    }

    /// What was asked since the last time.
    fn asked(&self) -> Vec<String> {
        let heads = std::mem::take(&mut *self.heads.lock().unwrap());
        heads.iter().map(|head| path_of(head).to_owned()).collect()
    }
}

#[tokio::test]
async fn a_new_server_is_asked_for_what_differs_from_its_last_answer() {
    let (url, server) = Server::start(super::new_server, &["/api", "/apis"]);
    let discoverer = Discoverer::new(&cluster("a", &url)).unwrap();
    let (_, marks) = discoverer.discover().await.unwrap();
    assert!(marks.tell());
    assert_eq!(server.asked(), ["/api", "/apis"]);
    let mut versions = Vec::new();
    for turn in 0..10 {
        let check = discoverer.check(&marks, turn).await.unwrap();
        assert!(!check.changed, "{turn}");
        versions.extend(check.version);
    }
    let mut asked = server.asked();
    assert_eq!(versions, ["v1.30.1"]);
    asked.sort();
    let mut expected = vec!["/apis"; 8];
    expected.extend(["/api", "/version"]);
    expected.sort_unstable();
    assert_eq!(asked, expected, "one small request each");
    server.retag("\"2\"");
    assert!(discoverer.check(&marks, 0).await.unwrap().changed);
}

#[tokio::test]
async fn an_old_server_is_asked_for_a_byte_of_its_openapi_document() {
    let (url, server) = Server::start(old_server, &["/openapi/v2"]);
    let discoverer = Discoverer::new(&cluster("a", &url)).unwrap();
    let (discovery, marks) = discoverer.discover().await.unwrap();
    assert_eq!(discovery.unreachable(), ["metrics.k8s.io/v1beta1"]);
    assert!(marks.tell());
    let heads = server.heads.lock().unwrap().join("");
    assert!(heads.contains("range: bytes=0-0\r\n"), "{heads}");
    server.asked();
    for turn in 0..4 {
        let check = discoverer.check(&marks, turn).await.unwrap();
        assert!(!check.changed, "{turn}");
    }
    let expected = ["/openapi/v2", "/apis", "/openapi/v2", "/apis"];
    assert_eq!(server.asked(), expected);
    server.retag("\"2\"");
    assert!(discoverer.check(&marks, 0).await.unwrap().changed);
    assert!(!discoverer.check(&marks, 1).await.unwrap().changed);
}

#[tokio::test]
async fn without_an_etag_another_list_of_groups_is_seen_and_nothing_is_promised() {
    let (url, server) = Server::start(old_server, &[]);
    let discoverer = Discoverer::new(&cluster("a", &url)).unwrap();
    let (_, marks) = discoverer.discover().await.unwrap();
    assert!(!marks.tell());
    server.asked();
    assert!(!discoverer.check(&marks, 0).await.unwrap().changed);
    assert_eq!(server.asked(), ["/apis"]);
    let fewer = serve(|head| match path_of(head) {
        "/apis" => (200, r#"{"groups":[]}"#.to_owned()),
        "/api/v1" => resources(&[resource("pods", "Pod", true, ALL)]),
        _ => old_server(head),
    });
    let fewer = Discoverer::new(&cluster("a", &fewer)).unwrap();
    assert!(fewer.check(&marks, 0).await.unwrap().changed);
}

#[tokio::test]
async fn a_server_that_answers_otherwise_is_read_and_one_that_is_away_is_an_error() {
    let (url, _) = Server::start(super::new_server, &["/api", "/apis"]);
    let discoverer = Discoverer::new(&cluster("a", &url)).unwrap();
    let (_, marks) = discoverer.discover().await.unwrap();
    for (status, expected) in [(503, Some(true)), (404, Some(true)), (401, None)] {
        let server = serve(move |_| (status, String::new()));
        let discoverer = Discoverer::new(&cluster("a", &server)).unwrap();
        match (discoverer.check(&marks, 0).await, expected) {
            (Ok(check), Some(changed)) => assert_eq!(check.changed, changed, "{status}"),
            (Err(error), None) => assert_eq!(error, ProbeError::Unauthorized { server }),
            (found, _) => panic!("{status}: {found:?}"),
        }
    }
    let server = "http://127.0.0.1:1".to_owned();
    let dead = Discoverer::new(&cluster("a", &server)).unwrap();
    let error = dead.check(&marks, 0).await.unwrap_err();
    assert_eq!(error, ProbeError::Refused { server });
}
