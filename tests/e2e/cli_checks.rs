//! `cluster add` says what clients will find: it asks the API server itself, and through the
//! connected Envoys.

mod kubeconfigs;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::cli::Ended;
use cubegate_tests::gateway::free_port;
use cubegate_tests::run::unique;
use cubegate_tests::stack::ApiServer;
use cubegate_tests::tls_upstream::{KeyKind, Settings, Shown, TlsUpstream, openssl};
use cubegate_tests::{Client, Shared, Site, block_on, kubeconfig};
use rcgen::KeyUsagePurpose;
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use serde_json::json;
use tokio::process::Command;

use crate::support::{Playground, kube};

const PATIENCE: Duration = Duration::from_secs(10);

/// The newest version of TLS alone, and the one before.
static ONE_VERSION: [&[&SupportedProtocolVersion]; 2] = [&[&TLS13], &[&TLS12]];

const HOST: &str = "127.0.0.1";

/// Runs a test before a gateway with TLS, which lets clusters be on this machine.
fn in_the_checked(test: impl AsyncFnOnce(&'static Playground) -> Result<()>) -> Result<()> {
    static CHECKED: Shared<Playground> = Shared::new();
    block_on(async {
        let flags = ["--allow-cluster-address=127.0.0.0/8"];
        let start = async { Playground::of(Site::new("checked")?, false, &flags).await };
        let playground = CHECKED.get(start).await?;
        test(playground).await?;
        playground.gateway.health().check().await
    })
}

/// Runs `cluster add`.
async fn add(site: &Site, name: &str, file: &Path, more: &[&str]) -> Result<Ended> {
    let file = file.to_str().context("a path that is no text")?;
    let arguments = [&["cluster", "add", name, "--kubeconfig", file], more].concat();
    site.run(&arguments).await
}

/// What `GET /version` gives, over the way of ordinary requests and over that of upgrades.
async fn statuses(playground: &Playground, cluster: &str) -> Result<[u16; 2]> {
    let client = playground.client()?;
    let plain = client.get(&kube(cluster, "/version")).send().await?.status;
    let server = playground.gateway.raw()?;
    let token = playground.minter().token("admin")?;
    let path = kube(cluster, "/api/v1/namespaces/a/pods/b/exec?command=c");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer {token}\r\n\r\n",
        server.authority()
    );
    let mut began = server.begin(request.as_bytes()).await?;
    let head = began.until("\r\n", PATIENCE).await?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok([plain, status])
}

/// Registers what this leads to; it must answer both ways then.
async fn answers(playground: &Playground, file: &Path) -> Result<Ended> {
    let name = format!("checked-{}", unique());
    let added = add(playground.gateway.site(), &name, file, &[]).await?;
    ensure!(added.code == Some(0), "{added:?}");
    ensure!(
        added
            .stdout
            .contains("it answers through 1 of 1 Envoys that are connected"),
        "{added:?}"
    );
    let statuses = statuses(playground, &name).await?;
    ensure!(statuses == [200, 101], "{statuses:?} after {added:?}");
    Ok(added)
}

/// Tries to register it, which is refused; nothing of it stays.
async fn is_refused(playground: &Playground, file: &Path) -> Result<String> {
    let name = format!("refused-{}", unique());
    let site = playground.gateway.site();
    let ended = add(site, &name, file, &[]).await?;
    let sentence = ended
        .stderr
        .lines()
        .find(|line| line.starts_with("cubegate: "));
    ensure!(ended.code == Some(1), "{ended:?}");
    let listed = site.ok(&["cluster", "list"]).await?;
    ensure!(!listed.contains(&name), "{listed}");
    Ok(sentence.context("no sentence")?.to_owned())
}

#[test]
fn every_pair_of_keys_that_add_takes_works_through_envoy() -> Result<()> {
    in_the_checked(async |playground| {
        let dir = playground.gateway.site().dir();
        for server in KeyKind::ALL {
            let upstream = TlsUpstream::start(Settings::new(server)).await?;
            let file = upstream.kubeconfig(dir, HOST, &Shown::Token)?;
            let added = answers(playground, &file).await;
            added.with_context(|| format!("{server:?} and a token"))?;
            for client in KeyKind::ALL {
                let shown = upstream.client(&client.generate().await?)?;
                let file = upstream.kubeconfig(dir, HOST, &shown)?;
                let added = answers(playground, &file).await;
                added.with_context(|| format!("{server:?} and {client:?}"))?;
            }
        }
        Ok(())
    })
}

#[test]
fn a_server_key_on_the_largest_curve_is_left_to_envoy() -> Result<()> {
    in_the_checked(async |playground| {
        let dir = playground.gateway.site().dir();
        let (key, certificate) = (dir.join("large.key"), dir.join("large.crt"));
        let curve = "ec_paramgen_curve:P-521";
        let [key_path, certificate_path] =
            [&key, &certificate].map(|path| path.display().to_string());
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            curve,
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=large",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            &key_path,
            "-out",
            &certificate_path,
        ])
        .await?;
        let port = free_port()?;
        let address = format!("{HOST}:{port}");
        let _server = Command::new("openssl")
            .args(["s_server", "-quiet", "-www", "-accept", &address])
            .args(["-key", &key_path, "-cert", &certificate_path])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let ca = std::fs::read_to_string(&certificate)?;
        let server = format!("https://{address}");
        let file = kubeconfig::write(dir, &unique(), &server, Some(&ca))?;
        cubegate_tests::until("it listens", PATIENCE, || async {
            let connected = tokio::net::TcpStream::connect(&address).await;
            Ok(connected.is_ok().then_some(()))
        })
        .await?;
        let site = playground.gateway.site();
        let name = format!("large-{}", unique());
        let added = add(site, &name, &file, &[]).await?;
        ensure!(added.code == Some(0), "{added:?}");
        for part in ["P-384 and Ed25519", "it is left to the Envoys"] {
            ensure!(added.stderr.contains(part), "{added:?}");
        }
        let client = playground.client()?;
        let answer = client.get(&kube(&name, "/version")).send().await?;
        ensure!(answer.status == 200, "{}", answer.describe());

        // Without an Envoy nobody can say that it answers.
        let alone = Site::new("large-alone")?;
        alone.begin().await?;
        let refused = add(&alone, &name, &file, &[]).await?;
        ensure!(
            refused.code == Some(1) && refused.stderr.contains("no Envoy is there"),
            "{refused:?}"
        );
        let listed = alone.ok(&["cluster", "list"]).await?;
        ensure!(!listed.contains(&name), "{listed}");
        Ok(())
    })
}

#[test]
fn a_server_may_speak_only_the_newest_tls_or_only_the_one_before() -> Result<()> {
    in_the_checked(async |playground| {
        let dir = playground.gateway.site().dir();
        for versions in ONE_VERSION {
            let upstream = TlsUpstream::start(Settings {
                versions,
                ..Settings::new(KeyKind::P256)
            })
            .await?;
            let certificate = upstream.client(&KeyKind::P256.generate().await?)?;
            for shown in [Shown::Token, certificate] {
                let file = upstream.kubeconfig(dir, HOST, &shown)?;
                answers(playground, &file).await?;
            }
        }
        Ok(())
    })
}

#[test]
fn an_api_server_that_speaks_the_newest_tls_alone_is_served() -> Result<()> {
    in_the_checked(async |playground| {
        let server = ApiServer::with_newest_tls("newest-tls").await?;
        let site = playground.gateway.site();
        let added = add(site, "newest-tls", &server.gateway_kubeconfig, &[]).await?;
        ensure!(added.code == Some(0), "{added:?}");
        let client = playground.client()?;
        for path in ["/version", "/api/v1/namespaces?pageSize=1"] {
            let answer = client.get(&kube("newest-tls", path)).send().await?;
            answer.expect(200)?;
        }
        // Upgrades go over the twin: the API server knows no such pod, and says so itself.
        let exec = kube(
            "newest-tls",
            "/api/v1/namespaces/default/pods/none/exec?command=a",
        );
        let answer = client
            .get(&exec)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket");
        let message = answer.send().await?.kube_error(404)?;
        ensure!(message.contains("none"), "{message}");
        Ok(())
    })
}

#[test]
fn a_name_is_reached_by_whichever_of_its_addresses_answers() -> Result<()> {
    in_the_checked(async |playground| {
        let dir = playground.gateway.site().dir();
        for listen in ["127.0.0.1:0", "[::1]:0"] {
            let listen: SocketAddr = listen.parse()?;
            // Not every machine has IPv6, nor two addresses of that name.
            let mut known = tokio::net::lookup_host(("localhost", 0)).await?;
            if !known.any(|address| address.ip() == listen.ip()) {
                continue;
            }
            let upstream = TlsUpstream::start(Settings {
                listen,
                ..Settings::new(KeyKind::P256)
            })
            .await?;
            let file = upstream.kubeconfig(dir, "localhost", &Shown::Token)?;
            answers(playground, &file).await?;
        }
        Ok(())
    })
}

#[test]
fn what_envoy_says_against_a_server_is_said_and_nothing_is_left_behind() -> Result<()> {
    in_the_checked(async |playground| {
        let dir = playground.gateway.site().dir();
        let site = playground.gateway.site();
        // It answers the control plane, and nobody on whose behalf the gateway asks.
        let moody = TlsUpstream::start(Settings {
            breaks_off: |headers| headers.contains_key("impersonate-user"),
            ..Settings::new(KeyKind::P256)
        })
        .await?;
        let file = moody.kubeconfig(dir, HOST, &Shown::Token)?;
        let sentence = is_refused(playground, &file).await?;
        for part in [
            " is not added; use --no-check to add it all the same: ",
            " answers the control plane, but through the Envoy up-",
            "its API server cannot be used: ",
        ] {
            ensure!(sentence.contains(part), "{sentence}");
        }

        // One that was there before is there afterwards.
        let good = TlsUpstream::start(Settings::new(KeyKind::P256)).await?;
        let name = format!("replaced-{}", unique());
        let good_file = good.kubeconfig(dir, HOST, &Shown::Token)?;
        let added = add(site, &name, &good_file, &[]).await?;
        ensure!(added.code == Some(0), "{added:?}");
        let replaced = add(site, &name, &file, &["--replace"]).await?;
        ensure!(
            replaced.code == Some(1) && replaced.stderr.contains(" stays as it was; "),
            "{replaced:?}"
        );
        let client = playground.client()?;
        let path = kube(&name, "/version");
        cubegate_tests::until("the former one is back", PATIENCE, || async {
            let answer = client.get(&path).send().await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;

        // Over the API, too.
        let name = format!("api-{}", unique());
        let body =
            json!({ "name": name, "kubeconfig": moody.document(HOST, &Shown::Token).to_string() });
        let answer = post(&client, &body).await?;
        let message = answer.cube_error(400)?;
        ensure!(
            message.contains(" is not added: through the Envoy "),
            "{message}"
        );
        let path = kube(&name, "/version");
        cubegate_tests::until("it is gone", PATIENCE, || async {
            let answer = client.get(&path).send().await?;
            Ok((answer.status == 404).then_some(()))
        })
        .await?;

        // Who wants it so gets it.
        let added = add(site, &name, &file, &["--no-check"]).await?;
        ensure!(added.code == Some(0), "{added:?}");
        let asked = format!("/api/v1/cube/audit?cluster={name}&pageSize=100");
        let records = client.get(&asked).send().await?.expect(200)?.text();
        ensure!(!records.contains("cubegate:check"), "{records}");
        Ok(())
    })
}

#[test]
fn a_certificate_that_envoy_alone_refuses_is_told_of() -> Result<()> {
    in_the_checked(async |playground| {
        let dir = playground.gateway.site().dir();
        // Not made for signatures.
        let upstream = TlsUpstream::start(Settings {
            usages: vec![KeyUsagePurpose::KeyAgreement],
            ..Settings::new(KeyKind::P256)
        })
        .await?;
        let file = upstream.kubeconfig(dir, HOST, &Shown::Token)?;
        let sentence = is_refused(playground, &file).await?;
        ensure!(sentence.contains("TLS error"), "{sentence}");
        Ok(())
    })
}

#[test]
fn without_an_envoy_it_is_said_that_nobody_else_has_asked() -> Result<()> {
    block_on(async {
        let site = Site::new("unasked")?;
        site.begin().await?;
        let upstream = TlsUpstream::start(Settings::new(KeyKind::P256)).await?;
        let file = upstream.kubeconfig(site.dir(), HOST, &Shown::Token)?;
        let added = add(&site, "m", &file, &[]).await?;
        ensure!(added.code == Some(0), "{added:?}");
        ensure!(
            added
                .stdout
                .contains("no Envoy is connected, so the control plane alone has asked it"),
            "{added:?}"
        );
        Ok(())
    })
}

/// `POST /clusters`
async fn post(client: &Client, body: &serde_json::Value) -> Result<cubegate_tests::client::Answer> {
    let request = client.post("/api/v1/cube/clusters").json(body);
    request.patience(3 * PATIENCE).send().await
}
