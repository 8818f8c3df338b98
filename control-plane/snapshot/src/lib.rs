//! Domain state to Envoy resources, a pure function.
