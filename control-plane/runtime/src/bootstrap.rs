//! The bootstrap of an Envoy: who it is and where its configuration comes from.

mod metrics;
mod overload;

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::anyhow;
use cubegate_filter_config::{CONTROL_PLANE_CLUSTER, FILTER_NAME, FILTER_WARM_ROOT};

use self::metrics::Metrics;
pub(crate) use self::overload::EnvoyLimits;
use crate::node::{AUTHORITY, IDENTITY, NodeFiles};
use crate::pki::CONTROL_PLANE_NAME;

/// What differs between one Envoy's bootstrap and another's.
pub(crate) struct Bootstrap<'a> {
    /// The Envoy's name.
    pub(crate) node_id: &'a str,
    /// `HOST:PORT` of each control plane's xDS.
    pub(crate) xds_addresses: &'a [String],
    /// `HOST:PORT` of each one's HTTP API.
    pub(crate) api_addresses: &'a [String],
    /// Where the admin page listens.
    pub(crate) admin: SocketAddr,
    /// Where others read its metrics, if they do.
    pub(crate) metrics: Option<SocketAddr>,
    /// What it may use.
    pub(crate) limits: EnvoyLimits,
    /// The files by which it proves itself, on its machine.
    pub(crate) files: &'a NodeFiles,
    /// `node.cluster`, which tells Envoys of one name apart.
    pub(crate) cluster: &'a str,
    /// The filter, to be compiled when Envoy starts and not when it is told to serve.
    pub(crate) warm: Option<Warm<'a>>,
}

/// The filter on Envoy's machine.
#[derive(Clone)]
pub(crate) struct Warm<'a> {
    /// The module, under the name that the control plane will say.
    pub(crate) module: &'a Path,
    /// The environment variable that it reads, if it reads one.
    pub(crate) environment: Option<&'a str>,
}

// === impl Bootstrap ===

impl Bootstrap<'_> {
    /// Returns the bootstrap as YAML.
    pub(crate) fn to_yaml(&self) -> anyhow::Result<String> {
        let mut yaml = String::new();
        write!(
            yaml,
            r#"# The bootstrap of an edge or sidecar Envoy, as `cubegate bootstrap` prints it.
#
# Everything else (listener, routes, clusters of API servers, secrets, the filter) comes
# over one stream from the control plane. Both sides prove themselves: put the files
# below in place with `cubegate bootstrap --write-certs DIR`. Envoy takes new ones by
# itself when they are moved there; `cubegate node renew` does that.
#
# Whether it serves is asked at the listener that clients use: GET /livez/filter is
# answered 200 by the filter alone, and by nobody when the filter is missing or dead.
node:
  id: {node_id}
  cluster: {cluster}
admin:
  address:
    socket_address: {{ address: {admin_host}, port_value: {admin_port} }}
  # It must answer when clients have taken all that there is.
  ignore_global_conn_limit: true
dynamic_resources:
  ads_config:
    api_type: DELTA_GRPC
    transport_api_version: V3
    set_node_on_first_message_only: true
    grpc_services:
      # After an outage of the control plane Envoy is back within a second, and not within
      # half a minute: until then it hears of nobody who was disabled.
      - envoy_grpc:
          cluster_name: xds
          retry_policy: {{ retry_back_off: {{ base_interval: 0.2s, max_interval: 1s }} }}
  cds_config: {{ resource_api_version: V3, ads: {{}} }}
  lds_config: {{ resource_api_version: V3, ads: {{}} }}
static_resources:
  clusters:
    - name: xds
      connect_timeout: 5s
{xds}      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config:
            http2_protocol_options:
              connection_keepalive: {{ interval: 30s, timeout: 10s }}
      transport_socket: &control-plane
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
          sni: {CONTROL_PLANE_NAME}
          common_tls_context:
            tls_params: {{ tls_maximum_protocol_version: TLSv1_3 }}
            tls_certificate_sds_secret_configs:
              - name: {IDENTITY}
                sds_config:
                  resource_api_version: V3
                  path_config_source: {{ path: {identity} }}
            combined_validation_context:
              default_validation_context:
                match_typed_subject_alt_names:
                  - san_type: DNS
                    matcher: {{ exact: {CONTROL_PLANE_NAME} }}
              validation_context_sds_secret_config:
                name: {AUTHORITY}
                sds_config:
                  resource_api_version: V3
                  path_config_source: {{ path: {authority} }}
    # Logins, keys and everything else that the control plane answers itself.
    - name: {CONTROL_PLANE_CLUSTER}
      connect_timeout: 5s
      per_connection_buffer_limit_bytes: 262144
{api}      # A request has a connection of its own here; the bound is the number of them.
      circuit_breakers:
        thresholds: [{{ max_connections: 4096, max_pending_requests: 4096, max_requests: 4096 }}]
      upstream_connection_options:
        tcp_keepalive: {{ keepalive_probes: 3, keepalive_time: 60, keepalive_interval: 15 }}
      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config:
            http_protocol_options: {{}}
      transport_socket: *control-plane
"#,
            node_id = quoted(self.node_id)?,
            cluster = self.cluster,
            admin_host = quoted(&self.admin.ip().to_string())?,
            admin_port = self.admin.port(),
            xds = endpoints("xds", self.xds_addresses)?,
            api = endpoints(CONTROL_PLANE_CLUSTER, self.api_addresses)?,
            identity = quoted_path(&self.files.identity_document())?,
            authority = quoted_path(&self.files.authority_document())?,
        )?;
        let metrics = Metrics {
            listen: self.metrics,
            admin: self.admin,
        };
        metrics.write_yaml(&mut yaml)?;
        self.limits.write_yaml(&mut yaml)?;
        if let Some(Warm {
            module,
            environment,
        }) = &self.warm
        {
            // The virtual machine is found again by its id and its code. Nothing is done
            // in this plugin.
            write!(
                yaml,
                r#"bootstrap_extensions:
  - name: envoy.bootstrap.wasm
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.wasm.v3.WasmService
      config:
        name: {FILTER_WARM_ROOT}
        root_id: {FILTER_WARM_ROOT}
        vm_config:
          vm_id: {FILTER_NAME}
          runtime: envoy.wasm.runtime.v8
          code: {{ local: {{ filename: {module} }} }}
          environment_variables: {{ host_env_keys: {variables} }}
"#,
                module = quoted(&module.display().to_string())?,
                variables = serde_json::to_string(&Vec::from_iter(*environment))?,
            )?;
        }
        Ok(yaml)
    }
}

/// Returns where a cluster of the bootstrap is.
fn endpoints(cluster: &str, addresses: &[String]) -> anyhow::Result<String> {
    let mut endpoints = String::new();
    let mut named = false;
    for address in addresses {
        let (host, port) = split_host_port(address)?;
        named |= host.parse::<IpAddr>().is_err();
        write!(
            endpoints,
            r"
              - endpoint:
                  address:
                    socket_address: {{ address: {host}, port_value: {port} }}",
            host = quoted(&host)?,
        )?;
    }
    let kind = match (named, addresses.len()) {
        (false, _) => "STATIC",
        // All of its addresses, one after the other.
        (true, 1) => "LOGICAL_DNS\n      dns_lookup_family: ALL",
        (true, _) => "STRICT_DNS\n      dns_lookup_family: ALL",
    };
    // One that is not there is passed over for some seconds, unless all are.
    let several = if addresses.len() > 1 {
        "      outlier_detection:
        split_external_local_origin_errors: true
        consecutive_local_origin_failure: 2
        enforcing_consecutive_local_origin_failure: 100
        enforcing_consecutive_5xx: 0
        enforcing_consecutive_gateway_failure: 0
        enforcing_success_rate: 0
        enforcing_local_origin_success_rate: 0
        interval: 1s
        base_ejection_time: 5s
        max_ejection_time: 30s
        max_ejection_percent: 90
"
    } else {
        ""
    };
    Ok(format!(
        r"      type: {kind}
      load_assignment:
        cluster_name: {cluster}
        endpoints:
          - lb_endpoints:{endpoints}
{several}"
    ))
}

/// Splits `HOST:PORT`, with brackets around an IPv6 address.
pub(crate) fn split_host_port(address: &str) -> anyhow::Result<(String, u16)> {
    let wrong = || anyhow!("{address:?} is no HOST:PORT; write for example 10.0.0.1:18000");
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err(wrong());
    }
    Ok((host.to_owned(), port.parse().map_err(|_| wrong())?))
}

fn quoted_path(path: &Path) -> anyhow::Result<String> {
    quoted(&path.display().to_string())
}

/// A JSON string is a YAML scalar that cannot be anything else.
fn quoted(text: &str) -> anyhow::Result<String> {
    Ok(serde_json::to_string(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_split_at_the_last_colon() {
        assert_eq!(
            split_host_port("a.example:1").unwrap(),
            ("a.example".to_owned(), 1)
        );
        assert_eq!(
            split_host_port("[::1]:18000").unwrap(),
            ("::1".to_owned(), 18000)
        );
        for wrong in ["a", ":1", "a:", "a:x", "a:70000"] {
            assert!(split_host_port(wrong).is_err(), "{wrong}");
        }
    }
}
