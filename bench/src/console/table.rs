//! The table of a namespace with very many pods, and the gateway's own page of the same query.

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::browser::{By, Visitor};
use cubegate_tests::gateway::ADMIN_PASSWORD;
use cubegate_tests::stack::ApiServer;
use cubegate_tests::{Browser, Gateway};

use super::Reader;
use crate::machine;
use crate::push_down::fill;
use crate::report::{Figure, Goal};
use crate::sample::{Samples, timed};

const PODS: usize = 30_000;
const WARM_UP: usize = 1;
const PAIRS: usize = 9;

/// As the console asks for a list.
const ACCEPT: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;q=0.9";

/// Columns of the table, as its headings sort by them: one that the API server prints, and the
/// age.
const SORTS: [(&str, &str); 2] = [
    (
        "Status",
        "table of 30,000 pods by status, over the gateway's page",
    ),
    (
        "-metadata.creationTimestamp:time",
        "table of 30,000 pods by age, over the gateway's page",
    ),
];

/// Times, and what the browser holds.
///
/// # Errors
/// An API server that takes no pods, a page that is none.
pub(super) async fn figures(gateway: &Gateway, server: &ApiServer) -> Result<Vec<Figure>> {
    let namespace = server.kube.namespace("bench-console").await?;
    fill(&server.kube, &namespace, PODS).await?;
    let reader = Reader::log_in(gateway).await?;
    let mut figures = Vec::new();
    for (sort, name) in SORTS {
        let asked = format!(
            "/api/v1/cube/proxy/clusters/{}/api/v1/namespaces/{namespace}/pods?pageSize=20&pageNum=1&sort={sort}",
            server.name
        );
        let shown = format!(
            "/console/resources?cluster={}&namespace={namespace}&resource=pods.v1&sort={sort}",
            server.name
        );
        figures.push(compare(&reader, name, &shown, &asked).await?);
    }
    figures.push(heap(gateway, server, &namespace).await?);
    Ok(figures)
}

/// The console's page and the gateway's in turns.
async fn compare(reader: &Reader, name: &'static str, shown: &str, asked: &str) -> Result<Figure> {
    let page = reader.page(shown).await?.text();
    ensure!(
        page.contains(&asked.replace('&', "&amp;")) && page.contains(&format!("of {PODS}")),
        "{shown} is not the page of {asked}"
    );
    let (mut pages, mut lists, mut over) =
        (Samples::default(), Samples::default(), Samples::default());
    for round in 0..WARM_UP + PAIRS {
        let (list, _) = timed(reader.ask(asked, ACCEPT)).await?;
        let (page, _) = timed(reader.page(shown)).await?;
        if round >= WARM_UP {
            lists.push(list);
            pages.push(page);
            over.push(page - list);
        }
    }
    Ok(Figure {
        name,
        value: pages.median()? - lists.median()?,
        unit: "ms",
        goal: Goal::AtMost(50.0),
        conditions: format!(
            "{}, API server and client on them too; kube-apiserver with etcd, {PODS} pods in the namespace, pages of 20, both through one Envoy in turns; medians (quartiles) of {} pairs: console {}, gateway {}; difference of a pair {}",
            machine::describe(),
            pages.count(),
            pages.shown(0, "ms")?,
            lists.shown(0, "ms")?,
            over.shown(0, "ms")?,
        ),
    })
}

/// What the page's scripts hold in a browser, of the longest page that there is.
async fn heap(gateway: &Gateway, server: &ApiServer, namespace: &str) -> Result<Figure> {
    let (sort, _) = SORTS.first().context("a column")?;
    let path = format!(
        "/console/resources?cluster={}&namespace={namespace}&resource=pods.v1&sort={sort}&size=200",
        server.name
    );
    let origin = &gateway.endpoints().gateway;
    let browser = Browser::shared().await?;
    let bytes = browser
        .visit("bench-table", origin, Visitor::default(), async |page| {
            page.goto("/console/").await?;
            page.log_in("admin", ADMIN_PASSWORD).await?;
            page.goto(&path).await?;
            let rows = page.all(By::Css("#results tbody tr")).await?.len();
            ensure!(rows == 200, "{rows} rows");
            page.heap().await
        })
        .await?;
    Ok(Figure {
        name: "heap of the table of 30,000 pods",
        value: bytes as f64 / 1e6,
        unit: "MB",
        goal: Goal::AtMost(30.0),
        conditions: format!(
            "headless Chromium's JavaScript heap (Runtime.getHeapUsage) after a collection, {PODS} pods, a page of 200"
        ),
    })
}
