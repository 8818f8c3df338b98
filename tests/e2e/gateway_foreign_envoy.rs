//! What another Envoy reaches that has our filter: nothing. The filter holds no credential of a
//! cluster; those come over xDS, to Envoys with a certificate of ours.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::elsewhere::Serve;
use cubegate_tests::jwt::Minter;
use cubegate_tests::kubeconfig::Kubeconfig;
use cubegate_tests::static_envoy::{Config, Envoy, LISTENER, at, change_document, shipped};
use cubegate_tests::{Client, Site, block_on, until};
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};

use crate::support::{HS256_SECRET, in_the_world, kube};

const PATIENCE: Duration = Duration::from_secs(20);

/// How the foreign Envoy comes to the API server.
struct Visit {
    /// The cluster that it is there.
    name: &'static str,
    /// The CA that it has for it, PEM.
    ca: String,
    /// The certificate and the key that it shows, PEM.
    identity: Option<(String, String)>,
}

// === impl Visit ===

impl Visit {
    fn transport_socket(&self) -> Value {
        let inline = |pem: &str| json!({ "inline_string": pem });
        let mut tls = json!({ "validation_context": { "trusted_ca": inline(&self.ca) } });
        if let (Some((certificate, key)), Some(tls)) = (&self.identity, tls.as_object_mut()) {
            let shown =
                json!({ "certificate_chain": inline(certificate), "private_key": inline(key) });
            tls.insert("tls_certificates".to_owned(), json!([shown]));
        }
        json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "common_tls_context": tls,
            },
        })
    }
}

/// Its configuration: the shipped one, with this API server in several ways.
fn foreign(server: &str, visits: &[Visit]) -> Result<Config> {
    let (_, port) = server.rsplit_once(':').context("a server without a port")?;
    let mut config = shipped(port.parse()?, HS256_SECRET)?;
    let clusters = at(&mut config.document, "/static_resources/clusters")?;
    let shipped = clusters.as_array().cloned().unwrap_or_default();
    let mut named = Vec::new();
    for visit in visits {
        for (cluster, suffix) in shipped.iter().zip(["", "/http1"]) {
            let mut cluster = cluster.clone();
            let name = format!("cluster/{}{suffix}", visit.name);
            cluster["name"] = json!(name);
            cluster["load_assignment"]["cluster_name"] = json!(name);
            cluster["transport_socket"] = visit.transport_socket();
            named.push(cluster);
        }
    }
    *clusters = json!(named);
    change_document(&mut config.document, |filter| {
        let known = visits.iter().map(|visit| {
            let upstream = format!("cluster/{}", visit.name);
            let upgrade = format!("{upstream}/http1");
            let entry = json!({ "upstream": upstream, "upgrade_upstream": upgrade, "authority": "127.0.0.1" });
            (visit.name.to_owned(), entry)
        });
        filter.insert("clusters".to_owned(), known.collect());
    })?;
    Ok(config)
}

/// A CA or a client certificate of somebody's own, and its key.
fn of_ones_own(name: &str) -> Result<(String, String)> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

#[test]
fn another_envoy_with_our_filter_reaches_no_member() -> Result<()> {
    in_the_world(async |world| {
        let member = Kubeconfig::read(&world.stack.member.kubeconfig)?;
        let ca = String::from_utf8(member.ca)?;
        let ours = Kubeconfig::read(&world.stack.member.gateway_kubeconfig)?.identity;
        let stolen = (
            String::from_utf8(ours.certificate)?,
            String::from_utf8(ours.key)?,
        );
        let visit = |name, ca: &str, identity| Visit {
            name,
            ca: ca.to_owned(),
            identity,
        };
        let visits = [
            visit("bare", &ca, None),
            // The name of the gateway's user, by a CA that the API server does not know.
            visit("forged", &ca, Some(of_ones_own("cubegate")?)),
            visit("blind", &of_ones_own("another CA")?.0, None),
            visit("stolen", &ca, Some(stolen)),
        ];
        let envoy = Envoy::start("foreign", 1, |_| foreign(&member.server, &visits)).await?;
        // Its operator lets in whom he likes: the filter there believes his tokens.
        let token = Minter::new(HS256_SECRET).token("admin")?;
        let client = Client::plain(&envoy.base(LISTENER)?)?.with_bearer(&token)?;
        world.stack.member.kube.make_cluster_admin("admin").await?;
        let ask = async |name: &str| -> Result<(u16, Value)> {
            let path = kube(name, "/api/v1/namespaces/kube-system/secrets");
            let answer = client.get(&path).send().await?;
            Ok((answer.status, answer.json()?))
        };

        let (status, said) = ask("bare").await?;
        ensure!(
            matches!(status, 401 | 403) && said["kind"] == "Status",
            "{status} {said}"
        );
        for (name, reason) in [
            // The filter's word for the API server's 401.
            ("forged", "does not accept the gateway's own credential"),
            // TLS does not even begin.
            ("blind", "cannot be reached"),
        ] {
            let (status, said) = ask(name).await?;
            let told = said["message"].as_str().unwrap_or_default();
            ensure!(status == 502 && told.contains(reason), "{status} {said}");
        }
        // The same way with the gateway's credential leads there: nothing else was wrong.
        let (status, said) = ask("stolen").await?;
        ensure!(
            status == 200 && said["kind"] == "SecretList",
            "{status} {said}"
        );
        Ok(())
    })
}

#[test]
fn another_envoy_is_told_nothing_over_xds() -> Result<()> {
    block_on(async {
        let serve = Serve::start(Site::new("foreign-xds")?, &[]).await?;
        // Another gateway's certificate, for the same name; the CA by which it knows our
        // control plane it may have.
        let other = Site::new("foreign-xds-other")?;
        other.begin().await?;
        let bootstrap = serve.bootstrap("edge-1", "edge-1", false).await?;
        let certs = serve.site().dir().join("edge-1");
        let folder = certs.display().to_string();
        let arguments = ["bootstrap", "--node-id", "edge-1", "--certs", &folder];
        other
            .ok(&[&arguments[..], &["--write-certs", &folder]].concat())
            .await?;
        let ca = serve.site().data_dir().join("pki/xds-ca.crt");
        std::fs::copy(ca, certs.join("ca.crt"))?;
        let envoy = serve.envoy("edge-1", &bootstrap).await?;
        until("Envoy is refused", PATIENCE, || async {
            Ok(
                (envoy.stat("cluster.xds.upstream_cx_connect_fail").await? > 2
                    || envoy.log()?.contains("gRPC config stream to xds closed"))
                .then_some(()),
            )
        })
        .await?;
        ensure!(!envoy.is_ready().await?, "it serves");
        let secrets = envoy.stat("cluster_manager.cds.update_success").await?;
        ensure!(secrets == 0, "it was told of clusters");
        let answer = serve.listener()?.get("/livez/filter").send().await;
        ensure!(answer.is_err(), "it listens");
        Ok(())
    })
}
