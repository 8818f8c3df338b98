//! What API servers prove themselves with: keys on any curve, TLS 1.3 alone, and
//! certificates that everybody trusts.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::gateway::free_port;
use cubegate_tests::http2_upstream::{Certificate, End, Http2Upstream};
use cubegate_tests::run::unique;
use cubegate_tests::{Site, block_on, kubeconfig, until};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
    SignatureAlgorithm,
};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tokio::process::Command;

use crate::support::{Playground, in_the_playground, kube};

const NAME: &str = "127.0.0.1";

/// How soon a renewed bundle is in use: it is looked at every ten seconds.
const RENEWAL: Duration = Duration::from_secs(60);

fn self_signed(algorithm: &'static SignatureAlgorithm) -> Result<Certificate> {
    let key = KeyPair::generate_for(algorithm)?;
    let made = CertificateParams::new(vec![NAME.to_owned()])?.self_signed(&key)?;
    Ok(Certificate {
        pem: made.pem(),
        chain: vec![made.der().clone()],
        key: key.serialize_der(),
    })
}

/// Nobody else has that name: one that signs itself is no other's.
fn named(names: Vec<String>) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, unique());
    Ok(params)
}

/// A CA that the tests' system trusts.
struct PublicCa {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl PublicCa {
    fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = named(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let pem = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        Ok(Self { pem, issuer })
    }

    async fn server(&self) -> Result<Http2Upstream> {
        let key = KeyPair::generate()?;
        let made = named(vec![NAME.to_owned()])?.signed_by(&key, &self.issuer)?;
        let certificate = Certificate {
            pem: made.pem(),
            chain: vec![made.der().clone()],
            key: key.serialize_der(),
        };
        Http2Upstream::proven_by(certificate, rustls::ALL_VERSIONS, ["{}"], End::Body).await
    }
}

/// Registers what this kubeconfig leads to.
async fn register(playground: &Playground, kubeconfig: &Path) -> Result<String> {
    let name = format!("tls-{}", unique());
    let site = playground.gateway.site();
    site.add_cluster(&name, kubeconfig, false).await?;
    let client = playground.client()?;
    playground.gateway.wait_for_cluster(&client, &name).await?;
    Ok(name)
}

#[test]
fn a_server_may_have_a_key_of_any_kind_and_any_version_of_tls() -> Result<()> {
    in_the_playground(async |playground| {
        let only: [&[&'static SupportedProtocolVersion]; 2] = [&[&TLS12], &[&TLS13]];
        for algorithm in [
            &PKCS_ECDSA_P256_SHA256,
            &PKCS_ECDSA_P384_SHA384,
            &PKCS_ED25519,
        ] {
            for versions in only {
                let upstream =
                    Http2Upstream::proven_by(self_signed(algorithm)?, versions, ["{}"], End::Body)
                        .await?;
                let dir = playground.gateway.site().dir();
                let file = upstream.kubeconfig(dir, &unique())?;
                let cluster = register(playground, &file).await?;
                let client = playground.client()?;
                let answer = client.get(&kube(&cluster, "/version")).send().await?;
                ensure!(
                    answer.status == 200,
                    "{algorithm:?} {versions:?}: {}",
                    answer.text()
                );
            }
        }
        Ok(())
    })
}

#[test]
fn a_server_may_have_a_key_on_the_largest_curve() -> Result<()> {
    in_the_playground(async |playground| {
        let dir = playground.gateway.site().dir();
        let (key, certificate) = (dir.join("p521.key"), dir.join("p521.crt"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-521",
            ])
            .args(["-nodes", "-days", "2", "-subj", "/CN=p521", "-addext"])
            .arg(format!("subjectAltName=IP:{NAME}"))
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .output()
            .await
            .context("openssl")?;
        ensure!(made.status.success(), "{made:?}");
        let port = free_port()?;
        let _server = Command::new("openssl")
            .args(["s_server", "-quiet", "-www", "-accept"])
            .arg(format!("{NAME}:{port}"))
            .arg("-key")
            .arg(&key)
            .arg("-cert")
            .arg(&certificate)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let ca = fs::read_to_string(&certificate)?;
        let server = format!("https://{NAME}:{port}");
        let file = kubeconfig::write(dir, &unique(), &server, Some(&ca))?;
        let cluster = register(playground, &file).await?;
        let client = playground.client()?;
        until("it answers", Duration::from_secs(20), || async {
            let answer = client.get(&kube(&cluster, "/version")).send().await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await
    })
}

#[test]
fn a_kubeconfig_without_a_ca_is_proven_by_the_systems_and_follows_its_renewal() -> Result<()> {
    block_on(async {
        let (old, new) = (PublicCa::new()?, PublicCa::new()?);
        let site = Site::new("public-ca")?;
        let bundle = site.dir().join("bundle.pem");
        fs::write(&bundle, &old.pem)?;
        let site = site.with_variable("CUBEGATE_SYSTEM_CA", bundle.to_str().context("a path")?);
        let playground = Playground::of(site, true, &[]).await?;
        let dir = playground.gateway.site().dir();
        let register_server = async |upstream: &Http2Upstream| {
            let server = format!("https://{}", upstream.address());
            let file = kubeconfig::write(dir, &unique(), &server, None)?;
            register(&playground, &file).await
        };
        let trusted = old.server().await?;
        let cluster = register_server(&trusted).await?;
        let client = playground.client()?;
        let path = kube(&cluster, "/version");
        client.get(&path).send().await?.expect(200)?;

        // Signed by nobody whom the system trusts, until its bundle is renewed.
        let unknown = new.server().await?;
        let other = register_server(&unknown).await?;
        let other = kube(&other, "/version");
        client.get(&other).send().await?.kube_error(502)?;
        fs::write(&bundle, format!("{}{}", old.pem, new.pem))?;
        until("the renewed bundle is in use", RENEWAL, || async {
            let answer = client.get(&other).send().await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
        client.get(&path).send().await?.expect(200)?;
        playground.gateway.health().check().await
    })
}
