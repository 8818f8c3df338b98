//! Refusals of requests whose bodies are on their way: the client gets them whole, and not
//! a reset.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::Client;
use cubegate_tests::run::unique;
use http::Method;
use serde_json::json;
use tokio::process::Command;

use crate::support::{World, cube, in_the_world, kube};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Long enough that the answer to the head would be there before the body.
const LATE: Duration = Duration::from_millis(300);

/// A refused request: method, path, token, body and the status of the refusal.
type Refused = (Method, String, Option<String>, String, u16);

/// Refusals of every kind, by the filter and by the control plane.
async fn refused(world: &World) -> Result<Vec<Refused>> {
    let admin = world.gateway.admin_token().await?.to_owned();
    let flags = ["--namespace=none", "--cluster=member-1"];
    // A user of its own: one may have five keys, and the administrator's are all tests'.
    let (site, user) = (world.gateway.site(), format!("refused-{}", unique()));
    site.add_user(&user, "a good Passw0rd").await?;
    let key = site.create_key_with(&user, &flags).await?;
    let bounded = world.gateway.exchange(&key).await?;
    let empty = || "{}".to_owned();
    let post = |path: String, token: &str, status| {
        let token = Some(token.to_owned()).filter(|token| !token.is_empty());
        (Method::POST, path, token, empty(), status)
    };
    // A guess at a name that there is not locks nobody out.
    let login = json!({ "name": unique(), "password": "a Wrong1password" });
    Ok(vec![
        post(kube("member-1", CONFIG_MAPS), "x", 401),
        post(cube("member-1", CONFIG_MAPS), "x", 401),
        post(kube("member-1", CONFIG_MAPS), "", 403),
        post(kube("member-1", CONFIG_MAPS), &bounded, 403),
        post(cube("member-1", CONFIG_MAPS), &bounded, 403),
        post(kube("none", CONFIG_MAPS), &admin, 404),
        post(
            kube("member-1", "/api/v1/namespaces/a%2Fb/pods"),
            &admin,
            400,
        ),
        (
            Method::PATCH,
            kube("none", &format!("{CONFIG_MAPS}/a")),
            Some(admin.clone()),
            empty(),
            404,
        ),
        // The control plane's.
        post("/api/v1/cube/key/token".to_owned(), "", 400),
        post("/api/v1/cube/key/create".to_owned(), "x", 401),
        post("/api/v1/cube/nothing".to_owned(), &admin, 404),
        (
            Method::POST,
            "/api/v1/cube/login".to_owned(),
            None,
            login.to_string(),
            400,
        ),
    ])
}

/// Sends it with its body so late.
async fn send(
    client: &Client,
    (method, path, token, body, _): &Refused,
    late: Duration,
) -> Result<(u16, String)> {
    let mut request = client.request(method, path).late(late).body(body.clone());
    if let Some(token) = token {
        request = request.bearer(token);
    }
    let answer = request
        .header("content-type", "application/json")
        .send()
        .await?;
    Ok((answer.status, answer.text().to_owned()))
}

#[test]
fn a_refusal_comes_when_the_body_has_ended() -> Result<()> {
    in_the_world(async |world| {
        for (version, client) in clients(world)? {
            for refused in refused(world).await? {
                let (method, path, .., status) = &refused;
                let what = format!("HTTP/{version}: {method} {path}");
                let began = Instant::now();
                let (found, text) = send(&client, &refused, LATE).await.context(what.clone())?;
                ensure!(found == *status, "{what}: {found} {text}");
                ensure!(!text.is_empty(), "{what}: an empty body");
                // Before that Envoy would have reset the stream, or closed the connection.
                let took = began.elapsed();
                ensure!(took >= LATE, "{what}: answered after {took:?}");
            }
        }
        Ok(())
    })
}

#[test]
fn a_refusal_does_not_wait_long_for_a_slow_body() -> Result<()> {
    in_the_world(async |world| {
        for (version, client) in clients(world)? {
            for path in [
                kube("member-1", CONFIG_MAPS),
                "/api/v1/cube/key/create".to_owned(),
            ] {
                let what = format!("HTTP/{version}: {path}");
                let began = Instant::now();
                let refused = (
                    Method::POST,
                    path,
                    Some("x".to_owned()),
                    "{}".to_owned(),
                    401,
                );
                let slow = Duration::from_secs(60);
                let (found, text) = send(&client, &refused, slow).await.context(what.clone())?;
                ensure!(found == 401, "{what}: {found} {text}");
                let took = began.elapsed();
                let waits = Duration::from_secs(2)..Duration::from_secs(8);
                ensure!(waits.contains(&took), "{what}: answered after {took:?}");
            }
        }
        Ok(())
    })
}

/// curl sends the body right behind the head; up to 8.1 it loses an answer that comes in
/// between.
#[test]
fn curl_gets_every_refusal_whole() -> Result<()> {
    in_the_world(async |world| {
        let base = &world.gateway.endpoints().gateway;
        let ca = world.gateway.ca_file().context("a CA")?;
        for version in ["--http2", "--http1.1"] {
            for (path, status) in [
                (kube("member-1", CONFIG_MAPS), "401"),
                ("/api/v1/cube/key/create".to_owned(), "401"),
            ] {
                for _ in 0..20 {
                    let output = Command::new("curl")
                        .args(["--silent", "--show-error", "--max-time", "10", version])
                        .arg("--cacert")
                        .arg(ca)
                        .args(["--data", "{}", "--header", "Authorization: Bearer x"])
                        .args(["--write-out", " %{http_code}"])
                        .arg(format!("{base}{path}"))
                        .kill_on_drop(true)
                        .output()
                        .await
                        .context("curl does not start; run: apt-get install curl")?;
                    let text = String::from_utf8_lossy(&output.stdout);
                    let (body, found) = text.rsplit_once(' ').context("no status")?;
                    ensure!(
                        output.status.success() && found == status && body.contains("401"),
                        "{version} {path}: {output:?}"
                    );
                }
            }
        }
        Ok(())
    })
}

/// Clients of both versions of HTTP.
fn clients(world: &World) -> Result<[(&'static str, Client); 2]> {
    let ca = world.gateway.ca().context("a CA")?;
    let http1 = Client::tls_http1(&world.gateway.endpoints().gateway, ca)?;
    Ok([("2", world.gateway.client().clone()), ("1.1", http1)])
}
