//! The changes that are measured.

use std::ops::Range;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::{Client, metrics};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::others::Others;
use super::{Bench, Cost, MEMBERS, ROUNDS};
use crate::fleet::register;
use crate::report::{Figure, Goal};
use crate::sample::Samples;
use crate::worker::Times;

/// Longest time until a change is in force.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two questions whether it is.
const PAUSE: Duration = Duration::from_millis(1);

/// Until what was removed is out of the way.
const AFTER_REMOVAL: Duration = Duration::from_secs(5);

/// Between two changes, so that each is one.
const REST: Duration = Duration::from_millis(250);

/// How long is looked at what Envoy uses while nothing changes.
const QUIET: Duration = Duration::from_secs(10);

// === impl Bench ===

impl Bench {
    /// Adds members one by one.
    pub(super) async fn members(&self) -> Result<Vec<Figure>> {
        let mut number = MEMBERS;
        let mut answered = Samples::default();
        let cost = self
            .cost(
                async || Ok(()),
                async |()| {
                    let began = Instant::now();
                    register(&self.admin, &self.members, number..number + 1).await?;
                    answered.push(began.elapsed().as_secs_f64() * 1e3);
                    self.until_reached(&format!("member-{number}")).await?;
                    number += 1;
                    Ok(began)
                },
            )
            .await?;
        // Again, by nobody asked for: what the requests cost is no cost of the change.
        self.remove(MEMBERS..MEMBERS + ROUNDS).await?;
        sleep(AFTER_REMOVAL).await;
        let mut number = MEMBERS;
        let alone = self
            .cost(
                async || Ok(()),
                async |()| {
                    let began = Instant::now();
                    register(&self.admin, &self.members, number..number + 1).await?;
                    number += 1;
                    Ok(began)
                },
            )
            .await?;
        Ok(vec![
            self.figure(
                "member added to first answer, p99",
                cost.times.percentile(99)?,
                "ms",
                Goal::AtMost(60.0),
                &format!(
                    "{ROUNDS} members, one at a time, from the API's request (unchecked) to the first 200 through Envoy: {}, of which the API's answer {}",
                    cost.times.shown(1, "ms")?,
                    answered.shown(1, "ms")?
                ),
            ),
            self.figure(
                "bytes to Envoy for an added member",
                cost.bytes,
                "B",
                Goal::AtMost(8e3),
                "on the wire, TLS and acknowledgements not counted; with what its first discovery brings",
            ),
            self.figure(
                "time of a worker for an added member",
                alone.worker,
                "ms",
                Goal::AtMost(2.0),
                &format!(
                    "with the API's request that adds it, and without others; of the main thread {:.1} ms. With those that ask for it, and their connection to it: {:.1} ms",
                    alone.main, cost.worker
                ),
            ),
        ])
    }

    /// Removes those members and adds them again while much else changes.
    pub(super) async fn members_among_others(&self) -> Result<Vec<Figure>> {
        self.remove(MEMBERS..MEMBERS + ROUNDS).await?;
        sleep(AFTER_REMOVAL).await;
        let others = Others::begin(&self.admin, self.members.kubeconfig(MEMBERS + ROUNDS)?);
        let mut samples = Samples::default();
        for number in MEMBERS..MEMBERS + ROUNDS {
            let began = Instant::now();
            register(&self.admin, &self.members, number..number + 1).await?;
            self.until_reached(&format!("member-{number}")).await?;
            samples.push(began.elapsed().as_secs_f64() * 1e3);
            sleep(REST).await;
        }
        let rate = others.end().await?;
        Ok(vec![self.figure(
            "member added to first answer among other changes, p99",
            samples.percentile(99)?,
            "ms",
            Goal::AtMost(150.0),
            &format!(
                "likewise, while {rate:.1} other changes a second are made, keys and another member that come and go: {}",
                samples.shown(1, "ms")?
            ),
        )])
    }

    /// Removes these members.
    pub(super) async fn remove(&self, numbers: Range<usize>) -> Result<()> {
        for number in numbers {
            let path = format!("/api/v1/cube/clusters/member-{number}");
            self.admin.delete(&path).send().await?.expect(200)?;
        }
        Ok(())
    }

    /// Deletes access keys whose tokens are in use.
    pub(super) async fn keys(&self) -> Result<Vec<Figure>> {
        let version = "/clusters/member-0/version";
        let cost = self
            .cost(
                async || self.key_with_token(&self.admin).await,
                async |(access_key, token)| {
                    let client = self.gateway.client().with_bearer(&token)?;
                    client.get(version).send().await?.expect(200)?;
                    let began = Instant::now();
                    delete_key(&self.admin, &access_key).await?;
                    while client.get(version).send().await?.status != 401 {
                        ensure!(
                            began.elapsed() < PATIENCE,
                            "the token is taken all the same"
                        );
                        sleep(PAUSE).await;
                    }
                    Ok(began)
                },
            )
            .await?;
        // Whoever has deleted 256 keys has no good tokens left.
        let other = self.gateway.user("other", &["cubegate:admins"]).await?;
        let alone = self
            .cost(
                async || self.key_with_token(&other).await,
                async |(access_key, _)| {
                    let began = Instant::now();
                    delete_key(&other, &access_key).await?;
                    Ok(began)
                },
            )
            .await?;
        Ok(vec![
            self.figure(
                "key deleted to 401, p99",
                cost.times.percentile(99)?,
                "ms",
                Goal::AtMost(60.0),
                &format!(
                    "{ROUNDS} keys, one at a time, from the API's request to the first 401 through Envoy: {}",
                    cost.times.shown(1, "ms")?
                ),
            ),
            self.figure(
                "bytes to Envoy for a deleted key",
                cost.bytes,
                "B",
                Goal::AtMost(1e3),
                "on the wire, TLS and acknowledgements not counted; the list of what is refused grows by 12 with each",
            ),
            self.figure(
                "time of a worker for a deleted key",
                alone.worker,
                "ms",
                Goal::AtMost(2.0),
                &format!(
                    "with the API's request that deletes it; of the main thread {:.1} ms. With those that use it and ask whether it is gone: {:.1} ms",
                    alone.main, cost.worker
                ),
            ),
        ])
    }

    /// Makes an access key; returns it and its token.
    async fn key_with_token(&self, owner: &Client) -> Result<(String, String)> {
        let made = owner.post("/api/v1/cube/key/create").send().await?;
        let made: Value = made.expect(200)?.json()?;
        let text = |name: &str| made.get(name)?.as_str().map(str::to_owned);
        let access_key = text("accessKey").context("no access key")?;
        let secret_key = text("secretKey").context("no secret key")?;
        let path = format!("/api/v1/cube/key/token?accessKey={access_key}&secretKey={secret_key}");
        let token = self.gateway.client().get(&path).send().await?;
        let token: Value = token.expect(200)?.json()?;
        let token = token.get("token").and_then(Value::as_str);
        let token = token.context("no token")?.to_owned();
        Ok((access_key, token))
    }

    /// Makes a change [`ROUNDS`] times; each says when it began. What it needs is made before, and
    /// costs nothing; nor does what Envoy does anyway.
    async fn cost<T>(
        &self,
        mut prepare: impl AsyncFnMut() -> Result<T>,
        mut change: impl AsyncFnMut(T) -> Result<Instant>,
    ) -> Result<Cost> {
        let pid = self.gateway.health().pid();
        let then = Times::of(pid)?;
        sleep(QUIET).await;
        let quiet = Times::of(pid)?.since(then);
        let (mut samples, mut took, mut used) = (Samples::default(), 0.0, Times::default());
        let (mut bytes, mut received) = (Samples::default(), self.received().await?);
        for _ in 0..ROUNDS {
            let prepared = prepare().await?;
            sleep(REST).await;
            let (then, start) = (Times::of(pid)?, Instant::now());
            let began = change(prepared).await?;
            samples.push(began.elapsed().as_secs_f64() * 1e3);
            sleep(REST).await;
            let times = Times::of(pid)?.since(then);
            took += start.elapsed().as_secs_f64();
            used.workers += times.workers / times.count.max(1.0);
            used.main += times.main;
            let now = self.received().await?;
            bytes.push(now - std::mem::replace(&mut received, now));
        }
        let rounds = ROUNDS as f64;
        let anyway = took / QUIET.as_secs_f64();
        Ok(Cost {
            times: samples,
            // In some rounds Envoy was told the time as well.
            bytes: bytes.median()?,
            worker: (used.workers - quiet.workers / quiet.count.max(1.0) * anyway) / rounds,
            main: (used.main - quiet.main * anyway) / rounds,
        })
    }

    /// How many bytes Envoy has been sent over xDS, as the control plane counts them.
    pub(super) async fn received(&self) -> Result<f64> {
        let (told, _) = metrics::scrape(&self.gateway.endpoints().metrics).await?;
        let sent = told.samples.iter();
        let sent = sent.filter(|sample| sample.name == "cubegate_xds_response_bytes_total");
        Ok(sent.map(|sample| sample.value).sum())
    }

    /// Asks for the version of a member until it answers.
    pub(super) async fn until_reached(&self, member: &str) -> Result<()> {
        let began = Instant::now();
        let path = format!("/clusters/{member}/version");
        loop {
            let answer = self.admin.get(&path).send().await?;
            if answer.status == 200 {
                return Ok(());
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "{member} was not reached: {}",
                answer.status
            );
            sleep(PAUSE).await;
        }
    }
}

async fn delete_key(owner: &Client, access_key: &str) -> Result<()> {
    let path = format!("/api/v1/cube/key?accessKey={access_key}");
    owner.delete(&path).send().await?.expect(200)?;
    Ok(())
}
