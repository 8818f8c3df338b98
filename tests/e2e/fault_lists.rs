//! What a query may cost a worker, and what one object may do to its list, through Envoy.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::fixture::Fixture;
use cubegate_tests::gateway::Options;
use cubegate_tests::{Client, Gateway, Site, block_on};
use http_body_util::Full;
use hyper::body::Bytes;

use crate::support::cube;

const CLUSTER: &str = "hostile";

/// A list whose objects hold large arrays, and one that holds odd objects.
const LARGE: &str = "/api/v1/namespaces/a/configmaps";
const ODD: &str = "/api/v1/namespaces/a/secrets";

/// Longer than a worker may be held, by far: the machine does other things as well.
/// Without bounds it is many seconds.
const PATIENCE: Duration = Duration::from_secs(2);

fn large() -> String {
    let elements = vec!["1"; 400_000].join(",");
    let item = |number: usize| {
        format!(r#"{{"metadata":{{"name":"m{number}"}},"data":{{"a":[{elements}]}}}}"#)
    };
    let items: Vec<String> = (0..4).map(item).collect();
    format!(
        r#"{{"kind":"ConfigMapList","apiVersion":"v1","metadata":{{}},"items":[{}]}}"#,
        items.join(",")
    )
}

/// Nested as deep as API servers take objects, and deeper.
fn odd_objects() -> Vec<String> {
    let deep = |levels: usize| format!("{}1{}", "{\"a\":[".repeat(levels), "]}".repeat(levels));
    let spec = [
        deep(63),
        deep(5_000),
        deep(200_000),
        "1e999".into(),
        r#""\ud800""#.into(),
    ];
    let named = |(number, spec): (usize, &String)| {
        format!(r#"{{"metadata":{{"name":"o{number}"}},"spec":{spec}}}"#)
    };
    spec.iter().enumerate().map(named).collect()
}

async fn upstream() -> Result<Fixture> {
    let list = |items: &str| {
        format!(r#"{{"kind":"List","apiVersion":"v1","metadata":{{}},"items":[{items}]}}"#)
    };
    let large = Bytes::from(large());
    let odd = Bytes::from(list(&odd_objects().join(",")));
    let empty = Bytes::from(list(""));
    Fixture::answering(move |seen| {
        let body = match seen.path.as_str() {
            LARGE => &large,
            ODD => &odd,
            _ => &empty,
        };
        let answer = http::Response::builder()
            .header("content-type", "application/json")
            .body(Full::new(body.clone()))?;
        Ok((answer, body.clone()))
    })
    .await
}

async fn start(name: &str) -> Result<(Gateway, Client, Fixture)> {
    let upstream = upstream().await?;
    let options = Options {
        plain: true,
        ..Options::default()
    };
    let gateway = Gateway::start(Site::new(name)?, &options).await?;
    let port = upstream.port();
    gateway.site().add_plain_cluster(CLUSTER, port).await?;
    let client = gateway.admin().await?;
    gateway.wait_for_cluster(&client, CLUSTER).await?;
    Ok((gateway, client, upstream))
}

fn repeated(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(",")
}

#[test]
fn a_query_that_asks_too_much_is_refused_and_holds_nobody_up() -> Result<()> {
    block_on(async {
        let (gateway, client, _upstream) = start("costly").await?;
        let many = repeated(7_000, |n| format!("a{n}~"));
        let values = vec!["a"; 12_000].join("|");
        let each = repeated(64, |n| format!("data.a[]!~z{n}"));
        for (query, told) in [
            (format!("selector={many}"), "it may have 8192 bytes at most"),
            (
                format!("selector=metadata.name={values}"),
                "it may have 8192 bytes at most",
            ),
            (
                format!("selector={}", repeated(65, |n| format!("a{n}~"))),
                "64 conditions at most",
            ),
            (
                format!("selector=a={}", vec!["a"; 257].join("%7C")),
                "256 values at most",
            ),
            (
                format!("sortName={}", "a".repeat(8193)),
                "it may have 8192 bytes at most",
            ),
            (
                format!("filter={}", each.replace('!', "%21")),
                "ask for less",
            ),
        ] {
            let path = format!("{LARGE}?{query}");
            let hostile = client.get(&cube(CLUSTER, &path)).send();
            let hostile = async { hostile.await?.cube_error(400) };
            let others = async {
                let mut longest = Duration::ZERO;
                for _ in 0..20 {
                    let begun = Instant::now();
                    let asked = client.get("/healthz").anonymous().send();
                    asked.await?.expect(200)?;
                    longest = longest.max(begun.elapsed());
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Ok::<_, anyhow::Error>(longest)
            };
            let (message, longest) = tokio::join!(hostile, others);
            let message = message
                .with_context(|| format!("{told} for {}", query.get(..40).unwrap_or(&query)))?;
            ensure!(message.contains(told), "{message} where {told} is meant");
            let longest = longest?;
            ensure!(longest < PATIENCE, "{longest:?} for others while {told}");
        }
        // The same list for who asks in earnest.
        let path = format!("{LARGE}?filter=metadata.name=m2&fields=metadata.name");
        let page = client
            .get(&cube(CLUSTER, &path))
            .send()
            .await?
            .expect(200)?;
        assert_eq!(page.names()?, ["m2"]);
        for (name, value) in gateway.health().stats("workers.watchdog_mega_miss").await? {
            ensure!(
                value == 0,
                "a worker was held for a second: {name} is {value}"
            );
        }
        gateway.health().check().await?;
        gateway.stop().await
    })
}

#[test]
fn an_odd_object_is_no_end_of_its_list() -> Result<()> {
    block_on(async {
        let (gateway, client, _upstream) = start("odd-objects").await?;
        let objects = odd_objects();
        let page = client.get(&cube(CLUSTER, ODD)).send().await?.expect(200)?;
        let text = page.text();
        for object in &objects {
            ensure!(
                text.contains(object.as_str()),
                "not as it came: {}",
                object.get(..60).unwrap_or(object)
            );
        }
        ensure!(
            text.ends_with(&format!("\"total\":{}}}", objects.len())),
            "another total"
        );
        for (query, names) in [
            (
                "filter=metadata.name!=o1&fields=metadata.name",
                &["o0", "o2", "o3", "o4"][..],
            ),
            ("selector=metadata.name=o2&strip=spec", &["o2"]),
            (
                "filter=spec.a.a.a&sort=-name&strip=spec",
                &["o2", "o1", "o0"],
            ),
            (
                "sort=spec.a[].a[].a,name&fields=kind&pageSize=2",
                &["o0", "o1"],
            ),
        ] {
            let path = format!("{ODD}?{query}");
            let page = client
                .get(&cube(CLUSTER, &path))
                .send()
                .await?
                .expect(200)?;
            assert_eq!(page.names()?, names, "{query}");
        }
        gateway.health().check().await?;
        gateway.stop().await
    })
}
