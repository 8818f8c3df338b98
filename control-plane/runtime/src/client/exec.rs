//! kubectl's side of a credential plugin: what it says in `KUBERNETES_EXEC_INFO`, and the
//! `ExecCredential` that it reads (`client.authentication.k8s.io`, v1 and v1beta1).

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::GatewayUrl;
use crate::args::ExecVersion;

/// The variable.
pub(crate) const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";

/// Longest text of it that is read, in bytes. A bundle of CAs may stand in it.
const MAX_BYTES: usize = 4 << 20;

/// What kubectl says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExecInfo {
    version: ExecVersion,
    server: Option<String>,
    ca_pem: Option<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    api_version: String,
    kind: String,
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
struct Spec {
    #[serde(default)]
    cluster: Option<Cluster>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    #[serde(default)]
    server: Option<String>,
    #[serde(default)]
    certificate_authority_data: Option<String>,
}

// === impl ExecInfo ===

impl ExecInfo {
    /// Reads the text of the variable; without one somebody tries the command by hand.
    ///
    /// # Errors
    /// A text that is no `ExecCredential`, or one of a version that is not spoken here.
    pub(crate) fn parse(text: Option<&str>) -> anyhow::Result<Self> {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Ok(Self {
                version: ExecVersion::V1,
                server: None,
                ca_pem: None,
            });
        };
        if text.len() > MAX_BYTES {
            bail!("{EXEC_INFO} is longer than {MAX_BYTES} bytes");
        }
        let said: Said =
            serde_json::from_str(text).with_context(|| format!("{EXEC_INFO} cannot be read"))?;
        if said.kind != "ExecCredential" {
            bail!("{EXEC_INFO} is no ExecCredential");
        }
        let version = [ExecVersion::V1, ExecVersion::V1beta1]
            .into_iter()
            .find(|version| version.api_version() == said.api_version)
            .with_context(|| {
                format!(
                    "kubectl asks for an ExecCredential of {:?}; write client.authentication.k8s.io/v1 or v1beta1 as apiVersion of `exec` in the kubeconfig",
                    said.api_version
                )
            })?;
        let (server, ca) = match said.spec.cluster {
            Some(cluster) => (cluster.server, cluster.certificate_authority_data),
            None => (None, None),
        };
        let ca_pem = ca
            .filter(|ca| !ca.is_empty())
            .map(|ca| super::source::from_base64(&ca))
            .transpose()
            .with_context(|| format!("certificate-authority-data in {EXEC_INFO} cannot be read"))?;
        Ok(Self {
            version,
            server,
            ca_pem,
        })
    }

    /// The cluster of the kubeconfig's server, if that is one of this gateway.
    pub(crate) fn cluster(&self, gateway: &GatewayUrl) -> Option<String> {
        gateway.cluster_of(self.server.as_deref()?)
    }

    /// The CA of the kubeconfig, if its server is this gateway.
    pub(crate) fn ca_pem(&self, gateway: &GatewayUrl) -> Option<&[u8]> {
        self.server
            .as_deref()
            .filter(|server| gateway.is_origin_of(server))
            .and(self.ca_pem.as_deref())
    }

    /// Returns the answer: a token, and when kubectl asks for another one.
    pub(crate) fn answer(&self, token: &str, renew_at: OffsetDateTime) -> anyhow::Result<Value> {
        Ok(json!({
            "apiVersion": self.version.api_version(),
            "kind": "ExecCredential",
            "status": {
                "token": token,
                "expirationTimestamp": renew_at.replace_nanosecond(0)?.format(&Rfc3339)?,
            },
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(version: &str, spec: &Value) -> anyhow::Result<ExecInfo> {
        let api_version = format!("client.authentication.k8s.io/{version}");
        let text = json!({ "apiVersion": api_version, "kind": "ExecCredential", "spec": spec });
        ExecInfo::parse(Some(&text.to_string()))
    }

    #[test]
    fn the_version_that_is_asked_for_is_answered() {
        let at = OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(1_500);
        for version in ["v1", "v1beta1"] {
            let info = info(version, &json!({ "interactive": false })).unwrap();
            assert_eq!(
                info.answer("a.b.c", at).unwrap(),
                json!({
                    "apiVersion": format!("client.authentication.k8s.io/{version}"),
                    "kind": "ExecCredential",
                    "status": { "token": "a.b.c", "expirationTimestamp": "1970-01-01T00:00:01Z" },
                })
            );
        }
        let by_hand = ExecInfo::parse(None).unwrap().answer("a.b.c", at).unwrap();
        assert_eq!(
            by_hand["apiVersion"],
            json!("client.authentication.k8s.io/v1")
        );
        let refused = info("v1alpha1", &json!({})).unwrap_err().to_string();
        assert!(refused.contains("v1alpha1"), "{refused}");
    }

    #[test]
    fn what_is_no_exec_credential_is_refused() {
        for text in [
            "{",
            "[]",
            "{\"kind\":\"ExecCredential\"}",
            "{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}",
        ] {
            assert!(ExecInfo::parse(Some(text)).is_err(), "{text}");
        }
        let spec = json!({ "cluster": { "certificate-authority-data": "*" } });
        assert!(info("v1", &spec).is_err());
    }

    #[test]
    fn the_cluster_is_that_of_the_server_and_another_hosts_ca_does_not_count() {
        let gateway: GatewayUrl = "https://gw.example:30443".parse().unwrap();
        let of = |server: &str| {
            let cluster = json!({ "server": server, "certificate-authority-data": "Q0E=" });
            let info = info("v1", &json!({ "cluster": cluster })).unwrap();
            (
                info.cluster(&gateway),
                info.ca_pem(&gateway).map(<[u8]>::to_vec),
            )
        };
        let ca = Some(b"CA".to_vec());
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(
            of("https://gw.example:30443/clusters/member-1"),
            (named("member-1"), ca.clone())
        );
        assert_eq!(
            of("https://gw.example:30443/clusters/member-1/"),
            (named("member-1"), ca.clone())
        );
        assert_eq!(of("https://gw.example:30443"), (None, ca.clone()));
        assert_eq!(of("https://gw.example:30443/clusters/a/b"), (None, ca));
        for other in [
            "https://gw.example/clusters/a",
            "https://other.example:30443/clusters/a",
            "http://gw.example:30443/clusters/a",
            "nothing",
        ] {
            assert_eq!(of(other), (None, None), "{other}");
        }
    }
}
