//! What an upstream can do over HTTP/2 alone: trailers, and one stream that
//! breaks off.

use anyhow::Result;
use cubegate_tests::faults::{half, list};
use cubegate_tests::http2_upstream::{End, Http2Upstream};
use cubegate_tests::run::unique;

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
