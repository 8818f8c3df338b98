use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use cubegate_domain::{ApiServer, Cluster, ClusterCredential, ClusterTls, Scheme};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use time::OffsetDateTime;

use super::{ProbeError, probe};

const VERSION: &str = r#"{"major":"1","minor":"20","gitVersion":"v1.20.4","gitCommit":"c","gitTreeState":"clean","buildDate":"d","goVersion":"g","compiler":"gc","platform":"linux/amd64"}"#;

/// What a request head is answered with: a status and a body.
pub(crate) type Answer = fn(&str) -> (u16, String);

/// A server on a free port that answers each connection's first request.
pub(crate) fn serve(tls: Option<Arc<ServerConfig>>, answer: Answer) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tls = tls.clone();
            thread::spawn(move || match tls {
                Some(config) => {
                    let connection = ServerConnection::new(config).unwrap();
                    talk(StreamOwned::new(connection, stream), answer);
                }
                None => talk(stream, answer),
            });
        }
    });
    port
}

fn talk(mut stream: impl Read + Write, answer: Answer) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_exact(&mut byte).is_err() {
            return;
        }
        head.push(byte[0]);
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

pub(crate) fn mk_cluster(scheme: Scheme, host: &str, port: u16) -> Cluster {
    Cluster {
        name: "member-1".parse().unwrap(),
        server: ApiServer {
            scheme,
            host: host.to_owned(),
            port,
            path_prefix: String::new(),
        },
        tls: ClusterTls {
            ca_pem: None,
            server_name: None,
        },
        credential: ClusterCredential::BearerToken("good".to_owned()),
        created_at: OffsetDateTime::UNIX_EPOCH,
    }
}

async fn probe_plain(answer: Answer) -> Result<super::ProbeReport, ProbeError> {
    let cluster = mk_cluster(Scheme::Http, "127.0.0.1", serve(None, answer));
    probe(&cluster, &groups()).await
}

/// The rules that the gateway's credential has.
fn rules(impersonated: &str, incomplete: bool) -> (u16, String) {
    let body = format!(
        r#"{{"kind":"SelfSubjectRulesReview","apiVersion":"authorization.k8s.io/v1","metadata":{{}},"spec":{{}},"status":{{"resourceRules":[{{"verbs":["impersonate"],"apiGroups":[""],"resources":[{impersonated}]}}],"nonResourceRules":[],"incomplete":{incomplete}}}}}"#
    );
    (201, body)
}

fn good() -> (u16, String) {
    // Both resources under one rule are all users and, more than is needed, all groups.
    let (status, body) = rules(
        r#""users"]},{"verbs":["impersonate"],"apiGroups":[""],"resourceNames":["kubecube"],"resources":["groups""#,
        false,
    );
    (status, body)
}

fn access(allowed: bool) -> (u16, String) {
    let body = format!(
        r#"{{"kind":"SelfSubjectAccessReview","apiVersion":"authorization.k8s.io/v1","metadata":{{}},"spec":{{}},"status":{{"allowed":{allowed}}}}}"#
    );
    (201, body)
}

fn groups() -> BTreeSet<String> {
    BTreeSet::from(["kubecube".to_owned()])
}

#[tokio::test]
async fn a_good_server_tells_its_version() {
    let report = probe_plain(|head| {
        assert!(
            head.to_ascii_lowercase()
                .contains("authorization: bearer good\r\n"),
            "{head}"
        );
        if head.starts_with("GET /version ") {
            (200, VERSION.to_owned())
        } else {
            good()
        }
    })
    .await
    .unwrap();
    assert_eq!(report.version, "v1.20.4");
    assert_eq!(report.warnings, Vec::<String>::new());
}

#[tokio::test]
async fn a_credential_that_may_not_impersonate_is_a_warning() {
    let report = probe_plain(|head| {
        if head.starts_with("GET /version ") {
            (200, VERSION.to_owned())
        } else {
            rules("", false)
        }
    })
    .await
    .unwrap();
    assert_eq!(report.warnings.len(), 1);
    assert!(
        report.warnings[0].contains("may not impersonate users and groups"),
        "{report:?}"
    );

    let report = probe_plain(|head| {
        if head.starts_with("GET /version ") {
            (200, VERSION.to_owned())
        } else {
            (404, "{}".to_owned())
        }
    })
    .await
    .unwrap();
    assert!(report.warnings[0].contains("does not say"), "{report:?}");
}

#[tokio::test]
async fn an_api_server_that_does_not_tell_all_rules_is_asked_for_each_right() {
    let report = probe_plain(|head| {
        if head.starts_with("GET /version ") {
            (200, VERSION.to_owned())
        } else if head.contains("selfsubjectrulesreviews") {
            rules("", true)
        } else {
            access(true)
        }
    })
    .await
    .unwrap();
    let said = report.warnings.join("\n");
    assert_eq!(report.warnings.len(), 2, "{said}");
    assert!(said.contains("the group system:masters"), "{said}");
    assert!(said.contains("(* *, get secrets)"), "{said}");
}

#[tokio::test]
async fn a_prefix_stands_before_every_path() {
    let answer: Answer = |head| {
        if head.starts_with("GET /k8s/c-1/version ") {
            (200, VERSION.to_owned())
        } else if head
            .starts_with("POST /k8s/c-1/apis/authorization.k8s.io/v1/selfsubjectrulesreviews")
        {
            good()
        } else {
            (404, head.to_owned())
        }
    };
    let mut cluster = mk_cluster(Scheme::Http, "127.0.0.1", serve(None, answer));
    cluster.server.path_prefix = "/k8s/c-1".to_owned();
    assert!(
        probe(&cluster, &groups())
            .await
            .unwrap()
            .warnings
            .is_empty()
    );
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let unauthorized = probe_plain(|_| (401, r#"{"kind":"Status","code":401}"#.to_owned())).await;
    assert!(
        matches!(unauthorized, Err(ProbeError::Unauthorized { .. })),
        "{unauthorized:?}"
    );
    let forbidden = probe_plain(|_| (403, r#"{"kind":"Status","code":403}"#.to_owned())).await;
    assert!(
        matches!(forbidden, Err(ProbeError::Forbidden { .. })),
        "{forbidden:?}"
    );
    let page = probe_plain(|_| (200, "<html>".to_owned())).await;
    assert!(
        matches!(page, Err(ProbeError::NotKubernetes { .. })),
        "{page:?}"
    );
    let page = probe_plain(|_| (404, "<html>".to_owned())).await;
    assert!(
        matches!(page, Err(ProbeError::NotKubernetes { .. })),
        "{page:?}"
    );
}

#[tokio::test]
async fn nobody_there_and_no_such_name_are_told_apart() {
    let free = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let refused = probe(&mk_cluster(Scheme::Https, "127.0.0.1", free), &groups()).await;
    let server = format!("https://127.0.0.1:{free}");
    assert_eq!(refused, Err(ProbeError::Refused { server }));

    let missing = probe(&mk_cluster(Scheme::Https, "api.invalid", 6443), &groups()).await;
    assert_eq!(
        missing,
        Err(ProbeError::NameNotFound {
            host: "api.invalid".to_owned()
        })
    );
}

#[tokio::test]
async fn a_server_that_is_silent_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = probe(&mk_cluster(Scheme::Http, "127.0.0.1", port), &groups()).await;
    assert!(
        matches!(silent, Err(ProbeError::TimedOut { .. })),
        "{silent:?}"
    );
    drop(listener);
}

/// A TLS server whose certificate is for `name`, and its CA.
fn serve_tls(name: &str) -> (u16, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
    let port = serve(Some(Arc::new(config)), |head| {
        if head.starts_with("GET /version ") {
            (200, VERSION.to_owned())
        } else {
            good()
        }
    });
    (port, cert.pem())
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_for_the_name() {
    let (port, ca) = serve_tls("kubernetes.example");
    let (_, other_ca) = serve_tls("kubernetes.example");
    let mut cluster = mk_cluster(Scheme::Https, "127.0.0.1", port);

    cluster.tls.ca_pem = Some(ca);
    let wrong = probe(&cluster, &groups()).await;
    assert!(
        matches!(wrong, Err(ProbeError::WrongName { .. })),
        "{wrong:?}"
    );

    cluster.tls.server_name = Some("kubernetes.example".to_owned());
    assert_eq!(probe(&cluster, &groups()).await.unwrap().version, "v1.20.4");

    cluster.tls.ca_pem = Some(other_ca);
    let untrusted = probe(&cluster, &groups()).await;
    assert!(
        matches!(untrusted, Err(ProbeError::NotTrusted { .. })),
        "{untrusted:?}"
    );

    cluster.tls.ca_pem = None;
    let untrusted = probe(&cluster, &groups()).await;
    assert!(
        matches!(untrusted, Err(ProbeError::NotTrusted { .. })),
        "{untrusted:?}"
    );
}

#[tokio::test]
async fn a_plain_server_behind_https_is_no_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0]).unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        thread::park();
    });
    let broken = probe(&mk_cluster(Scheme::Https, "127.0.0.1", port), &groups()).await;
    assert!(matches!(broken, Err(ProbeError::Tls { .. })), "{broken:?}");
}
