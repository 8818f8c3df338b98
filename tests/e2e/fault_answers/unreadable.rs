//! Answers that are too large to be read, or in an encoding that was not asked for.

use super::*;

#[test]
fn an_item_larger_than_the_limit_is_a_bad_gateway_that_says_so() -> Result<()> {
    in_the_playground(async |playground| {
        let large = list(&["a", "b"]).replace("\"b\"}", &format!("\"{}\"}}", "x".repeat(17 << 20)));
        let message = refused(playground, "a large item", whole(&large), 502).await?;
        assert!(message.contains("larger than"), "{message}");

        // It says that isFilter=false helps, so it does.
        let upstream = Scripted::start(whole(&large)).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let path = cube(&cluster, "/api/v1/configmaps?isFilter=false");
        let answer = playground.client()?.get(&path).send().await?.expect(200)?;
        assert_eq!(answer.body, large);
        Ok(())
    })
}

#[test]
fn a_page_that_needs_more_memory_than_a_request_may_have_is_refused() -> Result<()> {
    in_the_playground(async |playground| {
        // Twenty items of 3.5 MiB: each is small enough, all of them are not.
        let large = format!("\"{}\"}}", "x".repeat(7 << 19));
        let names: Vec<String> = (0..20).map(|number| format!("m-{number:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let upstream = Scripted::start(whole(&list(&names).replace("\"b\"}", &large))).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        let maps = "/api/v1/configmaps?pageSize=";
        let answer = client
            .get(&cube(&cluster, &format!("{maps}20")))
            .send()
            .await?;
        no_half_list("a page of 70 MiB", &answer);
        answer.cube_error(507)?;
        client
            .get(&kube(&cluster, &format!("{maps}20")))
            .send()
            .await?
            .kube_error(507)?;
        let answer = client
            .get(&cube(&cluster, &format!("{maps}2")))
            .send()
            .await?
            .expect(200)?;
        assert_eq!(answer.names()?, ["m-00", "m-01"]);
        assert_eq!(answer.total()?, 20);
        Ok(())
    })
}

#[test]
fn an_encoding_that_was_not_asked_for_is_a_bad_gateway() -> Result<()> {
    in_the_playground(async |playground| {
        for encoding in ["gzip", "br", "deflate", "zstd", "x-unknown", "gzip, gzip"] {
            let body = list(&["a"]);
            let script = vec![
                head(&[
                    &format!("Content-Encoding: {encoding}"),
                    &format!("Content-Length: {}", body.len()),
                ]),
                send(&body),
            ];
            let message = refused(playground, encoding, script.clone(), 502).await?;
            assert!(message.contains("not asked for"), "{message}");

            // Also where nothing is paged: the client asked for no encoding.
            let upstream = Scripted::start(script).await?;
            let cluster = playground.cluster(upstream.port()).await?;
            let path = cube(&cluster, "/api/v1/configmaps?isFilter=false");
            playground
                .client()?
                .get(&path)
                .send()
                .await?
                .cube_error(502)?;
        }
        Ok(())
    })
}

#[test]
fn an_answer_that_says_identity_is_a_page() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["a", "b", "c"]);
        let script = vec![
            head(&[
                "Content-Encoding: identity",
                &format!("Content-Length: {}", body.len()),
            ]),
            send(&body),
        ];
        let upstream = Scripted::start(script).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let answer = playground
            .client()?
            .get(&cube(&cluster, PAGE))
            .send()
            .await?
            .expect(200)?;
        assert_eq!(answer.names()?, ["c", "b"]);
        Ok(())
    })
}
