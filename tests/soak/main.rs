//! `cubegate-soak MINUTES`: ordinary life in short, on real Envoy and real API servers.
//!
//! ```text
//! disturb  control plane and Envoy killed, clusters that come and go   (first half)
//! load     lists, refreshes, revocations, watches, slow readers        (all the time)
//! memory   what Envoy and the control plane have in use                (second half)
//! ```
//!
//! It ends well when no request was lost but those of a part that was killed at that
//! moment, when memory is flat over the second half, and when nothing is left running.

mod disturb;
mod load;
mod memory;
mod tally;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cubegate_tests::gateway::Options;
use cubegate_tests::{Client, Gateway, Site, Stack, block_on};
use tokio::sync::watch;

use self::memory::Memory;
use self::tally::Tally;

/// Minutes when none are given.
const MINUTES: u64 = 20;

/// What all parts of a run share.
struct Life {
    stack: &'static Stack,
    gateway: Gateway,
    /// A client on a connection of its own. That of the others is filled for seconds at a
    /// time by those who read slowly, and what has to be seen at once is not seen over it.
    prompt: Client,
    tally: Tally,
    /// Where the large list lies.
    namespace: String,
    /// Turns true when the run is over.
    over: watch::Receiver<bool>,
}

// === impl Life ===

impl Life {
    async fn start(over: watch::Receiver<bool>) -> Result<Self> {
        let stack = Stack::shared().await?;
        let site = Site::new("soak")?;
        let options = Options {
            // As `up` runs by itself.
            standby: true,
            // One address makes all logins and tokens here.
            flags: load::FLAGS.map(str::to_owned).to_vec(),
            ..Options::default()
        };
        let gateway = Gateway::start(site, &options).await?;
        for server in [&stack.pivot, &stack.member] {
            gateway
                .site()
                .add_cluster(&server.name, &server.gateway_kubeconfig, true)
                .await?;
        }
        let admin = gateway.admin().await?;
        for server in [&stack.pivot, &stack.member] {
            gateway.wait_for_cluster(&admin, &server.name).await?;
        }
        let namespace = stack.member.kube.namespace("soak").await?;
        load::fill(&stack.member.kube, &namespace).await?;
        Ok(Self {
            stack,
            prompt: gateway.client_apart()?,
            gateway,
            tally: Tally::default(),
            namespace,
            over,
        })
    }

    /// Waits so long, or until the run is over; says whether it goes on.
    async fn pause(&self, time: Duration) -> bool {
        let mut over = self.over.clone();
        let ended = over.wait_for(|over| *over);
        tokio::time::timeout(time, ended).await.is_err()
    }

    fn goes_on(&self) -> bool {
        !*self.over.borrow()
    }
}

async fn live(minutes: u64) -> Result<Vec<String>> {
    let (end, over) = watch::channel(false);
    let life = Arc::new(Life::start(over).await?);
    let all = Duration::from_secs(minutes.max(2) * 60);
    let half = all / 2;
    say(&format!(
        "{minutes} minutes before {}",
        life.gateway.endpoints().gateway
    ))?;

    let loads = load::start(&life);
    let began = Instant::now();
    let disturbing = disturb::until(&life, began + half);
    disturbing
        .await
        .context("a disturbance could not be made")?;
    // Pools, caches and VMs fill once more after the last kill.
    tokio::time::sleep(half / 4).await;
    let mut memory = Memory::of(&life.gateway)?;
    while began.elapsed() < all {
        tokio::time::sleep(Duration::from_secs(2)).await;
        memory.sample()?;
    }
    let _ = end.send(true);
    for load in loads {
        load.await?;
    }
    let mut wrong = life.tally.verdict();
    wrong.extend(memory.verdict());
    say(&life.tally.table())?;
    say(&memory.table())?;

    let data_dir = life.gateway.site().data_dir().to_owned();
    life.gateway.stop().await?;
    let left = left_running(&data_dir.display().to_string())?;
    ensure!(left.is_empty(), "left running: {left:?}");
    Ok(wrong)
}

/// The command lines of processes that name this folder.
fn left_running(folder: &str) -> Result<Vec<String>> {
    let mut left = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let path = entry?.path().join("cmdline");
        let line =
            String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).replace('\0', " ");
        if line.contains(folder) && !line.contains("reaper") {
            left.push(line);
        }
    }
    Ok(left)
}

fn say(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

fn main() -> Result<ExitCode> {
    let minutes = std::env::args().nth(1).map_or(Ok(MINUTES), |given| {
        given
            .parse()
            .with_context(|| format!("{given:?} is no number of minutes"))
    })?;
    let wrong = block_on(live(minutes))?;
    for line in &wrong {
        say(line)?;
    }
    Ok(if wrong.is_empty() {
        say("nothing was lost, memory is flat, nothing is left")?;
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
