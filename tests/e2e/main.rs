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
//! | `console_` | a real Chromium, before the console or before pages of the tests' own |
//! | `chart` | the objects of the Helm chart on a real API server, and their processes |
//! | `cli_` | the commands, and what they say when they refuse |
//! | `deploy_` | nothing: what is delivered beside the programs is read |
//!
//! Tests run in parallel and share the API servers and the gateways; each works
//! in namespaces, users and clusters of its own.
#![cfg(test)] // for clippy.toml, which lets tests stop at the first surprise

mod api_envoys;
mod api_openapi;
mod attack_requests;
mod bytes;
mod chart;
mod cli_checks;
mod cli_doctor;
mod cli_envoys;
mod cli_health;
mod cli_import;
mod cli_keys;
mod cli_kubecube;
mod cli_output;
mod cli_refusals;
mod cli_settings;
mod cli_users;
mod console_browser;
mod console_clusters;
mod console_envoys;
mod console_expiry;
mod console_forms;
mod console_guide;
mod console_hostile;
mod console_loading;
mod console_pages;
mod console_resources;
mod console_security;
mod console_states;
mod deploy_compose;
mod deploy_conformance;
mod fault_answers;
mod fault_calls;
mod fault_certificates;
mod fault_clock;
mod fault_connections;
mod fault_control_plane;
mod fault_database;
mod fault_dead_members;
mod fault_envoy;
mod fault_expiry;
mod fault_fleet;
mod fault_http2;
mod fault_lists;
mod fault_locks;
mod fault_members;
mod fault_memory;
mod fault_nulls;
mod fault_overload;
mod fault_retries;
mod fault_revocations;
mod fault_rotation;
mod fault_silence;
mod fault_slow_readers;
mod fault_streams;
mod fault_time;
mod gateway_applications;
mod gateway_audit;
mod gateway_basic_auth;
mod gateway_bytes;
mod gateway_clusters;
mod gateway_compatibility;
mod gateway_credential;
mod gateway_foreign_envoy;
mod gateway_guide;
mod gateway_http;
mod gateway_identity;
mod gateway_impersonation;
mod gateway_inventory;
mod gateway_key_uses;
mod gateway_kubeconfig;
mod gateway_kubectl;
mod gateway_kubesphere;
mod gateway_large;
mod gateway_limits;
mod gateway_logins;
mod gateway_made_by_keys;
mod gateway_metrics;
mod gateway_misplaced;
mod gateway_node;
mod gateway_observability;
mod gateway_passthrough;
mod gateway_promises;
mod gateway_proxies;
mod gateway_pushdown;
mod gateway_query;
mod gateway_refusals;
mod gateway_revocation;
mod gateway_role;
mod gateway_scopes;
mod gateway_self_reviews;
mod gateway_sources;
mod gateway_states;
mod gateway_static;
mod gateway_tables;
mod gateway_tokens;
mod gateway_traces;
mod gateway_users;
mod gateway_watch;
mod gateway_webhook;
mod store_fleet;
mod store_migrate;
mod store_postgres;
mod store_upgrade;
mod support;
mod upgrades;
mod vectors_kinds;
mod vectors_kubecube;
mod vectors_kubesphere;
mod vectors_requests;
