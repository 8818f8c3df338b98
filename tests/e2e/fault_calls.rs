//! The calls that a page takes beside its first answer, before upstreams that
//! answer them right, wrong, late or not at all.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use cubegate_tests::faults::{Script, Scripted, Step, chunk, head, list, send, whole};
use cubegate_tests::run::unique;
use cubegate_tests::{Answer, Client, kubeconfig, until};
use futures::future::join_all;
use serde_json::json;

use crate::support::{Playground, cube, in_the_playground, kube};

const MAPS: &str = "/api/v1/namespaces/demo/configmaps";

/// The path and query of a request, and what it takes.
fn asked(head: &str) -> (&str, bool) {
    let path = head.split(' ').nth(1).unwrap_or_default();
    (path, head.contains("as=PartialObjectMetadataList"))
}

fn status(code: u16, body: &str) -> Script {
    let length = body.len();
    vec![send(format!(
        "HTTP/1.1 {code} Some\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    ))]
}

/// A list that goes on and does not say how far.
fn going_on(names: &[&str], token: &str) -> String {
    let metadata = format!(r#""resourceVersion":"7","continue":"{token}""#);
    list(names).replacen(r#""resourceVersion":"7""#, &metadata, 1)
}

/// An upstream whose list is large; `fetched` answers what asks for one object.
async fn large(fetched: impl Fn(&str) -> Script + Send + Sync + 'static) -> Result<Scripted> {
    let padding = "x".repeat(3 << 20);
    let all = list(&["a", "b", "c"]).replace(r#""a":"b""#, &format!(r#""a":"{padding}""#));
    Scripted::answering(move |head| match asked(head) {
        (path, _) if path.contains("fieldSelector") => fetched(path),
        (_, true) => whole(&list(&["a", "b", "c"]).replace("ConfigMap", "PartialObjectMetadata")),
        (_, false) => whole(&all),
    })
    .await
}

/// Asks until the list's size is known and its keys are asked for.
async fn by_keys(playground: &Playground, upstream: &Scripted, url: &str) -> Result<Answer> {
    let client = playground.client()?;
    until(
        "the keys are asked for",
        Duration::from_secs(30),
        || async {
            let answer = client.get(url).send().await?;
            let keys = upstream
                .heads()?
                .iter()
                .any(|head| head.contains("fieldSelector"));
            Ok(keys.then_some(answer))
        },
    )
    .await
}

/// Asks until it is no page: each worker learns for itself how large a list is.
async fn refused(client: &Client, url: &str) -> Result<Answer> {
    until("the list is refused", Duration::from_secs(30), || async {
        let answer = client.get(url).send().await?;
        Ok((answer.status != 200).then_some(answer))
    })
    .await
}

#[test]
fn an_uncounted_list_is_counted_and_the_calls_are_the_gateways_own() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Scripted::answering(|head| match asked(head).0 {
            path if path.contains("continue=one") => whole(&going_on(&["c", "d"], "two")),
            path if path.contains("continue=two") => whole(&list(&["e"])),
            _ => whole(&going_on(&["a", "b"], "one")),
        })
        .await?;
        // Envoy puts the cluster's token into the calls as into all else.
        let site = playground.gateway.site();
        let name = format!("counted-{}", unique());
        let server = format!("http://127.0.0.1:{}", upstream.port());
        let mut config = kubeconfig::document(&server, None);
        config["users"][0]["user"] = json!({ "token": "the-clusters-token" });
        let file = site.dir().join(format!("{name}.kubeconfig"));
        fs::write(&file, config.to_string())?;
        site.add_cluster(&name, &file, false).await?;
        let client = playground.client()?;
        playground.gateway.wait_for_cluster(&client, &name).await?;

        let answer = client
            .get(&cube(&name, &format!("{MAPS}?pageSize=2")))
            .send()
            .await?;
        let answer = answer.expect(200)?;
        assert_eq!(answer.names()?, ["a", "b"]);
        assert_eq!(answer.total()?, 5);
        assert_eq!(answer.header("x-cubegate-list").as_deref(), Some("head"));
        assert!(!answer.text().contains("continue"), "{}", answer.text());
        let heads = upstream.heads()?;
        assert_eq!(heads.len(), 3, "{heads:?}");
        for head in &heads {
            let head = head.to_ascii_lowercase();
            assert!(
                head.contains("authorization: bearer the-clusters-token\r\n"),
                "{head}"
            );
            assert!(head.contains("impersonate-user: admin\r\n"), "{head}");
            assert!(
                head.contains("impersonate-group: system:authenticated\r\n"),
                "{head}"
            );
            assert!(head.contains("x-request-id: "), "{head}");
            assert!(!head.contains("x-cubegate-"), "{head}");
        }
        Ok(())
    })
}

#[test]
fn a_list_that_ends_with_trailers_is_counted_too() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Scripted::answering(|request| match asked(request).0 {
            path if path.contains("continue=one") => whole(&list(&["c"])),
            _ => vec![
                head(&["Transfer-Encoding: chunked", "Trailer: x-end"]),
                chunk(going_on(&["a", "b"], "one")),
                send("0\r\nx-end: 1\r\n\r\n"),
            ],
        })
        .await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let path = cube(&cluster, &format!("{MAPS}?pageSize=2"));
        let answer = playground.client()?.get(&path).send().await?.expect(200)?;
        assert_eq!(answer.total()?, 3);
        Ok(())
    })
}

#[test]
fn what_the_server_does_not_do_as_expected_is_done_the_plain_way() -> Result<()> {
    in_the_playground(async |playground| {
        for (what, first, rest) in [
            ("an expired token", going_on(&["a", "b"], "one"), 410),
            ("no continuing", going_on(&["a", "b"], "one"), 400),
            ("another order", going_on(&["b", "a"], "one"), 200),
            ("no list", r#"{"items":0}"#.to_owned(), 200),
        ] {
            let upstream = Scripted::answering(move |head| match asked(head).0 {
                path if path.contains("continue=") => status(rest, r#"{"kind":"Status"}"#),
                path if path.contains("limit=") => whole(&first),
                _ => whole(&list(&["c", "b", "a"])),
            })
            .await?;
            let cluster = playground.cluster(upstream.port()).await?;
            let path = cube(&cluster, &format!("{MAPS}?pageSize=2"));
            let answer = playground.client()?.get(&path).send().await?;
            let answer = answer.expect(200).context(what)?;
            assert_eq!(answer.names()?, ["a", "b"], "{what}");
            assert_eq!(answer.total()?, 3, "{what}");
            let way = answer.header("x-cubegate-list");
            assert_eq!(way.as_deref(), Some("plain"), "{what}");
        }
        Ok(())
    })
}

#[test]
fn an_object_that_vanished_leaves_the_page_shorter() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = large(|path| match path {
            path if path.ends_with("%3Db") => whole(&list(&[])),
            path => whole(&list(&[path.rsplit("%3D").next().unwrap_or_default()])),
        })
        .await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let url = cube(&cluster, &format!("{MAPS}?sortOrder=desc"));
        let answer = by_keys(playground, &upstream, &url).await?.expect(200)?;
        assert_eq!(answer.names()?, ["c", "a"]);
        assert_eq!(answer.total()?, 3);
        Ok(())
    })
}

#[test]
fn a_call_that_gets_no_good_answer_is_a_bad_gateway() -> Result<()> {
    in_the_playground(async |playground| {
        type Fetched = fn() -> Script;
        let cases: [(&str, Fetched); 6] = [
            ("a reset", || vec![Step::Reset]),
            ("half an answer", || {
                vec![
                    head(&["Content-Length: 900"]),
                    send("{\"items\":["),
                    Step::Reset,
                ]
            }),
            ("an error", || status(503, "upstream is tired")),
            ("no list", || whole("[]")),
            ("no JSON", || whole("{\"items\":[}")),
            ("more than Envoy takes in", || {
                let size = 40 << 20;
                vec![
                    head(&[&format!("Content-Length: {size}")]),
                    Step::Send(vec![b' '; size]),
                ]
            }),
        ];
        for (what, fetched) in cases {
            let upstream = large(move |_| fetched()).await?;
            let cluster = playground.cluster(upstream.port()).await?;
            let path = format!("{MAPS}?sortOrder=desc");
            let answer = by_keys(playground, &upstream, &cube(&cluster, &path)).await?;
            let message = answer.cube_error(502).context(what)?;
            assert_ne!(message, "server error.", "{what}");
            let client = playground.client()?;
            let answer = refused(&client, &kube(&cluster, &path)).await?;
            answer.kube_error(502).context(what)?;
        }
        Ok(())
    })
}

#[test]
fn a_refusal_in_the_second_round_reaches_the_client_as_it_is() -> Result<()> {
    in_the_playground(async |playground| {
        let client = playground.client()?;
        for (code, why) in [
            (403, "configmaps is forbidden"),
            (429, "too many requests"),
            (500, "etcd is away"),
            (503, "shutting down"),
        ] {
            let body = format!(
                r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"{why}","reason":"Odd","details":{{"retryAfterSeconds":1}},"code":{code}}}"#
            );
            let length = body.len();
            let refusal = vec![send(format!(
                "HTTP/1.1 {code} Some\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            ))];
            let counted = refusal.clone();
            let head = Scripted::answering(move |head| match asked(head).0 {
                path if path.contains("continue=") => counted.clone(),
                _ => whole(&going_on(&["a", "b"], "one")),
            })
            .await?;
            let headed = playground.cluster(head.port()).await?;
            let keys = large(move |_| refusal.clone()).await?;
            let name = playground.cluster(keys.port()).await?;
            let sorted = format!("{MAPS}?sortOrder=desc");
            let cube_keys = refused(&client, &cube(&name, &sorted)).await?;
            let kube_keys = refused(&client, &kube(&name, &sorted)).await?;
            let paged = format!("{MAPS}?pageSize=2");
            let cube_head = client.get(&cube(&headed, &paged)).send().await?;
            let kube_head = client.get(&kube(&headed, &paged)).send().await?;
            for answer in [&cube_keys, &cube_head] {
                assert_eq!(answer.cube_error(code)?, why);
            }
            for answer in [&kube_keys, &kube_head] {
                assert_eq!((answer.status, answer.text()), (code, body.clone()));
            }
            for answer in [cube_keys, kube_keys, cube_head, kube_head] {
                assert_eq!(answer.header("retry-after").as_deref(), Some("1"), "{code}");
            }
        }
        Ok(())
    })
}

#[test]
fn clients_that_go_away_during_the_calls_harm_nobody() -> Result<()> {
    in_the_playground(async |playground| {
        let upstream = Scripted::answering(|head| match asked(head).0 {
            path if path.contains("continue=") => vec![Step::Stall],
            _ => whole(&going_on(&["a", "b"], "one")),
        })
        .await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let url = cube(&cluster, &format!("{MAPS}?pageSize=2"));
        let client = playground.client()?;
        for _ in 0..3 {
            let impatient = (0..20).map(|_| {
                let request = client.get(&url).patience(Duration::from_millis(700));
                request.send()
            });
            let answers = join_all(impatient).await;
            assert!(answers.iter().all(Result::is_err), "it does not stall");
        }
        let heads = upstream.heads()?;
        let calls = heads.iter().filter(|head| head.contains("continue="));
        assert!(calls.count() >= 20, "no calls were made");

        // The same gateway serves on.
        let other = Scripted::start(whole(&list(&["a"]))).await?;
        let cluster = playground.cluster(other.port()).await?;
        let path = cube(&cluster, &format!("{MAPS}?pageSize=2"));
        client.get(&path).send().await?.expect(200)?;
        Ok(())
    })
}
