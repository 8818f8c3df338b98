//! What an upstream can do over HTTP/2 alone: trailers, and one stream that
//! breaks off.

use std::time::Duration;

use anyhow::{Result, ensure};
use cubegate_tests::faults::{Scripted, half, list, whole};
use cubegate_tests::http2_upstream::{End, Http2Upstream};
use cubegate_tests::run::unique;
use cubegate_tests::{Gateway, Options, Site, block_on};
use futures::future::try_join_all;

use crate::support::{Playground, cube, in_the_playground, kube};

const PAGE: &str = "/api/v1/configmaps?pageSize=2&sortOrder=desc";

/// Starts such an upstream and makes it a cluster.
async fn play(playground: &Playground, body: &str, end: End) -> Result<(Http2Upstream, String)> {
    let (first, second) = body.split_at(body.len() / 2);
    let pieces = vec![first.to_owned(), second.to_owned()];
    let upstream = Http2Upstream::start(pieces, end).await?;
    let name = format!("http2-{}", unique());
    let site = playground.gateway.site();
    let file = upstream.kubeconfig(site.dir(), &name)?;
    site.add_cluster(&name, &file, false).await?;
    playground
        .gateway
        .wait_for_cluster(&playground.client()?, &name)
        .await?;
    Ok((upstream, name))
}

#[test]
fn a_list_is_a_page_with_and_without_trailers_behind_it() -> Result<()> {
    in_the_playground(async |playground| {
        for end in [End::Body, End::Trailers] {
            let (_upstream, cluster) = play(playground, &list(&["a", "b", "c"]), end).await?;
            for path in [cube(&cluster, PAGE), kube(&cluster, PAGE)] {
                let answer = playground.client()?.get(&path).send().await?.expect(200)?;
                assert_eq!(answer.names()?, ["c", "b"], "{end:?}");
                assert_eq!(answer.total()?, 3, "{end:?}");
            }
        }
        Ok(())
    })
}

#[test]
fn what_is_no_list_passes_with_trailers_behind_it() -> Result<()> {
    in_the_playground(async |playground| {
        let body = r#"{"kind":"Pod","metadata":{"name":"a"}}"#;
        let (_upstream, cluster) = play(playground, body, End::Trailers).await?;
        for path in [
            cube(&cluster, "/api/v1/a"),
            cube(&cluster, PAGE),
            kube(&cluster, "/api/v1/a"),
        ] {
            let answer = playground.client()?.get(&path).send().await?.expect(200)?;
            assert_eq!(answer.text(), body, "{path}");
        }
        Ok(())
    })
}

#[test]
fn half_a_list_is_a_bad_gateway_however_it_ends() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["a", "b", "c"]);
        let half = half(&body);
        for (body, end) in [
            (half, End::Body),
            (half, End::Trailers),
            (half, End::Reset),
            // Everything came, and then the stream was reset: it is not known to be all.
            (body.as_str(), End::Reset),
        ] {
            let (_upstream, cluster) = play(playground, body, end).await?;
            let answer = playground
                .client()?
                .get(&cube(&cluster, PAGE))
                .send()
                .await?;
            answer.cube_error(502)?;
            let answer = playground
                .client()?
                .get(&kube(&cluster, PAGE))
                .send()
                .await?;
            answer.kube_error(502)?;
        }
        Ok(())
    })
}

/// One connection of a client's with answers that it takes late, and lists beside them.
/// Envoy reads nothing of those lists meanwhile, and then hands all that has come of one
/// to the filter at once.
#[test]
fn lists_beside_answers_that_are_taken_late_are_pages() -> Result<()> {
    block_on(async {
        const LARGE: &str = "/api/v1/configmaps?pageSize=1000";
        let names: Vec<String> = (0..40).map(|number| format!("m-{number:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let item = format!("\"{}\"}}", "x".repeat(100_000));
        let body = list(&names).replace("\"b\"}", &item);
        let http1 = Scripted::start(whole(&body)).await?;
        let http2 = Http2Upstream::start([body], End::Body).await?;
        let site = Site::new("late")?;
        site.add_plain_cluster("http1", http1.port()).await?;
        let file = http2.kubeconfig(site.dir(), "http2")?;
        site.add_cluster("http2", &file, false).await?;
        let gateway = Gateway::start(site, &Options::default()).await?;
        let client = gateway.admin().await?;
        for cluster in ["http1", "http2"] {
            gateway.wait_for_cluster(&client, cluster).await?;
        }
        for _ in 0..5 {
            let late = try_join_all((0..3).map(|_| async {
                let stream = client.get(&cube("http2", LARGE)).open().await?;
                ensure!(stream.status == 200, "late: {}", stream.status);
                tokio::time::sleep(Duration::from_millis(1500)).await;
                stream.drain(Duration::from_secs(60)).await
            }));
            let beside = async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                try_join_all(
                    ["http1", "http2"]
                        .repeat(3)
                        .into_iter()
                        .map(|cluster| async {
                            let path = cube(cluster, PAGE);
                            let page = client.get(&path).patience(Duration::from_secs(60));
                            let page = page.send().await?.expect(200)?;
                            ensure!(page.names()? == ["m-39", "m-38"], "another page");
                            Ok(())
                        }),
                )
                .await
            };
            let (late, beside) = futures::join!(late, beside);
            beside?;
            late?;
        }
        gateway.health().check().await?;
        gateway.stop().await
    })
}
