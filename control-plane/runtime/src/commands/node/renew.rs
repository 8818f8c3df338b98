//! `cubegate node renew`: runs where the Envoy is, and needs no data directory.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use cubegate_domain::NodeCertificate;
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{sleep, timeout};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tower::ServiceExt as _;

use crate::args::NodeRenewArgs;
use crate::bootstrap::split_host_port;
use crate::node::{NodeFiles, RENEWAL_PATH};
use crate::pki::{self, CONTROL_PLANE_NAME, Certified};
use crate::{control_plane, output};

/// How long the control plane may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait after a renewal has failed, and how often the time is looked at.
const RETRY: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(60 * 60);

/// Longest answer.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

pub(super) async fn run(args: &NodeRenewArgs) -> anyhow::Result<()> {
    let files = NodeFiles::new(&args.certs);
    if !args.watch {
        let new = renew(&files, &args.xds_address).await?;
        output::line(&told(&new));
        return Ok(());
    }
    // What is wrong with the folder is told at once.
    files.read_identity()?;
    tokio::select! {
        stopped = control_plane::shutdown_signal() => stopped,
        () = watch(&files, &args.xds_address) => Ok(()),
    }
}

async fn watch(files: &NodeFiles, address: &str) {
    loop {
        let next = async {
            let (_, current) = files.read_identity()?;
            if OffsetDateTime::now_utc() < current.renew_at() {
                return Ok(current);
            }
            let new = renew(files, address).await?;
            output::line(&told(&new));
            Ok::<_, anyhow::Error>(new)
        };
        let wait = match next.await {
            Ok(current) => {
                let left = current.renew_at() - OffsetDateTime::now_utc();
                Duration::try_from(left).unwrap_or_default().min(LOOK)
            }
            Err(error) => {
                output::warn(&output::sentence(&error));
                RETRY
            }
        };
        sleep(wait + Duration::from_millis(10)).await;
    }
}

fn told(new: &NodeCertificate) -> String {
    format!(
        "{} has a new certificate, valid until {}",
        new.node,
        new.expires_at.format(&Rfc3339).unwrap_or_default()
    )
}

/// Makes a new key, has it certified, and puts both in place.
async fn renew(files: &NodeFiles, address: &str) -> anyhow::Result<NodeCertificate> {
    let (identity, current) = files.read_identity()?;
    if current.expires_at <= OffsetDateTime::now_utc() {
        bail!(
            "the certificate in {} has ended; `cubegate bootstrap --node-id {} --write-certs DIR` makes another one where the control plane is",
            files.identity().display(),
            current.node
        );
    }
    let path = files.authority();
    let authority = std::fs::read_to_string(&path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let key = KeyPair::generate()?;
    let request = CertificateParams::new(Vec::new())?
        .serialize_request(&key)?
        .pem()?;
    let certificate_pem = timeout(PATIENCE, ask(address, &authority, &identity, request))
        .await
        .map_err(|_| anyhow!("the control plane at {address} does not answer"))??;
    let new = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
        .ok()
        .and_then(|certificate| pki::read_node(&certificate))
        .filter(|new| new.node == current.node)
        .ok_or_else(|| anyhow!("{address} answers, but not with a certificate of this Envoy"))?;
    files.write_identity(&Certified {
        certificate_pem,
        key_pem: key.serialize_pem(),
    })?;
    Ok(new)
}

async fn ask(
    address: &str,
    authority: &str,
    identity: &str,
    request: String,
) -> anyhow::Result<String> {
    split_host_port(address)?;
    let tls = ClientTlsConfig::new()
        .domain_name(CONTROL_PLANE_NAME)
        .ca_certificate(Certificate::from_pem(authority))
        // Certificate and key are one text.
        .identity(Identity::from_pem(identity, identity));
    let unreachable = || {
        format!(
            "the control plane at {address} cannot be asked; check the address, and there with `cubegate node list` whether the Envoy is shut out"
        )
    };
    let channel = Endpoint::from_shared(format!("https://{address}"))?
        .tls_config(tls)?
        .connect()
        .await
        .with_context(unreachable)?;
    let request = Request::post(format!("https://{address}{RENEWAL_PATH}"))
        .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
        .body(tonic::body::Body::new(Body::from(request)))?;
    let response = channel.oneshot(request).await.with_context(|| {
        format!(
            "the control plane at {address} does not take the certificate; perhaps the Envoy is shut out"
        )
    })?;
    let status = response.status();
    let body = to_bytes(Body::new(response.into_body()), MAX_ANSWER_BYTES)
        .await
        .with_context(unreachable)?;
    let text = String::from_utf8_lossy(&body).into_owned();
    if status != StatusCode::OK {
        bail!("the control plane refuses ({status}): {}", text.trim());
    }
    Ok(text)
}
