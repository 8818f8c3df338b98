//! Requests that go on while something else happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use cubegate_tests::Client;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::sample::Samples;

/// How many ask at the same time.
const CLIENTS: usize = 4;

/// What came of the requests.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// How long each took, in milliseconds.
    pub(super) times: Samples,
    /// What those were answered that were not answered 200, or why they were not.
    pub(super) failures: Vec<String>,
}

/// Clients that ask one after the other of these members, until they are told to end.
pub(super) struct Load {
    ends: Arc<AtomicBool>,
    clients: JoinSet<Outcome>,
}

// === impl Load ===

impl Load {
    /// Begins it.
    pub(super) fn begin(client: &Client, members: &[usize]) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for first in 0..CLIENTS {
            let (client, ends) = (client.clone(), Arc::clone(&ends));
            let paths = members.iter().skip(first).step_by(CLIENTS);
            let paths = paths.map(|member| format!("/clusters/member-{member}/version"));
            let paths: Vec<String> = paths.collect();
            clients.spawn(async move {
                let mut outcome = Outcome::default();
                for path in paths.iter().cycle() {
                    if ends.load(Ordering::Relaxed) {
                        break;
                    }
                    let began = Instant::now();
                    match client.get(path).send().await {
                        Ok(answer) if answer.status == 200 => {}
                        Ok(answer) => outcome.failures.push(format!("{path}: {}", answer.status)),
                        Err(error) => outcome.failures.push(format!("{path}: {error:#}")),
                    }
                    outcome.times.push(began.elapsed().as_secs_f64() * 1e3);
                }
                outcome
            });
        }
        Self { ends, clients }
    }

    /// Ends it, and says what came of all requests.
    pub(super) async fn end(mut self) -> Result<Outcome> {
        self.ends.store(true, Ordering::Relaxed);
        let mut all = Outcome::default();
        while let Some(outcome) = self.clients.join_next().await {
            let Outcome { times, failures } = outcome?;
            all.times.extend(times);
            all.failures.extend(failures);
        }
        Ok(all)
    }
}
