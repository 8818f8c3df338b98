//! The control plane's HTTP API: login, keys, tokens, clusters.
