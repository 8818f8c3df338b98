//! Answers that no API server should give. Each becomes a clear refusal in the
//! shape of its path: never a hang, never half a list.

mod unreadable;

use std::time::Duration;

use anyhow::Result;
use cubegate_tests::Answer;
use cubegate_tests::faults::{
    Script, Scripted, Step, chunk, half, head, item, list, send, whole, without_last,
};

use crate::support::{Playground, cube, in_the_playground, kube};

/// Paths that ask for a page, one of each kind.
const PAGE: &str = "/api/v1/configmaps?pageSize=2&sortOrder=desc";

/// Asks both kinds of path for a page, and wants a refusal with this status.
async fn refused(
    playground: &Playground,
    what: &str,
    script: Script,
    status: u16,
) -> Result<String> {
    let upstream = Scripted::start(script).await?;
    let cluster = playground.cluster(upstream.port()).await?;
    let client = playground.client()?;
    let answer = client.get(&cube(&cluster, PAGE)).send().await?;
    no_half_list(what, &answer);
    let message = answer.cube_error(status)?;
    let answer = client.get(&kube(&cluster, PAGE)).send().await?;
    no_half_list(what, &answer);
    answer.kube_error(status)?;
    assert!(
        upstream.heads()?.len() >= 2,
        "{what}: the upstream was not asked"
    );
    Ok(message)
}

fn no_half_list(what: &str, answer: &Answer) {
    assert!(
        !answer.text().contains("\"items\""),
        "{what}: half a list: {}",
        answer.describe()
    );
}

#[test]
fn malformed_json_is_a_bad_gateway() -> Result<()> {
    in_the_playground(async |playground| {
        let good = list(&["a", "b", "c"]);
        for (what, body) in [
            ("cut in an item", without_last(&good, 30).to_owned()),
            ("cut before the end", without_last(&good, 1).to_owned()),
            ("an unquoted word", good.replace("\"data\":", "data:")),
            ("a missing comma", good.replace("},{", "}{")),
            ("a comma too many", good.replace("}]}", "},]}")),
            ("two values", format!("{good}{good}")),
            ("rubbish behind it", format!("{good}x")),
            (
                "a raw control character",
                good.replace("\"b\"}", "\"\u{1}\"}"),
            ),
            ("a bad escape", good.replace("\"b\"}", "\"\\q\"}")),
            ("a bad number", good.replace("\"b\"}", "01}")),
            ("items twice", good.replace("]}", "],\"items\":[]}")),
            ("mixed brackets", good.replace("]}", "}]")),
        ] {
            refused(playground, what, whole(&body), 502).await?;
        }
        Ok(())
    })
}

/// A list whose last item ends with these bytes in the place of a text.
fn ending_with(bytes: &[u8]) -> Vec<u8> {
    let body = list(&["a", "b"]);
    let (before, after) = body.rsplit_once("\"b\"}").unwrap();
    [before.as_bytes(), bytes, b"}", after.as_bytes()].concat()
}

fn script_of(body: Vec<u8>) -> Script {
    let length = format!("Content-Length: {}", body.len());
    vec![head(&[&length]), Step::Send(body)]
}

#[test]
fn bytes_that_are_not_utf_8_are_a_bad_gateway_where_no_text_is() -> Result<()> {
    in_the_playground(async |playground| {
        let script = script_of(ending_with(b"\xff"));
        refused(playground, "not UTF-8", script, 502)
            .await
            .map(drop)
    })
}

/// An API server gives raw parts of an object as it was given them, and one object must
/// not be the end of its list.
#[test]
fn text_that_is_not_utf_8_inside_an_item_stays_as_it_came() -> Result<()> {
    in_the_playground(async |playground| {
        let script = script_of(ending_with(b"\"\xff\""));
        let upstream = Scripted::start(script).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let client = playground.client()?;
        for path in [cube(&cluster, PAGE), kube(&cluster, PAGE)] {
            let page = client.get(&path).send().await?.expect(200)?;
            let stays = page.body.windows(4).any(|text| text == b"\"\xff\"}");
            assert!(stays, "{}", page.describe());
            assert!(page.body.ends_with(b"\"total\":2}"), "{}", page.describe());
        }
        Ok(())
    })
}

#[test]
fn an_answer_that_ends_before_its_content_length_is_a_bad_gateway() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["a", "b", "c"]);
        let too_long = format!("Content-Length: {}", body.len() + 100);
        let whole_list = vec![head(&[&too_long]), send(&body)];
        refused(
            playground,
            "a whole list and less than promised",
            whole_list,
            502,
        )
        .await?;
        let half_list = vec![head(&[&too_long]), send(half(&body))];
        refused(playground, "half a list", half_list, 502).await?;
        let no_body = vec![head(&[&too_long])];
        refused(playground, "no byte of it", no_body, 502).await?;
        Ok(())
    })
}

#[test]
fn a_chunked_answer_that_is_cut_off_is_a_bad_gateway() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["a", "b", "c"]);
        let chunked = head(&["Transfer-Encoding: chunked"]);
        let half = half(&body);
        for (what, script) in [
            ("no last chunk", vec![chunked.clone(), chunk(&body)]),
            ("half a list", vec![chunked.clone(), chunk(half)]),
            (
                "half a chunk",
                vec![chunked.clone(), send(format!("ffff\r\n{half}"))],
            ),
            ("a reset", vec![chunked.clone(), chunk(half), Step::Reset]),
            (
                "a bad chunk size",
                vec![chunked.clone(), chunk(half), send("zz\r\n")],
            ),
        ] {
            refused(playground, what, script, 502).await?;
        }
        Ok(())
    })
}

#[test]
fn a_connection_that_breaks_before_the_answer_is_a_bad_gateway() -> Result<()> {
    in_the_playground(async |playground| {
        for (what, script) in [
            ("closed at once", vec![]),
            ("reset at once", vec![Step::Reset]),
            ("half a head", vec![send("HTTP/1.1 200 OK\r\nContent-Ty")]),
            ("no HTTP", vec![send("this is no HTTP\r\n\r\n")]),
            (
                "a head without end",
                vec![send("HTTP/1.1 200 OK\r\n"), send("A: b\r\n".repeat(30_000))],
            ),
        ] {
            let message = refused(playground, what, script, 502).await?;
            assert_eq!(message, "server error.", "{what}");
        }
        Ok(())
    })
}

#[test]
fn trailers_behind_a_list_are_no_harm_and_behind_half_a_list_no_help() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["a", "b", "c"]);
        let chunked = head(&["Transfer-Encoding: chunked", "Trailer: X-Checksum"]);
        let end = send("0\r\nX-Checksum: 1\r\n\r\n");
        let upstream = Scripted::start(vec![chunked.clone(), chunk(&body), end.clone()]).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        for path in [cube(&cluster, PAGE), kube(&cluster, PAGE)] {
            let answer = playground.client()?.get(&path).send().await?.expect(200)?;
            assert_eq!(answer.names()?, ["c", "b"]);
        }
        let script = vec![chunked, chunk(half(&body)), end];
        refused(playground, "half a list and trailers", script, 502)
            .await
            .map(drop)
    })
}

#[test]
fn a_list_in_single_bytes_is_the_same_page() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["a", "b", "c"]);
        let mut script = vec![head(&["Transfer-Encoding: chunked"])];
        script.extend(body.as_bytes().iter().map(|byte| chunk([*byte])));
        script.push(send("0\r\n\r\n"));
        let upstream = Scripted::start(script).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let answer = playground
            .client()?
            .get(&cube(&cluster, PAGE))
            .send()
            .await?
            .expect(200)?;
        assert_eq!(answer.names()?, ["c", "b"]);
        let wanted = format!("[{},{}]", item("c"), item("b"));
        assert!(answer.text().contains(&wanted), "{}", answer.text());
        Ok(())
    })
}

#[test]
fn answers_that_are_no_list_pass_whatever_they_hold() -> Result<()> {
    in_the_playground(async |playground| {
        for body in [
            "{\"kind\":\"Pod\"}",
            "{",
            "",
            "null",
            "[1,2",
            "\"text\"",
            "{\"items\":null}",
            "{\"items\":{\"a\":1}}",
        ] {
            let upstream = Scripted::start(whole(body)).await?;
            let cluster = playground.cluster(upstream.port()).await?;
            let answer = playground
                .client()?
                .get(&cube(&cluster, "/apis/x"))
                .send()
                .await?;
            // JSON that is cut off may be refused; what is well-formed passes as it is.
            let well_formed = serde_json::from_str::<serde_json::Value>(body).is_ok();
            if well_formed || answer.status == 200 {
                assert_eq!((answer.status, answer.text().as_str()), (200, body));
            } else {
                answer.cube_error(502)?;
            }
        }
        Ok(())
    })
}

#[test]
fn errors_and_other_statuses_of_the_upstream_stay_its_own() -> Result<()> {
    in_the_playground(async |playground| {
        for status in [
            "201 Created",
            "404 Not Found",
            "429 Too Many Requests",
            "500 Internal Server Error",
            "503 Service Unavailable",
        ] {
            let body = list(&["b", "a"]);
            let text = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nRetry-After: 7\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let upstream = Scripted::start(vec![send(text)]).await?;
            let cluster = playground.cluster(upstream.port()).await?;
            let answer = playground
                .client()?
                .get(&cube(&cluster, PAGE))
                .send()
                .await?;
            assert!(
                status.starts_with(&answer.status.to_string()),
                "{}",
                answer.describe()
            );
            assert_eq!(answer.text(), body, "{status}");
            assert_eq!(
                answer.header("retry-after").as_deref(),
                Some("7"),
                "{status}"
            );
        }
        Ok(())
    })
}

#[test]
fn many_broken_answers_at_once_harm_nobody() -> Result<()> {
    in_the_playground(async |playground| {
        let body = list(&["a", "b", "c"]);
        let good = Scripted::start(whole(&body)).await?;
        let chunked = head(&["Transfer-Encoding: chunked"]);
        let first = chunk(half(&body));
        let bad = Scripted::start(vec![
            chunked,
            first,
            Step::Wait(Duration::from_millis(20)),
            Step::Reset,
        ])
        .await?;
        let good_name = playground.cluster(good.port()).await?;
        let bad_name = playground.cluster(bad.port()).await?;
        let client = playground.client()?;
        let requests = (0..200).map(|number| {
            let (path, broken) = if number % 2 == 0 {
                (cube(&bad_name, PAGE), true)
            } else {
                (cube(&good_name, PAGE), false)
            };
            let client = client.clone();
            async move {
                let answer = client.get(&path).send().await?;
                if broken {
                    answer.cube_error(502).map(drop)
                } else {
                    assert_eq!(answer.expect(200)?.names()?, ["c", "b"]);
                    Ok(())
                }
            }
        });
        futures::future::try_join_all(requests).await.map(drop)
    })
}
