//! `cubegate doctor`: each fault is made, and its sentence is seen.

use std::fs::{self, Permissions};
use std::net;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::cli::Ended;
use cubegate_tests::gateway::free_port;
use cubegate_tests::run::unique;
use cubegate_tests::{Gateway, Options, Site, block_on, kubeconfig, until};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::cli_envoys::refused_kubeconfig;
use crate::support::in_the_world;

/// The line of a check that says this.
fn line<'a>(ended: &'a Ended, check: &str, said: &str) -> Result<&'a str> {
    ended
        .stdout
        .lines()
        .find(|line| {
            line.get(6..).is_some_and(|line| line.starts_with(check)) && line.contains(said)
        })
        .with_context(|| format!("no check {check} says {said:?}: {ended:?}"))
}

fn assert_fails(ended: &Ended, check: &str, said: &str) -> Result<()> {
    let line = line(ended, check, said)?;
    ensure!(line.starts_with("fail  "), "{line}");
    ensure!(
        ended.code == Some(1) && ended.one_sentence()?.contains("failed"),
        "{ended:?}"
    );
    Ok(())
}

fn assert_warns(ended: &Ended, check: &str, said: &str) -> Result<()> {
    let line = line(ended, check, said)?;
    ensure!(line.starts_with("warn  "), "{line}");
    Ok(())
}

#[test]
fn a_good_set_up_is_good_from_all_sides() -> Result<()> {
    in_the_world(async |world| {
        let site = world.gateway.site();
        let ended = site.run(&["doctor"]).await?;
        for (check, said) in [
            ("data", "is there"),
            ("disk", "MiB are free"),
            ("keys", "nobody else may read them"),
            ("ports", "the gateway listens at 127.0.0.1:"),
            ("documents", "what Envoys are told fits: "),
            ("database", "is up to date and of this master key"),
            ("certificates", "the xDS CA is good for 36"),
            ("certificates", "the certificate of the Envoy up-"),
            (
                "certificates",
                "the gateway's certificate at cluster pivot-cluster is good for",
            ),
            ("users", "manage the gateway"),
            ("envoys", "(1.40."),
            (
                "members",
                "pivot-cluster answers the control plane as Kubernetes v",
            ),
            ("members", "member-1 answers through 1 of 1 Envoys"),
            ("clocks", "member-1's clock and this machine's agree"),
        ] {
            let line = line(&ended, check, said)?;
            ensure!(line.starts_with("ok    ") || check == "envoys", "{line}");
        }
        let json = site.run(&["doctor", "-o", "json"]).await?;
        let report: Value = serde_json::from_str(&json.stdout)?;
        ensure!(report["total"] == report["items"].as_array().context("no items")?.len());
        for item in report["items"].as_array().into_iter().flatten() {
            ensure!(
                item["state"].is_string()
                    && item["check"].is_string()
                    && item["message"].is_string()
            );
        }
        Ok(())
    })
}

#[test]
fn what_is_wrong_with_files_is_told() -> Result<()> {
    block_on(async {
        let site = Site::new("doctor-files")?;
        let ended = site.run(&["doctor"]).await?;
        assert_warns(&ended, "data", "there is no data directory")?;
        assert_fails(&ended, "keys", "master.key is missing")?;
        assert_warns(&ended, "database", "there is no gateway in")?;
        ensure!(!site.data_dir().exists(), "it makes nothing");

        site.begin().await?;
        let good = site.run(&["doctor"]).await?;
        ensure!(good.code == Some(0), "{good:?}");
        assert_warns(&good, "ports", "no control plane runs on")?;
        assert_warns(&good, "members", "no cluster is registered")?;

        let key = site.data_dir().join("master.key");
        fs::set_permissions(&key, Permissions::from_mode(0o644))?;
        fs::set_permissions(site.data_dir(), Permissions::from_mode(0o755))?;
        let ended = site.run(&["doctor"]).await?;
        assert_fails(&ended, "keys", "run chmod o= ")?;
        assert_warns(&ended, "data", "may look into")?;

        let kept = fs::read(&key)?;
        fs::set_permissions(&key, Permissions::from_mode(0o600))?;
        fs::write(&key, [7; 32])?;
        let ended = site.run(&["doctor"]).await?;
        assert_fails(
            &ended,
            "database",
            "the master key does not belong to the database",
        )?;
        fs::write(&key, kept)?;

        fs::remove_file(site.data_dir().join("pki/xds-ca.crt"))?;
        let before = fs::read(site.data_dir().join("pki/xds-ca.key"))?;
        let ended = site.run(&["doctor"]).await?;
        assert_fails(&ended, "keys", "xds-ca.crt is missing")?;
        ensure!(before == fs::read(site.data_dir().join("pki/xds-ca.key"))?);
        Ok(())
    })
}

fn write_certificate(folder: &Path, name: &str, days: i64) -> Result<[String; 2]> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["gateway.example".to_owned()])?;
    params.not_before = OffsetDateTime::now_utc() - Duration::days(90);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(days) + Duration::hours(1);
    let files = [
        folder.join(format!("{name}.crt")),
        folder.join(format!("{name}.key")),
    ];
    fs::write(&files[0], params.self_signed(&key)?.pem())?;
    fs::write(&files[1], key.serialize_pem())?;
    Ok(files.map(|file| file.display().to_string()))
}

#[test]
fn what_is_wrong_with_ports_certificates_and_the_database_is_told() -> Result<()> {
    block_on(async {
        let site = Site::new("doctor-ports")?;
        site.begin().await?;
        let taken = net::TcpListener::bind("127.0.0.1:0")?;
        let api = format!("--api-listen={}", taken.local_addr()?);
        let ended = site.run(&["doctor", &api]).await?;
        assert_fails(&ended, "ports", "another program listens at")?;

        let [old, old_key] = write_certificate(site.dir(), "old", -1)?;
        let [late, late_key] = write_certificate(site.dir(), "late", 5)?;
        let doctor = async |certificate: &str, key: &str| {
            site.run(&["doctor", "--tls-cert", certificate, "--tls-key", key])
                .await
        };
        assert_fails(
            &doctor(&old, &old_key).await?,
            "certificates",
            "the listener's certificate has ended; replace both files",
        )?;
        assert_warns(
            &doctor(&late, &late_key).await?,
            "certificates",
            "ends in 5 days",
        )?;
        assert_fails(
            &doctor(&late, &old_key).await?,
            "certificates",
            "is not that of the certificate",
        )?;

        let nobody = format!("postgres://me@127.0.0.1:{}/d", free_port()?);
        let ended = site.run(&["doctor", "--database-url", &nobody]).await?;
        assert_fails(&ended, "database", "Connection refused")?;

        // Somebody guesses, and nobody manages.
        site.add_user("jane", "a good Passw0rd").await?;
        let mut database = cubegate_tests::database::Database::of(&site).await?;
        database
            .execute(&[
                "UPDATE users SET state = 'forbidden' WHERE name = 'admin'",
                "UPDATE users SET locked_until = 4000000000 WHERE name = 'jane'",
                "INSERT INTO nodes (name, issued_at, expires_at) VALUES ('edge-9', 1, 2)",
            ])
            .await?;
        let ended = site.run(&["doctor"]).await?;
        assert_fails(&ended, "users", "nobody may manage the gateway")?;
        assert_warns(&ended, "users", "the password of jane is being guessed")?;
        assert_fails(
            &ended,
            "certificates",
            "the certificate of the Envoy edge-9 has ended; `cubegate node renew`",
        )?;

        database
            .execute(&["DELETE FROM _sqlx_migrations WHERE version = 20261129001000"])
            .await?;
        let ended = site.run(&["doctor"]).await?;
        assert_warns(&ended, "database", "is of an earlier version")?;
        database
            .execute(&["UPDATE _sqlx_migrations SET version = 29990101000000 WHERE version = 20261128007000"])
            .await?;
        let ended = site.run(&["doctor"]).await?;
        assert_fails(&ended, "database", "was used by a newer cubegate")?;
        Ok(())
    })
}

/// Plays an API server whose clock is wrong by as much, and returns its port.
async fn at_another_time(apart: Duration) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n")
                && stream.read_buf(&mut head).await.is_ok_and(|read| read > 0)
            {}
            let date = (OffsetDateTime::now_utc() + apart).format(&Rfc2822);
            // HTTP has another name for the zone.
            let date = date.unwrap_or_default().replace("+0000", "GMT");
            let answer = format!(
                "HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    Ok(port)
}

#[test]
fn what_is_wrong_with_members_and_envoys_is_told() -> Result<()> {
    block_on(async {
        let options = Options {
            plain: true,
            ..Options::default()
        };
        let gateway = Gateway::start(Site::new("doctor-members")?, &options).await?;
        let site = gateway.site();
        site.add_plain_cluster("dead", free_port()?).await?;
        let ended = site.run(&["doctor"]).await?;
        assert_fails(&ended, "members", "dead does not answer the control plane")?;
        assert_fails(&ended, "members", "dead: through the Envoy up-")?;

        // A minute behind is nothing yet, ten ahead are too much.
        for (name, minutes) in [("late", -1), ("early", 10)] {
            let port = at_another_time(Duration::minutes(minutes)).await?;
            site.add_plain_cluster(name, port).await?;
        }
        let ended = site.run(&["doctor"]).await?;
        assert_warns(&ended, "clocks", "late's clock is ")?;
        ensure!(line(&ended, "clocks", "late's")?.contains(" s behind this machine's"));
        assert_fails(&ended, "clocks", "early's clock is ")?;
        ensure!(line(&ended, "clocks", "early's")?.contains(" s ahead of this machine's"));

        let name = format!("refused-{}", unique());
        let file = site.dir().join("refused.kubeconfig");
        fs::write(&file, refused_kubeconfig()?)?;
        let file = file.display().to_string();
        site.ok(&["cluster", "add", &name, "--no-check", "--kubeconfig", &file])
            .await?;
        until(
            "its refusal is told",
            std::time::Duration::from_secs(20),
            || async {
                let ended = site.run(&["doctor"]).await?;
                Ok(assert_fails(&ended, "envoys", " refuses the ").ok())
            },
        )
        .await?;

        // A kubeconfig with a certificate that has ended since it was registered.
        let [certificate, key] = write_certificate(site.dir(), "ended", -1)?;
        let mut document = kubeconfig::document("http://127.0.0.1:1", None);
        document["users"][0]["user"] =
            serde_json::json!({ "client-certificate": certificate, "client-key": key });
        let file = site.dir().join("ended.kubeconfig");
        fs::write(&file, document.to_string())?;
        let file = file.display().to_string();
        let added = site
            .run(&[
                "cluster",
                "add",
                "ended",
                "--no-check",
                "--kubeconfig",
                &file,
            ])
            .await?;
        if added.code == Some(0) {
            let ended = site.run(&["doctor"]).await?;
            assert_fails(
                &ended,
                "certificates",
                "the gateway's certificate at cluster ended has ended",
            )?;
        }

        gateway.kill_control_plane().await?;
        let ended = site.run(&["doctor"]).await?;
        assert_warns(&ended, "ports", "no control plane runs on")?;
        Ok(())
    })
}
