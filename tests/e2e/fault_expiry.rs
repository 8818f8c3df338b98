//! The gateway's own certificate at a member ends while clients ask: with a real API server, which
//! looks at it with each request.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_tests::run::unique;
use cubegate_tests::{Gateway, Options, Site, Stack, block_on, until};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::support::{cube, kube};

/// How long the first certificate is good: longer than it takes to register it.
const SHORT: Duration = Duration::from_secs(15);

/// Longest time until it has ended, or another one is in use.
const PATIENCE: Duration = Duration::from_secs(60);

const NAMESPACES: &str = "/api/v1/namespaces";

/// Writes the kubeconfig of an API server with a certificate that is good for so long.
fn write_kubeconfig(
    dir: &Path,
    kubeconfig: &Path,
    gateway: &Path,
    good: Duration,
) -> Result<PathBuf> {
    let pki = kubeconfig.parent().context("no folder")?.join("pki");
    let read = |name| std::fs::read_to_string(pki.join(name));
    let issuer = Issuer::from_ca_cert_pem(&read("ca.crt")?, KeyPair::from_pem(&read("ca.key")?)?)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params
        .distinguished_name
        .push(DnType::CommonName, "cubegate");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = OffsetDateTime::now_utc() - Duration::from_secs(60);
    params.not_after = OffsetDateTime::now_utc() + good;
    let certificate = params.signed_by(&key, &issuer)?;
    let mut document: Value = serde_saphyr::from_str(&std::fs::read_to_string(gateway)?)?;
    let user = document.pointer_mut("/users/0/user").context("no user")?;
    *user = json!({
        "client-certificate-data": STANDARD.encode(certificate.pem()),
        "client-key-data": STANDARD.encode(key.serialize_pem()),
    });
    let path = dir.join(format!("{}.kubeconfig", unique()));
    std::fs::write(&path, document.to_string())?;
    Ok(path)
}

#[test]
fn a_certificate_of_the_gateway_that_ends_is_told_as_such_and_another_one_is_taken() -> Result<()> {
    // A gateway of its own: other tests count the clusters of theirs.
    block_on(async {
        let server = &Stack::shared().await?.member;
        let gateway = Gateway::start(Site::new("expiry")?, &Options::default()).await?;
        let site = gateway.site();
        let write = |good| {
            write_kubeconfig(
                site.dir(),
                &server.kubeconfig,
                &server.gateway_kubeconfig,
                good,
            )
        };
        let cluster = format!("ending-{}", unique());
        site.add_cluster(&cluster, &write(SHORT)?, true).await?;
        let admin = gateway.admin().await?;
        let (of_cube, of_kube) = (cube(&cluster, NAMESPACES), kube(&cluster, NAMESPACES));
        admin.get(&of_cube).send().await?.expect(200)?;
        admin.get(&of_kube).send().await?.expect(200)?;

        // It is nobody's fault who asks: no 401, which has clients log in again for ever.
        let refused = until("the certificate has ended", PATIENCE, || async {
            let answer = admin.get(&of_cube).send().await?;
            Ok((answer.status != 200).then_some(answer))
        })
        .await?;
        let message = refused.cube_error(502)?;
        ensure!(
            message.contains("the gateway's own credential"),
            "{message}"
        );
        let status = admin.get(&of_kube).send().await?.expect(502)?.json()?;
        ensure!(status["kind"] == "Status", "{status}");
        let list = format!("/kapis/clusters/{cluster}/resources.kubesphere.io/v1alpha3/pods");
        let answer = admin.get(&list).send().await?;
        ensure!(answer.status == 502, "{}", answer.describe());
        let state = until("the list says it", PATIENCE, || async {
            let list = admin.get("/api/v1/cube/clusters").send().await?;
            let list = list.expect(200)?.json()?;
            let items = list["items"].as_array().context("no items")?;
            let item = items.iter().find(|item| item["name"] == json!(cluster));
            Ok(item.filter(|item| item["status"] == "abnormal").cloned())
        })
        .await?;
        let reason = state["reason"].to_string();
        ensure!(reason.contains("does not accept the credential"), "{state}");

        let good = write(Duration::from_secs(3_600))?;
        let good = good.to_str().context("a path that is no text")?;
        site.ok(&[
            "cluster",
            "add",
            &cluster,
            "--kubeconfig",
            good,
            "--replace",
        ])
        .await?;
        until("another one is taken", PATIENCE, || async {
            let answer = admin.get(&of_cube).send().await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
        admin.get(&of_kube).send().await?.expect(200)?;
        gateway.stop().await
    })
}
