//! The request as it reaches the upstream, beyond what the vectors say of it.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cubegate_tests::faults::{Scripted, send};
use cubegate_tests::fixture::{Fixture, Seen};
use cubegate_tests::{Client, jwt};
use serde_json::json;

use crate::support::{Playground, cube, in_the_playground, kube};

/// Starts the vectors' upstream and makes it a cluster.
async fn fixture(playground: &Playground) -> Result<(Fixture, String)> {
    let fixture = Fixture::start(Default::default()).await?;
    let cluster = playground.cluster(fixture.port()).await?;
    fixture.take_seen()?;
    Ok((fixture, cluster))
}

fn only(fixture: &Fixture) -> Result<Seen> {
    let mut seen = fixture.take_seen()?;
    assert_eq!(seen.len(), 1, "{seen:?}");
    seen.pop().context("one request")
}

fn impersonated(seen: &Seen) -> (Vec<&str>, Vec<&str>) {
    (
        seen.headers("impersonate-user").collect(),
        seen.headers("impersonate-group").collect(),
    )
}

#[test]
fn path_and_query_arrive_as_they_were_sent_but_for_our_parameters_on_a_list() -> Result<()> {
    in_the_playground(async |playground| {
        let (fixture, cluster) = fixture(playground).await?;
        let client = playground.client()?;
        // What may become a page is asked for in one plain form (`pretty=false`).
        for (sent, path, query) in [
            ("/echo", "/echo", Some("pretty=false")),
            ("/echo/", "/echo/", Some("pretty=false")),
            (
                "/echo/a%20b/%E4%BD%A0;x=1",
                "/echo/a%20b/%E4%BD%A0;x=1",
                Some("pretty=false"),
            ),
            (
                "/echo?a=%2C&a=2&b&c=+",
                "/echo",
                Some("a=%2C&a=2&b&c=+&pretty=false"),
            ),
            ("/echo?pageSize=3", "/echo", Some("pretty=false")),
            (
                "/echo?labelSelector=a%3Db&pageSize=3&selector=x~y&limit=5",
                "/echo",
                Some("labelSelector=a%3Db&limit=5&pretty=false"),
            ),
            // What passes, passes as it is.
            (
                "/echo?isFilter=false&pageSize=3",
                "/echo",
                Some("isFilter=false&pageSize=3"),
            ),
            ("/echo?watch=true", "/echo", Some("watch=true")),
            ("/echo?limit=5", "/echo", Some("limit=5")),
        ] {
            client.get(&cube(&cluster, sent)).send().await?;
            let seen = only(&fixture)?;
            assert_eq!(
                (seen.path.as_str(), seen.query.as_deref()),
                (path, query),
                "{sent}"
            );
        }
        client
            .post(&kube(&cluster, "/apis/demo/v1/echo?fieldManager=me&x=%2F"))
            .body("{}")
            .send()
            .await?
            .expect(200)?;
        assert_eq!(
            only(&fixture)?.query.as_deref(),
            Some("fieldManager=me&x=%2F")
        );
        Ok(())
    })
}

#[test]
fn the_upstream_sees_who_the_caller_is_and_none_of_the_callers_credentials() -> Result<()> {
    in_the_playground(async |playground| {
        let (fixture, cluster) = fixture(playground).await?;
        let token = playground.minter().token("jeff")?;
        let clients = [
            playground
                .gateway
                .client()
                .get(&cube(&cluster, "/echo"))
                .bearer(&token),
            playground
                .gateway
                .client()
                .get(&kube(&cluster, "/apis/demo/v1/echo"))
                .header("cookie", "a=b")
                .header("x-custom", "1")
                .header("x-custom", "2")
                .header("proxy-authorization", "Basic eDp5")
                .header("x-forwarded-client-cert", "By=x")
                .header("x-remote-user", "admin")
                .header("x-cubegate-anything", "1")
                .bearer(&token),
        ];
        for request in clients {
            request.send().await?.expect(200)?;
            let seen = only(&fixture)?;
            assert_eq!(
                impersonated(&seen),
                (vec!["jeff"], vec!["kubecube", "system:authenticated"])
            );
            for (name, value) in &seen.headers {
                let ours = name.starts_with("x-cubegate-") || name.starts_with("x-remote-");
                assert!(!ours && !value.contains(&token), "{name}: {value}");
            }
            for name in [
                "authorization",
                "cookie",
                "proxy-authorization",
                "x-forwarded-client-cert",
            ] {
                assert_eq!(seen.headers(name).count(), 0, "{name}");
            }
            let host = format!("127.0.0.1:{}", fixture.port());
            assert_eq!(seen.headers("host").collect::<Vec<_>>(), [host]);
        }
        Ok(())
    })
}

#[test]
fn a_plain_kubecube_token_is_in_the_group_kubecube_alone_whatever_it_says() -> Result<()> {
    in_the_playground(async |playground| {
        let (fixture, cluster) = fixture(playground).await?;
        for groups in [
            json!(["kubecube"]),
            json!([]),
            json!(["team", "cubegate:admins"]),
            json!(["system:masters"]),
        ] {
            let mut payload = jwt::payload("jeff", Some(jwt::now() + 600));
            payload["UserInfo"]["groups"] = groups.clone();
            let client = playground
                .gateway
                .client()
                .with_bearer(&playground.minter().hs256(&payload)?)?;
            let answer = client.get(&cube(&cluster, "/echo")).send().await?;
            // A name of Kubernetes' own may be a reason to refuse the whole token.
            if groups == json!(["system:masters"]) && answer.status == 401 {
                continue;
            }
            answer.expect(200)?;
            let seen = only(&fixture)?;
            assert_eq!(
                impersonated(&seen),
                (vec!["jeff"], vec!["kubecube", "system:authenticated"]),
                "{groups}"
            );
        }
        Ok(())
    })
}

#[test]
fn a_large_body_goes_up_whole() -> Result<()> {
    in_the_playground(async |playground| {
        let (fixture, cluster) = fixture(playground).await?;
        let body = "0123456789abcdef".repeat(4 << 16);
        let path = kube(&cluster, "/apis/demo/v1/echo");
        let client: Client = playground.client()?;
        client
            .put(&path)
            .body(body.clone())
            .send()
            .await?
            .expect(200)?;
        assert!(
            only(&fixture)?.body == body,
            "the upstream saw another body"
        );
        Ok(())
    })
}

#[test]
fn an_upgrade_is_a_tunnel_as_the_caller() -> Result<()> {
    in_the_playground(async |playground| {
        let switched =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
        let upstream = Scripted::start(vec![send(switched), send("hello from inside")]).await?;
        let cluster = playground.cluster(upstream.port()).await?;
        let token = playground.minter().token("jeff")?;
        let protocol = URL_SAFE_NO_PAD.encode(&token);
        let raw = playground.gateway.raw()?;
        for credential in [
            format!("Authorization: Bearer {token}"),
            format!(
                "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.{protocol}, v4.channel.k8s.io"
            ),
        ] {
            let request = format!(
                "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade, Impersonate-User\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{credential}\r\n\r\n",
                kube(&cluster, "/api/v1/namespaces/a/pods/p/exec?command=sh"),
                raw.authority(),
            );
            let answer = raw.exchange(request.as_bytes()).await?;
            assert_eq!(answer.status, 101, "{answer:?}");
            assert_eq!(answer.body, "hello from inside");
            let head = upstream.heads()?.pop().context("a request")?.to_lowercase();
            assert!(head.contains("impersonate-user: jeff\r\n"), "{head}");
            assert!(head.contains("upgrade: websocket\r\n"), "{head}");
            assert!(!head.contains("bearer"), "{head}");
        }
        Ok(())
    })
}
