//! What clients do all the time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use cubegate_tests::{Client, Kube};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::Life;
use crate::tally::Part;

/// The gateway's: one address and a few users do what thousands would.
pub(crate) const FLAGS: [&str; 4] = ["--tokens-per-address", "0", "--tokens-per-user", "0"];

/// ConfigMaps of the large list, and bytes in each.
const OBJECTS: usize = 200;
const OBJECT_BYTES: usize = 10_000;

/// How many of each client there are.
const LISTERS: usize = 4;
const SESSIONS: usize = 8;
const WATCHES: usize = 100;
const SLOW_READERS: usize = 5;

/// How long a page may take. It is on one connection with the slow readers, who fill its
/// window for some seconds at a time.
const PATIENCE: Duration = Duration::from_secs(30);

/// A watch that is quiet for longer than the server's bookmarks has been forgotten.
const QUIET: Duration = Duration::from_secs(150);

/// Makes the large list.
pub(crate) async fn fill(kube: &Kube, namespace: &str) -> Result<()> {
    let path = format!("/api/v1/namespaces/{namespace}/configmaps");
    for number in 0..OBJECTS {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": format!("large-{number:04}")},
            "data": {"a": "x".repeat(OBJECT_BYTES)},
        });
        kube.create(&path, &object).await?;
    }
    Ok(())
}

/// Starts all clients. They end when the run is over.
pub(crate) fn start(life: &Arc<Life>) -> Vec<JoinHandle<()>> {
    let mut loads = Vec::new();
    for _ in 0..LISTERS {
        loads.push(tokio::spawn(lists(Arc::clone(life))));
    }
    for number in 0..SESSIONS {
        loads.push(tokio::spawn(session(Arc::clone(life), number)));
    }
    for _ in 0..WATCHES {
        loads.push(tokio::spawn(watches(Arc::clone(life))));
    }
    for _ in 0..SLOW_READERS {
        loads.push(tokio::spawn(slow_reads(Arc::clone(life))));
    }
    loads.push(tokio::spawn(revocations(Arc::clone(life))));
    loads
}

/// Pages of the large list, and small reads between them.
async fn lists(life: Arc<Life>) {
    let page = format!(
        "/api/v1/cube/proxy/clusters/member-1/api/v1/namespaces/{}/configmaps?pageSize=5&sortOrder=desc",
        life.namespace
    );
    while life.pause(Duration::from_millis(50)).await {
        let began = Instant::now();
        let asked = async {
            let admin = life.gateway.admin().await?;
            let page = admin.get(&page).patience(PATIENCE);
            let answer = page.send().await?.expect(200)?;
            ensure!(
                answer.total()? as usize >= OBJECTS,
                "a list without its objects"
            );
            admin
                .get("/clusters/pivot-cluster/version")
                .send()
                .await?
                .expect(200)?;
            Ok(())
        };
        life.tally.note("pages", &[Part::Envoy], began, asked.await);
    }
}

/// A user who logs in, refreshes for as long as it goes, and logs out.
async fn session(life: Arc<Life>, number: usize) {
    const NEEDS: [Part; 2] = [Part::Envoy, Part::ControlPlane];
    let user = format!("soaked-{number}");
    let site = life.gateway.site();
    let added = site.add_user(&user, "a good Passw0rd").await;
    life.tally.note("users", &[], Instant::now(), added);
    while life.goes_on() {
        let began = Instant::now();
        let login = form(&[
            ("grant_type", "password"),
            ("username", &user),
            ("password", "a good Passw0rd"),
        ]);
        let first = life.prompt.tokens(&login).await;
        let Some(mut pair) = life.tally.note("logins", &NEEDS, began, first) else {
            life.pause(Duration::from_secs(1)).await;
            continue;
        };
        for _ in 0..60 {
            if !life.pause(Duration::from_millis(500)).await {
                return;
            }
            let began = Instant::now();
            let refresh = form(&[("grant_type", "refresh_token"), ("refresh_token", &pair[1])]);
            let next = life.prompt.tokens(&refresh).await;
            let Some(next) = life.tally.note("refreshes", &NEEDS, began, next) else {
                // Whether it had arrived is not known: a new session.
                break;
            };
            let [former, _] = std::mem::replace(&mut pair, next);
            let began = Instant::now();
            let fresh = whoami(&life.prompt, &pair[0], true).await;
            life.tally
                .note("fresh tokens", &[Part::Envoy], began, fresh);
            let began = Instant::now();
            let refused = whoami(&life.prompt, &former, false).await;
            life.tally
                .note("former tokens refused", &NEEDS, began, refused);
        }
    }
}

/// Tokens that are made and taken back.
async fn revocations(life: Arc<Life>) {
    const NEEDS: [Part; 2] = [Part::Envoy, Part::ControlPlane];
    let site = life.gateway.site();
    let made = site.add_user("revoker", "a good Passw0rd").await;
    life.tally.note("users", &[], Instant::now(), made);
    let Some(key) = life.tally.note(
        "keys",
        &[],
        Instant::now(),
        site.create_key("revoker").await,
    ) else {
        return;
    };
    while life.pause(Duration::from_millis(500)).await {
        let began = Instant::now();
        let revoked = async {
            let client = &life.prompt;
            let token = client.get(&key.token_path()).send().await?;
            let answer = token.expect(200)?.json()?;
            let token = answer.get("token").and_then(Value::as_str);
            let token = token.context("an answer without a token")?;
            whoami(client, token, true).await?;
            let revoke = client.form("/oauth/revoke", form(&[("token", token)]));
            revoke.send().await?.expect(200)?;
            whoami(client, token, false).await
        };
        life.tally.note("revocations", &NEEDS, began, revoked.await);
    }
}

/// A watch after the other. One ends only with Envoy, or as the API server says.
async fn watches(life: Arc<Life>) {
    let path = format!(
        "/clusters/member-1/api/v1/namespaces/{}/configmaps?watch=true&allowWatchBookmarks=true&timeoutSeconds=120",
        life.namespace
    );
    while life.goes_on() {
        let began = Instant::now();
        let watched = async {
            let admin = life.gateway.admin().await?;
            let mut stream = admin.get(&path).open().await?;
            ensure!(
                stream.status == 200,
                "a watch is answered {}",
                stream.status
            );
            let mut events = 0_u64;
            while life.goes_on() {
                match stream.line(QUIET).await? {
                    Some(_) => events += 1,
                    None => break,
                }
                if began.elapsed() > Duration::from_secs(60) && events > 0 {
                    break;
                }
            }
            ensure!(events > 0, "a watch without an event");
            Ok(())
        };
        let done = life
            .tally
            .note("watches", &[Part::Envoy], began, watched.await);
        if done.is_none() {
            life.pause(Duration::from_millis(500)).await;
        }
    }
}

/// The whole large list as a page, read as over a bad line, to its end.
async fn slow_reads(life: Arc<Life>) {
    let path = format!(
        "/api/v1/cube/proxy/clusters/member-1/api/v1/namespaces/{}/configmaps?pageSize={OBJECTS}",
        life.namespace
    );
    while life.goes_on() {
        let began = Instant::now();
        let read = async {
            let admin = life.gateway.admin().await?;
            let stream = admin.get(&path).open().await?;
            ensure!(stream.status == 200, "a page is answered {}", stream.status);
            // The kernel and the client's windows hold some of it meanwhile.
            tokio::time::sleep(Duration::from_secs(5)).await;
            let bytes = stream.drain(Duration::from_secs(60)).await?;
            ensure!(
                bytes as usize > OBJECTS * OBJECT_BYTES,
                "a page of {bytes} bytes"
            );
            Ok(())
        };
        life.tally
            .note("slow reads", &[Part::Envoy], began, read.await);
        life.pause(Duration::from_millis(200)).await;
    }
}

/// Asks a cluster with this token until it is taken, or until it is refused.
async fn whoami(client: &Client, token: &str, good: bool) -> Result<()> {
    // RBAC may refuse the user; that is an answer to somebody who is known.
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let request = client
            .get("/clusters/member-1/api/v1/namespaces")
            .bearer(token);
        let status = request.send().await?.status;
        match status {
            200 | 403 if good => return Ok(()),
            401 if !good => return Ok(()),
            200 | 403 if Instant::now() < deadline => {}
            _ => bail!(
                "a token that is {} is answered {status}",
                if good { "good" } else { "taken back" }
            ),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let encoded = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    char::from(byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect()
    };
    fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect::<Vec<_>>()
        .join("&")
}
