//! What an Envoy tells of itself, as part of its bootstrap: which of its statistics there
//! are, how they are labelled, and the listener at which they are read.
//!
//! Envoy has some 250 statistics of each cluster, and a member has two clusters. What is not
//! in the list here is never made: it costs neither memory nor a series. Both clusters of a
//! member count under one name (`alt_stat_name` in `cubegate-snapshot`).

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use cubegate_filter_config::CONTROL_PLANE_CLUSTER;

use super::quoted;

/// Most connections at the listener for metrics. A Prometheus needs one.
const CONNECTIONS: u32 = 32;

/// The cluster that leads to Envoy's own admin page.
const ADMIN_CLUSTER: &str = "envoy-admin";

/// What is kept of a cluster: of each member, of the control plane's API and of xDS.
const OF_A_CLUSTER: &str = "upstream_rq_[1-5]xx|upstream_rq_time|upstream_rq_active|upstream_rq_timeout|upstream_rq_retry|upstream_rq_rx_reset|upstream_rq_pending_overflow|upstream_cx_active|upstream_cx_connect_fail|upstream_cx_connect_timeout|upstream_cx_rx_bytes_total|upstream_cx_tx_bytes_total";

/// What is kept of the listener's HTTP side.
const OF_HTTP: &str = "downstream_rq_[1-5]xx|downstream_rq_time|downstream_rq_active|downstream_rq_timeout|downstream_rq_rx_reset|downstream_rq_overload_close|downstream_rq_too_large|downstream_cx_active|downstream_cx_total|downstream_cx_http1_active|downstream_cx_http2_active|downstream_cx_upgrades_active|downstream_cx_protocol_error|downstream_cx_drain_close|downstream_cx_rx_bytes_total|downstream_cx_tx_bytes_total|rds\\.[^.]+\\.(?:config_reload|update_rejected|update_success)";

/// What is kept of listeners' sockets.
const OF_LISTENERS: &str = "downstream_cx_active|downstream_cx_overflow|downstream_global_cx_overflow|downstream_cx_overload_reject|downstream_cx_transport_socket_connect_timeout|downstream_pre_cx_timeout|ssl\\.connection_error|ssl\\.handshake";

/// What is kept of the process.
const OF_THE_PROCESS: &str = "server\\.(?:live|uptime|state|concurrency|memory_allocated|memory_heap_size|memory_physical_size|days_until_first_cert_expiring|total_connections)|(?:main_thread|workers)\\.watchdog_(?:mega_)?miss";

/// What is kept of what the control plane sends.
const OF_XDS: &str = "control_plane\\.(?:connected_state|pending_requests)|cluster_manager\\.(?:active_clusters|warming_clusters|cds\\.update_(?:rejected|success|failure))|listener_manager\\.(?:total_listeners_active|total_listeners_warming|total_listeners_draining|listener_create_failure|lds\\.update_(?:rejected|success|failure))|cluster\\.xds\\.client_ssl_socket_factory\\.ssl_context_update_by_sds|extension_config_discovery\\..*\\.(?:config_reload|config_fail|update_rejected|update_success)|access_logs\\.grpc_access_log\\.logs_(?:written|dropped)";

/// What is kept of the filter's virtual machines.
const OF_MODULES: &str = r"wasm\.[^.]+\.vm_reload(?:_success|_failure|_backoff)?|wasm\.envoy\.wasm\.runtime\.v8\.(?:active|created)";

/// What is kept of running out of something.
const OF_OVERLOAD: &str = r"overload\.envoy\.(?:resource_monitors\.[a-z_]+\.pressure|overload_actions\.[a-z_]+\.active|load_shed_points\.[a-z_]+\.shed_load_count)";

/// How long requests take, in milliseconds: what a watch took is beyond the last one.
const BUCKETS: [u32; 10] = [5, 25, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 60_000];

/// Where statistics are read, and from where they come.
pub(super) struct Metrics {
    /// Where the listener for metrics is; without one the admin page alone has them.
    pub(super) listen: Option<SocketAddr>,
    pub(super) admin: SocketAddr,
}

// === impl Metrics ===

impl Metrics {
    /// Continues the clusters of `static_resources`, and adds its listeners and `stats_config`.
    pub(super) fn write_yaml(&self, yaml: &mut String) -> anyhow::Result<()> {
        if let Some(listen) = self.listen {
            self.write_listener(yaml, listen)?;
        }
        write_stats(yaml)
    }

    fn write_listener(&self, yaml: &mut String, listen: SocketAddr) -> anyhow::Result<()> {
        write!(
            yaml,
            r#"    # This Envoy's own admin page, for the listener below and nobody else.
    - name: {ADMIN_CLUSTER}
      connect_timeout: 1s
      type: STATIC
      load_assignment:
        cluster_name: {ADMIN_CLUSTER}
        endpoints:
          - lb_endpoints:
              - endpoint:
                  address:
                    socket_address: {{ address: {admin_host}, port_value: {admin_port} }}
      # One page at a time is made: the main thread does it.
      circuit_breakers:
        thresholds: [{{ max_connections: 4, max_pending_requests: 16, max_requests: 4 }}]
  listeners:
    # What of the admin page others may read: metrics, and whether Envoy is ready.
    - name: metrics
      address:
        socket_address: {{ address: {host}, port_value: {port} }}
      # It must answer when clients have taken all that there is.
      ignore_global_conn_limit: true
      filter_chains:
        - filters:
            - name: envoy.filters.network.connection_limit
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit
                stat_prefix: metrics
                max_connections: {CONNECTIONS}
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: metrics
                codec_type: HTTP1
                max_request_headers_kb: 8
                request_headers_timeout: 5s
                request_timeout: 5s
                stream_idle_timeout: 30s
                common_http_protocol_options: {{ idle_timeout: 150s }}
                route_config:
                  virtual_hosts:
                    - name: metrics
                      domains: ["*"]
                      # The whole text behind GET: no query reaches the admin page.
                      routes:
                        - match: {{ prefix: /metrics, headers: [{get}, {{ name: ":path", string_match: {{ exact: /metrics }} }}] }}
                          route: {{ cluster: {ADMIN_CLUSTER}, timeout: 10s, prefix_rewrite: /stats/prometheus }}
                        - match: {{ prefix: /stats/prometheus, headers: [{get}, {{ name: ":path", string_match: {{ exact: /stats/prometheus }} }}] }}
                          route: {{ cluster: {ADMIN_CLUSTER}, timeout: 10s }}
                        - match: {{ prefix: /ready, headers: [{get}, {{ name: ":path", string_match: {{ exact: /ready }} }}] }}
                          route: {{ cluster: {ADMIN_CLUSTER}, timeout: 10s }}
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
"#,
            admin_host = quoted(&reachable(self.admin.ip()).to_string())?,
            admin_port = self.admin.port(),
            host = quoted(&listen.ip().to_string())?,
            port = listen.port(),
            get = r#"{ name: ":method", string_match: { exact: GET } }"#,
        )?;
        Ok(())
    }
}

/// Which statistics there are, and how they are labelled. A member's name may have dots, and
/// ends at the slash.
fn write_stats(yaml: &mut String) -> anyhow::Result<()> {
    let regex = |text: String| quoted(&text);
    write!(
        yaml,
        r#"# Metrics: docs/metrics.md has the meaning of each. What is not listed here is never made.
stats_config:
  use_all_default_tags: false
  stats_tags:
    - {{ tag_name: cubegate_cluster, regex: {member} }}
    - {{ tag_name: envoy.cluster_name, regex: {upstream} }}
    - {{ tag_name: envoy.response_code_class }}
    - {{ tag_name: envoy.http_conn_manager_prefix }}
    - {{ tag_name: envoy.listener_address }}
    - {{ tag_name: envoy.rds_route_config, regex: {routes} }}
    - {{ tag_name: plugin, regex: {plugin} }}
    - {{ tag_name: overload, regex: {overload} }}
    - {{ tag_name: reason, regex: {reason} }}
    - {{ tag_name: result, regex: {result} }}
    - {{ tag_name: strategy, regex: {strategy} }}
    - {{ tag_name: worker, regex: {worker} }}
  stats_matcher:
    inclusion_list:
      patterns:
        - prefix: wasmcustom.cubegate_filter_
        - safe_regex: {{ regex: {of_modules} }}
        - safe_regex: {{ regex: {of_overload} }}
        - safe_regex: {{ regex: {of_a_cluster} }}
        - safe_regex: {{ regex: {of_http} }}
        - safe_regex: {{ regex: {of_listeners} }}
        - safe_regex: {{ regex: {of_the_process} }}
        - safe_regex: {{ regex: {of_xds} }}
  histogram_bucket_settings:
    - match: {{ safe_regex: {{ regex: ".*_rq_time" }} }}
      buckets: {BUCKETS:?}
"#,
        member = regex(r"^cluster\.(member/([^/]+)/\.)".to_owned())?,
        upstream = regex(format!(r"^cluster\.((xds|{CONTROL_PLANE_CLUSTER})\.)"))?,
        routes = regex(r"^http\.[^.]+\.rds\.(([^.]+)\.)".to_owned())?,
        plugin = regex(
            r"^(?:wasm|extension_config_discovery\.http_filter)\.(([^.]+)\.)(?:vm_|config_|update_)"
                .to_owned()
        )?,
        overload = regex(r"^overload\.envoy\.[a-z_]+\.(([a-z_]+)\.)[a-z_]+$".to_owned())?,
        reason = of_filter("reason")?,
        result = of_filter("result")?,
        strategy = of_filter("strategy")?,
        worker = of_filter("worker")?,
        of_a_cluster = regex(format!(
            r"cluster\.(?:member/[^/]+/|xds|{CONTROL_PLANE_CLUSTER})\.(?:{OF_A_CLUSTER})"
        ))?,
        of_http = regex(format!(r"http\.gateway\.(?:{OF_HTTP})"))?,
        of_listeners = regex(format!(r"listener\.[0-9\[][0-9a-f._\[\]]*\.(?:{OF_LISTENERS})"))?,
        of_the_process = regex(OF_THE_PROCESS.to_owned())?,
        of_xds = regex(OF_XDS.to_owned())?,
        of_modules = regex(OF_MODULES.to_owned())?,
        of_overload = regex(OF_OVERLOAD.to_owned())?,
    )?;
    Ok(())
}

/// The filter's statistics have their labels in their names: `name.label.value`.
fn of_filter(label: &str) -> anyhow::Result<String> {
    quoted(&format!(
        r"^wasmcustom\.cubegate_filter_[a-z_]+(\.{label}\.([a-z0-9_]+))$"
    ))
}

/// Where to connect to for a page that listens everywhere.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}
