//! What a request costs: through the gateway's filter, through an Envoy that has none, and through one
//! that does with its own filters what can be done so.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures::future::try_join_all;
use tokio::time::Instant;

use crate::envoy::WORKERS;
use crate::envoy::config::{BARE, CLUSTER, FILTERED, JWT_AUTHN};
use crate::keep_alive::KeepAlive;
use crate::machine;
use crate::report::{Figure, Goal, Report};
use crate::sample::{Samples, timed};
use crate::through::Passage;
use crate::worker::Times;

/// How many clients ask at the same time, each over a connection of its own.
const CLIENTS: usize = 16;

/// How long one way is asked, and how often, in turns with the others.
const TURN: Duration = Duration::from_secs(2);
const TURNS: usize = 9;

/// What is asked for, at the API server.
const OBJECT: &str = "api/v1/namespaces/default/pods/web-0";

/// One way to the object.
struct Way {
    name: &'static str,
    request: Vec<u8>,
    connections: Vec<KeepAlive>,
    /// Of each turn.
    rate: Samples,
    worker: Samples,
    p99: Samples,
}

/// Measures all ways.
///
/// # Errors
/// An Envoy that does not start, or does not answer with the object.
pub async fn measure() -> Result<Report> {
    let object = Bytes::from(format!(
        r#"{{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"web-0"}},"spec":{{"a":"{}"}}}}"#,
        "x".repeat(600)
    ));
    let passage = Passage::start("requests", &object).await?;
    let named = format!("/clusters/{CLUSTER}/{OBJECT}");
    let kubecube = format!("/api/v1/cube/proxy/clusters/{CLUSTER}/{OBJECT}");
    let mut ways = [
        Way::open(&passage, "bare", BARE, &format!("/{OBJECT}")).await?,
        Way::open(&passage, "jwt_authn", JWT_AUTHN, &named).await?,
        Way::open(&passage, "ours", FILTERED, &named).await?,
        Way::open(&passage, "ours, KubeCube's path", FILTERED, &kubecube).await?,
    ];
    let pid = passage.envoy.pid();
    // The first is for the code that is compiled, and the connections that are made.
    for turn in 0..=TURNS {
        for way in &mut ways {
            way.ask(pid, turn > 0).await?;
        }
    }
    let mut report = Report::new("requests");
    report.extend(figures(&ways)?);
    Ok(report)
}

fn figures(ways: &[Way; 4]) -> Result<Vec<Figure>> {
    let shown: Result<Vec<String>> = ways.iter().map(Way::shown).collect();
    let conditions = format!(
        "{}, clients and upstream on them too; {CLIENTS} connections over TLS, one GET of a pod of 0.7 kB each after the other, {WORKERS} workers, both logs; in turns of {} s, medians (quartiles) of {TURNS}: {}",
        machine::describe(),
        TURN.as_secs(),
        shown?.join("; ")
    );
    let [bare, jwt_authn, ours, kubecube] = ways;
    let figure = |name, value, goal| Figure {
        name,
        value,
        unit: "ratio",
        goal,
        conditions: conditions.clone(),
    };
    Ok(vec![
        figure(
            "requests a second, ours / bare Envoy",
            ours.rate.median()? / bare.rate.median()?,
            Goal::AtLeast(0.85),
        ),
        figure(
            "Envoy's processor time a request, ours / jwt_authn",
            ours.worker.median()? / jwt_authn.worker.median()?,
            Goal::AtMost(1.15),
        ),
        figure(
            "the same on KubeCube's path",
            kubecube.worker.median()? / jwt_authn.worker.median()?,
            Goal::AtMost(1.15),
        ),
        figure(
            "p99, ours / bare Envoy",
            ours.p99.median()? / bare.p99.median()?,
            Goal::AtMost(1.25),
        ),
    ])
}

// === impl Way ===

impl Way {
    async fn open(
        passage: &Passage,
        name: &'static str,
        listener: &str,
        path: &str,
    ) -> Result<Self> {
        let server = passage.server(listener)?;
        let connections = (0..CLIENTS).map(|_| KeepAlive::connect(&server));
        let token = passage.token();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\naccept: application/json\r\nuser-agent: kubectl/v1.30.0 (linux/amd64) kubernetes/abc\r\naccept-encoding: gzip\r\n\r\n"
        );
        Ok(Self {
            name,
            request: request.into_bytes(),
            connections: try_join_all(connections)
                .await
                .with_context(|| name.to_owned())?,
            rate: Samples::default(),
            worker: Samples::default(),
            p99: Samples::default(),
        })
    }

    /// Asks for the length of a turn.
    async fn ask(&mut self, pid: u32, counts: bool) -> Result<()> {
        let Self {
            name,
            request,
            connections,
            ..
        } = self;
        let (began, before) = (Instant::now(), Times::of(pid)?);
        let clients = connections.iter_mut().map(|connection| async {
            let mut times = Samples::default();
            while began.elapsed() < TURN {
                times.push(timed(connection.exchange(request)).await?.0);
            }
            anyhow::Ok(times)
        });
        let all = try_join_all(clients)
            .await
            .with_context(|| (*name).to_owned())?;
        let (took, used) = (began.elapsed().as_secs_f64(), Times::of(pid)?);
        let mut times = Samples::default();
        all.into_iter().for_each(|of_one| times.extend(of_one));
        if counts {
            let count = times.count() as f64;
            self.rate.push(count / took);
            self.worker
                .push((used.workers - before.workers) / count * 1e3);
            self.p99.push(times.percentile(99)?);
        }
        Ok(())
    }

    fn shown(&self) -> Result<String> {
        Ok(format!(
            "{}: {}, {} of Envoy each, p99 {}",
            self.name,
            self.rate.shown(0, "a second")?,
            self.worker.shown(0, "us")?,
            self.p99.shown(1, "ms")?
        ))
    }
}
