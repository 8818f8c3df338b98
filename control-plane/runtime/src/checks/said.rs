//! What Envoys log of our own questions: why one got no answer stands there alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::Rng as _;
use tokio::sync::oneshot;

/// What a question calls itself, before a number that nobody else knows.
const AGENT: &str = "cubegate-check/";

/// Envoys log once a second; what is not said after that is said no more.
const LIFETIME: Duration = Duration::from_secs(30);

/// The questions that are out; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<HashMap<String, Waiting>>>);

struct Waiting {
    since: Instant,
    tell: Option<oneshot::Sender<String>>,
}

/// A question that is out.
pub(super) struct Expected {
    /// What it says to be (`User-Agent`).
    pub(super) agent: String,
    /// Envoy's words for where its answer came from.
    pub(super) details: oneshot::Receiver<String>,
}

// === impl Said ===

impl Said {
    /// Begins a question.
    pub(super) fn expect(&self) -> Expected {
        let mut number = [0_u8; 16];
        rand::rng().fill_bytes(&mut number);
        let number = hex::encode(number);
        let (tell, details) = oneshot::channel();
        let now = Instant::now();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, waiting| now.duration_since(waiting.since) < LIFETIME);
        let agent = format!("{AGENT}{number}");
        waiting.insert(
            number,
            Waiting {
                since: now,
                tell: Some(tell),
            },
        );
        Expected { agent, details }
    }

    /// Takes what an Envoy has logged of a request that said to be `agent`. Returns whether
    /// it was a question of ours: it is nobody's request then.
    pub(crate) fn tell(&self, agent: &str, details: &str) -> bool {
        let Some(number) = agent.strip_prefix(AGENT) else {
            return false;
        };
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(waiting) = waiting.get_mut(number) else {
            return false;
        };
        if let Some(tell) = waiting.tell.take() {
            // Whoever has its answer waits for no more.
            let _ = tell.send(details.to_owned());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_our_own_questions_are_taken_out_of_the_log() {
        let said = Said::default();
        let Expected { agent, details } = said.expect();
        assert!(!said.tell("kubectl", "via_upstream"));
        assert!(!said.tell("cubegate-check/0123", "via_upstream"));
        assert!(said.tell(&agent, "no_route"));
        assert_eq!(details.await.unwrap(), "no_route");
        // A second line of the same question is no request of anybody either.
        assert!(said.tell(&agent, "via_upstream"));
        // Whose asker has gone.
        let gone = said.expect().agent;
        assert!(said.tell(&gone, "via_upstream"));
    }
}
