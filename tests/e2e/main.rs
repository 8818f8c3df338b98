//! The end-to-end tests, on a real Envoy with the real filter.
//!
//! A module's prefix says how much runs:
//!
//! | prefix | what runs |
//! |---|---|
//! | `api_` | one gateway without clusters, for the control plane's own API |
//! | `vectors_` | one gateway before the fixture upstream of the vectors |
//! | `gateway_` | one gateway before two real API servers |
//! | `fault_` | a gateway before upstreams that misbehave, or that is harmed itself |
//! | `store_` | gateways on another database than a file of their own |
//! | `attack_` | a gateway of its own before upstreams that remember, and a hostile caller |
//! | `cli_` | the commands, and what they say when they refuse |
//!
//! Tests run in parallel and share the API servers and the gateways; each works
//! in namespaces, users and clusters of its own.

#[cfg(test)]
mod api_envoys;
#[cfg(test)]
mod api_openapi;
#[cfg(test)]
mod attack_requests;
#[cfg(test)]
mod cli_envoys;
#[cfg(test)]
mod cli_import;
#[cfg(test)]
mod cli_keys;
#[cfg(test)]
mod cli_kubecube;
#[cfg(test)]
mod cli_refusals;
#[cfg(test)]
mod cli_users;
#[cfg(test)]
mod fault_answers;
#[cfg(test)]
mod fault_calls;
#[cfg(test)]
mod fault_certificates;
#[cfg(test)]
mod fault_connections;
#[cfg(test)]
mod fault_control_plane;
#[cfg(test)]
mod fault_envoy;
#[cfg(test)]
mod fault_http2;
#[cfg(test)]
mod fault_lists;
#[cfg(test)]
mod fault_locks;
#[cfg(test)]
mod fault_members;
#[cfg(test)]
mod fault_memory;
#[cfg(test)]
mod fault_overload;
#[cfg(test)]
mod fault_retries;
#[cfg(test)]
mod fault_revocations;
#[cfg(test)]
mod fault_slow_readers;
#[cfg(test)]
mod fault_streams;
#[cfg(test)]
mod fault_time;
#[cfg(test)]
mod gateway_audit;
#[cfg(test)]
mod gateway_basic_auth;
#[cfg(test)]
mod gateway_bytes;
#[cfg(test)]
mod gateway_clusters;
#[cfg(test)]
mod gateway_compatibility;
#[cfg(test)]
mod gateway_guide;
#[cfg(test)]
mod gateway_identity;
#[cfg(test)]
mod gateway_inventory;
#[cfg(test)]
mod gateway_kubectl;
#[cfg(test)]
mod gateway_kubesphere;
#[cfg(test)]
mod gateway_large;
#[cfg(test)]
mod gateway_limits;
#[cfg(test)]
mod gateway_logins;
#[cfg(test)]
mod gateway_made_by_keys;
#[cfg(test)]
mod gateway_passthrough;
#[cfg(test)]
mod gateway_proxies;
#[cfg(test)]
mod gateway_pushdown;
#[cfg(test)]
mod gateway_query;
#[cfg(test)]
mod gateway_revocation;
#[cfg(test)]
mod gateway_role;
#[cfg(test)]
mod gateway_scopes;
#[cfg(test)]
mod gateway_tables;
#[cfg(test)]
mod gateway_tokens;
#[cfg(test)]
mod gateway_users;
#[cfg(test)]
mod gateway_watch;
#[cfg(test)]
mod gateway_webhook;
#[cfg(test)]
mod store_postgres;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vectors_kubecube;
#[cfg(test)]
mod vectors_kubesphere;
#[cfg(test)]
mod vectors_requests;
