//! TLS to an API server or a collector: what it must prove, and what it may prove it with.

use std::net::IpAddr;

use cubegate_domain::ClusterCredential;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3 as tls;
use envoy_types::pb::envoy::r#type::matcher::v3::{StringMatcher, string_matcher};

use crate::{proto, secret};

/// Without a word Envoy speaks TLS 1.2 at most to servers, on two curves, which shuts out
/// servers with a key on another one.
const CURVES: [&str; 4] = ["X25519", "P-256", "P-384", "P-521"];

/// What a server may sign with, the preferred first: everything that is not broken. SHA-1 is.
const SIGNATURES: [&str; 10] = [
    "ecdsa_secp256r1_sha256",
    "rsa_pss_rsae_sha256",
    "rsa_pkcs1_sha256",
    "ecdsa_secp384r1_sha384",
    "rsa_pss_rsae_sha384",
    "rsa_pkcs1_sha384",
    "ecdsa_secp521r1_sha512",
    "rsa_pss_rsae_sha512",
    "rsa_pkcs1_sha512",
    "ed25519",
];

/// The API server must show a certificate of the cluster's CA for the name in
/// the kubeconfig; the gateway shows its own.
pub(crate) fn context(cluster: &cubegate_domain::Cluster) -> tls::UpstreamTlsContext {
    let name = cluster
        .tls
        .server_name
        .as_deref()
        .unwrap_or(&cluster.server.host);
    let client = matches!(
        cluster.credential,
        ClusterCredential::ClientCertificate { .. }
    )
    .then(|| secret::reference(secret::client_name(&cluster.name)));
    proven(name, secret::ca_of(cluster), client)
}

/// The collector of traces must show a certificate that the system's CAs prove.
pub(crate) fn collector(host: &str) -> tls::UpstreamTlsContext {
    proven(host, secret::SYSTEM_CA.to_owned(), None)
}

/// The socket of a connection by TLS.
pub(crate) fn socket(context: tls::UpstreamTlsContext) -> proto::TransportSocket {
    proto::TransportSocket {
        name: "envoy.transport_sockets.tls".to_owned(),
        config_type: Some(proto::transport_socket::ConfigType::TypedConfig(
            proto::pack_any(context),
        )),
    }
}

/// A server that proves to have this name, by the CA in the secret `ca`.
fn proven(name: &str, ca: String, client: Option<tls::SdsSecretConfig>) -> tls::UpstreamTlsContext {
    let is_address = name.parse::<IpAddr>().is_ok();
    let san_type = if is_address {
        tls::subject_alt_name_matcher::SanType::IpAddress
    } else {
        tls::subject_alt_name_matcher::SanType::Dns
    };
    let validation = tls::CertificateValidationContext {
        match_typed_subject_alt_names: vec![tls::SubjectAltNameMatcher {
            san_type: san_type as i32,
            matcher: Some(StringMatcher {
                match_pattern: Some(string_matcher::MatchPattern::Exact(name.to_owned())),
                ..Default::default()
            }),
            ..Default::default()
        }],
        ..Default::default()
    };
    let validation_context_type =
        tls::common_tls_context::ValidationContextType::CombinedValidationContext(
            tls::common_tls_context::CombinedCertificateValidationContext {
                default_validation_context: Some(validation),
                validation_context_sds_secret_config: Some(secret::reference(ca)),
                ..Default::default()
            },
        );
    tls::UpstreamTlsContext {
        common_tls_context: Some(tls::CommonTlsContext {
            tls_params: Some(parameters()),
            tls_certificate_sds_secret_configs: client.into_iter().collect(),
            validation_context_type: Some(validation_context_type),
            ..Default::default()
        }),
        // RFC 6066 3: an address is no server name.
        sni: if is_address {
            String::new()
        } else {
            name.to_owned()
        },
        ..Default::default()
    }
}

fn parameters() -> tls::TlsParameters {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    tls::TlsParameters {
        tls_minimum_protocol_version: tls::tls_parameters::TlsProtocol::TlSv12 as i32,
        tls_maximum_protocol_version: tls::tls_parameters::TlsProtocol::TlSv13 as i32,
        ecdh_curves: names(&CURVES),
        signature_algorithms: names(&SIGNATURES),
        ..Default::default()
    }
}
