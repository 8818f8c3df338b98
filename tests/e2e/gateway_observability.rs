//! Dashboards and alerts, before a real Prometheus: each panel has data under load, and each
//! alert fires when its cause is made.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cubegate_tests::artifacts::root;
use cubegate_tests::elsewhere::{Elsewhere, Serve};
use cubegate_tests::faults::{Scripted, list, send, whole};
use cubegate_tests::gateway::ADMIN_PASSWORD;
use cubegate_tests::jwt;
use cubegate_tests::metrics::program;
use cubegate_tests::prometheus::{Prometheus, rules};
use cubegate_tests::{Client, Site, block_on, kubeconfig, until};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::sleep;

use crate::cli_envoys::refused_kubeconfig;
use crate::support::{cube, kube};

/// How long panels and alerts may take to see what happens.
const SOON: Duration = Duration::from_secs(60);

/// What fires one after the other while the load goes on.
const UNDER_LOAD: [&str; 9] = [
    "CubegateAuditOutboxLag",
    "CubegateCertificateExpires",
    "CubegateClusterCredentialExpires",
    "CubegateClusterDown",
    "CubegateClusterErrors",
    "CubegateClusterUnreachable",
    "CubegateEnvoyRefuses",
    "CubegateListsRefused",
    "CubegatePasswordGuessing",
];

/// What fires while an Envoy stands still.
const STANDING_STILL: [&str; 2] = ["CubegateEnvoyBehind", "CubegateRevocationsPending"];

/// What fires when the control plane is killed, and then the Envoy.
const KILLED: [&str; 3] = [
    "CubegateControlPlaneDown",
    "CubegateEnvoyDisconnected",
    "CubegateEnvoyDown",
];

/// The queries of a dashboard by panel.
type Panels = Vec<(String, Vec<String>)>;

fn dashboards() -> Result<Vec<(PathBuf, Value)>> {
    let mut found = Vec::new();
    for file in fs::read_dir(root().join("deploy/observability/dashboards"))? {
        let path = file?.path();
        let text = fs::read_to_string(&path)?;
        found.push((path, serde_json::from_str(&text)?));
    }
    ensure!(found.len() >= 5);
    Ok(found)
}

fn panels(dashboard: &Value) -> Result<Panels> {
    let panels = dashboard.get("panels").and_then(Value::as_array);
    let text = |value: &Value, key: &str| -> Result<String> {
        let text = value.get(key).and_then(Value::as_str);
        Ok(text.with_context(|| format!("no {key}"))?.to_owned())
    };
    let panel = |panel: &Value| {
        let targets = panel.get("targets").and_then(Value::as_array);
        let queries = targets
            .into_iter()
            .flatten()
            .map(|target| text(target, "expr"));
        Ok((text(panel, "title")?, queries.collect::<Result<_>>()?))
    };
    panels.context("no panels")?.iter().map(panel).collect()
}

fn alerts() -> Result<BTreeSet<String>> {
    let rules = rules()?;
    let names = rules
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("- alert: "));
    Ok(names.map(str::to_owned).collect())
}

/// A gateway to which everything happens.
struct Watched {
    serve: Serve,
    envoy: Elsewhere,
    prometheus: Prometheus,
    token: String,
    _upstreams: [Scripted; 3],
}

impl Watched {
    async fn start() -> Result<Self> {
        let site = Site::new("observed")?;
        let good = Scripted::start(whole(&list(&["a", "b", "c"]))).await?;
        let error = "HTTP/1.1 500 Oh\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno";
        let failing = Scripted::start(vec![send(error)]).await?;
        let names: Vec<String> = (0..60_000).map(|number| format!("name-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let large = Scripted::start(whole(&list(&names))).await?;
        for (name, port) in [
            ("good", good.port()),
            ("failing", failing.port()),
            ("large", large.port()),
            // Nobody listens there.
            ("gone", 1),
        ] {
            site.add_plain_cluster(name, port).await?;
        }
        let flags = [
            "--audit-syslog=tcp://127.0.0.1:1",
            "--node-certificate-lifetime=1800",
            "--list-request-memory=1",
            "--logins-per-address=0",
            "--logins-per-user=0",
        ];
        let serve = Serve::start(site, &flags).await?;
        let bootstrap = serve.bootstrap("edge", "edge", true).await?;
        let envoy = serve.envoy("edge", &bootstrap).await?;
        let listener = serve.listener()?;
        until("the gateway serves", SOON, || async {
            let answer = listener.get("/livez/filter").send().await;
            Ok(answer
                .is_ok_and(|answer| answer.status == 200)
                .then_some(()))
        })
        .await?;
        let targets = [
            ("cubegate-control-plane", serve.metrics()),
            ("cubegate-envoy", envoy.metrics()),
        ];
        let dir = serve.site().dir().join("prometheus");
        let prometheus = Prometheus::start(&dir, &targets).await?;
        let login = format!("grant_type=password&username=admin&password={ADMIN_PASSWORD}");
        let [token, _] = listener.tokens(login).await?;
        Ok(Self {
            serve,
            envoy,
            prometheus,
            token,
            _upstreams: [good, failing, large],
        })
    }

    /// Clusters that make trouble: one whose credential ends tomorrow, and one that Envoy
    /// refuses.
    async fn add_trouble(&self) -> Result<()> {
        let site = self.serve.site();
        let ends = json!({ "exp": jwt::now() + 86_400 }).to_string();
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(ends));
        let mut ending = kubeconfig::document("https://127.0.0.1:1", None);
        ending["users"][0]["user"] = json!({ "token": token });
        for (name, document) in [
            ("ending", ending.to_string()),
            ("refused", refused_kubeconfig()?),
        ] {
            let file = site.dir().join(format!("{name}.kubeconfig"));
            fs::write(&file, document)?;
            site.add_cluster(name, &file, false).await?;
        }
        Ok(())
    }

    /// Changes who is refused, again and again.
    async fn change(&self) -> Result<()> {
        let site = self.serve.site();
        site.add_user("comer", "Comer123456").await?;
        loop {
            for how in ["disable", "enable"] {
                site.ok(&["user", how, "comer"]).await?;
                sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// Asks everything, again and again.
    async fn load(&self) -> Result<()> {
        let listener = self.serve.listener()?;
        let known = listener.with_bearer(&self.token)?;
        let stranger = listener.with_bearer("no.token.atall")?;
        loop {
            let ask = |client: &Client, path: String| {
                let client = client.clone();
                async move { client.get(&path).send().await }
            };
            let _ = tokio::join!(
                ask(&known, cube("good", "/api/v1/pods")),
                ask(&known, cube("failing", "/api/v1/pods")),
                ask(&known, cube("large", "/api/v1/pods?pageSize=100000")),
                ask(&known, kube("gone", "/api/v1/pods")),
                ask(&known, kube("unknown", "/api/v1/pods")),
                ask(&stranger, kube("good", "/api/v1/pods")),
                ask(&stranger, "/api/v1/cube/clusters".to_owned()),
                ask(
                    &listener,
                    "/api/v1/cube/key/token?accessKey=a&secretKey=b".to_owned()
                ),
                listener.login("admin", "wrong"),
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until all of these have fired, each at some time.
    async fn fires(&self, alerts: &[&str]) -> Result<()> {
        let fired = std::cell::RefCell::new(BTreeSet::new());
        let wait = until("the alerts fire", SOON, || async {
            let firing = self.prometheus.firing().await?;
            fired.borrow_mut().extend(firing);
            let all = alerts.iter().all(|alert| fired.borrow().contains(*alert));
            Ok(all.then_some(()))
        });
        wait.await
            .with_context(|| format!("of {alerts:?} these fired: {:?}", fired.borrow()))
    }

    /// Waits until each panel of all dashboards has had data.
    async fn has_data(&self) -> Result<()> {
        let mut empty = Vec::new();
        for (path, dashboard) in dashboards()? {
            for (title, queries) in panels(&dashboard)? {
                let queries = queries.iter().map(|query| {
                    let query = query.replace("$__rate_interval", "10s");
                    query.replace("$cluster", ".*").replace("$job", ".*")
                });
                empty.extend(queries.map(|query| (format!("{}: {title}", path.display()), query)));
            }
        }
        let empty = std::cell::RefCell::new(empty);
        let wait = until("each panel has data", SOON, || async {
            let mut left = Vec::new();
            let asked: Vec<(String, String)> = empty.borrow().clone();
            for (title, query) in asked {
                let values = self.prometheus.query(&query).await?;
                if values.iter().all(|value| value.is_nan()) {
                    left.push((title, query));
                }
            }
            let is_done = left.is_empty();
            empty.replace(left);
            Ok(is_done.then_some(()))
        });
        wait.await
            .with_context(|| format!("these have none: {:#?}", empty.borrow()))
    }
}

#[test]
fn each_panel_has_data_and_each_alert_fires_when_its_cause_is_made() -> Result<()> {
    block_on(async {
        let mut watched = Watched::start().await?;
        watched.add_trouble().await?;
        tokio::select! {
            never = watched.load() => bail!("the load has ended: {never:?}"),
            never = watched.change() => bail!("the changes have ended: {never:?}"),
            seen = async {
                tokio::try_join!(watched.fires(&UNDER_LOAD), watched.has_data())
            } => drop(seen?),
        }
        let site = watched.serve.site();
        site.add_user("leaver", "Leaver123456").await?;
        sleep(Duration::from_secs(1)).await;
        watched.envoy.signal(Signal::STOP)?;
        site.ok(&["user", "disable", "leaver"]).await?;
        let fired = watched.fires(&STANDING_STILL).await;
        watched.envoy.signal(Signal::CONT)?;
        fired?;
        watched.serve.kill().await?;
        let [first, second, last] = KILLED;
        watched.fires(&[first, second]).await?;
        watched.envoy.kill().await?;
        watched.fires(&[last]).await
    })
}

#[test]
fn every_alert_is_tested_and_has_its_section_in_the_runbook() -> Result<()> {
    let alerts = alerts()?;
    ensure!(alerts.len() > 20, "{alerts:?}");
    let read = |path: &str| fs::read_to_string(root().join(path));
    let (by_promtool, runbook) = (
        read("deploy/observability/rules.test.yaml")?,
        read("docs/runbook.md")?,
    );
    let rules = rules()?;
    for alert in &alerts {
        let made = UNDER_LOAD.iter().chain(&STANDING_STILL).chain(&KILLED);
        let is_made = made.into_iter().any(|made| made == alert);
        let is_checked = by_promtool.contains(&format!("alertname: {alert}"));
        ensure!(is_made || is_checked, "no test makes {alert} fire");
        ensure!(runbook.contains(&format!("\n## {alert}\n")), "{alert}");
        let anchor = format!("docs/runbook.md#{}", alert.to_lowercase());
        ensure!(rules.contains(&anchor), "{anchor}");
    }
    for section in runbook.lines().filter_map(|line| line.strip_prefix("## ")) {
        ensure!(alerts.contains(section), "there is no alert {section}");
    }
    Ok(())
}

#[test]
fn promtool_accepts_the_rules_and_their_tests() -> Result<()> {
    block_on(async {
        let folder = root().join("deploy/observability");
        for arguments in [
            ["check", "rules", "rules.yaml"],
            ["test", "rules", "rules.test.yaml"],
            ["check", "config", "prometheus.yml"],
        ] {
            let mut promtool = Command::new(program("promtool")?);
            let output = promtool
                .args(arguments)
                .current_dir(&folder)
                .output()
                .await?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(output.status.success(), "{arguments:?}: {said}");
        }
        Ok(())
    })
}

#[test]
fn dashboards_are_of_the_form_that_grafana_reads() -> Result<()> {
    let mut uids = BTreeSet::new();
    for (path, dashboard) in dashboards()? {
        let of = |pointer: &str| dashboard.pointer(pointer).cloned().unwrap_or_default();
        ensure!(of("/schemaVersion") == json!(39), "{}", path.display());
        let variable = of("/templating/list/0");
        ensure!(variable["name"] == "datasource" && variable["type"] == "datasource");
        ensure!(variable["query"] == "prometheus");
        let source = json!({ "type": "prometheus", "uid": "${datasource}" });
        let mut ids = BTreeSet::new();
        let mut places = BTreeSet::new();
        for panel in of("/panels").as_array().context("no panels")? {
            ensure!(panel["datasource"] == source, "{panel}");
            ensure!(ids.insert(panel["id"].as_u64().context("no id")?));
            ensure!(places.insert(panel["gridPos"].to_string()), "{panel}");
            ensure!(panel["type"] == "timeseries" && panel["title"].is_string());
            let targets = panel["targets"].as_array().context("no targets")?;
            let refs: BTreeSet<_> = targets.iter().map(|at| at["refId"].to_string()).collect();
            ensure!(
                !targets.is_empty() && refs.len() == targets.len(),
                "{panel}"
            );
        }
        ensure!(uids.insert(of("/uid").to_string()), "{}", path.display());
        ensure!(
            of("/title")
                .as_str()
                .is_some_and(|title| title.starts_with("Cubegate: "))
        );
    }
    Ok(())
}
