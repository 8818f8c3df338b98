//! The configuration of an Envoy that no control plane feeds.
//!
//! `envoy/static.yaml` is what it is made of: what a person would put in its places is put
//! there, and nothing of it is said twice.

mod member;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use cubegate_domain::{Cluster, Scheme};
use cubegate_filter_config::{
    ClusterEntry, FilterConfig, FilterLimits, LineForm, TokenKeys, VERSION,
};
use rand::Rng as _;
use serde_json::{Value, json};

use self::member::Member;

/// What it is made of.
const TEMPLATE: &str = include_str!("../../../envoy/static.yaml");

/// What the routes know the filter's requests by, in it.
const PASS: &str = "CHANGE-ME-1";

/// What differs between one such Envoy and another.
pub(crate) struct StaticEnvoy<'a> {
    /// Where its files will lie.
    pub(crate) folder: &'a Path,
    pub(crate) listen: Listen<'a>,
    /// Where the admin page listens.
    pub(crate) admin: SocketAddr,
    /// The module, on Envoy's machine.
    pub(crate) filter: &'a Path,
    pub(crate) tokens: TokenKeys,
    /// The first one is the host cluster.
    pub(crate) clusters: &'a [Cluster],
    /// The CA bundle that proves API servers which bring none of their own.
    pub(crate) system_ca: Option<&'a str>,
}

/// Where clients connect.
pub(crate) struct Listen<'a> {
    pub(crate) address: SocketAddr,
    /// Certificate and key, on Envoy's machine; in clear without.
    pub(crate) certificate: Option<(&'a Path, &'a Path)>,
}

/// What belongs into the folder.
pub(crate) struct Rendered {
    pub(crate) yaml: String,
    /// Credentials and CAs by their names.
    pub(crate) files: BTreeMap<String, String>,
}

// === impl StaticEnvoy ===

impl StaticEnvoy<'_> {
    /// Makes configuration and files.
    ///
    /// # Errors
    /// Never in practice: only for a template of another form.
    pub(crate) fn render(&self) -> anyhow::Result<Rendered> {
        let mut pass = [0_u8; 16];
        rand::rng().fill_bytes(&mut pass);
        let pass = hex::encode(pass);
        let text = TEMPLATE.replace(PASS, &pass);
        let mut document: Value = serde_saphyr::from_str(&text)?;
        *at(&mut document, "/admin/address")? = address(self.admin);
        self.set_listener(at(&mut document, "/static_resources/listeners/0")?, &pass)?;
        let clusters = at(&mut document, "/static_resources/clusters")?;
        let (ordinary, http1) = (at(clusters, "/0")?.clone(), at(clusters, "/1")?.clone());
        let mut files = BTreeMap::new();
        let mut secrets = Vec::new();
        let mut rendered = Vec::new();
        for cluster in self.clusters {
            let member = Member {
                cluster,
                folder: self.folder,
                system_ca: self.system_ca,
            };
            rendered.push(member.envoy_cluster(&ordinary, &upstream(cluster))?);
            rendered.push(member.envoy_cluster(&http1, &upgrade_upstream(cluster))?);
            secrets.extend(member.secret());
            files.extend(member.files());
        }
        *clusters = Value::Array(rendered);
        if !secrets.is_empty() {
            at(&mut document, "/static_resources")?
                .as_object_mut()
                .context("no object")?
                .insert("secrets".to_owned(), Value::Array(secrets));
        }
        let yaml = format!(
            "# Envoy with the Cubegate filter and no control plane, as `cubegate render static` writes it. What the\n# lines mean is said in envoy/static.yaml of the project. Tokens that are taken back are served until they end.\n{}",
            serde_saphyr::to_string(&document)?
        );
        Ok(Rendered { yaml, files })
    }

    fn set_listener(&self, listener: &mut Value, pass: &str) -> anyhow::Result<()> {
        *at(listener, "/address")? = address(self.listen.address);
        let chain = at(listener, "/filter_chains/0")?;
        match self.listen.certificate {
            Some((certificate, key)) => {
                let place = "/transport_socket/typed_config/common_tls_context/tls_certificates";
                *at(chain, place)? = json!([{
                    "certificate_chain": { "filename": certificate },
                    "private_key": { "filename": key },
                }]);
            }
            None => {
                let chain = chain.as_object_mut().context("no object")?;
                chain.remove("transport_socket");
                chain.remove("transport_socket_connect_timeout");
            }
        }
        let filters = at(
            listener,
            "/filter_chains/0/filters/0/typed_config/http_filters",
        )?;
        for filter in filters.as_array_mut().into_iter().flatten() {
            let is_bringer = filter.get("name") == Some(&json!("cubegate-config"));
            let Ok(config) = at(filter, "/typed_config/config") else {
                // The router.
                continue;
            };
            *at(config, "/vm_config/code/local/filename")? = json!(self.filter);
            if is_bringer {
                let told = self.filter_config(pass).to_json()?;
                *at(config, "/configuration/value")? = json!(told);
            }
        }
        Ok(())
    }

    fn filter_config(&self, pass: &str) -> FilterConfig {
        let entry = |cluster: &Cluster| {
            let entry = ClusterEntry {
                upstream: upstream(cluster),
                upgrade_upstream: Some(upgrade_upstream(cluster)),
                authority: cluster.server.authority(),
                path_prefix: cluster.server.path_prefix.clone(),
                any_path: cluster.server.scheme == Scheme::Http,
                resources: cubegate_filter_config::Resources::new(),
            };
            (cluster.name.to_string(), entry)
        };
        FilterConfig {
            version: VERSION,
            pass: pass.to_owned(),
            tokens: self.tokens.clone(),
            clusters: self.clusters.iter().map(entry).collect(),
            clusters_apart: false,
            host_cluster: self.clusters.first().map(|first| first.name.to_string()),
            cors_origins: Default::default(),
            no_impersonation: false,
            no_host_paths: false,
            // Nobody is there to read it.
            audit: false,
            line: LineForm::Nothing,
            limits: FilterLimits::default(),
        }
    }
}

fn upstream(cluster: &Cluster) -> String {
    format!("cluster/{}", cluster.name)
}

fn upgrade_upstream(cluster: &Cluster) -> String {
    format!("cluster/{}/http1", cluster.name)
}

fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip(), "port_value": address.port() } })
}

fn at<'a>(value: &'a mut Value, pointer: &str) -> anyhow::Result<&'a mut Value> {
    value
        .pointer_mut(pointer)
        .ok_or_else(|| anyhow!("envoy/static.yaml has no {pointer} any more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk(credential: cubegate_domain::ClusterCredential) -> Cluster {
        Cluster {
            name: "member-1".parse().unwrap(),
            server: cubegate_domain::ApiServer {
                scheme: Scheme::Https,
                host: "api.example".to_owned(),
                port: 6443,
                path_prefix: String::new(),
            },
            tls: cubegate_domain::ClusterTls {
                ca_pem: Some("THE-CA".to_owned()),
                server_name: None,
            },
            credential,
            created_at: time::OffsetDateTime::UNIX_EPOCH,
            source: cubegate_domain::ClusterSource::Cli,
        }
    }

    fn render(cluster: Cluster) -> (Value, Rendered) {
        let clusters = [cluster];
        let envoy = StaticEnvoy {
            folder: Path::new("/etc/cubegate"),
            listen: Listen {
                address: "127.0.0.1:30080".parse().unwrap(),
                certificate: None,
            },
            admin: "127.0.0.1:9901".parse().unwrap(),
            filter: Path::new("/f.wasm"),
            tokens: TokenKeys::Ed25519 {
                issuer: "cubegate".to_owned(),
                keys: BTreeMap::from([("k".to_owned(), "ab".repeat(32))]),
            },
            clusters: &clusters,
            system_ca: None,
        };
        let rendered = envoy.render().unwrap();
        (serde_saphyr::from_str(&rendered.yaml).unwrap(), rendered)
    }

    #[test]
    fn no_credential_stands_in_the_configuration() {
        let token = cubegate_domain::ClusterCredential::BearerToken("S3CRET".to_owned());
        let (document, rendered) = render(mk(token));
        assert!(!rendered.yaml.contains("S3CRET") && !rendered.yaml.contains("THE-CA"));
        assert_eq!(rendered.files["member-1.token"], "S3CRET");
        assert_eq!(
            document["static_resources"]["secrets"][0]["generic_secret"]["secret"],
            json!({ "filename": "/etc/cubegate/member-1.token" })
        );
        for text in [
            PASS,
            "PUBLIC-KEY-IN-HEX",
            "127.0.0.1:6443",
            "cubegate_filter.wasm",
        ] {
            assert!(!rendered.yaml.contains(text), "{text}");
        }
    }

    #[test]
    fn a_client_certificate_is_two_files_and_the_servers_name_is_checked() {
        let certificate = cubegate_domain::ClusterCredential::ClientCertificate {
            certificate_pem: "CERT".to_owned(),
            key_pem: "KEY".to_owned(),
        };
        let (document, rendered) = render(mk(certificate));
        let names: Vec<_> = rendered.files.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "member-1.ca.crt",
                "member-1.client.crt",
                "member-1.client.key"
            ]
        );
        let clusters = document["static_resources"]["clusters"].as_array().unwrap();
        assert_eq!(clusters.len(), 2);
        for cluster in clusters {
            assert_eq!(cluster["type"], "LOGICAL_DNS");
            let tls = &cluster["transport_socket"]["typed_config"];
            assert_eq!(tls["sni"], "api.example");
            let validation = &tls["common_tls_context"]["validation_context"];
            assert_eq!(
                validation["match_typed_subject_alt_names"],
                json!([{ "san_type": "DNS", "matcher": { "exact": "api.example" } }])
            );
        }
    }
}
