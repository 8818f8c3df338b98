//! SDS: what clusters and the listener prove themselves with.

use cubegate_domain::{Cluster, ClusterCredential, ClusterName, Scheme};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3 as tls;

use crate::proto;
use crate::{Resource, ResourceType, ServingCertificate, Snapshot};

/// The secret with the listener's certificate.
pub(crate) const LISTENER_CERTIFICATE: &str = "listener/certificate";

/// The secret with the CA bundle that proves the API servers which bring none.
pub(crate) const SYSTEM_CA: &str = "system/ca";

/// Returns the secret with the CA bundle that proves a cluster's API server.
pub(crate) fn ca_of(cluster: &Cluster) -> String {
    match cluster.tls.ca_pem {
        Some(_) => ca_name(&cluster.name),
        None => SYSTEM_CA.to_owned(),
    }
}

/// Returns the secret with a cluster's own CA bundle.
fn ca_name(cluster: &ClusterName) -> String {
    format!("cluster/{cluster}/ca")
}

/// The secret with the client certificate that a cluster is shown.
pub(crate) fn client_name(cluster: &ClusterName) -> String {
    format!("cluster/{cluster}/client")
}

/// The secret with the bearer token that a cluster is shown.
pub(crate) fn token_name(cluster: &ClusterName) -> String {
    format!("cluster/{cluster}/token")
}

pub(crate) fn insert_cluster(snapshot: &mut Snapshot, cluster: &Cluster) {
    if cluster.server.scheme == Scheme::Https
        && let Some(ca) = &cluster.tls.ca_pem
    {
        insert_ca(snapshot, ca_name(&cluster.name), ca);
    }
    match &cluster.credential {
        ClusterCredential::None => {}
        ClusterCredential::ClientCertificate {
            certificate_pem,
            key_pem,
        } => {
            insert_certificate(
                snapshot,
                client_name(&cluster.name),
                certificate_pem,
                key_pem,
            );
        }
        ClusterCredential::BearerToken(token) | ClusterCredential::TokenFile { token, .. } => {
            let secret = tls::GenericSecret {
                secret: proto::inline_string(token),
                ..Default::default()
            };
            insert(
                snapshot,
                token_name(&cluster.name),
                tls::secret::Type::GenericSecret(secret),
            );
        }
    }
}

/// Where a cluster needs it. It has to stand in the resource: Envoy's own way to the
/// system's CAs does not count as one to compare names by.
pub(crate) fn insert_system_ca(snapshot: &mut Snapshot, bundle: &str) {
    insert_ca(snapshot, SYSTEM_CA.to_owned(), bundle);
}

fn insert_ca(snapshot: &mut Snapshot, name: String, bundle: &str) {
    let context = tls::CertificateValidationContext {
        trusted_ca: proto::inline_string(bundle),
        ..Default::default()
    };
    insert(
        snapshot,
        name,
        tls::secret::Type::ValidationContext(context),
    );
}

pub(crate) fn insert_listener(snapshot: &mut Snapshot, certificate: &ServingCertificate) {
    let ServingCertificate {
        certificate_pem,
        key_pem,
    } = certificate;
    insert_certificate(
        snapshot,
        LISTENER_CERTIFICATE.to_owned(),
        certificate_pem,
        key_pem,
    );
}

fn insert_certificate(snapshot: &mut Snapshot, name: String, certificate: &str, key: &str) {
    let certificate = tls::TlsCertificate {
        certificate_chain: proto::inline_string(certificate),
        private_key: proto::inline_string(key),
        ..Default::default()
    };
    insert(
        snapshot,
        name,
        tls::secret::Type::TlsCertificate(certificate),
    );
}

fn insert(snapshot: &mut Snapshot, name: String, secret: tls::secret::Type) {
    let secret = tls::Secret {
        name: name.clone(),
        r#type: Some(secret),
    };
    snapshot.insert(ResourceType::Secret, name, Resource::new(&secret));
}

/// Returns how a secret is named where it is used.
pub(crate) fn reference(name: String) -> tls::SdsSecretConfig {
    tls::SdsSecretConfig {
        name,
        sds_config: proto::ads(),
    }
}
