mod as_kubectl;

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_domain::{ClusterCredential, Scheme};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use time::OffsetDateTime;

use super::{FileAccess, KubeconfigError, MemberSpec, parse_kubeconfig, read_token_file};

/// A certificate and its key, both PEM.
fn mk_identity() -> (String, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap()
}

/// A kubeconfig with the given lines for cluster and user.
fn mk_kubeconfig(cluster: &str, user: &str) -> String {
    let indent = |text: &str| {
        text.lines()
            .map(|line| format!("    {line}\n"))
            .collect::<String>()
    };
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: main\n\
         contexts:\n- name: main\n  context: {{cluster: c, user: u}}\n\
         - name: broken\n  context: {{cluster: nowhere, user: u}}\n\
         - name: nobody\n  context: {{cluster: c, user: ghost}}\n\
         - name: anonymous\n  context: {{cluster: c}}\n\
         clusters:\n- name: c\n  cluster:\n{}users:\n- name: u\n  user:\n{}",
        indent(cluster),
        indent(user)
    )
}

fn parse(cluster: &str, user: &str) -> Result<MemberSpec, KubeconfigError> {
    parse_kubeconfig(
        &mk_kubeconfig(cluster, user),
        None,
        &FileAccess::Refused,
        now(),
    )
}

/// The sentence a kubeconfig is refused with.
fn refusal(cluster: &str, user: &str) -> String {
    parse(cluster, user).unwrap_err().to_string()
}

const SERVER: &str = "server: https://10.0.0.1:6443";
const TOKEN: &str = "token: abc.def";

#[test]
fn a_token_and_a_ca_are_taken() {
    let (ca, _) = mk_identity();
    let cluster = format!(
        "{SERVER}/k8s/clusters/c-1/\ncertificate-authority-data: {}\ntls-server-name: kubernetes",
        STANDARD.encode(&ca)
    );
    let spec = parse(&cluster, TOKEN).unwrap();
    assert_eq!(
        spec.server.to_string(),
        "https://10.0.0.1:6443/k8s/clusters/c-1"
    );
    assert_eq!(spec.tls.ca_pem, Some(ca));
    assert_eq!(spec.tls.server_name.as_deref(), Some("kubernetes"));
    assert_eq!(
        spec.credential,
        ClusterCredential::BearerToken("abc.def".to_owned())
    );
    assert!(spec.warnings.is_empty(), "{:?}", spec.warnings);
}

#[test]
fn json_is_taken_too() {
    let json = r#"{"current-context":"a","contexts":[{"name":"a","context":{"cluster":"c","user":"u"}}],
        "clusters":[{"name":"c","cluster":{"server":"https://[::1]"}}],"users":[{"name":"u","user":{"token":"t"}}]}"#;
    let spec = parse_kubeconfig(json, None, &FileAccess::Refused, now()).unwrap();
    assert_eq!((spec.server.host.as_str(), spec.server.port), ("::1", 443));
}

#[test]
fn a_client_certificate_is_taken_before_a_token() {
    let (certificate, key) = mk_identity();
    let user = format!(
        "client-certificate-data: {}\nclient-key-data: {}\ntoken: t",
        STANDARD.encode(&certificate),
        STANDARD.encode(&key)
    );
    let spec = parse(SERVER, &user).unwrap();
    assert_eq!(
        spec.credential,
        ClusterCredential::ClientCertificate {
            certificate_pem: certificate,
            key_pem: key
        }
    );
    assert_eq!(spec.warnings.len(), 1);
}

#[test]
fn plain_http_and_anonymous_are_taken_with_a_warning() {
    let spec = parse("server: http://localhost:8001\ntls-server-name: x", TOKEN).unwrap();
    assert_eq!((spec.server.scheme, spec.server.port), (Scheme::Http, 8001));
    assert_eq!(spec.tls.server_name, None);
    assert!(
        spec.warnings[0].contains("plain HTTP"),
        "{:?}",
        spec.warnings
    );

    let spec = parse(SERVER, "token: ''").unwrap();
    assert_eq!(spec.credential, ClusterCredential::None);
    assert!(
        spec.warnings[0].contains("no credential"),
        "{:?}",
        spec.warnings
    );
}

#[test]
fn the_context_is_chosen_by_name_and_must_be_whole() {
    let yaml = mk_kubeconfig(SERVER, TOKEN);
    let with = |context| parse_kubeconfig(&yaml, Some(context), &FileAccess::Refused, now());
    assert!(with("main").is_ok());
    let cases = [
        (
            "other",
            "no context \"other\"; it holds: main, broken, nobody, anonymous",
        ),
        ("broken", "names the cluster \"nowhere\""),
        ("nobody", "names the user \"ghost\""),
        ("anonymous", "names the user \"\""),
        ("", "no current-context"),
    ];
    for (context, sentence) in cases {
        let error = with(context).unwrap_err().to_string();
        assert!(error.contains(sentence), "{context}: {error}");
    }
    let without = yaml.replace("current-context: main\n", "");
    let error = parse_kubeconfig(&without, None, &FileAccess::Refused, now())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("say which context to use; it holds: main"),
        "{error}"
    );
}

#[test]
fn what_the_gateway_cannot_honour_is_refused_with_advice() {
    let cases = [
        (
            format!("{SERVER}\ninsecure-skip-tls-verify: true"),
            TOKEN,
            "certificate-authority-data",
        ),
        (
            format!("{SERVER}\nproxy-url: http://proxy:3128"),
            TOKEN,
            "proxy-url",
        ),
        (
            SERVER.to_owned(),
            "exec: {apiVersion: v1, command: aws}",
            "exec plugin",
        ),
        (
            SERVER.to_owned(),
            "auth-provider: {name: gcp}",
            "auth-provider plugin",
        ),
        (
            SERVER.to_owned(),
            "username: admin\npassword: s3cret",
            "username and password",
        ),
        (
            SERVER.to_owned(),
            "token: t\nas: admin",
            "acts as somebody else",
        ),
        (
            SERVER.to_owned(),
            "token: 's3 cret'",
            "token of the kubeconfig",
        ),
    ];
    for (cluster, user, sentence) in cases {
        let error = refusal(&cluster, user);
        assert!(error.contains(sentence), "{error}");
        assert!(!error.contains("s3"), "a secret in {error}");
    }
}

#[test]
fn a_server_that_cannot_be_used_is_refused() {
    let cases = [
        ("server: ''", "is missing"),
        ("insecure-skip-tls-verify: false", "is missing"),
        ("server: 10.0.0.1:6443", "is not a URL"),
        ("server: example.org:6443", "does not begin with https://"),
        ("server: ftp://10.0.0.1", "does not begin with https://"),
        (
            "server: https://admin:s3cret@10.0.0.1",
            "holds a user name or password",
        ),
        ("server: https://10.0.0.1/?a=s3cret", "holds a query"),
        ("server: https://10.0.0.1/#a", "holds a query or fragment"),
        ("server: 'https://10.0.0.1:99999'", "is not a URL"),
    ];
    for (cluster, sentence) in cases {
        let error = refusal(cluster, TOKEN);
        assert!(error.contains(sentence), "{cluster}: {error}");
        assert!(error.contains("https://HOST:PORT"), "{error}");
        assert!(!error.contains("s3cret"), "a secret in {error}");
    }
}

#[test]
fn certificates_and_keys_must_be_what_they_say_and_belong_together() {
    let (certificate, key) = mk_identity();
    let (_, other_key) = mk_identity();
    let [certificate64, key64, other64] =
        [&certificate, &key, &other_key].map(|p| STANDARD.encode(p));
    let junk = STANDARD.encode("junk");
    let cases = [
        (
            format!("client-certificate-data: {certificate64}"),
            "a client-certificate but no client-key",
        ),
        (
            format!("client-key-data: {key64}"),
            "a client-key but no client-certificate",
        ),
        (
            format!("client-certificate-data: {junk}\nclient-key-data: {key64}"),
            "holds no PEM certificate",
        ),
        (
            format!("client-certificate-data: {certificate64}\nclient-key-data: {junk}"),
            "holds no PEM private key",
        ),
        (
            format!("client-certificate-data: {certificate64}\nclient-key-data: {certificate64}"),
            "holds no PEM private key",
        ),
        ("client-certificate-data: '***'".to_owned(), "is not base64"),
        (
            format!("client-certificate-data: {certificate64}\nclient-key-data: {other64}"),
            "cannot be used",
        ),
    ];
    for (user, sentence) in cases {
        let error = refusal(SERVER, &user);
        assert!(error.contains(sentence), "{error}");
    }
    let error = refusal(
        &format!("{SERVER}\ncertificate-authority-data: {junk}"),
        TOKEN,
    );
    assert!(
        error.contains("certificate-authority of the kubeconfig holds no PEM certificate"),
        "{error}"
    );
    let hollow = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cluster = format!(
        "{SERVER}\ncertificate-authority-data: {}",
        STANDARD.encode(hollow)
    );
    let error = refusal(&cluster, TOKEN);
    assert!(error.contains("cannot be used"), "{error}");
}

#[test]
fn files_are_read_for_the_command_line_only() {
    let (certificate, key) = mk_identity();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("pki")).unwrap();
    fs::write(folder.path().join("pki/ca.crt"), &certificate).unwrap();
    fs::write(folder.path().join("client.crt"), &certificate).unwrap();
    fs::write(folder.path().join("client.key"), &key).unwrap();
    fs::write(folder.path().join("token"), "abc\n").unwrap();
    let here = FileAccess::RelativeTo(folder.path().to_path_buf());

    let cluster = format!("{SERVER}\ncertificate-authority: pki/ca.crt");
    let absolute = folder.path().join("client.key");
    let user = format!(
        "client-certificate: client.crt\nclient-key: {}",
        absolute.display()
    );
    let spec = parse_kubeconfig(&mk_kubeconfig(&cluster, &user), None, &here, now()).unwrap();
    assert_eq!(spec.tls.ca_pem.as_ref(), Some(&certificate));
    assert!(matches!(
        spec.credential,
        ClusterCredential::ClientCertificate { .. }
    ));
    let yaml = mk_kubeconfig(SERVER, "tokenFile: token");
    let spec = parse_kubeconfig(&yaml, None, &here, now()).unwrap();
    let file = folder.path().join("token").display().to_string();
    let again = read_token_file(&file, now()).unwrap();
    let token = "abc".to_owned();
    assert_eq!(again, token);
    assert_eq!(
        spec.credential,
        ClusterCredential::TokenFile { file, token }
    );
    assert_eq!(spec.files, [folder.path().join("token")]);
    assert_eq!(spec.warnings.len(), 1);
    assert!(
        spec.warnings[0].contains("control planes read it again"),
        "{:?}",
        spec.warnings
    );

    for user in [user.as_str(), "tokenFile: /etc/passwd"] {
        let error = refusal(SERVER, user);
        assert!(
            error.contains("points to a file, which the gateway does not read"),
            "{error}"
        );
    }
    let error = refusal(&cluster, TOKEN);
    assert!(
        error.contains("certificate-authority of the kubeconfig points to a file"),
        "{error}"
    );
    let yaml = mk_kubeconfig(SERVER, "tokenFile: missing");
    let error = parse_kubeconfig(&yaml, None, &here, now())
        .unwrap_err()
        .to_string();
    assert!(error.contains("missing, which cannot be read"), "{error}");
}

#[test]
fn text_that_is_no_kubeconfig_is_refused_without_quoting_it() {
    for text in [
        "s3cret: [",
        "- s3cret",
        "s3cret",
        "users:\n- name: u\n  user: {token: [s3cret]}",
        "{",
    ] {
        let error = parse_kubeconfig(text, None, &FileAccess::Refused, now())
            .unwrap_err()
            .to_string();
        assert!(error.contains("not valid YAML or JSON"), "{text}: {error}");
        assert!(!error.contains("s3cret"), "a secret in {error}");
    }
    let error = parse_kubeconfig("", None, &FileAccess::Refused, now())
        .unwrap_err()
        .to_string();
    assert!(error.contains("it holds no context at all"), "{error}");
}
