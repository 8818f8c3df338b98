//! What a gateway tells of itself: what is there, what it means, and that it stays little.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::artifacts::root;
use cubegate_tests::client::PATIENCE;
use cubegate_tests::faults::{Scripted, list, whole};
use cubegate_tests::metrics::{Exposition, get, lint, scrape};
use cubegate_tests::{Client, Site, Stack, block_on, until};
use http::Method;

use crate::support::{Playground, World, cube, kube};

/// Most series that a member may have at one Envoy.
const SERIES: usize = 40;

/// Linters would have Envoy's own names be others, and text of help with each of them.
const ENVOYS_OWN: [&str; 4] = [
    "no help text",
    "counter metrics should have \"_total\" suffix",
    "non-histogram and non-summary metrics should not have \"_count\" suffix",
    "use base unit \"seconds\" instead of \"days\"",
];

/// A metric as `docs/metrics.md` has it.
#[derive(Debug, PartialEq, Eq)]
struct Documented {
    kind: String,
    labels: BTreeSet<String>,
}

fn documented() -> Result<BTreeMap<String, Documented>> {
    let text = fs::read_to_string(root().join("docs/metrics.md"))?;
    let mut metrics = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, kind, _, labels, _, _] = cells[..] else {
            continue;
        };
        let name = name.trim_matches('`');
        if !["cubegate_", "process_", "envoy_"]
            .iter()
            .any(|of| name.starts_with(of))
        {
            continue;
        }
        let labels = labels.split(", ").filter(|label| !label.is_empty());
        let metric = Documented {
            kind: kind.to_owned(),
            labels: labels.map(str::to_owned).collect(),
        };
        let earlier = metrics.insert(name.to_owned(), metric);
        ensure!(earlier.is_none(), "{name} is documented twice");
    }
    Ok(metrics)
}

/// What both sides tell now.
async fn told(place: &Playground) -> Result<Exposition> {
    let endpoints = place.gateway.endpoints();
    let (mut told, _) = scrape(&endpoints.metrics).await?;
    let (envoy, _) = scrape(&endpoints.envoy_metrics).await?;
    told.types.extend(envoy.types);
    told.samples.extend(envoy.samples);
    Ok(told)
}

/// Asks what somebody asks, and what nobody should.
async fn some_of_everything(place: &Playground, cluster: &str) -> Result<()> {
    let client = place.client()?;
    client
        .get(&cube(cluster, "/api/v1/pods"))
        .send()
        .await?
        .expect(200)?;
    let anybody = place.gateway.client();
    anybody
        .get(&cube(cluster, "/api/v1/pods"))
        .send()
        .await?
        .expect(401)?;
    let stranger = anybody.with_bearer("no.token.atall")?;
    stranger
        .get(&kube(cluster, "/api/v1/pods"))
        .send()
        .await?
        .expect(401)?;
    stranger
        .get("/api/v1/cube/clusters")
        .send()
        .await?
        .expect(401)?;
    let no_key = "/api/v1/cube/key/token?accessKey=a&secretKey=b";
    anybody.get(no_key).send().await?.expect(400)?;
    Ok(())
}

#[test]
fn every_metric_is_documented_and_every_documented_one_is_there() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        // Nobody listens there: what is to be sent waits.
        let flags = ["--audit-syslog=tcp://127.0.0.1:1"];
        let place = Playground::of(Site::new("metrics-documented")?, false, &flags).await?;
        let cluster = place.cluster(upstream.port()).await?;
        // Its credential ends.
        let stack = Stack::shared().await?;
        let site = place.gateway.site();
        site.add_cluster("real", &stack.pivot.gateway_kubeconfig, true)
            .await?;
        some_of_everything(&place, &cluster).await?;
        let documented = documented()?;
        ensure!(documented.len() > 100, "{documented:?}");
        let left = RefCell::new(Vec::new());
        until("everything is told", PATIENCE * 2, || async {
            let told = told(&place).await?;
            let metrics = told.metrics();
            let missing = documented
                .keys()
                .filter(|name| !metrics.contains_key(*name));
            left.replace(missing.cloned().collect());
            // Some are told only after a while.
            if !left.borrow().is_empty() {
                return Ok(None);
            }
            for (name, labels) in &metrics {
                let metric = documented
                    .get(name)
                    .with_context(|| format!("docs/metrics.md says nothing of {name}"))?;
                ensure!(
                    metric.labels == *labels,
                    "{name} has the labels {labels:?}, and docs/metrics.md says {:?}",
                    metric.labels
                );
                let kind = told.types.get(name).context("no type")?;
                ensure!(metric.kind == *kind, "{name} is a {kind}");
            }
            Ok(Some(()))
        })
        .await
        .with_context(|| {
            format!(
                "these of docs/metrics.md are not there: {:?}",
                left.borrow()
            )
        })
    })
}

#[test]
fn a_member_has_few_series_before_and_after_traffic_and_none_is_by_user() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole(&list(&["a", "b"]))).await?;
        let place = Playground::of(Site::new("metrics-series")?, true, &[]).await?;
        let endpoints = place.gateway.endpoints();
        let members = ["eu.prod-3", "eu.prod-3.http1", "c"];
        for name in members {
            place
                .gateway
                .site()
                .add_plain_cluster(name, upstream.port())
                .await?;
            place
                .gateway
                .wait_for_cluster(&place.client()?, name)
                .await?;
        }
        let counted = || async {
            let (envoy, _) = scrape(&endpoints.envoy_metrics).await?;
            let (own, _) = scrape(&endpoints.metrics).await?;
            for name in members {
                let of_envoy = envoy.with("cubegate_cluster", name).len();
                ensure!(
                    (1..=SERIES).contains(&of_envoy),
                    "{name}: {of_envoy} series"
                );
                let of_control_plane = own.with("cluster", name).len();
                ensure!(of_control_plane <= 2, "{name}: {of_control_plane} series");
            }
            Ok((envoy, own))
        };
        let (before, own_before) = counted().await?;
        for number in 0..20 {
            let user = format!("somebody-{number}");
            let client = place
                .gateway
                .client()
                .with_bearer(&place.minter().token(&user)?)?;
            for name in members {
                client
                    .get(&cube(name, "/api/v1/pods"))
                    .send()
                    .await?
                    .expect(200)?;
                client
                    .get(&kube(name, "/api/v1/pods/somebody-path"))
                    .send()
                    .await?;
            }
        }
        // The filter tells once a second.
        let more = 20.0 * 3.0;
        let verified = |told: &Exposition| told.sum("cubegate_filter_verified_total", &[]);
        let told = until("the filter has told", PATIENCE, || async {
            let (envoy, own) = counted().await?;
            let is_told = verified(&envoy) >= verified(&before) + 2.0 * more;
            Ok(is_told.then_some((envoy, own)))
        });
        let (envoy, own) = told.await?;
        let paged = [("strategy", "plain")];
        let lists = |told: &Exposition| told.sum("cubegate_filter_lists_paged_total", &paged);
        ensure!(lists(&envoy) - lists(&before) == more);
        let scanned = |told: &Exposition| told.sum("cubegate_filter_list_items_scanned_total", &[]);
        ensure!(scanned(&envoy) - scanned(&before) == 2.0 * more);
        let asked = [
            ("cubegate_cluster", "eu.prod-3"),
            ("envoy_response_code_class", "2"),
        ];
        ensure!(envoy.sum("envoy_cluster_upstream_rq_xx", &asked) >= 20.0);
        for sample in envoy.samples.iter().chain(&own.samples) {
            let of_somebody = sample
                .labels
                .values()
                .any(|value| value.contains("somebody"));
            ensure!(!of_somebody, "{sample:?}");
        }
        // What was asked by twenty more users has made no series but those of what had not
        // happened before.
        let grown = own.samples.len().saturating_sub(own_before.samples.len());
        ensure!(grown < 10, "the control plane tells {grown} series more");

        // They go with the member.
        let remove = ["cluster", "remove", "c"];
        place.gateway.site().ok(&remove).await?;
        until("its series are gone", PATIENCE, || async {
            let (envoy, _) = scrape(&endpoints.envoy_metrics).await?;
            let (own, _) = scrape(&endpoints.metrics).await?;
            let left = envoy.with("cubegate_cluster", "c").len() + own.with("cluster", "c").len();
            Ok((left == 0).then_some(()))
        })
        .await
    })
}

#[test]
fn nothing_else_is_answered_where_metrics_are_read() -> Result<()> {
    block_on(async {
        let place = Playground::of(Site::new("metrics-alone")?, true, &[]).await?;
        let endpoints = place.gateway.endpoints();
        let of = |url: &str| Client::plain(url.strip_suffix("/metrics").unwrap_or(url));
        let status = async |client: &Client, method: Method, path: &str| -> Result<u16> {
            Ok(client.request(&method, path).send().await?.status)
        };
        let envoy = of(&endpoints.envoy_metrics)?;
        for path in ["/metrics", "/stats/prometheus", "/ready"] {
            ensure!(status(&envoy, Method::GET, path).await? == 200, "{path}");
            ensure!(status(&envoy, Method::POST, path).await? == 404, "{path}");
        }
        for path in [
            "/",
            "/stats",
            "/config_dump",
            "/quitquitquit",
            "/metrics/",
            "/metrics?filter=a",
            "/ready?x",
            "/stats/prometheus/../../config_dump",
            "//stats/prometheus",
        ] {
            ensure!(status(&envoy, Method::GET, path).await? == 404, "{path}");
        }
        ensure!(status(&envoy, Method::POST, "/quitquitquit").await? == 404);

        let own = of(&endpoints.metrics)?;
        for path in ["/metrics", "/livez", "/readyz"] {
            ensure!(status(&own, Method::GET, path).await? == 200, "{path}");
        }
        for path in ["/", "/api/v1/cube/login", "/oauth/token", "/metrics/"] {
            ensure!(status(&own, Method::GET, path).await? == 404, "{path}");
        }
        // A silent connection holds none of the others up.
        let _silent =
            tokio::net::TcpStream::connect(own.base().trim_start_matches("http://")).await?;
        let open = "application/openmetrics-text; version=1.0.0";
        let answer = own
            .get("/metrics")
            .header("accept", open)
            .send()
            .await?
            .expect(200)?;
        let kind = answer.header("content-type").unwrap_or_default();
        ensure!(kind.starts_with("application/openmetrics-text"), "{kind}");
        ensure!(answer.text().ends_with("# EOF\n"));
        let answer = own.get("/metrics").send().await?.expect(200)?;
        let kind = answer.header("content-type").unwrap_or_default();
        ensure!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
        Ok(())
    })
}

#[test]
fn promtool_finds_nothing_wrong_with_either() -> Result<()> {
    crate::support::in_the_world(async |world: &World| {
        let endpoints = world.gateway.endpoints();
        let own = lint(&get(&endpoints.metrics, "/metrics").await?).await?;
        ensure!(own.code == 0, "{}", own.said);
        let envoy = lint(&get(&endpoints.envoy_metrics, "/metrics").await?).await?;
        ensure!(matches!(envoy.code, 0 | 3), "{}", envoy.said);
        for line in envoy.said.lines() {
            let is_envoys = ENVOYS_OWN.iter().any(|known| line.contains(known));
            ensure!(is_envoys, "{line}");
            let of_filter = line.starts_with("cubegate_filter_") && !line.contains("no help");
            ensure!(!of_filter, "{line}");
        }
        Ok(())
    })
}

#[test]
fn a_refusal_is_counted_by_its_reason() -> Result<()> {
    block_on(async {
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        let place = Playground::of(Site::new("metrics-refusals")?, true, &[]).await?;
        let cluster = place.cluster(upstream.port()).await?;
        let path = kube(&cluster, "/api/v1/pods");
        let reason = |told: &Exposition, reason: &str| {
            told.sum("cubegate_filter_refused_total", &[("reason", reason)])
        };
        let url = &place.gateway.endpoints().envoy_metrics;
        let (before, _) = scrape(url).await?;
        let good = place.client()?;
        let expired = cubegate_tests::jwt::payload("admin", Some(1));
        let expired = place
            .gateway
            .client()
            .with_bearer(&place.minter().hs256(&expired)?)?;
        let stranger = place.gateway.client().with_bearer("no.token.atall")?;
        for _ in 0..3 {
            expired.get(&path).send().await?.expect(401)?;
            stranger.get(&path).send().await?.expect(401)?;
            good.get(&kube("nowhere", "/api/v1/pods"))
                .send()
                .await?
                .expect(404)?;
            let cross = good.get(&cube(&cluster, "/api/v1/pods?filter=("));
            cross.send().await?.expect(400)?;
        }
        let expected = ["token_expired", "token_invalid", "not_found", "malformed"];
        until("the refusals are told", Duration::from_secs(20), || async {
            let (told, _) = scrape(url).await?;
            let all = expected
                .iter()
                .all(|word| reason(&told, word) - reason(&before, word) == 3.0);
            Ok(all.then_some(()))
        })
        .await
    })
}
