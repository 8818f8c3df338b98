//! A member cluster of a static Envoy: two Envoy clusters, and the files that they name.

use std::net::IpAddr;
use std::path::Path;

use cubegate_domain::{Cluster, ClusterCredential, Scheme};
use serde_json::{Value, json};

use super::at;

const HTTP_OPTIONS: &str =
    "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

pub(super) struct Member<'a> {
    pub(super) cluster: &'a Cluster,
    /// Where the files will lie.
    pub(super) folder: &'a Path,
    pub(super) system_ca: Option<&'a str>,
}

// === impl Member ===

impl Member<'_> {
    /// Returns the template as this cluster's, under a name.
    pub(super) fn envoy_cluster(&self, template: &Value, name: &str) -> anyhow::Result<Value> {
        let Cluster {
            server,
            tls,
            credential,
            ..
        } = self.cluster;
        let mut cluster = template.clone();
        *at(&mut cluster, "/name")? = json!(name);
        let endpoints = at(&mut cluster, "/load_assignment")?;
        *endpoints = json!({
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": {
                "socket_address": { "address": server.host, "port_value": server.port },
            } } }] }],
        });
        if server.host.parse::<IpAddr>().is_err() {
            *at(&mut cluster, "/type")? = json!("LOGICAL_DNS");
            insert(&mut cluster, "dns_lookup_family", json!("ALL"));
        }
        if credential.bearer_token().is_some() {
            insert(
                at(&mut cluster, HTTP_OPTIONS)?,
                "http_filters",
                self.credential_filters(),
            );
        }
        if server.scheme == Scheme::Http {
            if let Some(fields) = cluster.as_object_mut() {
                fields.remove("transport_socket");
            }
            let options = at(&mut cluster, HTTP_OPTIONS)?;
            if let Some(fields) = options.as_object_mut() {
                fields.remove("auto_config");
            }
            insert(
                options,
                "explicit_http_config",
                json!({ "http_protocol_options": {} }),
            );
            return Ok(cluster);
        }
        let name = tls.server_name.as_deref().unwrap_or(&server.host);
        let is_address = name.parse::<IpAddr>().is_ok();
        let context = at(&mut cluster, "/transport_socket/typed_config")?;
        if !is_address {
            insert(context, "sni", json!(name));
        }
        let common = at(context, "/common_tls_context")?;
        match credential {
            ClusterCredential::ClientCertificate { .. } => {
                *at(common, "/tls_certificates")? = json!([{
                    "certificate_chain": self.file("client.crt"),
                    "private_key": self.file("client.key"),
                }]);
            }
            ClusterCredential::None
            | ClusterCredential::BearerToken(_)
            | ClusterCredential::TokenFile { .. } => {
                if let Some(fields) = common.as_object_mut() {
                    fields.remove("tls_certificates");
                }
            }
        }
        *at(common, "/validation_context")? = json!({
            "trusted_ca": self.file("ca.crt"),
            "match_typed_subject_alt_names": [{
                "san_type": if is_address { "IP_ADDRESS" } else { "DNS" },
                "matcher": { "exact": name },
            }],
        });
        Ok(cluster)
    }

    /// Returns the secret by which Envoy puts the token in, if the cluster has one.
    pub(super) fn secret(&self) -> Option<Value> {
        self.cluster.credential.bearer_token().map(|_| {
            json!({
                "name": self.token_name(),
                "generic_secret": { "secret": self.file("token") },
            })
        })
    }

    /// Returns the cluster's files by their names in the folder.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let mut files = Vec::new();
        let mut add =
            |kind, contents: &str| files.push((self.file_name(kind), contents.to_owned()));
        if self.cluster.server.scheme == Scheme::Https {
            let ca = self.cluster.tls.ca_pem.as_deref().or(self.system_ca);
            add("ca.crt", ca.unwrap_or_default());
        }
        match &self.cluster.credential {
            ClusterCredential::None => {}
            ClusterCredential::ClientCertificate {
                certificate_pem,
                key_pem,
            } => {
                add("client.crt", certificate_pem);
                add("client.key", key_pem);
            }
            ClusterCredential::BearerToken(token) | ClusterCredential::TokenFile { token, .. } => {
                add("token", token);
            }
        }
        files
    }

    fn token_name(&self) -> String {
        format!("cluster/{}/token", self.cluster.name)
    }

    fn file_name(&self, kind: &str) -> String {
        format!("{}.{kind}", self.cluster.name)
    }

    fn file(&self, kind: &str) -> Value {
        json!({ "filename": self.folder.join(self.file_name(kind)) })
    }

    fn credential_filters(&self) -> Value {
        json!([
            {
                "name": "envoy.filters.http.credential_injector",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.credential_injector.v3.CredentialInjector",
                    "overwrite": true,
                    "credential": {
                        "name": "envoy.http.injected_credentials.generic",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.http.injected_credentials.generic.v3.Generic",
                            "credential": { "name": self.token_name() },
                            "header": "authorization",
                            "header_value_prefix": "Bearer ",
                        },
                    },
                },
            },
            {
                "name": "envoy.filters.http.upstream_codec",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
                },
            },
        ])
    }
}

fn insert(value: &mut Value, name: &str, field: Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.insert(name.to_owned(), field);
    }
}
