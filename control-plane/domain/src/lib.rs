//! Users, access keys and clusters: the rules that hold without a database or a network.
//!
//! ```text
//! domain <── store <── api
//! domain <── member (reads kubeconfigs)
//! domain <── snapshot <── xds
//! ```
//!
//! It deliberately knows no SQL, no HTTP, no Kubernetes client and no protobuf,
//! and reads no clock.

mod access_key;
mod cluster;
mod nearest;
mod node;
mod user;

pub use access_key::{
    AccessKey, DEFAULT_OVERLAP, KeyAttributes, KeyAttributesError, KeyChange,
    MAX_KEY_DESCRIPTION_BYTES, MAX_KEY_NAME_BYTES, MAX_KEYS_PER_USER, MAX_OVERLAP, MAX_SCOPE_BYTES,
};
pub use cluster::{
    ApiServer, Cluster, ClusterCredential, ClusterName, ClusterNameError, ClusterSource,
    ClusterTls, Scheme, unknown_cluster,
};
pub use nearest::{nearest, nearest_within};
pub use node::{Node, NodeCertificate, NodeNameError, check_node_name};
pub use user::{
    ADMIN_GROUP, DEFAULT_LANGUAGE, PASSWORD_BYTES, Profile, User, UserState, check_display_name,
    check_email, check_language, check_password, check_phone, impersonated_groups, token_groups,
};
