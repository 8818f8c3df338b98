//! What the tests of the control plane's crates stand on: a store on a database of its
//! own, a cluster to write over, and a stand-in for its API server.
//!
//! No product code links this. The claims of a token are in `cubegate_token::testing`,
//! which the filter's tests use, too.
#![expect(
    clippy::unwrap_used,
    reason = "only tests call it, which may stop at the first surprise"
)]

mod api_server;

use cubegate_domain::{ApiServer, Cluster, ClusterCredential, ClusterSource, ClusterTls, Scheme};
use cubegate_store::{MasterKey, Store};
use tempfile::TempDir;
use time::OffsetDateTime;
use url::Url;

pub use api_server::{path_of, serve, serve_tls};

/// Returns a cluster whose API server has this URL. It has no CA and no credential, and
/// was registered at the beginning of 1970.
///
/// # Panics
/// When `name` is no cluster's, or `server` no URL.
pub fn cluster(name: &str, server: &str) -> Cluster {
    let url = Url::parse(server).unwrap();
    Cluster {
        name: name.parse().unwrap(),
        server: ApiServer {
            scheme: match url.scheme() {
                "http" => Scheme::Http,
                _ => Scheme::Https,
            },
            host: url.host_str().unwrap().to_owned(),
            port: url.port_or_known_default().unwrap(),
            path_prefix: url.path().trim_end_matches('/').to_owned(),
        },
        tls: ClusterTls {
            ca_pem: None,
            server_name: None,
        },
        credential: ClusterCredential::None,
        created_at: OffsetDateTime::UNIX_EPOCH,
        source: ClusterSource::Cli,
    }
}

/// Returns a new store, and the folder of its file, which goes away with that value.
///
/// # Panics
/// When there is no room for it.
pub async fn store() -> (Store, TempDir) {
    store_under(1).await
}

/// Returns a new store under the master key of which each byte is this one.
///
/// # Panics
/// When there is no room for it.
pub async fn store_under(byte: u8) -> (Store, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let key = MasterKey::from_bytes(&[byte; 32]).unwrap();
    let file = folder.path().join("cubegate.db");
    (Store::open(file, &key).await.unwrap(), folder)
}
