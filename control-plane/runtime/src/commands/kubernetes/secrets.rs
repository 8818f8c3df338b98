//! Secrets of one namespace.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, bail};
use cubegate_domain::NodeCertificate;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1 as k8s;
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use time::OffsetDateTime;
use x509_parser::parse_x509_certificate;

use crate::output;
use crate::pki::{self, Ca};

const TLS_TYPE: &str = "kubernetes.io/tls";

/// What the certificate was made for, so that other names make another one.
const NAMES: &str = "cubegate.io/names";

/// Where they are.
pub(super) struct Secrets {
    api: Api<k8s::Secret>,
    namespace: String,
}

/// A certificate, its key and the CA that has signed it, all PEM.
pub(super) struct Tls {
    pub(super) certificate: String,
    pub(super) key: String,
    pub(super) ca: String,
    /// The names in it, if that is for somebody to compare.
    pub(super) names: String,
}

// === impl Secrets ===

impl Secrets {
    /// As the pod's service account, or as this kubeconfig says.
    pub(super) async fn new(
        kubeconfig: Option<&Path>,
        namespace: Option<&str>,
    ) -> anyhow::Result<Self> {
        let config = match kubeconfig {
            Some(file) => {
                let document = Kubeconfig::read_from(file)
                    .with_context(|| format!("the kubeconfig {} cannot be read", file.display()))?;
                kube::Config::from_custom_kubeconfig(document, &KubeConfigOptions::default())
                    .await
                    .with_context(|| format!("the kubeconfig {} cannot be used", file.display()))?
            }
            None => kube::Config::incluster().context(
                "this is no pod with a service account of Kubernetes; give --kubeconfig",
            )?,
        };
        let namespace = namespace.unwrap_or(&config.default_namespace).to_owned();
        let client = kube::Client::try_from(config)?;
        Ok(Self {
            api: Api::namespaced(client, &namespace),
            namespace,
        })
    }

    /// The data of a Secret, if there is one.
    pub(super) async fn files(&self, name: &str) -> anyhow::Result<Option<Vec<(String, Vec<u8>)>>> {
        let found = self.get(name).await?;
        Ok(found.map(|secret| {
            let data = secret.data.unwrap_or_default();
            data.into_iter()
                .map(|(key, value)| (key, value.0))
                .collect()
        }))
    }

    /// Makes a Secret of these; `false` if there is one meanwhile.
    pub(super) async fn create_files(
        &self,
        name: &str,
        files: &[(String, Vec<u8>)],
    ) -> anyhow::Result<bool> {
        let data = files
            .iter()
            .map(|(name, contents)| (name.clone(), ByteString(contents.clone())));
        let secret = self.secret(name, "Opaque", data.collect());
        match self.api.create(&PostParams::default(), &secret).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error).with_context(|| self.failed("made", name)),
        }
    }

    /// What a Secret has of a certificate.
    pub(super) async fn tls(&self, name: &str) -> anyhow::Result<Option<Tls>> {
        let Some(secret) = self.get(name).await? else {
            return Ok(None);
        };
        let data = secret.data.unwrap_or_default();
        let text = |key: &str| {
            let bytes = data.get(key).map(|value| value.0.clone());
            String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
        };
        let annotations = secret.metadata.annotations.unwrap_or_default();
        Ok(Some(Tls {
            certificate: text("tls.crt"),
            key: text("tls.key"),
            ca: text("ca.crt"),
            names: annotations.get(NAMES).cloned().unwrap_or_default(),
        }))
    }

    /// Puts a certificate there, in the place of another one.
    pub(super) async fn put(&self, name: &str, tls: &Tls) -> anyhow::Result<()> {
        let data = [
            ("tls.crt", &tls.certificate),
            ("tls.key", &tls.key),
            ("ca.crt", &tls.ca),
        ];
        let data: BTreeMap<String, ByteString> = data
            .into_iter()
            .map(|(key, text)| (key.to_owned(), ByteString(text.clone().into_bytes())))
            .collect();
        let mut secret = self.secret(name, TLS_TYPE, data);
        if !tls.names.is_empty() {
            secret.metadata.annotations =
                Some(BTreeMap::from([(NAMES.to_owned(), tls.names.clone())]));
        }
        let params = PostParams::default();
        match self.get(name).await? {
            None => {
                let made = self.api.create(&params, &secret).await;
                made.with_context(|| self.failed("made", name))?;
                output::line(&format!("made {name}"));
            }
            Some(found) if found.type_.as_deref() != Some(TLS_TYPE) => bail!(
                "the Secret {name} of {} is not of type {TLS_TYPE}, so it is somebody else's; delete it or name another one",
                self.namespace
            ),
            Some(found) if found.data == secret.data => {}
            Some(found) => {
                // Nobody's change in between is lost.
                secret.metadata.resource_version = found.metadata.resource_version;
                let written = self.api.replace(name, &params, &secret).await;
                written.with_context(|| self.failed("written", name))?;
                output::line(&format!("{name} has a new certificate"));
            }
        }
        Ok(())
    }

    async fn get(&self, name: &str) -> anyhow::Result<Option<k8s::Secret>> {
        let found = self.api.get_opt(name).await;
        found.with_context(|| self.failed("read", name))
    }

    fn secret(&self, name: &str, kind: &str, data: BTreeMap<String, ByteString>) -> k8s::Secret {
        let labels = [
            ("app.kubernetes.io/part-of", "cubegate"),
            ("app.kubernetes.io/managed-by", "cubegate"),
        ];
        let mut secret = k8s::Secret {
            type_: Some(kind.to_owned()),
            data: Some(data),
            ..Default::default()
        };
        secret.metadata.name = Some(name.to_owned());
        secret.metadata.namespace = Some(self.namespace.clone());
        secret.metadata.labels = Some(
            labels
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        );
        secret
    }

    fn failed(&self, done: &str, name: &str) -> String {
        format!("the Secret {}/{name} cannot be {done}", self.namespace)
    }
}

// === impl Tls ===

impl Tls {
    /// The Envoy whose certificate it is, if this CA has signed it.
    pub(super) fn node(&self, ca: &Ca) -> Option<NodeCertificate> {
        let der = CertificateDer::from_pem_slice(self.certificate.as_bytes()).ok()?;
        ca.has_signed(&der).then(|| pki::read_node(&der)).flatten()
    }

    /// Whether this CA has signed it, and a third of its life is left.
    pub(super) fn is_young(&self, ca: &Ca, now: OffsetDateTime) -> bool {
        let Ok(der) = CertificateDer::from_pem_slice(self.certificate.as_bytes()) else {
            return false;
        };
        let Ok((_, certificate)) = parse_x509_certificate(&der) else {
            return false;
        };
        let validity = certificate.validity();
        let (from, until) = (
            validity.not_before.to_datetime(),
            validity.not_after.to_datetime(),
        );
        ca.has_signed(&der) && now < from + (until - from) * 2 / 3
    }
}
