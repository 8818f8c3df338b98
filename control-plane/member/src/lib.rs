//! A member cluster as the outside gives it: reads kubeconfigs, probes API servers, reads
//! what they have as one of the gateway's users, which resources they know
//! ([`Discoverer`]), and what a KubeCube keeps in its pivot cluster ([`read_kubecube`]).
//!
//! ```text
//! kubeconfig text ──parse_kubeconfig──> MemberSpec ──> domain Cluster ──probe──> ProbeReport
//!                       │                   └ warnings                    └ ProbeError
//!                       └ KubeconfigError: one sentence, says what to do
//! ```
//!
//! A kubeconfig is the input of an administrator, and of a REST client: what the
//! gateway cannot honour (plugins, proxies, no verification) is refused in words
//! instead of being left out silently, and files of the server are read only for
//! the command line ([`FileAccess`]). No message holds a secret.
//!
//! What this crate deliberately does not do: it stores nothing, and is no
//! Kubernetes client for anybody else.

mod address;
mod client;
mod clock;
mod discovery;
mod kubeconfig;
mod kubecube;
mod objects;
mod probe;
mod read;
mod service_account;
mod system_ca;

pub use address::{AddressError, AddressPolicy, ClusterNetwork, ClusterNetworkError};
pub use clock::server_time;
pub use discovery::{
    Check, DISCOVERY_TIMEOUT, Discoverer, Discovery, DiscoveryError, Look, Marks, USER_AGENT,
};
pub use kubeconfig::{FileAccess, KubeconfigError, MemberSpec, parse_kubeconfig, read_token_file};
pub use kubecube::{
    ClusterObject, KeyObject, KubeCube, KubeCubeError, Skipped, UserObject, read_kubecube,
};
pub use objects::{ObjectEvent, ObjectKind, ObjectsError, watch_objects};
pub use probe::{PROBE_TIMEOUT, ProbeError, ProbeReport, probe};
pub use read::{
    AccessQuestion, Assigned, Capacity, Identity, Inventory, MemberClient, READ_TIMEOUT, ReadError,
};
pub use service_account::ServiceAccount;
pub use system_ca::{knows_system_ca, trust_system_ca};
