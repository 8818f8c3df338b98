//! `cubegate node renew`: runs where the Envoy is, and needs no data directory.

use std::path::Path;
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
use crate::data_dir::write_file;
use crate::node::{AUTHORITIES_PATH, NodeFiles, RENEWAL_PATH};
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
        let new = renew(&files, &args.xds.xds_addresses).await?;
        output::line(&told(&new));
        return Ok(());
    }
    // What is wrong with the folder is told at once.
    files.read_identity()?;
    tokio::select! {
        stopped = control_plane::shutdown_signal() => stopped,
        () = watch(&files, &args.xds.xds_addresses) => Ok(()),
    }
}

async fn watch(files: &NodeFiles, addresses: &[String]) {
    loop {
        let next = async {
            let (_, current) = files.read_identity()?;
            let is_due = OffsetDateTime::now_utc() >= current.renew_at();
            // Another CA signs, or will: the certificate is to be of it before the old one goes.
            if !is_due && !has_other_authorities(files, addresses).await {
                return Ok(current);
            }
            let new = renew(files, addresses).await?;
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

/// The same where nothing depends on the answer: a control plane of an earlier version does not
/// know the question.
async fn has_other_authorities(files: &NodeFiles, addresses: &[String]) -> bool {
    follow_authorities(files, addresses)
        .await
        .unwrap_or_else(|error| {
            tracing::debug!(%error, "it is not known which CAs are trusted");
            false
        })
}

/// Takes the CAs that are trusted now, and says whether they are others.
async fn follow_authorities(files: &NodeFiles, addresses: &[String]) -> anyhow::Result<bool> {
    let (identity, _) = files.read_identity()?;
    let path = files.authority();
    let known = read(&path)?;
    let asked = ask_any(addresses, AUTHORITIES_PATH, &known, &identity, "");
    let (told, address) = asked.await?;
    if pki::blocks(&told).is_empty() {
        bail!("{address} answers, but not with certificates of its CA");
    }
    if told == known {
        return Ok(false);
    }
    write_file(&path, told.as_bytes(), 0o644)?;
    Ok(true)
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Makes a new key, has it certified, and puts both in place.
async fn renew(files: &NodeFiles, addresses: &[String]) -> anyhow::Result<NodeCertificate> {
    let (identity, current) = files.read_identity()?;
    if current.expires_at <= OffsetDateTime::now_utc() {
        bail!(
            "the certificate in {} has ended; `cubegate bootstrap --node-id {} --write-certs DIR` makes another one where the control plane is",
            files.identity().display(),
            current.node
        );
    }
    let authority = read(&files.authority())?;
    let (certified, new) = certify(addresses, &authority, &identity, &current).await?;
    files.write_identity(&certified)?;
    has_other_authorities(files, addresses).await;
    Ok(new)
}

/// Makes a new key and has a control plane certify it for an Envoy that shows its present
/// certificate and key (PEM). `authority` is the CA of the control planes.
pub(crate) async fn certify(
    addresses: &[String],
    authority: &str,
    identity: &str,
    current: &NodeCertificate,
) -> anyhow::Result<(Certified, NodeCertificate)> {
    let key = KeyPair::generate()?;
    let request = CertificateParams::new(Vec::new())?
        .serialize_request(&key)?
        .pem()?;
    let (certificate_pem, address) =
        ask_any(addresses, RENEWAL_PATH, authority, identity, &request).await?;
    let new = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
        .ok()
        .and_then(|certificate| pki::read_node(&certificate))
        .filter(|new| new.node == current.node)
        .ok_or_else(|| anyhow!("{address} answers, but not with a certificate of this Envoy"))?;
    let certified = Certified {
        certificate_pem,
        key_pem: key.serialize_pem(),
    };
    Ok((certified, new))
}

/// Asks one control plane after the other, and returns the first answer and who gave it.
/// What the last one had to say is the error.
async fn ask_any<'a>(
    addresses: &'a [String],
    path: &str,
    authority: &str,
    identity: &str,
    request: &str,
) -> anyhow::Result<(String, &'a str)> {
    let mut failed = anyhow!("no control plane is named; give --xds-address");
    for address in addresses {
        let asked = ask(address, path, authority, identity, request.to_owned());
        match timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => return Ok((answer, address)),
            Ok(Err(error)) => failed = error,
            Err(_) => failed = anyhow!("the control plane at {address} does not answer"),
        }
    }
    Err(failed)
}

async fn ask(
    address: &str,
    path: &str,
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
    let request = Request::post(format!("https://{address}{path}"))
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
