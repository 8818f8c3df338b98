//! Keys and certificates that are replaced while everything goes on: no token that is good is
//! refused, and no Envoy is lost.

mod secrets;

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cubegate_tests::elsewhere::Serve;
use cubegate_tests::faults::{Scripted, whole};
use cubegate_tests::gateway::{ADMIN_PASSWORD, free_port};
use cubegate_tests::tls::read_pem;
use cubegate_tests::{Client, Gateway, Options, Site, block_on, until};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};

/// Files are looked at every ten seconds.
const LOOK: Duration = Duration::from_secs(30);

/// The id of the key that has signed a token.
fn key_id(token: &str) -> Result<String> {
    let head = token.split('.').next().context("no token")?;
    let head: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head)?)?;
    Ok(head["kid"].as_str().context("no kid")?.to_owned())
}

#[test]
fn another_signing_key_loses_no_token_that_is_good() -> Result<()> {
    block_on(async {
        let site = Site::new("rotate-signing")?;
        let upstream = Scripted::start(whole("{}")).await?;
        let options = Options {
            plain: true,
            flags: vec![
                "--kubeconfig-lifetime=60".to_owned(),
                "--token-lifetime=60".to_owned(),
                "--session-lifetime=60".to_owned(),
                "--oauth-token-lifetime=60".to_owned(),
                "--oauth-refresh-lifetime=60".to_owned(),
            ],
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let site = gateway.site();
        site.add_plain_cluster("played", upstream.port()).await?;
        let key = site.create_key("admin").await?;
        let old = gateway.exchange(&key).await?;
        let first = gateway.client().with_bearer(&old)?;
        gateway.wait_for_cluster(&first, "played").await?;
        let path = "/api/v1/cube/proxy/clusters/played/version";
        let published = async || -> Result<Vec<String>> {
            let keys = gateway
                .client()
                .get("/oauth/keys")
                .send()
                .await?
                .expect(200)?
                .json()?;
            let keys = keys["keys"].as_array().context("no keys")?.clone();
            let kid = |key: &serde_json::Value| key["kid"].as_str().unwrap_or_default().to_owned();
            Ok(keys.iter().map(kid).collect())
        };

        let early = site.run(&["keys", "rotate", "signing", "use"]).await?;
        ensure!(
            early
                .one_sentence()?
                .contains("there is no next signing key")
        );
        site.ok(&["keys", "rotate", "signing", "add"]).await?;
        until("both are published", LOOK, || async {
            Ok((published().await?.len() == 2).then_some(()))
        })
        .await?;
        let early = site.run(&["keys", "rotate", "signing", "use"]).await?;
        ensure!(early.one_sentence()?.contains("--now"), "{early:?}");
        // Nobody else serves here, and Envoy has had it for a while.
        tokio::time::sleep(Duration::from_secs(2)).await;
        site.ok(&["keys", "rotate", "signing", "use", "--now"])
            .await?;
        let new = until("the new one signs", LOOK, || async {
            let token = gateway.exchange(&key).await?;
            Ok((key_id(&token)? != key_id(&old)?).then_some(token))
        })
        .await?;
        let second = gateway.client().with_bearer(&new)?;
        for client in [&first, &second] {
            client.get(path).send().await?.expect(200)?;
            client.get("/oauth/userinfo").send().await?.expect(200)?;
        }
        let listed = site.ok(&["keys", "list", "-o", "json"]).await?;
        let listed: serde_json::Value = serde_json::from_str(&listed)?;
        let roles: Vec<_> = listed["items"]
            .as_array()
            .context("no items")?
            .iter()
            .map(|item| {
                (
                    item["kind"].as_str().unwrap_or_default(),
                    item["role"].as_str().unwrap_or_default(),
                )
            })
            .collect();
        assert_eq!(
            roles,
            [
                ("signing", "signs"),
                ("signing", "old"),
                ("xds-ca", "signs")
            ]
        );

        // The longest life is asked of the database.
        let early = site.run(&["keys", "rotate", "signing", "drop"]).await?;
        ensure!(
            early.one_sentence()?.contains("may live until"),
            "{early:?}"
        );
        site.ok(&["keys", "rotate", "signing", "drop", "--now"])
            .await?;
        until("the old one is refused", LOOK, || async {
            let answer = first.get(path).send().await?;
            Ok((answer.status == 401).then_some(()))
        })
        .await?;
        second.get(path).send().await?.expect(200)?;
        first.get("/oauth/userinfo").send().await?.expect(401)?;
        assert_eq!(published().await?, [key_id(&new)?]);

        // In an emergency all of them end, and the key gives others.
        let half = site.run(&["tokens", "revoke"]).await?;
        assert_eq!(half.code, Some(2), "{half:?}");
        site.ok(&["tokens", "revoke", "--all"]).await?;
        until("every token is refused", LOOK, || async {
            let answer = second.get(path).send().await?;
            Ok((answer.status == 401).then_some(()))
        })
        .await?;
        let token = gateway.exchange(&key).await?;
        let third = gateway.client().with_bearer(&token)?;
        until("another one is good", LOOK, || async {
            let answer = third.get(path).send().await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
        // Each step is recorded, and what was refused is not.
        assert_eq!(verbs(site, "signing-keys").await?, ["add", "use", "drop"]);
        assert_eq!(verbs(site, "tokens").await?, ["revoke"]);
        Ok(())
    })
}

#[test]
fn all_tokens_end_also_when_there_is_no_database_to_record_it() -> Result<()> {
    block_on(async {
        let site = Site::new("revoke-without")?;
        site.begin().await?;
        let file = site.data_dir().join("signing.pem");
        let before = fs::read(&file)?;
        let nobody = format!("postgres://me@127.0.0.1:{}/d", free_port()?);
        let revoke = ["tokens", "revoke", "--all", "--database-url", &nobody];
        let ended = site.run(&revoke).await?;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ensure!(
            ended.stderr.contains("stands in no audit record: ")
                && ended.stderr.contains("Connection refused"),
            "{ended:?}"
        );
        ensure!(before != fs::read(&file)?);
        Ok(())
    })
}

/// What commands have done to such a thing.
async fn verbs(site: &Site, resource: &str) -> Result<Vec<String>> {
    let changes = site.changes(resource).await?;
    Ok(changes.into_iter().map(|(verb, _)| verb).collect())
}

/// Writes a certificate of this CA for 127.0.0.1 and its key.
fn write_certificate(
    issuer: &Issuer<'static, KeyPair>,
    certificate: &Path,
    key: &Path,
) -> Result<()> {
    let pair = KeyPair::generate()?;
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    fs::write(certificate, params.signed_by(&pair, issuer)?.pem())?;
    fs::write(key, pair.serialize_pem())?;
    Ok(())
}

fn mk_ca() -> Result<(String, Issuer<'static, KeyPair>)> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let pem = params.self_signed(&key)?.pem();
    Ok((pem, Issuer::new(params, key)))
}

#[test]
fn a_listeners_certificate_is_taken_when_its_files_are_renewed() -> Result<()> {
    block_on(async {
        let site = Site::new("rotate-listener")?;
        fs::create_dir_all(site.dir())?;
        let (certificate, key) = (site.dir().join("tls.crt"), site.dir().join("tls.key"));
        let ((old_ca, old), (new_ca, new)) = (mk_ca()?, mk_ca()?);
        write_certificate(&old, &certificate, &key)?;
        let flags = [
            "--tls-cert",
            &certificate.display().to_string(),
            "--tls-key",
            &key.display().to_string(),
        ];
        let options = Options {
            flags: flags.map(str::to_owned).to_vec(),
            ..Options::default()
        };
        // A key of another certificate is told at the start.
        let strange = site.dir().join("strange.key");
        fs::write(&strange, KeyPair::generate()?.serialize_pem())?;
        let filter = site.artifacts().filter.display().to_string();
        let refused = site
            .run(&[
                "serve",
                "--filter",
                &filter,
                "--tls-cert",
                flags[1],
                "--tls-key",
                &strange.display().to_string(),
                "--api-listen=127.0.0.1:0",
                "--xds-listen=127.0.0.1:0",
            ])
            .await?;
        ensure!(
            refused
                .one_sentence()?
                .contains("is not that of the certificate"),
            "{refused:?}"
        );

        let gateway = Gateway::start(site, &options).await?;
        let url = &gateway.endpoints().gateway;
        let trusting_old = Client::tls(url, old_ca.as_bytes(), None)?;
        trusting_old
            .get("/livez/filter")
            .send()
            .await?
            .expect(200)?;

        // One of the files is newer than the other: nothing changes, and it is told.
        let half = KeyPair::generate()?.serialize_pem();
        let good = fs::read(&key)?;
        fs::write(&key, half)?;
        until("it is told", LOOK, || async {
            let log = fs::read_to_string(gateway.site().dir().join("up.log"))?;
            Ok(log
                .contains("a file that was renewed is not used")
                .then_some(()))
        })
        .await?;
        let fresh = Client::tls(url, old_ca.as_bytes(), None)?;
        fresh.get("/livez/filter").send().await?.expect(200)?;
        fs::write(&key, good)?;

        write_certificate(&new, &certificate, &key)?;
        until("the new one is served", LOOK, || async {
            let fresh = Client::tls(url, new_ca.as_bytes(), None)?;
            let answer = fresh.get("/livez/filter").send().await;
            Ok(answer
                .is_ok_and(|answer| answer.status == 200)
                .then_some(()))
        })
        .await?;
        // Connections that there were go on.
        trusting_old
            .get("/livez/filter")
            .send()
            .await?
            .expect(200)?;
        let fresh = Client::tls(url, old_ca.as_bytes(), None)?;
        ensure!(fresh.get("/livez/filter").send().await.is_err());
        gateway.health().check().await
    })
}

#[test]
fn another_ca_of_xds_loses_no_envoy() -> Result<()> {
    block_on(async {
        let site = Site::new("rotate-xds-ca")?;
        let ports = [free_port()?, free_port()?, free_port()?];
        let serve = Serve::start_on(site.clone(), ports, &[]).await?;
        let bootstrap = serve.bootstrap("edge-1", "certs", true).await?;
        let envoy = serve.envoy("certs", &bootstrap).await?;
        let certs = envoy.certs().display().to_string();
        let renew = [
            "node",
            "renew",
            "--certs",
            &certs,
            "--xds-address",
            &serve.xds_address(),
        ];
        let connected = async || -> Result<()> {
            until(
                "Envoy is connected and serves",
                Duration::from_secs(60),
                || async {
                    let listed = site.ok(&["envoys"]).await?;
                    let serves = serve_listener(&ports)?.get("/livez/filter").send().await;
                    let serves = serves.is_ok_and(|answer| answer.status == 200);
                    Ok((serves && listed.contains("edge-1")).then_some(()))
                },
            )
            .await
        };
        connected().await?;

        // The control plane reads its files again, and is never started anew.
        let own_file = site.data_dir().join("pki/xds-ca.crt");
        let renewed = async || -> Result<()> {
            site.ok(&renew).await?;
            let known = fs::read(envoy.certs().join("ca.crt"))?;
            ensure!(
                known == fs::read(&own_file)?,
                "Envoy has other CAs than those that are trusted"
            );
            Ok(())
        };
        site.ok(&["keys", "rotate", "xds-ca", "add"]).await?;
        let early = site.run(&["keys", "rotate", "xds-ca", "use"]).await?;
        ensure!(early.one_sentence()?.contains("node renew"), "{early:?}");
        renewed().await?;
        let trusted = fs::read_to_string(&own_file)?;
        assert_eq!(trusted.matches("BEGIN CERTIFICATE").count(), 2);
        site.ok(&["keys", "rotate", "xds-ca", "use", "--now"])
            .await?;
        connected().await?;
        let early = site.run(&["keys", "rotate", "xds-ca", "drop"]).await?;
        let told = early.one_sentence()?;
        ensure!(told.contains("edge-1 still has a certificate"), "{told}");
        // A second later than the new key, as its time is told.
        tokio::time::sleep(Duration::from_secs(1)).await;
        renewed().await?;
        site.ok(&["keys", "rotate", "xds-ca", "drop"]).await?;
        renewed().await?;
        connected().await?;
        // Whoever trusts the new one alone is served, and the API's clients take the file.
        let ca = String::from_utf8(read_pem(&own_file)?)?;
        assert_eq!(ca.matches("BEGIN CERTIFICATE").count(), 1);
        let client = serve.client(None)?;
        until(
            "the API shows a certificate of the new CA",
            LOOK,
            || async {
                let answer = client.login("admin", ADMIN_PASSWORD).await;
                Ok(answer
                    .is_ok_and(|answer| answer.status == 200)
                    .then_some(()))
            },
        )
        .await?;
        assert_eq!(verbs(&site, "xds-cas").await?, ["add", "use", "drop"]);
        connected().await
    })
}

fn serve_listener(ports: &[u16; 3]) -> Result<Client> {
    Client::plain(&format!("http://127.0.0.1:{}", ports[0]))
}
