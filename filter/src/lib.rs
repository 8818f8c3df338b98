//! The Envoy filter: callbacks and host calls only.
