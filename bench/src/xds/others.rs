//! Changes that are made while something else is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use cubegate_tests::Client;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// From one change to the next.
const EVERY: Duration = Duration::from_millis(100);

/// Ten changes a second, until they are told to end.
pub(super) struct Others {
    ends: Arc<AtomicBool>,
    task: JoinHandle<Result<f64>>,
}

// === impl Others ===

impl Others {
    /// Begins to make and delete keys, and to add and remove a member of this kubeconfig.
    pub(super) fn begin(admin: &Client, kubeconfig: String) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let (admin, stop) = (admin.clone(), Arc::clone(&ends));
        let task = tokio::spawn(async move {
            let mut due = interval(EVERY);
            due.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (began, mut made) = (Instant::now(), 0.0);
            while !stop.load(Ordering::Relaxed) {
                due.tick().await;
                let key = create_key(&admin).await?;
                due.tick().await;
                add_cluster(&admin, &kubeconfig).await?;
                due.tick().await;
                let path = format!("/api/v1/cube/key?accessKey={key}");
                admin.delete(&path).send().await?.expect(200)?;
                due.tick().await;
                let path = "/api/v1/cube/clusters/other";
                admin.delete(path).send().await?.expect(200)?;
                made += 4.0;
            }
            Ok(made / began.elapsed().as_secs_f64())
        });
        Self { ends, task }
    }

    /// Ends them, and says how many a second were made.
    pub(super) async fn end(self) -> Result<f64> {
        self.ends.store(true, Ordering::Relaxed);
        self.task.await?
    }
}

async fn create_key(admin: &Client) -> Result<String> {
    let made = admin.post("/api/v1/cube/key/create").send().await?;
    let made: Value = made.expect(200)?.json()?;
    let key = made.get("accessKey").and_then(Value::as_str);
    key.map(str::to_owned).context("no access key")
}

async fn add_cluster(admin: &Client, kubeconfig: &str) -> Result<()> {
    let body = json!({ "name": "other", "kubeconfig": kubeconfig, "check": false });
    let added = admin.post("/api/v1/cube/clusters").json(&body).send();
    added.await?.expect(200).map(drop)
}
