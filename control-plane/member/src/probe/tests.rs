use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use cubegate_domain::{Cluster, ClusterCredential};
use cubegate_testing::{cluster, serve, serve_tls};

use super::{ProbeError, ProbeReport, probe};

const VERSION: &str = r#"{"major":"1","minor":"20","gitVersion":"v1.20.4","gitCommit":"c","gitTreeState":"clean","buildDate":"d","goVersion":"g","compiler":"gc","platform":"linux/amd64"}"#;

/// A cluster with this server, and the credential that good ones take.
fn mk_cluster(server: &str) -> Cluster {
    Cluster {
        credential: ClusterCredential::BearerToken("good".to_owned()),
        ..cluster("member-1", server)
    }
}

async fn probe_plain(answer: fn(&str) -> (u16, String)) -> Result<ProbeReport, ProbeError> {
    probe(&mk_cluster(&serve(answer)), &groups()).await
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
    let server = serve(|head| {
        if head.starts_with("GET /k8s/c-1/version ") {
            (200, VERSION.to_owned())
        } else if head
            .starts_with("POST /k8s/c-1/apis/authorization.k8s.io/v1/selfsubjectrulesreviews")
        {
            good()
        } else {
            (404, head.to_owned())
        }
    });
    let cluster = mk_cluster(&format!("{server}/k8s/c-1"));
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
    let server = format!("https://127.0.0.1:{free}");
    let refused = probe(&mk_cluster(&server), &groups()).await;
    assert_eq!(refused, Err(ProbeError::Refused { server }));

    let missing = probe(&mk_cluster("https://api.invalid:6443"), &groups()).await;
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
    let server = format!("http://{}", listener.local_addr().unwrap());
    let silent = probe(&mk_cluster(&server), &groups()).await;
    assert!(
        matches!(silent, Err(ProbeError::TimedOut { .. })),
        "{silent:?}"
    );
    drop(listener);
}

/// What a good server says.
fn answer(head: &str) -> (u16, String) {
    if head.starts_with("GET /version ") {
        (200, VERSION.to_owned())
    } else {
        good()
    }
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_for_the_name() {
    let (server, ca) = serve_tls("kubernetes.example", answer);
    let (_, other_ca) = serve_tls("kubernetes.example", answer);
    let mut cluster = mk_cluster(&server);

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
    let server = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0]).unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        thread::park();
    });
    let broken = probe(&mk_cluster(&server), &groups()).await;
    assert!(matches!(broken, Err(ProbeError::Tls { .. })), "{broken:?}");
}

#[test]
fn only_what_a_tls_library_does_not_know_is_left_to_envoys() {
    let server = "https://a:1".to_owned();
    let left = ProbeError::NothingInCommon {
        server: server.clone(),
        reason: "received fatal alert: HandshakeFailure".to_owned(),
    };
    let warning = left.left_to_envoys().unwrap();
    assert!(
        warning.contains("HandshakeFailure") && warning.contains("left to the Envoys"),
        "{warning}"
    );
    for other in [
        ProbeError::NotTrusted {
            server: server.clone(),
        },
        ProbeError::Refused { server },
    ] {
        assert_eq!(other.left_to_envoys(), None, "{other}");
    }
}
