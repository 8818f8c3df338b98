//! What the chart's pods run, started from the arguments in its objects.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cubegate_tests::gateway::{ADMIN_PASSWORD, free_port};
use cubegate_tests::kubelet::{Volume, files};
use cubegate_tests::run::unique;
use cubegate_tests::static_envoy::{Envoy, LISTENER};
use cubegate_tests::tls::Identity;
use cubegate_tests::{Client, Run, Site, until};
use rcgen::{
    CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::process::{Child, Command};

use super::Release;
use crate::support::{in_the_world, kube};

const START: Duration = Duration::from_secs(60);

/// Of the first certificate of the fleet.
const LIFETIME: Duration = Duration::from_secs(45);

/// Ports and folders of this machine, in the place of those of pods.
struct Pods {
    places: Vec<(String, String)>,
}

// === impl Pods ===

impl Pods {
    fn place(&self, arguments: Vec<String>) -> Vec<String> {
        let place = |mut argument: String| {
            for (theirs, ours) in &self.places {
                argument = argument.replace(theirs, ours);
            }
            argument
        };
        arguments.into_iter().map(place).collect()
    }
}

/// Puts a Secret and, if there is one, a ConfigMap beside it where a pod has them.
async fn mount(release: &Release, volume: &Volume, suffix: &str, map: Option<&str>) -> Result<()> {
    let mut all = files(&release.secret(suffix).await?)?;
    if let Some(map) = map {
        let map = release.get("v1", "configmaps", map).await?;
        let map = map.context("no ConfigMap")?;
        for (name, text) in map["data"].as_object().context("no data")? {
            let text = text.as_str().context("no text")?;
            let text = text.replace("/etc/cubegate/xds", &volume.path().display().to_string());
            all.push((name.clone(), text.into_bytes()));
        }
    }
    volume.project(&all)
}

async fn serve(site: &Site, arguments: &[String], client: &Client) -> Result<Child> {
    Run::current()?.guard_gateway(site.dir())?;
    let log = File::create(site.dir().join("serve.log"))?;
    let mut process = site
        .command(arguments)
        .env("CUBEGATE_FILTER", &site.artifacts().filter)
        .env("CUBEGATE_ADMIN_PASSWORD", ADMIN_PASSWORD)
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    fs::write(
        site.dir().join("up.pid"),
        format!("{}\n", process.id().unwrap_or_default()),
    )?;
    let ready = until("the control plane answers", START, || {
        let ended = process.try_wait();
        async {
            if let Some(status) = ended? {
                anyhow::bail!("it ended: {status}");
            }
            let answer = client.get("/readyz").send().await;
            Ok(answer
                .is_ok_and(|answer| answer.status == 200)
                .then_some(()))
        }
    });
    ready
        .await
        .with_context(|| fs::read_to_string(site.dir().join("serve.log")).unwrap_or_default())?;
    Ok(process)
}

/// When the certificate of the fleet ends that an Envoy shows the control plane.
async fn shown_until(envoy: &Envoy) -> Result<Option<String>> {
    let shown = envoy.admin().get("/certs").send().await?.expect(200)?;
    let shown: Value = shown.json()?;
    let certificates = shown["certificates"].as_array().context("no list")?;
    let found = certificates
        .iter()
        .flat_map(|one| one["cert_chain"].as_array().into_iter().flatten())
        .find(|one| one["subject_alt_names"][0]["uri"] == "spiffe://cubegate/envoy/edge");
    Ok(found.and_then(|one| one["expiration_time"].as_str().map(str::to_owned)))
}

#[test]
fn pods_of_the_chart_serve_and_take_a_certificate_that_the_job_has_made_anew() -> Result<()> {
    in_the_world(async |world| {
        let server = &world.stack.member;
        let release = Release::new(server);
        let site = Site::new("pods")?;
        let flags = ["--set", "listener.names={127.0.0.1}"];
        release.install(&flags).await?;
        let control_plane = format!("{}-control-plane", release.name);
        let edge = format!("{}-edge", release.name);

        // The machine in the place of pods: addresses first, since they stand in others.
        let ports: Vec<u16> = (0..6).map(|_| free_port()).collect::<Result<_>>()?;
        let [listen, api, xds, metrics, admin, envoy_metrics] = ports[..] else {
            anyhow::bail!("six ports are needed");
        };
        let volume = |name: &str| Volume::new(site.dir().join(name));
        let (keys, listener, identity) = (volume("keys")?, volume("listener")?, volume("xds")?);
        let shown = |path: &Path| path.display().to_string();
        let bootstrap = site.dir().join("bootstrap.yaml");
        let local = |port: u16| format!("127.0.0.1:{port}");
        let places = [
            (format!("{control_plane}:18000"), local(xds)),
            (format!("{control_plane}:8080"), local(api)),
            ("0.0.0.0:30443".to_owned(), local(listen)),
            ("0.0.0.0:8080".to_owned(), local(api)),
            ("0.0.0.0:18000".to_owned(), local(xds)),
            ("0.0.0.0:9464".to_owned(), local(metrics)),
            ("0.0.0.0:9902".to_owned(), local(envoy_metrics)),
            ("/var/lib/cubegate".to_owned(), shown(site.data_dir())),
            ("/etc/cubegate/keys".to_owned(), shown(keys.path())),
            ("/etc/cubegate/listener".to_owned(), shown(listener.path())),
            ("/etc/cubegate/xds".to_owned(), shown(identity.path())),
            (
                "/etc/cubegate/envoy/bootstrap.yaml".to_owned(),
                shown(&bootstrap),
            ),
            ("$(POD_NAME)".to_owned(), "edge-5d8f-x2x4z".to_owned()),
        ];
        let pods = Pods {
            places: places.to_vec(),
        };

        release.run_job(&site, 1, &[]).await?;
        // A first certificate of the fleet that does not last.
        let secrets = format!("/api/v1/namespaces/{}/secrets", release.name);
        let path = format!("{secrets}/{}-edge-xds", release.name);
        server.kube.delete(&path).await?;
        let began = Instant::now();
        let short = format!("--node-certificate-lifetime={}", LIFETIME.as_secs());
        let said = release.run_job(&site, 1, &[&short]).await?;
        ensure!(said.contains("listener is good"), "{said}");
        mount(&release, &keys, "keys", None).await?;
        mount(&release, &listener, "listener", None).await?;
        let ca = |secret: &Value| -> Result<Vec<u8>> {
            let files = files(secret)?;
            let ca = files.into_iter().find(|(name, _)| name == "ca.crt");
            Ok(ca.context("no CA")?.1)
        };
        let xds_ca = ca(&release.secret("edge-xds").await?)?;
        let api_client = Client::tls(&format!("https://127.0.0.1:{api}"), &xds_ca, None)?;
        let arguments = release
            .arguments("apps/v1", "statefulsets", &control_plane, "containers")
            .await?;
        let _control_plane = serve(&site, &pods.place(arguments), &api_client).await?;

        let theirs = as_cert_manager_signs(&files(&release.secret("keys").await?)?)?;
        let url = format!("https://127.0.0.1:{api}");
        let with_it = Client::tls(&url, &xds_ca, Some(&theirs))?;
        with_it.get("/readyz").send().await?.expect(200)?;

        mount(&release, &identity, "edge-xds", Some(&edge)).await?;
        let arguments = release
            .arguments("apps/v1", "deployments", &edge, "initContainers")
            .await?;
        let mut arguments = pods.place(arguments);
        arguments.push(format!("--envoy-admin=127.0.0.1:{admin}"));
        site.ok(&arguments).await?;
        let arguments = release
            .arguments("apps/v1", "deployments", &edge, "containers")
            .await?;
        let arguments = pods.place(arguments);
        ensure!(arguments[0] == "--config-path" && arguments[1] == shown(&bootstrap));
        // Who launches one here says so, too, and twice is an error.
        let flags = arguments[2..].iter().map(String::as_str);
        let flags: Vec<&str> = flags
            .filter(|&flag| flag != "--disable-hot-restart")
            .collect();
        let envoy = Envoy::launch(
            Run::current()?.folder(&unique())?,
            &bootstrap,
            &flags,
            &format!("http://127.0.0.1:{admin}"),
            BTreeMap::from([(LISTENER, format!("https://127.0.0.1:{listen}"))]),
        )
        .await?;

        // From nothing to the first 200, as the guide has it.
        let listener_ca = ca(&release.secret("listener").await?)?;
        let client = Client::tls(&envoy.base(LISTENER)?, &listener_ca, None)?;
        let alive = async || {
            let answer = client.get("/livez/filter").send().await;
            Ok(answer
                .is_ok_and(|answer| answer.status == 200)
                .then_some(()))
        };
        until("the filter answers", START, alive).await?;
        let keys_flag = ["--keys-dir".to_owned(), shown(keys.path())];
        let on_site = async |arguments: &[&str]| {
            let mut all: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
            all.extend(keys_flag.clone());
            site.ok(&all).await
        };
        let kubeconfig = shown(&server.gateway_kubeconfig);
        on_site(&["cluster", "add", "member-1", "--kubeconfig", &kubeconfig]).await?;
        let form = format!("grant_type=password&username=admin&password={ADMIN_PASSWORD}");
        let [token, _] = client.tokens(form).await?;
        let client = client.with_bearer(&token)?;
        let path = kube("member-1", "/api/v1/namespaces");
        client.get(&path).send().await?.expect(200)?;
        // Whoever gets a kubeconfig there knows the job's CA by it.
        let given = client.get("/api/v1/cube/user/kubeconfigs").send().await?;
        let given = given.expect(200)?.json()?;
        let given = given.as_str().context("no text")?;
        let given: Value = serde_saphyr::from_str(std::str::from_utf8(&STANDARD.decode(given)?)?)?;
        let told = &given["clusters"][0]["cluster"]["certificate-authority-data"];
        assert_eq!(told, &json!(STANDARD.encode(&listener_ca)));

        // The fleet's certificate is made anew by a control plane, and the kubelet brings it.
        let before = shown_until(&envoy).await?;
        ensure!(before.is_some(), "Envoy shows no certificate");
        tokio::time::sleep_until((began + LIFETIME * 2 / 3 + Duration::from_secs(2)).into()).await;
        let address = format!("--xds-address={}", local(xds));
        let said = release.run_job(&site, 1, &[&address]).await?;
        ensure!(said.contains("edge-xds has a new certificate"), "{said}");
        mount(&release, &identity, "edge-xds", Some(&edge)).await?;
        let changed = async || {
            let shown = shown_until(&envoy).await?;
            Ok((shown != before && shown.is_some()).then_some(()))
        };
        until("Envoy shows the new certificate", START, changed).await?;
        // At the end of the old one the connection that began with it is cut.
        tokio::time::sleep_until((began + LIFETIME + Duration::from_secs(2)).into()).await;
        let kubeconfig = shown(&world.stack.pivot.gateway_kubeconfig);
        let said = on_site(&["cluster", "add", "pivot", "--kubeconfig", &kubeconfig]).await?;
        ensure!(said.contains("answers through 1 of 1 Envoys"), "{said}");
        let listed = on_site(&["envoys"]).await?;
        ensure!(listed.contains("edge/edge-5d8f-x2x4z"), "{listed}");
        drains(&site, &envoy, admin, &client, &path).await?;
        release.helm(&["uninstall", &release.name]).await.map(drop)
    })
}

/// A certificate of the fleet of the form that the chart asks of cert-manager: valid from now
/// on, with the name in a URI and no subject.
fn as_cert_manager_signs(keys: &[(String, Vec<u8>)]) -> Result<Identity> {
    let text = |name: &str| {
        let found = keys.iter().find(|(file, _)| file == name);
        let (_, bytes) = found.with_context(|| format!("no {name}"))?;
        Ok::<_, anyhow::Error>(std::str::from_utf8(bytes)?)
    };
    let authority = KeyPair::from_pem(text("xds-ca.key")?)?;
    let issuer = Issuer::from_ca_cert_pem(text("xds-ca.crt")?, authority)?;
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    let uri = "spiffe://cubegate/envoy/edge".to_owned();
    params.subject_alt_names = vec![SanType::URI(uri.try_into()?)];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = OffsetDateTime::now_utc();
    params.not_after = params.not_before + time::Duration::days(1);
    let key = KeyPair::generate()?;
    Ok(Identity {
        certificate: params.signed_by(&key, &issuer)?.pem().into_bytes(),
        key: key.serialize_pem().into_bytes(),
    })
}

/// Does what `preStop` does, while a client goes on asking.
async fn drains(site: &Site, envoy: &Envoy, admin: u16, client: &Client, path: &str) -> Result<()> {
    let program = site.artifacts().binary.with_file_name("cubegate-health");
    ensure!(
        program.is_file(),
        "{} is missing; run: make build-dev",
        program.display()
    );
    let mut drain = Command::new(program)
        .args(["drain", "20", &format!("127.0.0.1:{admin}")])
        .kill_on_drop(true)
        .spawn()?;
    let began = Instant::now();
    let mut asked = 0;
    let status = loop {
        if let Some(status) = drain.try_wait()? {
            break status;
        }
        client.get(path).send().await?.expect(200)?;
        asked += 1;
    };
    ensure!(status.success(), "{status}");
    // New connections are taken as long as balancers may not have heard of it.
    ensure!(
        began.elapsed() >= Duration::from_secs(5) && asked > 10,
        "{asked}"
    );
    ensure!(
        began.elapsed() < Duration::from_secs(20),
        "it waits for nobody"
    );
    let stats = envoy
        .stats("http.gateway.downstream_cx_drain_close")
        .await?;
    ensure!(
        stats.values().sum::<u64>() > 0,
        "clients were not asked to go: {stats:?}"
    );
    Ok(())
}
