//! Upstreams that take their time.

use std::time::{Duration, Instant};

use anyhow::Result;
use cubegate_tests::faults::{Scripted, Step, chunk, half, head, list, send, whole};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::support::{cube, in_the_playground, kube};

const PAGE: &str = "/api/v1/configmaps?pageSize=2&sortOrder=desc";

/// The gateway's own limit for a bounded call is 75 s.
const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn a_list_that_comes_slowly_is_a_whole_page() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["a", "b", "c"]);
        let mut script = vec![
            Step::Wait(Duration::from_millis(500)),
            head(&["Transfer-Encoding: chunked"]),
        ];
        for piece in body.as_bytes().chunks(body.len().div_ceil(8)) {
            script.extend([Step::Wait(Duration::from_millis(300)), chunk(piece)]);
        }
        script.push(send("0\r\n\r\n"));
        let upstream = Scripted::start(script).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        for path in [cube(&cluster, PAGE), kube(&cluster, PAGE)] {
            let answer = playground.client()?.get(&path).send().await?.expect(200)?;
            assert_eq!(answer.names()?, ["c", "b"]);
        }
        Ok(())
    })
}

#[test]
fn a_list_that_breaks_off_after_a_pause_is_a_bad_gateway() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["a", "b", "c"]);
        let script = vec![
            head(&[&format!("Content-Length: {}", body.len())]),
            send(half(&body)),
            Step::Wait(Duration::from_secs(2)),
        ];
        let upstream = Scripted::start(script).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        playground
            .client()?
            .get(&cube(&cluster, PAGE))
            .send()
            .await?
            .cube_error(502)?;
        playground
            .client()?
            .get(&kube(&cluster, PAGE))
            .send()
            .await?
            .kube_error(502)?;
        Ok(())
    })
}

#[test]
fn an_upstream_that_falls_silent_is_a_gateway_timeout() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["a", "b", "c"]);
        let silent = Scripted::start(vec![Step::Stall]).await?;
        let halfway = Scripted::start(vec![
            head(&[&format!("Content-Length: {}", body.len())]),
            send(half(&body)),
            Step::Stall,
        ])
        .await?;
        let began = Instant::now();
        let client = playground.client()?;
        let mut asked = Vec::new();
        for upstream in [&silent, &halfway] {
            let cluster = playground.cluster(upstream.port()).await?;
            for (path, is_cube) in [(cube(&cluster, PAGE), true), (kube(&cluster, PAGE), false)] {
                let client = client.clone();
                asked.push(async move {
                    let answer = client.get(&path).patience(LIMIT).send().await?;
                    if is_cube {
                        answer.cube_error(504)
                    } else {
                        answer.kube_error(504)
                    }
                });
            }
        }
        futures::future::try_join_all(asked).await?;
        assert!(
            began.elapsed() > Duration::from_secs(60),
            "slow API servers must be waited for"
        );
        Ok(())
    })
}

#[test]
fn large_lists_that_come_as_fast_as_they_can_are_all_pages() -> Result<()> {
    in_the_playground(async |playground| {
        // Now and then more than a buffer limit of it arrives in one piece.
        let names: Vec<String> = (0..60).map(|number| format!("m-{number:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let item = format!("\"{}\"}}", "x".repeat(1 << 20));
        let upstream = Scripted::start(whole(&list(&names).replace("\"b\"}", &item))).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        stream::iter(0..32)
            .map(|_| client.get(&cube(&cluster, PAGE)).patience(LIMIT).send())
            .buffer_unordered(4)
            .try_for_each(|answer| async move {
                assert_eq!(answer.expect(200)?.names()?, ["m-59", "m-58"]);
                Ok(())
            })
            .await
    })
}
