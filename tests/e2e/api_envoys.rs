//! Who is let in at the control plane's ports, what is believed, and how Envoys keep their certificates.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::elsewhere::Serve;
use cubegate_tests::faults::{Scripted, list, whole};
use cubegate_tests::gateway::ADMIN_PASSWORD;
use cubegate_tests::tls::{Identity, read_pem};
use cubegate_tests::{Client, Gateway, Options, Site, block_on, until};
use serde_json::{Value, json};

use crate::support::{cube, in_the_playground};

const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than a control plane needs to hear of a change, and Envoy to take it.
const LONG_ENOUGH: Duration = Duration::from_secs(3);

/// What a login as `admin` says of the address that it came from.
async fn login_from(client: &Client, claimed: &str) -> Result<Value> {
    let body = json!({ "name": "admin", "password": ADMIN_PASSWORD, "loginType": "normal" });
    let answer = client
        .post("/api/v1/cube/login")
        .header("x-envoy-external-address", claimed)
        .header("x-forwarded-for", claimed)
        .json(&body)
        .send()
        .await?
        .expect(200)?
        .json()?;
    Ok(answer["status"]["lastLoginIP"].clone())
}

#[test]
fn the_api_speaks_tls_alone_and_believes_an_envoy_alone_about_addresses() -> Result<()> {
    in_the_playground(async |playground| {
        let gateway = &playground.gateway;
        let address = gateway.endpoints().control_plane.replace("https:", "http:");
        let answer = Client::plain(&address)?.get("/readyz").send().await?;
        ensure!(answer.status == 400, "{}", answer.describe());
        ensure!(
            answer.text().contains("speaks TLS"),
            "{}",
            answer.describe()
        );

        // Health checks and an API server's webhook have no certificate.
        let direct = gateway.control_plane(None)?;
        direct.get("/readyz").send().await?.expect(200)?;
        direct.get("/healthz").send().await?.expect(200)?;
        let claimed = "203.0.113.77";
        assert_eq!(login_from(&direct, claimed).await?, "127.0.0.1");
        let envoy = gateway.control_plane(Some(&gateway.envoy_identity()?))?;
        assert_eq!(login_from(&envoy, claimed).await?, claimed);
        // Through Envoy it is Envoy's finding.
        assert_eq!(login_from(gateway.client(), claimed).await?, "127.0.0.1");

        // What is no certificate of the CA is not even taken for nobody's.
        let stranger = stranger()?;
        let refused = gateway.control_plane(Some(&stranger))?;
        ensure!(refused.get("/readyz").send().await.is_err());
        Ok(())
    })
}

/// An Envoy's certificate of another installation.
fn stranger() -> Result<Identity> {
    let key = rcgen::KeyPair::generate()?;
    let mut params = rcgen::CertificateParams::new(Vec::new())?;
    let uri = "spiffe://cubegate/envoy/edge".try_into()?;
    params.subject_alt_names = vec![rcgen::SanType::URI(uri)];
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    Ok(Identity {
        certificate: params.self_signed(&key)?.pem().into_bytes(),
        key: key.serialize_pem().into_bytes(),
    })
}

/// What Envoys have recorded of requests to this cluster.
async fn records(serve: &Serve, token: &str, cluster: &str) -> Result<Vec<Value>> {
    let path = format!("/api/v1/cube/audit?cluster={cluster}&pageSize=100");
    let answer = serve
        .client(None)?
        .with_bearer(token)?
        .get(&path)
        .send()
        .await?;
    let items = answer.expect(200)?.json()?["items"].take();
    let items = items.as_array().cloned().unwrap_or_default();
    Ok(items
        .into_iter()
        .filter(|record| record["source"] == "gateway")
        .collect())
}

async fn token_of_admin(serve: &Serve) -> Result<String> {
    let key = serve.site().create_key("admin").await?;
    let path = key.token_path();
    let answer = serve.client(None)?.get(&path).send().await?.expect(200)?;
    let token = answer.json()?["token"].as_str().map(str::to_owned);
    token.context("no token")
}

#[test]
fn an_envoy_gets_nothing_under_the_name_of_another_or_after_it_was_shut_out() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        let site = Site::new("elsewhere")?;
        site.add_plain_cluster("first", upstream.port()).await?;
        let serve = Serve::start(site, &[]).await?;
        let token = token_of_admin(&serve).await?;

        // The files of edge-1 under the name of edge-2.
        let bootstrap = serve.bootstrap("edge-1", "edge-1", true).await?;
        let false_one = serve.bootstrap("edge-2", "edge-1", false).await?;
        let false_one = serve.envoy("edge-1", &false_one).await?;
        until("Envoy is told why", PATIENCE, || async {
            // As it travels: with %XX.
            let told = "closed: 7, the%20certificate%20is%20that%20of%20the%20Envoy%20%22edge-1%22";
            Ok(false_one.log()?.contains(told).then_some(()))
        })
        .await?;
        ensure!(!false_one.is_ready().await? && !false_one.has_cluster("cluster/first").await?);
        drop(false_one);

        // Under its own name.
        let envoy = serve.envoy("edge-1", &bootstrap).await?;
        until("Envoy is ready", PATIENCE, || async {
            Ok(envoy.is_ready().await?.then_some(()))
        })
        .await?;
        let client = serve.listener()?.with_bearer(&token)?;
        let path = cube("first", "/api/v1/configmaps");
        client.get(&path).send().await?.expect(200)?;
        let seen = until("its access log has come", PATIENCE, || async {
            let records = records(&serve, &token, "first").await?;
            Ok((!records.is_empty()).then_some(records))
        })
        .await?;
        assert_eq!(seen[0]["envoy"], "edge-1");
        let listed = serve.site().ok(&["node", "list"]).await?;
        let line = listed.lines().find(|line| line.starts_with("edge-1 "));
        ensure!(line.is_some_and(|line| line.contains("good")), "{listed}");

        // It gets a new certificate with the one that it has, and goes on.
        let file = envoy.certs().join("tls.pem");
        let certs = envoy.certs().display().to_string();
        let before = read_pem(&file)?;
        const LOADED: &str = "cluster.xds.client_ssl_socket_factory.ssl_context_update_by_sds";
        let loaded = envoy.stat(LOADED).await?;
        let xds = serve.xds_address();
        let renew = ["node", "renew", "--certs", &certs, "--xds-address", &xds];
        let said = serve.site().ok(&renew).await?;
        ensure!(said.contains("edge-1 has a new certificate"), "{said}");
        ensure!(read_pem(&file)? != before);
        until("Envoy has loaded it", PATIENCE, || async {
            Ok((envoy.stat(LOADED).await? > loaded).then_some(()))
        })
        .await?;
        serve
            .site()
            .add_plain_cluster("second", upstream.port())
            .await?;
        until("the next cluster has come", PATIENCE, || async {
            Ok(envoy.has_cluster("cluster/second").await?.then_some(()))
        })
        .await?;

        // Shut out by another process: its stream ends, and no further one begins.
        let asked = Instant::now();
        let said = serve.site().ok(&["node", "revoke", "edge-1"]).await?;
        ensure!(said.contains("edge-1 is shut out"), "{said}");
        until("the stream has ended", PATIENCE, || async {
            let state = envoy.stat("control_plane.connected_state").await?;
            Ok((state == 0).then_some(()))
        })
        .await?;
        let took = asked.elapsed();
        ensure!(took < Duration::from_secs(10), "{took:?}");
        let known = records(&serve, &token, "first").await?.len();
        serve
            .site()
            .add_plain_cluster("third", upstream.port())
            .await?;
        client.get(&path).send().await?.expect(200)?;
        tokio::time::sleep(LONG_ENOUGH).await;
        ensure!(!envoy.has_cluster("cluster/third").await?);
        assert_eq!(records(&serve, &token, "first").await?.len(), known);
        // Its word counts for nothing at the API, and it gets no certificate.
        let pem = read_pem(&file)?;
        let identity = Identity {
            certificate: pem.clone(),
            key: pem,
        };
        let api = serve.client(Some(&identity))?;
        ensure!(api.get("/readyz").send().await.is_err());
        let refused = serve.site().run(&renew).await?;
        let sentence = refused.one_sentence()?;
        ensure!(sentence.contains("shut out"), "{sentence}");
        let listed = serve.site().ok(&["node", "list"]).await?;
        ensure!(listed.contains("revoked"), "{listed}");

        // With new files it comes back by itself.
        serve.bootstrap("edge-1", "edge-1", true).await?;
        until("it is there again", PATIENCE, || async {
            Ok(envoy.has_cluster("cluster/third").await?.then_some(()))
        })
        .await?;
        client.get(&path).send().await?.expect(200)?;
        Ok(())
    })
}

#[test]
fn certificates_are_renewed_by_themselves_and_no_request_is_lost() -> Result<()> {
    block_on(async {
        let site = Site::new("renewal")?;
        // Of an earlier version: it was good for ten years and for every name.
        let pki = site.data_dir().join("pki");
        fs::create_dir_all(&pki)?;
        for file in ["envoy.crt", "envoy.key"] {
            fs::write(pki.join(file), "old")?;
        }
        let options = Options {
            plain: true,
            flags: ["--node-certificate-lifetime", "15"]
                .map(str::to_owned)
                .to_vec(),
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        ensure!(!pki.join("envoy.crt").exists() && !pki.join("envoy.key").exists());
        let admin = gateway.admin().await?;
        let file = gateway.envoy_files().join("tls.pem");
        let mut seen = vec![read_pem(&file)?];
        // Until the certificate has ended that came after the first one.
        let end = Instant::now() + Duration::from_secs(28);
        let mut answered = 0;
        while Instant::now() < end {
            let answer = admin.get("/oauth/userinfo").send().await?;
            ensure!(
                answer.status == 200,
                "after {answered}: {}",
                answer.describe()
            );
            answered += 1;
            let now = read_pem(&file)?;
            if seen.last() != Some(&now) {
                seen.push(now);
            }
        }
        ensure!(seen.len() >= 3, "{} certificates", seen.len());
        ensure!(answered > 100, "{answered}");
        // Envoy is the same, and still told of changes.
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        gateway
            .site()
            .add_plain_cluster("late", upstream.port())
            .await?;
        gateway.wait_for_cluster(&admin, "late").await?;
        let path = cube("late", "/api/v1/configmaps");
        admin.get(&path).send().await?.expect(200)?;
        gateway.health().check().await?;
        gateway.stop().await
    })
}
