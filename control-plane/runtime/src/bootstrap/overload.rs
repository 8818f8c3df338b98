//! What an Envoy does when it runs out of something, as part of its bootstrap.
//!
//! Its heap (not the filter's own memory, which has bounds of its own) and the number
//! of its clients' connections are measured against what they may be. Long before the
//! end Envoy helps itself: silent connections end sooner, answers that nobody takes are
//! given up, the largest first. At 95 % new requests are told to come back, at 98 % new
//! connections are closed, and what is under way goes on.

use std::fmt::Write as _;

/// What one Envoy may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EnvoyLimits {
    /// Its heap, in MiB.
    pub(crate) heap_mib: u64,
    /// Its clients' connections at the same time.
    pub(crate) connections: u32,
}

/// The monitor that all actions look at.
const HEAP: &str = "envoy.resource_monitors.fixed_heap";

// === impl EnvoyLimits ===

impl EnvoyLimits {
    /// Returns the two sections `layered_runtime` and `overload_manager` of the bootstrap.
    pub(crate) fn write_yaml(self, yaml: &mut String) -> std::fmt::Result {
        let Self {
            heap_mib,
            connections,
        } = self;
        write!(
            yaml,
            r#"layered_runtime:
  layers:
    - name: limits
      static_layer:
        envoy.resource_limits.listener.gateway.connection_limit: {connections}
overload_manager:
  refresh_interval: 0.25s
  # Answers of 1 MiB and more that wait for their client are counted by stream.
  buffer_factory_config: {{ minimum_account_to_track_power_of_two: 20 }}
  resource_monitors:
    - name: {HEAP}
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig
        max_heap_size_bytes: {heap}
    - name: envoy.resource_monitors.global_downstream_max_connections
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig
        max_active_downstream_connections: {connections}
  actions:
    - name: envoy.overload_actions.shrink_heap
      triggers: [{{ name: {HEAP}, threshold: {{ value: 0.8 }} }}]
    - name: envoy.overload_actions.reduce_timeouts
      triggers: [{{ name: {HEAP}, scaled: {{ scaling_threshold: 0.75, saturation_threshold: 0.9 }} }}]
      typed_config:
        "@type": type.googleapis.com/envoy.config.overload.v3.ScaleTimersOverloadActionConfig
        timer_scale_factors:
          - {{ timer: HTTP_DOWNSTREAM_CONNECTION_IDLE, min_timeout: 2s }}
          - {{ timer: HTTP_DOWNSTREAM_STREAM_IDLE, min_timeout: 10s }}
          - {{ timer: HTTP_DOWNSTREAM_STREAM_FLUSH, min_timeout: 10s }}
          - {{ timer: TRANSPORT_SOCKET_CONNECT, min_timeout: 2s }}
    - name: envoy.overload_actions.disable_http_keepalive
      triggers: [{{ name: {HEAP}, threshold: {{ value: 0.9 }} }}]
    - name: envoy.overload_actions.reset_high_memory_stream
      triggers: [{{ name: {HEAP}, scaled: {{ scaling_threshold: 0.85, saturation_threshold: 0.95 }} }}]
    - name: envoy.overload_actions.stop_accepting_requests
      triggers: [{{ name: {HEAP}, threshold: {{ value: 0.95 }} }}]
  loadshed_points:
    - name: envoy.load_shed_points.tcp_listener_accept
      triggers: [{{ name: {HEAP}, threshold: {{ value: 0.98 }} }}]
"#,
            heap = heap_mib.saturating_mul(1 << 20),
        )
    }
}
