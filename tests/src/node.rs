//! A node of a real cluster, as far as its API server can tell: a Node object, pods that run on
//! it, and a kubelet's streaming ends over TLS (`exec`, `attach`, `port-forward`, logs), in
//! SPDY/3.1 and WebSocket as kubelets speak them.
//!
//! ```text
//! kubectl ──> gateway ──> kube-apiserver ──> Node ──> processes of this machine
//! ```
//!
//! A container is a folder: what is executed there runs in it, its own process is `cat`, and
//! its log is the file `log` there. Only the API server is served: who has no certificate of
//! the cluster's CA gets no connection.

mod connection;
mod container;
mod handshake;
mod serve;
mod spdy;
mod websocket;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::kube::Kube;
use crate::kubeconfig::Kubeconfig;
use crate::run::{Run, unique};
use crate::stack::ApiServer;
use crate::tls;

/// A running node. It ends with the value; its objects stay.
pub struct Node {
    name: String,
    kube: Kube,
    pods: Arc<PathBuf>,
    server: JoinHandle<()>,
}

// === impl Node ===

impl Node {
    /// A new one of this cluster.
    ///
    /// # Errors
    /// No free port, or an API server that does not take its object.
    pub async fn join(server: &ApiServer) -> Result<Self> {
        let config = Kubeconfig::read(&server.kubeconfig)?;
        let acceptor = TlsAcceptor::from(Arc::new(server_config(&config.ca)?));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let pods = Arc::new(Run::current()?.folder("node")?);
        let of_pods = Arc::clone(&pods);
        let server_task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve_connection(
                    acceptor.clone(),
                    stream,
                    Arc::clone(&of_pods),
                ));
            }
        });
        let node = Self {
            name: format!("node-{}", unique()),
            kube: server.kube.clone(),
            pods,
            server: server_task,
        };
        node.register(port).await?;
        Ok(node)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    async fn register(&self, port: u16) -> Result<()> {
        let object = json!({ "metadata": { "name": self.name } });
        self.kube.create("/api/v1/nodes", &object).await?;
        let status = json!({
            "addresses": [{ "type": "InternalIP", "address": "127.0.0.1" }],
            "daemonEndpoints": { "kubeletEndpoint": { "Port": port } },
            "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady" }],
            "allocatable": { "cpu": "4", "memory": "8Gi", "pods": "110" },
            "capacity": { "cpu": "4", "memory": "8Gi", "pods": "110" },
        });
        self.tell(&format!("/api/v1/nodes/{}", self.name), &status)
            .await
    }

    /// Has a new pod in this namespace run here, and gives its folder.
    ///
    /// # Errors
    /// The API server's, or a folder that cannot be made.
    pub async fn run(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        let folder = self.pods.join(namespace).join(name);
        std::fs::create_dir_all(&folder)?;
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        let pod = json!({
            "metadata": { "name": name, "labels": { "app": name } },
            "spec": {
                "nodeName": self.name,
                "terminationGracePeriodSeconds": 0,
                "containers": [{ "name": "main", "image": "main", "stdin": true }],
            },
        });
        self.kube.create(&pods, &pod).await?;
        let status = json!({
            "phase": "Running",
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [{
                "name": "main", "image": "main", "imageID": "main", "containerID": "test://main",
                "ready": true, "started": true, "restartCount": 0,
                "state": { "running": { "startedAt": "2020-01-01T00:00:00Z" } },
            }],
        });
        self.tell(&format!("{pods}/{name}"), &status).await?;
        Ok(folder)
    }

    /// Writes an object's status, as a kubelet does.
    async fn tell(&self, object: &str, status: &Value) -> Result<()> {
        let patch = self.kube.client().patch(&format!("{object}/status"));
        patch
            .header("content-type", "application/merge-patch+json")
            .body(json!({ "status": status }).to_string())
            .send()
            .await?
            .expect(200)?;
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A kubelet signs its own certificate, and lets in whom the cluster's CA knows.
fn server_config(ca: &[u8]) -> Result<ServerConfig> {
    let key = KeyPair::generate()?;
    let made = CertificateParams::new(["127.0.0.1".to_owned()])?.self_signed(&key)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca) {
        roots.add(certificate.context("the CA cannot be read")?)?;
    }
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), tls::provider()).build()?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![made.der().clone()], private)?;
    // An upgrade is HTTP/1.1's.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

async fn serve_connection(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    pods: serve::Pods,
) -> Result<()> {
    let stream = acceptor.accept(stream).await?;
    let service = service_fn(move |request| {
        let answer = serve::answer(request, &pods);
        async move { answer }
    });
    hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await?;
    Ok(())
}
