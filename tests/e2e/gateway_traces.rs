//! Traces of Envoy and the control plane at one collector, and what never stands in them.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::collector::Collector;
use cubegate_tests::faults::{Scripted, list, whole};
use cubegate_tests::{Gateway, Options, Site, block_on, until};

use crate::support::cube;

const PATIENCE: Duration = Duration::from_secs(30);
const PASSWORD: &str = "a password to be traced";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn a_request_is_one_trace_through_envoy_and_what_is_behind_it() -> Result<()> {
    block_on(async {
        let collector = Collector::start().await?;
        let upstream = Scripted::start(whole(&list(&["a"]))).await?;
        let site = Site::new("traces")?;
        site.add_plain_cluster("first", upstream.port()).await?;
        site.add_user("jane", PASSWORD).await?;
        let pair = site.create_key("jane").await?;
        let options = Options {
            plain: true,
            flags: ["--otlp-endpoint", &collector.url(), "--trace-sampling", "0"]
                .map(str::to_owned)
                .to_vec(),
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        let token = gateway.exchange(&pair).await?;
        let client = gateway.client().with_bearer(&token)?;
        let path = cube(
            "first",
            "/api/v1/namespaces/web/pods?selector=metadata.name~s3cret",
        );
        client.get(&path).send().await?.expect(200)?;

        // Of a hundred none; but who traces already is gone on with.
        let begun = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let answer = client.get(&path).header("traceparent", &begun);
        answer.send().await?.expect(200)?;
        let heads = upstream.heads()?;
        let handed_on = |head: &str| {
            head.lines().any(|line| {
                line.starts_with(&format!("traceparent: 00-{TRACE}-"))
                    && line.trim_end().ends_with("-01")
            })
        };
        let last = heads.last().context("nothing came")?;
        ensure!(handed_on(last), "{last}");
        ensure!(
            !last.contains("00f067aa0ba902b7"),
            "a span of its own: {last}"
        );

        // The same at the control plane, with the key's secret in the query.
        let answer = gateway
            .client()
            .get(&pair.token_path())
            .header("traceparent", &begun);
        answer.send().await?.expect(200)?;
        let spans = until("all spans have come", PATIENCE, || async {
            let spans = collector.spans();
            let of = |service: &str, path: &str| {
                let is = |span: &&cubegate_tests::collector::Span| {
                    span.service == service
                        && span
                            .attributes
                            .get("url.path")
                            .is_some_and(|found| found.contains(path))
                };
                spans.iter().any(|span| is(&span))
            };
            Ok((of("cubegate-envoy", "/pods")
                && of("cubegate-envoy", "/key/token")
                && of("cubegate", "/key/token"))
            .then(|| spans.clone()))
        })
        .await?;
        for span in &spans {
            assert_eq!(span.trace, TRACE, "{span:?}");
            let shown = format!("{span:?}");
            for secret in [&pair.secret_key, &token, PASSWORD, "s3cret"] {
                ensure!(!shown.contains(secret), "{shown}");
            }
        }
        let pods = spans.iter().find(|span| {
            span.attributes
                .get("cubegate.resource")
                .is_some_and(|it| it == "pods")
        });
        let pods = &pods.context("no span of the list")?.attributes;
        assert_eq!(pods["user.name"], "jane");
        assert_eq!(pods["k8s.cluster.name"], "first");
        assert_eq!(pods["cubegate.verb"], "list");
        gateway.stop().await
    })
}

#[test]
fn a_collector_that_is_away_holds_nothing_up() -> Result<()> {
    block_on(async {
        let site = Site::new("traces-away")?;
        let closed = cubegate_tests::gateway::free_port()?;
        let endpoint = format!("http://127.0.0.1:{closed}");
        let refused = site
            .run(&["up", "--otlp-endpoint", "collector:4317"])
            .await?;
        let sentence = refused.one_sentence()?;
        ensure!(sentence.contains("http://collector:4317"), "{sentence}");

        let options = Options {
            plain: true,
            flags: ["--otlp-endpoint", &endpoint, "--trace-sampling=100"]
                .map(str::to_owned)
                .to_vec(),
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        for _ in 0..50 {
            let path = "/.well-known/openid-configuration";
            gateway.client().get(path).send().await?.expect(200)?;
        }
        let ending = std::time::Instant::now();
        gateway.stop().await?;
        let took = ending.elapsed();
        ensure!(took < Duration::from_secs(20), "{took:?}");
        Ok(())
    })
}
