//! Who a client is taken for, with and without load balancers before the gateway.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::raw::RawServer;
use cubegate_tests::run::unique;
use cubegate_tests::{Site, block_on, until};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::support::{Playground, kube};

const PATIENCE: Duration = Duration::from_secs(20);

/// Asks with these bytes before and these lines in the request, and gives its id.
async fn ask(
    server: &RawServer,
    before: &str,
    path: &str,
    lines: &[&str],
) -> Result<Option<String>> {
    let mut stream = server.open().await?;
    let mut request = format!("{before}GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
    for line in lines {
        request.push_str(line);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    let mut answer = Vec::new();
    let exchange = async {
        // One that is closed at once may not even take the request.
        stream.write_all(request.as_bytes()).await.ok()?;
        stream.read_to_end(&mut answer).await.ok()
    };
    timeout(PATIENCE, exchange).await?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let id = answer
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "));
    Ok(id.map(|id| id.trim().to_owned()))
}

fn bearer(playground: &Playground) -> Result<String> {
    let token = playground.minter().token("admin")?;
    Ok(format!("Authorization: Bearer {token}"))
}

/// Whom the first audit record names that has this value in this field.
async fn client_in(site: &Site, field: &str, value: &str) -> Result<String> {
    until("the record of a request", PATIENCE, || async {
        let records = site.ok(&["audit", "export"]).await?;
        let mut records = records.lines().filter_map(|line| {
            let record: Value = serde_json::from_str(line).ok()?;
            let client = record["client"].as_str()?.to_owned();
            (record[field] == value).then_some(client)
        });
        Ok(records.next())
    })
    .await
}

#[test]
fn without_trusted_proxies_nobody_can_say_that_they_are_somebody_else() -> Result<()> {
    block_on(async {
        let playground = Playground::of(Site::new("no-proxies")?, true, &[]).await?;
        let gateway = &playground.gateway;
        let spoofed = [
            "X-Forwarded-For: 203.0.113.66",
            "X-Envoy-External-Address: 203.0.113.66",
            "X-Real-IP: 203.0.113.66",
            &bearer(&playground)?,
        ];
        let id = ask(&gateway.raw()?, "", &kube("nowhere", "/version"), &spoofed).await?;
        let client = client_in(gateway.site(), "requestId", &id.context("no answer")?).await?;
        ensure!(client == "127.0.0.1", "{client}");
        gateway.health().check().await
    })
}

#[test]
fn behind_a_trusted_proxy_the_client_is_who_it_names() -> Result<()> {
    block_on(async {
        let flags = ["--trusted-hops", "1", "--logins-per-address", "3"];
        let playground = Playground::of(Site::new("one-hop")?, true, &flags).await?;
        let gateway = &playground.gateway;
        // What the client wrote stands before what the proxy added.
        let lines = [
            "X-Forwarded-For: 203.0.113.66, 198.51.100.7",
            &bearer(&playground)?,
        ];
        let id = ask(&gateway.raw()?, "", &kube("nowhere", "/version"), &lines).await?;
        let client = client_in(gateway.site(), "requestId", &id.context("no answer")?).await?;
        ensure!(client == "198.51.100.7", "{client}");

        // The limits on logins count these addresses, and record them.
        let user = format!("nobody-{}", unique());
        let login = async |from: &str, name: &str| -> Result<u16> {
            let body =
                serde_json::json!({"name": name, "password": "wrong", "loginType": "normal"});
            let request = gateway.client().post("/api/v1/cube/login").json(&body);
            let forwarded = format!("203.0.113.66, {from}");
            Ok(request
                .header("x-forwarded-for", forwarded)
                .send()
                .await?
                .status)
        };
        let mut limited = 0;
        for number in 0..12 {
            let status = login("198.51.100.8", &format!("{user}-{number}")).await?;
            limited += usize::from(status == 429);
        }
        ensure!(limited > 0, "one address is not limited");
        ensure!(
            login("198.51.100.9", &user).await? != 429,
            "another address is limited, too"
        );
        client_in(gateway.site(), "client", "198.51.100.9").await?;
        gateway.health().check().await
    })
}

#[test]
fn behind_a_load_balancer_with_the_proxy_protocol_the_client_is_who_it_says() -> Result<()> {
    block_on(async {
        let flags = ["--proxy-protocol", "127.0.0.0/8"];
        let site = Site::new("proxy-protocol")?;
        let playground = Playground::of(site, true, &flags).await?;
        let gateway = &playground.gateway;
        let server = gateway.raw()?;
        let path = kube("nowhere", "/version");
        for (line, expected) in [
            (
                "PROXY TCP4 198.51.100.7 127.0.0.1 4711 443\r\n",
                "198.51.100.7",
            ),
            ("PROXY TCP6 2001:db8::7 ::1 4711 443\r\n", "2001:db8::7"),
        ] {
            let spoofed = ["X-Forwarded-For: 203.0.113.66", &bearer(&playground)?];
            let id = ask(&server, line, &path, &spoofed).await?;
            let client = client_in(gateway.site(), "requestId", &id.context("no answer")?).await?;
            ensure!(client == expected, "{client}");
        }
        for wrong in ["", "PROXY TCP4 somebody else 1 2\r\n"] {
            ensure!(
                ask(&server, wrong, &path, &[]).await?.is_none(),
                "{wrong:?} is answered"
            );
        }
        gateway.health().check().await
    })
}

#[test]
fn nobody_but_the_load_balancers_may_say_for_whom_they_speak() -> Result<()> {
    block_on(async {
        let flags = ["--proxy-protocol", "10.0.0.0/8,192.0.2.1"];
        let playground = Playground::of(Site::new("no-balancer")?, true, &flags).await?;
        let server = playground.gateway.raw()?;
        let line = "PROXY TCP4 10.1.2.3 127.0.0.1 4711 443\r\n";
        for before in [line, ""] {
            let answer = ask(&server, before, "/healthz", &[]).await?;
            ensure!(answer.is_none(), "{before:?} is answered");
        }
        playground.gateway.health().check().await
    })
}
