//! Hundreds of Envoys at one control plane: how soon all of them have what they should, and what
//! that takes. They speak as Envoy does and keep of what they get the versions alone.

mod fake;

use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::elsewhere::Serve;
use cubegate_tests::tls::Identity;
use cubegate_tests::{Site, Stack, envoy};
use futures::future::try_join_all;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use self::fake::Fake;
use crate::fleet::{admin, register};
use crate::machine;
use crate::members::{Documents, Members, Shape};
use crate::report::{Figure, Goal, Report};
use crate::sample::Samples;

/// How many there are.
const ENVOYS: usize = 200;

/// How many members the control plane has.
const MEMBERS: usize = 1_000;

/// How often a key is deleted.
const ROUNDS: usize = 30;

/// Until all members were read.
const SETTLE: Duration = Duration::from_secs(30);

/// Longest time until an Envoy has what it should.
const PATIENCE: Duration = Duration::from_secs(120);

/// When one that was not let in tries again; Envoy's first pause is up to half a second.
const AGAIN: Duration = Duration::from_millis(250);

/// Measures both.
///
/// # Errors
/// A control plane that does not run, or does not serve what it should.
pub async fn measure() -> Result<Report> {
    let mut report = Report::new("envoys");
    let real = &Stack::shared().await?.member.kube;
    let documents = Documents::record(real, Shape::ByVersion).await?;
    let (_documents, follow) = watch::channel(Arc::new(documents));
    let members = Members::start(MEMBERS, follow).await?;
    let flags = ["--allow-cluster-address", "127.0.0.0/8"];
    let mut serve = Serve::start(Site::new("envoys")?, &flags).await?;
    writeln!(std::io::stderr(), "registering {MEMBERS} members")?;
    register(&admin(&serve).await?, &members, 0..MEMBERS).await?;
    serve.bootstrap("fakes", "fakes", true).await?;
    serve.restart(&flags).await?;
    sleep(SETTLE).await;

    let pid = serve.pid().context("the control plane is gone")?;
    let before = envoy::resident_bytes(pid)?;
    let began = Instant::now();
    let connecting = (0..ENVOYS).map(|number| connect(&serve, number));
    let fakes = try_join_all(connecting).await?;
    let current = fakes.iter().map(|fake| fake.until_current(MEMBERS));
    let received = tokio::time::timeout(PATIENCE, try_join_all(current)).await;
    let received: u64 = received.context("not all have everything")??.iter().sum();
    let took = began.elapsed();
    let after = envoy::resident_bytes(pid)?;

    let conditions = format!(
        "{}, members and Envoys on them too; {MEMBERS} members with the discovery of Kubernetes 1.20, {ENVOYS} Envoys that speak delta xDS over mutual TLS; SQLite",
        machine::describe()
    );
    let figure = |name, value, unit, goal, how: String| Figure {
        name,
        value,
        unit,
        goal,
        conditions: format!("{conditions}; {how}"),
    };
    report.extend(vec![
        figure(
            "Envoys that have nothing connect at once: all are current",
            took.as_secs_f64(),
            "s",
            Goal::AtMost(10.0),
            format!("{:.0} MB for all of them", received as f64 / 1e6),
        ),
        figure(
            "memory of the control plane with them",
            after as f64,
            "B",
            Goal::AtMost(250e6),
            format!("resident; {:.0} MB before they came", before as f64 / 1e6),
        ),
    ]);
    let times = deletions(&serve, &fakes).await?;
    report.extend(vec![figure(
        "key deleted to known by the last Envoy, p99",
        times.percentile(99)?,
        "ms",
        Goal::AtMost(500.0),
        format!(
            "{ROUNDS} keys, from the API's request: {}",
            times.shown(1, "ms")?
        ),
    )]);
    serve.stop().await?;
    Ok(report)
}

async fn connect(serve: &Serve, number: usize) -> Result<Fake> {
    // Certificate and key are in one file.
    let pem = fs::read(serve.site().dir().join("fakes").join("tls.pem"))?;
    let identity = Identity {
        certificate: pem.clone(),
        key: pem,
    };
    let ca = fs::read(serve.site().xds_ca())?;
    let (address, node) = (serve.xds_address(), format!("fakes/{number}"));
    let began = Instant::now();
    loop {
        match Fake::connect(&address, &ca, &identity, &node).await {
            Ok(fake) => return Ok(fake),
            // All come from one address, which has a share of the handshakes: Envoy tries again.
            Err(error) if began.elapsed() > PATIENCE => return Err(error),
            Err(_) => sleep(AGAIN).await,
        }
    }
}

/// Deletes keys, and says after how many milliseconds the last Envoy knew of each.
async fn deletions(serve: &Serve, fakes: &[Fake]) -> Result<Samples> {
    let admin = admin(serve).await?;
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        let made = admin.get("/api/v1/cube/key/create").send().await?;
        let made: Value = made.expect(200)?.json()?;
        let key = made.get("accessKey").and_then(Value::as_str);
        let key = key.context("no access key")?;
        // What its making moves is over.
        sleep(Duration::from_millis(500)).await;
        let known: Vec<_> = fakes.iter().map(Fake::epochs).collect();
        let began = Instant::now();
        let delete = format!("/api/v1/cube/key?accessKey={key}");
        admin.delete(&delete).send().await?.expect(200)?;
        for (fake, before) in fakes.iter().zip(known) {
            fake.until_other_epochs(before).await?;
        }
        samples.push(began.elapsed().as_secs_f64() * 1e3);
        ensure!(began.elapsed() < PATIENCE, "a deleted key is not known");
    }
    Ok(samples)
}
