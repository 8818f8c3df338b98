//! The suite of logins and tokens: what the control plane makes of its cores.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use argon2::Argon2;
use argon2::password_hash::PasswordHasher as _;
use cubegate_tests::gateway::{ADMIN_PASSWORD, Options};
use cubegate_tests::{Gateway, Site};
use futures::future::try_join_all;
use serde_json::json;
use tokio::time::Instant;

use crate::keep_alive::{KeepAlive, Server};
use crate::machine;
use crate::report::{Figure, Goal, Report};
use crate::sample::{Samples, timed};

/// Limits that would be measured in the place of the rest.
const UNLIMITED: [&str; 4] = [
    "CUBEGATE_TOKENS_PER_USER",
    "CUBEGATE_TOKENS_PER_ADDRESS",
    "CUBEGATE_LOGINS_PER_USER",
    "CUBEGATE_LOGINS_PER_ADDRESS",
];

/// Users with a key each.
const KEYS: usize = 200;

/// Connections that ask at a time.
const CONNECTIONS: usize = 16;

/// Tokens before the clock runs.
const WARM_UP: usize = 4_000;

/// Tokens by the clock.
const TOKENS: usize = 60_000;

/// Longest time for them.
const LONGEST: Duration = Duration::from_secs(60);

/// Logins that are under way while tokens are measured, many more than cores.
const LOGINS: usize = 32;

/// Tokens that are measured beside them.
const BESIDE: usize = 1_000;

/// Logins and hashes that are measured alone.
const ALONE: usize = 40;

/// Measures all of it.
///
/// # Errors
/// A control plane that does not run, or refuses.
pub async fn measure() -> Result<Report> {
    let site = UNLIMITED
        .iter()
        .fold(Site::new("bench-tokens")?, |site, name| {
            site.with_variable(name, "0")
        });
    let requests = Arc::new(prepare(&site).await?);
    let gateway = Gateway::start(site, &Options::default()).await?;
    let server = Server::control_plane(&gateway)?;
    let machine = machine::describe();

    run(&server, &requests, WARM_UP).await?;
    let (milliseconds, ()) = timed(run(&server, &requests, TOKENS)).await?;
    let rate = TOKENS as f64 / milliseconds * 1e3;

    let login = login_request();
    let logins = sequential(&server, &login).await?;
    let hashes = hashes().await?;
    let beside = beside_logins(&server, &requests, &login).await?;

    let mut report = Report::new("tokens");
    report.extend(vec![
        Figure {
            name: "key to token",
            value: rate,
            unit: "1/s",
            goal: Goal::AtLeast(5_000.0),
            conditions: format!(
                "{machine}, SQLite, {TOKENS} tokens of {KEYS} keys over {CONNECTIONS} kept-open loopback connections; the client runs on the same cores"
            ),
        },
        Figure {
            name: "login / argon2id",
            value: logins.median()? / hashes.median()?,
            unit: "ratio",
            goal: Goal::AtMost(1.5),
            conditions: format!(
                "{machine}, one at a time, {} each: login {}, hash alone {}",
                logins.count(),
                logins.shown(1, "ms")?,
                hashes.shown(1, "ms")?
            ),
        },
        Figure {
            name: "p99 of a token beside logins",
            value: beside.percentile(99)?,
            unit: "ms",
            goal: Goal::AtMost(100.0),
            conditions: format!(
                "{machine}, {LOGINS} logins always under way, {} tokens one at a time: {}; in their queue a token would wait for {LOGINS} hashes",
                beside.count(),
                beside.shown(1, "ms")?
            ),
        },
    ]);
    Ok(report)
}

/// Makes the users and keys, and gives the request of each.
async fn prepare(site: &Site) -> Result<Vec<Vec<u8>>> {
    let pair = |number: usize| (format!("{number:032x}"), format!("5{number:031x}"));
    let users: Vec<_> = (0..KEYS)
        .map(|number| json!({ "name": format!("program-{number}"), "password": "not used" }))
        .collect();
    let keys: Vec<_> = (0..KEYS)
        .map(|number| {
            let (access_key, secret_key) = pair(number);
            json!({ "accessKey": access_key, "secretKey": secret_key, "user": format!("program-{number}") })
        })
        .collect();
    let file = site.dir().join("import.json");
    fs::write(&file, json!({ "users": users, "keys": keys }).to_string())?;
    site.ok(&["import", &file.display().to_string()]).await?;
    Ok((0..KEYS)
        .map(|number| {
            let (access_key, secret_key) = pair(number);
            // Each program on a machine of its own.
            let (high, low) = (number / 250, number % 250 + 1);
            format!(
                "GET /api/v1/cube/key/token?accessKey={access_key}&secretKey={secret_key} HTTP/1.1\r\nhost: bench\r\nx-forwarded-for: 10.1.{high}.{low}\r\n\r\n"
            )
            .into_bytes()
        })
        .collect())
}

/// Gets so many tokens over all connections.
async fn run(server: &Server, requests: &Arc<Vec<Vec<u8>>>, tokens: usize) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let clients = (0..CONNECTIONS).map(|_| {
        let (server, requests, next) = (server.clone(), Arc::clone(requests), Arc::clone(&next));
        async move {
            tokio::spawn(async move {
                let mut connection = KeepAlive::connect(&server).await?;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= tokens {
                        return Ok(());
                    }
                    get_token(&mut connection, &requests, number).await?;
                }
            })
            .await?
        }
    });
    tokio::time::timeout(LONGEST, try_join_all(clients))
        .await
        .with_context(|| format!("{tokens} tokens took longer than {LONGEST:?}"))?
        .map(drop)
}

async fn get_token(connection: &mut KeepAlive, requests: &[Vec<u8>], number: usize) -> Result<()> {
    let request = requests.get(number % requests.len()).context("no key")?;
    let body = connection.exchange(request).await?;
    ensure!(body.starts_with(b"{\"token\":\"ey"), "no token");
    Ok(())
}

fn login_request() -> Vec<u8> {
    let body = json!({ "name": "admin", "password": ADMIN_PASSWORD, "loginType": "normal" });
    let body = body.to_string();
    format!(
        "POST /api/v1/cube/login HTTP/1.1\r\nhost: bench\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Milliseconds of logins, one after the other.
async fn sequential(server: &Server, login: &[u8]) -> Result<Samples> {
    let mut connection = KeepAlive::connect(server).await?;
    let mut samples = Samples::default();
    for _ in 0..ALONE {
        let (milliseconds, _) = timed(connection.exchange(login)).await?;
        samples.push(milliseconds);
    }
    Ok(samples)
}

/// Milliseconds of the hash alone, with the parameters of the store.
async fn hashes() -> Result<Samples> {
    tokio::task::spawn_blocking(|| {
        (0..ALONE)
            .map(|_| {
                let began = Instant::now();
                Argon2::default()
                    .hash_password(ADMIN_PASSWORD.as_bytes())
                    .map_err(|error| anyhow::anyhow!("{error}"))?;
                Ok(began.elapsed().as_secs_f64() * 1e3)
            })
            .collect::<Result<Samples>>()
    })
    .await?
}

/// Milliseconds of tokens while logins queue.
async fn beside_logins(
    server: &Server,
    requests: &Arc<Vec<Vec<u8>>>,
    login: &[u8],
) -> Result<Samples> {
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicUsize::new(0));
    let logins: Vec<_> = (0..LOGINS)
        .map(|number| {
            let (server, stop, done) = (server.clone(), Arc::clone(&stop), Arc::clone(&done));
            let login = login.to_vec();
            tokio::spawn(async move {
                let mut connection = KeepAlive::connect(&server).await?;
                while !stop.load(Ordering::Relaxed) {
                    connection
                        .exchange(&login)
                        .await
                        .with_context(|| format!("login {number}"))?;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, anyhow::Error>(())
            })
        })
        .collect();
    let mut connection = KeepAlive::connect(server).await?;
    let mut samples = Samples::default();
    let began = Instant::now();
    for number in 0..BESIDE {
        let (milliseconds, ()) = timed(get_token(&mut connection, requests, number)).await?;
        samples.push(milliseconds);
        if began.elapsed() > LONGEST {
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for login in logins {
        login.await??;
    }
    ensure!(done.load(Ordering::Relaxed) > 0, "no login ended meanwhile");
    Ok(samples)
}
