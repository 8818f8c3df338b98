//! The bootstrap of an Envoy: who it is and where its configuration comes from.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::anyhow;

use crate::pki::XDS_SERVER_NAME;

/// What differs between one Envoy's bootstrap and another's.
pub(crate) struct Bootstrap<'a> {
    /// The Envoy's name.
    pub(crate) node_id: &'a str,
    /// `HOST:PORT` of the control plane's xDS.
    pub(crate) xds_address: &'a str,
    /// Where the admin page listens.
    pub(crate) admin: SocketAddr,
    /// The CA of xDS, on Envoy's machine.
    pub(crate) ca: &'a Path,
    /// The Envoy's certificate.
    pub(crate) certificate: &'a Path,
    /// Its key.
    pub(crate) key: &'a Path,
}

// === impl Bootstrap ===

impl Bootstrap<'_> {
    /// The bootstrap as YAML.
    pub(crate) fn to_yaml(&self) -> anyhow::Result<String> {
        let (host, port) = split_host_port(self.xds_address)?;
        let kind = if host.parse::<std::net::IpAddr>().is_ok() {
            "STATIC"
        } else {
            "STRICT_DNS"
        };
        let mut yaml = String::new();
        write!(
            yaml,
            r#"# The bootstrap of an edge or sidecar Envoy, as `cubegate bootstrap` prints it.
#
# Everything else (listener, routes, clusters, secrets, the filter) comes over
# one stream from the control plane. Both sides prove themselves: put the three
# files below in place with `cubegate bootstrap --write-certs DIR`.
node:
  id: {node_id}
  cluster: cubegate
admin:
  address:
    socket_address: {{ address: {admin_host}, port_value: {admin_port} }}
dynamic_resources:
  ads_config:
    api_type: DELTA_GRPC
    transport_api_version: V3
    set_node_on_first_message_only: true
    grpc_services:
      - envoy_grpc: {{ cluster_name: xds }}
  cds_config: {{ resource_api_version: V3, ads: {{}} }}
  lds_config: {{ resource_api_version: V3, ads: {{}} }}
static_resources:
  clusters:
    - name: xds
      type: {kind}
      connect_timeout: 5s
      load_assignment:
        cluster_name: xds
        endpoints:
          - lb_endpoints:
              - endpoint:
                  address:
                    socket_address: {{ address: {host}, port_value: {port} }}
      typed_extension_protocol_options:
        envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
          "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
          explicit_http_config:
            http2_protocol_options:
              connection_keepalive: {{ interval: 30s, timeout: 10s }}
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
          sni: {XDS_SERVER_NAME}
          common_tls_context:
            alpn_protocols: [h2]
            tls_certificates:
              - certificate_chain: {{ filename: {certificate} }}
                private_key: {{ filename: {key} }}
            validation_context:
              trusted_ca: {{ filename: {ca} }}
              match_typed_subject_alt_names:
                - san_type: DNS
                  matcher: {{ exact: {XDS_SERVER_NAME} }}
"#,
            node_id = quoted(self.node_id)?,
            admin_host = quoted(&self.admin.ip().to_string())?,
            admin_port = self.admin.port(),
            host = quoted(&host)?,
            certificate = quoted(&self.certificate.display().to_string())?,
            key = quoted(&self.key.display().to_string())?,
            ca = quoted(&self.ca.display().to_string())?,
        )?;
        Ok(yaml)
    }
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
