//! Requests that no well-behaved client sends. Each gets an answer, and no
//! worker loses its VM over it (checked after every test of this prefix).

use anyhow::Result;

use crate::support::{cube, in_the_world, kube};

/// Headers of a request whose value may be any bytes.
const NAMES: [&str; 15] = [
    "x-anything",
    "accept",
    "accept-encoding",
    "authorization",
    "cookie",
    "content-type",
    "user-agent",
    "origin",
    "sec-fetch-site",
    "sec-websocket-protocol",
    "x-forwarded-for",
    "x-request-id",
    "impersonate-user",
    "x-cubegate-cluster",
    "x-cubegate-pass",
];

const ODD: [&[u8]; 5] = [
    b"\xff",
    b"\xff\xfe\x80",
    b"a\xc3(",
    b"Bearer \xff",
    b"\xed\xa0\x80=\xff; b",
];

#[test]
fn header_values_of_any_bytes_are_answered_over_http_2() -> Result<()> {
    in_the_world(async |world| {
        let client = world.gateway.admin().await?;
        for name in NAMES {
            for value in ODD {
                for path in [
                    cube("pivot-cluster", "/api/v1/namespaces?pageSize=1"),
                    kube("pivot-cluster", "/version"),
                    "/api/v1/cube/key".to_owned(),
                ] {
                    let answer = client.get(&path).header(name, value).send().await?;
                    assert!(
                        answer.status < 500,
                        "{name} {value:?} {path}: {}",
                        answer.describe()
                    );
                }
            }
        }
        Ok(())
    })
}

#[test]
fn header_values_and_names_of_any_bytes_are_answered_over_http_1() -> Result<()> {
    in_the_world(async |world| {
        let raw = world.gateway.raw()?;
        let authorization = format!(
            "Authorization: Bearer {}",
            world.gateway.admin_token().await?
        );
        let path = cube("pivot-cluster", "/api/v1/namespaces?pageSize=1");
        for name in NAMES {
            for value in ODD {
                let line = [name.as_bytes(), b": ", value].concat();
                let answer = raw.get(&path, &[authorization.as_bytes(), &line]).await?;
                assert!(answer.status < 500, "{name} {value:?}: {answer:?}");
            }
        }
        for line in [
            &b"X-\xff: a"[..],
            b"\xff\xfe: a",
            b"X-\xc3\xa4: a",
            b"X Y: a",
            b"X\x01: a",
            b"X_Y: a",
            b": a",
            b"no colon at all",
        ] {
            let answer = raw.get(&path, &[authorization.as_bytes(), line]).await?;
            assert!(answer.status < 500, "{line:?}: {answer:?}");
        }
        Ok(())
    })
}

#[test]
fn a_token_of_odd_bytes_is_not_accepted() -> Result<()> {
    in_the_world(async |world| {
        let path = cube("pivot-cluster", "/version");
        for value in ODD {
            let client = world.gateway.client();
            for name in ["authorization", "cookie", "sec-websocket-protocol"] {
                let answer = client.get(&path).header(name, value).send().await?;
                answer.cube_error(401)?;
            }
        }
        Ok(())
    })
}

#[test]
fn two_authorization_headers_are_not_read_as_one() -> Result<()> {
    in_the_world(async |world| {
        let path = cube("pivot-cluster", "/version");
        let token = world.gateway.admin_token().await?;
        for other in ["Bearer x", token] {
            let request = world
                .gateway
                .client()
                .get(&path)
                .header("authorization", other);
            let answer = request
                .header("authorization", format!("Bearer {token}"))
                .send()
                .await?;
            answer.cube_error(401)?;
        }
        Ok(())
    })
}

#[test]
fn a_path_that_can_be_read_in_two_ways_is_refused() -> Result<()> {
    in_the_world(async |world| {
        let raw = world.gateway.raw()?;
        let authorization = format!(
            "Authorization: Bearer {}",
            world.gateway.admin_token().await?
        );
        for path in [
            "/api/v1/namespaces/default/../../../../version",
            "/api/v1/namespaces/./default",
            "/api/v1/namespaces/%2e%2e/%2E%2E/version",
            "/api/v1/namespaces/.%2e/pods",
            "/api/v1/namespaces%2Fdefault",
            "/api/v1/namespaces%2fdefault/pods",
            "/api/v1/namespaces\\default",
            "/api/v1/namespaces%5cdefault",
        ] {
            for path in [cube("pivot-cluster", path), kube("pivot-cluster", path)] {
                let answer = raw.get(&path, &[authorization.as_bytes()]).await?;
                assert_eq!(answer.status, 400, "{path}: {answer:?}");
            }
        }
        // Dot segments that would leave the prefix, or enter it from outside.
        for path in [
            "/clusters/../api/v1/cube/proxy/clusters/pivot-cluster/version",
            "/api/v1/cube/proxy/clusters/../clusters/pivot-cluster/version",
            "/api/v1/cube/proxy/clusters/pivot-cluster%2fversion",
        ] {
            let answer = raw.get(path, &[authorization.as_bytes()]).await?;
            assert_eq!(answer.status, 400, "{path}: {answer:?}");
        }
        Ok(())
    })
}

#[test]
fn paths_and_queries_of_any_bytes_are_answered() -> Result<()> {
    in_the_world(async |world| {
        let raw = world.gateway.raw()?;
        let authorization = format!(
            "Authorization: Bearer {}",
            world.gateway.admin_token().await?
        );
        for path in [
            "/api/v1/namespaces?selector=%ff%fe=%80&pageSize=1",
            "/api/v1/namespaces?%&%2&%zz=%&=&&&?",
            "/api/v1/namespaces?selector=\u{e9}~\u{1f600}",
            "/api/v1/namespaces?pageSize=99999999999999999999&pageNum=-9223372036854775808",
            "/api/v1/namespaces?selector=,=,~,a=b=c~d,......=,metadata.labels.=x",
            "/api/v1/namespaces?sortName=.....&sortFunc=number&sortOrder=%00",
            "/api/v1/namespaces/%00",
            "/api/v1/namespaces/%ff",
            "/%ff%fe",
            "/",
        ] {
            let path = cube("pivot-cluster", path);
            let answer = raw.get(&path, &[authorization.as_bytes()]).await?;
            assert!(answer.status < 500, "{path}: {answer:?}");
        }
        for request in [
            &b"GET http://[::1/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"[..],
            b"GET /clusters/pivot-cluster/version HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n",
            b"\xff\xff\xff\r\n\r\n",
        ] {
            let answer = raw.exchange(request).await?;
            assert!(answer.status < 500, "{request:?}: {answer:?}");
        }
        Ok(())
    })
}
