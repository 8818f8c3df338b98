//! What kubectl takes: empty fields, a password beside a credential, and keys of any name.

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

use super::*;

/// The fields of a client certificate.
fn mk_certificate(certificate: &str, key: &str) -> String {
    format!(
        "client-certificate-data: {}\nclient-key-data: {}",
        STANDARD.encode(certificate),
        STANDARD.encode(key)
    )
}

#[test]
fn a_password_beside_a_credential_is_warned_of_and_alone_it_is_refused() {
    let (certificate, key) = mk_identity();
    let certificate = mk_certificate(&certificate, &key);
    for user in [
        format!("{certificate}\nusername: admin\npassword: s3cret"),
        format!("{certificate}\npassword: s3cret"),
        format!("{TOKEN}\nusername: admin\npassword: s3cret"),
    ] {
        let warnings = parse(SERVER, &user).unwrap().warnings;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("does not use"), "{warnings:?}");
        assert!(!warnings[0].contains("s3cret"), "{warnings:?}");
    }
    for user in [
        "username: admin\npassword: s3cret",
        "username: admin",
        "password: s3cret\ntoken: ''",
    ] {
        let error = refusal(SERVER, user);
        assert!(error.contains("username and password"), "{error}");
    }
}

#[test]
fn an_empty_field_is_an_absent_one() {
    let (certificate, key) = mk_identity();
    let credentials = [TOKEN.to_owned(), mk_certificate(&certificate, &key)];
    let fields = [
        "username: ''\npassword: ''",
        "username: null\npassword: null",
        "username:\npassword:",
        "as: ''\nas-uid: ''\nas-groups: []\nas-user-extra: {}",
        "as: null\nas-uid: null\nas-groups: null\nas-user-extra: null",
        "tokenFile: ''",
        "exec: null\nauth-provider: null",
        "exec: {}\nauth-provider: {}",
        "exec: {command: '', provideClusterInfo: null}",
        "auth-provider: {name: '', config: null}",
        "extensions: []",
    ];
    for credential in &credentials {
        for fields in fields {
            let spec = parse(SERVER, &format!("{credential}\n{fields}"));
            let spec = spec.unwrap_or_else(|error| panic!("{fields}: {error}"));
            assert_eq!(spec.warnings, Vec::<String>::new(), "{fields}");
        }
    }
    for fields in [
        "certificate-authority-data: ''\ncertificate-authority: ''",
        "certificate-authority-data: null\ntls-server-name: null",
        "insecure-skip-tls-verify: null\nproxy-url: null",
        "tls-server-name: ''\nproxy-url: ''\nextensions: null",
    ] {
        let spec = parse(&format!("{SERVER}\n{fields}"), TOKEN).unwrap();
        assert_eq!(spec.tls.ca_pem, None, "{fields}");
        assert_eq!(spec.tls.server_name, None, "{fields}");
    }
}

#[test]
fn an_empty_field_of_an_entry_that_is_not_used_is_absent_too() {
    let yaml = mk_kubeconfig(SERVER, TOKEN)
        + "- name: other\n  user:\n    auth-provider: {name: gcp, config: null}\n";
    let spec = parse_kubeconfig(&yaml, None, &FileAccess::Refused, now()).unwrap();
    assert_eq!(spec.warnings, Vec::<String>::new());
}

#[test]
fn impersonation_that_is_meant_is_still_refused() {
    for user in [
        "as: a",
        "as-uid: a",
        "as-groups: [a]",
        "as-user-extra: {a: [b]}",
    ] {
        let error = refusal(SERVER, &format!("{TOKEN}\n{user}"));
        assert!(error.contains("acts as somebody else"), "{user}: {error}");
    }
}

#[test]
fn a_key_may_have_the_label_of_another_form_and_be_of_every_common_kind() {
    for algorithm in [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &PKCS_ECDSA_P384_SHA384,
        &PKCS_ED25519,
    ] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let made = CertificateParams::new(Vec::new()).unwrap();
        let certificate = made.self_signed(&key).unwrap().pem();
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
            let key = key.serialize_pem();
            let key = key.replace(" PRIVATE KEY-----", &format!(" {label}-----"));
            let spec = parse(SERVER, &mk_certificate(&certificate, &key));
            let spec = spec.unwrap_or_else(|error| panic!("{algorithm:?} {label}: {error}"));
            let ClusterCredential::ClientCertificate { key_pem, .. } = spec.credential else {
                panic!("{:?}", spec.credential);
            };
            assert!(key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
        }
    }
}

#[test]
fn a_key_that_cannot_be_used_is_refused_by_what_it_is() {
    let (certificate, _) = mk_identity();
    let largest = "-----BEGIN EC PRIVATE KEY-----\n\
        MIHcAgEBBEIBUWl02CKXu97qdLhV7FiqpO38LtyIJ3N7SDtAn48J4vX5OLiKcFEb\n\
        -----END EC PRIVATE KEY-----\n";
    let mut der = vec![0x30, 0x0e, 0x02, 0x01, 0x01, 0x04, 0x00, 0xa0, 0x07];
    der.extend([0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23]);
    let named = format!(
        "-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n",
        STANDARD.encode(der)
    );
    let error = refusal(SERVER, &mk_certificate(&certificate, &named));
    assert!(error.contains("P-521"), "{error}");
    let error = refusal(SERVER, &mk_certificate(&certificate, largest));
    assert!(error.contains("cannot be used"), "{error}");
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let error = refusal(SERVER, &mk_certificate(&certificate, locked));
    assert!(error.contains("under a passphrase"), "{error}");
}

#[test]
fn a_token_says_when_it_ends_and_one_in_a_file_that_it_is_followed() {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let token = |exp: i64| {
        let payload = URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{exp}}}"#));
        format!("e30.{payload}.c2ln")
    };
    let now_seconds = now().unix_timestamp();
    let soon = token(now_seconds + 3_600);
    let warnings = parse(SERVER, &format!("token: {soon}")).unwrap().warnings;
    assert!(warnings[0].contains("2023-11-14T23:13:20Z"), "{warnings:?}");
    let error = refusal(SERVER, &format!("token: {}", token(now_seconds - 1)));
    assert!(error.contains("has ended at"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), soon).unwrap();
    let here = FileAccess::RelativeTo(folder.path().to_path_buf());
    let yaml = mk_kubeconfig(SERVER, "tokenFile: token");
    let warnings = parse_kubeconfig(&yaml, None, &here, now())
        .unwrap()
        .warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("(tokenFile)"), "{warnings:?}");

    // What is not used is not looked at.
    let (certificate, key) = mk_identity();
    let certificate = mk_certificate(&certificate, &key);
    let unused = format!("{certificate}\ntoken: {}", token(now_seconds - 1));
    assert_eq!(parse(SERVER, &unused).unwrap().warnings.len(), 1);
}
